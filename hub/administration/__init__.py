"""What operators do: parties, machtigingen, agreements and grounds.

Each verb takes the transaction it works in and an ``Act`` (who does it, and the log it is written in). Commands run a
verb by ``hub.store.writer.single``, a view by the writer; both hold ``Locks(rules_exclusive=True)``.
"""
