"""What was said of persons, as the log tells it: trajecten, statements, stops, limits, joins.

A person is the handle in the name of the key under which an entry is sealed; the log itself holds no name of anybody.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from consent.endings import Ended, close, reopen, tell
from consent.facts import (
    Involvement,
    PersonFacts,
)
from contracts import instants
from contracts.identity import Oin
from hub.keys.erasure_list import organisation_of, person_of
from hub.ledger.replay.acts import ACTS, recalled

T = TypeVar("T")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Person:
    """One person at one place in the log, by handle; joined persons share a ``root``."""

    root: str
    facts: PersonFacts = field(default_factory=lambda: PersonFacts(known=True))
    latest: datetime = _LONG_AGO


@dataclass(frozen=True, slots=True)
class Death:
    """A report of death, by the closing message that made it; ``person``: the handle."""

    person: str
    organisation: str
    at: datetime
    recalled_at: datetime | None = None


@dataclass(slots=True)
class Persons:
    """All persons at one place in the log."""

    by_handle: dict[str, Person] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)  # root → handles, of those who were ever joined
    same_as: dict[str, str] = field(default_factory=dict)  # handle → the first handle of the same person
    content: dict[tuple[str, str], datetime] = field(default_factory=dict)  # (handle, organisation) whose content went
    refs: dict[str, tuple[str, str]] = field(default_factory=dict)  # SHA-256 of a ref → (handle, organisation)
    whole: dict[str, datetime] = field(default_factory=dict)  # handles of those who were erased as a whole
    erasures: dict[str, dict[str, Any]] = field(default_factory=dict)  # what was said of each, by its id
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)  # how each request for one stands, by its id
    leaders: dict[str, frozenset[Oin]] = field(default_factory=dict)  # traject → its opdrachtgever and who opened it
    deaths: dict[str, Death] = field(default_factory=dict)  # by message
    reported: dict[str, list[str]] = field(default_factory=dict)  # handle → messages that reported the death

    def get(self, handle: str) -> Person:
        """The person; one of whom nothing was told yet is made."""
        return self.by_handle.setdefault(handle, Person(handle))

    def facts(self, handle: str) -> tuple[PersonFacts, datetime]:
        """All facts of a person and of those joined with it, and the instant of the newest of them."""
        members = self._joined(handle)
        if len(members) == 1:
            return members[0].facts, members[0].latest
        facts = PersonFacts(
            known=True,
            erased=any(m.facts.erased for m in members),
            deceased=any(m.facts.deceased for m in members),
            **{name: tuple(f for m in members for f in getattr(m.facts, name)) for name in _LISTS},
        )
        return facts, max(m.latest for m in members)

    def _joined(self, handle: str) -> list[Person]:
        """The person and all who are joined with it, in a fixed order."""
        return [self.get(one) for one in sorted(self.members.get(self.get(handle).root, {handle}))]

    def hear(self, handle: str, said: dict[str, Any]) -> None:
        """Take in one entry about a person. What changes no fact is passed over."""
        person = self.get(handle)
        if said["soort"] == "traject-geopend":
            self.leaders[said["trajectId"]] = frozenset({Oin(said["opdrachtgever"]), Oin(said["organisatie"])})
        act = ACTS.get(said["soort"])
        if act is not None:
            at = instants.parse(said["op"])
            person.facts = act(person.facts, said, at)
            person.latest = max(person.latest, at)

    def erase(self, handle: str, said: dict[str, Any]) -> None:
        """Content about a person was destroyed: of one organisation, that is involved no longer, or of all."""
        at = instants.parse(said["op"])
        for member in self.members.get(self.get(handle).root, {handle}):
            self.get(member).facts = recalled(self.get(member).facts, said, at)
        for line in said["sleutels"]:
            whose = organisation_of(line)
            if whose is not None:
                self.content.setdefault(whose, at)
            elif (who := person_of(line)) is not None:
                self.whole.setdefault(who, at)
                gone = self.get(who)
                gone.facts, gone.latest = replace(gone.facts, erased=True), max(gone.latest, at)
        if "wissingId" in said:
            self.erasures[said["wissingId"]] = said
        if said.get("omvang") == "eigen":  # asked and done in one act
            self.requests[said["wissingId"]] = _request(said, "gewist") | {"closed_at": said["op"]}

    def ask(self, said: dict[str, Any]) -> None:
        """A turn in the course of a request to erase somebody as a whole."""
        one = self.requests.setdefault(said["wissingId"], {})
        match said["soort"]:
            case "wissing-verzoek":
                one |= _request(said, "bij-contactpunt")
            case "wissing-gevraagd":
                one |= {"status": "gevraagd", "point": said["contactpunt"]}
            case _:
                one |= {"status": said["uitkomst"], "closed_at": said["op"]}

    def named(self, handle: str, organisation: str, said: dict[str, Any]) -> None:
        """A ref was given out, where the entry says so: whom it names, and to whom it was given."""
        if "refSha256" in said:
            self.refs[said["refSha256"]] = handle, organisation

    def gone(self, handle: str | None, organisation: str) -> bool:
        """True when what this organisation sent about a person can no longer be read."""
        return handle is not None and (handle in self.whole or (handle, organisation) in self.content)

    def group(self, handle: str) -> frozenset[str]:
        """A person and all joined with it."""
        root = self.get(handle).root
        return frozenset(self.members.get(root, {handle}))

    def namesakes(self, handle: str) -> frozenset[str]:
        """Those of a person's group that are other handles of the very person."""
        first = self.same_as.get(handle, handle)
        return frozenset(one for one in self.group(handle) if self.same_as.get(one, one) == first)

    def split(self, handle: str, root: str, others: Collection[str]) -> None:
        """One person alone again, with its namesakes; the others stay joined, under this root."""
        own = self.namesakes(handle)
        self.members.pop(self.get(handle).root, None)
        for one in own:
            self.get(one).root = handle
        for other in others:
            self.get(other).root = root
        self.members |= {handle: set(own), root: set(others)}

    def join(self, kept: str, merged: str) -> None:
        """Two roots become one."""
        moved = self.members.pop(merged, {merged})
        self.members[kept] = self.members.get(kept, {kept}) | moved
        for handle in moved:
            self.get(handle).root = kept

    def involve(self, handle: str, begun: Involvement) -> None:
        """An involvement that the release of an opening message begins."""
        person = self.get(handle)
        person.facts = replace(person.facts, involvements=(*person.facts.involvements, begun))
        person.latest = max(person.latest, begun.valid_from)

    def close(self, handle: str, said: dict[str, Any]) -> None:
        """A closing message was accepted: for all joined persons, and a report of death for its own."""
        at, receiver = instants.parse(said["op"]), said.get("ontvanger")
        until, named = instants.parse(said["tot"]), None if receiver is None else Oin(receiver)
        for one in self._joined(handle):
            one.facts = close(one.facts, Ended(said["berichtId"], said["trajectId"], named, at, until))
            one.latest = max(one.latest, at)
        if said.get("overleden") is True:
            self.deaths[said["berichtId"]] = Death(handle, said["organisatie"], at)
            self.reported.setdefault(handle, []).append(said["berichtId"])
            self._settle(handle)

    def tell(self, handle: str, trajectory: str | None, receiver: Oin, at: datetime) -> None:
        """A closing message was released to an organisation: its involvement is over."""
        for one in self._joined(handle):
            one.facts = tell(one.facts, trajectory, receiver, at)

    def recall(self, handle: str, said: dict[str, Any]) -> None:
        """A message was recalled: what it opened is over, what it closed goes on."""
        self.hear(handle, said)
        message, given_back = (
            said["berichtId"],
            {Oin(one["organisatie"]) for one in said.get("betrokkenheidHervat", ())},
        )
        for one in self._joined(handle):
            one.facts = reopen(one.facts, message, given_back)
        if said.get("overlijdenHerroepen") is True:
            self.deaths[message] = replace(self.deaths[message], recalled_at=instants.parse(said["op"]))
            self._settle(handle)

    def died_at(self, handle: str) -> datetime | None:
        """When the first report of this person's death that stands was made."""
        reports = (self.deaths[message] for message in self.reported.get(handle, ()))
        return min((death.at for death in reports if death.recalled_at is None), default=None)

    def _settle(self, handle: str) -> None:
        person = self.get(handle)
        person.facts = replace(person.facts, deceased=self.died_at(handle) is not None)


def _request(said: dict[str, Any], status: str) -> dict[str, Any]:
    """A request as it was recorded, in the columns of its table."""
    named = {"organisation": said["organisatie"], "scope": said["omvang"], "reason": said["reden"], "at": said["op"]}
    return named | {"status": status, "point": None, "closed_at": None}


_LISTS: Final = (
    *("involvements", "enrolments", "statements", "stops"),
    *("restrictions", "objections", "secrecy_releases", "shields"),
)
