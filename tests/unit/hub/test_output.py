"""What commands show to people: one word for yes and no, one sign for nothing."""

import json

import pytest

from hub.commands.common.output import show

THING = {"vast": True, "los": False, "leeg": [], "geen": None, "nul": 0, "veel": ["a", "b"]}


def test_yes_no_and_nothing_are_words_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    show(THING, False)
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert told == {"vast": "ja", "los": "nee", "leeg": "–", "geen": "–", "nul": "0", "veel": "a, b"}


def test_as_json_they_stay_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(THING, True)
    assert json.loads(capsys.readouterr().out) == THING
