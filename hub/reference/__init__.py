"""What may be looked up: agreements, organisations, message types, code lists, the evidence log, the hub's state."""
