"""What the steps of a script can do, by subject. Each act tells what it saw; comparing is the player's."""
