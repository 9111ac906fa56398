"""Wissing (AVG art. 17): keys are destroyed in the right order, by one organisation or as a whole, and it is shown."""
