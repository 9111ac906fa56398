"""The fields of which messages are made. Each tells its shape twice from one place: to marshmallow and as JSON Schema.

A leaf has a *shape* (``fault`` and ``json``, which must accept the same values) and may have a *rule*: what JSON
Schema cannot say, such as the 11-proef. Every message is checked on both, whichever of the two shapes was used.
A fault is written ``CODE|reason``; neither ever repeats the value. Patterns use ``[0-9]`` and ``fullmatch``.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, ClassVar, Final

from marshmallow import ValidationError, fields

from contracts.identity import Category, KandidaatRef, Purpose, Role, is_bsn
from contracts.kinds.text import contains_bsn

#: Roles that never receive free text (gate rules, "Minimisation has three axes").
NO_FREE_TEXT: Final = frozenset({Role.KRINGLOOP, Role.WOONZORG, Role.LEERBEDRIJF, Role.GEMEENTE})

OIN_PATTERN: Final = "000000(?:01|02|03|04|06|07|08|09|10|99)[0-9]{12}"
REF_PATTERN: Final = "[a-z2-7]{26}"
ID_PATTERN: Final = "[A-Za-z0-9](?:[A-Za-z0-9._:-]{0,62}[A-Za-z0-9])?"
DATE_PATTERN: Final = "(?:19|20|21)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
INSTANT_PATTERN: Final = (
    DATE_PATTERN + r"T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,9})?(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])"
)
# A Dutch number has ten digits; 0800- and 0900-like ones eight or eleven, 14 0xx(x) those of a gemeente. An
# international one has at least ten after the plus or 00 (E.164: at most fifteen). None has nine, as a BSN does.
_DIGIT: Final = "(?:[ -]?[0-9])"
TELEPHONE_PATTERN: Final = (
    rf"(?:0[1-9]{_DIGIT}{{8}}|0[89]00{_DIGIT}{{4}}(?:{_DIGIT}{{3}})?|14[ -]?0{_DIGIT}{{2,3}}"
    rf"|(?:\+|00[ -]?)[1-9]{_DIGIT}{{9,14}})"
)
WERKPROCES_PATTERN: Final = "(?:B1|P[1-9][0-9]?)-K[0-9]{1,2}-W[0-9]{1,2}"
# No control characters, line breaks, bidirectional overrides or byte order marks; no blank at either end.
_NOT_TEXT: Final = r"\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff"
TEXT_PATTERN: Final = rf"[^{_NOT_TEXT} \xa0](?:[^{_NOT_TEXT}]*[^{_NOT_TEXT} \xa0])?"


@dataclass(frozen=True, slots=True)
class RuleContext:
    """What a rule may know beside the data: the day of acceptance (Europe/Amsterdam), the doel and the subject."""

    today: date
    purpose: Purpose | None = None
    subject: KandidaatRef | None = None


@dataclass(frozen=True, slots=True)
class Trait:
    """What minimisation knows of a field.

    ``category`` holds for everything inside, unless a field inside names its own. ``roles``: receiver roles that may
    get it (``None``: all). ``workplace``: it shows where somebody is placed, so it goes when that is a woonzorg
    organisation. ``location``: it shows where somebody can be found, so it goes for a receiver from whom that is kept;
    what is ``workplace`` goes then too. ``rows``: an array whose items bear ``plaatsingId``.
    """

    category: Category | None = None
    roles: frozenset[Role] | None = None
    workplace: bool = False
    location: bool = False
    rows: bool = False


BSN_AS_ID: Final = "BSN_IN_KENMERK|Dit kenmerk is een BSN of lijkt erop; zet er bijvoorbeeld letters voor"
NO_TRAIT: Final = Trait()
MESSAGES: Final[dict[str, str | list[Any] | dict[Any, Any]]] = {
    "required": "VERPLICHT|Dit veld is verplicht",
    "null": "LEEG|Dit veld mag niet null zijn; laat het weg als er niets is",
    "type": "TYPE|Hier hoort een object",
}


class Leaf(fields.Field[Any]):
    """A value without fields of its own."""

    default_error_messages = MESSAGES

    def __init__(self, required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(required=required)
        self.trait = trait or NO_TRAIT

    def fault(self, value: Any) -> str | None:
        """What is wrong with the shape of ``value``, as ``CODE|reason``."""
        raise NotImplementedError

    def json(self) -> dict[str, Any]:
        """The same shape in JSON Schema 2020-12."""
        raise NotImplementedError

    def rule(self, value: Any, context: RuleContext) -> str | None:
        """What is wrong with a well-shaped ``value``."""
        return None

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        found = self.fault(value)
        if found is not None:
            raise ValidationError(found)
        return value


class Matched(Leaf):
    """Text that matches a pattern as a whole, of at most ``longest`` code points."""

    def __init__(
        self, pattern: str, longest: int, required: bool = False, trait: Trait | None = None, hint: str = ""
    ) -> None:
        super().__init__(required, trait)
        self.pattern, self.longest, self.hint = pattern, longest, hint
        self.compiled = re.compile(pattern)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Matched":
        return self.__copy__()

    def __copy__(self) -> "Matched":
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        return twin

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return "TYPE|Hier hoort tekst"
        if len(value) > self.longest:
            return f"TE_LANG|Ten hoogste {self.longest} tekens"
        if not self.compiled.fullmatch(value):
            return f"PATROON|{self.hint or 'Dit heeft niet de vorm die hier hoort'}"
        return None

    def json(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


class Text(Matched):
    """A name or title on one line, NFC, scanned for a BSN."""

    def __init__(self, longest: int, required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(TEXT_PATTERN, longest, required, trait, "Eén regel gewone tekst, zonder spatie aan de rand")

    def rule(self, value: Any, context: RuleContext) -> str | None:
        if not value.isascii() and not unicodedata.is_normalized("NFC", value):
            return "TEKST_NIET_NFC|Schrijf letters met accenten als één teken (Unicode NFC)"
        return "BSN_IN_TEKST|Hier staat een BSN; dat hoort hier niet" if contains_bsn(value) else None


class FreeText(Text):
    """Free text: only where the catalogue shows it, and never to the roles in :data:`NO_FREE_TEXT`."""

    def __init__(self, longest: int, required: bool = False, trait: Trait | None = None) -> None:
        given = trait or Trait()
        allowed = (given.roles if given.roles is not None else frozenset(Role)) - NO_FREE_TEXT
        limited = replace(given, roles=allowed)
        super().__init__(longest, required, limited)


class Ident(Matched):
    """An id that a partner gave. It travels on to others and into logs, so it may not be a BSN.

    Only an id that *is* a BSN is refused: digits somewhere in a UUID pass the 11-proef by chance.
    """

    def __init__(self, required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(ID_PATTERN, 64, required, trait, "1 tot 64 letters, cijfers en . _ : -")

    def rule(self, value: Any, context: RuleContext) -> str | None:
        return BSN_AS_ID if is_bsn(value) else None


class Ref(Matched):
    """The kandidaatRef: always the message's own subject, rewritten for each receiver."""

    def __init__(self, required: bool = False) -> None:
        super().__init__(REF_PATTERN, 26, required, hint="26 tekens a-z en 2-7")

    def rule(self, value: Any, context: RuleContext) -> str | None:
        same = context.subject is None or value == context.subject
        return None if same else "REF_ONGELIJK|Dit is een andere kandidaatRef dan die in subject"


class Bsn(Matched):
    """A burgerservicenummer; the 11-proef is a rule, because JSON Schema cannot count."""

    def __init__(self, trait: Trait) -> None:
        super().__init__("[0-9]{9}", 9, False, trait, "9 cijfers")

    def rule(self, value: Any, context: RuleContext) -> str | None:
        return None if is_bsn(value) else "BSN_ONGELDIG|Dit nummer voldoet niet aan de 11-proef"


class Day(Matched):
    """A calendar day ``YYYY-MM-DD``; not after today, unless it is a plan."""

    def __init__(self, required: bool = False, trait: Trait | None = None, planned: bool = False) -> None:
        super().__init__(DATE_PATTERN, 10, required, trait, "Een datum als JJJJ-MM-DD")
        self.planned = planned

    def fault(self, value: Any) -> str | None:
        found = super().fault(value)
        return found or (None if _is_day(value) else "DATUM_ONGELDIG|Deze dag bestaat niet")

    def json(self) -> dict[str, Any]:
        return super().json() | {"format": "date"}

    def rule(self, value: Any, context: RuleContext) -> str | None:
        # Equal lengths and digits only, so text order is date order.
        if self.planned or value <= context.today.isoformat():
            return None
        return "DATUM_IN_TOEKOMST|Deze datum ligt in de toekomst"


class Instant(Matched):
    """An instant with offset, RFC 3339 §5.6, without leap seconds."""

    def __init__(self, required: bool = False) -> None:
        super().__init__(INSTANT_PATTERN, 35, required, hint="Een tijdstip als JJJJ-MM-DDTuu:mm:ssZ")

    def fault(self, value: Any) -> str | None:
        found = super().fault(value)
        return found or (None if _is_day(value[:10]) else "DATUM_ONGELDIG|Deze dag bestaat niet")

    def json(self) -> dict[str, Any]:
        return super().json() | {"format": "date-time"}


class Choice(Leaf):
    """One of a closed list of codes."""

    def __init__(self, codes: str, required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(required, trait)
        self.codes = tuple(codes.split())

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, str):
            return "TYPE|Hier hoort tekst"
        return None if value in self.codes else f"CODE_ONBEKEND|Kies uit: {', '.join(self.codes)}"

    def json(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.codes)}


class ClientCode(Choice):
    """A code that only the traject's opdrachtgever gets, and only where that has one of the roles ``told``.

    For all others the hub writes ``instead``, a code that no sender may write (the detail axis of minimisation).
    """

    def __init__(
        self, codes: str, instead: str, told: frozenset[Role], required: bool = False, trait: Trait | None = None
    ) -> None:
        super().__init__(codes, required, trait)
        self.instead, self.told = instead, told

    def seen(self, value: Any, role: Role, client: bool) -> Any:
        """What a receiver of that role gets; ``client``: it is the traject's opdrachtgever."""
        return value if client and role in self.told else self.instead

    def json_for(self, role: Role) -> dict[str, Any]:
        """The shape of what a receiver of that role may get."""
        codes = [*self.codes, self.instead] if role in self.told else [self.instead]
        return {"type": "string", "enum": codes}


class Whole(Leaf):
    """A whole number within bounds; a boolean or ``1.0`` is none."""

    def __init__(self, least: int, most: int, required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(required, trait)
        self.least, self.most = least, most

    def fault(self, value: Any) -> str | None:
        if type(value) is not int:
            return "TYPE|Hier hoort een geheel getal"
        return None if self.least <= value <= self.most else f"BEREIK|Van {self.least} tot en met {self.most}"

    def json(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.least, "maximum": self.most}


class BirthDate(Leaf):
    """``{datum} | {jaar, maand} | {jaar} | {onbekend: true}``; at least 14 years old, by the youngest possible age."""

    YOUNGEST: ClassVar[int] = 14  # years

    def fault(self, value: Any) -> str | None:
        if not isinstance(value, dict):
            return "TYPE|Hier hoort een object"
        match sorted(value):
            case ["datum"]:
                return Day().fault(value["datum"])
            case ["jaar"] | ["jaar", "maand"]:
                return Whole(1900, 2199).fault(value["jaar"]) or Whole(1, 12).fault(value.get("maand", 1))
            case ["onbekend"] if value["onbekend"] is True:
                return None
        return "VORM|Kies {datum}, {jaar, maand}, {jaar} of {onbekend: true}"

    def json(self) -> dict[str, Any]:
        year, month = Whole(1900, 2199).json(), Whole(1, 12).json()
        forms = ({"datum": Day().json()}, {"jaar": year, "maand": month}, {"jaar": year}, {"onbekend": {"const": True}})
        return {
            "oneOf": [
                {"type": "object", "properties": form, "required": list(form), "additionalProperties": False}
                for form in forms
            ]
        }

    def rule(self, value: Any, context: RuleContext) -> str | None:
        if "onbekend" in value:
            return None
        if "datum" in value:
            youngest = value["datum"]
        else:  # month 12 and day 31 by default; as text this needs no calendar
            youngest = f"{value['jaar']:04d}-{value.get('maand', 12):02d}-31"
        today = context.today
        latest = f"{today.year - self.YOUNGEST:04d}-{today.month:02d}-{today.day:02d}"
        return None if youngest <= latest else "LEEFTIJD|Jonger dan 14 jaar kan niet"


def werkproces_code(required: bool = False, trait: Trait | None = None) -> Matched:
    """A werkproces code, unique only together with its dossier."""
    return Matched(WERKPROCES_PATTERN, 10, required, trait, "Een werkprocescode, zoals B1-K1-W1")


def oin_field(required: bool = False, trait: Trait | None = None) -> Matched:
    """An OIN with a prefix of the OIN-stelsel."""
    return Matched(OIN_PATTERN, 20, required, trait, "Een OIN: 20 cijfers met een bekend voorvoegsel")


def sha256(required: bool = False, trait: Trait | None = None) -> Matched:
    """A SHA-256 digest in lower-case hexadecimal."""
    return Matched("[0-9a-f]{64}", 64, required, trait, "Een SHA-256 in 64 hexadecimale tekens")


def decimal(trait: Trait | None = None, required: bool = False, whole_digits: int = 4) -> Matched:
    """A decimal number as text with a point, at most two decimals (the wire knows no floats)."""
    pattern = rf"(?:0|[1-9][0-9]{{0,{whole_digits - 1}}})(?:\.[0-9]{{1,2}})?"
    return Matched(pattern, whole_digits + 3, required, trait, 'Een getal als tekst met een punt, zoals "7.5"')


def telephone(trait: Trait) -> Matched:
    """A number that one dials in the Netherlands, or an international one; single blanks or hyphens between digits.

    No form has nine digits, so that a bare BSN does not fit.
    """
    return Matched(TELEPHONE_PATTERN, 31, False, trait, "Een telefoonnummer, zoals 010-1234567 of +31 10 1234567")


def leerbedrijf_id(trait: Trait | None = None) -> Matched:
    """The number of a leerbedrijf at SBB: nine digits, of which the known ones begin with 100.

    One in eleven of them passes the 11-proef, so that cannot be asked. Of all BSNs one in nine hundred begins so.
    """
    return Matched("100[0-9]{6}", 9, False, trait, "Een leerbedrijfId van SBB: 9 cijfers, te beginnen met 100")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
