"""Whether it may be shared, and the memory of that: facts, the decision, statements, keys and the evidence log."""
