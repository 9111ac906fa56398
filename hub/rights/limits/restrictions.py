"""Beperking (AVG art. 18): flows stand still, whatever they rest on, until the organisation that asked for it lifts it.

A beperking is added and ended, never changed: a second one beside it takes nothing of the first away.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row

from contracts import instants
from contracts.errors import NotFound
from contracts.identity import Oin
from hub.gate.person_work import Subject
from hub.rights.consent.checks import require_involved
from hub.rights.consent.means import Means, entry
from hub.rights.limits.flows import Flows, Limit, tell_free
from hub.rights.stopping import Cause, Consequence
from hub.rights.taken import lines
from hub.store.persons import limits
from hub.store.region.access import Asker
from hub.store.writer import Transaction

RESTRICTION: Final = "beperking"
#: Why (AVG art. 18(1)(a) to (d), in that order).
REASONS: Final = ("juistheid-betwist", "onrechtmatig", "rechtsvordering", "bezwaar-in-behandeling")


@dataclass(frozen=True, slots=True)
class Restrictions:
    """The verbs on beperkingen."""

    means: Means

    def restrict(self, asker: Asker, ref: str, flows: Flows, reason: str) -> tuple[str, Consequence]:
        """Restrict own flows of a person, with this commit; the id, and what followed. A repeat tells the same again.

        Raises ``Refused`` for flows that are not the asker's own, ``RequestInvalid``, ``NotFound``.
        """

        def work(tx: Transaction, subject: Subject) -> tuple[str, Consequence]:
            require_involved(subject, asker.organisation)
            found = self._same(tx, subject, asker.organisation, flows, reason)
            if found is not None:
                cause = _cause(found.restriction_id, subject)
                given = [r for r in flows.released(tx.connection, subject.known.root) if r.released_at <= found.at]
                return found.restriction_id, self.means.stopper.tell_again(tx, cause, found.at, given)
            new = Limit(self.means.new_id(), flows, reason)
            about = (subject.known.person, asker.organisation, reason)
            self.means.taken.note(tx, [lines.limited(RESTRICTION, new.id, about, flows.several())])
            return new.id, self.add(tx, subject, asker, new)

        # What is wrong whoever the person is comes first: it must not tell whom the ref names.
        flows.require_own(asker.organisation)
        with self.means.person_work.look() as connection:
            flows.require_known(connection)
        return self.means.person_work.on_ref(asker, ref, work, take_away=True)

    def _same(self, tx: Transaction, subject: Subject, by: Oin, flows: Flows, reason: str) -> Row[Any] | None:
        rows = limits.restrictions_by(tx.connection, by, subject.known.root)
        same = (r for r in rows if r.ended_at is None and r.reason == reason and Flows.of(r) == flows)
        return next(same, None)

    def add(self, tx: Transaction, subject: Subject, asker: Asker, new: Limit) -> Consequence:
        """Restrict: now, or once more after a restore that forgot it."""
        (restriction_id, flows, reason), at, known = new, subject.at, subject.known
        values = {"restriction_id": restriction_id, "person_id": known.person, "recorder": asker.organisation}
        limits.add_restriction(tx.connection, values | flows.values() | {"reason": reason, "at": at})
        payload = {"beperkingId": restriction_id, "grond": reason} | flows.told()
        self.means.note(tx, known.person, entry(RESTRICTION, at, asker) | payload)
        # A crash before the commit: nothing was restricted and nobody was told so. After it: all of it holds.
        cause = _cause(restriction_id, subject)
        given = flows.released(tx.connection, known.root)
        consequence = self.means.stopper.draw_for(tx, cause, given, at)
        # Where the receiver asked for it, the verstrekker finds in its zaken what stands still.
        others = {sender for sender in flows.senders - {asker.organisation} if subject.involved(sender)}
        self.means.tell_senders(tx, cause, RESTRICTION, others, consequence)
        return consequence

    def lift(self, asker: Asker, ref: str, restriction_id: str | None) -> None:
        """Lift an own beperking of a person; without an id all of them. Raises ``NotFound`` where there is none."""

        def work(tx: Transaction, subject: Subject) -> None:
            root = subject.known.root
            rows = limits.restrictions_by(tx.connection, asker.organisation, root)
            mine = [r for r in rows if r.ended_at is None and restriction_id in (None, r.restriction_id)]
            if not mine:
                raise NotFound
            at = subject.at
            for row in mine:
                limits.end_restriction(tx.connection, row.restriction_id, at)
                payload = {"beperkingId": row.restriction_id, "van": instants.write(row.at)}
                self.means.note(tx, row.person_id, entry("beperking-opgeheven", at, asker) | payload)
            done: set[str] = set()
            for row in mine:  # only now: what one of them frees another of them may have held
                told = [r for r in Flows.of(row).released(tx.connection, root) if r.released_at <= row.at]
                fresh = [r for r in told if r.delivery_id not in done]
                done |= {r.delivery_id for r in fresh}
                tell_free(self.means, tx, subject, row.restriction_id, fresh)

        self.means.person_work.on_ref(asker, ref, work, take_away=True)


def _cause(restriction_id: str, subject: Subject) -> Cause:
    return Cause(restriction_id, RESTRICTION, frozenset(), subject.known.person, subject.known.root)
