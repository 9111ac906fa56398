"""What was said of persons, as the log tells it: trajecten, statements, stops, limits, joins.

A person is the handle in the name of the key under which an entry is sealed; the log itself holds no name of anybody.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from consent.endings import Ended, close, cut, reopen, tell
from consent.facts import (
    Choice,
    ConsentFlow,
    Involvement,
    Objection,
    ObjectionOutcome,
    PersonFacts,
    Restriction,
    SecrecyRelease,
    Shield,
    Speaker,
    Statement,
    Stop,
)
from contracts import instants
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, SecrecySubject
from hub.keys.erasure_list import organisation_of, person_of
from hub.ledger.replay.region import moment

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
        act = _ACTS.get(said["soort"])
        if act is not None:
            at = instants.parse(said["op"])
            person.facts = act(person.facts, said, at)
            person.latest = max(person.latest, at)

    def erase(self, handle: str, said: dict[str, Any]) -> None:
        """Content about a person was destroyed: of one organisation, that is involved no longer, or of all."""
        at = instants.parse(said["op"])
        for member in self.members.get(self.get(handle).root, {handle}):
            self.get(member).facts = _recalled(self.get(member).facts, said, at)
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


def _trajectory(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    begun = Involvement(
        Oin(said["organisatie"]),
        said["trajectId"],
        LegalFramework(said["wettelijkKader"]),
        instants.parse(said["van"]),
        moment(said, "tot"),
    )
    return replace(facts, involvements=(*facts.involvements, begun))


def _some(said: dict[str, Any], name: str, make: Callable[[str], T]) -> frozenset[T] | None:
    return _set(make, *said[name]) if said.get(name) is not None else None


@lru_cache(maxsize=4_096)
def _set(make: Callable[[str], Any], *codes: str) -> frozenset[Any]:
    """One set for all who named the same: of many persons, whose facts are held, it is most of what they said."""
    return frozenset(map(make, codes))


def _statement(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    """What was said, or only asked for; an answer takes the place of what was asked."""
    new = Statement(
        id=said["toestemmingId"],
        basis=LegalBasis(said["grondslag"]),
        choice=Choice(said.get("keuze", Choice.YES)),
        purposes=_some(said, "doelen", Purpose),
        categories=_some(said, "categorieen", Category),
        senders=_some(said, "verstrekkers", Oin),
        receivers=_some(said, "ontvangers", Oin),
        given_at=moment(said, "gegevenOp") or at,
        valid_from=instants.parse(said["geldigVan"]),
        valid_until=moment(said, "geldigTot"),
        requested="keuze" not in said,
        confirmed={Oin(who): at for who in said.get("bevestigd", ())},
        by=Speaker(said.get("gegevenDoor", Speaker.PERSON)),
        sixteen_at=moment(said, "zestienOp"),
    )
    others = tuple(s for s in facts.statements if s.id != new.id)
    return replace(facts, statements=(*others, new))


def _change(change: Callable[[Statement, dict[str, Any], datetime], Statement]) -> "_Act":
    def act(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
        changed = (change(s, said, at) if s.id == said["toestemmingId"] else s for s in facts.statements)
        return replace(facts, statements=tuple(changed))

    return act


def _confirmed(one: Statement, said: dict[str, Any], at: datetime) -> Statement:
    return replace(one, confirmed={**one.confirmed, Oin(said["organisatie"]): at})


def _unconfirmed(one: Statement, said: dict[str, Any], _at: datetime) -> Statement:
    return replace(one, confirmed={who: at for who, at in one.confirmed.items() if who != said["organisatie"]})


def _ended(one: Statement, _said: dict[str, Any], at: datetime) -> Statement:
    return replace(one, ended_at=at)


def _revoked(one: Statement, _said: dict[str, Any], at: datetime) -> Statement:
    if one.requested:
        return one  # a request that was wrong asked nobody anything
    return replace(one, ended_at=at, sixteen_at=None)  # nor does what was recorded wrongly say how old somebody is


def _own(one: Statement, said: dict[str, Any], _at: datetime) -> Statement:
    return replace(one, own_at=instants.parse(said["zelfBevestigdOp"]))


def _invalid(one: Statement, _said: dict[str, Any], _at: datetime) -> Statement:
    return replace(one, invalid=True)


def _stop(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    return replace(facts, stops=(*facts.stops, Stop(said["stopId"], at, frozenset(map(_flow, said["gevraagd"])))))


def _flow(told: dict[str, str] | str) -> ConsentFlow:
    """A flow of consent; a verstrekker alone, as older entries have it: all of its flows."""
    if isinstance(told, str):
        return ConsentFlow(Oin(told))
    sender = Oin(told["verstrekker"])
    return ConsentFlow(sender, Oin(told["ontvanger"]), Purpose(told["doel"])) if "doel" in told else ConsentFlow(sender)


def _answered(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    cause = said.get("oorzaak")

    def answered(one: Stop) -> Stop:
        own = frozenset({_flow(said.get("stroom", said["organisatie"]))}) & one.asked
        if one.id != cause:
            return one
        if said["antwoord"] == "opgeheven":
            return replace(one, lifted=one.lifted | own)
        return replace(one, confirmed=one.confirmed | own)

    def decided(one: Objection) -> Objection:
        return replace(one, outcome=ObjectionOutcome(said["antwoord"])) if one.id == cause else one

    if said["zaak"] == "stopverzoek":
        return replace(facts, stops=tuple(map(answered, facts.stops)))
    if said["zaak"] == "bezwaar":
        return replace(facts, objections=tuple(map(decided, facts.objections)))
    return facts


def _secrecy(facts: PersonFacts, said: dict[str, Any], _at: datetime) -> PersonFacts:
    given = instants.parse(said["gegevenOp"])
    subjects = frozenset(map(SecrecySubject, said["onderwerpen"]))
    new = SecrecyRelease(said["ontheffingId"], Oin(said["organisatie"]), Oin(said["ontvanger"]), subjects, given)
    return replace(facts, secrecy_releases=(*facts.secrecy_releases, new))


def _secrecy_ended(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    ended = (replace(r, ended_at=at) if r.id == said["ontheffingId"] else r for r in facts.secrecy_releases)
    return replace(facts, secrecy_releases=tuple(ended))


def _limited(said: dict[str, Any]) -> tuple[frozenset[Oin], frozenset[Oin] | None, Purpose | None]:
    """The flows that a beperking or a bezwaar names: verstrekkers, ontvangers (``None``: all), doel (likewise)."""
    purpose = said.get("doel")
    senders = frozenset(map(Oin, said["verstrekkers"]))
    return senders, _some(said, "ontvangers", Oin), None if purpose is None else Purpose(purpose)


def _restriction(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    new = Restriction(said["beperkingId"], *_limited(said), at)
    return replace(facts, restrictions=(*facts.restrictions, new))


def _restriction_ended(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    ended = (replace(r, valid_until=at) if r.id == said["beperkingId"] else r for r in facts.restrictions)
    return replace(facts, restrictions=tuple(ended))


def _objection(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    new = Objection(said["bezwaarId"], *_limited(said), at)
    return replace(facts, objections=(*facts.objections, new))


def _shield(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    new = Shield(said["afschermingId"], frozenset(map(Oin, said["ontvangers"])), at)
    others = tuple(s for s in facts.shields if s.id != new.id)
    return replace(facts, shields=(*others, new))


def _shield_lifted(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    lifted = (replace(s, lifted_at=at) if s.id == said["afschermingId"] else s for s in facts.shields)
    return replace(facts, shields=tuple(lifted))


def _recalled(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    """Who became involved by a message that was not for it is so no longer."""
    over = {(Oin(one["organisatie"]), one["trajectId"]) for one in said.get("betrokkenheidBeeindigd", ())}

    def ended(one: Involvement) -> Involvement:
        return cut(one, at) if (one.organisation, one.trajectory) in over else one

    return replace(facts, involvements=tuple(map(ended, facts.involvements)))


_Act = Callable[[PersonFacts, dict[str, Any], datetime], PersonFacts]
_ACTS: Final[dict[str, _Act]] = {
    "traject-geopend": _trajectory,
    "toestemming": _statement,
    "toestemming-gevraagd": _statement,
    "bevestiging-toestemming": _change(_confirmed),
    "bevestiging-betrokkene": _change(_own),
    "bevestiging-vervallen": _change(_unconfirmed),
    "intrekking": _change(_ended),
    "herroeping": _change(_revoked),
    "ongeldigverklaring": _change(_invalid),
    "stopverzoek": _stop,
    "zaak-beantwoord": _answered,
    "ontheffing": _secrecy,
    "ontheffing-ingetrokken": _secrecy_ended,
    "beperking": _restriction,
    "beperking-opgeheven": _restriction_ended,
    "bezwaar": _objection,
    "afscherming": _shield,
    "afscherming-opgeheven": _shield_lifted,
    "terugroeping": _recalled,
}
