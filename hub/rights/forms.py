"""From the form of a statement to the statement: what it must name, and what consent can never cover. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, datetime
from typing import Any, TypeVar

from consent.facts import Choice, Statement
from contracts.errors import Fault, RequestInvalid
from contracts.identity import SPECIAL, Category, LegalBasis, Oin, Purpose
from hub.rights.statements import NewStatement

T = TypeVar("T")
_SCOPES = ("doelen", "categorieen", "verstrekkers", "ontvangers")
#: A BSN goes on a law, never on consent; what is about staff is covered by the agreement.
_NEVER_BY_CONSENT = frozenset({Category.BSN, Category.MEDEWERKER})


def new_statement(body: Mapping[str, Any]) -> NewStatement:
    """The statement that a form states. Raises ``RequestInvalid`` with every fault that it finds."""
    statement = Statement(
        id="",
        basis=LegalBasis(body["grondslag"]),
        choice=Choice(body["keuze"]),
        purposes=_scope(body, "doelen", Purpose),
        categories=_scope(body, "categorieen", Category),
        senders=_scope(body, "verstrekkers", Oin),
        receivers=_scope(body, "ontvangers", Oin),
        given_at=body["gegevenOp"],
        valid_from=body.get("geldigVan", body["gegevenOp"]),
        valid_until=body.get("geldigTot"),
    )
    faults = [*_validity(statement), *_coverage(statement, body), *_representation(body)]
    if faults:
        raise RequestInvalid(faults=faults)
    return NewStatement(
        ref=body["kandidaatRef"],
        statement=statement,
        notice=dict(body["verklaring"]),
        manner=body["wijze"],
        given_by=body["gegevenDoor"],
        authority=body.get("bevoegdheid"),
        asked_by=body.get("gevraagdDoor"),
    )


def _scope(body: Mapping[str, Any], name: str, make: Callable[[str], T]) -> frozenset[T] | None:
    return frozenset(make(value) for value in body[name]) if name in body else None


def _validity(statement: Statement) -> Iterable[Fault]:
    if statement.valid_until is None:
        scopes = (statement.purposes, statement.categories, statement.senders, statement.receivers)
        general = statement.choice is Choice.NO and all(scope is None for scope in scopes)
        if not general:
            yield Fault("geldigTot", "VERPLICHT", "Alleen een algemeen nee heeft geen einde.")
        return
    if statement.valid_until <= statement.valid_from:
        yield Fault("geldigTot", "VOLGORDE", "Het einde ligt niet na het begin.")
    elif statement.valid_until > a_year_after(statement.valid_from):
        yield Fault("geldigTot", "TE_LANG", "Een verklaring geldt ten hoogste 12 maanden.")
    if statement.valid_from > a_year_after(statement.given_at):
        yield Fault("geldigVan", "TE_LAAT", "Een verklaring begint binnen 12 maanden nadat zij is gegeven.")


def _coverage(statement: Statement, body: Mapping[str, Any]) -> Iterable[Fault]:
    if statement.choice is Choice.YES:
        yield from (
            Fault(n, "VERPLICHT", "Een toestemming noemt wat, waarvoor, van wie en aan wie.")
            for n in _SCOPES
            if n not in body
        )
    categories = statement.categories or frozenset()
    if statement.choice is Choice.YES and categories & _NEVER_BY_CONSENT:
        yield Fault("categorieen", "NIET_PASSEND", "Een van deze categorieën kan niet op toestemming rusten.")
    if statement.basis is LegalBasis.EXPLICIT_CONSENT and categories - SPECIAL:
        yield Fault("categorieen", "NIET_PASSEND", "Uitdrukkelijke toestemming noemt alleen bijzondere categorieën.")
    if statement.basis is LegalBasis.CONSENT and categories & SPECIAL:
        yield Fault("categorieen", "NIET_PASSEND", "Bijzondere categorieën vragen uitdrukkelijke toestemming.")
    both = (statement.senders or frozenset()) & (statement.receivers or frozenset())
    if statement.choice is Choice.YES and both and statement.senders == statement.receivers:
        yield Fault("ontvangers", "NIET_PASSEND", "Verstrekker en ontvanger zijn dezelfde.")


def _representation(body: Mapping[str, Any]) -> Iterable[Fault]:
    if body["gegevenDoor"] != "betrokkene" and "bevoegdheid" not in body:
        yield Fault("bevoegdheid", "VERPLICHT", "Zeg waaruit blijkt dat deze persoon mag beslissen.")


def a_year_after(instant: datetime) -> datetime:
    """The same moment a year later; of 29 February, 1 March; of the last year that there is, its end."""
    if instant.year == MAXYEAR:
        return datetime.max.replace(tzinfo=instant.tzinfo)
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:
        return instant.replace(year=instant.year + 1, month=3, day=1)
