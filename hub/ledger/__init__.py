"""What the hub writes in the evidence log, and the thread that keeps the log going."""
