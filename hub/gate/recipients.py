"""Step 4 and 5: for whom a message is, and whether each of them may have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from consent.endings import Ended
from consent.facts import Involvement
from contracts import instants
from contracts.agreement import Agreement
from contracts.envelope import Message
from contracts.errors import Fault, MessageInvalid, RefusalCode
from contracts.identity import Oin
from contracts.kinds.traject import ending
from hub.gate.judge import Candidate, Judgement, Scene, look
from hub.store.persons.people import Known
from hub.store.region.rules import RulePair, agreement_partners
from hub.store.traffic.messages import awaited
from hub.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Decided:
    """One message, decided for each recipient.

    ``exact``: why there is no recipient, where that says nothing of a person.
    """

    message: Message
    known: Known | None
    at: datetime
    trajectory: str | None
    judgements: tuple[tuple[Oin, Judgement], ...]
    exact: RefusalCode | None = None

    @property
    def going(self) -> tuple[tuple[Oin, Judgement], ...]:
        """Those who may have it, in the order of their OIN."""
        return tuple((receiver, j) for receiver, j in self.judgements if j.allowed)

    def ended(self, message_id: str) -> Ended | None:
        """What it ends: a closing message that somebody may have. One without data is only asked about."""
        data = self.message.data
        if not self.message.kind.closes or self.trajectory is None or not self.going or not data:
            return None
        said = ending(data)
        # The traject runs to the end of its last day; one that is past is over now.
        until = max(self.at, instants.start_of(said.last_day + timedelta(days=1)))
        return Ended(message_id, self.trajectory, self.message.recipient, self.at, until, said.died)


@dataclass(frozen=True, slots=True)
class _Addressed:
    """A message and all whom an agreement of its sender could bring it to; involvement is the gate's to judge."""

    message: Message
    known: Known | None
    receivers: tuple[Oin, ...]

    @property
    def pairs(self) -> list[RulePair]:
        source = self.message.source
        return [RulePair(source.organisation, source.system, receiver) for receiver in self.receivers]


def decide_all(
    tx: Transaction, messages: Sequence[Message], known: Mapping[tuple[Oin, str], Known]
) -> list[Decided | MessageInvalid]:
    """Decide on many messages, in order: an accepted opening message counts for those behind it.

    ``MessageInvalid`` for an opening message that does not say which of the sender's open trajecten it is about.
    """
    partners = agreement_partners(tx.connection, {m.source.organisation for m in messages if m.recipient is None})
    addressed = [_address(tx.now, m, known, partners) for m in messages]
    scene = open_scene(tx, addressed)
    return [_decide(scene, one) for one in addressed]


def open_scene(tx: Transaction, addressed: Sequence[_Addressed]) -> Scene:
    roots = {one.known.root for one in addressed if one.known is not None}
    ends = [one.message.trajectory for one in addressed if one.message.kind.closes]
    scene = look(tx.connection, tx.now, {pair for one in addressed for pair in one.pairs}, roots, ends)
    for root, involvement in awaited(tx.connection, scene.read):
        scene.involve(root, involvement)
    return scene


def _address(
    now: datetime,
    message: Message,
    known: Mapping[tuple[Oin, str], Known],
    partners: Mapping[Oin, tuple[Agreement, ...]],
) -> _Addressed:
    sender = message.source.organisation
    whom = known.get((sender, message.subject)) if message.subject is not None else None
    if message.recipient is not None:
        return _Addressed(message, whom, (message.recipient,))
    covering = [a for a in partners[sender] if a.in_force(now) and a.covers(message.kind.name, message.purpose)]
    return _Addressed(message, whom, tuple(sorted({p for a in covering for p in a.parties if p != sender})))


def _decide(scene: Scene, one: _Addressed) -> Decided | MessageInvalid:
    root = one.known.root if one.known is not None else None
    at = scene.instant(root)
    trajectory = _trajectory(scene, one, root, at)
    if isinstance(trajectory, MessageInvalid):
        return trajectory
    judged = [(r, scene.judge(Candidate(one.message, r, root, trajectory))) for r in one.receivers]
    exact = None
    if one.message.recipient is None:
        # An agreement with somebody whose role this message is not for makes nobody a recipient.
        judged = [(r, j) for r, j in judged if j.decision.code is not RefusalCode.ONTVANGER_NIET_BEVOEGD]
        exact = None if one.receivers else RefusalCode.GEEN_ONTVANGER  # no agreement covers this kind and doel
        judged = [(r, j) for r, j in judged if _is_for(scene, one, r, root, at)]
    decided = Decided(one.message, one.known, at, trajectory, tuple(judged), exact)
    if one.message.kind.opens and root is not None:
        _await(scene, root, decided)
    if root is not None and (ended := decided.ended("")) is not None:
        scene.close(root, ended)  # by whatever id: for the messages behind it in this same transaction
    return decided


def _trajectory(scene: Scene, one: _Addressed, root: str | None, at: datetime) -> str | MessageInvalid | None:
    """The traject that an opening message names; without a name it means the sender's only open one.

    A closing message always names the one that it ends.
    """
    if one.message.kind.closes:
        return one.message.trajectory
    if not one.message.kind.opens:
        return None  # what another kind names is not looked at, and so not kept either
    if one.message.trajectory is not None:
        return one.message.trajectory
    own = {
        i.trajectory
        for i in scene.record(root).facts.involvements
        if i.organisation == one.message.source.organisation and not i.awaited and not i.closing and i.runs(at)
    }
    if len(own) > 1:
        return MessageInvalid(
            faults=[Fault("traject", "VERPLICHT", "Zeg over welk traject dit gaat: er lopen er meer.")]
        )
    return next(iter(own), None)


def _is_for(scene: Scene, one: _Addressed, receiver: Oin, root: str | None, at: datetime) -> bool:
    """Whether a message without a named recipient is for this organisation: it is involved.

    In the traject itself, of one that ends it: not by an opening message that still waits, for a traject that is over
    opens to nobody, and not where another closing message was let in before.
    """
    kind = one.message.kind
    if not kind.about_person:
        return True
    live = [i for i in scene.record(root).facts.involvements if i.organisation == receiver and i.runs(at)]
    if not kind.closes:
        return bool(live)
    return any(i.trajectory == one.message.trajectory and not i.awaited and i.closing is None for i in live)


def _await(scene: Scene, root: str, decided: Decided) -> None:
    """Let the receivers of an accepted opening message count for the messages behind it in this same transaction."""
    source = next(
        (
            i
            for i in scene.record(root).facts.involvements
            if i.organisation == decided.message.source.organisation
            and i.trajectory == decided.trajectory
            and i.runs(decided.at)
        ),
        None,
    )
    if source is None:
        return
    for receiver, _ in decided.going:
        scene.involve(
            root,
            Involvement(receiver, source.trajectory, source.framework, decided.at, source.valid_until, awaited=True),
        )
