"""Joining and splitting persons, in SQL: what officers asked for, who belongs together, whom no BSN joins again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, insert, or_, select, update

from consent.store.any_of import any_of
from consent.store.tables import person, release_basis, secrecy_release, statement
from contracts.identity import KandidaatRef, Oin, PersonId
from hub.store.persons.people import Known, bsn_holders
from hub.store.tables import delivery, held_apart, identity_request, message, person_ref


@dataclass(frozen=True, slots=True)
class OwnRef:
    """A ref of an organisation, and whether it registered the person itself under it or only learned of it."""

    ref: KandidaatRef
    person: PersonId
    root: str
    registered: bool

    @property
    def known(self) -> Known:
        """Whom it names."""
        return Known(self.person, self.root)


_MEMBERS = select(person.c.root, person.c.person_id).where(any_of(person.c.root, "roots"))
_REFS = (
    select(person_ref.c.ref, person_ref.c.registered_at, person.c.person_id, person.c.root)
    .join(person, person.c.person_id == person_ref.c.person_id)
    .where(person.c.erased_at.is_(None), person_ref.c.erased_at.is_(None))
    .order_by(person_ref.c.ref)
)
_HOLDERS = select(person_ref.c.organisation, person_ref.c.person_id).where(
    any_of(person_ref.c.person_id, "persons"), person_ref.c.erased_at.is_(None)
)
_REQUESTS = (
    select(identity_request, person.c.root)
    .join(person, person.c.person_id == identity_request.c.person_id)
    .where(person.c.erased_at.is_(None))
)


def add_request(connection: Connection, values: dict[str, Any]) -> None:
    """What a first officer asks (values of ``identity_request``)."""
    connection.execute(insert(identity_request).values(values))


def by_code(connection: Connection, kind: str, code_index: bytes) -> Row[Any] | None:
    """What was asked under this code, used and expired ones too, with the root of its person."""
    query = _REQUESTS.where(identity_request.c.code_index == code_index, identity_request.c.kind == kind)
    return connection.execute(query).one_or_none()


def requests_of(connection: Connection, kind: str, organisation: Oin, who: str) -> list[Row[Any]]:
    """What this organisation asked for a person, or confirmed by a ref of that person, oldest first."""
    asked = and_(identity_request.c.organisation == organisation, identity_request.c.person_id == who)
    confirmed = and_(identity_request.c.confirmed_by == organisation, identity_request.c.confirmed_person == who)
    query = _REQUESTS.where(identity_request.c.kind == kind, or_(asked, confirmed))
    return list(connection.execute(query.order_by(identity_request.c.asked_at, identity_request.c.request_id)))


def finish(connection: Connection, request_id: str, values: Mapping[str, Any]) -> None:
    """Note that a second officer confirmed it, and what came of it."""
    same = identity_request.c.request_id == request_id
    connection.execute(update(identity_request).where(same).values(dict(values)))


def crossed_before(connection: Connection, persons: Collection[str]) -> set[str]:
    """Deliveries of which an earlier split of one of these persons told already."""
    query = select(identity_request.c.crossed).where(
        identity_request.c.person_id.in_(list(persons)), identity_request.c.crossed.is_not(None)
    )
    return {delivery_id for found in connection.scalars(query) for delivery_id in found}


def members(connection: Connection, roots: Collection[str]) -> frozenset[str]:
    """Handles of all persons under these roots."""
    return frozenset(row.person_id for row in connection.execute(_MEMBERS, {"roots": list(roots)}))


def namesakes(connection: Connection, who: str, members: Collection[str]) -> frozenset[str]:
    """Those of these handles that are of the very person whom ``who`` is of (``people.name_anew``)."""
    query = select(person.c.person_id, person.c.same_as).where(person.c.person_id.in_(list(members)))
    first = {row.person_id: row.same_as or row.person_id for row in connection.execute(query)}
    return frozenset(handle for handle in first if first[handle] == first[who])


def own_ref(connection: Connection, organisation: Oin, ref: str) -> OwnRef | None:
    """A ref of this organisation. Foreign, unknown and erased refs are all absent alike."""
    query = _REFS.where(person_ref.c.organisation == organisation, person_ref.c.ref == ref)
    return next((_own(row) for row in connection.execute(query)), None)


def own_refs(connection: Connection, organisation: Oin, persons: Collection[str]) -> list[OwnRef]:
    """All refs under which an organisation knows these persons."""
    query = _REFS.where(person_ref.c.organisation == organisation, person.c.person_id.in_(list(persons)))
    return [_own(row) for row in connection.execute(query)]


def _own(row: Any) -> OwnRef:
    return OwnRef(KandidaatRef(row.ref), PersonId(row.person_id), row.root, row.registered_at is not None)


def who_knows(connection: Connection, persons: Collection[str]) -> dict[str, frozenset[str]]:
    """Organisation → those of these persons for whom it has a ref."""
    found: dict[str, frozenset[str]] = {}
    for row in connection.execute(_HOLDERS, {"persons": list(persons)}):
        found[row.organisation] = found.get(row.organisation, frozenset()) | {row.person_id}
    return found


def of_whom(connection: Connection, delivery_ids: Collection[str]) -> dict[str, frozenset[str]]:
    """Per release, the persons of whose statements and releases from secrecy it made use."""
    found: dict[str, frozenset[str]] = {}
    for table, key in ((statement, statement.c.statement_id), (secrecy_release, secrecy_release.c.release_id)):
        query = (
            select(release_basis.c.delivery_id, table.c.person_id)
            .join(table, key == release_basis.c.statement_id)
            .where(any_of(release_basis.c.delivery_id, "ids"))
        )
        for row in connection.execute(query, {"ids": list(delivery_ids)}):
            found[row.delivery_id] = found.get(row.delivery_id, frozenset()) | {row.person_id}
    return found


def invalidated(connection: Connection, persons: Collection[str]) -> dict[str, datetime]:
    """Since when statements of these persons count as invalid; absent: they do not."""
    query = select(statement.c.statement_id, statement.c.invalid_at).where(
        any_of(statement.c.person_id, "persons"), statement.c.invalid_at.is_not(None)
    )
    return {row.statement_id: row.invalid_at for row in connection.execute(query, {"persons": list(persons)})}


def separate(connection: Connection, groups: Iterable[tuple[str, Collection[str]]]) -> None:
    """Give each group (its root, its persons) a root of its own; what is about them goes on in a line of its own."""
    for root, persons in groups:
        own = list(persons)
        connection.execute(update(person).where(person.c.person_id.in_(own)).values(root=root))
        about = select(message.c.message_id).where(message.c.person_id.in_(own))
        moves = update(delivery).where(delivery.c.message_id.in_(about), delivery.c.line != root)
        connection.execute(moves.values(line=root))


def hold_apart(connection: Connection, request_id: str, pairs: Iterable[tuple[str, str]], since: datetime) -> None:
    """From now on only two officers join these."""
    rows = [{"request_id": request_id, "person_a": a, "person_b": b, "since": since} for a, b in map(sorted, pairs)]
    if rows:
        connection.execute(insert(held_apart), rows)


def let_together(connection: Connection, ones: Collection[str], others: Collection[str], at: datetime) -> None:
    """Two officers join them: what held them apart ends."""
    connection.execute(update(held_apart).where(_between(ones, others)).values(ended_at=at))


def are_held_apart(connection: Connection, roots: Collection[str]) -> bool:
    """True when a person under one of these roots is held apart from one under another of them."""
    if len(roots) < 2:
        return False
    groups = [members(connection, [root]) for root in roots]
    return any(
        connection.execute(select(held_apart.c.request_id).where(_between(ones, others)).limit(1)).first() is not None
        for place, ones in enumerate(groups)
        for others in groups[:place]
    )


def to_be_joined(connection: Connection, bsn_index: bytes, ends: tuple[Oin, Oin], root: str) -> str | None:
    """The root with which the release of an opening message that bears this BSN joins ``root``, if there is one.

    Only a BSN that both ends registered themselves joins, and only for the person whom the sender means. Whom two
    officers split only two officers join again.
    """
    holders = bsn_holders(connection, bsn_index)
    mine, theirs = (holders.get(end) for end in ends)
    if mine is None or theirs is None or mine.root != root or theirs.root == root:
        return None
    return None if are_held_apart(connection, (root, theirs.root)) else theirs.root


def _between(ones: Collection[str], others: Collection[str]) -> ColumnElement[bool]:
    a, b = held_apart.c.person_a, held_apart.c.person_b
    across = or_(and_(a.in_(list(ones)), b.in_(list(others))), and_(a.in_(list(others)), b.in_(list(ones))))
    return and_(held_apart.c.ended_at.is_(None), across)
