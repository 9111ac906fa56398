"""Committed, until in the recipient's hands. Read release.py second."""
