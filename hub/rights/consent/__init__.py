"""The verbs on what a person said, one module each; ``hub.rights.statements`` is their one face."""
