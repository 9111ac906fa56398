"""The verifier: looks at the evidence with the cable out and with public keys only."""
