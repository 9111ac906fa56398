"""Terugroeping: a sender takes a wrong message back, and accounts for what it already gave away (AVG art. 33, 34)."""
