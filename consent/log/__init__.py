"""The evidence log: an append-only Merkle tree in C2SP tlog-tiles form."""
