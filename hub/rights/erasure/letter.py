"""The vernietigingsverklaring as a page to print: one A4, plain Dutch (B1). Every value is escaped."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, Final

from consent.receipt.dutch import day, moment
from consent.verify.named import DESTRUCTION_LETTER
from contracts import instants

STYLE: Final = (
    "@page{size:A4;margin:20mm}body{font:11pt/1.45 sans-serif;max-width:170mm;margin:0 auto;color:#000}"
    "h1{font-size:16pt}h2{font-size:12.5pt;margin:1.4em 0 .3em}ul{padding-left:1.3em;margin:.2em 0}"
    ".nummer{font:9pt/1.4 monospace;overflow-wrap:anywhere}"
)
_REASONS: Final = {
    "niet-meer-nodig": "de gegevens zijn niet meer nodig",
    "toestemming-ingetrokken": "de toestemming is ingetrokken",
    "bezwaar": "er is bezwaar gemaakt",
    "onrechtmatig": "de gegevens mochten niet worden gebruikt",
    "wettelijke-plicht": "de wet zegt dat de gegevens weg moeten",
    "dienst-aan-kind": "de gegevens zijn van een kind",
}
_ANSWERS: Final = {
    "verwijderd": "heeft ze verwijderd",
    "gestopt": "is gestopt met ze te gebruiken",
    "behouden-eigen-grondslag": "houdt ze, op een eigen grondslag",
    "onmogelijk": "kan ze niet verwijderen",
}


def letter(said: Mapping[str, Any]) -> str:
    """The page. ``said``: the signed statement."""
    parts = [
        "<h1>Verklaring van vernietiging</h1>",
        *_what(said),
        "<h2>Wat betekent dat?</h2>",
        p("Niemand kan deze berichten in de hub nog lezen. Ook wij niet."),
        # Only `hub backup` cleans up, when it makes the next one; of copies elsewhere the hub knows nothing.
        p(
            "In een reservekopie kan een sleutel nog staan. Is die ouder dan 30 dagen? "
            "Dan ruimt de hub hem op als hij een nieuwe maakt. "
            "Zetten wij een reservekopie terug, dan wissen wij weer."
        ),
        "<h2>Wie had de berichten al gekregen?</h2>",
        *_receivers(said["gevraagd"]),
        "<h2>Wat blijft er nog staan?</h2>",
        *_evidence(said),
        "<h2>Hoe kunt u dit controleren?</h2>",
        *_proof(said),
    ]
    return page(parts)


def page(parts: Iterable[str]) -> str:
    """The parts as one file that fetches nothing."""
    return (
        f"{DESTRUCTION_LETTER}<style>{STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _what(said: Mapping[str, Any]) -> Iterable[str]:
    whose = "van alle organisaties" if said["naam"] is None else f"van {said['naam']} ({said['organisatie']})"
    count = said["vernietigd"]["berichten"]
    messages = {0: "Er waren geen berichten.", 1: "Het gaat om 1 bericht."}
    yield p(f"De gegevens {whose} over één persoon zijn vernietigd op {moment(instants.parse(said['tijdstip']))}.")
    yield p(messages.get(count, f"Het gaat om {count} berichten."))
    yield p(f"De reden: {_REASONS.get(said['reden'], said['reden'])}.")
    if said["kenmerk"] is not None:
        yield p(f"Uw kenmerk: {said['kenmerk']}.")


def _receivers(asked: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    found = [f"<li>{escape(_receiver(one))}</li>" for one in asked]
    if not found:
        yield p("Niemand. Er is niemand gevraagd om iets te verwijderen.")
        return
    yield p("Deze organisaties hadden een bericht gekregen. De hub heeft ze gevraagd het te verwijderen:")
    yield f"<ul>{''.join(found)}</ul>"


def _receiver(one: Mapping[str, Any]) -> str:
    who = one["ontvanger"] if one["naam"] is None else f"{one['naam']} ({one['ontvanger']})"
    if one["antwoord"] is None:
        return f"{who}: nog geen antwoord"
    told = _ANSWERS.get(one["antwoord"], one["antwoord"])
    return f"{who}: {told} ({day(instants.parse(one['beantwoordOp']))})"


def _evidence(said: Mapping[str, Any]) -> Iterable[str]:
    yield p(
        "Het bewijs van wat er is gebeurd: wanneer er iets is verstuurd, en dat het nu weg is. "
        "In dat bewijs staan geen namen en geen teksten. De wet vraagt dat wij dit kunnen laten zien."
    )
    if said["bewijsTot"] is None:
        yield p("De tijd dat dit bewijs blijft, begint als de organisatie met deze persoon is gestopt.")
    else:
        yield p(f"Dit bewijs blijft in elk geval tot {day(instants.parse(said['bewijsTot']))}.")


def _proof(said: Mapping[str, Any]) -> Iterable[str]:
    place = said["logboek"]
    yield p(
        f"De vernietiging staat als vermelding {place['vermelding']} in het bewijslogboek. "
        "Verandert iemand dat logboek achteraf? Dan is dat te zien."
    )
    yield number("Logboek", place["oorsprong"])
    yield number("Blad", place["bladHash"])
    yield number("Nummer van deze wissing", said["wissingId"])
    for name in said["sleutels"]:
        yield number("Vernietigde sleutel", name)


def p(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def number(name: str, value: str) -> str:
    """A value that nobody reads aloud, with its name."""
    return f'<p class="nummer">{escape(name)}: {escape(value)}</p>'
