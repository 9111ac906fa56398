"""A stopverzoek: every consent-based flow of a person stands still until its verstrekker confirms or lifts it."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from consent.facts import Choice, ConsentFlow, Statement, Stop
from consent.gate.flows import consented_flows
from consent.store import records
from contracts.identity import Oin, Purpose
from hub.gate.person_work import Subject
from hub.rights.cases.answering import STOP_ANSWERS, Reply
from hub.rights.cases.book import open_cases
from hub.rights.consent import checks
from hub.rights.consent.means import STOP, Means, entry
from hub.rights.stopping import Cause, Consequence, Given
from hub.rights.taken import lines
from hub.store.region.access import Asker
from hub.store.writer import Transaction


def stop(means: Means, recorder: Asker, ref: str) -> tuple[str, Consequence]:
    """Stop all at once; the id of the stop and what followed. Raises ``NotFound``.

    A repeat by the same organisation, while nothing was answered and the person said no further ``ja``, tells the same
    again; any other is a stop of its own, with an answer of its own for each flow.
    """

    def work(tx: Transaction, subject: Subject) -> tuple[str, Consequence]:
        checks.require_involved(subject, recorder.organisation)
        at, person = subject.at, subject.known.person
        said = [s for s in subject.record.facts.statements if s.choice is Choice.YES and s.ended_at is None]
        flows, under = consented_flows(subject.record.facts.statements, at), frozenset(s.id for s in said)
        before = _standing(tx, subject, recorder)
        if before is not None and _says_the_same(before, flows, said):
            again = Cause(before.id, STOP, under, person, subject.known.root)
            return before.id, means.stopper.tell_again(tx, again, before.at)
        stop_id = means.new_id()
        means.taken.note(tx, lines.closed(under, stop_id), at)
        values = {"stop_id": stop_id, "person_id": person, "recorder": recorder.organisation, "at": at}
        records.add_stop(tx.connection, values, flows)
        means.note(
            tx, person, entry(STOP, at, recorder) | {"stopId": stop_id, "gevraagd": [told(f) for f in sorted(flows)]}
        )
        cause = Cause(stop_id, STOP, under, person, subject.known.root)
        # A crash before the commit: nothing was stopped and nobody was told so. After it: all of it holds.
        consequence = means.stopper.draw(tx, cause, at)
        _ask(means, tx, cause, flows, consequence)
        return stop_id, consequence

    return means.person_work.on_ref(recorder, ref, work, take_away=True)


def _standing(tx: Transaction, subject: Subject, recorder: Asker) -> Stop | None:
    """The newest stop of this recorder."""
    stop_id = records.latest_stop(tx.connection, recorder.organisation, subject.known.root)
    return next((one for one in subject.record.facts.stops if one.id == stop_id), None)


def _says_the_same(before: Stop, flows: frozenset[ConsentFlow], said: list[Statement]) -> bool:
    newest = max((s.spoken_at for s in said), default=before.at)
    return flows <= before.asked and not before.confirmed | before.lifted and newest <= before.at


def _ask(means: Means, tx: Transaction, cause: Cause, flows: frozenset[ConsentFlow], consequence: Consequence) -> None:
    """A zaak per flow, for its verstrekker; a closed one tells what went through a flow whose ``ja`` had lapsed."""
    given: dict[ConsentFlow, list[Given]] = {flow: [] for flow in flows}
    for one in consequence.given:
        given.setdefault(ConsentFlow(one.sender, one.receiver, one.purpose), []).append(one)
    rows = []
    for flow in sorted(given):
        values = means.case(cause, (flow.sender, STOP), given[flow], consequence.at, closed=flow not in flows)
        rows.append(values | {"receiver": flow.receiver, "purposes": [flow.purpose]})
    open_cases(means.evidence, tx, rows)


@dataclass(frozen=True, slots=True)
class StopAnswers:
    """Decides the zaken of stops (``hub.rights.cases.answering.Decider``): each for its own flow."""

    @property
    def answers(self) -> tuple[str, ...]:
        """How a verstrekker may answer."""
        return STOP_ANSWERS

    @property
    def scope(self) -> str | None:
        """The scope of answering zaken is enough."""
        return None

    def check(self, reply: Reply) -> None:
        """An answer needs nothing beside it."""

    def decide(self, tx: Transaction, row: Row[Any], reply: Reply, subject: Subject) -> dict[str, Any]:
        """Note the answer; what its entry in the log says beside it.

        Lifting opens what was stopped for messages that come from now on; what was stopped stays stopped.
        """
        flow = flow_of(row)
        records.answer_stop(tx.connection, row.cause, flow, reply.answer, subject.at)
        return {"stroom": told(flow)}

    def settle(self) -> None:
        """Nothing follows."""


def flow_of(row: Row[Any]) -> ConsentFlow:
    """The flow that a zaak of a stop is about; of one from before flows were named: all of the verstrekker's."""
    if row.receiver is None:
        return ConsentFlow(Oin(row.verstrekker))
    return ConsentFlow(Oin(row.verstrekker), Oin(row.receiver), Purpose(row.purposes[0]))


def told(flow: ConsentFlow) -> dict[str, str]:
    """A flow as it stands on the wire and in the log; what is not named is left out."""
    named = {"verstrekker": flow.sender, "ontvanger": flow.receiver, "doel": flow.purpose and flow.purpose.value}
    return {name: value for name, value in named.items() if value is not None}
