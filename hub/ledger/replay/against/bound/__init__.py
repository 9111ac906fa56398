"""What the log binds by a digest, or by what stands beside it in another table: held against the rows."""
