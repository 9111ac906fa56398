"""The partner that plays a script: its comparing, its memory, its inbox, and the paths of the log that it downloads."""

from pathlib import Path
from typing import Any

import pytest

from connectors.agent.partner.acts.evidence import tile_paths
from connectors.agent.partner.inbox import Inbox
from connectors.agent.partner.matching import at_path, differences
from connectors.agent.partner.memory import Memory, NotKnown
from connectors.agent.partner.play import ACTS
from connectors.agent.partner.script import ScriptFaulty, read_script
from consent.log.tiles import bundles_of, tiles_of

REGION = Path(__file__).parents[3] / "hub" / "demo" / "region"


@pytest.mark.parametrize(
    ("expected", "seen"),
    [
        ({}, {"more": 1}),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}),
        ({"a": "*"}, {"a": 0}),
        ({"a": None}, {}),
        ({"a": [{"b": 1}, {"b": 2}]}, {"a": [{"b": 1, "c": 1}, {"b": 2}]}),
        ({"a": []}, {"a": []}),
    ],
)
def test_what_is_as_expected_has_no_differences(expected: Any, seen: Any) -> None:
    assert differences(expected, seen) == []


@pytest.mark.parametrize(
    ("expected", "seen", "place"),
    [
        ({"a": 1}, {}, "a"),
        ({"a": "*"}, {}, "a"),
        ({"a": None}, {"a": 1}, "a"),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, "a.b"),
        ({"a": {"b": 1}}, {"a": "text"}, "a"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a[0]"),
        ({"a": [1]}, {"a": [1, 2]}, "a"),
        ({"a": []}, {"a": [1]}, "a"),
        ({"a": ["x"]}, {"a": "x"}, "a"),
        ({"a": "6.5"}, {"a": 6.5}, "a"),
    ],
)
def test_what_differs_is_named_by_its_place(expected: Any, seen: Any, place: str) -> None:
    found = differences(expected, seen)
    assert found
    assert found[0].startswith(f"{place}: ")


def test_a_path_leads_into_objects_and_lists() -> None:
    value = {"regels": [{"id": "een"}, {"id": "twee"}]}
    assert at_path(value, "regels.1.id") == "twee"
    assert at_path(value, "regels.2.id") is None
    assert at_path(value, "regels.id") is None


def test_a_memory_fills_in_names_and_knows_them_after_a_restart(tmp_path: Path) -> None:
    place = tmp_path / "geheugen.json"
    Memory(place, lambda: 0.0, {}).keep({"sam": "ref", "lijst": [1, 2]})
    again = Memory(place, lambda: 1_798_761_600.0, {"Mbo Delta": "0001"})
    filled = again.fill({"a": "${sam}", "b": ["${lijst}", "naar ${Mbo Delta} op ${vandaag}"], "c": 3})
    assert filled == {"a": "ref", "b": [[1, 2], "naar 0001 op 2027-01-01"], "c": 3}
    assert again.fill("${nu}") == "2027-01-01T00:00:00.000Z"
    assert place.stat().st_mode & 0o077 == 0


def test_a_name_that_did_not_come_up_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotKnown, match="sam"):
        Memory(tmp_path / "geheugen.json", lambda: 0.0, {}).fill({"a": ["${sam}"]})


def test_an_inbox_keeps_each_delivery_once_and_in_order_also_after_a_restart(tmp_path: Path) -> None:
    events = [{"type": "nl.doorstroomhub.voortgang.gemeld.v1", "id": str(n)} for n in range(12)]
    inbox = Inbox(tmp_path)
    assert [inbox.add(f"d{n}", event) for n, event in enumerate(events)] == [True] * 12
    assert not inbox.add("d3", events[3])
    again = Inbox(tmp_path)
    assert not again.add("d3", events[3])
    assert again.since(0) == events
    assert again.since(10) == events[10:]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 65_536, 65_539, 300_000])
def test_the_downloaded_paths_are_those_of_the_log(size: int) -> None:
    expected = [tile.path for tile in (*bundles_of(size), *tiles_of(size))]
    assert sorted(tile_paths(size)) == sorted(expected)


def test_every_step_of_the_sample_region_is_something_that_a_partner_can_do() -> None:
    scripts = [read_script(path) for path in sorted((REGION / "partners").glob("*.json"))]
    acts = {step.act for script in scripts for turn in script.turns.values() for step in turn}
    assert len(scripts) == 8
    assert acts == set(ACTS)


def test_a_file_that_is_no_script_is_refused_by_its_name(tmp_path: Path) -> None:
    place = tmp_path / "leeg.json"
    place.write_text('{"naam": "x"}', "utf-8")
    with pytest.raises(ScriptFaulty, match=r"leeg\.json"):
        read_script(place)
