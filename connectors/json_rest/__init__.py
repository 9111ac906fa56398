"""JSON over REST: the canonical events themselves, or a platform's own JSON with its own names."""
