"""The hub's own keys, and sealing with keys."""
