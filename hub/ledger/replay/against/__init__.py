"""What the log told, held against what stands in the tables."""
