"""SQL of access: for whom a system may act now, and which client assertions were used before.

``mandate_facts`` belongs inside the transaction that decides: what a token says was true when it was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from contracts.errors import TokenInvalid
from contracts.identity import Oin
from hub.store.database import is_sqlite
from hub.store.region.parties import mandates_in_force
from hub.store.tables import client_assertion, mandate, organisation, system
from hub.store.writer import Transaction

#: How long a used assertion is remembered beyond its end: the clock that checked it may lag behind the database's.
_MARGIN: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who acts, and by which systeem: its machtiging must hold in the transaction that does what is asked.

    ``scope``: the one that the act needs; ``None``: any. ``keys``: the systeem's key set when its token was made
    (``keys_digest``), which it must have still; ``None``: no token is at hand, or one of before tokens said it.
    ``held``: all scopes that its token bears.
    """

    organisation: Oin
    system: str
    scope: str | None = None
    keys: str | None = None
    held: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class MandateFacts:
    """What a system may do for one organisation at one instant. Nothing in force: no scopes, no kinds."""

    scopes: frozenset[str] = frozenset()
    kinds: frozenset[str] | None = frozenset()  # None: every kind

    @property
    def active(self) -> bool:
        """True while at least one machtiging is in force, and neither side is suspended."""
        return bool(self.scopes)

    def opens(self, kind: str) -> bool:
        """True when a message of this kind may pass through the system."""
        return self.kinds is None or kind in self.kinds


def mandate_facts(connection: Connection, asker: Asker, at: datetime) -> MandateFacts:
    """The machtigingen of the asker's systeem for its organisation in force at ``at``, added up.

    With ``scope`` only those that bear it count. A suspended organisation or systeem has none, nor has a token that was
    asked by keys that the systeem has no more.
    """
    found = [
        m
        for m in mandates_in_force(connection, asker.system, at, asker.keys)
        if m.organisation == asker.organisation and (asker.scope is None or asker.scope in m.scopes)
    ]
    if not found:
        return MandateFacts()
    kinds = [m.kinds for m in found]
    return MandateFacts(
        scopes=frozenset().union(*(m.scopes for m in found)),
        kinds=None if None in kinds else frozenset().union(*(k for k in kinds if k is not None)),
    )


def organisations_with(connection: Connection, scope: str, at: datetime) -> list[Oin]:
    """The organisations for which some system may use this scope at ``at``, neither of them suspended."""
    query = (
        select(mandate.c.organisation, mandate.c.scopes)
        .join(system, system.c.name == mandate.c.system)
        .join(organisation, organisation.c.oin == mandate.c.organisation)
        .where(
            *(or_(end.is_(None), end > at) for end in (mandate.c.valid_until, mandate.c.ended_at)),
            *(or_(end.is_(None), end > at) for end in (system.c.suspended_at, organisation.c.suspended_at)),
        )
    )
    return sorted({Oin(row.organisation) for row in connection.execute(query) if scope in row.scopes})


@dataclass(frozen=True, slots=True)
class UsedAssertion:
    """A client assertion that proved somebody: its ``jti`` (as SHA-256) may come back only after ``expires_at``."""

    system: str
    jti_hash: bytes
    expires_at: datetime


def remember_assertions(transaction: Transaction, items: Sequence[UsedAssertion]) -> list[bool]:
    """Write each down once: ``False`` where it was used before. The unique key decides: no two processes both win."""
    connection = transaction.connection
    connection.execute(delete(client_assertion).where(client_assertion.c.expires_at < transaction.now - _MARGIN))
    insert = sqlite.insert if is_sqlite(connection) else postgresql.insert
    outcomes = []
    for item in items:
        statement = insert(client_assertion).values(
            system=item.system, jti_hash=item.jti_hash, expires_at=item.expires_at
        )
        # Not by ``rowcount``: SQLAlchemy does not keep it for an INSERT on PostgreSQL.
        made = statement.on_conflict_do_nothing().returning(client_assertion.c.system)
        outcomes.append(connection.execute(made).first() is not None)
    return outcomes


def require_active(connection: Connection, asker: Asker, at: datetime) -> None:
    """Inside the deciding transaction: raises ``TokenInvalid`` once the machtiging, or either side, has ended, or the
    systeem's keys were replaced."""
    if not mandate_facts(connection, asker, at).active:
        raise TokenInvalid
