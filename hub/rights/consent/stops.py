"""A stopverzoek: every consent-based flow of a person stands still until each verstrekker confirms or lifts it."""

from consent.facts import Choice
from consent.store import records
from hub.gate.person_work import Subject
from hub.rights.consent import checks
from hub.rights.consent.means import STOP, Means, entry
from hub.rights.stopping import Cause, Consequence
from hub.store.region.access import Asker
from hub.store.writer import Transaction


def stop(means: Means, recorder: Asker, ref: str) -> tuple[str, Consequence]:
    """Stop all at once; the id of the stop and what followed. Raises ``NotFound``."""

    def work(tx: Transaction, subject: Subject) -> tuple[str, Consequence]:
        checks.require_involved(subject, recorder.organisation)
        stop_id, person, at = means.new_id(), subject.known.person, subject.at
        granted = [s for s in subject.record.facts.statements if s.choice is Choice.YES and s.ended_at is None]
        asked = frozenset().union(*(s.confirmed.keys() for s in granted))
        values = {"stop_id": stop_id, "person_id": person, "recorder": recorder.organisation}
        records.add_stop(tx.connection, values | {"asked": sorted(asked), "at": at})
        means.note(tx, person, entry(STOP, at, recorder) | {"stopId": stop_id, "gevraagd": sorted(asked)})
        cause = Cause(stop_id, STOP, frozenset(s.id for s in granted), person, subject.known.root)
        # A crash before the commit: nothing was stopped and nobody was told so. After it: all of it holds.
        consequence = means.stopper.draw(tx, cause, at)
        for sender in sorted(asked):
            means.open_case(tx, cause, (sender, STOP), consequence, closed=False)
        return stop_id, consequence

    return means.person_work.on_ref(recorder, ref, work, take_away=True)
