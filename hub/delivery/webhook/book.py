"""Puts and ends subscriptions, each with its entry in the log: where messages go cannot change unseen.

Under the system's key: a subscription is of an organisation, and tells of no person.
"""

from contracts.identity import Oin
from hub.ledger.evidence import Evidence, Fact, subscribed, unsubscribed
from hub.store.region import subscriptions
from hub.store.region.subscriptions import Subscription
from hub.store.writer import Transaction


def put(evidence: Evidence, tx: Transaction, new: Subscription) -> bool:
    """Store a subscription instead of an earlier one; True when there was none."""
    fresh = subscriptions.put(tx.connection, new)
    evidence.append(tx.connection, [Fact(None, subscribed(subscriptions.values_of(new)))])
    return fresh


def end(evidence: Evidence, tx: Transaction, organisation: Oin, system: str) -> bool:
    """End it, as this systeem asks; True when there was one."""
    return _ended(evidence, tx, organisation, system, None)


def end_gone(evidence: Evidence, tx: Transaction, organisation: Oin, url: str | None) -> bool:
    """End it, as its address answered; not one that was put for another address meanwhile. True when there was one."""
    return _ended(evidence, tx, organisation, None, url)


def _ended(evidence: Evidence, tx: Transaction, organisation: Oin, system: str | None, url: str | None) -> bool:
    if not subscriptions.end(tx.connection, organisation, tx.now, url):
        return False  # nothing changed, so there is nothing to tell
    evidence.append(tx.connection, [Fact(None, unsubscribed(organisation, system, tx.now))])
    return True
