"""Bad input: each kind of it gets the status and code of the API, keeps no message, breaks nothing, repeats no value.

Every case holds a marker (or is one: a wrong BSN). It must stand neither in the answer nor in anything that the hub
says at DEBUG; the tables of messages must not grow, the log only where the gate itself refused; and the next good
message must be accepted.
"""

import base64
import hashlib
import hmac
import json
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import event, text

from connectors.check import checked
from connectors.csv.translate import Csv
from connectors.port import Partner
from consent.keys import content_key, evidence_key
from consent.store.metadata import Instant
from contracts.identity import KandidaatRef, Oin, PersonId
from hub.access.tokens import Grant, issue
from tests import samples
from tests.live import LiveRegion
from tests.overheard import overheard
from tests.partners import BATCH, EVENT, JSON, SCOPES, Answer, Person
from tests.region import Region
from tests.samples import GEMEENTE, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF
from tests.servers import Watchdog
from tests.unit.delivery.world import Answer as Reply
from tests.unit.delivery.world import Call, Receiver

MARK = "merkteken-7f3a9c"
KEPT = ("message", "message_key", "delivery", "attempt", "mailbox", "person", "person_ref", "subscription")
MESSAGES = "/v1/berichten"
DRY_RUN = "/v1/vooraf-controles"
Told = tuple[int, str | None]


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(tmp_path_factory.mktemp("slecht"))
    yield made
    made.stop()


@pytest.fixture(scope="module")
def person(region: Region) -> Person:
    """Somebody about whom the kringloop may report to the ontwikkelbedrijf."""
    return region.reporting()[0]


def kept(region: Region) -> dict[str, int]:
    """How much of each kind the hub keeps, and how many entries its log has."""
    with region.core.engine.connect() as connection:
        return {
            table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
            for table in (*KEPT, "ledger_payload")
        }


def told(answer: Answer) -> Told:
    return answer.status, answer.code if answer.status >= 400 else None


@contextmanager
def nothing_kept(region: Region, *marks: str, refusals: int = 0) -> Iterator[list[Answer]]:
    """Inside, put the answers in the list. ``refusals``: how many decision leaves of the gate may have come."""
    before, answers = kept(region), list[Answer]()
    with overheard() as said:
        yield answers
    after = kept(region)
    assert after == before | {"ledger_payload": before["ledger_payload"] + refusals}
    assert answers
    for mark in marks:
        assert mark not in said.getvalue()
        for answer in answers:
            assert mark.encode() not in answer.body
            assert all(mark not in value for value in answer.headers.values())
    assert all(answer.headers["content-type"] == "application/problem+json" for answer in answers)


def still_works(region: Region, person: Person) -> None:
    region.send(KRINGLOOP, region.report(person)).expect(202)


# -- what a message may look like -------------------------------------------------------------------------------------
Change = Callable[[dict[str, Any]], bytes]


def _task(title: str) -> dict[str, Any]:
    """A field of the data that takes any text: the place of the marker."""
    return {"werkopdracht": {"id": "opdracht-1", "titel": title}}


def _with(**members: Any) -> Change:
    """The message with these members of the envelope."""
    return lambda message: samples.raw(message | members)


def _data(**members: Any) -> Change:
    """The message with these members of its data."""
    return lambda message: samples.raw(message | {"data": message["data"] | members})


def _text(old: str, new: str) -> Change:
    """The message as text, with one piece replaced."""

    def change(message: dict[str, Any]) -> bytes:
        raw = samples.raw(message | {"data": message["data"] | _task("HIER")}).decode()
        assert old in raw
        return raw.replace(old, new).encode("utf-8", "surrogatepass")

    return change


def _deep(levels: int) -> str:
    return "[" * levels + f'"{MARK}"' + "]" * levels


@dataclass(frozen=True)
class Case:
    """A change to a good message, and what it is answered."""

    change: Change
    status: int
    code: str
    media: str = EVENT


INVALID = (400, "BERICHT_ONGELDIG")
NOT_JSON = (400, "JSON_ONGELDIG")
UNKNOWN_MEDIA = (415, "MEDIATYPE_ONBEKEND")
CASES = {
    "not-json": Case(lambda _: f"dit is geen json {MARK}".encode(), *NOT_JSON),
    "empty": Case(lambda _: b"", *NOT_JSON),
    "cut-off": Case(lambda m: samples.raw(m | {"id": MARK})[:-1], *NOT_JSON),
    "two-documents": Case(lambda m: samples.raw(m) + f'"{MARK}"'.encode(), *NOT_JSON),
    "not-utf8": Case(lambda m: samples.raw(m | {"id": MARK}).replace(b"HIER", b"") + b"\xff", *NOT_JSON),
    "utf16": Case(lambda m: samples.raw(m | {"id": MARK}).decode().encode("utf-16"), *NOT_JSON),
    "deep-1000": Case(lambda _: _deep(1000).encode(), *NOT_JSON),
    "deep-30000": Case(lambda _: _deep(30_000).encode(), *NOT_JSON),
    "deep-1000-in-data": Case(_text('"HIER"', _deep(1000)), *NOT_JSON),
    "deep-1000-objects": Case(lambda _: ('{"a":' * 1000 + f'"{MARK}"' + "}" * 1000).encode(), *NOT_JSON),
    "nan": Case(_text('"HIER"', f'"{MARK}", "uren": NaN'), *NOT_JSON),
    "infinity": Case(_text('"HIER"', f'"{MARK}", "x": Infinity'), *NOT_JSON),
    "minus-infinity": Case(_text('"HIER"', f'"{MARK}", "x": -Infinity'), *NOT_JSON),
    "huge-number": Case(_text('"HIER"', f'"{MARK}", "x": 1{"0" * 400}'), *NOT_JSON),
    "duplicate-key": Case(_text('"HIER"', f'"{MARK}", "titel": "{MARK}"'), *NOT_JSON),
    "duplicate-id": Case(_text('"specversion"', f'"id": "{MARK}", "specversion"'), *NOT_JSON),
    "duplicate-key-escaped": Case(_text('"HIER"', f'"{MARK}", "tite\\u006c": "{MARK}"'), *NOT_JSON),
    "lone-surrogate": Case(_text("HIER", MARK + "\\ud800"), *NOT_JSON),
    "lone-low-surrogate": Case(_text("HIER", MARK + "\\udc00 "), *NOT_JSON),
    "surrogate-bytes": Case(_text("HIER", MARK + "\ud800"), *NOT_JSON),
    "nul": Case(_text("HIER", MARK + "\\u0000"), *NOT_JSON),
    "nul-byte": Case(_text("HIER", MARK + "\x00"), *NOT_JSON),
    "nul-in-key": Case(_text('"HIER"', f'"x", "{MARK}\\u0000": "x"'), *NOT_JSON),
    "an-array": Case(lambda m: f"[{samples.raw(m | {'id': MARK}).decode()}]".encode(), *INVALID),
    "a-text": Case(lambda _: f'"{MARK}"'.encode(), *INVALID),
    "fraction": Case(_text('"HIER"', f'"{MARK}", "x": 7.5'), *INVALID),
    "64-kib-and-one": Case(lambda m: samples.raw(m | {"id": MARK}).ljust(65_537), 413, "TE_GROOT"),
    "media-text": Case(_with(id=MARK), *UNKNOWN_MEDIA, media="text/plain"),
    "media-json": Case(_with(id=MARK), *UNKNOWN_MEDIA, media=JSON),
    "media-xml": Case(_with(id=MARK), *UNKNOWN_MEDIA, media="application/cloudevents+xml"),
    "media-form": Case(_with(id=MARK), *UNKNOWN_MEDIA, media="multipart/form-data; boundary=x"),
    "media-charset": Case(_with(id=MARK), *UNKNOWN_MEDIA, media=f"{EVENT}; charset=iso-8859-1"),
    "media-nonsense": Case(_with(id=MARK), *UNKNOWN_MEDIA, media=MARK),
    "kind-unknown": Case(_with(type=f"nl.doorstroomhub.{MARK}.v1"), 400, "SOORT_ONBEKEND"),
    "kind-version": Case(_with(type="nl.doorstroomhub.voortgang.gemeld.v2", id=MARK), 400, "SOORT_ONBEKEND"),
    "kind-of-the-hub": Case(_with(type="nl.doorstroomhub.grondslag.vervallen.v1", id=MARK), 400, "SOORT_ONBEKEND"),
    "kind-no-text": Case(_with(type=7, id=MARK), *INVALID),
    "field-unknown": Case(_data(**{MARK: "x"}), *INVALID),
    "field-unknown-value": Case(_data(onbekend=MARK), *INVALID),
    "attribute-unknown": Case(_with(merktekenx=MARK), *INVALID),
    "field-missing": Case(lambda m: samples.raw(m | {"data": _task(MARK)}), *INVALID),
    "data-missing": Case(lambda m: samples.raw({k: v for k, v in m.items() if k != "data"} | {"id": MARK}), *INVALID),
    "dataref": Case(_with(dataref=f"https://{MARK}.example.nl/x"), *INVALID),
    "specversion": Case(_with(specversion="0.3", id=MARK), *INVALID),
    "date-impossible": Case(_data(datum="2026-02-30", **_task(MARK)), *INVALID),
    "date-order": Case(_data(datum="20-11-2026", **_task(MARK)), *INVALID),
    "date-and-time": Case(_data(datum=f"2026-11-20T{MARK}"), *INVALID),
    "date-in-future": Case(_data(datum="2099-01-01", **_task(MARK)), *INVALID),
    "date-newline": Case(_data(datum="2026-11-20\n", **_task(MARK)), *INVALID),
    "date-arabic-digits": Case(_data(datum="٢٠٢٦-١١-٢٠", **_task(MARK)), *INVALID),
    "hours-arabic-digits": Case(_data(uren="٧.٥", **_task(MARK)), *INVALID),
    "code-unknown": Case(_data(beheersing=MARK), *INVALID),
    "purpose-unknown": Case(_with(doel=MARK), *INVALID),
    "subject-newline": Case(_with(subject=samples.REF + "\n", id=MARK), *INVALID),
    "subject-missing": Case(
        lambda m: samples.raw({k: v for k, v in m.items() if k != "subject"} | {"id": MARK}), *INVALID
    ),
    "receiver-newline": Case(_with(ontvanger=ONTWIKKELBEDRIJF + "\n", id=MARK), *INVALID),
    "receiver-arabic-digits": Case(_with(ontvanger="٠" * 20, id=MARK), *INVALID),
    "receiver-two": Case(_with(ontvanger=f"{ONTWIKKELBEDRIJF},{MARK}"), *INVALID),
    "id-empty": Case(_with(id="", traject=MARK), *INVALID),
    "id-too-long": Case(_with(id=MARK * 20), *INVALID),
    "id-control": Case(_with(id=f"{MARK}\r\nX-Y: z"), *INVALID),
    "source-nonsense": Case(_with(source=MARK), *INVALID),
    "bsn-as-id": Case(_with(id=samples.BSN), *INVALID),
    "source-other-organisation": Case(_with(source=f"urn:nld:oin:{MBO}:systeem:{MARK}"), 403, "AFZENDER_ONGELIJK"),
    "source-other-system": Case(_with(source=f"urn:nld:oin:{KRINGLOOP}:systeem:{MARK}"), 403, "AFZENDER_ONGELIJK"),
    "source-the-hub": Case(_with(source=f"urn:nld:oin:{KRINGLOOP}:systeem:hub", id=MARK), 403, "AFZENDER_ONGELIJK"),
}
#: What a dry run takes although a message does not.
ONLY_SENT = {"data-missing"}
#: What belongs to the request and not to one message of a batch.
NO_ITEM = {name for name, case in CASES.items() if case.code == "JSON_ONGELDIG" or case.status in (413, 415)}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_message(region: Region, person: Person, name: str) -> None:
    case = CASES[name]
    raw = case.change(region.report(person))
    paths = [MESSAGES] if name in ONLY_SENT else [MESSAGES, DRY_RUN]
    region.advance(2)  # so that asking first is not refused for being asked too often
    with nothing_kept(region, MARK, samples.BSN) as answers:
        answers += [region.call(KRINGLOOP, "POST", path, raw, case.media) for path in paths]
    assert {told(answer) for answer in answers} == {(case.status, case.code)}
    still_works(region, person)


@pytest.mark.parametrize("name", sorted(CASES.keys() - NO_ITEM))
def test_a_bad_message_in_a_batch_does_not_stop_the_good_ones(region: Region, person: Person, name: str) -> None:
    case = CASES[name]
    good = [region.report(person), region.report(person)]
    raw = b"[" + b",".join([samples.raw(good[0]), case.change(region.report(person)), samples.raw(good[1])]) + b"]"
    before = kept(region)
    with overheard() as said:
        answer = region.call(KRINGLOOP, "POST", MESSAGES, raw, BATCH)
    first, bad, last = answer.expect(202)["resultaten"]
    assert (first["status"], bad["status"], last["status"]) == ("aanvaard", "ongeldig", "aanvaard")
    assert (bad["probleem"]["status"], bad["probleem"]["code"]) == (case.status, case.code)
    assert kept(region)["message"] == before["message"] + 2
    assert MARK not in json.dumps(bad["probleem"]) and MARK not in said.getvalue()


def test_the_control_the_marker_itself_is_no_bad_input(region: Region, person: Person) -> None:
    """What makes a case bad is its change: with the marker alone the message is accepted."""
    message = region.report(person)
    for good in (_data(**_task(MARK)), _with(id=MARK), _text("HIER", MARK)):
        assert told(region.call(KRINGLOOP, "POST", MESSAGES, good(message), EVENT)) == (202, None)


def test_a_message_of_exactly_64_kib_is_no_bad_input(region: Region, person: Person) -> None:
    """The control of the bound: one byte less, and it is accepted."""
    raw = samples.raw(region.report(person)).ljust(65_536)
    assert told(region.call(KRINGLOOP, "POST", MESSAGES, raw, EVENT)) == (202, None)


def test_a_batch_of_16_mib_and_one(region: Region, person: Person) -> None:
    good = b"[" + samples.raw(region.report(person)) + b"]"
    with nothing_kept(region, MARK) as answers:
        answers.append(region.call(KRINGLOOP, "POST", MESSAGES, good.ljust(16 * 2**20 + 1), BATCH))
    assert told(answers[0]) == (413, "TE_GROOT")
    (result,) = region.call(KRINGLOOP, "POST", MESSAGES, good.ljust(16 * 2**20), BATCH).expect(202)["resultaten"]
    assert result["status"] == "aanvaard"


@pytest.mark.parametrize("many", [0, 1001])
def test_a_batch_of_too_few_or_too_many(region: Region, person: Person, many: int) -> None:
    with nothing_kept(region, MARK) as answers:
        answers.append(region.call(KRINGLOOP, "POST", MESSAGES, [{"id": MARK}] * many, BATCH))
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")
    still_works(region, person)


def test_a_compressed_body_is_not_read(region: Region, person: Person) -> None:
    headers = {"Authorization": f"Bearer {region.token(KRINGLOOP)}", "Content-Type": EVENT, "Content-Encoding": "gzip"}
    with nothing_kept(region, MARK) as answers:
        answers.append(region.request("POST", MESSAGES, samples.raw(region.report(person)), headers))
    assert told(answers[0]) == UNKNOWN_MEDIA


# -- numbers of people ------------------------------------------------------------------------------------------------
BAD_NUMBERS = ["123456789", "999990343", "123456782\n", "\n123456782", "١٢٣٤٥٦٧٨٢", "１２３４５６７８２", "12345678²"]
BAD_NUMBERS += ["123456789\n", "000000000", "12345678", "1234567820", " 123456782", "1234 56782", "123456782\u200b"]


@pytest.mark.parametrize("bsn", BAD_NUMBERS)
def test_a_bad_bsn_at_registration(region: Region, person: Person, bsn: str) -> None:
    """`123456782` passes the 11-proef; with anything beside it, or in other digits, it is none."""
    with nothing_kept(region, bsn.strip(), json.dumps(bsn)[1:-1]) as answers:
        answers.append(region.call(GEMEENTE, "POST", "/v1/kandidaten", {"bsn": bsn}))
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")
    assert [(v["naam"], v["code"]) for v in answers[0].json["velden"]] == [("bsn", "BSN_ONGELDIG")]
    still_works(region, person)


@pytest.mark.parametrize("bsn", BAD_NUMBERS)
def test_a_bad_bsn_in_a_message(region: Region, bsn: str) -> None:
    ref = region.register(GEMEENTE)
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)
    data["kandidaat"]["bsn"] = bsn
    message = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
    with nothing_kept(region, bsn.strip(), json.dumps(bsn)[1:-1]) as answers:
        answers.append(region.send(GEMEENTE, message))
    assert told(answers[0]) == INVALID
    assert "data.kandidaat.bsn" in [v["naam"] for v in answers[0].json["velden"]]


# -- other calls with a body ------------------------------------------------------------------------------------------
BODIES: dict[str, tuple[bytes, str, Told]] = {
    "not-json": (f"{{{MARK}".encode(), JSON, NOT_JSON),
    "deep": (('{"lokaalNummer":' + _deep(1000) + "}").encode(), JSON, NOT_JSON),
    "nan": (f'{{"lokaalNummer": NaN, "x": "{MARK}"}}'.encode(), JSON, NOT_JSON),
    "duplicate": (f'{{"lokaalNummer": "1", "lokaalNummer": "{MARK}"}}'.encode(), JSON, NOT_JSON),
    "surrogate": (f'{{"lokaalNummer": "{MARK}\\ud800"}}'.encode(), JSON, NOT_JSON),
    "nul": (f'{{"lokaalNummer": "{MARK}\\u0000"}}'.encode(), JSON, NOT_JSON),
    "too-large": (json.dumps({"lokaalNummer": MARK}).encode().ljust(65_537), JSON, (413, "TE_GROOT")),
    "media": (json.dumps({"lokaalNummer": MARK}).encode(), "text/json", UNKNOWN_MEDIA),
    "unknown-field": (json.dumps({"lokaalNummer": "1", MARK: 1}).encode(), JSON, (400, "VERZOEK_ONGELDIG")),
    "unknown-value": (json.dumps({"lokaalNummer": {"a": MARK}}).encode(), JSON, (400, "VERZOEK_ONGELDIG")),
    "too-long": (json.dumps({"lokaalNummer": MARK * 9}).encode(), JSON, (400, "VERZOEK_ONGELDIG")),
    "control": (json.dumps({"lokaalNummer": f"{MARK}\x1b[2J"}).encode(), JSON, (400, "VERZOEK_ONGELDIG")),
    "no-object": (f'["{MARK}"]'.encode(), JSON, (400, "VERZOEK_ONGELDIG")),
}


@pytest.mark.parametrize("path", ["/v1/kandidaten", "/v1/kandidaten/opzoeken", "/v1/toestemmingen", "/v1/ontheffingen"])
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_elsewhere(region: Region, name: str, path: str) -> None:
    raw, media, expected = BODIES[name]
    with nothing_kept(region, MARK) as answers:
        answers.append(region.call(GEMEENTE, "POST", path, raw, media))
    assert told(answers[0]) == expected


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/toestemmingen?kandidaatRef={MARK}",
        f"/v1/toestemmingen?{MARK}=1",
        f"/v1/toestemmingen?volgende={MARK}",
        "/v1/toestemmingen?limiet=0",
        "/v1/toestemmingen?limiet=101",
        "/v1/toestemmingen?limiet=1&limiet=2",
        "/v1/toestemmingen?limiet=١",
        f"/v1/postvak/berichten?na={MARK}",
        "/v1/postvak/berichten?na=-1",
        "/v1/postvak/berichten?na=1e3",
        "/v1/postvak/berichten?limiet=501",
        "/v1/postvak/berichten?wachten=31",
        f"/v1/organisaties?limiet={MARK}",
        f"/v1/berichten/x?{MARK}=x",
    ],
)
def test_a_bad_query(region: Region, path: str) -> None:
    with nothing_kept(region, MARK) as answers:
        answers.append(region.call(KRINGLOOP, "GET", path))
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/{MARK}",
        f"/v1/berichten/{MARK}",
        f"/v1/berichttypen/{MARK}",
        f"/v1/codelijsten/{MARK}",
        "/v1/codelijsten/..%2f..%2fsettings",
        f"/v1/toestemmingen/{MARK}",
        "/v1//berichten",
        "/v1/berichten/",
        "/v1/berichten/%00",
        "/v1/berichten/%ff",
        f"/{MARK}",
    ],
)
def test_an_unknown_address(region: Region, path: str) -> None:
    with nothing_kept(region, MARK) as answers:
        answers.append(region.call(KRINGLOOP, "GET", path))
    assert told(answers[0]) == (404, "NIET_GEVONDEN")


# -- who is calling ---------------------------------------------------------------------------------------------------
def _b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _json(value: Any) -> str:
    return _b64(json.dumps(value).encode())


def _claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return found


def _hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    signed = f"{_json(header | {'alg': 'HS256'})}.{_json(claims)}"
    return f"{signed}.{_b64(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def bad_tokens(region: Region) -> dict[str, str]:
    """Tokens that must open nothing, each made from a good one of the kringloop."""
    good = region.token(KRINGLOOP)
    claims, keys = _claims(good), region.hub.keyring
    party = region.parties[KRINGLOOP]
    grant = Grant(party.system, Oin(KRINGLOOP), frozenset(SCOPES.split()))
    now, base = region.clock.now(), region.settings.base_url
    head = {"typ": "at+jwt", "kid": keys.token_key.kid}
    body = json.dumps(claims).encode()
    return {
        "none": f"{_json(head | {'alg': 'none'})}.{_json(claims)}.",
        "None": f"{_json(head | {'alg': 'None'})}.{_json(claims)}.{_b64(b'x')}",
        "no-alg": f"{_json(head)}.{_json(claims)}.",
        "hs256-pem": _hs256(head, claims, keys.token_public.as_pem(private=False)),
        "hs256-der": _hs256(head, claims, keys.token_public.as_der(private=False)),
        "hs256-jwk": _hs256(head, claims, json.dumps(keys.token_public.as_dict(private=False)).encode()),
        "jwk-in-header": _own_key(head, claims),
        "audience": issue(keys.token_key, base, grant, now, "a").replace("x", "x")
        and _reissue(region, aud=f"https://{MARK}.nl"),
        "issuer": _reissue(region, iss=f"https://{MARK}.nl"),
        "expired": issue(keys.token_key, base, grant, now - timedelta(minutes=15, seconds=1), "b"),
        "altered": f"{good.split('.')[0]}.{_b64(body.replace(KRINGLOOP.encode(), MBO.encode()))}.{good.split('.')[2]}",
        "unsigned": ".".join([*good.split(".")[:2], ""]),
        "assertion": _assertion(region),
        "id-token": _reissue(region, header={"typ": "JWT"}),
        "huge": good + "A" * 10_000,
        "nonsense": MARK,
        "empty": "",
    }


def _own_key(head: dict[str, Any], claims: dict[str, Any]) -> str:
    key = ECKey.generate_key("P-256")
    header = head | {"alg": "ES256", "jwk": key.as_dict(private=False)}
    return jwt.encode(header, claims, key, algorithms=["ES256"])


def _reissue(region: Region, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A token signed by our own key, with other claims."""
    key = region.hub.keyring.token_key
    head = {"alg": "ES256", "kid": key.kid, "typ": "at+jwt"} | (header or {})
    return jwt.encode(head, _claims(region.token(KRINGLOOP)) | claims, key, algorithms=["ES256"])


def _assertion(region: Region, **claims: Any) -> str:
    party, now = region.parties[KRINGLOOP], int(region.seconds())
    made = {"iss": party.system, "sub": party.system, "aud": region.settings.base_url, "exp": now + 120}
    made |= {"jti": uuid.uuid4().hex} | claims
    return jwt.encode({"alg": "Ed25519", "kid": "1"}, made, party.key, algorithms=["Ed25519"])


TOKENS = ["none", "None", "no-alg", "hs256-pem", "hs256-der", "hs256-jwk", "jwk-in-header", "audience", "issuer"]
TOKENS += ["expired", "altered", "unsigned", "assertion", "id-token", "huge", "nonsense", "empty"]


@pytest.mark.parametrize("name", TOKENS)
def test_a_bad_token(region: Region, person: Person, name: str) -> None:
    token = bad_tokens(region)[name]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": EVENT}
    marks = [part for part in token.split(".") if len(part) > 8]
    with nothing_kept(region, MARK, *marks) as answers:
        answers.append(region.request("POST", MESSAGES, samples.raw(region.report(person)), headers))
        answers.append(region.request("GET", "/v1/zaken", None, {"Authorization": f"Bearer {token}"}))
    assert {told(answer) for answer in answers} == {(401, "TOKEN_ONGELDIG")}
    assert all(answer.headers["www-authenticate"].startswith("Bearer") for answer in answers)
    still_works(region, person)


@pytest.mark.parametrize("header", [None, "Basic dXNlcjpwYXNz", "Bearer", "bearer  x", "Token abc"])
def test_no_token(region: Region, header: str | None) -> None:
    with nothing_kept(region, MARK) as answers:
        answers.append(region.request("GET", "/v1/zaken", None, {} if header is None else {"Authorization": header}))
    assert told(answers[0]) == (401, "TOKEN_ONGELDIG")


def ask(region: Region, assertion: str, **form: str) -> Answer:
    """A request at the token endpoint."""
    fields = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    } | form
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return region.request("POST", "/oauth/token", urlencode(fields).encode(), headers)


def bad_assertions(region: Region) -> dict[str, str]:
    party, now = region.parties[KRINGLOOP], int(region.seconds())
    good = _assertion(region)
    claims, public = _claims(good), party.key.as_dict(private=False)
    return {
        "none": f"{_json({'alg': 'none'})}.{_json(claims)}.",
        "hs256": _hs256({"kid": "1"}, claims, json.dumps(public).encode()),
        "hs256-pem": _hs256({"kid": "1"}, claims, party.key.as_pem(private=False)),
        "hs256-raw": _hs256({"kid": "1"}, claims, base64.urlsafe_b64decode(str(public["x"]) + "=")),
        "audience": _assertion(region, aud=f"https://{MARK}.nl"),
        "expired": _assertion(region, exp=now - 1),
        "too-long": _assertion(region, exp=now + 600),
        "no-jti": _assertion(region, jti=None),
        "issuer": _assertion(region, iss=MARK),
        "unknown-client": _assertion(region, iss=MARK, sub=MARK),
        "nonsense": MARK,
    }


@pytest.mark.parametrize(
    "name",
    [
        "none",
        "hs256",
        "hs256-pem",
        "hs256-raw",
        "audience",
        "expired",
        "too-long",
        "no-jti",
        "issuer",
        "unknown-client",
        "nonsense",
    ],
)
def test_a_bad_assertion(region: Region, name: str) -> None:
    assertion = bad_assertions(region)[name]
    with overheard() as said:
        answer = ask(region, assertion)
    assert (answer.status, answer.json["error"]) == (400, "invalid_client")
    assert "access_token" not in answer.json
    for mark in [MARK, *[part for part in assertion.split(".") if len(part) > 8]]:
        assert mark.encode() not in answer.body and mark not in said.getvalue()


def test_a_jti_twice(region: Region) -> None:
    assertion = _assertion(region)
    assert ask(region, assertion).status == 200
    again = ask(region, assertion)
    assert (again.status, again.json["error"]) == (400, "invalid_client")


def test_an_organisation_or_scope_that_was_not_granted(region: Region) -> None:
    assert ask(region, _assertion(region), organisatie=MBO).json["error"] == "unauthorized_client"
    assert ask(region, _assertion(region), scope="beheer").json["error"] == "invalid_scope"
    assert ask(region, _assertion(region), scope=f"zaken {MARK}").json["error"] == "invalid_scope"


# -- a person whom the caller may not know ----------------------------------------------------------------------------
def erased(region: Region) -> Person:
    """Somebody whose keys were destroyed, as an erasure leaves them."""
    gone, _ = region.reporting()
    with region.core.engine.begin() as connection:
        find = text("SELECT person_id FROM person_ref WHERE ref = :ref")
        who = connection.execute(find, {"ref": gone.refs[KRINGLOOP]}).scalar_one()
        now = region.clock.now()
        connection.execute(
            text("UPDATE person SET erased_at = :at WHERE person_id = :who"), {"at": _at(region), "who": who}
        )
    keys = [evidence_key(PersonId(who)), *(content_key(PersonId(who), Oin(o)) for o in gone.refs)]
    region.core.key_store.destroy(keys, now)
    return gone


def _at(region: Region) -> Any:
    return Instant().process_bind_param(region.clock.now(), region.core.engine.dialect)


def strangers(region: Region, who: str) -> dict[str, str]:
    """Refs that must all be one to ``who``: of nobody, of another organisation's person, of somebody erased."""
    other, gone = region.reporting()[0], erased(region)
    theirs = other.refs[KRINGLOOP if who == ONTWIKKELBEDRIJF else ONTWIKKELBEDRIJF]
    return {"unknown": samples.REF, "foreign": theirs, "erased": gone.refs[who]}


def bare(answer: Answer) -> tuple[int, dict[str, str], str]:
    """An answer without what differs from one call to the next."""
    body = re.sub(r"urn:uuid:[0-9a-f-]{36}", "urn:uuid:-", answer.body.decode())
    return answer.status, {k: v for k, v in answer.headers.items() if k != "date"}, body


CALLS: dict[str, tuple[str, str, Any]] = {
    "stopverzoek": ("POST", "/v1/kandidaten/{ref}/stopverzoek", None),
    "lokaal-nummer": ("PUT", "/v1/kandidaten/{ref}/lokaal-nummer", {"lokaalNummer": "nummer-9"}),
    "traject": (
        "POST",
        "/v1/kandidaten/{ref}/trajecten",
        {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_ref_that_is_not_the_callers_gets_one_answer(region: Region, name: str) -> None:
    method, path, body = CALLS[name]
    answers = {
        kind: region.call(ONTWIKKELBEDRIJF, method, path.format(ref=ref), body)
        for kind, ref in strangers(region, ONTWIKKELBEDRIJF).items()
    }
    assert len({json.dumps(bare(answer)) for answer in answers.values()}) == 1
    assert told(answers["unknown"]) == (404, "NIET_GEVONDEN")


@pytest.mark.parametrize("choice", ["ja", "nee"])
def test_a_statement_about_a_stranger_gets_one_answer(region: Region, choice: str) -> None:
    flow: dict[str, Any] = {
        "ontvangers": [MBO],
        "doelen": ["opleiden"],
        "categorieen": ["beoordeling"],
        "keuze": choice,
    }
    found = strangers(region, ONTWIKKELBEDRIJF)
    with nothing_kept(region, *found.values()) as answers:
        answers += [region.statement(ONTWIKKELBEDRIJF, ref, **flow) for ref in found.values()]
    assert len({json.dumps(bare(answer)) for answer in answers}) == 1
    assert told(answers[0]) == (404, "NIET_GEVONDEN")


def test_an_id_that_is_not_the_callers_gets_one_answer(region: Region) -> None:
    """Ids of messages, statements and zaken: of another, of somebody erased, of nothing."""
    other, statement = region.reporting()
    message = region.send(KRINGLOOP, region.report(other)).expect(202)["ontvangstbewijs"]["berichtId"]
    nothing = uuid.uuid4().hex
    for path, theirs in (
        ("/v1/berichten/{}", message),
        ("/v1/berichten/{}/bewijs", message),
        ("/v1/toestemmingen/{}", statement),
    ):
        found = [region.call(KRINGLOOP_2, "GET", path.format(one)) for one in (theirs, nothing)]
        assert bare(found[0]) == bare(found[1])
        assert told(found[0]) == (404, "NIET_GEVONDEN")


# -- promise 7: the whole class behind one refusal --------------------------------------------------------------------
def refused_people(region: Region) -> dict[str, str]:
    """Refs of the ontwikkelbedrijf's for every reason why it may not tell the kringloop of a placement."""
    scope = {"ontvangers": [KRINGLOOP], "doelen": ["opleiden"]}
    scope |= {"categorieen": ["identiteit", "contact", "leervoortgang", "inzetbaarheid"]}
    who = ONTWIKKELBEDRIJF

    def asked(**terms: Any) -> str:
        ref = region.candidate().refs[who]
        region.statement(who, ref, **(scope | terms)).expect(201)
        return ref

    found = {"not-involved": region.register(who), "never-asked": region.candidate().refs[who]}
    found["refused"] = asked(keuze="nee")
    found["refused-later"] = asked()
    region.statement(who, found["refused-later"], keuze="nee", verstrekkers=None, geldigTot=None).expect(201)
    found["expired"] = asked(gegevenOp="2026-01-02T10:00:00Z", geldigTot="2026-06-01T10:00:00Z")
    found["other-purpose"] = asked(doelen=["certificeren"])
    found["other-receiver"] = asked(ontvangers=[KRINGLOOP_2])
    found["other-category"] = asked(categorieen=["contact"])
    found["unconfirmed"] = asked(verstrekkers=[MBO])
    found["withdrawn"] = asked()
    listed = region.call(who, "GET", f"/v1/toestemmingen?kandidaatRef={found['withdrawn']}").json["items"]
    region.withdraw(who, listed[0]["id"])
    found["stopped"] = asked()
    region.stop_request(who, found["stopped"])
    return found | strangers(region, who)


def outsider(region: Region, path: str, message: dict[str, Any]) -> Answer:
    """A call by a system that may send, but may not see the organisation's own statements."""
    party = region.parties[ONTWIKKELBEDRIJF]
    grant = Grant(party.system, Oin(party.oin), frozenset({"berichten:versturen"}))
    keys, now = region.hub.keyring, region.clock.now()
    token = issue(keys.token_key, region.settings.base_url, grant, now, uuid.uuid4().hex)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": EVENT}
    return region.request("POST", path, samples.raw(message), headers)


@contextmanager
def statements_of(region: Region) -> Iterator[list[str]]:
    """The SQL that runs meanwhile, on any connection of the hub."""
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(re.sub(r"\s+", " ", statement))

    event.listen(region.core.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(region.core.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("path", [MESSAGES, DRY_RUN])
def test_promise_7_every_reason_about_a_person_gets_one_answer(region: Region, path: str, named: bool) -> None:
    """Unknown, foreign, erased, uninvolved, never asked, refused, withdrawn, expired, stopped: equal to the byte."""
    answers: dict[str, Any] = {}
    for reason, ref in refused_people(region).items():
        if named:
            data = samples.geplaatst(ref)
            message = region.event(ONTWIKKELBEDRIJF, "leerwerkplek.geplaatst", ref, data, ontvanger=KRINGLOOP)
        else:
            message = region.event(
                ONTWIKKELBEDRIJF, "voortgang.gemeld", ref, samples.voortgang(), doel="trajectbegeleiding"
            )
        answers[reason] = bare(outsider(region, path, message))
    unknown = answers["unknown"]
    assert {reason: answer for reason, answer in answers.items() if answer != unknown} == {}
    if path == MESSAGES:
        assert (unknown[0], json.loads(unknown[2])["code"]) == (403, "GEEN_GRONDSLAG")
    else:
        assert (unknown[0], json.loads(unknown[2])["uitkomst"]) == (200, "tegengehouden")


def test_promise_7_in_a_batch(region: Region) -> None:
    people = refused_people(region)
    batch = [
        region.event(
            ONTWIKKELBEDRIJF, "leerwerkplek.geplaatst", ref, samples.geplaatst(ref), ontvanger=KRINGLOOP, id="zelfde"
        )
        for ref in people.values()
    ]
    results = [region.send_batch(ONTWIKKELBEDRIJF, [one])[0] for one in batch]
    for result in results:
        result["probleem"]["instance"] = "-"
    assert all(result == results[0] for result in results)


def test_promise_7_takes_the_same_path(tmp_path: Path) -> None:
    """Not the clock but the work is compared: the same SQL, in the same order, for somebody and for nobody."""
    region = Region(tmp_path / "hub")
    people = refused_people(region)
    region.wait_signed()
    for part in (region.hub.log_keeper, region.hub.relay, region.hub.push):
        part.stop()  # so that nothing but this one call is at work
    paths: dict[str, list[str]] = {}
    for reason in ("unknown", "foreign", "erased", "not-involved", "never-asked", "refused", "withdrawn"):
        data = samples.geplaatst(people[reason])
        message = region.event(ONTWIKKELBEDRIJF, "leerwerkplek.geplaatst", people[reason], data, ontvanger=KRINGLOOP)
        with statements_of(region) as seen:
            region.send(ONTWIKKELBEDRIJF, message)
        paths[reason] = seen
    region.stop()
    assert {reason: seen for reason, seen in paths.items() if seen != paths["never-asked"]} == {}


def test_promise_7_control_who_has_a_basis_gets_another_answer(region: Region) -> None:
    """The comparison can fail: with consent the same message is accepted."""
    person = region.candidate()
    region.place(person)
    assert region.send(ONTWIKKELBEDRIJF, region.placing(person)).status == 202


# -- files ------------------------------------------------------------------------------------------------------------
CSV_HEAD = (
    "Deelnemernummer;Meldingnummer;Plaatsing;Datum;Werkproces;Opdracht;Omschrijving;Deel;Niveau;Uren;Bijzonderheid"
)


def test_a_bad_csv_line_names_line_and_field_and_does_not_stop_the_good_ones(region: Region, person: Person) -> None:
    """What the kringloop's connector reads of its file is accepted; of the bad line the place is told, and no value."""
    good = "104;M-{};PL-1;16-11-2026;B1-K1-W1;WO-3;Kassa;deel;met hulp;3,5;geen"
    bad = good.format(MARK).replace("16-11-2026", "31-11-2026").replace("3,5", MARK)
    unknown = good.format(3).replace("104", f"{MARK}-118")
    native = "\r\n".join([CSV_HEAD, good.format(1), bad, unknown, good.format(4), ""]).encode("cp1252")
    known = {"104": KandidaatRef(person.refs[KRINGLOOP])}
    partner = Partner(region.parties[KRINGLOOP].source, b"k" * 32, known.get, lambda _: "104")
    connector = Csv()
    reading = checked(connector.read(native, connector.mapping("kringloop-voortgang"), partner), date(2026, 11, 22))
    assert [result["status"] for result in region.send_batch(KRINGLOOP, reading.events)] == ["aanvaard", "aanvaard"]
    assert {str(fault.place) for fault in reading.faults} == {
        "regel 3, veld Datum",
        "regel 3, veld Uren",
        "regel 4, veld Deelnemernummer",
    }
    sentences = [fault.sentence() for fault in reading.faults]
    assert all(MARK not in sentence for sentence in sentences) and MARK not in repr(reading.loss)


# -- ids --------------------------------------------------------------------------------------------------------------
def test_a_message_id_with_other_content(region: Region, person: Person) -> None:
    first = region.report(person)
    receipt = region.send(KRINGLOOP, first).expect(202)["ontvangstbewijs"]
    other = first | {"data": first["data"] | _task(MARK)}
    with nothing_kept(region, MARK) as answers:
        answers.append(region.send(KRINGLOOP, other))
    assert told(answers[0]) == (409, "BERICHT_ID_BEZET")
    (result,) = region.send_batch(KRINGLOOP, [other])
    assert (result["status"], result["probleem"]["code"]) == ("conflict", "BERICHT_ID_BEZET")
    again = region.send(KRINGLOOP, first).expect(202)
    assert again["herhaling"] is True and again["ontvangstbewijs"] == receipt


def test_a_refusal_by_the_gate_keeps_only_its_decision(region: Region) -> None:
    """And does not take the id: the same message is accepted once there is a basis."""
    person = region.candidate()
    region.place(person)
    message = region.report(person)
    message["data"] |= _task(MARK)
    with nothing_kept(region, MARK, refusals=1) as answers:
        answers.append(region.send(KRINGLOOP, message))
    assert told(answers[0]) == (403, "GEEN_GRONDSLAG")
    region.allow_reports(person)
    region.send(KRINGLOOP, message).expect(202)


# -- where a webhook may point ----------------------------------------------------------------------------------------
PRIVATE = ["https://127.0.0.1/haak", "https://10.0.0.8/haak", "https://169.254.169.254/latest", "https://[::1]/haak"]
PRIVATE += ["https://[::ffff:10.0.0.8]/haak", "https://0.0.0.0/haak", "https://2130706433/haak", "https://0x7f.1/haak"]
OTHER_URLS = [
    "http://example.nl/haak",
    "ftp://example.nl/haak",
    "https://gebruiker:geheim@example.nl/",
    "geen-url",
    "https:///x",
]


@pytest.mark.parametrize("url", PRIVATE + OTHER_URLS)
def test_a_webhook_on_a_private_address(region: Region, url: str) -> None:
    with nothing_kept(region, url, MARK) as answers:
        answers.append(
            region.call(KRINGLOOP_2, "PUT", "/v1/abonnement", {"url": f"{url}{MARK}" if url.endswith("haak") else url})
        )
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")
    assert [v["naam"] for v in answers[0].json["velden"]] == ["url"]
    assert told(region.call(KRINGLOOP_2, "GET", "/v1/abonnement")) == (404, "NIET_GEVONDEN")


def test_a_webhook_whose_name_points_inside(region: Region, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name looks public; what it resolves to is this machine, where somebody listens."""
    inside = Receiver()
    real = socket.getaddrinfo
    asked: list[str] = []

    def lie(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(str(host))
        return real("127.0.0.1" if host == "haak.example.nl" else host, port, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", lie)
    with nothing_kept(region, "haak.example.nl") as answers:
        url = f"https://haak.example.nl:{inside.port}/haak"
        answers.append(region.call(KRINGLOOP_2, "PUT", "/v1/abonnement", {"url": url}))
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")
    assert answers[0].json["velden"][0]["code"] == "ADRES_NIET_TOEGESTAAN"
    assert "haak.example.nl" in asked
    assert inside.connections == 0
    inside.stop()


def test_a_webhook_that_redirects_inside(tmp_path: Any) -> None:
    """A receiver that the operator allowed sends the hub on to one that nobody allowed: the hub does not go."""
    inside = Receiver()

    def send_on(_: Call) -> Reply:
        return Reply(302, {"Location": f"http://127.0.0.1:{inside.port}/{MARK}", "WebHook-Allowed-Origin": "*"})

    allowed = Receiver(send_on)
    region = Region(tmp_path / "hub", None, [allowed.port])
    with nothing_kept(region, MARK) as answers:
        answers.append(
            region.call(KRINGLOOP_2, "PUT", "/v1/abonnement", {"url": f"http://127.0.0.1:{allowed.port}/haak"})
        )
    assert told(answers[0]) == (400, "VERZOEK_ONGELDIG")
    assert (allowed.connections, inside.connections) == (1, 0)
    region.stop()
    allowed.stop()
    inside.stop()


# -- through a real server --------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory, watchdog: Watchdog) -> Iterator[LiveRegion]:
    made = LiveRegion(tmp_path_factory.mktemp("echt") / "hub", watchdog, more={"HUB_LOG_LEVEL": "DEBUG"})
    made.start()
    yield made
    made.stop()


def raw_http(live: LiveRegion, request: bytes, more: bytes = b"") -> tuple[int, bytes]:
    """A request byte for byte: its status line's number and everything that came back."""
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as client:
        client.sendall(request)
        with suppress(OSError):  # it may answer before it has read all
            client.sendall(more)
        got = b""
        with suppress(ConnectionResetError):  # an answer may stand before the reset
            while piece := client.recv(65_536):
                got += piece
    return int(got.split(b" ", 2)[1]), got


def head(live: LiveRegion, media: str, *more: str, path: str = MESSAGES) -> bytes:
    lines = [f"POST {path} HTTP/1.1", f"Host: 127.0.0.1:{live.port}", f"Authorization: Bearer {live.token(KRINGLOOP)}"]
    return "\r\n".join([*lines, f"Content-Type: {media}", "Connection: close", *more, "", ""]).encode()


def chunked(body: bytes) -> bytes:
    pieces = [body[i : i + 16_384] for i in range(0, len(body), 16_384)]
    return b"".join(f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"


def test_over_http_too_large_by_its_word_or_in_pieces(live: LiveRegion) -> None:
    """Announced in Content-Length, or in chunks that announce nothing."""
    body = f'{{"id": "{MARK}"}}'.encode().ljust(65_537)
    before = kept_by(live)
    for framing, sent in ((f"Content-Length: {len(body)}", body), ("Transfer-Encoding: chunked", chunked(body))):
        status, got = raw_http(live, head(live, EVENT, framing), sent)
        assert status == 413 and b"TE_GROOT" in got and MARK.encode() not in got
    much = b"[".ljust(16 * 2**20 + 1)
    status, got = raw_http(live, head(live, BATCH, f"Content-Length: {len(much)}"), much)
    assert status == 413 and b"TE_GROOT" in got
    assert kept_by(live) == before


def test_over_http_what_is_no_http_breaks_nothing(live: LiveRegion) -> None:
    before = kept_by(live)
    for request in (
        b"\x16\x03\x01\x02\x00\x01",
        b"GET /" + b"a" * 100_000,
        f"POST {MESSAGES} HTTP/1.1\r\n\r\n".encode(),
    ):
        with socket.create_connection(("127.0.0.1", live.port), timeout=20) as client:
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            client.settimeout(5)
            try:
                got = client.recv(65_536)
            except (TimeoutError, ConnectionResetError):
                got = b""
        assert not got.startswith(b"HTTP/1.1 2") and b"Traceback" not in got
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as client:  # hangs up in the middle of a body
        client.sendall(head(live, EVENT, "Content-Length: 50") + f'{{"id": "{MARK}"'.encode())
    person, _ = live.reporting()
    live.send(KRINGLOOP, live.report(person)).expect(202)
    assert kept_by(live)["message"] == before["message"] + 2  # the placement and the report


@pytest.mark.parametrize(
    "name", ["not-json", "deep-1000", "nan", "lone-surrogate", "nul", "media-text", "kind-unknown", "field-unknown"]
)
def test_over_http_a_bad_message(live: LiveRegion, name: str) -> None:
    case = CASES[name]
    message = live.event(KRINGLOOP, "voortgang.gemeld", samples.REF, samples.voortgang(), doel="trajectbegeleiding")
    before = kept_by(live)
    answer = live.call(KRINGLOOP, "POST", MESSAGES, case.change(message), case.media)
    assert told(answer) == (case.status, case.code)
    assert kept_by(live) == before
    assert MARK.encode() not in answer.body


def test_over_http_no_marker_was_said(live: LiveRegion) -> None:
    """After all of the above: the output of supervisor and worker at DEBUG."""
    time.sleep(0.2)
    said = live.log.read_bytes()
    assert b"started" in said  # there is something to search
    assert MARK.encode() not in said


def kept_by(live: LiveRegion) -> dict[str, int]:
    with live.core.engine.connect() as connection:
        return {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() for table in KEPT[:5]}
