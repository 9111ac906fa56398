"""The facts about persons in SQL: tables, reading them for the gate, writing them in the caller's transaction."""
