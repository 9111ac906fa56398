"""The end of a traject, and of a life: what follows at once when a closing message is accepted."""
