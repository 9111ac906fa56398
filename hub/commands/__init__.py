"""The commands of ``hub``, by subject: they read what was typed, call a verb, and show its answer. No rule is here.

Nothing but click is imported before a command runs, so that ``hub --help`` answers at once.
"""
