"""Statement receipts (`toestemmingsbewijs`): what the log says of one statement, in a form that anybody can check."""
