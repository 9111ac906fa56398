"""Nothing of a person is found where it does not belong, whatever fails (design promise 9; sealed at rest).

Marked values go in by every field, header and CSV cell, at DEBUG, while every port fails in turn, with errors that
themselves quote what they were given. Then everything that the hub leaves is searched: its data folder with the
write-ahead log, a dump of PostgreSQL and its server log, the broker, the metrics, what the processes said.
Only what the log of promises calls an identifier is not marked: ids of messages, of placements and of trajecten.
"""

import base64
import json
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import structlog
from kombu.transport import memory
from prometheus_client import Counter, generate_latest
from sqlalchemy import text

from connectors.csv.translate import Csv
from connectors.port import Partner
from contracts.envelope import read
from contracts.errors import CallerError
from contracts.identity import KandidaatRef, Oin
from tests import region as region_module
from tests import samples
from tests.live import LiveRegion
from tests.overheard import overheard
from tests.partners import EVENT, JSON, Partners, Person
from tests.region import PORTS, Region
from tests.samples import GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF
from tests.servers import PostgresServer, RabbitServer, Watchdog, free_port
from tests.webhook import Webhook

WORD = "Kanariezqv"  # a name may hold letters only
BORN = "1907-08-09"
PHONE = "0109876543"
BSN = samples.OTHER_BSN
HEADER = "kanarie-kopregel-7f3a9c"
MARKS = (WORD, BORN, PHONE, BSN, HEADER)
#: Identifiers that the hub must be able to read; and what must stay as it is for a message to arrive at all.
IDENTIFIERS = frozenset({"plaatsingId", "trajectId", "kandidaatRef", "opdrachtgever", "leerbedrijfId"})
CSV_HEAD = (
    "Deelnemernummer;Meldingnummer;Plaatsing;Datum;Werkproces;Opdracht;Omschrijving;Deel;Niveau;Uren;Bijzonderheid"
)


class Talkative(Exception):
    """An error whose text quotes all that it was given, as errors of libraries do."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: {' '.join(MARKS)}")
        self.body = {"naam": WORD, "bsn": BSN}


# -- marked messages --------------------------------------------------------------------------------------------------
def marked(event: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """The event with a mark in every field that takes one, and how many took one."""
    made = json.loads(json.dumps(event))
    count = 0
    for place in list(_leaves(made["data"])):
        for mark in (f"{WORD}{chr(97 + count % 26)}", BORN, PHONE, BSN):
            changed = json.loads(json.dumps(made))
            _put(changed["data"], place, mark)
            try:
                read(samples.raw(changed), _today())
            except CallerError:
                continue
            made, count = changed, count + 1
            break
    return made, count


def _today() -> date:
    return date.fromisoformat(samples.TODAY)


def _leaves(value: Any, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, dict):
        for name, below in value.items():
            if name not in IDENTIFIERS:
                yield from _leaves(below, (*place, name))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _leaves(below, (*place, number))
    elif isinstance(value, str):
        yield place


def _put(data: Any, place: tuple[str | int, ...], value: str) -> None:
    for step in place[:-1]:
        data = data[step]
    data[place[-1]] = value


def test_marks_fill_the_messages() -> None:
    """The control of the marks themselves: every kind bears some, and those about people bear names, birth and BSN."""
    counts = {name: marked(event)[1] for name, event in samples.valid_events().items()}
    assert min(counts.values()) >= 1 and sum(counts.values()) > 60
    everything = json.dumps([marked(event)[0] for event in samples.valid_events().values()])
    assert all(mark in everything for mark in (WORD, BORN, BSN))  # the telephone number comes by CSV


# -- an exchange full of marks ----------------------------------------------------------------------------------------
def introduce(region: Partners) -> Person:
    """Somebody with a marked BSN and number, presented by the gemeente and placed at the kringloop."""
    form = {"bsn": BSN, "lokaalNummer": f"{WORD}-{uuid.uuid4().hex[:6]}", "vergewist": "document"}
    ref = region.call(GEMEENTE, "POST", "/v1/kandidaten", form)
    known = region.register(GEMEENTE) if ref.status >= 400 else ref.json["kandidaatRef"]
    trajectory = region.open_trajectory(GEMEENTE, known)
    data = samples.voorgedragen(known, bsn=BSN)
    data["traject"]["trajectId"] = trajectory
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", known, data, ontvanger=ONTWIKKELBEDRIJF)
    region.send(GEMEENTE, marked(event)[0]).expect(202)
    person = Person({GEMEENTE: known}, trajectory)
    person.refs[ONTWIKKELBEDRIJF] = region.collect(ONTWIKKELBEDRIJF)[-1]["subject"]
    return person


def exchange(region: Partners, person: Person, number: int) -> None:
    """Everything that a partner can say about somebody, marked; whatever the hub answers."""
    ref = person.refs[ONTWIKKELBEDRIJF]
    scope = {"ontvangers": [KRINGLOOP], "doelen": ["opleiden"]}
    scope |= {"categorieen": ["identiteit", "contact", "leervoortgang", "inzetbaarheid"]}
    given = region.statement(ONTWIKKELBEDRIJF, ref, gegevenDoor="curator", bevoegdheid=f"{WORD} beschikking", **scope)
    placing = region.event(
        ONTWIKKELBEDRIJF,
        "leerwerkplek.geplaatst",
        ref,
        samples.geplaatst(ref, f"plaatsing-{number}"),
        ontvanger=KRINGLOOP,
    )
    region.send(ONTWIKKELBEDRIJF, marked(placing)[0])
    found = region.call(KRINGLOOP, "GET", "/v1/postvak/berichten").json
    if isinstance(found, list) and found:
        person.refs[KRINGLOOP] = found[-1].get("subject", person.refs.get(KRINGLOOP))
        one = {"sequence": found[-1]["sequence"], "uitkomst": "onverwerkbaar", "reden": f"{WORD} onleesbaar"}
        region.call(KRINGLOOP, "POST", "/v1/postvak/bevestigingen", {"berichten": [one]})
    report(region, person, number)
    look(region, person)
    others(region, person)
    misfits(region)
    if given.status == 201:
        path = f"/v1/toestemmingen/{given.json['id']}/intrekking"
        region.call(ONTWIKKELBEDRIJF, "POST", path, {"gegevenDoor": "curator", "reden": f"{WORD} wil niet meer"})
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/stopverzoek")
    cases = region.call(ONTWIKKELBEDRIJF, "GET", "/v1/zaken?soort=stopverzoek&open=true").json
    for case in cases.get("items", []):
        answer = {"antwoord": "opgeheven", "grond": f"{WORD} grond", "motivering": f"{WORD} motivering"}
        region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/zaken/{case['id']}/antwoord", answer)
    gone = region.call(GEMEENTE, "POST", "/v1/kandidaten", {"lokaalNummer": f"{WORD}-weg"})
    if gone.status in (200, 201):
        wish = {"omvang": "eigen", "reden": "bezwaar", "kenmerk": f"{WORD} kenmerk"}
        for form in (wish | {"reden": WORD}, wish, wish | {"omvang": "geheel"}):
            region.call(GEMEENTE, "POST", f"/v1/kandidaten/{gone.json['kandidaatRef']}/wissing", form)


def look(region: Partners, person: Person) -> None:
    """Inzage shows what lies sealed: the own number, reasons, the messages themselves."""
    for who, ref in person.refs.items():
        for query in ("inhoud=true", "formaat=brief"):
            region.call(who, "GET", f"/v1/kandidaten/{ref}/inzage?{query}")


def report(region: Partners, person: Person, number: int) -> None:
    """The kringloop reports from its own CSV: a good line with marks in its cells, and a bad one."""
    known = person.refs.get(KRINGLOOP)
    if known is None:
        return
    region.call(KRINGLOOP, "PUT", f"/v1/kandidaten/{known}/lokaal-nummer", {"lokaalNummer": f"{WORD}-kringloop"})
    region.allow_reports(person)
    good = f"{WORD}-104;{WORD}-{number};PL-{number};16-11-2026;B1-K1-W1;{WORD};{WORD} {PHONE};deel;met hulp;3,5;geen"
    bad = f"{WORD}-104;{WORD}-x;PL-{number};{BORN};{WORD};{WORD};{BSN};{WORD};{WORD};{WORD};{WORD}"
    native = "\r\n".join([CSV_HEAD, good, bad, ""]).encode("cp1252")
    source = region.parties[KRINGLOOP].source
    partner = Partner(source, b"k" * 32, lambda _: KandidaatRef(known), lambda _: f"{WORD}-104")
    reading = Csv().read(native, Csv().mapping("kringloop-voortgang"), partner)
    assert len(reading.events) == 1 and reading.faults
    for told in (*[fault.sentence() for fault in reading.faults], reading.loss):  # what the person at the desk is told
        sys.stdout.write(f"{told}\n")
    region.send(KRINGLOOP, {**reading.events[0], "id": uuid.uuid4().hex})


def others(region: Partners, person: Person) -> None:
    """Every other kind, marked, by its sender; most are refused, and then only the decision is kept."""
    for event in samples.valid_events().values():
        who = event["source"].split(":")[3]
        event = marked(event)[0] | {"id": uuid.uuid4().hex, "source": region.parties[who].source}
        known = person.refs.get(who)
        region.send(who, event | ({"subject": known} if known else {}))
        region.call(who, "POST", "/v1/vooraf-controles", event, EVENT)


def misfits(region: Partners) -> None:
    """Marks where nothing of the sort belongs: paths, queries, headers, broken bodies, unknown fields."""
    token = region.token(MBO)
    headers = {"Authorization": f"Bearer {token}", "X-Naam": HEADER, "User-Agent": HEADER, "Cookie": f"naam={HEADER}"}
    headers |= {
        "Referer": f"https://{HEADER}.nl/",
        "X-Forwarded-For": HEADER,
        "traceparent": HEADER,
        "X-Request-Id": HEADER,
    }
    for path in (
        f"/v1/{WORD}",
        f"/v1/kandidaten/{WORD}",
        f"/v1/organisaties?naam={WORD}",
        f"/{BSN}",
        f"/v1/berichten/{BSN}",
    ):
        region.request("GET", path, None, headers)
    region.request("GET", "/v1/organisaties", None, {"Authorization": f"Bearer {HEADER}.{WORD}.{BSN}"})
    region.request("POST", "/oauth/token", f"client_assertion={HEADER}&grant_type={WORD}".encode(), headers)
    bodies = [
        f'{{"bsn": "{BSN}", "naam": "{WORD}"',
        f'{{"{WORD}": "{BSN}"}}',
        f'["{WORD}"]',
        f'{{"bsn": "{WORD}"}}',
        WORD,
    ]
    for body in bodies:
        for path, media in (("/v1/kandidaten", JSON), ("/v1/berichten", EVENT), ("/v1/toestemmingen", JSON)):
            region.request("POST", path, body.encode(), headers | {"Content-Type": media})
    region.request("POST", "/v1/kandidaten", WORD.encode(), headers | {"Content-Type": HEADER})
    region.request(WORD, "/v1/kandidaten", None, headers)


# -- the search -------------------------------------------------------------------------------------------------------
def spellings(mark: str) -> set[bytes]:
    """A mark as it would stand in text, in UTF-16, in hexadecimal, and anywhere within base64."""
    raw = mark.encode()
    found = {raw, raw.lower(), mark.encode("utf-16-le"), raw.hex().encode()}
    for shift in range(3):  # what comes before moves the six-bit groups; the ends may be mixed with a neighbour
        encoded = base64.b64encode(b"\0" * shift + raw)
        found.add(encoded[-(-shift * 8 // 6) + (shift > 0) : (shift + len(raw)) * 8 // 6])
    return found


def search(places: dict[str, bytes], marks: Iterable[str]) -> set[tuple[str, str]]:
    """(place, mark) of each mark that stands in a place, in any spelling."""
    lower = {name: content.lower() for name, content in places.items()}
    return {
        (name, mark)
        for mark in marks
        for spelling in spellings(mark)
        for name, content in places.items()
        if spelling in content or spelling in lower[name]
    }


def test_control_the_search_knows_every_spelling() -> None:
    for dressed in (
        WORD.encode(),
        WORD.encode("utf-16-le"),
        WORD.encode().hex().encode(),
        *[base64.b64encode(b"x" * n + WORD.encode() + b"y" * n) for n in range(6)],
        WORD.upper().encode(),
    ):
        assert search({"hier": b"--" + dressed + b"--"}, MARKS) == {("hier", WORD)}, dressed
    assert search({"hier": b"--"}, MARKS) == set()


def folder(path: Path) -> bytes:
    """Every file below, with its name; the files that tests write themselves apart."""
    files = [one for one in path.rglob("*") if one.is_file() and one.name != "hub.log"]
    return b"\0".join(str(one.relative_to(path)).encode() + b"\0" + one.read_bytes() for one in files)


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All that ever went through kombu's memory transport in this process; a queue itself is emptied at once."""
    passed: list[str] = []
    put = memory.Channel._put

    def note(self: Any, queue: str, message: Any, **more: Any) -> None:
        passed.append(repr((queue, message)))
        put(self, queue, message, **more)

    monkeypatch.setattr(memory.Channel, "_put", note)
    return passed


def database_places(server: PostgresServer | None, url: str | None, since: int) -> dict[str, bytes]:
    if server is None or url is None:
        return {}
    log = server.log.read_bytes()[since:]
    return {"dump": server.dump(url.rsplit("/", 1)[1]).encode(), "server log": log}


# -- in this process: every port in turn ------------------------------------------------------------------------------
@pytest.fixture
def server(request: pytest.FixtureRequest, database: str | None) -> PostgresServer | None:
    return request.getfixturevalue("postgres_server") if database is not None else None


def secrets_of(region: Partners, *more: str) -> list[str]:
    """Tokens and secrets that were in use: their telling parts."""
    tokens = [party.token for party in region.parties.values() if party.token]
    return [token.split(".")[2][:40] for token in tokens] + [one.removeprefix("whsec_")[:40] for one in more]


def test_promise_9_no_canary_is_found_whatever_port_fails(
    region: Region,
    webhook: Webhook,
    database: str | None,
    server: PostgresServer | None,
    rung: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    since = server.log.stat().st_size if server is not None else 0
    monkeypatch.setattr(region_module, "PortFailed", Talkative)
    with overheard() as said:
        person = introduce(region)
        exchange(region, person, 0)
        secret = region.subscribe(MBO, webhook.url)
        to_school(region, person)
        tripped = set()
        for number, (port, when) in enumerate((p, w) for p in PORTS for w in ("before", "after")):
            person = introduce(region)
            region.faults.arm(port, when, times=3)
            with suppress(AssertionError):  # a refused token or registration ends this round; the port has failed
                to_school(region, person)
                exchange(region, person, number + 1)
            wait_for_push(region, port, when)
            if region.faults.armed[port, when] < 3:
                tripped.add(port)
            region.faults.disarm()
        webhook.down()
        to_school(region, person)
        time.sleep(0.5)
        webhook.up()
        ends(region, person)
        metrics = generate_latest(region.hub.metrics.registry)
    assert tripped == set(PORTS)
    places = {"data": folder(region.settings.data_dir), "broker": "\n".join(rung).encode(), "metrics": metrics}
    places |= {"output": said.getvalue().encode()} | database_places(server, database, since)
    assert all(len(content) > 100 for name, content in places.items() if name != "server log")  # that one may be silent
    assert "error" in said.getvalue()  # the failures were told, without what they quoted
    assert search(places, [*MARKS, *secrets_of(region, secret)]) == set()


def wait_for_push(region: Region, port: str, when: str) -> None:
    """Sending happens behind the call: until its port was used, or for so long that it will not be."""
    until = time.monotonic() + 5
    while port in ("send", "doorbell.ring") and region.faults.armed[port, when] == 3 and time.monotonic() < until:
        time.sleep(0.02)


def to_school(region: Partners, person: Person) -> None:
    """A marked presentation to the school, which is pushed to."""
    ref = person.refs[ONTWIKKELBEDRIJF]
    scope = {
        "ontvangers": [MBO],
        "doelen": ["toeleiding"],
        "categorieen": ["identiteit", "contact", "inzetbaarheid", "opleiding"],
    }
    region.statement(ONTWIKKELBEDRIJF, ref, **scope)
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = person.trajectory
    event = region.event(ONTWIKKELBEDRIJF, "kandidaat.voorgedragen", ref, data, ontvanger=MBO)
    region.send(ONTWIKKELBEDRIJF, marked(event)[0])


def ends(region: Partners, person: Person) -> None:
    """The hub works again once its ports do."""
    fresh = introduce(region)
    to_school(region, fresh)
    assert region.call(ONTWIKKELBEDRIJF, "GET", "/v1/zaken").status == 200


def test_control_an_unsealed_canary_is_found_by_the_same_search(
    region: Region, database: str | None, server: PostgresServer | None, rung: list[str]
) -> None:
    """The same mark, put in every place on purpose, in the clear."""
    since = server.log.stat().st_size if server is not None else 0
    with overheard() as said:
        structlog.get_logger().info("a text", route=WORD)
        region.hub.doorbell.ring(Oin(GEMEENTE), [f"aflevering-{WORD}"])
        Counter("proef", "proef", ["naam"], registry=region.hub.metrics.registry).labels(WORD).inc()
        with region.core.engine.begin() as connection:
            connection.execute(text("UPDATE organisation SET name = :name"), {"name": WORD})
        with suppress(Exception), region.core.engine.connect() as connection:
            connection.execute(text(f"SELECT {WORD} FROM nergens"))
        metrics = generate_latest(region.hub.metrics.registry)
    places = {"data": folder(region.settings.data_dir), "broker": "\n".join(rung).encode(), "metrics": metrics}
    places |= {"output": said.getvalue().encode()} | database_places(server, database, since)
    everywhere = set(places) - ({"data"} if server is not None else set())
    assert {name for name, _ in search(places, [WORD])} == everywhere


# -- with real processes: PostgreSQL, RabbitMQ, a receiver that is down ----------------------------------------------
def test_promise_9_no_canary_is_found_around_real_processes(
    tmp_path: Path,
    watchdog: Watchdog,
    postgres_server: PostgresServer,
    postgres_url: str,
    rabbitmq_server: RabbitServer,
    webhook: Webhook,
) -> None:
    """The broker stops, the receiver is down, the database is cut off, in the middle of marked traffic, at DEBUG."""
    since = postgres_server.log.stat().st_size
    ports = {"HUB_LOG_LEVEL": "DEBUG", "HUB_BROKER_URL": rabbitmq_server.url, "HUB_METRICS_PORT": str(free_port())}
    region = LiveRegion(tmp_path / "hub", watchdog, postgres_url, [webhook.port], more=ports)
    region.start()
    person = introduce(region)
    secret = region.subscribe(MBO, webhook.url)
    exchange(region, person, 1)
    to_school(region, person)
    webhook.down()
    to_school(region, person)
    rabbitmq_server.stop()
    with suppress(AssertionError):
        exchange(region, person, 2)
    rabbitmq_server.start()
    webhook.up()
    cut_off(region)
    with suppress(AssertionError):
        exchange(region, person, 3)
    ends(region, person)
    metrics = urllib.request.urlopen(f"http://127.0.0.1:{ports['HUB_METRICS_PORT']}/metrics", timeout=10).read()
    places = database_places(postgres_server, postgres_url, since)
    places |= {"data": folder(region.settings.data_dir), "metrics": metrics, "output": region.log.read_bytes()}
    places |= {"broker": folder(rabbitmq_server.folder)}
    region.stop()
    assert all(len(content) > 100 for content in places.values())
    assert b"hub_accept" in places["metrics"] and b"doorstroomhub.push" in places["broker"]
    assert search(places, [*MARKS, *secrets_of(region, secret)]) == set()


def cut_off(region: LiveRegion) -> None:
    """End every session of the hub with its database, from the database's side."""
    with region.core.engine.connect() as connection:
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        connection.execute(text(f"{ending} AND pid <> pg_backend_pid()"))
