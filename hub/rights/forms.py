"""From the form of a statement to the statement: what it must name, and what consent can never cover. Pure."""

from collections.abc import Callable, Iterable, Mapping
from datetime import MAXYEAR, date, datetime
from typing import Any, Final, TypeVar

from consent.facts import SPEAKS_FOR_MINOR, Choice, Speaker, Statement
from contracts import instants
from contracts.errors import Fault, RequestInvalid
from contracts.identity import SPECIAL, Category, LegalBasis, Oin, Purpose
from hub.rights.consent.recording import NewStatement, Renewal, Said

T = TypeVar("T")
_GROWN_AT: Final = 16
_SCOPES = ("doelen", "categorieen", "verstrekkers", "ontvangers")
#: A BSN goes on a law, never on consent; what is about staff is covered by the agreement.
_NEVER_BY_CONSENT = frozenset({Category.BSN, Category.MEDEWERKER})


def new_statement(body: Mapping[str, Any]) -> NewStatement:
    """The statement that a form states. Raises ``RequestInvalid`` with every fault that it finds."""
    statement = said(body).on(_asked(body, body["gegevenOp"]), Choice(body["keuze"]))
    faults = [*_term_of(statement), *_coverage(statement, body), *_representation(body)]
    if faults:
        raise RequestInvalid(faults=faults)
    return NewStatement(statement, dict(body["verklaring"]), said(body), body.get("gevraagdDoor"))


def new_request(body: Mapping[str, Any], at: datetime) -> NewStatement:
    """A request for a ``ja``, asked at ``at``; nothing was answered yet. Raises ``RequestInvalid``."""
    statement = _asked(body, at)
    faults = [*_term_of(statement), *_coverage(statement, body)]
    if faults:
        raise RequestInvalid(faults=faults)
    return NewStatement(statement, dict(body["verklaring"]), None, body.get("gevraagdDoor"))


def answer(body: Mapping[str, Any]) -> tuple[Choice, Said]:
    """What was answered to a request. Raises ``RequestInvalid``."""
    faults = [*_representation(body)]
    if faults:
        raise RequestInvalid(faults=faults)
    return Choice(body["keuze"]), said(body)


def renewal(body: Mapping[str, Any]) -> Renewal:
    """What is said again, for a new term. Raises ``RequestInvalid``."""
    given, since, until = body["gegevenOp"], body.get("geldigVan", body["gegevenOp"]), body["geldigTot"]
    faults = [*_term(given, since, until), *_representation(body)]
    if faults:
        raise RequestInvalid(faults=faults)
    return Renewal(said(body), since, until, dict(body["verklaring"]))


def said(body: Mapping[str, Any]) -> Said:
    """When, how and by whom it was said."""
    day = body.get("zestienOp")
    return Said(
        given_at=body["gegevenOp"],
        manner=body["wijze"],
        given_by=body["gegevenDoor"],
        authority=body.get("bevoegdheid"),
        sixteen_at=None if day is None else instants.start_of(day),
    )


def _asked(body: Mapping[str, Any], at: datetime) -> Statement:
    """The scopes and the term of a form, as something that is only asked for."""
    return Statement(
        id="",
        basis=LegalBasis(body["grondslag"]),
        choice=Choice.YES,
        purposes=_scope(body, "doelen", Purpose),
        categories=_scope(body, "categorieen", Category),
        senders=_scope(body, "verstrekkers", Oin),
        receivers=_scope(body, "ontvangers", Oin),
        given_at=at,
        valid_from=body.get("geldigVan", at),
        valid_until=body.get("geldigTot"),
        requested=True,
    )


def _scope(body: Mapping[str, Any], name: str, make: Callable[[str], T]) -> frozenset[T] | None:
    return frozenset(make(value) for value in body[name]) if name in body else None


def _term_of(statement: Statement) -> Iterable[Fault]:
    if statement.valid_until is None:
        scopes = (statement.purposes, statement.categories, statement.senders, statement.receivers)
        general = statement.choice is Choice.NO and all(scope is None for scope in scopes)
        if not general:
            yield Fault("geldigTot", "VERPLICHT", "Alleen een algemeen nee heeft geen einde.")
        return
    yield from _term(statement.given_at, statement.valid_from, statement.valid_until)


def _term(given: datetime, since: datetime, until: datetime) -> Iterable[Fault]:
    if until <= since:
        yield Fault("geldigTot", "VOLGORDE", "Het einde ligt niet na het begin.")
    elif until > a_year_after(given):
        yield Fault("geldigTot", "TE_LANG", "Een verklaring geldt ten hoogste 12 maanden nadat zij is gegeven.")


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
    if body["gegevenDoor"] != Speaker.PERSON and "bevoegdheid" not in body:
        yield Fault("bevoegdheid", "VERPLICHT", "Zeg waaruit blijkt dat deze persoon mag beslissen.")
    minor = body["gegevenDoor"] in SPEAKS_FOR_MINOR
    if minor and "zestienOp" not in body:
        yield Fault("zestienOp", "VERPLICHT", "Zeg op welke dag de betrokkene 16 wordt: vanaf dan beslist die zelf.")
    elif minor and body["gegevenOp"].year < MAXYEAR:  # else it is refused for being in the future
        yield from _age(body["zestienOp"], instants.today(body["gegevenOp"]))
    elif not minor and "zestienOp" in body:
        yield Fault("zestienOp", "NIET_PASSEND", "Alleen wat een ouder of voogd zegt, moet op 16 worden bevestigd.")


def _age(sixteen_on: date, given_on: date) -> Iterable[Fault]:
    """The day itself is one on which the person is 16, from its first minute."""
    if sixteen_on <= given_on:
        yield Fault(
            "zestienOp", "AL_ZESTIEN", "Op de dag van de verklaring was de betrokkene al 16 en beslist die zelf."
        )
    elif (sixteen_on.year - _GROWN_AT, sixteen_on.month, sixteen_on.day) > (
        given_on.year,
        given_on.month,
        given_on.day,
    ):
        yield Fault("zestienOp", "TE_LAAT", "Zo lang duurt het voor niemand die al geboren is.")


def a_year_after(instant: datetime) -> datetime:
    """The same moment a year later; of 29 February, 1 March; of the last year that there is, its end."""
    if instant.year == MAXYEAR:
        return datetime.max.replace(tzinfo=instant.tzinfo)
    try:
        return instant.replace(year=instant.year + 1)
    except ValueError:
        return instant.replace(year=instant.year + 1, month=3, day=1)
