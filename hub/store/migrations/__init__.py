"""The shape of the database, step by step: ``schema.py`` runs the steps, ``versions/`` holds them."""
