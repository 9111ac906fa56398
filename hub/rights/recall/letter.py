"""The work sheet as a page to print: A4, plain Dutch. Every value is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from consent.receipt.dutch import day, moment

_REASONS: Final = {
    "verkeerde-persoon": "het ging over de verkeerde persoon",
    "verkeerde-ontvanger": "het ging naar de verkeerde organisatie",
    "onjuist": "er stond iets in dat niet klopt",
}
_ANSWERS: Final = {
    "verwijderd": "verwijderd",
    "gestopt": "gestopt met gebruiken",
    "behouden-eigen-grondslag": "houdt de gegevens, op een eigen grondslag",
    "onmogelijk": "verwijderen kan niet",
    "gecorrigeerd": "verbeterd",
}
_STYLE: Final = (
    "@page{size:A4;margin:20mm}body{font:11pt/1.45 sans-serif;max-width:170mm;margin:0 auto;color:#000}"
    "h1{font-size:16pt}h2{font-size:12.5pt;margin:1.4em 0 .3em}table{border-collapse:collapse;width:100%}"
    "th,td{border:1px solid #555;padding:1.5mm;text-align:left;vertical-align:top;font-size:10pt}"
    "tr{break-inside:avoid}.open{min-height:9mm;border-bottom:1px dotted #555;margin:0 0 2mm}"
)


def letter(sheet: Mapping[str, Any]) -> str:
    """The page. ``sheet``: as ``worksheet`` makes it."""
    parts = [
        "<h1>Werkblad bij een teruggeroepen bericht</h1>",
        _p(f"Bericht {sheet['berichtId']}, soort {sheet['soort']}. Teruggeroepen op {day(sheet['teruggeroepenOp'])}."),
        "<h2>Om wie gaat het?</h2>",
        _table(("Uw kenmerk van deze persoon", "Wat is er gebeurd?"), map(_person, sheet["betrokkenen"])),
        "<h2>Wie kreeg wat?</h2>",
        _given(sheet),
    ]
    parts += _breach(sheet["datalek"])
    return (
        '<!DOCTYPE html><html lang="nl"><head><meta charset="utf-8"><title>Werkblad terugroeping</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _person(one: Mapping[str, str]) -> tuple[str, str]:
    sent = one["rol"] == "gegevens-verstrekt"
    told = "De gegevens van deze persoon zijn verstuurd." if sent else "Het bericht had over deze persoon moeten gaan."
    return one["kandidaatRef"], told


def _given(sheet: Mapping[str, Any]) -> str:
    if not sheet["verstrekt"]:
        return _p("Niemand. Het bericht is gestopt voordat het de hub verliet.")
    head = ("Organisatie", "Wanneer", "Soorten gegevens", "Waarom fout", "Antwoord")
    rows = (
        (
            f"{line['naam']} ({line['ontvanger']})",
            moment(line["verstrektOp"]),
            ", ".join(line["categorieen"]) or "geen",
            _REASONS[line["reden"]],
            _answer(line),
        )
        for line in sheet["verstrekt"]
    )
    return _table(head, rows)


def _answer(line: Mapping[str, Any]) -> str:
    if line["beantwoordOp"] is None:
        return "nog geen antwoord"
    words = _ANSWERS.get(line["antwoord"], str(line["antwoord"]))
    return f"{words} ({day(line['beantwoordOp'])})" + (f": {line['toelichting']}" if line["toelichting"] else "")


def _breach(breach: Mapping[str, Any] | None) -> Iterable[str]:
    if breach is None:
        yield "<h2>Is dit een datalek?</h2>"
        yield _p("Nee: er zijn geen gegevens bij een verkeerde organisatie gekomen, of over een verkeerde persoon.")
        return
    yield "<h2>Is dit een datalek?</h2>"
    clock = "Die tijd is voorbij." if breach["verstreken"] else f"U heeft nog ongeveer {breach['resterendeUren']} uur."
    yield _p(
        f"Ja. U ontdekte het op {moment(breach['ontdektOp'])}. Is er een risico voor mensen? Meld het dan binnen 72 "
        f"uur bij de Autoriteit Persoonsgegevens: uiterlijk {moment(breach['meldenVoor'])}. {clock}"
    )
    yield "<h2>Wat vraagt de Autoriteit Persoonsgegevens? (AVG artikel 33)</h2>"
    yield from map(_question, breach["artikel33"])
    yield "<h2>Moet u het aan de mensen zelf vertellen? (AVG artikel 34)</h2>"
    yield from map(_question, breach["artikel34"])


def _question(one: Mapping[str, str | None]) -> str:
    known = one["bekend"]
    return _p(f"{one['vraag']}") + ('<p class="open"></p>' if known is None else _p(known))


def _p(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
