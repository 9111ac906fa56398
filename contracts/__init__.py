"""What may be said: identities, the envelope, the kinds of message, agreements, minimisation, errors. Pure."""
