"""Mappings as data: one native record ⇄ one canonical event, for every format that is a row of records."""
