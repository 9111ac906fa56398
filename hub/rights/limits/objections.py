"""Bezwaar (AVG art. 21): restricts at once, and asks each verstrekker to weigh it within a month (art. 12(3)).

Upheld it closes the grondslag of the flow for good; rejected, with a motivation, the flow runs again.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import ObjectionOutcome
from consent.keys import evidence_key
from contracts import instants
from contracts.errors import Fault, NotFound, RequestInvalid
from contracts.identity import Oin, PersonId
from hub.gate.person_work import Subject
from hub.keys.sealing import seal, unseal
from hub.ledger.evidence import bound
from hub.rights.cases.answering import Reply
from hub.rights.cases.book import open_cases
from hub.rights.consent.checks import require_involved
from hub.rights.consent.means import Means, entry
from hub.rights.limits.flows import Flows, Limit, on_a_ground, tell_free, together
from hub.rights.stopping import Cause, Consequence
from hub.rights.taken import lines
from hub.store.persons import limits
from hub.store.region.access import Asker
from hub.store.writer import Transaction

OBJECTION: Final = "bezwaar"
#: What receivers are told while it is weighed: not that the ground is gone, but that the flow stands still.
_PENDING: Final = "beperking"


@dataclass(frozen=True, slots=True)
class Filed:
    """One verstrekker's part of a bezwaar."""

    id: str
    sender: Oin
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Objections:
    """The verbs on bezwaren. It also decides their zaken (``hub.rights.cases.answering.Decider``)."""

    means: Means

    @property
    def answers(self) -> tuple[str, ...]:
        """How a verstrekker may answer."""
        return (ObjectionOutcome.UPHELD.value, ObjectionOutcome.REJECTED.value)

    @property
    def scope(self) -> str | None:
        """The scope of answering zaken is enough."""
        return None

    def settle(self) -> None:
        """All of it follows within the answer's own transaction."""

    def file(self, asker: Asker, ref: str, flows: Flows, reason: str) -> tuple[list[Filed], Consequence]:
        """Record a bezwaar: one per verstrekker, each restricting with this commit. A repeat tells the same again.

        Raises ``Refused`` for flows that are not the asker's own, ``RequestInvalid``, ``NotFound``.
        """

        def work(tx: Transaction, subject: Subject) -> tuple[list[Filed], Consequence]:
            require_involved(subject, asker.organisation)
            rows = limits.objections_by(tx.connection, asker.organisation, subject.known.root)
            pending = {Flows.of(row): row for row in rows if row.outcome is None}
            filed: list[Filed] = []
            parts: list[Consequence] = []
            for sender in sorted(flows.senders):
                own = flows.by(sender)
                row = pending.get(own)
                one, part = self._new(tx, subject, asker, own, reason) if row is None else self._again(tx, subject, row)
                filed.append(one)
                parts.append(part)
            return filed, together(parts)

        # What is wrong whoever the person is comes first: it must not tell whom the ref names.
        flows.require_own(asker.organisation)
        with self.means.person_work.look() as connection:
            flows.require_known(connection)
        return self.means.person_work.on_ref(asker, ref, work, take_away=True)

    def _again(self, tx: Transaction, subject: Subject, row: Row[Any]) -> tuple[Filed, Consequence]:
        own = Flows.of(row)
        given = [r for r in own.released(tx.connection, subject.known.root) if r.released_at <= row.at]
        consequence = self.means.stopper.tell_again(tx, _pending(row.objection_id, subject), row.at, given)
        (sender,) = own.senders
        return Filed(row.objection_id, sender, a_month_after(row.at)), consequence

    def _new(
        self, tx: Transaction, subject: Subject, asker: Asker, own: Flows, reason: str
    ) -> tuple[Filed, Consequence]:
        new = Limit(self.means.new_id(), own, reason)
        about = (subject.known.person, asker.organisation)
        self.means.taken.note(tx, [lines.limited(OBJECTION, new.id, about, own.several())])
        return self.add(tx, subject, asker, new)

    def add(self, tx: Transaction, subject: Subject, asker: Asker, new: Limit) -> tuple[Filed, Consequence]:
        """Have one verstrekker weigh it: now, or once more after a restore that forgot it."""
        (objection_id, own, reason), at, known = new, subject.at, subject.known
        (sender,) = own.senders
        filed = Filed(objection_id, sender, a_month_after(at))
        values = {"objection_id": objection_id, "person_id": known.person, "recorder": asker.organisation, "at": at}
        sealed = self._sealed(known.person, reason, objection_id)
        limits.add_objection(tx.connection, values | own.values() | {"reason_sealed": sealed})
        payload = {"bezwaarId": objection_id, "uiterlijkOp": instants.write(filed.due_at)} | own.told()
        self.means.note(tx, known.person, entry(OBJECTION, at, asker) | payload | bound("grond", reason))
        # A crash before the commit: nothing was restricted and nobody was told so. After it: all of it holds.
        given = own.released(tx.connection, known.root)
        consequence = self.means.stopper.draw_for(tx, _pending(objection_id, subject), given, at)
        asked = {
            "case_id": self.means.new_id(),
            "kind": OBJECTION,
            "organisation": sender,
            "verstrekker": sender,
            "person_id": known.person,
            "cause": objection_id,
            "purposes": [] if own.purpose is None else [own.purpose.value],
            "messages": [
                {"berichtId": g.message_id, "ontvanger": g.receiver, "tijdstip": instants.write(g.at)}
                for g in consequence.given
            ],
            "opened_at": at,
            "due_at": filed.due_at,
        }
        open_cases(self.means.evidence, tx, [asked])
        return filed, consequence

    def check(self, reply: Reply) -> None:
        """A rejection says why (AVG art. 12(4), 21(1)). Raises ``RequestInvalid``."""
        if reply.answer == ObjectionOutcome.REJECTED and not reply.motivation:
            raise RequestInvalid(
                faults=[Fault("motivering", "VERPLICHT", "Een bezwaar wordt alleen met een motivering afgewezen.")]
            )

    def decide(self, tx: Transaction, row: Row[Any], reply: Reply, subject: Subject) -> dict[str, Any]:
        """Carry out the answer to a zaak; what its entry in the log says beside the answer."""
        found = limits.objections(tx.connection, [row.cause]).get(row.cause)
        if found is None:
            raise NotFound
        limits.decide_objection(tx.connection, row.cause, reply.answer, subject.at)
        root = subject.known.root
        told = [r for r in Flows.of(found).released(tx.connection, root) if r.released_at <= found.at]
        lapsed: list[Row[Any]] = []
        if reply.answer == ObjectionOutcome.UPHELD:
            lapsed = on_a_ground(tx.connection, told)
            cause = Cause(row.cause, OBJECTION, frozenset(), subject.known.person, root)
            # What waits here was let in between; the closed grondslag holds it back at once.
            self.means.stopper.draw_for(tx, cause, lapsed, subject.at)
        gone = {r.delivery_id for r in lapsed}
        tell_free(self.means, tx, subject, row.cause, [r for r in told if r.delivery_id not in gone])
        return {"bezwaarId": row.cause} | Flows.of(found).told()

    def _sealed(self, person: PersonId, reason: str, objection_id: str) -> bytes:
        name = evidence_key(person)
        key = self.means.key_store.ensure([name])[name]
        return seal(key, reason.encode(), _aad(objection_id), self.means.random)

    def reasons(self, rows: Sequence[Row[Any]]) -> dict[str, str]:
        """The person's reasons, per bezwaar; absent once the evidence key is gone."""
        keys = self.means.key_store.find({evidence_key(PersonId(row.person_id)) for row in rows})
        found: dict[str, str] = {}
        for row in rows:
            key = keys.get(evidence_key(PersonId(row.person_id)))
            if key is not None and row.reason_sealed is not None:
                found[row.objection_id] = unseal(key, row.reason_sealed, _aad(row.objection_id)).decode()
        return found


def a_month_after(instant: datetime) -> datetime:
    """The same moment a month later; where that month is shorter, on its last day (Regulation 1182/71 art. 3(2)(c))."""
    year, month = (instant.year, instant.month + 1) if instant.month < 12 else (instant.year + 1, 1)
    return instant.replace(year=year, month=month, day=min(instant.day, monthrange(year, month)[1]))


def _pending(objection_id: str, subject: Subject) -> Cause:
    return Cause(objection_id, OBJECTION, frozenset(), subject.known.person, subject.known.root, told=_PENDING)


def _aad(objection_id: str) -> bytes:
    return f"bezwaar/{objection_id}".encode()
