"""Reading the facts about persons, many at once, inside the transaction that decides on them and after its locks."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Executable, Row, Select, Table, and_, literal, null, select, type_coerce, union_all

from consent.facts import (
    Choice,
    Closing,
    ConsentFlow,
    Involvement,
    Objection,
    ObjectionOutcome,
    PersonFacts,
    Restriction,
    SecrecyRelease,
    Shield,
    Speaker,
    Statement,
    StatementStatus,
    Stop,
)
from consent.store.any_of import any_of
from consent.store.tables import (
    involvement,
    objection,
    person,
    restriction,
    secrecy_release,
    shield,
    statement,
    statement_part,
    stop,
    stop_answer,
    stop_flow,
)
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, SecrecySubject

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

#: Persons, each with the involvements of these organisations alone: a row without one where there is none.
_PERSONS = (
    select(person, *(c for c in involvement.c if c.name != "person_id"))
    .outerjoin(
        involvement,
        and_(involvement.c.person_id == person.c.person_id, any_of(involvement.c.organisation, "organisations")),
    )
    .where(any_of(person.c.root, "roots"))
)
#: Of a statement only what decides: not the notice that was shown, nor what lies sealed.
_DECIDING = [c for c in statement.c if c.name not in ("notice", "authority_sealed", "reason_sealed")]


def _limit(of: Table, key: str, *, ends: str, senders: bool = True, outcome: bool = False) -> Select[Any]:
    """One kind of what limits sharing, in the columns that all three have."""
    return select(
        literal(of.name).label("kind"),
        of.c[key].label("id"),
        of.c.person_id,
        (of.c.senders if senders else type_coerce(null(), restriction.c.senders.type)).label("senders"),
        of.c.receivers,
        (of.c.purpose if senders else null()).label("purpose"),
        of.c.at,
        of.c[ends].label("ended_at"),
        (of.c.outcome if outcome else null()).label("outcome"),
    ).where(any_of(of.c.person_id, "persons"))


# One statement for the three: each would cost a round trip of every decision, and few persons have any of them.
_LIMITS = union_all(
    _limit(restriction, "restriction_id", ends="ended_at"),
    _limit(objection, "objection_id", ends="decided_at", outcome=True),
    _limit(shield, "shield_id", ends="lifted_at", senders=False),
)
_BY_PERSON = {
    table.name: select(*columns).where(any_of(table.c.person_id, "persons"))
    for table, columns in (
        (involvement, involvement.c),
        (statement, _DECIDING),
        (stop, stop.c),
        (secrecy_release, secrecy_release.c),
    )
} | {"limit": _LIMITS}
_PARTS = select(statement_part).where(any_of(statement_part.c.statement_id, "ids"))
_STOPPED = union_all(
    select(stop_flow).where(any_of(stop_flow.c.stop_id, "ids")),
    select(
        stop_answer.c.stop_id,
        stop_answer.c.sender,
        literal("").label("receiver"),
        literal("").label("purpose"),
        stop_answer.c.answer,
        stop_answer.c.at,
    ).where(any_of(stop_answer.c.stop_id, "ids")),
)


@dataclass(frozen=True, slots=True)
class PersonRecord:
    """A person's facts; ``latest``: the newest instant at which one of them was recorded or ended.

    Nothing may be decided for this person as of an earlier instant, or a clock set back would undo a withdrawal.
    Where it is not ``whole`` it was read for an organisation that takes no part: it holds of the facts only that the
    person is there, and that organisation's own involvements.
    """

    facts: PersonFacts = field(default_factory=PersonFacts)
    latest: datetime = _LONG_AGO
    members: frozenset[str] = frozenset()  # handles of all persons joined under this root
    whole: bool = True


class Readers(NamedTuple):
    """For whom persons are read, and when."""

    organisations: Collection[Oin]
    now: datetime


def read_persons(
    connection: Connection, roots: Collection[str], readers: Readers | None = None
) -> dict[str, PersonRecord]:
    """The facts of each root; a root that does not exist gets the empty record, which allows nothing.

    With ``readers`` a person in whose trajecten none of them takes part is not read further. Such a sender is refused
    whatever else is known, so that what others said of the person must not show in what the refusal costs (promise 7):
    as many statements are asked, and as many rows read, as of somebody of whom nothing is known.
    """
    found: dict[str, dict[str, Row[Any]]] = defaultdict(dict)
    own: dict[str, list[Row[Any]]] = defaultdict(list)
    organisations = [] if readers is None else list(readers.organisations)
    for row in connection.execute(_PERSONS, {"roots": list(roots), "organisations": organisations}):
        found[row.root][row.person_id] = row
        if row.involvement_id is not None:
            own[row.root].append(row)
    open_ = {root for root in found if readers is None or any(_runs(row, readers.now) for row in own[root])}
    root_of = {person_id: root for root in open_ for person_id in found[root]}
    rows = {name: _grouped(connection, query, root_of) for name, query in _BY_PERSON.items()}
    parts = _parts(connection, [r.statement_id for group in rows["statement"].values() for r in group])
    stopped = _stopped(connection, [r.stop_id for group in rows["stop"].values() for r in group])
    records = {}
    for root in roots:
        facts = {name: group.get(root, []) for name, group in rows.items()}
        if root not in open_:
            facts["involvement"] = own[root]
        record = _record(found[root].values(), facts, parts, stopped)
        records[root] = record if root in open_ or readers is None else replace(record, whole=False)
    return records


def _runs(row: Row[Any], now: datetime) -> bool:
    """True where an involvement may count. One that a release began did so, though the clock was set back; one that a
    closing message ended still does for what was accepted before it."""
    begun = row.opened_by is not None or row.valid_from <= now
    return bool(begun and (row.closed_by is not None or row.valid_until is None or now < row.valid_until))


def _grouped(connection: Connection, query: Executable, root_of: Mapping[str, str]) -> dict[str, list[Row[Any]]]:
    groups: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query, {"persons": list(root_of)}):
        groups[root_of[row.person_id]].append(row)
    return groups


def _parts(connection: Connection, ids: list[str]) -> dict[str, dict[Oin, datetime]]:
    # Asked also of no ids: whether somebody ever said anything must not show in the work that is done.
    parts: dict[str, dict[Oin, datetime]] = defaultdict(dict)
    for row in connection.execute(_PARTS, {"ids": ids}):
        parts[row.statement_id][Oin(row.sender)] = row.confirmed_at
    return parts


def _stopped(connection: Connection, ids: list[str]) -> dict[str, list[Row[Any]]]:
    stopped: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(_STOPPED, {"ids": ids}):
        stopped[row.stop_id].append(row)
    return stopped


def _record(
    persons: Iterable[Row[Any]],
    rows: Mapping[str, list[Row[Any]]],
    parts: Mapping[str, dict[Oin, datetime]],
    stopped: Mapping[str, list[Row[Any]]],
) -> PersonRecord:
    persons = list(persons)
    facts = PersonFacts(
        known=bool(persons),
        erased=any(p.erased_at is not None for p in persons),
        deceased=any(p.deceased_at is not None for p in persons),
        involvements=tuple(_involvement(r) for r in rows["involvement"]),
        statements=tuple(to_statement(r, parts.get(r.statement_id, {})) for r in rows["statement"]),
        stops=tuple(to_stop(r, stopped.get(r.stop_id, [])) for r in rows["stop"]),
        secrecy_releases=tuple(_secrecy_release(r) for r in rows["secrecy_release"]),
        restrictions=tuple(_restriction(r) for r in rows["limit"] if r.kind == restriction.name),
        objections=tuple(_objection(r) for r in rows["limit"] if r.kind == objection.name),
        shields=tuple(_shield(r) for r in rows["limit"] if r.kind == shield.name),
    )
    instants = [p.erased_at for p in persons] + [p.deceased_at for p in persons]
    instants += [r.valid_from for r in rows["involvement"] if r.opened_by is not None]  # begun by a release
    instants += [at for r in rows["involvement"] for at in (r.closed_at, r.told_at)]
    for r in rows["statement"]:
        instants += [r.recorded_at, r.ended_at, r.invalid_at, r.own_at, *parts.get(r.statement_id, {}).values()]
    for r in rows["stop"]:
        instants += [r.at, *(one.at for one in stopped.get(r.stop_id, []))]
    for r in rows["secrecy_release"]:
        instants += [r.recorded_at, r.ended_at]
    for r in rows["limit"]:
        instants += [r.at, r.ended_at]
    latest = max((i for i in instants if i is not None), default=_LONG_AGO)
    return PersonRecord(facts, latest, frozenset(p.person_id for p in persons))


def _involvement(row: Row[Any]) -> Involvement:
    return Involvement(
        Oin(row.organisation),
        row.trajectory_id,
        LegalFramework(row.framework),
        row.valid_from,
        row.valid_until,
        closing=None
        if row.closed_by is None
        else Closing(row.closed_by, row.closed_at, row.planned_until, row.told_at),
    )


def to_statement(row: Row[Any], confirmed: Mapping[Oin, datetime]) -> Statement:
    """A row of ``statement`` with the parts that verstrekkers confirmed."""
    return Statement(
        id=row.statement_id,
        basis=LegalBasis(row.basis),
        choice=Choice(row.choice),
        purposes=None if row.purposes is None else frozenset(map(Purpose, row.purposes)),
        categories=None if row.categories is None else frozenset(map(Category, row.categories)),
        senders=None if row.senders is None else frozenset(map(Oin, row.senders)),
        receivers=None if row.receivers is None else frozenset(map(Oin, row.receivers)),
        given_at=row.given_at,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        requested=row.requested,
        invalid=row.invalid_at is not None,
        # A request that was recorded wrongly asked nobody anything: it stays one that is passed over.
        ended_at=None if row.requested and row.ended_as == StatementStatus.REVOKED else row.ended_at,
        confirmed=dict(confirmed),
        by=Speaker(row.given_by or Speaker.PERSON),
        # What was recorded wrongly says nothing of anybody's age; what was withdrawn or proved invalid still does.
        sixteen_at=None if row.ended_as == StatementStatus.REVOKED else row.sixteen_at,
        own_at=row.own_at,
    )


def to_stop(row: Row[Any], stopped: Iterable[Row[Any]]) -> Stop:
    """A row of ``stop`` with the flows that it stopped and their answers.

    A verstrekker of whom no flow is named, as the previous release writes it, is asked about all of them at once; an
    answer for all of them is none for flows that are named.
    """
    answers: dict[ConsentFlow, str | None] = {ConsentFlow(Oin(sender)): None for sender in row.asked}
    for one in stopped:
        flow = ConsentFlow(Oin(one.sender), Oin(one.receiver) if one.receiver else None, _purpose(one.purpose))
        answers[flow] = answers.get(flow) or one.answer
    for named in [flow for flow in answers if flow.receiver is not None]:
        answers.pop(ConsentFlow(named.sender), None)
    return Stop(
        row.stop_id,
        row.at,
        asked=frozenset(answers),
        confirmed=frozenset(flow for flow, answer in answers.items() if answer == "bevestigd"),
        lifted=frozenset(flow for flow, answer in answers.items() if answer == "opgeheven"),
    )


def _purpose(code: str | None) -> Purpose | None:
    return Purpose(code) if code else None


def _secrecy_release(row: Row[Any]) -> SecrecyRelease:
    subjects = frozenset(map(SecrecySubject, row.subjects))
    return SecrecyRelease(row.release_id, Oin(row.holder), Oin(row.receiver), subjects, row.at, row.ended_at)


def _some(codes: list[str] | None) -> frozenset[Oin] | None:
    return None if codes is None else frozenset(map(Oin, codes))


def _restriction(row: Row[Any]) -> Restriction:
    return Restriction(
        row.id,
        frozenset(map(Oin, row.senders)),
        _some(row.receivers),
        _purpose(row.purpose),
        row.at,
        row.ended_at,
    )


def _objection(row: Row[Any]) -> Objection:
    return Objection(
        row.id,
        frozenset(map(Oin, row.senders)),
        _some(row.receivers),
        _purpose(row.purpose),
        row.at,
        ObjectionOutcome.PENDING if row.outcome is None else ObjectionOutcome(row.outcome),
    )


def _shield(row: Row[Any]) -> Shield:
    return Shield(row.id, frozenset(map(Oin, row.receivers)), row.at, row.ended_at)
