"""Messages and releases, as the log tells them; every release is decided again on the facts of its place in the log."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from consent.decision import Outcome, decide, statements_of
from consent.facts import Facts, Involvement, PersonFacts, Request, of_kind
from contracts import catalogue, instants
from contracts.identity import Category, Oin, Purpose
from hub.delivery.states import State
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region
from hub.ledger.replay.shelf import Shelf

#: The log writes instants in whole milliseconds; the hub decided in finer ones.
_GRAIN: Final = timedelta(milliseconds=1)
_NOBODY: Final = PersonFacts()
#: By what a message may never leave for a receiver again.
STOPPED: Final = "gestopt"
RECALLED: Final = "teruggeroepen"
_ACKNOWLEDGED: Final = frozenset({State.CONFIRMED.value, State.UNPROCESSABLE.value})


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as its decision tells it. ``person``: the handle; ``None``: about no person."""

    person: str | None
    sender: str
    system: str
    kind: str
    purpose: str
    trajectory: str | None
    receivers: frozenset[str]  # to whom it was let
    at: datetime

    def packed(self) -> tuple[Any, ...]:
        """As plain values."""
        head = self.person, self.sender, self.system, self.kind, self.purpose, self.trajectory
        return *head, sorted(self.receivers), instants.write(self.at)

    @classmethod
    def unpacked(cls, values: list[Any]) -> "Sent":
        """The other way round."""
        person, sender, system, kind, purpose, trajectory, receivers, at = values
        return cls(person, sender, system, kind, purpose, trajectory, frozenset(receivers), instants.parse(at))


@dataclass(frozen=True, slots=True)
class Release:
    """That a message left for a receiver, with these categories, on these statements and ontheffing."""

    at: datetime
    given: tuple[str, ...]
    place: str
    rested_on: frozenset[str] = frozenset()

    def packed(self) -> tuple[Any, ...]:
        """As plain values."""
        return instants.write(self.at), self.given, self.place, sorted(self.rested_on)

    @classmethod
    def unpacked(cls, values: list[Any]) -> "Release":
        """The other way round."""
        at, given, place, rested_on = values
        return cls(instants.parse(at), tuple(given), place, frozenset(rested_on))


@dataclass(frozen=True, slots=True)
class Lapsed:
    """That a message was emptied: when, by which entry, and for whom it never arrived."""

    at: datetime
    entry_id: str
    undelivered: frozenset[str]

    def packed(self) -> tuple[Any, ...]:
        """As plain values."""
        return instants.write(self.at), self.entry_id, sorted(self.undelivered)

    @classmethod
    def unpacked(cls, values: list[Any]) -> "Lapsed":
        """The other way round."""
        at, entry_id, undelivered = values
        return cls(instants.parse(at), entry_id, frozenset(undelivered))


def _sent() -> Shelf[Sent]:
    return Shelf(Sent.packed, Sent.unpacked)


def _releases() -> Shelf[Release]:
    return Shelf(Release.packed, Release.unpacked)


def _lapsed() -> Shelf[Lapsed]:
    return Shelf(Lapsed.packed, Lapsed.unpacked)


def _texts() -> Shelf[str]:
    return Shelf(str, str)


def release_of(message_id: str, receiver: str) -> str:
    """The key of a release: once for each message and receiver."""
    return f"{message_id}/{receiver}"


@dataclass(slots=True)
class Traffic:
    """All messages and releases at one place in the log."""

    region: Region
    persons: Persons
    sent: Shelf[Sent] = field(default_factory=_sent)
    released: Shelf[Release] = field(default_factory=_releases)  # by ``release_of``
    notices: Shelf[str] = field(default_factory=_texts)  # messages that the hub itself made: id → receiver
    barred: Shelf[str] = field(default_factory=_texts)  # by ``release_of``: by what it may never leave again
    ended: Shelf[str] = field(default_factory=_texts)  # by ``release_of``: the state in which it ended
    lapsed: Shelf[Lapsed] = field(default_factory=_lapsed)  # messages whose term was over, by id
    erased: set[str] = field(default_factory=set)  # handles of persons whose key was destroyed

    def decided(self, person: str | None, said: dict[str, Any]) -> None:
        """A decision that let a message in."""
        if "berichtId" in said:
            let = frozenset(b["ontvanger"] for b in said["besluiten"] if b["uitkomst"] != Outcome.STOPPED)
            self.sent[said["berichtId"]] = Sent(
                person,
                said["afzender"],
                said["systeem"],
                said["bericht"],
                said["doel"],
                said.get("trajectId"),
                let,
                instants.parse(said["op"]),
            )

    def lapse(self, said: dict[str, Any], entry_id: str) -> str | None:
        """Messages that were emptied because their term was over; what is wrong with that, if anything."""
        at, wrong = instants.parse(said["op"]), None
        for one in said["berichten"]:
            message_id, undelivered = one["berichtId"], frozenset(one.get("onbestelbaar", ()))
            if self.sent.get(message_id) is None and self.notices.get(message_id) is None:
                wrong = "een bewaartermijn van een bericht waarover het logboek geen besluit bevat"
            elif self.lapsed.get(message_id) is not None:
                wrong = "een bericht dat voor de tweede keer is leeggemaakt"
            elif at < instants.parse(one["tot"]):
                wrong = "een bericht dat voor het einde van zijn bewaartermijn is leeggemaakt"
            self.lapsed.setdefault(message_id, Lapsed(at, entry_id, undelivered))
        return wrong

    def stop(self, said: dict[str, Any]) -> None:
        """A message was stopped for a receiver: for good, also when what stopped it is taken back."""
        key = release_of(said["berichtId"], said["ontvanger"])
        self.barred[key], self.ended[key] = STOPPED, State.STOPPED.value

    def recall(self, said: dict[str, Any]) -> None:
        """A message was recalled for some of its receivers, whether they had it or not."""
        for receiver in said["ontvangers"]:
            self.barred[release_of(said["berichtId"], receiver)] = RECALLED
        for receiver in said["gestopt"]:
            self.ended[release_of(said["berichtId"], receiver)] = State.STOPPED.value

    def acknowledge(self, said: dict[str, Any]) -> str | None:
        """A receiver acknowledged messages; what is wrong with that, if anything."""
        wrong = None
        for one in said["berichten"]:
            key = release_of(one["berichtId"], said["ontvanger"])
            barred = self.barred.get(key)
            if barred is not None:
                wrong = f"een bevestiging van een bericht dat voor deze ontvanger al was {barred}"
            elif self.released.get(key) is None:
                wrong = "een bevestiging van een bericht waarvan het logboek geen vrijgave bevat"
            elif self.ended.get(key) in _ACKNOWLEDGED:
                wrong = "een tweede bevestiging van hetzelfde bericht door dezelfde ontvanger: het ging opnieuw"
            else:
                self.ended[key] = one["uitkomst"]
        return wrong

    def release(self, person: str | None, said: dict[str, Any], place: str) -> str | None:
        """A release; what is wrong with it, if anything."""
        message = self.sent.get(said["berichtId"])
        told = None if message is not None else self.notices.get(said["berichtId"])
        if message is None and told is None:
            return "een vrijgave van een bericht waarover het logboek geen besluit bevat"
        at, receiver = instants.parse(said["op"]), said["ontvanger"]
        key = release_of(said["berichtId"], receiver)
        if self.released.get(key) is not None:
            return "een tweede vrijgave van hetzelfde bericht aan dezelfde ontvanger"
        self.released[key] = Release(at, tuple(said["gegeven"]), place, _rested_on(said))
        barred = self.barred.get(key)
        if barred is not None:
            return f"een vrijgave van een bericht dat voor deze ontvanger al was {barred}"
        if message is None:
            return _notice(said, told)
        if receiver not in message.receivers:
            return "een vrijgave aan een ontvanger die het besluit niet toeliet"
        wrong = self._covered(message, receiver, frozenset(map(Category, said["gegeven"])), at)
        if wrong is None:
            self._open(message, receiver, at)
            self._close(message, receiver, at)
        return wrong

    def _covered(self, message: Sent, receiver: str, given: frozenset[Category], at: datetime) -> str | None:
        kind = catalogue.by_name(message.kind)
        if kind is None:
            return "een vrijgave van een soort die niet in de catalogus staat"
        request = Request(
            sender=Oin(message.sender),
            receiver=Oin(receiver),
            purpose=Purpose(message.purpose),
            required=given,
            trajectory=message.trajectory,
            accepted_at=message.at,
            **of_kind(kind),
        )
        leaders = self.persons.leaders.get(message.trajectory or "") or frozenset()
        facts, latest = self.persons.facts(message.person) if message.person is not None else (_NOBODY, at)
        moment = max(at, latest)
        why = ""
        for when in (moment, moment - _GRAIN):
            rules = self.region.facts(message.sender, message.system, receiver, when)
            decision = decide(request, Facts(rules, facts, leaders=leaders), when)
            if decision.outcome is Outcome.ALLOWED and decision.allowed == given:
                return None
            why = why or next((f" ({s.name}: {s.reason})" for s in decision.steps if not s.passed), "")
        return f"een vrijgave zonder dekking{why}"

    def _open(self, message: Sent, receiver: str, at: datetime) -> None:
        """The release of an opening message begins the receiver's involvement."""
        kind = catalogue.by_name(message.kind)
        if kind is None or not kind.opens or message.person is None:
            return
        facts, latest = self.persons.facts(message.person)
        moment = max(at, latest)
        running = [i for i in facts.involvements if i.trajectory == message.trajectory and i.runs(moment)]
        source = next((i for i in running if i.organisation == message.sender), None)
        if source is None or any(i.organisation == receiver for i in running):
            return
        begun = Involvement(Oin(receiver), source.trajectory, source.framework, at, source.valid_until)
        self.persons.involve(message.person, begun)

    def _close(self, message: Sent, receiver: str, at: datetime) -> None:
        """The release of a closing message ends the receiver's involvement."""
        if message.kind in catalogue.closing() and message.person is not None:
            self.persons.tell(message.person, message.trajectory, Oin(receiver), at)


def _rested_on(said: dict[str, Any]) -> frozenset[str]:
    secrecy = {said["ontheffing"]} if "ontheffing" in said else frozenset()
    return statements_of(said.get("grondslag", {}).values()) | secrecy


def _notice(said: dict[str, Any], receiver: str | None) -> str | None:
    """What is wrong with the release of a notice: it rests on no facts, so it is not decided again."""
    if said["ontvanger"] != receiver:
        return "een vrijgave van een kennisgeving aan een ander dan haar ontvanger"
    if said["gegeven"] or said.get("kennisgeving") is not True:
        return "een vrijgave van een kennisgeving die meer zegt te geven"
    return None
