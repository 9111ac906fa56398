"""What was said of persons, as the log tells it: trajecten, statements, stops, limits, joins.

A person is the handle in the name of the key under which an entry is sealed; the log itself holds no name of anybody.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from consent.facts import (
    Choice,
    Involvement,
    Objection,
    ObjectionOutcome,
    PersonFacts,
    Restriction,
    SecrecyRelease,
    Shield,
    Statement,
    Stop,
)
from consent.store.reading import PARENT
from contracts import instants
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose
from hub.ledger.replay.region import moment

T = TypeVar("T")
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Person:
    """One person at one place in the log, by handle; joined persons share a ``root``."""

    root: str
    facts: PersonFacts = field(default_factory=lambda: PersonFacts(known=True))
    latest: datetime = _LONG_AGO


@dataclass(slots=True)
class Persons:
    """All persons at one place in the log."""

    by_handle: dict[str, Person] = field(default_factory=dict)
    members: dict[str, set[str]] = field(default_factory=dict)  # root → handles, of those who were ever joined

    def get(self, handle: str) -> Person:
        """The person; one of whom nothing was told yet is made."""
        return self.by_handle.setdefault(handle, Person(handle))

    def facts(self, handle: str) -> tuple[PersonFacts, datetime]:
        """All facts of a person and of those joined with it, and the instant of the newest of them."""
        root = self.get(handle).root
        members = [self.get(one) for one in sorted(self.members.get(root, {handle}))]
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
        act = _ACTS.get(said["soort"])
        if act is not None:
            at = instants.parse(said["op"])
            person.facts = act(person.facts, said, at)
            person.latest = max(person.latest, at)

    def group(self, handle: str) -> frozenset[str]:
        """A person and all joined with it."""
        root = self.get(handle).root
        return frozenset(self.members.get(root, {handle}))

    def split(self, handle: str, root: str, others: Collection[str]) -> None:
        """One person alone again; the others stay joined, under this root."""
        self.members.pop(self.get(handle).root, None)
        self.get(handle).root = handle
        for other in others:
            self.get(other).root = root
        self.members |= {handle: {handle}, root: set(others)}

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
    return frozenset(make(v) for v in said[name]) if said.get(name) is not None else None


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
        parental=said.get("gegevenDoor") == PARENT,
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


def _ended(one: Statement, _said: dict[str, Any], at: datetime) -> Statement:
    return replace(one, ended_at=at)


def _revoked(one: Statement, _said: dict[str, Any], at: datetime) -> Statement:
    return one if one.requested else replace(one, ended_at=at)  # a request that was wrong asked nobody anything


def _own(one: Statement, said: dict[str, Any], _at: datetime) -> Statement:
    return replace(one, own_at=instants.parse(said["zelfBevestigdOp"]))


def _invalid(one: Statement, _said: dict[str, Any], _at: datetime) -> Statement:
    return replace(one, invalid=True)


def _stop(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    return replace(facts, stops=(*facts.stops, Stop(said["stopId"], at, asked=frozenset(map(Oin, said["gevraagd"])))))


def _answered(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    own, cause = frozenset({Oin(said["organisatie"])}), said.get("oorzaak")

    def answered(one: Stop) -> Stop:
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
    new = SecrecyRelease(said["ontheffingId"], Oin(said["organisatie"]), Oin(said["ontvanger"]), given)
    return replace(facts, secrecy_releases=(*facts.secrecy_releases, new))


def _secrecy_ended(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    ended = (replace(r, ended_at=at) if r.id == said["ontheffingId"] else r for r in facts.secrecy_releases)
    return replace(facts, secrecy_releases=tuple(ended))


def _restriction(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    purpose = said.get("doel")
    new = Restriction(
        said["beperkingId"],
        frozenset(map(Oin, said["verstrekkers"])),
        _some(said, "ontvangers", Oin),
        None if purpose is None else Purpose(purpose),
        at,
    )
    return replace(facts, restrictions=(*facts.restrictions, new))


def _restriction_ended(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    ended = (replace(r, valid_until=at) if r.id == said["beperkingId"] else r for r in facts.restrictions)
    return replace(facts, restrictions=tuple(ended))


def _objection(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    purpose = said.get("doel")
    new = Objection(
        said["bezwaarId"],
        frozenset(map(Oin, said["verstrekkers"])),
        _some(said, "ontvangers", Oin),
        None if purpose is None else Purpose(purpose),
        at,
    )
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
        runs = one.valid_until is None or at < one.valid_until
        return replace(one, valid_until=at) if runs and (one.organisation, one.trajectory) in over else one

    return replace(facts, involvements=tuple(map(ended, facts.involvements)))


_Act = Callable[[PersonFacts, dict[str, Any], datetime], PersonFacts]
_ACTS: Final[dict[str, _Act]] = {
    "traject-geopend": _trajectory,
    "toestemming": _statement,
    "toestemming-gevraagd": _statement,
    "bevestiging-toestemming": _change(_confirmed),
    "bevestiging-betrokkene": _change(_own),
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
