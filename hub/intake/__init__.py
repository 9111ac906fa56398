"""HTTP in, until committed. Read accept.py first."""
