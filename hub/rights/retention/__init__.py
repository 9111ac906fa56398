"""Retention (AVG art. 5(1)(e)): what is past its term goes by itself, in small steps, and it is shown that it went."""
