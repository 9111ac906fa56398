"""Versioned code lists as data, and the one loader."""
