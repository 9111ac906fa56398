"""What limits sharing whatever its ground: beperking (AVG art. 18), bezwaar (art. 21) and afscherming."""
