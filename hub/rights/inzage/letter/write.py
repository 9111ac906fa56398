"""The letter as a whole. It fetches nothing and runs nothing; what happened often is told once, with how often."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

from consent.receipt import terms
from consent.receipt.dutch import moment
from contracts.identity import Category, Purpose
from hub.rights.inzage.letter import flows, recorded
from hub.rights.inzage.letter.grouping import Group
from hub.rights.inzage.letter.markup import enumerated, listed, p
from hub.rights.inzage.letter.sheet import Sheet, categories

STYLE: Final = """
@page { size: A4; margin: 16mm 15mm; }
body { font: 10.5pt/1.4 Verdana, Arial, sans-serif; color: #111; background: #fff; max-width: 50rem; margin: 1rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5em; line-height: 1.2; margin: 0 0 .5em; }
h2 { font-size: 1.15em; margin: 1.3em 0 .3em; break-after: avoid; }
p { margin: .35em 0; }
ul { margin: .3em 0; padding-left: 1.3em; }
table { border-collapse: collapse; width: 100%; table-layout: fixed; font-size: 8.5pt; line-height: 1.35; }
th, td { border: 1px solid #777; padding: 1.2mm 1.6mm; text-align: left; vertical-align: top;
  overflow-wrap: break-word; hyphens: auto; }
th { background: #eee; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
.w5 th:nth-child(2) { width: 29%; } .w5 th:nth-child(4) { width: 16%; }
.w4 th:nth-child(2) { width: 33%; }
td p { margin: 0 0 .4em; }
td p:last-child { margin: 0; }
.let-op { border: 2px solid #111; padding: .5em .7em; font-weight: bold; }
.nummer { overflow-wrap: anywhere; font-family: monospace; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""
#: What an organisation did that sent, or received.
_WAYS: Final = (("verstuurd", "gaf"), ("ontvangen", "kreeg"))


def letter(sheet: Sheet) -> bytes:
    """The letter, UTF-8, ending in a newline."""
    title = "Wat er over u is gedeeld" if sheet.whole else f"Wat {sheet.name} over u heeft gegeven of gekregen"
    page = [
        "<!DOCTYPE html>",
        '<html lang="nl">',
        f'<head><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style></head>',
        "<body><main>",
        f"<h1>{escape(title)}</h1>",
        *_opening(sheet),
        *_summary(sheet),
        *flows.given(sheet),
        *flows.held_back(sheet),
        *recorded.known(sheet),
        *recorded.said(sheet),
        *recorded.limits(sheet),
        *recorded.acts(sheet),
        *_closing(sheet),
        "</main></body>",
        "</html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _opening(sheet: Sheet) -> Iterable[str]:
    yield p(f"Deze brief is van {sheet.name}. Hij is gemaakt op {moment(sheet.at)}.")
    yield p("U mag weten wat er met uw gegevens gebeurt. Dat staat in de privacywet: de AVG, artikel 15.")
    if sheet.whole:
        yield p("Deze brief gaat over alle organisaties in de regio die via de hub gegevens over u delen.")
    else:
        yield p(
            f"Deze brief gaat alleen over {sheet.name}: wat zij over u stuurde, kreeg en opschreef. Wilt u weten of "
            "andere organisaties ook gegevens over u delen? Vraag dat aan het contactpunt van uw regio."
        )
    if sheet.shielded:
        yield (
            '<p class="let-op">Let op. Uw plek is afgeschermd. In deze brief staat met welke organisaties u te maken '
            "hebt. Neem hem alleen zelf aan. Bewaar hem waar niemand anders hem ziet.</p>"
        )


def _summary(sheet: Sheet) -> Iterable[str]:
    """What AVG art. 15(1)(a), (b), (c) and (g) ask for, at a glance."""
    groups = [group for group in sheet.groups.given.values() if not group.sample["kennisgeving"]]
    given = [group.sample for group in groups]
    yield "<h2>In het kort</h2>"
    yield p(_counted(sheet, groups))
    if not given:
        return
    kinds = {Category(c) for one in given for c in one["categorieen"]}
    purposes = {Purpose(one["doel"]) for one in given}
    lines = (
        ("Wie gaf gegevens", enumerated(sorted({sheet.who(one["verstrekker"]) for one in given}))),
        ("Wie kreeg gegevens", enumerated(sorted({sheet.who(one["ontvanger"]) for one in given}))),
        ("Welke gegevens", categories(sorted(kinds))),
        ("Waarvoor", "; ".join(terms.PURPOSES[one].words for one in sorted(purposes))),
    )
    yield listed(f"{label}: {told}." for label, told in lines if told)


def _counted(sheet: Sheet, groups: Sequence[Group]) -> str:
    """How often something went; of one organisation, which way."""
    if sheet.whole:
        often = sum(group.count for group in groups)
        return f"Er is {often} keer iets over u gedeeld." if often else "Er zijn geen gegevens over u gedeeld."
    counts = ((word, sum(g.count for g in groups if g.sample["richting"] == way)) for way, word in _WAYS)
    told = [f"{sheet.name} {word} {often} keer iets over u." for word, often in counts if often]
    return " ".join(told) or f"{sheet.name} gaf en kreeg geen gegevens over u via de hub."


def _closing(sheet: Sheet) -> Iterable[str]:
    """AVG art. 15(1)(d) to (h) and 15(2)."""
    yield "<h2>Waar komen de gegevens vandaan?</h2>"
    yield p("Van u zelf, en van de organisaties die ze stuurden. Die staan in het overzicht onder “Van wie”.")
    yield "<h2>Hoe lang worden ze bewaard?</h2>"
    for kept in sheet.kept:
        yield p(kept.words)
    yield "<h2>Gaan gegevens naar het buitenland?</h2>"
    yield p(
        "De hub geeft gegevens alleen aan organisaties met een Nederlands organisatienummer (OIN). "
        "Waar hun computers staan, weet de hub niet. Vraag dat aan de organisatie die de gegevens kreeg. "
        "Gaan ze naar een land buiten de Europese Unie? Dan mag u weten hoe ze daar zijn beschermd "
        "(AVG, artikel 15, lid 2)."
    )
    yield "<h2>Beslist een computer over u?</h2>"
    yield p("Nee. De hub kijkt alleen of een bericht mag worden gegeven. Wat er met u gebeurt, beslissen mensen.")
    yield "<h2>Uw rechten</h2>"
    yield listed(
        (
            "Klopt er iets niet? Dan mag u het laten verbeteren.",
            "Wilt u dat gegevens worden gewist? Dat mag u vragen.",
            "Wilt u dat het delen stilstaat zolang iets wordt uitgezocht? Dat mag u vragen.",
            "Bent u het er niet mee eens dat gegevens worden gedeeld? Dan mag u bezwaar maken.",
            "Zei u ja? Dan mag u altijd stoppen. " + terms.NO_CONSEQUENCE,
            "Wilt u een kopie van de berichten zelf? Vraag die aan de organisatie die ze stuurde of kreeg.",
        )
    )
    yield p(f"Vraag dit aan {sheet.name}. U krijgt binnen een maand antwoord.")
    yield p(
        "Komt u er samen niet uit? Dan mag u klagen bij de Autoriteit Persoonsgegevens: autoriteitpersoonsgegevens.nl."
    )
