"""Comparing two names of one person, as two organisations wrote them. Nothing is ever changed by it."""

import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

#: Letters that no Unicode decomposition takes apart.
_LETTERS: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_PREFIX_WORDS: Final = "van von de den der des het t te ten ter in op aan bij uit tot la le les du da do dos di del"
_PREFIXES: Final = frozenset(_PREFIX_WORDS.split())


class NameMatch(StrEnum):
    """What a comparison can tell (`gelijk`, `verschil`, `niet-te-vergelijken`)."""

    EQUAL = "gelijk"
    DIFFERENT = "verschil"
    UNKNOWN = "niet-te-vergelijken"


def compare_names(one: Mapping[str, Any], other: Mapping[str, Any]) -> NameMatch:
    """Compare two ``naam`` objects; case, diacritics, hyphens and where the voorvoegsel stands do not count.

    ``gelijk`` needs an equal geslachtsnaam and an equal given name (voornamen, else roepnaam, else voorletters);
    a difference in either is ``verschil``; whatever lacks a part to compare is ``niet-te-vergelijken``.
    """
    family = _family(one), _family(other)
    if not all(family):
        return NameMatch.UNKNOWN
    if family[0] != family[1]:
        return NameMatch.DIFFERENT
    return _given(one, other)


def _given(one: Mapping[str, Any], other: Mapping[str, Any]) -> NameMatch:
    for part in ("voornamen", "roepnaam"):
        left, right = _words(one.get(part, "")), _words(other.get(part, ""))
        if left and right:
            return NameMatch.EQUAL if left == right else NameMatch.DIFFERENT
    left_initials, right_initials = _initials(one), _initials(other)
    if not left_initials or not right_initials:
        return NameMatch.UNKNOWN
    return NameMatch.EQUAL if left_initials == right_initials else NameMatch.DIFFERENT


def _family(name: Mapping[str, Any]) -> tuple[str, ...]:
    """The geslachtsnaam in words; voorvoegsels count, but not whether they stand before it or in their own field."""
    words = _words(name.get("geslachtsnaam", ""))
    if not words or all(word in _PREFIXES for word in words):
        return ()
    return tuple(_words(name.get("voorvoegsel", ""))) + tuple(words)


def _initials(name: Mapping[str, Any]) -> str:
    letters = "".join(_words(name.get("voorletters", "")))
    return letters or "".join(word[0] for word in _words(name.get("voornamen", "")))


def _words(text: str) -> list[str]:
    return _plain(text).split()


def _plain(text: str) -> str:
    """Small letters without marks; whatever is no letter parts words, except an apostrophe, which vanishes."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(_sign(sign) for sign in decomposed)


def _sign(sign: str) -> str:
    if sign.isalpha():
        return sign
    return "" if unicodedata.combining(sign) or sign in "'’`" else " "
