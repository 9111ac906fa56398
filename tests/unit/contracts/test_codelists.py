"""Code lists are data with a source, a licence and a validity."""

from datetime import date

import pytest

from contracts.codelists import loader

DAY = date(2026, 11, 22)


def test_every_list_says_where_it_comes_from() -> None:
    assert set(loader.names()) == {"crebo", "crebo-entree", "basisdeel-entree"}
    for name in loader.names():
        found = loader.load(name)
        assert found is not None
        assert {"naam", "versie", "bron", "licentie", "geldigVan", "geldigTot", "waarden"} <= set(found.document)
        assert all(found.document[key] for key in ("bron", "licentie", "versie"))
        assert len(found.values) == len(found.document["waarden"]) > 0


def test_the_entree_list_is_part_of_the_whole() -> None:
    whole, entree = loader.load("crebo"), loader.load("crebo-entree")
    assert whole is not None
    assert entree is not None
    assert len(whole.values) == 470
    assert len(entree.values) == 12
    assert all(whole.values[code] == value for code, value in entree.values.items())


@pytest.mark.parametrize(
    ("name", "code", "on", "expected"),
    [
        ("crebo-entree", "25251", DAY, True),
        ("crebo-entree", "25251", date(2015, 7, 31), False),
        ("crebo-entree", "25078", DAY, False),
        ("crebo", "25078", DAY, True),
        ("basisdeel-entree", "B1-K1-W3", DAY, True),
        ("basisdeel-entree", "B1-K1-W4", DAY, False),
        ("bestaat-niet", "25251", DAY, False),
    ],
)
def test_known_codes(name: str, code: str, on: date, expected: bool) -> None:
    assert loader.known(name, code, on) is expected


def test_validity_is_half_open_and_per_value() -> None:
    document = {
        "naam": "x", "versie": "1", "bron": "b", "licentie": "l", "geldigVan": "2020-01-01", "geldigTot": "2022-01-01",
        "waarden": [{"code": "a"}, {"code": "b", "geldigVan": "2021-01-01", "geldigTot": "2021-06-01"}],
    }  # fmt: skip
    made = loader._read(document)
    assert [made.has("a", date(year, 1, 1)) for year in (2019, 2020, 2021, 2022)] == [False, True, True, False]
    assert made.has("b", date(2021, 5, 31))
    assert not made.has("b", date(2021, 6, 1))
    assert not made.has("b", date(2020, 6, 1))


def test_there_is_no_list_of_that_name() -> None:
    assert loader.load("bestaat-niet") is None
