"""The vernietigingsverklaring of a month as a page to print, in plain Dutch (B1). Every value is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from consent.receipt.dutch import day, moment
from contracts import instants
from hub.rights.erasure.letter import number, p, page


def letter(said: Mapping[str, Any]) -> str:
    """The page. ``said``: the signed statement."""
    return page(
        [
            "<h1>Verklaring van vernietiging</h1>",
            *_what(said),
            "<h2>Welke berichten?</h2>",
            *_kinds(said["soorten"]),
            "<h2>Wat betekent dat?</h2>",
            p("Niemand kan deze berichten in de hub nog lezen. Ook wij niet."),
            # Only `hub backup` cleans up, when it makes the next one; of copies elsewhere the hub knows nothing.
            p(
                "In een reservekopie kunnen ze nog staan. Is die ouder dan 30 dagen? "
                "Dan ruimt de hub hem op als hij een nieuwe maakt. "
                "Zetten wij een reservekopie terug, dan vernietigen wij ze weer."
            ),
            "<h2>Hoe kunt u dit controleren?</h2>",
            *_proof(said),
        ]
    )


def _what(said: Mapping[str, Any]) -> Iterable[str]:
    since, until = (day(instants.parse(said[name])) for name in ("van", "tot"))
    gone = said["vernietigd"]
    yield p(f"Deze verklaring is voor {said['naam'] or said['organisatie']} ({said['organisatie']}).")
    yield p(f"Zij gaat over de tijd van {since} tot {until}. Toen was de bewaartermijn van deze gegevens voorbij.")
    yield p(f"Vernietigd: de inhoud van {_count(gone['berichten'], 'bericht', 'berichten')}.")
    if gone["onbestelbaar"]:
        yield p(f"Daarvan zijn er {gone['onbestelbaar']} nooit aangekomen: niemand haalde ze op.")
    yield p(f"Vernietigd: {_count(gone['sleutels'], 'sleutel', 'sleutels')} van mensen met wie u bent gestopt.")
    if gone["bewijzen"]:
        yield p(f"Vernietigd: het bewijs over {_count(gone['bewijzen'], 'mens', 'mensen')}.")
    if not said["afgesloten"]:
        until_now = moment(instants.parse(said["tot"]))
        yield p(f"Deze maand is nog niet voorbij. De verklaring is bijgewerkt tot {until_now}.")


def _kinds(kinds: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    told = [
        f"<li>{escape(_count(one['berichten'], 'bericht', 'berichten'))} {escape(one['soort'])}, voor "
        f"{escape(one['doel'])}: bewaard tot {one['dagen']} dagen nadat het was aangekomen of tegengehouden</li>"
        for one in kinds
    ]
    if told:
        yield f"<ul>{''.join(told)}</ul>"
        yield p("De nummers van deze berichten staan in de verklaring voor systemen (JSON).")
    else:
        yield p("Er waren geen berichten.")


def _proof(said: Mapping[str, Any]) -> Iterable[str]:
    places = [one["vermelding"] for one in said["vermeldingen"]]
    yield p("De vernietiging staat in het bewijslogboek. Verandert iemand dat logboek achteraf? Dan is dat te zien.")
    yield number("Logboek", said["oorsprong"])
    yield number("Vermeldingen", ", ".join(places) or "geen van u alleen")
    yield number("Handtekening", said["handtekening"])


def _count(number_of: int, one: str, more: str) -> str:
    return f"{number_of} {one if number_of == 1 else more}"
