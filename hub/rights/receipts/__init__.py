"""Receipts of statements (`toestemmingsbewijs`): what the log must hold for them, and giving them out."""
