"""CSV files: one line is one message; everything that differs per partner stands in a mapping file."""
