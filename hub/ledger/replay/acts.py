"""What each act does to the facts of a person, as the log tells it: pure, one function an act."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, TypeVar

from consent.endings import cut
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
from hub.ledger.replay.region import moment

T = TypeVar("T")


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


def recalled(facts: PersonFacts, said: dict[str, Any], at: datetime) -> PersonFacts:
    """Who became involved by a message that was not for it is so no longer."""
    over = {(Oin(one["organisatie"]), one["trajectId"]) for one in said.get("betrokkenheidBeeindigd", ())}

    def ended(one: Involvement) -> Involvement:
        return cut(one, at) if (one.organisation, one.trajectory) in over else one

    return replace(facts, involvements=tuple(map(ended, facts.involvements)))


_Act = Callable[[PersonFacts, dict[str, Any], datetime], PersonFacts]
ACTS: Final[dict[str, _Act]] = {
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
    "terugroeping": recalled,
}
