"""Terms: every kind and doel has one, an operator's file replaces what it names, nonsense is refused by its place."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import catalogue
from contracts.identity import Purpose
from contracts.retention.terms import TermsInvalid, content_until, load, shipped

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PAIR = "voortgang.gemeld", Purpose.TRAJECTBEGELEIDING
ROW = {"soort": "voortgang.gemeld", "doel": "trajectbegeleiding", "dagen": 7, "reden": "proef"}
PROOF = {"doel": "certificeren", "jaren": 10, "reden": "proef"}


def file(folder: Path, **members: Any) -> Path:
    path = folder / "termijnen.json"
    path.write_text(json.dumps({"inhoud": [], "bewijs": []} | members), encoding="utf-8")
    return path


def test_every_kind_and_doel_of_the_catalogue_has_a_term_with_a_reason() -> None:
    terms = shipped()
    pairs = {(kind.name, purpose) for kind in catalogue.all_kinds() for purpose in kind.purposes}
    assert terms.content.keys() == pairs and terms.evidence.keys() == set(Purpose)
    every = [*terms.content.values(), *terms.evidence.values()]
    assert all(len(term.reason) > 20 and term.length > 0 for term in every)
    assert {term.length for term in terms.content.values()} == {30}
    assert terms.evidence_years() == 5 and terms.evidence_years(["opleiden", "certificeren"]) == 7


def test_a_file_replaces_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    terms = load(file(tmp_path, inhoud=[ROW], bewijs=[PROOF]))
    assert terms.content_days("voortgang.gemeld", "trajectbegeleiding") == 7
    assert terms.content_days("voortgang.gemeld", "verantwoording") == 30
    assert terms.evidence_years(["certificeren"]) == 10 and terms.evidence_years() == 5
    assert (terms.shortest, terms.idle) == (timedelta(days=7), timedelta(days=30))
    assert terms.for_purposes(["trajectbegeleiding"]) == (7 if len(_kinds("trajectbegeleiding")) == 1 else 30, 5)
    assert load(None) is shipped()


def _kinds(purpose: str) -> list[str]:
    return [kind.name for kind in catalogue.all_kinds() if purpose in kind.purposes]


@pytest.mark.parametrize(
    ("members", "place"),
    [
        ({"inhoud": [ROW | {"soort": "geheim.onbekend"}]}, "inhoud[0].soort"),
        ({"inhoud": [ROW, ROW | {"doel": "geheim"}]}, "inhoud[1].doel"),
        ({"inhoud": [ROW | {"doel": "toeleiding"}]}, "inhoud[0].doel"),
        ({"inhoud": [ROW | {"dagen": 0}]}, "inhoud[0].dagen"),
        ({"inhoud": [ROW | {"dagen": -1}]}, "inhoud[0].dagen"),
        ({"inhoud": [ROW | {"dagen": True}]}, "inhoud[0].dagen"),
        ({"inhoud": [ROW | {"dagen": "30"}]}, "inhoud[0].dagen"),
        ({"inhoud": [ROW | {"dagen": 10_000}]}, "inhoud[0].dagen"),
        ({"inhoud": [ROW | {"reden": " "}]}, "inhoud[0].reden"),
        ({"inhoud": [ROW, ROW]}, "inhoud[1]"),
        ({"inhoud": [ROW | {"geheim": 1}]}, "inhoud[0]"),
        ({"inhoud": [{k: v for k, v in ROW.items() if k != "dagen"}]}, "inhoud[0]"),
        ({"inhoud": ["geheim"]}, "inhoud[0]"),
        ({"inhoud": {}}, "inhoud"),
        ({"bewijs": [PROOF | {"jaren": 101}]}, "bewijs[0].jaren"),
        ({"bewijs": [PROOF | {"doel": ["geheim"]}]}, "bewijs[0].doel"),
        ({"geheim": 1}, "het bestand"),
    ],
)
def test_nonsense_is_refused_with_its_place_and_without_its_value(tmp_path: Path, members: Any, place: str) -> None:
    with pytest.raises(TermsInvalid) as refused:
        load(file(tmp_path, **members))
    assert str(refused.value).startswith(f"{place}:") and "geheim" not in str(refused.value)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"inhoud": [], "inhoud": [], "bewijs": []}')
    with pytest.raises(TermsInvalid, match="geen geldige JSON"):
        load(path)


@pytest.mark.parametrize(
    ("ends", "until"),
    [
        ([NOON + timedelta(days=1), NOON + timedelta(days=3)], NOON + timedelta(days=33)),  # after the last one
        ([NOON + timedelta(days=1), None], NOON + timedelta(days=90)),  # one has not ended: 90 days from acceptance
        ([None], NOON + timedelta(days=90)),
        ([], NOON + timedelta(days=30)),
        ([NOON + timedelta(days=89)], NOON + timedelta(days=119)),  # it did arrive
    ],
)
def test_until_when_content_is_kept(ends: list[datetime | None], until: datetime) -> None:
    assert content_until(shipped(), PAIR, NOON, ends) == until
