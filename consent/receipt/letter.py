"""The receipt as a letter of one A4 in plain Dutch (B1), for the person: who may give what to whom, why, until when.

Pure, and the same bytes for the same evidence. One HTML file that fetches nothing: it can be printed, read out by a
screen reader, kept and, as a file, checked; the entries of the log stand in it as data that no reader shows.
"""

from collections.abc import Iterable
from datetime import datetime
from html import escape
from typing import Final

from consent.receipt import terms
from consent.receipt.account import NO, YES, Account, Event, State
from consent.receipt.dutch import day, moment
from consent.receipt.evidence import Evidence, dumped
from contracts.identity import Oin

#: Stand around the evidence in the page.
OPENS, CLOSES = '<script type="application/json" id="bewijs">', "</script>"
_TITLES: Final = {
    YES: "Bewijs van uw toestemming",
    NO: "Bewijs dat u nee zei",
    None: "Bewijs van een vraag aan u",
}
_WHO: Final = {
    YES: "Wie mag gegevens over u geven?",
    NO: "Wie mag geen gegevens over u geven?",
    None: "Wie wil gegevens over u geven?",
}
_WHO_DID: Final = "Wie mocht gegevens over u geven?"
_WHO_MAY: Final = "Wie mag gegevens over u geven als dit is bevestigd?"
STYLE: Final = """
@page { size: A4; margin: 14mm 18mm; }
body { font: 10.5pt/1.35 Verdana, Arial, sans-serif; color: #111; background: #fff; max-width: 46rem; margin: 1rem auto;
  padding: 0 1rem; }
h1 { font-size: 1.5em; margin: 0 0 .4em; }
h2 { font-size: 1.1em; margin: .9em 0 .2em; break-after: avoid; }
p, ul { margin: .2em 0; }
ul { padding-left: 1.3em; }
.let-op { border: 2px solid #111; padding: .4em .6em; font-weight: bold; }
.nummer { overflow-wrap: anywhere; font-family: monospace; }
@media print { body { margin: 0; padding: 0; max-width: none; } }
"""


def letter(account: Account, evidence: Evidence) -> bytes:
    """The letter, UTF-8, ending in a newline."""
    title = _TITLES[account.choice]
    page = [
        "<!DOCTYPE html>",
        '<html lang="nl">',
        "<head>",
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        f"<style>{STYLE}</style>",
        "</head>",
        "<body>",
        "<main>",
        f"<h1>{title}</h1>",
        *_box(account),
        *_said(account),
        *_flow(account),
        *_until(account),
        *_stopping(account),
        *_since(account),
        *_rights(account),
        *_proof(account),
        "</main>",
        f"{OPENS}{dumped(evidence)}{CLOSES}",
        "</body>",
        "</html>",
    ]
    return ("\n".join(page) + "\n").encode()


def _p(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _moment(account: Account, at: datetime) -> str:
    return moment(at, padded=account.version > 1)


def _list(items: Iterable[str]) -> list[str]:
    return ["<ul>", *(f"<li>{escape(item)}</li>" for item in items), "</ul>"]


def _box(account: Account) -> list[str]:
    """That it ended, or that no part of it is in force; not since when: what another part of it was shows to few."""
    if account.ended is not None:
        told = f"{_state(account, account.ended)} Sinds {_moment(account, account.ended.at)}."
    elif _is_unconfirmed(account):
        again = "opnieuw " if _lapsed(account) else ""
        told = f"Dit geldt nu niet. Wie gegevens wil geven, moet dit eerst {again}bevestigen."
    else:
        return []
    return [f'<p class="let-op">Let op. {escape(told)}</p>']


def _is_unconfirmed(account: Account) -> bool:
    """A `ja` of which no verstrekker's part is in force (any more); earlier versions told it as one that holds."""
    return account.version > 4 and account.says_yes and account.ended is None and not account.confirmed


def _lapsed(account: Account) -> frozenset[Oin]:
    """Whose part was confirmed once and is in force no more."""
    lapses = {event.by for event in account.events if event.by is not None and event.state is State.PART_LAPSED}
    return frozenset(lapses - account.confirmed)


def _said(account: Account) -> list[str]:
    written = f"{account.name(account.recorder)} schreef dit op. Dat was op {_moment(account, account.recorded_at)}."
    lines = ["<h2>Wat is er gezegd?</h2>", *(_p(line) for line in _answer(account)), _p(written)]
    if account.asked_by is not None:
        lines.append(_p(f"{account.name(account.asked_by)} had dit gevraagd."))
    notice = account.notice
    told = f"U kreeg uitleg. Die uitleg heet {notice.id}, versie {notice.version}, taal {notice.language}."
    return [*lines, _p(told)]


def _answer(account: Account) -> list[str]:
    said = account.said
    if said is None:
        return ["Dit is aan u gevraagd. U hebt nog geen antwoord gegeven. U mag ja of nee zeggen."]
    spoke = "U zei" if said.by == "betrokkene" else f"Namens u zei {terms.GIVEN_BY[said.by].words}"
    again = "opnieuw " if account.renews is not None else ""
    lines = [f"{spoke} {again}{said.choice} op {_moment(account, said.at)}. {terms.MANNERS[said.manner]}"]
    if account.says_yes and said.sixteen_at is not None:
        birthday = f"U wordt 16 op {day(said.sixteen_at)}."
        lines.append(f"{birthday} Vanaf dan geldt dit alleen als u het zelf bevestigt.")
    return lines


def _flow(account: Account) -> list[str]:
    """Who, to whom, what, why; in a refusal that leaves one out: all."""
    categories = [terms.category(c, account.version).words for c in account.categories or ()] or ["al uw gegevens"]
    purposes = [terms.PURPOSES[p].words for p in account.purposes or ()] or ["alles wat met uw toestemming gebeurt"]
    senders = [_sender(account, o) for o in account.senders or ()] or ["alle organisaties"]
    receivers = [account.name(o) for o in account.receivers or ()] or ["alle organisaties"]
    return [
        f"<h2>{_who(account)}</h2>",
        *_list(senders),
        "<h2>Aan wie?</h2>",
        *_list(receivers),
        "<h2>Over wat?</h2>",
        *_list(categories),
        "<h2>Waarvoor?</h2>",
        *_list(purposes),
    ]


def _is_over(account: Account) -> bool:
    """Whether it is told as a thing of the past; version 1 did so in its box alone."""
    return account.ended is not None and account.version > 1


def _who(account: Account) -> str:
    if _is_unconfirmed(account):
        return _WHO_MAY
    return _WHO_DID if account.says_yes and _is_over(account) else _WHO[account.choice]


def _sender(account: Account, organisation: Oin) -> str:
    """Its name; who has to confirm its part first may give nothing yet."""
    waits = account.says_yes and not _is_over(account) and organisation not in account.confirmed
    if waits and account.version > 4 and organisation in _lapsed(account):
        return f"{account.name(organisation)} (moet dit opnieuw bevestigen)"
    return account.name(organisation) + (" (moet dit eerst nog bevestigen)" if waits else "")


def _until(account: Account) -> list[str]:
    end = account.ended
    if end is not None and _is_over(account):
        told = f"Dit geldt niet meer. Het stopte op {_moment(account, end.at)}."
        return ["<h2>Tot wanneer?</h2>", _p(told), *_kept(account)]
    start = _moment(account, account.valid_from)
    if _is_unconfirmed(account):
        told = _once_confirmed(account, start)
    elif account.valid_until is None:
        told = f"Dit geldt vanaf {start}. Het geldt tot u iets anders zegt."
    elif account.said is None:
        told = f"Het gaat om de tijd van {start} tot {_moment(account, account.valid_until)}."
    else:
        told = f"Dit geldt van {start} tot {_moment(account, account.valid_until)}. Daarna stopt het vanzelf."
    return ["<h2>Tot wanneer?</h2>", _p(told), *_as_of(account), *_kept(account)]


def _once_confirmed(account: Account, start: str) -> str:
    since = f"vanaf {start} " if account.valid_from > account.known_until else ""
    if account.valid_until is None:
        return f"Wordt het bevestigd? Dan geldt het {since}tot u iets anders zegt."
    until = _moment(account, account.valid_until)
    return f"Wordt het bevestigd? Dan geldt het {since}tot {until}. Daarna stopt het vanzelf."


def _as_of(account: Account) -> list[str]:
    """Of which moment a `ja` speaks: what closes it is another word, and stands in no receipt of this one."""
    said = account.said
    if said is None or not _may_be_closed(account):
        return []
    own = [event.at for event in account.events if event.state is State.PERSON_CONFIRMED]
    spoken, recorder = f"Zo is het gezegd op {_moment(account, max([said.at, *own]))}.", account.name(account.recorder)
    if _is_unconfirmed(account):
        return [_p(f"{spoken} Vraag aan {recorder} of dit al is bevestigd.")]
    if account.version > 4:
        closes = (
            "Iets anders kan maken dat dit nu niet geldt. Een nee, of een verzoek om alles te stoppen. "
            "Of iets anders over hetzelfde dat is ingetrokken."
        )
    else:
        closes = "Is er daarna nee gezegd? Of is gevraagd om alles te stoppen? Dan geldt dat, en niet dit bewijs."
    return [_p(f"{spoken} {closes} Vraag aan {recorder} of dit nu nog geldt.")]


def _may_be_closed(account: Account) -> bool:
    """A `ja` that itself goes on; earlier versions said nothing of it."""
    return account.version > 3 and account.says_yes and account.ended is None


def _kept(account: Account) -> list[str]:
    """How long the hub keeps what is shared, and the evidence of it."""
    if account.kept is None:
        return []
    days, years = account.kept
    return [
        _p(
            f"Een bericht blijft in de hub tot {days} dagen nadat het is aangekomen. "
            f"Het bewijs blijft tot {years} jaar nadat de laatste organisatie met u is gestopt."
        )
    ]


def _stopping(account: Account) -> list[str]:
    name = account.name(account.recorder)
    if account.says_yes and account.ended is None:
        change = "U mag altijd stoppen. U hoeft niet te zeggen waarom. Het stopt meteen."
    elif account.said is None:
        change = "U mag nee zeggen. U hoeft niet te zeggen waarom."
    else:
        change = "U mag later altijd alsnog ja zeggen."
    return [
        "<h2>Wilt u iets anders?</h2>",
        _p(f"{change} Zeg het tegen {name}. Of tegen een andere organisatie die u helpt."),
        f"<p><strong>{escape(terms.NO_CONSEQUENCE)}</strong></p>",
    ]


def _since(account: Account) -> list[str]:
    """What happened after it was recorded; the end of the term was told already."""
    later = [e for e in account.events if e.at > account.recorded_at and e.state is not State.EXPIRED]
    if not later:
        return []
    return ["<h2>Wat gebeurde er daarna?</h2>", *_list(_told(account, event) for event in later)]


def _told(account: Account, event: Event) -> str:
    who = "" if event.by is None else f" ({account.name(event.by)})"
    return f"{_moment(account, event.at)}{who}: {_state(account, event)}"


def _state(account: Account, event: Event) -> str:
    """What an event means to the person; of a withdrawal who did it, as far as the log says."""
    if event.state is not State.WITHDRAWN or account.version < 3:
        return terms.STATES[event.state].words
    match event.given_by:
        case None:
            return "Dit is ingetrokken. Het geldt niet meer."
        case "betrokkene":
            return "U hebt dit ingetrokken. Het geldt niet meer."
        case other:
            return f"Namens u heeft {terms.GIVEN_BY[other].words} dit ingetrokken. Het geldt niet meer."


def _rights(account: Account) -> list[str]:
    name = account.name(account.recorder)
    return [
        "<h2>Uw rechten</h2>",
        _p(
            f"U mag zien wat er over u is opgeschreven. U mag het laten verbeteren of weghalen. Vraag dat aan {name}. "
            "Bent u het niet eens met wat er gebeurt? Dan mag u klagen bij de Autoriteit Persoonsgegevens."
        ),
    ]


def _known(account: Account) -> list[str]:
    if account.version < 3:
        return []
    told = f"Dit bewijs weet alleen wat er tot en met {_moment(account, account.known_until)} is opgeschreven."
    if not _may_be_closed(account):
        return [_p(f"{told} Wat er daarna gebeurde, staat in een nieuw bewijs.")]
    later = "Wordt dit later ingetrokken of bevestigd? Dan staat dat in een nieuw bewijs."
    if account.version > 4:
        return [_p(f"{told} {later} Wat verder is gezegd of ingetrokken, staat daar niet in.")]
    return [_p(f"{told} {later} Een later nee of een verzoek om te stoppen staat daar niet in.")]


def _proof(account: Account) -> list[str]:
    lines = [
        "<h2>Bewijs</h2>",
        _p("Bewaar dit goed. Met het bestand kan iedereen later nagaan of dit klopt. Daar is geen internet bij nodig."),
        *_known(account),
        f'<p>Nummer van dit bewijs: <span class="nummer">{escape(account.receipt_id)}</span></p>',
    ]
    if account.ref is not None:
        organisation, ref = account.ref
        lines.append(
            f'<p>Uw nummer bij {escape(account.name(organisation))}: <span class="nummer">{escape(ref)}</span></p>'
        )
    return lines
