"""Work on one person, under that person's lock, by an organisation that must be known to the person.

One path for every call with a ref: looked up, locked, looked up again. A ref that names nobody takes the same steps and
ends in the same 404, so that neither the answer nor its time tells whether somebody stands behind it.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from consent.keys import KeyDestroyed
from consent.store.reading import PersonRecord, Readers, read_persons
from contracts.errors import NotFound, PartUnavailable
from contracts.identity import Oin
from hub.store.locks import Locks
from hub.store.persons import people
from hub.store.persons.people import Known
from hub.store.refusals import is_taken, not_logged
from hub.store.region.access import Asker, require_active
from hub.store.writer import Transaction, Writer, apart

T = TypeVar("T")
_LOOKS = 4

#: Finds whom a call is about; ``None``: nobody, or nobody whom the caller may know.
Find = Callable[[Connection], Known | None]


class _Moved(Exception):
    """The person was joined with another between the look and the lock."""


@dataclass(slots=True)
class Subject:
    """The person at hand, with all facts as they are under the lock.

    For an asker that takes no part the facts are read only when they are asked for, which is after it proved to have
    something of its own there: what others said must not show in the time of a 404 (promise 7).
    """

    known: Known
    asker: Oin
    _tx: Transaction
    _record: PersonRecord

    @property
    def record(self) -> PersonRecord:
        """All facts of the person."""
        if not self._record.whole:
            self._record = read_persons(self._tx.connection, [self.known.root])[self.known.root]
        return self._record

    @property
    def at(self) -> datetime:
        """The instant of the act: never before the person's latest fact."""
        return max(self._tx.now, self.record.latest)

    def involves(self, organisation: Oin) -> bool:
        """True while the organisation takes part in one of the person's trajecten."""
        if organisation == self.asker and not self._record.whole:
            return False
        return any(i.organisation == organisation and i.runs(self.at) for i in self.record.facts.involvements)

    def involved(self, organisation: Oin) -> bool:
        """True when the organisation takes part in one of the person's trajecten, or once did."""
        record = self._record if organisation == self.asker else self.record  # the asker's own are always read
        at = max(self._tx.now, record.latest)
        return any(i.organisation == organisation and i.valid_from <= at for i in record.facts.involvements)


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    asker: Asker
    find: Find
    locked: str
    work: Callable[[Transaction, Subject], T]


@dataclass(frozen=True, slots=True)
class PersonWork:
    """Runs work under a person's lock.

    ``take_away``: exclusively, before all that waits (withdrawal, stop, refusal).
    """

    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]

    def on_ref(
        self, asker: Asker, ref: str, work: Callable[[Transaction, Subject], T], *, take_away: bool = False
    ) -> T:
        """Work on the person whom the organisation knows by this ref. Raises ``NotFound`` and what ``work`` raises."""
        organisation = asker.organisation
        return self.on(
            asker,
            lambda connection: people.resolve(connection, [(organisation, ref)]).get((organisation, ref)),
            work,
            f"niemand/{organisation}/{ref}",
            take_away=take_away,
        )

    def on(
        self,
        asker: Asker,
        find: Find,
        work: Callable[[Transaction, Subject], T],
        nobody: str,
        *,
        take_away: bool = False,
    ) -> T:
        """Work on whom ``find`` finds; ``nobody`` names the lock that is taken when it finds none.

        Raises ``TokenInvalid`` when the asker's machtiging has ended, ``NotFound``, what ``work`` raises, and
        ``LogUnavailable`` when the database takes nothing.
        """
        for _ in range(_LOOKS):
            with self.look() as connection:
                found = find(connection)
            locked = found.root if found is not None else nobody
            locks = Locks(exclusive=frozenset({locked})) if take_away else Locks(shared=frozenset({locked}))
            job = _Job(asker, find, locked, work)
            try:
                outcome: T = self.writer.do(_run, job, locks, urgent=take_away)
                return outcome
            except _Moved:
                continue
            except SQLAlchemyError as error:
                if not is_taken(error):  # else another process did the same a moment ago
                    raise not_logged(error) from error
            except KeyDestroyed as error:  # erased, though the mark of it is still to come: nobody any more
                raise NotFound from error
        raise PartUnavailable("Bied dit nog eens aan.", headers={"Retry-After": "1"})


def _run(tx: Transaction, jobs: Sequence[_Job[Any]]) -> list[Any]:
    """Verb. An error of one job undoes that job alone."""
    return apart(tx, jobs, lambda job: _one(tx, job))


def _one(tx: Transaction, job: _Job[Any]) -> Any:
    found = job.find(tx.connection)
    root = found.root if found is not None else job.locked
    if root != job.locked:
        raise _Moved
    require_active(tx.connection, job.asker, tx.now)
    asker = job.asker.organisation
    record = read_persons(tx.connection, [root], Readers([asker], tx.now))[root]
    if found is None:
        raise NotFound
    return job.work(tx, Subject(found, asker, tx, record))
