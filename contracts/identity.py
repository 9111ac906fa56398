"""The small value types that cross rooms. Codes keep their Dutch wire form; no bare ``str`` stands for an identity.

Identifiers are ``NewType``: they cost nothing at run time, and mypy refuses a mix-up. Every parse function raises
``ValueError`` with a text that never repeats the value (design promise 9).
"""

import base64
import re
from collections.abc import Callable
from enum import StrEnum
from typing import Final, NewType

Oin = NewType("Oin", str)
KandidaatRef = NewType("KandidaatRef", str)
MessageId = NewType("MessageId", str)  # `berichtId`: the hub's own id of an accepted message, a UUIDv7
PersonId = NewType("PersonId", str)  # a random handle that never leaves the hub

#: Prefixes of the OIN-stelsel (Logius): RSIN, FI, KvK, SubOIN, Logius, BRIN, foreign, UZI, TRR, test.
_OIN_PREFIXES: Final = frozenset(f"000000{n}" for n in ("01", "02", "03", "04", "06", "07", "08", "09", "10", "99"))
_OIN: Final = re.compile(r"[0-9]{20}")
_REF: Final = re.compile(r"[a-z2-7]{26}")
_BSN: Final = re.compile(r"[0-9]{9}")
_BSN_WEIGHTS: Final = (9, 8, 7, 6, 5, 4, 3, 2, -1)


class Role(StrEnum):
    """What an organisation is in the region (`rol`)."""

    GEMEENTE = "gemeente"
    ONTWIKKELBEDRIJF = "ontwikkelbedrijf"
    MBO = "mbo"
    KRINGLOOP = "kringloop"
    WOONZORG = "woonzorg"
    LEERBEDRIJF = "leerbedrijf"
    CERTIFICEERDER = "certificeerder"
    REGIO = "regio"


class Purpose(StrEnum):
    """What a message is for (`doel`), AVG art. 5(1)(b)."""

    TOELEIDING = "toeleiding"
    TRAJECTBEGELEIDING = "trajectbegeleiding"
    OPLEIDEN = "opleiden"
    CERTIFICEREN = "certificeren"
    DOORSTROOM = "doorstroom"
    VERANTWOORDING = "verantwoording"
    DAGBESTEDING = "dagbesteding"
    STUURINFORMATIE = "stuurinformatie"
    RECHTEN = "rechten"


class Category(StrEnum):
    """What a field says of a person (`categorie`)."""

    IDENTITEIT = "identiteit"
    BSN = "bsn"
    CONTACT = "contact"
    OPLEIDING = "opleiding"
    LEERVOORTGANG = "leervoortgang"
    BEOORDELING = "beoordeling"
    INZETBAARHEID = "inzetbaarheid"
    UITKERING = "uitkering"
    BEGELEIDING = "begeleiding"
    GEZONDHEID = "gezondheid"
    JUSTITIE = "justitie"
    OVERIG_BIJZONDER = "overig-bijzonder"
    MEDEWERKER = "medewerker"


class SecrecySubject(StrEnum):
    """What a release from professional secrecy is about (`onderwerp`)."""

    GEZONDHEID = "gezondheid"
    BEGELEIDING = "begeleiding"
    DAGBESTEDING = "dagbesteding"
    DEELNAME = "deelname"


#: Special categories (AVG art. 9 and 10): these need an own explicit statement.
SPECIAL: Final = frozenset({Category.GEZONDHEID, Category.JUSTITIE, Category.OVERIG_BIJZONDER})


class LegalBasis(StrEnum):
    """AVG art. 6(1)(a), (b), (c), (e) and art. 9(2)(a)."""

    CONSENT = "AVG-6-1-a"
    CONTRACT = "AVG-6-1-b"
    LEGAL_OBLIGATION = "AVG-6-1-c"
    PUBLIC_TASK = "AVG-6-1-e"
    EXPLICIT_CONSENT = "AVG-9-2-a"


class LegalFramework(StrEnum):
    """The law under which a traject runs (`wettelijkKader`)."""

    PWET = "Pwet"
    WSW = "Wsw"
    WMO = "Wmo"
    UWV = "UWV"
    OVERIG = "overig"


def oin(text: str) -> Oin:
    """An OIN: 20 digits with a prefix of the OIN-stelsel."""
    if not _OIN.fullmatch(text) or text[:8] not in _OIN_PREFIXES:
        raise ValueError("geen geldig OIN: 20 cijfers met een bekend voorvoegsel")
    return Oin(text)


def new_ref(random: Callable[[int], bytes]) -> KandidaatRef:
    """A fresh kandidaatRef: 130 random bits in base32, 26 characters, meaning nothing anywhere else."""
    return KandidaatRef(base64.b32encode(random(17)).decode().lower()[:26])


def kandidaat_ref(text: str) -> KandidaatRef:
    """A kandidaatRef: 26 characters base32 (130 random bits), lower case."""
    if not _REF.fullmatch(text):
        raise ValueError("geen geldige kandidaatRef: 26 tekens a-z en 2-7")
    return KandidaatRef(text)


def is_bsn(text: str) -> bool:
    """True for nine ASCII digits that pass the 11-proef (Wet algemene bepalingen burgerservicenummer)."""
    if not _BSN.fullmatch(text) or text == "000000000":
        return False
    return sum(weight * int(digit) for weight, digit in zip(_BSN_WEIGHTS, text, strict=True)) % 11 == 0
