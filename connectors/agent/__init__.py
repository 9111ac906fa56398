"""What a partner runs at home: translate and send, fetch and hand over, acknowledge, receive webhooks.

It knows the hub's address and its own key, and nothing of the hub's inside.
"""
