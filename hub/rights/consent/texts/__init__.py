"""Texts of notices (`verklaring`): what an organisation publishes, word for word, and may find to be wrong."""
