"""JSON that is wrong: the document, one message of it, one field of a message."""

import json
from typing import Any

import pytest

from connectors.json_rest.translate import JsonRest
from connectors.port import LossKind, MappingInvalid, Reading
from tests.unit.connectors.partners import REF, partner

SECRET = "GEHEIMEWAARDE"
ITEM: dict[str, Any] = {
    "registratieId": "ws-1",
    "deelnemer": {"nummer": "104"},
    "plaatsing": {"id": "PL-7"},
    "stap": {"werkproces": "B1-K1-W1", "volledig": "ja"},
    "score": "groen",
    "datum": "2026-11-12",
}


def read(document: Any, mapping: str = "werkstap-voortgang") -> Reading:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    reading = JsonRest().read(raw, JsonRest().mapping(mapping), partner())
    assert SECRET not in repr(reading.faults) + repr(reading.loss)
    return reading


def test_one_message() -> None:
    (event,) = read({"registraties": [ITEM]}).events
    assert event["subject"] == REF
    assert event["data"]["beheersing"] == "zelfstandig"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"{", "JSON_ONGELDIG"),
        (b"\xff", "JSON_ONGELDIG"),
        (b'{"registraties": NaN}', "JSON_ONGELDIG"),
        (b'{"registraties": [], "registraties": []}', "JSON_ONGELDIG"),
        (b"[" * 1000 + b"]" * 1000, "JSON_ONGELDIG"),
        (b'{"registraties": [{"uren": 2.5}]}', "JSON_ONGELDIG"),
        ({"registraties": {}}, "LIJST_ONTBREEKT"),
        ([ITEM], "LIJST_ONTBREEKT"),
        ("tekst", "LIJST_ONTBREEKT"),
    ],
)
def test_a_document_that_is_not_the_list(document: Any, code: str) -> None:
    reading = read(document)
    assert reading.events == ()
    assert [f.code for f in reading.faults] == [code]


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"score": True}, "score", "TYPE"),
        ({"score": [SECRET]}, "score", "TYPE"),
        ({"score": SECRET}, "score", "CODE_ONBEKEND"),
        ({"stap": SECRET}, "stap.werkproces", "VERPLICHT"),
        ({"deelnemer": None}, "deelnemer.nummer", "VERPLICHT"),
        ({"datum": None}, "datum", "VERPLICHT"),
    ],
)
def test_a_bad_message_names_its_field_and_the_others_go_on(change: dict[str, Any], field: str, code: str) -> None:
    reading = read({"registraties": [ITEM, {**ITEM, "registratieId": "ws-2", **change}, "geen object"]})
    assert len(reading.events) == 1
    assert (2, field, code) in [(f.place.number, f.place.field, f.code) for f in reading.faults]
    assert (3, None, "GEEN_OBJECT") in [(f.place.number, f.place.field, f.code) for f in reading.faults]


def test_unknown_fields_are_named_and_strange_names_are_not() -> None:
    reading = read({"registraties": [{**ITEM, "kleur": 1, f"{SECRET} is een naam": 2}]})
    assert reading.loss.names(LossKind.DROPPED) == {"kleur", "een onbekend veld"}


def test_canonical_events_pass_unchanged_one_or_many() -> None:
    event = {"specversion": "1.0", "id": "a"}
    assert read(event, "canoniek").events == (event,)
    assert read([event, event], "canoniek").events == (event, event)
    written = JsonRest().write([event], JsonRest().mapping("canoniek"), partner())
    assert json.loads(written.native) == [event]
    assert written.loss.entries == ()


@pytest.mark.parametrize("shape", [{"canoniek": True, "lijst": "x"}, {"lijst": ""}, {"vreemd": 1}, []])
def test_a_wrong_shape_is_a_wrong_mapping(shape: Any) -> None:
    with pytest.raises(MappingInvalid):
        JsonRest().read(b"[]", {"naam": "a", "versie": "1", "connector": "json-rest", "vorm": shape}, partner())
