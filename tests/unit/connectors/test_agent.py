"""The partner's agent against the wire: tokens, patience, files without doubling, hand-over exactly once."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.client import Client
from connectors.agent.errors import HubRefused, Unreachable
from connectors.agent.handover import Delivery, Inbox
from connectors.agent.run import Agent, Route
from connectors.agent.state import LinkTaken, State
from connectors.agent.transport import Patience
from connectors.csv.translate import Csv
from connectors.json_rest.translate import JsonRest
from contracts.identity import KandidaatRef
from tests.unit.connectors.fake_hub import Clock, FakeHub, identity
from tests.unit.connectors.partners import KEY, OTHER, REF

TODAY = date(2026, 11, 20)
HEAD = "Deelnemernummer;Meldingnummer;Plaatsing;Datum;Werkproces;Deel;Niveau;Uren"
CSV = Route(Csv(), Csv().mapping("kringloop-voortgang"))
JSON = Route(JsonRest(), JsonRest().mapping("canoniek"))
KIND = "nl.doorstroomhub.voortgang.gemeld.v1"
EVENT: dict[str, Any] = {"specversion": "1.0", "id": "e-1", "type": KIND}


class World:
    """One partner, its state on disk, and the hub; the agent can be started anew at any moment."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.who = identity()
        self.hub = FakeHub(self.who, self.clock)
        self.folder = folder
        self.state = State(folder / "agent.sqlite")
        self.state.link("104", REF)
        self.client = Client(self.who, self.clock.ports(), Patience(attempts=3), self.hub)

    def agent(self) -> Agent:
        return Agent(self.client, self.state, self.clock.ports(), KEY)

    def inbox(self) -> Inbox:
        return Inbox(self.folder / "in", self.state)

    def handed_over(self) -> dict[str, bytes]:
        return {p.name: p.read_bytes() for p in (self.folder / "in").iterdir() if p.suffix != ".part"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.client.close()
    made.state.close()


def sheet(count: int, **changes: str) -> bytes:
    lines = [f"104;KV-{n};PL-7;16-11-2026;B1-K1-W1;deel;met hulp;{changes.get(f'KV_{n}', '3,5')}" for n in range(count)]
    return "\r\n".join((HEAD, *lines, "")).encode("cp1252")


def incoming(sequence: int, ref: str = REF, **data: str) -> dict[str, Any]:
    told = {"meldingId": f"M-{sequence}", "plaatsingId": "PL-7", "datum": "2026-11-16", "werkprocesCode": "B1-K1-W1"}
    told |= {"deel": "deel", "beheersing": "met-hulp", "beoordelaarRol": "praktijkopleider", **data}
    event = {
        "specversion": "1.0",
        "id": f"in-{sequence}",
        "source": "urn:x",
        "type": KIND,
        "doel": "trajectbegeleiding",
    }
    return {**event, "subject": ref, "sequence": str(sequence), "data": told}


def test_one_token_serves_until_a_minute_before_its_end(world: World) -> None:
    for _ in range(3):
        assert world.client.send(EVENT).accepted
    world.clock.now += 841
    assert world.client.send(EVENT).accepted
    assert world.hub.calls.count("POST /oauth/token") == 2


def test_a_token_that_the_hub_no_longer_takes_is_renewed_once(world: World) -> None:
    world.client.send(EVENT)
    world.hub.tokens.clear()
    assert world.client.send(EVENT).accepted
    world.hub.script["/v1/berichten"].extend([401, 401])
    with pytest.raises(HubRefused) as caught:
        world.client.send(EVENT)
    assert caught.value.status == 401


@pytest.mark.parametrize("failure", ["before", "after", "read", 503, 502, 504, 500, 429])
def test_a_message_is_sent_again_and_taken_once(world: World, failure: str | int) -> None:
    world.hub.script["/v1/berichten"].extend([failure, failure])
    assert world.client.send(EVENT).accepted
    assert list(world.hub.messages) == ["e-1"]
    assert world.hub.calls.count("POST /v1/berichten") == 3
    assert all(wait == 7.0 for wait in world.clock.slept) == (failure == 503)


def test_patience_ends(world: World) -> None:
    world.hub.script["/v1/berichten"].extend(["before"] * 3)
    with pytest.raises(Unreachable) as caught:
        world.client.send(EVENT)
    assert caught.value.attempts == 3
    assert caught.value.__context__ is None


def test_a_token_endpoint_that_is_down_for_a_while(world: World) -> None:
    world.hub.script["/oauth/token"].extend(["after", 503])
    assert world.client.send(EVENT).accepted
    assert len(world.hub.used) == 2  # a fresh assertion each time


def test_a_traject_is_not_opened_twice_when_the_answer_is_lost(world: World) -> None:
    path = f"/v1/kandidaten/{REF}/trajecten"
    world.hub.script[path].append("after")
    with pytest.raises(Unreachable):
        world.client.people.open_traject(REF, {})
    assert world.hub.trajects == 1
    world.hub.script[path].extend(["before", 503])  # surely not done: again
    assert world.client.people.open_traject(REF, {}) == "T-2"


def test_a_refusal_is_an_answer(world: World) -> None:
    world.hub.refuse.add("e-1")
    outcome = world.client.send(EVENT)
    assert (outcome.status, outcome.code, outcome.accepted) == ("geweigerd", "GEEN_GRONDSLAG", False)


def test_only_https_or_this_machine() -> None:
    who = identity()
    replace(who, base_url="http://127.0.0.1:8080")
    with pytest.raises(ValueError, match="https"):
        replace(who, base_url="http://hub.example")
    assert "PRIVATE" not in repr(who)
    assert str(who.key["d"]) not in repr(who)


def test_a_file_goes_in_batches_and_is_told_line_by_line(world: World) -> None:
    seen: list[tuple[int, int]] = []
    native = sheet(250, KV_7="x")
    report = world.agent().send_file(native, CSV, TODAY, lambda done, all_: seen.append((done, all_)))
    assert world.hub.calls.count("POST /v1/berichten") == 3
    assert seen == [(100, 249), (200, 249), (249, 249)]
    assert len(world.hub.messages) == 249
    assert [fault.sentence()[:8] for fault in report.faults] == ["Regel 9,"]
    assert not report.complete
    assert report.lines[0].place.number == 2


def test_the_same_file_twice_doubles_nothing(world: World) -> None:
    first = world.agent().send_file(sheet(150), CSV, TODAY)
    again = world.agent().send_file(sheet(160), CSV, TODAY)
    assert first.complete
    assert again.complete
    assert [line.earlier for line in again.lines] == [True] * 150 + [False] * 10
    assert len(world.hub.received) == len(world.hub.messages) == 160


def test_a_lost_state_doubles_nothing_either(world: World) -> None:
    world.agent().send_file(sheet(5), CSV, TODAY)
    with State(world.folder / "new.sqlite") as fresh:
        fresh.link("104", REF)
        report = Agent(world.client, fresh, world.clock.ports(), KEY).send_file(sheet(5), CSV, TODAY)
    assert report.complete
    assert len(world.hub.received) == 10
    assert len(world.hub.messages) == 5
    with State(world.folder / "other.sqlite") as lost_key:  # the control: what the key is for
        lost_key.link("104", REF)
        Agent(world.client, lost_key, world.clock.ports(), bytes(32)).send_file(sheet(5), CSV, TODAY)
    assert len(world.hub.messages) == 10


def test_an_interrupted_file_is_resumed(world: World) -> None:
    world.hub.script["/v1/berichten"].extend(["do", "after", "before", "before"])
    with pytest.raises(Unreachable):
        world.agent().send_file(sheet(250), CSV, TODAY)
    assert len(world.hub.messages) == 200
    report = world.agent().send_file(sheet(250), CSV, TODAY)
    assert report.complete
    assert len(world.hub.messages) == 250
    assert [line.earlier for line in report.lines].count(True) == 100


def test_a_changed_line_under_its_old_number_is_a_conflict(world: World) -> None:
    world.agent().send_file(sheet(3), CSV, TODAY)
    report = world.agent().send_file(sheet(3, KV_1="4"), CSV, TODAY)
    assert [(line.status, line.code) for line in report.lines][1] == ("conflict", "BERICHT_ID_BEZET")
    assert not report.complete


def test_a_number_that_only_the_hub_knows_is_looked_up_and_kept(world: World) -> None:
    world.hub.numbers["118"] = OTHER
    native = sheet(2).replace(b"104;", b"118;")
    assert world.agent().send_file(native, CSV, TODAY).complete
    assert world.state.local(OTHER) == "118"
    assert world.hub.calls.count("POST /v1/kandidaten/opzoeken") == 1


def test_the_mailbox_is_handed_over_in_the_partners_form_and_acknowledged(world: World) -> None:
    stranger = incoming(3, OTHER)
    withdrawn = {"specversion": "1.0", "id": "w", "type": "nl.doorstroomhub.bericht.ingetrokken.v1", "sequence": "4"}
    world.hub.mailbox = [incoming(1), incoming(2), stranger, withdrawn]
    report = world.agent().fetch(world.inbox(), {KIND: CSV}, JSON)
    assert report.handed_over == ("1", "2", "3", "4")
    assert [fault.code for fault in report.untranslated] == ["PERSOON_ONBEKEND"]
    files = world.handed_over()
    assert sorted(files) == ["000000000001-000000000004-0.csv", "000000000001-000000000004.json"]
    assert files["000000000001-000000000004-0.csv"].count(b"\r\n104;M-") == 2
    rest = json.loads(files["000000000001-000000000004.json"])
    assert [event["sequence"] for event in rest] == ["3", "4"]
    assert world.hub.acknowledged == [4]
    assert world.agent().fetch(world.inbox(), {KIND: CSV}, JSON).handed_over == ()
    assert world.hub.acknowledged == [4]  # nothing new, nothing said


def test_a_last_route_that_cannot_write_everything_acknowledges_nothing(world: World) -> None:
    world.hub.mailbox = [incoming(1), incoming(2, OTHER)]
    with pytest.raises(ValueError, match="laatste route"):
        world.agent().fetch(world.inbox(), {}, CSV)
    assert world.hub.acknowledged == []
    assert world.handed_over() == {}


@pytest.mark.parametrize("failure", ["before", "after"])
def test_a_lost_acknowledgement_hands_nothing_over_twice(world: World, failure: str) -> None:
    world.hub.mailbox = [incoming(1), incoming(2)]
    world.hub.script["/v1/postvak/bevestigingen"].extend([failure] * 3)
    with pytest.raises(Unreachable):
        world.agent().fetch(world.inbox(), {}, JSON)
    before = world.handed_over()
    for name in before:
        (world.folder / "in" / name).unlink()  # the partner's own system took it
    world.hub.mailbox.append(incoming(3))
    report = world.agent().fetch(world.inbox(), {}, JSON)
    assert report.handed_over == ("3",)
    assert list(world.handed_over()) == ["000000000003-000000000003.json"]
    assert max(world.hub.acknowledged) == 3


class PowerCut(Exception):
    """The machine stops here."""


@pytest.mark.parametrize("point", ["begin", "replace-1", "replace-2", "finish-1", "finish-2"])
def test_a_power_cut_at_any_point_hands_each_file_over_once(
    world: World, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.hub.mailbox = [incoming(1), incoming(2, OTHER)]
    name, _, nth = point.partition("-")
    target: Any = Path if name == "replace" else State
    left = [int(nth or "1")]
    real = getattr(target, name)

    def cut(self: Any, *args: Any) -> Any:
        left[0] -= 1
        if left[0] == 0:
            raise PowerCut
        return real(self, *args)

    monkeypatch.setattr(target, name, cut)
    with pytest.raises(PowerCut):
        world.agent().fetch(world.inbox(), {KIND: CSV}, JSON)
    monkeypatch.undo()
    taken = world.handed_over()
    for each in taken:
        (world.folder / "in" / each).unlink()
    world.agent().fetch(world.inbox(), {KIND: CSV}, JSON)
    later = world.handed_over()
    assert not set(taken) & set(later)
    assert len(taken) + len(later) == 2
    assert world.hub.acknowledged == [2]
    assert not list((world.folder / "in").glob("*.part"))


def test_a_delivery_is_handed_over_once_and_its_name_cannot_climb(world: World) -> None:
    inbox = world.inbox()
    assert inbox.hand_over(Delivery("d", {"a.json": b"1"}), 0.0)
    assert not inbox.hand_over(Delivery("d", {"a.json": b"2"}), 0.0)
    assert world.handed_over() == {"a.json": b"1"}
    for name in ("../a", "/a", ".a", "a/b", "", "a.part"):
        with pytest.raises(ValueError, match="bestandsnaam"):
            inbox.hand_over(Delivery(f"x{name}", {name: b""}), 0.0)


def test_the_koppeltabel_names_one_person_per_number_and_is_private(world: World) -> None:
    world.state.link("104", REF)
    for number, ref in (("104", OTHER), ("118", REF)):
        with pytest.raises(LinkTaken):
            world.state.link(number, ref)
    assert world.state.resolve("118") is None
    assert world.state.resolve("104") == KandidaatRef(REF)
    assert os.stat(world.folder / "agent.sqlite").st_mode & 0o077 == 0


def test_the_id_key_is_set_once(world: World) -> None:
    assert world.state.id_key(KEY) == KEY
    assert world.state.id_key(bytes(32)) == KEY
