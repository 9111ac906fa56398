"""An activity as a row of the register, for systems and for a spreadsheet (AVG art. 30(1) and (2)). Pure."""

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from consent.receipt import terms as words
from contracts import instants
from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.reference.processing.activities import SECURITY, Activity
from hub.reference.retention import retention
from hub.store.region.agreements import StoredGround
from hub.store.region.parties import Organisation

GIVES, GETS = "verstrekt", "ontvangt"
#: A cell that a spreadsheet could run (OWASP, "CSV Injection"): it is made text by an apostrophe.
_FORMULA: Final = re.compile(r"[\s']*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n]")
_BOM: Final = "\ufeff"  # without it a spreadsheet takes the file for windows-1252
COLUMNS: Final = (
    *("activiteitId", "verwerkingsverantwoordelijken", "richting", "verstrekker", "ontvanger", "afspraakId"),
    *("verwerkersovereenkomst", "art26Regeling", "soort", "doel", "doelOmschrijving", "betrokkenen", "categorieen"),
    *("grondslagen", "opToestemming", "doorgifteBuitenEu", "bewaartermijnen", "beveiliging", "dpiaOp"),
    *("geldigVan", "geldigTot"),
)

_DAYS: Final = frozenset({"geldigVan", "geldigTot"})
#: What an empty cell means where it is not "none".
_EMPTY: Final[Mapping[str, str]] = {"doorgifteBuitenEu": "niet bekend"}


def row(activity: Activity, terms: Terms, own: Oin | None = None) -> dict[str, Any]:
    """The row. ``own``: whose register it is; without it that of the hub, which processes for both."""
    agreement = activity.agreement
    ends = (activity.sender, activity.receiver)
    controllers = [one for one in ends if own in (None, one.oin)]
    side = {} if own is None else {"richting": GIVES if activity.sender.oin == own else GETS}
    return side | {
        "activiteitId": activity.id,
        "verwerkingsverantwoordelijken": [_party(one) for one in controllers],
        "verstrekker": _party(activity.sender),
        "ontvanger": _party(activity.receiver),
        "afspraakId": agreement.agreement.id,
        "verwerkersovereenkomst": agreement.processing_agreement,
        "art26Regeling": agreement.agreement.joint_arrangement,
        "soort": activity.kind.name,
        "doel": activity.purpose.value,
        "doelOmschrijving": words.PURPOSES[activity.purpose].words,
        "betrokkenen": list(activity.persons),
        "categorieen": [category.value for category in activity.categories],
        "grondslagen": [_ground(one) for one in activity.grounds],
        "opToestemming": [category.value for category in activity.consented],
        "doorgifteBuitenEu": None,  # nothing checks where the computers of who receives are
        "bewaartermijnen": [one.told() for one in retention(terms, activity.kind.name, activity.purpose.value)],
        "beveiliging": list(SECURITY),
        "dpiaOp": agreement.dpia_on,
        "geldigVan": agreement.agreement.valid_from,
        "geldigTot": agreement.agreement.valid_until,
    }


def _party(party: Organisation) -> dict[str, str]:
    return {"oin": party.oin, "naam": party.name, "rol": party.role.value}


def _ground(stored: StoredGround) -> dict[str, Any]:
    value = stored.ground
    return {
        "grondslagId": value.id,
        "basis": value.basis.value,
        "wet": stored.law,
        "artikel": stored.article,
        "lid": stored.paragraph,
        "uavgArtikel": value.uavg_article,
        "categorieen": sorted(value.categories),
        "geldigVan": value.valid_from,
        "geldigTot": value.valid_until,
    }


def sheet(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Rows (as they go over the wire) as CSV for a spreadsheet: UTF-8 with a byte order mark, ``;``, CRLF."""
    written = io.StringIO(newline="")
    out = csv.writer(written, delimiter=";", lineterminator="\r\n")
    out.writerow(COLUMNS)
    for one in rows:
        out.writerow([_cell(_day(one[c]) if c in _DAYS else one.get(c)) or _EMPTY.get(c, "") for c in COLUMNS])
    return (_BOM + written.getvalue()).encode()


def brief(one: Mapping[str, Any]) -> dict[str, str | None]:
    """A row as it fits on a screen; what is the same for all rows is left to the JSON."""
    shown = ("verstrekker", "ontvanger", "soort", "doel", "categorieen", "grondslagen", "opToestemming", "dpiaOp")
    papers = one["verwerkersovereenkomst"] or one["art26Regeling"]
    return {name: _text(one[name]) for name in shown} | {"overeenkomst": _text(papers), "tot": _day(one["geldigTot"])}


def _day(instant: str | None) -> str | None:
    """The day in Amsterdam that begins or goes on: that is how an agreement was dated."""
    return None if instant is None else instants.today(instants.parse(instant)).isoformat()


def _cell(value: Any) -> str:
    text = _text(value)
    return f"'{text}" if _FORMULA.match(text) else text


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "ja" if value else "nee"
        case {"naam": name, "oin": oin}:
            return f"{name} ({oin})"
        case {"toelichting": words}:
            return str(words)
        case {"grondslagId": _}:
            paragraph = f" lid {value['lid']}" if value["lid"] else ""
            return f"{value['basis']}: {value['wet']} artikel {value['artikel']}{paragraph}"
        case list():
            return "; ".join(map(_text, value))
    return str(value)
