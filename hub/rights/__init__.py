"""What a person may ask, and what the officer does for them."""
