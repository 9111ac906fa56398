"""SQL of persons as organisations know them, and of their cases."""
