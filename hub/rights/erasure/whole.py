"""Erasing a person as a whole: a case at the contactpunt, in which each controller answers for its own content.

    bij-contactpunt ──> gevraagd ──> gewist      all answered `gewist`: the person is erased as a whole
                   │            └──> behouden    somebody keeps its own, on a ground of AVG art. 17(3)
                   └──> afgewezen                by the contactpunt, with a motivation (AVG art. 12(4))

An open case holds nothing back: whether something may be sent is decided by the gate, which knows no such fact. Who
begins to hold content meanwhile is asked too, before the person is erased.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import ObjectionOutcome
from consent.keys import content_key
from contracts import instants
from contracts.errors import Conflict, Fault, NotFound, RequestInvalid
from contracts.identity import Oin
from hub.access.caller import Scope
from hub.gate.person_work import Subject
from hub.rights.cases.answering import Reply
from hub.rights.cases.book import close_cases, open_cases
from hub.rights.consent.means import STOP
from hub.rights.erasure.content import Part, Tools, erase_content
from hub.rights.erasure.destroying import Destruction
from hub.rights.limits.objections import OBJECTION
from hub.store.persons import cases, people
from hub.store.persons import erasure_requests as requests
from hub.store.writer import Transaction

WHOLE: Final = "geheel"
ERASED: Final = "gewist"
KEPT: Final = "behouden"
AT_POINT: Final = "bij-contactpunt"
ASKED: Final = "gevraagd"
REFUSED: Final = "afgewezen"
#: Why content may be kept (AVG art. 17(3)(a) to (e), in that order).
GROUNDS: Final = (
    "meningsuiting",
    "wettelijke-verplichting",
    "volksgezondheid",
    "archivering-onderzoek",
    "rechtsvordering",
)
#: Zaken about flows of the person: of one who was erased there are none.
_ABOUT_FLOWS: Final = (STOP, OBJECTION)
#: What the log calls each turn of a case.
ASKS: Final = "wissing-gevraagd"
ENDS: Final = "wissing-afgerond"


@dataclass(frozen=True, slots=True)
class Whole:
    """The course of such cases, always under the person's exclusive lock."""

    tools: Tools

    def ask_points(self, tx: Transaction, subject: Subject, request: Row[Any], points: Sequence[Oin]) -> None:
        """Open a zaak for each contactpunt: one of them carries it out, or refuses."""
        for point in points:
            self._open(tx, subject, request, (requests.AT_POINT, point, Oin(request.organisation)))

    def carry_out(self, tx: Transaction, subject: Subject, request: Row[Any], point: Oin) -> None:
        """Ask every controller; without one the person is erased at once."""
        requests.move(tx.connection, request.request_id, ASKED, point=point)
        self.advance(tx, subject)

    def advance(self, tx: Transaction, subject: Subject) -> None:
        """See for each case about this person whether everybody has answered."""
        for request in requests.open_about(tx.connection, subject.known.root):
            if request.status == ASKED:
                self._advance(tx, subject, request)

    def content_gone(self, tx: Transaction, subject: Subject, organisation: Oin) -> None:
        """An organisation erased its content: whatever asks it to is answered by that."""
        self._close(tx, subject, [requests.ASKED], ERASED, organisation=organisation)
        self.advance(tx, subject)

    def _advance(self, tx: Transaction, subject: Subject, request: Row[Any]) -> None:
        asked = [c for c in cases.caused_by(tx.connection, [request.request_id]) if c.kind == requests.ASKED]
        waits = {Oin(c.organisation) for c in asked if c.closed_at is None}
        kept = {Oin(c.organisation) for c in asked if c.answer == KEPT}
        fresh = sorted(self._holders(tx, subject) - waits - kept)
        for organisation in fresh:
            self._open(tx, subject, request, (requests.ASKED, organisation, organisation))
        if fresh or not asked:
            self._note(tx, subject, request, ASKS, {"gevraagd": fresh, "contactpunt": request.point})
        if fresh or waits:
            return
        if not kept:
            self._erase(tx, subject, request)
        self._end(tx, subject, request, KEPT if kept else ERASED)

    def _holders(self, tx: Transaction, subject: Subject) -> set[Oin]:
        """Who holds content about this person: a content key under which something lies or may lie."""
        knowing = requests.knowing(tx.connection, people.handles(tx.connection, subject.known.root))
        names = {content_key(person, organisation): organisation for person, organisation in knowing}
        return {names[key_id] for key_id in self.tools.means.key_store.find(names)}

    def _erase(self, tx: Transaction, subject: Subject, request: Row[Any]) -> None:
        handles = people.handles(tx.connection, subject.known.root)
        told = {"omvang": WHOLE, "contactpunt": request.point}
        what = Destruction(request.request_id, subject.known.person, handles, None, request.reason, told=told)
        self.tools.eraser.begin(tx, what, subject.at)
        self._close(tx, subject, [requests.AT_POINT], ERASED)
        self._close(tx, subject, _ABOUT_FLOWS, None)  # nobody can answer those any more
        for other in requests.open_about(tx.connection, subject.known.root):
            if other.request_id != request.request_id:
                self._end(tx, subject, other, ERASED)

    def settled_by_one(self, tx: Transaction, subject: Subject, request: Row[Any]) -> None:
        """A contactpunt answered: the others need not."""
        self._close(tx, subject, [requests.AT_POINT], None, cause=request.request_id)

    def refuse(self, tx: Transaction, subject: Subject, request: Row[Any]) -> None:
        """The contactpunt does not carry it out."""
        self._end(tx, subject, request, REFUSED)

    def _end(self, tx: Transaction, subject: Subject, request: Row[Any], status: str) -> None:
        requests.move(tx.connection, request.request_id, status, closed_at=subject.at)
        self._note(tx, subject, request, ENDS, {"uitkomst": status})

    def _note(self, tx: Transaction, subject: Subject, request: Row[Any], kind: str, said: dict[str, Any]) -> None:
        payload = {"soort": kind, "op": instants.write(subject.at), "wissingId": request.request_id}
        self.tools.means.note(tx, subject.known.person, payload | said)

    def _open(self, tx: Transaction, subject: Subject, request: Row[Any], asked: tuple[str, Oin, Oin]) -> None:
        kind, organisation, verstrekker = asked
        row = {
            "case_id": self.tools.means.new_id(),
            "kind": kind,
            "organisation": organisation,
            "verstrekker": verstrekker,
            "person_id": subject.known.person,
            "cause": request.request_id,
            "purposes": [],
            "messages": [],
            "opened_at": subject.at,
            "due_at": request.due_at,
        }
        open_cases(self.tools.means.evidence, tx, [row])

    def _close(self, tx: Transaction, subject: Subject, kinds: Sequence[str], answer: str | None, **which: str) -> None:
        """Close the open zaken of these kinds about this person; those alone with these values."""
        rows = requests.open_cases(tx.connection, subject.known.root, kinds)
        mine = [row for row in rows if all(getattr(row, name) == value for name, value in which.items())]
        close_cases(self.tools.means.evidence, tx, mine, answer, subject.at)


@dataclass(frozen=True, slots=True)
class AtPoint:
    """The zaak of a contactpunt: carry out a wissing as a whole, or refuse it."""

    whole: Whole

    @property
    def answers(self) -> tuple[str, ...]:
        """What a contactpunt may answer."""
        return (ObjectionOutcome.UPHELD.value, ObjectionOutcome.REJECTED.value)

    @property
    def scope(self) -> str | None:
        """Only who sees the whole picture can carry it out."""
        return Scope.RECHTEN_GEHEEL.value

    def check(self, reply: Reply) -> None:
        """A refusal says why (AVG art. 12(4)). Raises ``RequestInvalid``."""
        if reply.answer == ObjectionOutcome.REJECTED and not reply.motivation:
            raise _needed("motivering", "Een verzoek om wissing wordt alleen met een motivering afgewezen.")

    def decide(self, tx: Transaction, row: Row[Any], reply: Reply, subject: Subject) -> dict[str, Any]:
        """Ask the controllers, or end it there; the other contactpunten need not answer any more."""
        request = requests.find(tx.connection, row.cause)
        if request is None:
            raise NotFound
        self.whole.settled_by_one(tx, subject, request)
        if reply.answer == ObjectionOutcome.UPHELD:
            self.whole.carry_out(tx, subject, request, Oin(row.organisation))
        else:
            self.whole.refuse(tx, subject, request)
        return {}

    def settle(self) -> None:
        """Without a controller the person is erased at once."""
        self.whole.tools.eraser.finish_soon()


@dataclass(frozen=True, slots=True)
class ByController:
    """The zaak of a controller: its content goes, or it says on which ground it stays."""

    whole: Whole

    @property
    def answers(self) -> tuple[str, ...]:
        """What a controller may answer."""
        return (ERASED, KEPT)

    @property
    def scope(self) -> str | None:
        """The scope of answering zaken is enough: it is the controller's own content."""
        return None

    def check(self, reply: Reply) -> None:
        """Who keeps it names a ground and says why (AVG art. 17(3), 12(4)). Raises ``RequestInvalid``."""
        if reply.answer != KEPT:
            return
        if not reply.ground:
            raise _needed("grond", "Wie de gegevens houdt, noemt de uitzondering van AVG artikel 17, derde lid.")
        if reply.ground not in GROUNDS:
            raise RequestInvalid(faults=[Fault("grond", "ONBEKENDE_CODE", f"Hier hoort: {', '.join(GROUNDS)}.")])
        if not reply.motivation:
            raise _needed("motivering", "Wie de gegevens houdt, zegt waarom.")

    def decide(self, tx: Transaction, row: Row[Any], reply: Reply, subject: Subject) -> dict[str, Any]:
        """Erase the controller's content, or note that it keeps it; then see whether all have answered."""
        request = requests.find(tx.connection, row.cause)
        if request is None:
            raise NotFound
        organisation = Oin(row.organisation)
        if reply.answer == KEPT:
            self.whole.advance(tx, subject)
            return {"grond": reply.ground}
        if request.closed_at is not None:
            raise Conflict("Deze zaak is al afgerond.")
        told = {"organisatie": organisation, "omvang": WHOLE, "zaakId": row.case_id}
        erase_content(self.whole.tools, tx, subject, Part(row.case_id, organisation, request.reason, told))
        self.whole.content_gone(tx, subject, organisation)
        return {}

    def settle(self) -> None:
        """The keys go now; what cannot be done now is done again every minute."""
        self.whole.tools.eraser.finish_soon()


def _needed(name: str, reason: str) -> RequestInvalid:
    return RequestInvalid(faults=[Fault(name, "VERPLICHT", reason)])
