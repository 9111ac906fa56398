"""The port: nothing foreign passes, ids tell nothing, a loss report never holds a value."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from connectors.mapped.identifiers import event_id
from connectors.port import Connector, Event, LossKind, LossNotes, MappingInvalid, Partner, Reading, Written
from connectors.shipped import parse, shipped
from contracts.errors import Unexpected
from contracts.identity import is_bsn
from tests.unit.connectors.partners import KEY, partner


class Broken(Connector):
    name, media_types, suffix = "kapot", ("text/plain",), ".txt"

    def shipped(self) -> tuple[str, ...]:
        return ()

    def mapping(self, name: str) -> Mapping[str, Any]:
        raise MappingInvalid

    def _read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading:
        raise KeyError(native.decode())

    def _write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written:
        raise ZeroDivisionError(str(messages))


def test_a_foreign_error_becomes_ours_and_takes_no_value_along() -> None:
    for act in (
        lambda: Broken().read(b"GEHEIM", {}, partner()),
        lambda: Broken().write([{"id": "GEHEIM"}], {}, partner()),
    ):
        with pytest.raises(Unexpected) as caught:
            act()
        assert "GEHEIM" not in str(caught.value)
        assert caught.value.__context__ is None
        assert caught.value.__cause__ is None


def test_a_loss_report_counts_and_names_the_first_lines() -> None:
    notes = LossNotes()
    for line in range(1, 101):
        notes.add(LossKind.DROPPED, "Opmerking", "staat er niet in", line)
    (entry,) = notes.report().entries
    assert (entry.count, entry.lines) == (100, tuple(range(1, 21)))


def test_ids_depend_on_key_name_and_every_part_and_hold_no_digits() -> None:
    made = {
        event_id(KEY, "a", ["1", "2"]),
        event_id(KEY, "a", ["12"]),
        event_id(KEY, "a", ["1,2"]),
        event_id(KEY, "b", ["1", "2"]),
        event_id(bytes(32), "a", ["1", "2"]),
    }
    assert len(made) == 5
    assert all(text.isalpha() and text.islower() and len(text) == 32 for text in made)
    assert not any(is_bsn(text[at : at + 9]) for text in made for at in range(24))
    with pytest.raises(ValueError, match="32 bytes"):
        event_id(b"kort", "a", [])


@pytest.mark.parametrize("name", ["", "..", "../csv", "Kringloop", "bestaat-niet"])
def test_a_mapping_that_is_not_shipped(name: str) -> None:
    with pytest.raises(MappingInvalid):
        shipped("connectors.csv", name)


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"a": 1, "a": 2}', b"\xff"])
def test_a_mapping_file_that_is_no_object(raw: bytes) -> None:
    with pytest.raises(MappingInvalid):
        parse(raw)
