"""The gate at work: reads the facts of many flows at once, after the locks, and has each of them decided.

``consent.decision.decide`` knows the rules; this knows where their facts lie. Accept, release, withdrawal and the dry
run all come through here, so that there is one answer to the question whether something may be shared.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection

from consent.decision import Decision, Outcome, Step, decide
from consent.endings import Ended, close, tell
from consent.facts import Facts, Involvement, Request, RuleFacts, of_kind
from consent.gate.checks import CATALOGUE
from consent.gate.person import shielded
from consent.store.reading import PersonRecord, Readers, read_persons
from contracts.envelope import Message
from contracts.errors import RefusalCode
from contracts.identity import Category, Oin, Role
from contracts.minimise import Context, View, view
from hub.store.persons.closings import Led, led
from hub.store.persons.people import Placement, placements
from hub.store.region.rules import RulePair, read_rules

_NOBODY = PersonRecord()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One message on its way to one receiver. ``root``: whom it is about; ``None`` when its ref names nobody.

    ``trajectory``: the traject that it opens to the receiver, or ends. ``accepted_at``: when it was accepted; ``None``:
    it is asked now. ``since``: when it was first released. What was kept from the receiver then is kept in every later
    attempt.
    """

    message: Message
    receiver: Oin
    root: str | None
    trajectory: str | None = None
    push_system: str | None = None
    since: datetime | None = None
    accepted_at: datetime | None = None

    @property
    def pair(self) -> RulePair:
        """The two ends, as the region's rules are looked up."""
        source = self.message.source
        return RulePair(source.organisation, source.system, self.receiver, self.push_system)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A decision with the view of the message that it was made on; no view: nothing of it is for this receiver."""

    decision: Decision
    view: View | None
    receiver_role: Role | None

    @property
    def allowed(self) -> bool:
        return self.decision.outcome is not Outcome.STOPPED

    def never_more(self, revealed: Collection[str] | None) -> "Judgement":
        """An attempt may carry the same or fewer categories than an earlier one (``revealed``), never more."""
        if revealed is None or self.view is None or not self.allowed:
            return self
        allowed = self.decision.allowed & frozenset(map(Category, revealed))
        if self.view.required <= allowed:
            return replace(self, decision=replace(self.decision, allowed=allowed))
        none = frozenset[Category]()
        refusal = replace(self.decision, outcome=Outcome.STOPPED, code=RefusalCode.GEEN_GRONDSLAG, allowed=none)
        return replace(self, decision=refusal)


@dataclass(slots=True)
class Scene:
    """All facts that the decisions of one transaction rest on. Lives and dies with that transaction."""

    now: datetime
    rules: Mapping[RulePair, RuleFacts]
    persons: dict[str, PersonRecord]
    places: dict[str, tuple[Placement, ...]]
    led: Mapping[str, Led]

    def instant(self, root: str | None) -> datetime:
        """The instant to decide at: now, but never before this person's latest fact (a clock may be set back)."""
        return max(self.now, self.record(root).latest)

    def record(self, root: str | None) -> PersonRecord:
        """What is known of a person; of nobody, the empty record, which allows nothing."""
        return self.persons.get(root, _NOBODY) if root is not None else _NOBODY

    @property
    def read(self) -> frozenset[str]:
        """The persons of whom all facts were read."""
        return frozenset(root for root, record in self.persons.items() if record.whole)

    def involve(self, root: str, involvement: Involvement) -> None:
        """Take note of an involvement that this transaction itself begins or awaits."""
        record = self.record(root)
        facts = replace(record.facts, involvements=(*record.facts.involvements, involvement))
        self.persons[root] = replace(record, facts=facts)

    def close(self, root: str, ended: Ended) -> None:
        """Take note that this transaction accepts a closing message."""
        record = self.record(root)
        self.persons[root] = replace(record, facts=close(record.facts, ended))

    def tell(self, root: str, trajectory: str | None, organisation: Oin) -> None:
        """Take note that this transaction releases a closing message to this organisation."""
        record = self.record(root)
        self.persons[root] = replace(record, facts=tell(record.facts, trajectory, organisation, self.now))

    def judge(self, candidate: Candidate) -> Judgement:
        """Decide on one candidate. A refusal is an answer, not an error."""
        rules = self.rules[candidate.pair]
        led = self._led(candidate)
        leaders = led.leaders if led is not None else frozenset[Oin]()
        facts = Facts(rules, self.record(candidate.root).facts, leaders=leaders)
        at = self.instant(candidate.root)
        seen = self._view(candidate, facts, at)
        request = Request(
            sender=candidate.message.source.organisation,
            receiver=candidate.receiver,
            purpose=candidate.message.purpose,
            required=seen.required if seen is not None else frozenset(),
            optional=seen.optional if seen is not None else frozenset(),
            trajectory=candidate.trajectory,
            accepted_at=candidate.accepted_at,
            **of_kind(candidate.message.kind),
        )
        decision = decide(request, facts, at)
        if seen is None and decision.code in (None, RefusalCode.GEEN_GRONDSLAG):
            # This form of the kind is for other roles. It says nothing of the person, so the code may be exact.
            decision = _not_for(decision)
        return Judgement(decision, seen, rules.receiver.role if rules.receiver is not None else None)

    def _led(self, candidate: Candidate) -> Led | None:
        """Whose the traject is that a closing message names."""
        named = candidate.trajectory if candidate.message.kind.closes else None
        return None if named is None else self.led.get(named)

    def _view(self, candidate: Candidate, facts: Facts, at: datetime) -> View | None:
        led, rules = self._led(candidate), facts.rules
        if rules.sender is None or rules.receiver is None:
            return None
        places = self.places.get(candidate.root, ()) if candidate.root is not None else ()
        context = Context(
            sender_role=rules.sender.role,
            receiver_role=rules.receiver.role,
            own_placements=frozenset(p.id for p in places if p.workplace == candidate.receiver),
            care_placements=frozenset(p.id for p in places if p.role is Role.WOONZORG),
            shielded=any(
                shielded(candidate.receiver, facts.person, when) is not None for when in {at, candidate.since or at}
            ),
            client=led is not None and led.client == candidate.receiver,
        )
        return view(candidate.message, context)


def _not_for(decision: Decision) -> Decision:
    """Stopped, because nothing of the message is for this receiver's role: said of the kind, never of the person."""
    failed = Step(CATALOGUE, False, RefusalCode.ONTVANGER_NIET_BEVOEGD, "vorm-niet-voor-ontvanger")
    return Decision(
        outcome=Outcome.STOPPED,
        code=RefusalCode.ONTVANGER_NIET_BEVOEGD,
        allowed=frozenset(),
        left_out=frozenset(),
        basis={},
        steps=tuple(failed if step.name == CATALOGUE else step for step in decision.steps),
    )


def look(
    connection: Connection,
    now: datetime,
    pairs: Collection[RulePair],
    roots: Iterable[str | None],
    ends: Iterable[str | None] = (),
) -> Scene:
    """Read, in a fixed number of statements, everything that decisions on these pairs and persons need.

    Of a person in whose trajecten none of the senders takes part nothing more is read, nor can be needed: see
    ``read_persons``. Every check is made all the same, on what was read; the log then holds that the sender is not
    involved, and no other fact that would have forbidden it too. ``ends``: the trajecten that closing messages among
    them name.
    """
    known = {root for root in roots if root is not None}
    rules = read_rules(connection, pairs, now)
    persons = read_persons(connection, known, Readers({pair.sender for pair in pairs}, now))
    read = {root for root in known if persons[root].whole}
    places = dict.fromkeys(known, ()) | placements(connection, read)
    return Scene(now, rules, persons, places, led(connection, {named for named in ends if named is not None}))
