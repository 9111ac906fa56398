"""SQL of organisations, systems and the machtigingen between them.

Every function joins the caller's transaction and never commits. Changes are made under ``Locks(rules_exclusive=True)``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, update

from contracts.canonical import sha256_hex
from contracts.identity import Oin, Role
from hub.store.tables import mandate, organisation, system


@dataclass(frozen=True, slots=True)
class Organisation:
    """A party of the region as it is registered."""

    oin: Oin
    name: str
    role: Role
    legal_form: str | None
    added_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class System:
    """A software system (client) with its public keys, a JWK set (RFC 7517 §5)."""

    name: str
    jwks: Mapping[str, Any]
    added_at: datetime
    suspended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Mandate:
    """A machtiging: this system acts for this organisation. ``kinds`` ``None`` is every kind."""

    id: str
    organisation: Oin
    system: str
    scopes: frozenset[str]
    kinds: frozenset[str] | None
    valid_until: datetime | None
    added_at: datetime
    ended_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Neither ended nor past its term at ``at`` (half-open)."""
        return all(end is None or at < end for end in (self.valid_until, self.ended_at))


def _organisation(row: Row[Any]) -> Organisation:
    return Organisation(Oin(row.oin), row.name, Role(row.role), row.legal_form, row.added_at, row.suspended_at)


def _system(row: Row[Any]) -> System:
    return System(row.name, row.jwks, row.added_at, row.suspended_at)


def _mandate(row: Row[Any]) -> Mandate:
    kinds = None if row.kinds is None else frozenset(row.kinds)
    ends = (row.valid_until, row.added_at, row.ended_at)
    return Mandate(row.mandate_id, Oin(row.organisation), row.system, frozenset(row.scopes), kinds, *ends)


def organisation_by_oin(connection: Connection, oin: Oin) -> Organisation | None:
    """One organisation, suspended or not, or ``None``."""
    row = connection.execute(select(organisation).where(organisation.c.oin == oin)).one_or_none()
    return None if row is None else _organisation(row)


def all_organisations(connection: Connection) -> Sequence[Organisation]:
    """Every organisation, in order of OIN."""
    return [_organisation(row) for row in connection.execute(select(organisation).order_by(organisation.c.oin))]


def insert_organisation(connection: Connection, value: Organisation) -> None:
    """A new organisation; the caller has seen that the OIN is free."""
    connection.execute(
        insert(organisation).values(
            oin=value.oin,
            name=value.name,
            legal_form=value.legal_form,
            role=value.role,
            added_at=value.added_at,
        )
    )


def suspend_organisation(connection: Connection, oin: Oin, at: datetime) -> bool:
    """Suspend at ``at``; ``False`` when it is not there or was suspended already."""
    statement = update(organisation).where(organisation.c.oin == oin, organisation.c.suspended_at.is_(None))
    return connection.execute(statement.values(suspended_at=at)).rowcount > 0


def system_by_name(connection: Connection, name: str) -> System | None:
    """One system, or ``None``."""
    row = connection.execute(select(system).where(system.c.name == name)).one_or_none()
    return None if row is None else _system(row)


def all_systems(connection: Connection) -> Sequence[System]:
    """Every system, in order of name."""
    return [_system(row) for row in connection.execute(select(system).order_by(system.c.name))]


def insert_system(connection: Connection, value: System) -> None:
    """A new system; the caller has seen that the name is free."""
    connection.execute(insert(system).values(name=value.name, jwks=dict(value.jwks), added_at=value.added_at))


def replace_keys(connection: Connection, name: str, jwks: Mapping[str, Any]) -> bool:
    """Put another key set in the place of the old one; ``False`` when there is no such system."""
    return connection.execute(update(system).where(system.c.name == name).values(jwks=dict(jwks))).rowcount > 0


def mandate_by_id(connection: Connection, mandate_id: str) -> Mandate | None:
    """One machtiging, or ``None``."""
    row = connection.execute(select(mandate).where(mandate.c.mandate_id == mandate_id)).one_or_none()
    return None if row is None else _mandate(row)


def mandates_of(connection: Connection, oin: Oin | None = None, name: str | None = None) -> Sequence[Mandate]:
    """Machtigingen, also ended ones, in order of id; of one organisation, one system, or both."""
    query = select(mandate).order_by(mandate.c.mandate_id)
    if oin is not None:
        query = query.where(mandate.c.organisation == oin)
    if name is not None:
        query = query.where(mandate.c.system == name)
    return [_mandate(row) for row in connection.execute(query)]


def keys_digest(jwks: Mapping[str, Any]) -> str:
    """What a token holds of the key set by which it was asked: SHA-256 of its canonical form, hexadecimal."""
    return sha256_hex(dict(jwks))


_ENDS = (mandate.c.valid_until, mandate.c.ended_at, system.c.suspended_at, organisation.c.suspended_at)
_IN_FORCE: Final = (
    select(mandate, system.c.jwks)
    .join(system, system.c.name == mandate.c.system)
    .join(organisation, organisation.c.oin == mandate.c.organisation)
    .where(
        mandate.c.system == bindparam("name"),
        *(or_(end.is_(None), end > bindparam("at", type_=mandate.c.ended_at.type)) for end in _ENDS),
    )
    .order_by(mandate.c.mandate_id)
)


def mandates_in_force(connection: Connection, name: str, at: datetime, keys: str | None = None) -> Sequence[Mandate]:
    """For whom a system may act at ``at``: its machtigingen in force, system and organisation not suspended.

    With ``keys`` (a ``keys_digest``) for nobody, once the system has another key set.
    """
    rows = connection.execute(_IN_FORCE, {"name": name, "at": at}).all()
    if rows and keys is not None and keys_digest(rows[0].jwks) != keys:
        return []
    return [_mandate(row) for row in rows]


def insert_mandate(connection: Connection, value: Mandate) -> None:
    """A new machtiging; organisation and system are there."""
    connection.execute(
        insert(mandate).values(
            mandate_id=value.id,
            organisation=value.organisation,
            system=value.system,
            scopes=sorted(value.scopes),
            kinds=None if value.kinds is None else sorted(value.kinds),
            valid_until=value.valid_until,
            added_at=value.added_at,
        )
    )


def end_mandate(connection: Connection, mandate_id: str, at: datetime) -> bool:
    """End a machtiging at ``at``; ``False`` when it is not there or had ended already."""
    statement = update(mandate).where(mandate.c.mandate_id == mandate_id, mandate.c.ended_at.is_(None))
    return connection.execute(statement.values(ended_at=at)).rowcount > 0
