"""The same acts over HTTP, by an operator's systeem in the place of the command line; the verbs are those above."""
