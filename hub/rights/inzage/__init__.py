"""Inzage (AVG art. 15): what is done with somebody's data here, for one organisation and for the whole region."""
