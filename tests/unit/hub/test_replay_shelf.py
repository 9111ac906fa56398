"""What the replay remembers lies on disk: a log that is ten times as long takes no more memory."""

import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from consent.verify.report import Report
from hub.ledger.replay.check import _Replay
from hub.ledger.replay.entries import Opened
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region
from hub.ledger.replay.shelf import Shelf
from hub.ledger.replay.traffic import Release, Sent, Traffic

MESSAGES = 5_000
ENTRIES = 10_000
PERSONS = 3_000
AT = "2026-11-22T12:00:00.123Z"
OIN = "00000099000000003000"


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


def test_messages_take_no_memory_but_a_dictionary_of_them_would() -> None:
    def as_dictionary() -> dict[str, Sent]:
        return dict(told().sent.unseen())

    assert grown(told) < 300_000
    assert grown(as_dictionary) > 3_000_000  # the control: the measure sees what is held


def test_a_shelf_knows_what_nobody_saw_and_the_last_word_counts() -> None:
    shelf: Shelf[str] = Shelf(str, str)
    for key, value in (("b", "1"), ("a", "2"), ("c", "3"), ("b", "4")):
        shelf[key] = value
    assert shelf.see(["b", "z"]) == {"b": "4"}
    assert list(shelf.unseen()) == [("a", "2"), ("c", "3")]
    assert shelf.see(["a", "c", "b"]) == {"a": "2", "b": "4", "c": "3"}
    assert list(shelf.unseen()) == []


def test_what_is_at_hand_and_what_lies_on_disk_are_the_same() -> None:
    """Told anew, asked for, and told again, with all of it, some of it, or nothing at hand."""
    for held in (0, 1, 3, 100):
        shelf: Shelf[str] = Shelf(str, str, held)
        told: dict[str, str] = {}
        for number in range(60):
            key = f"{number * 7 % 11}"
            assert shelf.get(key) == told.get(key)
            if number % 3:
                shelf[key] = told[key] = f"{number % 4 or ''}"  # what is empty was told as well
            else:
                shelf.setdefault(key, f"{number}")
                told.setdefault(key, f"{number}")
        assert dict(shelf.unseen()) == told
        assert shelf.see(["3", "8", "z"]) == {"3": told["3"], "8": told["8"]}
        assert [key for key, _ in shelf.unseen()] == sorted(told.keys() - {"3", "8"})


def of_one(said: dict[str, Any]) -> Callable[[int], Iterator[Opened]]:
    """An entry about one person, with ids of its own wherever the template has an empty text."""

    def entry(number: int) -> Iterator[Opened]:
        own = {name: f"{number:032x}" if value == "" else value for name, value in said.items()}
        yield Opened(number, f"{number:032x}", "bewijs/p", own)

    return entry


def unreadable(number: int) -> Iterator[Opened]:
    yield Opened(number, f"{number:032x}", f"bewijs/{number // 20:032x}", erased=True)


def emptied(number: int) -> Iterator[Opened]:
    yield Opened(number, "e", "bewijs/p", {"soort": "besluit", "v": 1} | decision(number))
    line = {"berichtId": f"{number:032x}", "tot": AT, "onbestelbaar": [f"{number % 5:020}"]}
    yield Opened(number, f"{number:032x}", "systeem", {"soort": "bewaartermijn", "op": AT, "berichten": [line]})


def erased(number: int) -> Iterator[Opened]:
    asked = {"wissingId": f"{number:032x}", "organisatie": OIN, "omvang": "eigen", "reden": "verzoek", "op": AT}
    gone = {"sleutels": [f"inhoud/{number:032x}/{OIN}"], "berichten": 1}
    yield Opened(number, f"{number:032x}", "bewijs/p", {"soort": "wissing"} | asked | gone)
    named = {"soort": "vernietiging", "op": AT, "vermeldingen": f"{number:064x}"}
    yield Opened(number, f"{number:032x}", "systeem", named)


def met(number: int) -> Iterator[Opened]:
    """A person whom nobody spoke of before, and a word about another of long ago."""
    opened = {"soort": "traject-geopend", "trajectId": f"{number:032x}", "organisatie": OIN, "opdrachtgever": OIN}
    opened |= {"wettelijkKader": "Pwet", "van": AT, "op": AT}
    yield Opened(number, f"{number:032x}", f"bewijs/{handle(number)}", opened)
    said = {"soort": "bezwaar", "bezwaarId": f"{number:032x}", "organisatie": OIN, "verstrekkers": [OIN], "op": AT}
    yield Opened(number, f"{number:032x}", f"bewijs/{handle(number * 7_919 % (number + 1))}", said)


def handle(number: int) -> str:
    """As the handles of persons are: in no order."""
    return f"{number * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}"


def test_of_what_cannot_be_read_the_first_places_are_named() -> None:
    """In the order of the log, whatever the ids; of many no more than ten, so that a finding stays small."""

    def found(count: int) -> str:
        replay = _Replay(Report([]))
        for number in range(count):
            place = None if number == count - 1 else number  # the last of a log still waits
            replay.hear(Opened(place, handle(number), "bewijs/p", erased=True))
        assert replay.close() == count
        (finding,) = replay.report.findings
        return finding.place

    waits = "een vermelding die nog wacht"
    assert found(3) == f"3 vermeldingen onder één sleutel: vermelding 0, vermelding 1, {waits}"
    ten = ", ".join(f"vermelding {number}" for number in range(10))
    assert found(12) == f"12 vermeldingen onder één sleutel: {ten} en nog 2"


ZAAK = {"soort": "zaak", "zaakId": "", "zaak": "stopverzoek", "organisatie": OIN, "oorzaak": "", "op": AT}
#: What grows with a log: how the replay is told of one more.
KINDS: dict[str, Callable[[int], Iterator[Opened]]] = {
    "open zaken": of_one(ZAAK),
    "closed zaken": of_one(ZAAK | {"gesloten": True}),
    "refs": of_one({"soort": "registratie", "organisatie": OIN, "refSha256": "", "op": AT}),
    "unreadable entries": unreadable,
    "messages past their term": emptied,
    "erasures": erased,
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_kind_of_entry_takes_memory(kind: Callable[[int], Iterator[Opened]]) -> None:
    """Less than 60 bytes for each: its id alone, in a set, takes more than a hundred."""

    def heard() -> _Replay:
        replay = _Replay(Report([]))
        for number in range(ENTRIES):
            for entry in kind(number):
                replay.hear(entry)
        assert replay.report.findings == []
        return replay

    assert grown(heard) < 60 * ENTRIES


def test_persons_take_no_memory_beyond_those_at_hand() -> None:
    """The control: with all of them at hand they take many times as much."""

    def heard(held: int) -> _Replay:
        replay = _Replay(Report([]), persons=Persons(by_handle=Shelf(held=held)))
        for number in range(PERSONS):
            for entry in met(number):
                replay.hear(entry)
        assert replay.report.findings == []
        made.append(replay)
        return replay

    made: list[_Replay] = []
    heard(100)  # what is made once, for whoever comes first
    assert 3 * grown(lambda: heard(100)) < grown(lambda: heard(PERSONS))
    few, all_of_them = (one.persons for one in made[1:])
    for number in (0, 101, PERSONS - 1):
        assert few.get(handle(number)) == all_of_them.get(handle(number)) != Persons().get(handle(number))


def test_whichever_thread_collects_it_closes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread that ended left it in a circle; an error in its closing would be one that nobody can catch."""
    troubles: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", troubles.append)

    def leave() -> None:
        left: dict[str, object] = {"shelf": Shelf[str]()}
        left["itself"] = left

    thread = threading.Thread(target=leave)
    thread.start()
    thread.join()
    gc.collect()
    assert troubles == []
