"""``hub demo``: a sample region, played for real. The hub and each partner are processes of their own.

What happens and what must come of it are data (``region/``); here is only who starts what, and who compares.
"""
