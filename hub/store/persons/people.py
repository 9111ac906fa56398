"""Persons as organisations know them: refs, keyed BSN index, local numbers, trajects, placements."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, insert, select, tuple_, update

from consent.store.any_of import any_of
from consent.store.tables import involvement, person
from contracts.identity import KandidaatRef, Oin, PersonId, Role
from hub.store.tables import delivery, local_number, person_bsn, person_ref, placement, trajectory


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a ref names: the person it was given for, and the root of all persons joined with that one."""

    person: PersonId
    root: str


@dataclass(frozen=True, slots=True)
class Placement:
    """A placement (`plaatsingId`) at a workplace."""

    id: str
    workplace: Oin
    role: Role


_REFS = (
    select(person_ref.c.organisation, person_ref.c.ref, person.c.person_id, person.c.root)
    .join(person, person.c.person_id == person_ref.c.person_id)
    .where(any_of(person_ref.c.ref, "refs"), person_ref.c.erased_at.is_(None), person.c.erased_at.is_(None))
)
_GIVEN_REFS = (
    select(person_ref.c.organisation, person_ref.c.ref, person.c.root, person.c.person_id)
    .join(person, person.c.person_id == person_ref.c.person_id)
    .where(
        any_of(person.c.root, "roots"),
        any_of(person_ref.c.organisation, "organisations"),
    )
    .order_by(person.c.person_id)
)
_OWN_REFS = _GIVEN_REFS.where(person_ref.c.erased_at.is_(None), person.c.erased_at.is_(None))
_PLACEMENTS = (
    select(person.c.root, placement)
    .join(person, person.c.person_id == placement.c.person_id)
    .where(any_of(person.c.root, "roots"))
)


def resolve(connection: Connection, refs: Collection[tuple[Oin, str]]) -> dict[tuple[Oin, str], Known]:
    """Whom each (organisation, ref) names. Foreign, unknown and erased refs are all absent alike."""
    wanted = set(refs)
    rows = connection.execute(_REFS, {"refs": [ref for _, ref in wanted]})
    found = {(Oin(r.organisation), r.ref): Known(PersonId(r.person_id), r.root) for r in rows}
    return {key: known for key, known in found.items() if key in wanted}


def refs_of(connection: Connection, pairs: Collection[tuple[str, Oin]]) -> dict[tuple[str, Oin], KandidaatRef]:
    """The ref under which each organisation knows each root; absent where it knows nobody yet.

    An organisation that knew two persons before they were joined keeps both refs: it is spoken to under the one of the
    root itself where it has that, else under the first. The ref of each joined person stands under its own handle, too.
    A ref that was erased names nobody.
    """
    return _refs(connection, _OWN_REFS, pairs)


def given_refs(connection: Connection, pairs: Collection[tuple[str, Oin]]) -> dict[tuple[str, Oin], KandidaatRef]:
    """The same, but for an organisation that has none left the one that it had: what a notice is about (AVG 19)."""
    return _refs(connection, _GIVEN_REFS, pairs) | _refs(connection, _OWN_REFS, pairs)


def _refs(
    connection: Connection, query: Select[Any], pairs: Collection[tuple[str, Oin]]
) -> dict[tuple[str, Oin], KandidaatRef]:
    found: dict[tuple[str, Oin], KandidaatRef] = {}
    rows = connection.execute(
        query, {"roots": [root for root, _ in pairs], "organisations": [str(o) for _, o in pairs]}
    )
    for r in rows:
        key = (r.root, Oin(r.organisation))
        found[r.person_id, key[1]] = KandidaatRef(r.ref)
        if key not in found or r.person_id == r.root:
            found[key] = KandidaatRef(r.ref)
    return found


def give_refs(connection: Connection, rows: Iterable[tuple[KandidaatRef, Oin, str]]) -> None:
    """Store new refs: (ref, organisation, person)."""
    values = [{"ref": ref, "organisation": organisation, "person_id": who} for ref, organisation, who in rows]
    if values:
        connection.execute(insert(person_ref), values)


def note_registration(connection: Connection, organisation: Oin, root: str, ref: KandidaatRef, at: datetime) -> bool:
    """Remember that the organisation registered this person; False when it had done so before."""
    members = select(person.c.person_id).where(person.c.root == root)
    own = (person_ref.c.organisation == organisation) & person_ref.c.person_id.in_(members)
    own &= person_ref.c.erased_at.is_(None)
    if connection.execute(select(person_ref.c.ref).where(own, person_ref.c.registered_at.is_not(None))).first():
        return False
    connection.execute(update(person_ref).where(person_ref.c.ref == ref).values(registered_at=at))
    return True


def make_person(connection: Connection, handle: str, root: str) -> None:
    """A new person: by itself, or joined with those of another root, whose lock is held."""
    connection.execute(insert(person).values(person_id=handle, root=root))


def name_anew(connection: Connection, handle: str, who: str) -> str:
    """A new handle of a person who has one; the first that this person had. The lock of its root is held."""
    row = connection.execute(select(person.c.root, person.c.same_as).where(person.c.person_id == who)).one()
    first = str(row.same_as or who)
    connection.execute(insert(person).values(person_id=handle, root=row.root, same_as=first))
    return first


def was_erased(connection: Connection, organisation: Oin, root: str) -> bool:
    """True when this organisation erased its content about a person: its content keys of then are never made again."""
    query = (
        select(person_ref.c.ref)
        .join(person, person.c.person_id == person_ref.c.person_id)
        .where(person_ref.c.organisation == organisation, person.c.root == root, person_ref.c.erased_at.is_not(None))
    )
    return connection.execute(query.limit(1)).first() is not None


def handles(connection: Connection, root: str) -> frozenset[PersonId]:
    """Every handle of a person."""
    query = select(person.c.person_id).where(person.c.root == root)
    return frozenset(map(PersonId, connection.scalars(query)))


def roots_by_bsn(connection: Connection, organisation: Oin, index: bytes) -> Known | None:
    """Whom this organisation registered under this BSN (keyed index)."""
    row = connection.execute(
        select(person.c.person_id, person.c.root)
        .join(person_bsn, person_bsn.c.person_id == person.c.person_id)
        .where(person_bsn.c.organisation == organisation, person_bsn.c.bsn_index == index, person.c.erased_at.is_(None))
    ).first()
    return None if row is None else Known(PersonId(row.person_id), row.root)


def bsn_holders(connection: Connection, index: bytes) -> dict[Oin, Known]:
    """Every organisation that registered this BSN, with the person it registered."""
    rows = connection.execute(
        select(person_bsn.c.organisation, person.c.person_id, person.c.root)
        .join(person, person_bsn.c.person_id == person.c.person_id)
        .where(person_bsn.c.bsn_index == index, person.c.erased_at.is_(None))
    )
    return {Oin(r.organisation): Known(PersonId(r.person_id), r.root) for r in rows}


def note_bsn(connection: Connection, row: dict[str, Any]) -> None:
    """Remember that an organisation registered a BSN for a person, in the place of one who was erased (values of
    ``person_bsn``)."""
    same = (person_bsn.c.organisation == row["organisation"]) & (person_bsn.c.bsn_index == row["bsn_index"])
    connection.execute(delete(person_bsn).where(same))
    connection.execute(insert(person_bsn).values(row))


def has_bsn(connection: Connection, organisation: Oin, root: str) -> bool:
    """True when this organisation registered a BSN for this person, or for one who was joined with it."""
    members = select(person.c.person_id).where(person.c.root == root)
    query = select(person_bsn.c.person_id).where(
        person_bsn.c.organisation == organisation, person_bsn.c.person_id.in_(members)
    )
    return connection.execute(query).first() is not None


def bsns_differ(
    connection: Connection, ones: Collection[str], others: Collection[str], registered_by: Collection[str]
) -> bool:
    """True when these organisations registered BSNs for both, and not one of them is the same."""
    own = person_bsn.c.organisation.in_(list(registered_by))
    mine, theirs = (
        set(connection.scalars(select(person_bsn.c.bsn_index).where(own, person_bsn.c.person_id.in_(list(persons)))))
        for persons in (ones, others)
    )
    return bool(mine and theirs) and mine.isdisjoint(theirs)


def join_roots(connection: Connection, kept: str, merged: str) -> None:
    """Make two roots one: all refs stay valid, all facts of both count, and waiting messages share one line."""
    connection.execute(update(person).where(person.c.root == merged).values(root=kept))
    connection.execute(update(delivery).where(delivery.c.line == merged).values(line=kept))


def who_has_number(connection: Connection, organisation: Oin, index: bytes) -> Known | None:
    """Whom the organisation's own number names (keyed index)."""
    row = connection.execute(
        select(person.c.person_id, person.c.root)
        .join(local_number, local_number.c.person_id == person.c.person_id)
        .where(
            local_number.c.organisation == organisation,
            local_number.c.number_index == index,
            person.c.erased_at.is_(None),
        )
    ).first()
    return None if row is None else Known(PersonId(row.person_id), row.root)


def bind_number(connection: Connection, row: dict[str, Any]) -> None:
    """Bind an organisation's own number to a person, in place of the number it had (values of ``local_number``).

    The number is free: whoever bore it before was erased.
    """
    own = local_number.c.organisation == row["organisation"]
    connection.execute(delete(local_number).where(own, local_number.c.number_index == row["number_index"]))
    same = (local_number.c.organisation == row["organisation"]) & (local_number.c.person_id == row["person_id"])
    changed = connection.execute(
        update(local_number).where(same).values(number_index=row["number_index"], sealed=row["sealed"])
    )
    if changed.rowcount == 0:
        connection.execute(insert(local_number).values(row))


def open_trajectory(connection: Connection, row: dict[str, Any], involvement_id: str) -> None:
    """A traject (values of ``trajectory``), and the involvement of the organisation that opened it."""
    connection.execute(insert(trajectory).values(row))
    connection.execute(
        insert(involvement).values(
            involvement_id=involvement_id,
            person_id=row["person_id"],
            organisation=row["opened_by"],
            trajectory_id=row["trajectory_id"],
            framework=row["framework"],
            valid_from=row["valid_from"],
            valid_until=row["valid_until"],
        )
    )


def involve(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Note involvements that the release of opening messages begins (values of ``involvement``)."""
    if rows:
        connection.execute(insert(involvement), rows)


def placements(connection: Connection, roots: Collection[str]) -> dict[str, tuple[Placement, ...]]:
    """Where each person is or was placed; nowhere, for one who was placed nowhere."""
    found: dict[str, list[Placement]] = {root: [] for root in roots}
    for r in connection.execute(_PLACEMENTS, {"roots": list(roots)}):
        found[r.root].append(Placement(r.placement_id, Oin(r.workplace), Role(r.workplace_role)))
    return {root: tuple(items) for root, items in found.items()}


def note_placements(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Remember which plaatsingId is where (values of ``placement``); one that is known already stays as it is."""
    if not rows:
        return
    keys = [(r["person_id"], r["placement_id"], r["workplace"]) for r in rows]
    columns = tuple_(placement.c.person_id, placement.c.placement_id, placement.c.workplace)
    known = {tuple(r) for r in connection.execute(select(*columns.clauses).where(columns.in_(keys)))}
    fresh = {key: row for key, row in zip(keys, rows, strict=True) if key not in known}
    if fresh:
        connection.execute(insert(placement), list(fresh.values()))
