"""What is left of persons in SQL: whose keys may go because nothing needs them any more."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, literal_column, select

from consent.facts import Involvement
from consent.log.tables import ledger_entry
from consent.store.any_of import any_of
from consent.store.reading import PersonRecord, read_persons
from consent.store.tables import person
from hub.store.persons import erasures
from hub.store.tables import case as case_file
from hub.store.tables import delivery, erasure, erasure_request, message, person_ref
from hub.store.traffic.lapses import OPEN

_OPEN: Final = sorted(state.value for state in OPEN)
_HOLDS: Final = func.length(message.c.body) + func.length(message.c.receipt) > literal_column("0")
_MEMBERS: Final = select(person.c.person_id, person.c.root).where(any_of(person.c.root, "roots"))
_REFS: Final = (
    select(person.c.root, person_ref.c.person_id, person_ref.c.organisation)
    .add_columns(person_ref.c.registered_at, person_ref.c.erased_at)
    .join(person, person.c.person_id == person_ref.c.person_id)
    .where(any_of(person.c.root, "roots"))
)
_MESSAGES: Final = (
    select(person.c.root, message.c.organisation, message.c.purpose, message.c.case_id.is_not(None).label("notice"))
    .add_columns(func.max(message.c.accepted_at).label("last"), _HOLDS.label("holds"))
    .join(person, person.c.person_id == message.c.person_id)
    .where(any_of(person.c.root, "roots"))
    .group_by(person.c.root, message.c.organisation, message.c.purpose, message.c.case_id.is_not(None), _HOLDS)
)
#: By their messages: the indexes of deliveries that have not ended know nothing of those that were buried.
_WAITING: Final = (
    select(person.c.root, delivery.c.organisation, delivery.c.recipient, delivery.c.notice)
    .join(message, message.c.message_id == delivery.c.message_id)
    .join(person, person.c.person_id == message.c.person_id)
    .where(any_of(person.c.root, "roots"), delivery.c.state.in_(_OPEN))
    .distinct()
)
_CASES: Final = (
    select(person.c.root, func.max(case_file.c.opened_at).label("last"))
    .join(case_file, case_file.c.person_id == person.c.person_id)
    .where(any_of(person.c.root, "roots"), case_file.c.closed_at.is_(None))
    .group_by(person.c.root)
)
_REQUESTS: Final = (
    select(person.c.root)
    .join(erasure_request, erasure_request.c.person_id == person.c.person_id)
    .where(any_of(person.c.root, "roots"), erasure_request.c.closed_at.is_(None))
)
_CLOSED: Final = (
    select(person.c.root, func.max(erasure_request.c.closed_at).label("at"))
    .join(erasure_request, erasure_request.c.person_id == person.c.person_id)
    .where(any_of(person.c.root, "roots"), erasure_request.c.closed_at.is_not(None))
    .group_by(person.c.root)
)


@dataclass(frozen=True, slots=True)
class Remains:
    """All about one person that says whether a key of it is needed still.

    ``refs``: every ref that organisations have or had; ``messages``: (organisation, purpose, notice, holds content,
    when the last one was accepted); ``waiting``: (sender, recipient, notice) of deliveries that have not ended;
    ``asked``: a request for wissing is open, or a destruction is not finished; ``closed``: when the last request for
    wissing was answered; ``asked_at``: since when the last zaak waits for an answer.
    """

    root: str
    members: frozenset[str]
    record: PersonRecord
    refs: tuple[Row[Any], ...]
    messages: tuple[Row[Any], ...]
    waiting: tuple[Row[Any], ...]
    asked: bool
    closed: datetime | None = None
    asked_at: datetime | None = None

    @property
    def involvements(self) -> tuple[Involvement, ...]:
        """Of everybody."""
        return self.record.facts.involvements

    @property
    def purposes(self) -> set[str]:
        """Every doel for which there is evidence."""
        said = {purpose.value for one in self.record.facts.statements for purpose in one.purposes or ()}
        return said | {row.purpose for row in self.messages}

    @property
    def since(self) -> datetime:
        """The latest instant at which something about this person was registered, sent, said or answered."""
        registered = [row.registered_at for row in self.refs if row.registered_at is not None]
        found: list[datetime] = [self.record.latest, *registered, *(row.last for row in self.messages)]
        return max(found if self.closed is None else [*found, self.closed])


def roots(connection: Connection, after: str, limit: int) -> list[str]:
    """Roots of persons, in order."""
    query = select(person.c.root).where(person.c.root == person.c.person_id, person.c.root > after)
    return list(connection.scalars(query.order_by(person.c.root).limit(limit)))


def of(connection: Connection, wanted: Collection[str]) -> list[Remains]:
    """What is left of each of these persons, by root."""
    given = {"roots": list(wanted)}
    records = read_persons(connection, wanted)
    members = _by(connection.execute(_MEMBERS, given).all(), "root")
    refs, messages = (_by(connection.execute(query, given).all(), "root") for query in (_REFS, _MESSAGES))
    waiting = _by(connection.execute(_WAITING, given).all(), "root")
    waits = {row.root: row.last for row in connection.execute(_CASES, given)}
    asked = set(connection.scalars(_REQUESTS, given))
    asked |= {row.root for row in erasures.unfinished(connection)}
    closed = {row.root: row.at for row in connection.execute(_CLOSED, given)}
    return [
        Remains(
            root,
            frozenset(row.person_id for row in members[root]),
            records[root],
            tuple(refs[root]),
            tuple(messages[root]),
            tuple(waiting[root]),
            root in asked,
            closed.get(root),
            waits.get(root),
        )
        for root in wanted
    ]


def _by(rows: Iterable[Any], name: str) -> Mapping[str, list[Row[Any]]]:
    found: dict[str, list[Row[Any]]] = defaultdict(list)
    for row in rows:
        found[getattr(row, name)].append(row)
    return found


def destroyed(connection: Connection, reason: str, since: datetime, until: datetime) -> list[Row[Any]]:
    """Vernietigingen for one reason that were finished, by when they began, in [since, until)."""
    query = select(erasure).where(erasure.c.reason == reason, erasure.c.at >= since, erasure.c.at < until)
    return list(connection.execute(query.order_by(erasure.c.at, erasure.c.erasure_id)))


def known_to(connection: Connection, organisation: str, handles: Collection[str]) -> frozenset[str]:
    """Those of these handles for which this organisation has, or had, a ref: of the others it must not learn."""
    mine = person_ref.c.person_id.in_(list(handles)) & (person_ref.c.organisation == organisation)
    return frozenset(connection.scalars(select(person_ref.c.person_id).where(mine)))


def span(connection: Connection, reason: str) -> tuple[datetime | None, datetime | None]:
    """When the first and the last vernietiging for a reason began."""
    mine = select(func.min(erasure.c.at), func.max(erasure.c.at)).where(erasure.c.reason == reason)
    first, last = connection.execute(mine).one()
    return first, last


def places(connection: Connection, entries: Collection[str]) -> list[Row[Any]]:
    """(idx, commitment) of these entries of the log, in its order; of what still waits for a place nothing."""
    chosen = any_of(ledger_entry.c.entry_id, "ids")
    query = select(ledger_entry.c.idx, ledger_entry.c.commitment).where(chosen).order_by(ledger_entry.c.idx)
    return list(connection.execute(query, {"ids": list(entries)}))
