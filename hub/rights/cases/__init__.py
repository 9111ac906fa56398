"""Zaken: opened with an entry in the log, listed, answered once."""
