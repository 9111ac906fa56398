"""Inzage over HTTP: of the own organisation, or whole; as JSON in pages, or as a letter."""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from typing import Any, Final

from flask import Response
from sqlalchemy import Connection

from consent.keys import evidence_key
from contracts.errors import Fault, LogUnavailable, NotFound, RequestInvalid, ScopeMissing
from hub.access.authenticate import require_mandate
from hub.access.caller import Scope
from hub.intake import reading as media
from hub.intake.context import asker, caller, hub, need
from hub.intake.endpoint import Endpoint
from hub.intake.paging import cursor, page
from hub.reference.retention import retention
from hub.rights.inzage import recorded, schemas, traffic
from hub.rights.inzage.asking import LETTER, WHOLE, Asked, Granted
from hub.rights.inzage.letter.sheet import Sheet
from hub.rights.inzage.letter.write import STYLE, letter
from hub.rights.inzage.sections import Items, Look, Place, fill, pages
from hub.store.database import reading, snapshot
from hub.store.persons import picture

HTML: Final = "text/html"
SECTIONS: Final = (*recorded.SECTIONS, *traffic.SECTIONS)
#: Rows that a letter takes in at a time.
_LETTER_PAGE: Final = 1_000
#: A letter may use its own style and nothing else (CSP 3 §8.4).
_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: Members that name an organisation.
_NAMING: Final = frozenset(
    {
        *("organisatie", "verstrekker", "ontvanger", "vastgelegdDoor", "gevraagd", "gevraagdDoor", "geheimhouder"),
        *("opdrachtgever", "verstrekkers", "ontvangers"),
    }
)


def inzage(kandidaatRef: str, query: Mapping[str, Any]) -> dict[str, Any] | Response:
    """What is done with somebody's data here (AVG art. 15); that it was asked stands in the log."""
    asked = _asked(query)
    granted = hub().inzages.ask(asker(), kandidaatRef, asked)
    with _look(granted, asked) as look:
        return _letter(look) if asked.form == LETTER else _page(look, query)


def _asked(query: Mapping[str, Any]) -> Asked:
    """What may be asked with this token. Raises ``RequestInvalid``, ``ScopeMissing``."""
    whole, form = query["omvang"] == WHOLE, query["formaat"]
    if query["inhoud"] and (whole or form == LETTER):
        reason = "inhoud is er alleen van eigen berichten, in json"
        raise RequestInvalid(faults=[Fault("inhoud", "NIET_PASSEND", reason)])
    if form == LETTER and "volgende" in query:
        raise RequestInvalid(faults=[Fault("volgende", "NIET_PASSEND", "een brief heeft geen vervolg")])
    need(Scope.RECHTEN_GEHEEL if whole else Scope.TOESTEMMINGEN_LEZEN)
    if query["inhoud"] and Scope.BERICHTEN_VERSTUREN not in caller().scopes:
        raise ScopeMissing
    if query["inhoud"]:
        with reading(hub().engine) as connection:
            require_mandate(connection, caller(), hub().clock.now(), Scope.BERICHTEN_VERSTUREN)
    return Asked(query["omvang"], form, query["inhoud"], "volgende" in query)


@contextmanager
def _look(granted: Granted, asked: Asked) -> Iterator[Look]:
    """One state of the tables, whatever happens meanwhile. Raises ``NotFound`` for whom was erased in between."""
    the = hub()
    with snapshot(the.engine) as connection:
        members = tuple(picture.members(connection, granted.whose.root))
        names = {evidence_key(member) for member in members}
        if not names or the.key_store.destroyed(names):
            raise NotFound
        keys = the.key_store.find(names)
        opening = (the.key_store, the.cases, the.limits.objections)
        yield Look(connection, granted.whose, granted.at, keys, *opening, asked.content)


def _page(look: Look, query: Mapping[str, Any]) -> dict[str, Any]:
    asked = page(query)
    place: Place | None = None
    if asked.after:
        if len(asked.after) != 2:
            raise RequestInvalid(faults=[Fault("volgende", "GEEN_CURSOR", "dit is geen waarde van volgende")])
        place = asked.after[0], asked.after[1]
    found, following = fill(SECTIONS, look, asked.limit, place)
    terms = [kept.told() for kept in retention(hub().terms)]
    return {
        "omvang": query["omvang"],
        "opgesteldOp": look.at,
        "organisatie": caller().organisation,
        "afgeschermd": picture.shielded(look.connection, look.whose),
        "bewaartermijnen": terms,
        "doorgifteBuitenEu": None,  # nothing checks where the computers of who receives are
        "geautomatiseerdeBesluiten": False,
        "organisaties": _named(look.connection, found),
        **{section.name: found.get(section.name, []) for section in SECTIONS},
        "volgende": cursor(following) if following[0] else None,
    }


def _letter(look: Look) -> Response:
    own = caller().organisation
    name = picture.names(look.connection, [own])[own].name
    sheet = Sheet(name, look.whose.own is None, look.at, picture.shielded(look.connection, look.whose))
    sheet.kept = retention(hub().terms)
    for found in pages(SECTIONS, look, _LETTER_PAGE):
        sheet.add(found, {one["oin"]: one["naam"] for one in _named(look.connection, found)})
    answer = Response(letter(sheet), content_type=f"{HTML}; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _POLICY
    return answer


def _named(connection: Connection, found: Mapping[str, Items]) -> list[dict[str, str]]:
    """Every organisation that a page names, once."""
    rows = picture.names(connection, set(_oins(list(found.values()))))
    return [{"oin": oin, "naam": rows[oin].name, "rol": rows[oin].role} for oin in sorted(rows)]


def _oins(told: Any, naming: bool = False) -> Iterable[str]:
    if isinstance(told, Mapping):
        for name, value in told.items():
            if name != "inhoud":  # what a sender wrote itself
                yield from _oins(value, name in _NAMING)
    elif isinstance(told, list | tuple):
        for value in told:
            yield from _oins(value, naming)
    elif naming and isinstance(told, str):
        yield told


ENDPOINTS: Final = (
    Endpoint(
        method="GET",
        path="/kandidaten/<string:kandidaatRef>/inzage",
        view=inzage,
        summary="Inzage: wie wat van een kandidaat kreeg, wanneer, waarvoor en op welke grond",
        scopes=(Scope.TOESTEMMINGEN_LEZEN, Scope.RECHTEN_GEHEEL),
        query=schemas.InzageQuery,
        out=schemas.Inzage,
        out_content={media.JSON: schemas.Inzage, HTML: {"type": "string"}},
        errors=(NotFound, LogUnavailable),
        description=(
            "`omvang=eigen` (scope `toestemmingen:lezen`): wat de eigen organisatie stuurde, kreeg en vastlegde. "
            "`omvang=geheel` (scope `rechten:geheel`): alle organisaties, voor het contactpunt van de regeling, dat "
            "zich eerst van de identiteit van de vrager vergewist. `inhoud=true` (ook scope `berichten:versturen`) "
            "voegt de eigen verstuurde berichten toe zolang hun sleutel leeft; wat is ontvangen, is niet in die vorm "
            "bewaard. Elke vraag, ook om een vervolg, staat in het bewijslogboek."
        ),
    ),
)
