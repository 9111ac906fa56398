"""Inzage as a letter on A4 in plain Dutch (B1): who got what, when, what for, and why that was allowed. Pure."""
