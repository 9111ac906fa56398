"""What was taken away, remembered outside the database and, after a restore to an older state, taken away again."""
