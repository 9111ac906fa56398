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
from hub.ledger.replay.shelf import Shelf

T = TypeVar("T")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """One person at one place in the log, by handle; joined persons share a ``root``."""

    root: str
    facts: PersonFacts = field(default_factory=lambda: PersonFacts(known=True))
    latest: datetime = _LONG_AGO
    members: frozenset[str] = frozenset()  # of a root to whom others were ever joined: all of them
    reports: tuple[str, ...] = ()  # messages that reported the death


@dataclass(frozen=True, slots=True)
class Death:
    """A report of death, by the closing message that made it; ``person``: the handle."""

    person: str
    organisation: str
    at: datetime
    recalled_at: datetime | None = None


def _people() -> Shelf[Person]:
    return Shelf(held=10_000)  # 2 to 3 KB each: of a region that has no more, each is read but once


def _instants() -> Shelf[datetime]:
    return Shelf(instants.write, instants.parse)


def _columns() -> Shelf[dict[str, Any]]:
    return Shelf(dict, dict)


@dataclass(slots=True)
class Persons:
    """All persons at one place in the log."""

    by_handle: Shelf[Person] = field(default_factory=_people)
    same_as: Shelf[str] = field(default_factory=Shelf)  # handle → the first handle of the same person
    content: Shelf[datetime] = field(default_factory=_instants)  # by ``given_to``: whose content went
    refs: Shelf[str] = field(default_factory=Shelf)  # SHA-256 of a ref → ``given_to``
    whole: Shelf[datetime] = field(default_factory=_instants)  # handles of those who were erased as a whole
    erasures: Shelf[dict[str, Any]] = field(default_factory=_columns)  # what was said of each, by its id
    requests: Shelf[dict[str, Any]] = field(default_factory=_columns)  # how each request for one stands, by its id
    leaders: Shelf[frozenset[Oin]] = field(default_factory=Shelf)  # traject → its opdrachtgever and who opened it
    deaths: Shelf[Death] = field(default_factory=Shelf)  # by message

    def get(self, handle: str) -> Person:
        """The person; one of whom nothing was told yet stands alone."""
        return self.by_handle.get(handle) or Person(handle)

    def meet(self, handle: str) -> None:
        """The log tells of this person: from here on it is known."""
        self.by_handle.setdefault(handle, Person(handle))

    def _change(self, handle: str, **changes: Any) -> None:
        self.by_handle[handle] = replace(self.get(handle), **changes)

    def facts(self, handle: str) -> tuple[PersonFacts, datetime]:
        """All facts of a person and of those joined with it, and the instant of the newest of them."""
        members = [self.get(one) for one in sorted(self.group(handle))]
        if len(members) == 1:
            return members[0].facts, members[0].latest
        facts = PersonFacts(
            known=True,
            erased=any(m.facts.erased for m in members),
            deceased=any(m.facts.deceased for m in members),
            **{name: tuple(f for m in members for f in getattr(m.facts, name)) for name in _LISTS},
        )
        return facts, max(m.latest for m in members)

    def hear(self, handle: str, said: dict[str, Any]) -> None:
        """Take in one entry about a person. What changes no fact is passed over."""
        person = self.get(handle)
        if said["soort"] == "traject-geopend":
            self.leaders[said["trajectId"]] = frozenset({Oin(said["opdrachtgever"]), Oin(said["organisatie"])})
        act = ACTS.get(said["soort"])
        if act is not None:
            at = instants.parse(said["op"])
            self._change(handle, facts=act(person.facts, said, at), latest=max(person.latest, at))

    def erase(self, handle: str, said: dict[str, Any]) -> None:
        """Content about a person was destroyed: of one organisation, that is involved no longer, or of all."""
        at = instants.parse(said["op"])
        for member in self.group(handle):
            self._change(member, facts=recalled(self.get(member).facts, said, at))
        for line in said["sleutels"]:
            whose = organisation_of(line)
            if whose is not None:
                self.content.setdefault(given_to(*whose), at)
            elif (who := person_of(line)) is not None:
                self.whole.setdefault(who, at)
                gone = self.get(who)
                self._change(who, facts=replace(gone.facts, erased=True), latest=max(gone.latest, at))
        if "wissingId" in said:
            self.erasures[said["wissingId"]] = said
        if said.get("omvang") == "eigen":  # asked and done in one act
            self.requests[said["wissingId"]] = _request(said, "gewist") | {"closed_at": said["op"]}

    def ask(self, said: dict[str, Any]) -> None:
        """A turn in the course of a request to erase somebody as a whole."""
        match said["soort"]:
            case "wissing-verzoek":
                turn = _request(said, "bij-contactpunt")
            case "wissing-gevraagd":
                turn = {"status": "gevraagd", "point": said["contactpunt"]}
            case _:
                turn = {"status": said["uitkomst"], "closed_at": said["op"]}
        self.requests[said["wissingId"]] = (self.requests.get(said["wissingId"]) or {}) | turn

    def named(self, handle: str, organisation: str, said: dict[str, Any]) -> None:
        """A ref was given out, where the entry says so: whom it names, and to whom it was given."""
        if "refSha256" in said:
            self.refs[said["refSha256"]] = given_to(handle, organisation)

    def gone(self, handle: str | None, organisation: str) -> bool:
        """True when what this organisation sent about a person can no longer be read."""
        if handle is None:
            return False
        return self.whole.get(handle) is not None or self.content.get(given_to(handle, organisation)) is not None

    def group(self, handle: str) -> frozenset[str]:
        """A person and all joined with it."""
        return self.get(self.get(handle).root).members or frozenset({handle})

    def namesakes(self, handle: str) -> frozenset[str]:
        """Those of a person's group that are other handles of the very person."""
        first = self._first(handle)
        return frozenset(one for one in self.group(handle) if self._first(one) == first)

    def _first(self, handle: str) -> str:
        return self.same_as.get(handle) or handle

    def split(self, handle: str, root: str, others: Collection[str]) -> None:
        """One person alone again, with its namesakes; the others stay joined, under this root."""
        own = self.namesakes(handle)
        self._change(self.get(handle).root, members=frozenset())
        for first, members in ((handle, own), (root, frozenset(others))):
            self._move(members, first)
            self._change(first, members=members)

    def join(self, kept: str, merged: str) -> None:
        """Two roots become one."""
        whole = self._under(kept) | self._under(merged)
        self._move(self._under(merged), kept)
        self._change(kept, members=whole)

    def _under(self, root: str) -> frozenset[str]:
        return self.get(root).members or frozenset({root})

    def _move(self, handles: Collection[str], root: str) -> None:
        for one in handles:
            self._change(one, root=root, members=frozenset())

    def involve(self, handle: str, begun: Involvement) -> None:
        """An involvement that the release of an opening message begins."""
        person = self.get(handle)
        facts = replace(person.facts, involvements=(*person.facts.involvements, begun))
        self._change(handle, facts=facts, latest=max(person.latest, begun.valid_from))

    def close(self, handle: str, said: dict[str, Any]) -> None:
        """A closing message was accepted: for all joined persons, and a report of death for its own."""
        at, receiver = instants.parse(said["op"]), said.get("ontvanger")
        until, named = instants.parse(said["tot"]), None if receiver is None else Oin(receiver)
        ended = Ended(said["berichtId"], said["trajectId"], named, at, until)
        for one in self.group(handle):
            person = self.get(one)
            self._change(one, facts=close(person.facts, ended), latest=max(person.latest, at))
        if said.get("overleden") is True:
            self.deaths[said["berichtId"]] = Death(handle, said["organisatie"], at)
            self._change(handle, reports=(*self.get(handle).reports, said["berichtId"]))
            self._settle(handle)

    def tell(self, handle: str, trajectory: str | None, receiver: Oin, at: datetime) -> None:
        """A closing message was released to an organisation: its involvement is over."""
        for one in self.group(handle):
            self._change(one, facts=tell(self.get(one).facts, trajectory, receiver, at))

    def recall(self, handle: str, said: dict[str, Any]) -> None:
        """A message was recalled: what it opened is over, what it closed goes on."""
        self.hear(handle, said)
        given_back = {Oin(one["organisatie"]) for one in said.get("betrokkenheidHervat", ())}
        for one in self.group(handle):
            self._change(one, facts=reopen(self.get(one).facts, said["berichtId"], given_back))
        if said.get("overlijdenHerroepen") is True:
            death = self.deaths.get(said["berichtId"])
            if death is None:
                raise ValueError("nobody reported this death")
            self.deaths[said["berichtId"]] = replace(death, recalled_at=instants.parse(said["op"]))
            self._settle(handle)

    def died_at(self, handle: str) -> datetime | None:
        """When the first report of this person's death that stands was made."""
        reports = (self.deaths.get(message) for message in self.get(handle).reports)
        return min((one.at for one in reports if one is not None and one.recalled_at is None), default=None)

    def _settle(self, handle: str) -> None:
        facts = replace(self.get(handle).facts, deceased=self.died_at(handle) is not None)
        self._change(handle, facts=facts)


def given_to(handle: str, organisation: str) -> str:
    """The key of what concerns a person and one organisation: its content, its ref."""
    return f"{handle}/{organisation}"


def _request(said: dict[str, Any], status: str) -> dict[str, Any]:
    """A request as it was recorded, in the columns of its table."""
    named = {"organisation": said["organisatie"], "scope": said["omvang"], "reason": said["reden"], "at": said["op"]}
    return named | {"status": status, "point": None, "closed_at": None}


_LISTS: Final = (
    *("involvements", "enrolments", "statements", "stops"),
    *("restrictions", "objections", "secrecy_releases", "shields"),
)
