"""What a person asks under AVG art. 17, as an organisation records it: erase the own content, or the person as a whole.

Repeating a request under the same ref tells the same again, also when that ref names nobody any more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.keys import evidence_key
from consent.store import records
from contracts import instants
from contracts.errors import Conflict, NotFound, PartUnavailable
from contracts.identity import PersonId
from hub.access.caller import Scope
from hub.gate.person_work import Subject
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import bound
from hub.rights.cases.answering import Decider
from hub.rights.consent.means import entry
from hub.rights.erasure.content import Part, Tools, erase_content
from hub.rights.erasure.whole import ASKED, AT_POINT, ERASED, WHOLE, AtPoint, ByController, Whole
from hub.rights.limits.objections import a_month_after
from hub.store.persons import erasure_requests as requests
from hub.store.persons import people
from hub.store.persons.people import Known
from hub.store.region.access import Asker, mandate_facts, organisations_with
from hub.store.writer import Transaction

OWN: Final = "eigen"
SCOPES: Final = (OWN, WHOLE)
#: Why (AVG art. 17(1)(a) to (f), in that order).
REASONS: Final = (
    *("niet-meer-nodig", "toestemming-ingetrokken", "bezwaar"),
    *("onrechtmatig", "wettelijke-plicht", "dienst-aan-kind"),
)
#: The entry of a request that is not carried out in the same act.
REQUEST: Final = "wissing-verzoek"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked: why (a code), and the organisation's own name for the request (`kenmerk`)."""

    reason: str
    reference: str


@dataclass(frozen=True, slots=True)
class Erasures:
    """The verbs on wissingen."""

    tools: Tools

    @property
    def whole(self) -> Whole:
        """The course of a wissing as a whole."""
        return Whole(self.tools)

    @property
    def deciders(self) -> Mapping[str, Decider]:
        """Who carries out the answers to its zaken."""
        return {requests.AT_POINT: AtPoint(self.whole), requests.ASKED: ByController(self.whole)}

    def erase_own(self, asker: Asker, ref: str, wish: Wish) -> str:
        """Erase the asker's own content about whom its ref names; the id of the wissing, when the keys are gone.

        Raises ``NotFound``, and ``PartUnavailable`` when it is noted and could not be finished: the repeat, or the
        hub itself within a minute, does that.
        """

        def work(tx: Transaction, subject: Subject) -> str:
            earlier = requests.latest(tx.connection, asker.organisation, ref, OWN)
            if earlier is not None:
                return str(earlier.request_id)
            request = self._add(tx, subject, (asker, ref, OWN), wish)
            told = {"organisatie": asker.organisation, "systeem": asker.system, "omvang": OWN}
            told |= bound("kenmerk", wish.reference)
            erase_content(self.tools, tx, subject, Part(request.request_id, asker.organisation, wish.reason, told))
            requests.move(tx.connection, request.request_id, ERASED, closed_at=subject.at)
            self.whole.content_gone(tx, subject, asker.organisation)
            # A crash before the commit: nothing was erased and nobody was asked. After it: the keys go at the start.
            return str(request.request_id)

        request_id = self._on(asker, ref, OWN, work)
        self._finish(request_id)
        self.tools.eraser.finish_soon()  # it may have been the last one that a wissing as a whole waited for
        return request_id

    def erase_whole(self, asker: Asker, ref: str, wish: Wish, now: datetime) -> str:
        """Record that a person must be erased as a whole; the id of the wissing.

        An asker that holds ``rechten:geheel`` carries it out at once, else the region's contactpunten are asked. What
        was answered, a refusal too, is told again to whoever asks the same (``reden`` and ``kenmerk``). Raises
        ``Conflict`` where there is no contactpunt, ``NotFound`` for whom the asker does not know or was never involved
        with.
        """
        scope = Scope.RECHTEN_GEHEEL.value
        with self.tools.means.person_work.look() as connection:
            points = organisations_with(connection, scope, now)
        if not points:
            raise Conflict(
                "Deze regio heeft geen contactpunt (rechten:geheel) dat een wissing als geheel kan uitvoeren."
            )

        def work(tx: Transaction, subject: Subject) -> str:
            earlier = requests.latest(tx.connection, asker.organisation, ref, WHOLE)
            if earlier is not None and (
                earlier.closed_at is None or not _lives(tx.connection, asker, ref) or self._same(earlier, wish)
            ):
                return str(earlier.request_id)
            carries = scope in asker.held and _may(tx, asker, scope)
            if not carries and not _was_involved(tx, asker, subject):
                raise NotFound
            request = self._add(tx, subject, (asker, ref, WHOLE), wish)
            said = {"wissingId": request.request_id, "omvang": WHOLE, "reden": wish.reason}
            said |= {"uiterlijkOp": instants.write(request.due_at)} | bound("kenmerk", wish.reference)
            self.tools.means.note(tx, subject.known.person, entry(REQUEST, subject.at, asker) | said)
            # A crash before the commit: nobody was asked. After it: the case is open, whoever was answered.
            if carries:
                self.whole.carry_out(tx, subject, request, asker.organisation)
            else:
                self.whole.ask_points(tx, subject, request, points)
            return str(request.request_id)

        request_id = self._on(asker, ref, WHOLE, work)
        self.tools.eraser.finish_soon()
        return request_id

    def _on(self, asker: Asker, ref: str, scope: str, work: Any) -> str:
        def find(connection: Connection) -> Known | None:
            return requests.whom(connection, asker.organisation, ref, scope)

        nobody = f"niemand/{asker.organisation}/{ref}"
        return str(self.tools.means.person_work.on(asker, find, work, nobody, take_away=True))

    def _add(self, tx: Transaction, subject: Subject, what: tuple[Asker, str, str], wish: Wish) -> Row[Any]:
        asker, ref, scope = what
        request_id, name = self.tools.means.new_id(), evidence_key(subject.known.person)
        key = self.tools.means.key_store.ensure([name])[name]
        sealed = seal(key, wish.reference.encode(), _aad(request_id), self.tools.means.random)
        values = {
            "request_id": request_id,
            "person_id": subject.known.person,
            "organisation": asker.organisation,
            "ref": ref,
            "scope": scope,
            "reason": wish.reason,
            "reference_sealed": sealed,
            "at": subject.at,
            "due_at": a_month_after(subject.at),
            "status": AT_POINT if scope == WHOLE else ASKED,
        }
        requests.add(tx.connection, values)
        found = requests.find(tx.connection, request_id)
        if found is None:
            raise LookupError("the request that was just written is not there")
        return found

    def _finish(self, request_id: str) -> None:
        if not self.tools.eraser.finish_soon(request_id):
            raise PartUnavailable(
                "De wissing is vastgelegd en wordt afgemaakt. Bied dit nog eens aan.", headers={"Retry-After": "60"}
            )

    def _same(self, earlier: Row[Any], wish: Wish) -> bool:
        """The same request, under the same own name: it has its answer. A new one has a name of its own."""
        return bool(earlier.reason == wish.reason and self.reference(earlier) == wish.reference)

    def reference(self, request: Row[Any]) -> str | None:
        """The organisation's own name for its request; ``None`` once the evidence key is gone."""
        name = evidence_key(PersonId(request.person_id))
        key = self.tools.means.key_store.find([name]).get(name)
        return None if key is None else unseal(key, request.reference_sealed, _aad(request.request_id)).decode()


def _lives(connection: Connection, asker: Asker, ref: str) -> bool:
    return bool(people.resolve(connection, [(asker.organisation, ref)]))


def _may(tx: Transaction, asker: Asker, scope: str) -> bool:
    return mandate_facts(tx.connection, replace(asker, scope=scope), tx.now).active


def _was_involved(tx: Transaction, asker: Asker, subject: Subject) -> bool:
    return records.was_involved(tx.connection, asker.organisation, subject.known.root, subject.at)


def _aad(request_id: str) -> bytes:
    return f"wissing/{request_id}".encode()
