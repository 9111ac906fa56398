"""The gate at work: for whom a message is, and whether each of them may have it."""
