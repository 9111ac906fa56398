"""The tables of a letter: what went, by whom, to whom, what for and why that was allowed; and what did not go."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from consent.receipt import terms
from consent.receipt.dutch import day
from contracts.identity import Purpose
from hub.rights.inzage.basis import AGREEMENT, GROUND, NOTICE, SECRECY
from hub.rights.inzage.letter import words
from hub.rights.inzage.letter.grouping import ARRIVED, Group, Key
from hub.rights.inzage.letter.markup import capital, p, table
from hub.rights.inzage.letter.sheet import Record, Sheet, categories

_GIVEN: Final = ("Van wie, aan wie?", "Welke gegevens?", "Waarvoor?", "Hoe vaak en wanneer?", "Waarom mag dat?")
_HELD: Final = ("Van wie, aan wie?", "Welk bericht?", "Hoe vaak en wanneer?", "Wat is er gebeurd?")


def given(sheet: Sheet) -> Iterable[str]:
    """What went."""
    yield "<h2>Wie kreeg wat?</h2>"
    if not sheet.groups.given:
        yield p("Niemand.")
        return
    rows = _ordered(sheet, sheet.groups.given)
    yield table(_GIVEN, ([_flow(sheet, g), _what(g), _purpose(g), _when(g), _why(sheet, g)] for g in rows))


def held_back(sheet: Sheet) -> Iterable[str]:
    """What did not go: it waits, was stopped on its way, or was refused at the door."""
    groups, refused = sheet.groups.held, sheet.groups.refused
    if not groups and not refused:
        return
    yield "<h2>Wat is er niet gegeven?</h2>"
    held = [[_flow(sheet, g), [_kind(g.sample)], _when(g), [_fate(g.sample)]] for g in _ordered(sheet, groups)]
    turned = [[_sender(sheet, g), [_kind(g.sample)], _when(g), _refusal(sheet, g)] for g in refused.values()]
    yield table(_HELD, held + turned)


def _ordered(sheet: Sheet, groups: Mapping[Key, Group]) -> list[Group]:
    def place(group: Group) -> tuple[str, str, datetime]:
        one = group.sample
        return sheet.who(one["verstrekker"]), sheet.who(one["ontvanger"]), group.first

    return sorted(groups.values(), key=place)


def _flow(sheet: Sheet, group: Group) -> list[str]:
    one = group.sample
    by_hub = ["De hub stuurde dit."] if one["kennisgeving"] else []
    return [f"Van {sheet.who(one['verstrekker'])}", f"aan {sheet.who(one['ontvanger'])}", *by_hub]


def _sender(sheet: Sheet, group: Group) -> list[str]:
    return [f"Van {sheet.who(group.sample['verstrekker'])}"]


def _kind(one: Record) -> str:
    return capital(words.kind(one["soort"], one.get("code")))


def _what(group: Group) -> list[str]:
    one = group.sample
    told = [_kind(one) + "."]
    if one["categorieen"]:
        told.append(f"Daarin: {categories(one['categorieen'])}.")
    elif not one["kennisgeving"]:
        told.append("Daarin staat verder niets over u.")
    if one.get("weggelaten"):
        told.append(f"Niet gegeven: {categories(one['weggelaten'])}.")
    return told


def _purpose(group: Group) -> list[str]:
    return [capital(terms.PURPOSES[Purpose(group.sample["doel"])].words) + "."]


def _when(group: Group) -> list[str]:
    first, last = day(group.first), day(group.last)
    told = f"{group.count} keer, " + (f"op {first}." if first == last else f"tussen {first} en {last}.")
    if group.sample.get("vrijgegevenOp") is None or group.sample["status"] in ARRIVED:
        return [told]
    return [told, f"Daarna: {_state(group.sample)}."]


def _why(sheet: Sheet, group: Group) -> list[str]:
    # Staff last: it is what matters least to the person.
    bases = sorted(group.sample["grondslagen"], key=lambda basis: bool(basis["soort"] == AGREEMENT))
    told = (_basis(sheet, basis) for basis in bases)
    return list(dict.fromkeys(told)) or ["Dit bericht bevat niets dat een reden nodig heeft."]


def _basis(sheet: Sheet, basis: Record) -> str:
    place = f"{basis.get('wet')}, artikel {basis.get('artikel')}"
    place += f", lid {basis['lid']}" if basis.get("lid") else ""
    uavg = f" Voor gevoelige gegevens: UAVG, artikel {basis['uavgArtikel']}." if basis.get("uavgArtikel") else ""
    match basis["soort"]:
        case kind if kind == GROUND:
            return f"{capital(words.BASES.get(basis['basis'], basis['basis']))}: {place}.{uavg}"
        case kind if kind == NOTICE:
            return f"Dit moet van de privacywet: {place}."
        case kind if kind == AGREEMENT:
            return "Over medewerkers: de organisaties hebben dit afgesproken."
        case kind if kind == SECRECY:
            holder = basis.get("geheimhouder")
            return f"U vond het goed dat {sheet.who(holder) if holder else 'uw hulpverlener'} dit vertelde."
    since = f", op {day(basis['gegevenOp'])}" if basis.get("gegevenOp") else ""
    said = words.BASES.get(basis["basis"], basis["basis"])
    if basis.get("gegevenDoor") not in (None, "betrokkene"):
        said = f"namens u zei {terms.GIVEN_BY[basis['gegevenDoor']].words} ja"
    return f"{capital(said)}{since}."


def _fate(one: Record) -> str:
    state, reason = _state(one), words.why(one.get("reden"))
    return f"{capital(state)}." if reason is None else f"{capital(state)}: {reason}."


def _state(one: Record) -> str:
    return words.STATES.get(one["status"], one["status"])


def _refusal(sheet: Sheet, group: Group) -> list[str]:
    told = [
        f"Niet aan {sheet.who(one['ontvanger'])}: {words.why(one['reden']) or 'het mocht niet'}."
        for one in group.sample.get("besluiten", ())
    ]
    return ["Meteen geweigerd: het mocht niet. Het bericht zelf is niet bewaard.", *told]
