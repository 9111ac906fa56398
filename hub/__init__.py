"""The carrier: a message in over HTTP, committed, released, in the recipient's hands."""
