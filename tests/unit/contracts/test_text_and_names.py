"""A BSN in text is found however it is written; two names are compared as people would."""

import pytest

from contracts.kinds.names import NameMatch, compare_names
from contracts.kinds.text import contains_bsn


@pytest.mark.parametrize(
    "text",
    [
        "999990342",
        "BSN999990342x",
        "bsn: 9999 90 342.",
        "999.990.342",
        "999-990-342",
        "9 9 9 9 9 0 3 4 2",
        "12 999990342",
        "999990342 12",
        "9999\u00a090\u00a0342",
        "٩٩٩٩٩٠٣٤٢",
        "９９９９９０３４２",
        "999990343 of 999991772",
        "9999, 90 - 342",
    ],
)
def test_a_bsn_is_found(text: str) -> None:
    assert contains_bsn(text)


@pytest.mark.parametrize(
    "text",
    ["", "Keuken", "999990343", "1999990342", "9999903421", "99999034", "2026-11-22", "0612345678", "99999 a 0342"],
)
def test_what_is_no_bsn_is_let_through(text: str) -> None:
    assert not contains_bsn(text)


_NAME = {"voornamen": "Sam Jip", "voorvoegsel": "van der", "geslachtsnaam": "Berg"}
_SAME, _OTHER, _UNKNOWN = NameMatch.EQUAL, NameMatch.DIFFERENT, NameMatch.UNKNOWN


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (_NAME, _SAME),
        ({"voornamen": "SAM JIP", "geslachtsnaam": "Van der Berg"}, _SAME),
        ({"voorletters": "S.J.", "voorvoegsel": "Van Der", "geslachtsnaam": "BERG"}, _SAME),
        ({"voornamen": "Sám-Jip", "voorvoegsel": "van der", "geslachtsnaam": "Bërg"}, _SAME),
        ({"voornamen": "Sam", "voorvoegsel": "van der", "geslachtsnaam": "Berg"}, _OTHER),
        ({"voorletters": "K.", "voorvoegsel": "van der", "geslachtsnaam": "Berg"}, _OTHER),
        ({"voornamen": "Sam Jip", "geslachtsnaam": "Berg"}, _OTHER),
        ({"voornamen": "Sam Jip", "voorvoegsel": "van der", "geslachtsnaam": "Dal"}, _OTHER),
        ({"geslachtsnaam": "Dal"}, _OTHER),
        ({"voorvoegsel": "van der", "geslachtsnaam": "Berg"}, _UNKNOWN),
        ({"roepnaam": "Sam", "voorvoegsel": "van der", "geslachtsnaam": "Berg"}, _UNKNOWN),
        ({"voornamen": "Sam Jip"}, _UNKNOWN),
        ({"voornamen": "Sam Jip", "geslachtsnaam": "-"}, _UNKNOWN),
        ({}, _UNKNOWN),
    ],
)
def test_names_are_compared_normalised(other: dict[str, str], expected: NameMatch) -> None:
    before = dict(other)
    assert compare_names(_NAME, other) is expected
    assert compare_names(other, _NAME) is expected
    assert other == before


def test_letters_that_no_decomposition_takes_apart() -> None:
    one = {"roepnaam": "Łukasz", "geslachtsnaam": "Sørensen-Weiß"}
    assert compare_names(one, {"roepnaam": "Lukasz", "geslachtsnaam": "Sorensen Weiss"}) is _SAME
