"""SQL of messages on their way: messages, deliveries, outbox, mailboxes."""
