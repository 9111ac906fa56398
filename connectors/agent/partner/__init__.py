"""A partner that plays a script: ``python -m connectors.agent.partner SETTINGS`` as a process of its own.

It knows the hub's address, its own key and its script, and nothing else: it speaks HTTP and OAuth only. The script is a
data file; whoever starts the partner tells it, line by line on its input, which turn of the script is on.
"""
