"""The second officer's step: one path by which a code and an own ref are looked up, locked, and looked up again.

A wrong code, a used or expired one, a ref that names nobody: all take the same steps and end in the same 404, so that
neither the answer nor its time tells which it was. What is joined or split stays locked exclusively to the commit.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row
from sqlalchemy.exc import SQLAlchemyError

from consent.keys import KeyDestroyed, evidence_key
from consent.store.reading import PersonRecord, read_persons
from contracts.errors import Conflict, NotFound, PartUnavailable
from contracts.identity import Oin, PersonId
from hub.keys.codes import code_index
from hub.rights.consent.means import Means
from hub.rights.identity.asking import JOIN, may_speak, speaks_still
from hub.store.locks import Locks
from hub.store.persons import identity
from hub.store.persons.identity import OwnRef
from hub.store.refusals import is_taken, not_logged
from hub.store.region.access import Asker, mandate_facts, require_active
from hub.store.writer import Transaction, apart

_LOOKS: Final = 4


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a second officer gives. ``trial``: only to be told what would follow."""

    kind: str
    ref: str
    code: str
    employee: str
    trial: bool


@dataclass(frozen=True, slots=True)
class Matter:
    """What two officers agree on, under the locks. ``request``: the first one's; ``own``: the second one's ref."""

    asker: Asker
    confirmation: Confirmation
    request: Row[Any]
    own: OwnRef
    asked: PersonRecord  # of the person that the first officer named, and all joined with it
    named: PersonRecord  # of the person that the second officer named
    at: datetime
    erased: frozenset[str] = frozenset()  # those among them whose evidence key is gone: nothing is noted of them

    @property
    def witnesses(self) -> list[str]:
        """Whose log tells of it: each keeps its own evidence, so that it does not die with that of another."""
        return sorted((self.asked.members | self.named.members) - self.erased)

    def officers(self) -> dict[str, str]:
        """Both, as the log tells them."""
        return {
            "verzoekId": self.request.request_id,
            "medewerker": self.confirmation.employee,
            "eersteOrganisatie": self.request.organisation,
            "eersteMedewerker": self.request.employee,
        }

    def done(self) -> dict[str, Any]:
        """What the request notes of the second officer."""
        return {
            "done_at": self.at,
            "confirmed_by": self.asker.organisation,
            "confirming_employee": self.confirmation.employee,
            "confirmed_person": self.own.person,
        }


#: Does what two officers agree on; the answer to the second one.
Work = Callable[[Transaction, Matter], Any]


class _Moved(Exception):
    """Somebody was joined or split between the look and the lock."""


@dataclass(frozen=True, slots=True)
class _Found:
    """``names``: roots, or stand-ins where there is nobody, so that as much is locked."""

    request: Row[Any] | None
    own: OwnRef | None
    names: tuple[str, str]
    locks: frozenset[str]

    @property
    def persons(self) -> tuple[str, str]:
        """The two whom the officers name, or the stand-ins."""
        request, own = self.request, self.own
        return (
            self.names[0] if request is None else request.person_id,
            self.names[1] if own is None else own.person,
        )


@dataclass(frozen=True, slots=True)
class _Job:
    asker: Asker
    confirmation: Confirmation
    locked: frozenset[str]
    work: Work


@dataclass(frozen=True, slots=True)
class Confirming:
    """Runs what a second officer confirms. ``code_key``: HMAC key of the index of codes."""

    means: Means
    code_key: bytes

    def confirm(self, asker: Asker, confirmation: Confirmation, work: Work) -> Any:
        """Do it under the locks of all persons concerned; what ``work`` answers.

        Raises ``NotFound``, ``Conflict`` for who asked it, ``TokenInvalid``, what ``work`` raises, and
        ``LogUnavailable`` when the database takes nothing.
        """
        person_work = self.means.person_work
        for _ in range(_LOOKS):
            with person_work.look() as connection:
                found = self._find(connection, asker, confirmation)
            job = _Job(asker, confirmation, found.locks, work)
            try:
                # Before all that waits: what joins may take away what the others' facts forbid.
                return person_work.writer.do(self._run, job, Locks(exclusive=found.locks), urgent=True)
            except _Moved:
                continue
            except SQLAlchemyError as error:
                if not is_taken(error):
                    raise not_logged(error) from error
            except KeyDestroyed as error:  # erased, though the mark of it is still to come: nobody any more
                raise NotFound from error
        raise PartUnavailable("Bied dit nog eens aan.", headers={"Retry-After": "1"})

    def _find(self, connection: Connection, asker: Asker, confirmation: Confirmation) -> _Found:
        index = code_index(self.code_key, confirmation.code)
        request = identity.by_code(connection, confirmation.kind, index)
        own = identity.own_ref(connection, asker.organisation, confirmation.ref)
        names = (
            f"niemand/{confirmation.kind}/{index.hex()}" if request is None else request.root,
            f"niemand/{asker.organisation}/{confirmation.ref}" if own is None else own.root,
        )
        # Also their members: one of them may become a root of its own.
        return _Found(request, own, names, frozenset(names) | identity.members(connection, names))

    def _run(self, tx: Transaction, jobs: Sequence[_Job]) -> list[Any]:
        """Verb. An error of one job undoes that job alone."""
        return apart(tx, jobs, lambda job: self._one(tx, job))

    def _one(self, tx: Transaction, job: _Job) -> Any:
        found = self._find(tx.connection, job.asker, job.confirmation)
        if not found.locks <= job.locked:
            raise _Moved
        require_active(tx.connection, job.asker, tx.now)
        records = read_persons(tx.connection, set(found.names))
        asked, named = (records[name] for name in found.names)
        at = max(tx.now, asked.latest, named.latest)
        first = self._standing(tx.connection, job.asker, found.request, asked, at)
        gone = self._erased(found.persons)
        if found.request is None or found.own is None or gone or first is None:
            raise NotFound
        matter = Matter(job.asker, job.confirmation, found.request, found.own, asked, named, at)
        # One of the two must know who it is. Who only gets messages would by itself undo a `nee` or widen its access.
        if not _fits(matter) or not (first.registered or found.own.registered):
            raise NotFound
        if _same_officer(found.request, job):
            raise Conflict("Een andere medewerker moet dit ook vinden.")
        return job.work(tx, replace(matter, erased=self._erased(asked.members | named.members)))

    def _erased(self, persons: Iterable[str]) -> frozenset[str]:
        """Whose key was destroyed, though the mark of it may be still to come. Asked for stand-ins like for anybody."""
        names = {evidence_key(PersonId(who)): who for who in persons}
        return frozenset(names[gone] for gone in self.means.key_store.destroyed(names))

    def _standing(
        self, connection: Connection, asker: Asker, request: Row[Any] | None, asked: PersonRecord, at: datetime
    ) -> OwnRef | None:
        """Who asked must still act here, and still know the person. Asked also of nobody: it costs the same."""
        row: Any = _NOBODY if request is None else request
        active = mandate_facts(connection, Asker(Oin(row.organisation), row.system, asker.scope), at).active
        own = speaks_still(connection, row, asked, at)
        return own if active else None


def _same_officer(request: Row[Any], job: _Job) -> bool:
    """However the code is written: ``M-1`` is ``m-1``."""
    same = request.employee.casefold() == job.confirmation.employee.casefold()
    return bool(same and request.organisation == job.asker.organisation)


def _fits(matter: Matter) -> bool:
    """Of use once, and in time; the second officer speaks for a person, and it is the one that was meant."""
    request, own = matter.request, matter.own
    if request.done_at is not None or matter.at >= request.valid_until:
        return False
    if not may_speak(own, matter.named, matter.asker.organisation, matter.at):
        return False
    if request.kind == JOIN:
        return request.other_id in (None, own.person)
    # Only a person who is joined can be split off, and only by who knows one of those joined.
    return bool(own.root == request.root and len(matter.asked.members) > 1)


@dataclass(frozen=True, slots=True)
class _Nobody:
    organisation: str = "0" * 20
    system: str = ""
    person_id: str = ""


_NOBODY: Final = _Nobody()
