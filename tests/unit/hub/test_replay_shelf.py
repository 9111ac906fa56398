"""What the replay remembers of messages lies on disk: a log that is ten times as long takes no more memory."""

import tracemalloc
from collections.abc import Callable
from typing import Any

from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region
from hub.ledger.replay.shelf import Shelf
from hub.ledger.replay.traffic import Release, Sent, Traffic

MESSAGES = 5_000


def decision(number: int) -> dict[str, Any]:
    """What the log says of one accepted message; every text of its own, as after reading it."""
    return {
        "berichtId": f"{number:032x}",
        "afzender": f"{number % 3:020}",
        "systeem": "systeem-een",
        "bericht": "voortgang.gemeld",
        "doel": "trajectbegeleiding",
        "op": "2026-11-22T12:00:00.123Z",
        "besluiten": [
            {"ontvanger": f"{number % 5:020}", "uitkomst": "toegestaan"},
            {"ontvanger": "00000099000000003000", "uitkomst": "tegengehouden"},
        ],
    }


def grown(work: Callable[[], object]) -> int:
    """Bytes that Python holds more than before, while what ``work`` returned is held."""
    tracemalloc.start()
    try:
        held = work()
        return tracemalloc.get_traced_memory()[0] if held is not None else 0
    finally:
        tracemalloc.stop()


def told() -> Traffic:
    traffic = Traffic(Region(), Persons())
    for number in range(MESSAGES):
        traffic.decided(f"{number:026}", decision(number))
    return traffic


def test_what_was_told_comes_back_as_it_was() -> None:
    traffic = told()
    sent = traffic.sent.get(f"{7:032x}")
    assert sent is not None
    assert sent == Sent.unpacked(list(sent.packed()))
    assert (sent.person, sent.sender, sent.trajectory) == (f"{7:026}", f"{1:020}", None)
    assert sent.receivers == {f"{2:020}"}
    release = Release(sent.at, ("identiteit",), "vermelding 3", frozenset({"t"}))
    traffic.released["a/b"] = release
    assert traffic.released.get("a/b") == release
    assert traffic.sent.get("onbekend") is None
    traffic.close()


def test_messages_take_no_memory_but_a_dictionary_of_them_would() -> None:
    def as_dictionary() -> dict[str, Sent]:
        return dict(told().sent.unseen())

    assert grown(told) < 100_000
    assert grown(as_dictionary) > 3_000_000  # the control: the measure sees what is held


def test_a_shelf_knows_what_nobody_saw_and_the_last_word_counts() -> None:
    shelf: Shelf[str] = Shelf(str, str)
    for key, value in (("b", "1"), ("a", "2"), ("c", "3"), ("b", "4")):
        shelf[key] = value
    assert shelf.see(["b", "z"]) == {"b": "4"}
    assert list(shelf.unseen()) == [("a", "2"), ("c", "3")]
    assert shelf.see(["a", "c", "b"]) == {"a": "2", "b": "4", "c": "3"}
    assert list(shelf.unseen()) == []
    shelf.close()
