"""The rules behind ``consent.decision.decide``: the checks one by one, and the coverage of each category. No I/O."""
