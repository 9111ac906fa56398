"""What was written down of the person, line by line: who knows them, what they said, what stands still, who asked."""

from collections.abc import Iterable
from typing import Final

from consent.facts import StatementStatus
from consent.receipt import terms
from consent.receipt.dutch import day, moment
from contracts.identity import Category, Purpose
from hub.delivery.states import State
from hub.rights.inzage.letter import words
from hub.rights.inzage.letter.grouping import Key
from hub.rights.inzage.letter.markup import capital, enumerated, listed, p, quoted, table
from hub.rights.inzage.letter.sheet import Record, Sheet, categories

#: Of a notice that was not told yet, or never will be.
_WAITS, _LOST = "Voor {} wacht nog een melding", "Deze melding kwam niet aan bij {}"
_SAID: Final = ("Wat zei u?", "Waarover?", "Van wie, aan wie?", "Hoe staat het nu?")


def known(sheet: Sheet) -> Iterable[str]:
    """Who knows the person, and takes part in what."""
    yield "<h2>Welke organisaties kennen u?</h2>"
    lines = []
    for one in sheet.of("registraties"):
        since = f", sinds {day(one['geregistreerdOp'])}" if one["geregistreerdOp"] is not None else ""
        bsn = ". Gekoppeld aan uw burgerservicenummer" if one["bsnGekoppeld"] else ""
        lines.append(f"{sheet.who(one['organisatie'])}{since}{bsn}.")
        lines += [f"Uw nummer daar in de hub: {ref}." for ref in one.get("kandidaatRefs", ())]
        lines += [f"Uw nummer in het eigen systeem daar: {number}." for number in one.get("lokaleNummers", ())]
    yield listed(lines)
    if any(one["bsnGekoppeld"] for one in sheet.of("registraties")):
        yield p(
            "Bij uw gegevens bewaart de hub het burgerservicenummer zelf niet, alleen een kenmerk dat ervan is "
            "gemaakt. In een bericht dat nog in de hub ligt, kan het nummer wel staan. Dat bericht is versleuteld."
        )
    took = [_part(sheet, one) for one in sheet.of("betrokkenheden")]
    if took:
        own = f"Zo doet of deed {sheet.name} mee in uw traject:"
        yield p("Deze organisaties doen of deden mee in uw traject:" if sheet.whole else own)
        yield listed(took)


def _part(sheet: Sheet, one: Record) -> str:
    until = "" if one["tot"] is None else f" tot {day(one['tot'])}"
    law = words.FRAMEWORKS.get(one["wettelijkKader"], one["wettelijkKader"]) if one.get("wettelijkKader") else None
    client = one.get("opdrachtgever")
    for_whom = f", in opdracht van {sheet.who(client)}" if client else ""
    under = f" (wet: {law})" if law else ""
    return f"{sheet.who(one['organisatie'])}: vanaf {day(one['van'])}{until}{for_whom}{under}."


def said(sheet: Sheet) -> Iterable[str]:
    statements, lines = sheet.of("toestemmingen"), [_secrecy(sheet, one) for one in sheet.of("ontheffingen")]
    lines += [_stop(sheet, one) for one in sheet.of("stopverzoeken")]
    if statements or lines:
        yield "<h2>Wat hebt u gezegd?</h2>"
    if statements:
        yield table(_SAID, [_statement(sheet, one) for one in statements])
    if lines:
        yield listed(lines)


def _statement(sheet: Sheet, one: Record) -> list[list[str]]:
    answer = one.get("keuze")
    spoke = "Aan u is iets gevraagd" if answer is None else f"U zei {answer}"
    if one.get("gegevenDoor") not in (None, "betrokkene"):
        spoke = f"Namens u zei {terms.GIVEN_BY[one['gegevenDoor']].words} {answer}"
    at = one.get("gegevenOp") or one["gevraagdOp"] or one["vastgelegdOp"]
    what = categories(sorted(map(Category, one["categorieen"]))) if one.get("categorieen") else "alles"
    why = "; ".join(terms.PURPOSES[Purpose(d)].words for d in one["doelen"]) if one.get("doelen") else "alles"
    flow = [f"Van {sheet.all_of(one.get('verstrekkers'))}", f"aan {sheet.all_of(one.get('ontvangers'))}"]
    return [
        [f"{spoke} op {day(at)}.{_until(one)}"],
        [f"{capital(what)}.", f"Waarvoor: {why}."],
        flow,
        [*_state(sheet, one), f"{sheet.who(one['vastgelegdDoor'])} schreef dit op."],
    ]


def _state(sheet: Sheet, one: Record) -> list[str]:
    """How it stands; of a `ja` that something else keeps shut that, for its own status does not say so.

    What another organisation keeps to itself may close it unseen: only the whole picture says that it holds. Where the
    own stop may still stand, not even that it does as far as is known.
    """
    shut, asked = one.get("gesloten"), one.get("stopGevraagd")
    told = [] if asked is None else _asked(sheet, asked)
    if shut is not None:
        holds = "Geldt nu niet" if shut["geheel"] else "Geldt nu niet meer helemaal"
        return [f"{holds}: {words.CLOSED.get(shut['hoe'], shut['hoe'])}{_since(one)}.", *told]
    state = capital(words.STATEMENTS.get(one["status"], one["status"]))
    if sheet.whole or one["status"] != StatementStatus.GIVEN:
        return [f"{state}{_since(one)}.", *told]
    if asked is None:
        return [f"{state}, voor zover {sheet.name} weet."]
    # The others are those for whom it answered the stop itself.
    holds_for = [part["verstrekker"] for part in one["bevestigd"] if part["verstrekker"] not in asked["verstrekkers"]]
    kept = f"{state} voor wat {enumerated(map(sheet.who, holds_for))} geeft, voor zover {sheet.name} weet."
    return [kept, *told] if holds_for else told


def _asked(sheet: Sheet, asked: Record) -> list[str]:
    """What it wrote down itself, and whom to ask how that went."""
    others = enumerated(map(sheet.who, asked["verstrekkers"]))
    may = "mag" if len(asked["verstrekkers"]) == 1 else "mogen"
    return [
        f"Op {day(asked['op'])} is gevraagd om alles te stoppen.",
        f"Of {others} nu gegevens {may} geven, weet {sheet.name} niet. Vraag dat aan {others}.",
    ]


def _until(one: Record) -> str:
    """Its term, as long as it runs, or once it ran out; what ended before that has a day of its own."""
    if one["geldigTot"] is None or (one.get("gesloten") or {}).get("geheel") or one.get("stopGevraagd"):
        return ""
    match one["status"]:
        case StatementStatus.GIVEN | StatementStatus.REFUSED:
            return f" Het geldt tot {day(one['geldigTot'])}."
        case StatementStatus.TO_CONFIRM:
            return f" Wordt het bevestigd? Dan geldt het tot {day(one['geldigTot'])}."
        case StatementStatus.REQUESTED:
            return f" Het gaat om de tijd tot {day(one['geldigTot'])}."
        case StatementStatus.EXPIRED:
            return f" Het gold tot {day(one['geldigTot'])}."
    return ""


def _since(one: Record) -> str:
    """The day on which it ended, or was closed, before its term."""
    if one.get("gesloten") is not None:
        return f", op {day(one['gesloten']['op'])}"
    at = {
        StatementStatus.WITHDRAWN: one.get("beeindigdOp"),
        StatementStatus.REVOKED: one.get("beeindigdOp"),
        StatementStatus.INVALID: one.get("ongeldigOp"),
    }.get(one["status"])
    return "" if at is None else f", op {day(at)}"


def _secrecy(sheet: Sheet, one: Record) -> str:
    about = enumerated(words.SECRECY.get(s, s) for s in one["onderwerpen"])
    ended = f" U nam dat terug op {day(one['ingetrokkenOp'])}." if one["ingetrokkenOp"] is not None else ""
    return (
        f"Op {day(one['op'])} vond u het goed dat {sheet.who(one['geheimhouder'])} iets vertelde aan "
        f"{sheet.who(one['ontvanger'])}. Dat ging over {about}.{ended}"
    )


def _stop(sheet: Sheet, one: Record) -> str:
    return f"Op {day(one['op'])} zei u dat alles moest stoppen. {sheet.who(one['vastgelegdDoor'])} schreef dat op."


def limits(sheet: Sheet) -> Iterable[str]:
    lines = [_restriction(sheet, one) for one in sheet.of("beperkingen")]
    lines += [_objection(sheet, one) for one in sheet.of("bezwaren")]
    lines += [_shield(sheet, one) for one in sheet.of("afschermingen")]
    if lines:
        yield "<h2>Wat staat stil of is afgeschermd?</h2>"
        yield listed(lines)


def _restriction(sheet: Sheet, one: Record) -> str:
    reason = words.RESTRICTIONS.get(one["grond"], one["grond"])
    shared = f"het delen door {sheet.all_of(one['verstrekkers'])} aan {sheet.all_of(one.get('ontvangers'))}"
    if one["opgehevenOp"] is None:
        told = f"Vanaf {day(one['op'])} staat {shared} stil.{_for_what(one)} De reden: {reason}."
        return f"{told} Dat geldt nog."
    since, until = day(one["op"]), day(one["opgehevenOp"])
    told = f"Van {since} tot {until} stond {shared} stil.{_for_what(one)} De reden was: {reason}."
    return f"{told} Dat geldt niet meer."


def _for_what(one: Record) -> str:
    """The doel of a beperking or bezwaar that is about one; of all of them nothing needs to be said."""
    if one.get("doel") is None:
        return ""
    return f" Het gaat alleen om dit doel: {terms.PURPOSES[Purpose(one['doel'])].words}."


def _objection(sheet: Sheet, one: Record) -> str:
    outcome = words.OUTCOMES.get(one["uitkomst"], one["uitkomst"])
    own = f" U schreef: {quoted(one['grond'])}" if one["grond"] else ""
    motive = f" De uitleg daarbij: {quoted(one['motivering'])}" if one["motivering"] else ""
    return (
        f"Op {day(one['op'])} maakte u bezwaar tegen het delen door {sheet.all_of(one['verstrekkers'])}."
        f"{_for_what(one)}{own} De uitkomst: {outcome}.{motive}"
    )


def _shield(sheet: Sheet, one: Record) -> str:
    named = enumerated(map(sheet.who, one["ontvangers"]))
    who = f"alleen {named}" if named else "niemand"
    reason = words.SHIELDS.get(one["grond"], one["grond"])
    if one["opgehevenOp"] is None:
        return f"Vanaf {day(one['op'])} mag {who} weten waar u bent. De reden: {reason}. Dat geldt nog."
    since, until = day(one["op"]), day(one["opgehevenOp"])
    return f"Van {since} tot {until} mocht {who} weten waar u was. De reden: {reason}. Dat geldt niet meer."


def acts(sheet: Sheet) -> Iterable[str]:
    """What organisations were asked about the person, what was taken back, and who looked."""
    counted: dict[Key, int] = {}
    for one in sheet.of("zaken"):
        fate = _fate(one)
        told = (words.case if fate is None else words.kind)(one["soort"], one.get("code"))
        key = (fate, one["gevraagd"], told, *((one["antwoord"], one["geslotenOp"] is None) if fate is None else ()))
        counted[key] = counted.get(key, 0) + 1
    lines = [_case(sheet, key, count) for key, count in counted.items()]
    lines += [
        f"{sheet.who(one['verstrekker'])} haalde op {day(one['op'])} een bericht terug: {words.RECALLS[one['reden']]}."
        for one in sheet.of("terugroepingen")
    ]
    if lines:
        yield "<h2>Wat is er gevraagd en gemeld?</h2>"
        yield listed(lines)
    looked = [f"{sheet.who(one['organisatie'])}: {moment(one['op'])}." for one in sheet.of("inzagen")]
    if looked:
        yield "<h2>Wie vroeg dit overzicht op?</h2>"
        yield listed(looked)


def _fate(one: Record) -> str | None:
    """What became of a notice that its receiver has not been told of; ``None``: it arrived, or was answered."""
    notice = one.get("melding")
    if notice is None or one["antwoord"] is not None:
        return None
    match notice["status"], notice["vrijgegevenOp"]:
        case State.WAITING, _:
            return _WAITS
        case (State.BURIED, _) | (State.STOPPED | State.ERASED, None):
            return _LOST
    return None


def _case(sheet: Sheet, key: Key, count: int) -> str:
    fate, asked, said, *answered = key
    often = f" ({count} keer)" if count > 1 else ""
    if fate is not None:
        return f"{fate.format(sheet.who(asked))}: {said.removeprefix('melding: ')}{often}."
    answer, is_open = answered
    told = words.ANSWERS.get(answer, answer) if answer else ("nog geen antwoord" if is_open else "geen antwoord nodig")
    return f"{sheet.who(asked)}: {said}{often}. Antwoord: {told}."
