"""What a CloudEvent must be to become a message, and what goes out again."""

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts import catalogue, envelope
from contracts.canonical import sha256_hex
from contracts.errors import (
    CallerError,
    ExchangeError,
    JsonInvalid,
    KindUnknown,
    MessageInvalid,
    RequestInvalid,
    TooLarge,
)
from contracts.identity import KandidaatRef, Purpose
from tests import samples

TODAY = date.fromisoformat(samples.TODAY)
EVENTS = samples.valid_events()


def faults_of(event: Any) -> dict[str, str]:
    """Name and code of each fault; fails when the message is read."""
    with pytest.raises(MessageInvalid) as caught:
        envelope.read(samples.raw(event), TODAY)
    return {fault.name: fault.code for fault in caught.value.faults}


def report(**extra: Any) -> dict[str, Any]:
    return (
        samples.event("voortgang.gemeld", samples.KRINGLOOP, samples.REF, samples.voortgang())
        | {"doel": "trajectbegeleiding"}
        | extra
    )


@pytest.mark.parametrize("name", EVENTS)
def test_every_sample_is_read(name: str) -> None:
    event = EVENTS[name]
    message = envelope.read(samples.raw(event), TODAY)
    assert message.event == event
    assert message.data == event["data"]
    assert message.subject == samples.REF
    assert message.source.urn() == event["source"]
    assert envelope.warnings(message, TODAY) == []


@pytest.mark.parametrize("name", ["specversion", "id", "source", "subject", "data", "doel"])
def test_a_missing_attribute_is_named(name: str) -> None:
    assert faults_of({key: value for key, value in report().items() if key != name}) == {name: "VERPLICHT"}


def test_type_must_be_there_and_known() -> None:
    assert faults_of({key: value for key, value in report().items() if key != "type"}) == {"type": "VERPLICHT"}
    assert faults_of(report(type=7)) == {"type": "TYPE"}
    for unknown in ("nl.doorstroomhub.voortgang.gemeld.v2", "voortgang.gemeld", ""):
        with pytest.raises(KindUnknown):
            envelope.read(samples.raw(report(type=unknown)), TODAY)


def test_only_the_hub_makes_notices() -> None:
    for kind in (kind for kind in catalogue.all_kinds() if kind.by_hub):
        with pytest.raises(KindUnknown):
            envelope.read(samples.raw(report(type=kind.type)), TODAY)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("specversion", "0.3", "CODE_ONBEKEND"),
        ("id", "", "PATROON"),
        ("id", "x" * 256, "TE_LANG"),
        ("id", "a\tb", "PATROON"),
        ("id", "a\u0661", "PATROON"),
        ("id", "999990342", "BSN_IN_KENMERK"),
        ("traject", "999990342", "BSN_IN_KENMERK"),
        ("source", "https://example.com", "PATROON"),
        ("source", "urn:nld:oin:12345678901234567890:systeem:a", "PATROON"),
        ("source", f"urn:nld:oin:{samples.KRINGLOOP}:systeem:a\n", "PATROON"),
        ("subject", "ABCDEFGHIJKLMNOPQRSTUVWX27", "PATROON"),
        ("subject", samples.REF + "\n", "TE_LANG"),
        ("subject", samples.BSN, "PATROON"),
        ("subject", None, "LEEG"),
        ("time", "2026-11-22T10:00:00", "PATROON"),
        ("time", "2026-02-30T10:00:00Z", "DATUM_ONGELDIG"),
        ("datacontenttype", "text/plain", "CODE_ONBEKEND"),
        ("doel", "nieuwsgierigheid", "CODE_ONBEKEND"),
        ("ontvanger", "00000005000000001000", "PATROON"),
        ("ontvanger", ["00000099000000001000"], "TYPE"),
        ("traceparent", "00-abc", "PATROON"),
        ("data", [], "TYPE"),
        ("dataref", "https://example.com/x", "DATAREF"),
        ("onbekend", 1, "ONBEKEND_VELD"),
        ("sequence", "12", "ONBEKEND_VELD"),
        ("traject", "a b", "PATROON"),
    ],
)
def test_a_wrong_attribute_is_named(name: str, value: Any, code: str) -> None:
    assert faults_of(report(**{name: value})) == {name: code}


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"null", b"7", b"true"])
def test_what_is_no_object_is_no_message(raw: bytes) -> None:
    with pytest.raises(MessageInvalid) as caught:
        envelope.read(raw, TODAY)
    assert [fault.code for fault in caught.value.faults] == ["TYPE"]


def test_fractions_are_named_even_where_json_schema_takes_them() -> None:
    event = EVENTS["deelname"] | {"data": samples.deelname(dagdelen=8.0)}
    assert faults_of(event) == {"data.dagdelen": "TYPE"}
    assert faults_of(report(data=samples.voortgang(uren=7.5))) == {"data.uren": "TYPE"}


def test_opening_messages_name_their_recipient() -> None:
    for name in ("voorgedragen", "geplaatst"):
        event = {key: value for key, value in EVENTS[name].items() if key != "ontvanger"}
        assert faults_of(event) == {"ontvanger": "VERPLICHT"}


def test_doel_may_be_left_out_only_where_there_is_one() -> None:
    assert envelope.read(samples.raw(EVENTS["voorgedragen"]), TODAY).purpose is Purpose.TOELEIDING
    event = {key: value for key, value in EVENTS["doorstroom"].items() if key != "doel"}
    assert faults_of(event) == {"doel": "VERPLICHT"}


def test_digits_that_pass_the_11_proef_by_chance_do_not_spoil_an_id() -> None:
    for id_ in ("0192f3a4-b999-7990-a342-999990342abc", "m-999990342", "melding 999990342"):
        assert envelope.read(samples.raw(report(id=id_)), TODAY).id == id_
    assert envelope.read(samples.raw(report(data=samples.voortgang(meldingId="m-999990342"))), TODAY)


def test_traject_comes_from_the_attribute_or_from_data_and_they_agree() -> None:
    assert envelope.read(samples.raw(EVENTS["voorgedragen"]), TODAY).trajectory == "traject-1"
    assert envelope.read(samples.raw(EVENTS["geplaatst"] | {"traject": "t-9"}), TODAY).trajectory == "t-9"
    assert envelope.read(samples.raw(EVENTS["geplaatst"]), TODAY).trajectory is None
    assert envelope.read(samples.raw(EVENTS["beeindigd"]), TODAY).trajectory == "traject-1"
    assert faults_of(EVENTS["voorgedragen"] | {"traject": "t-9"}) == {"traject": "TRAJECT_ONGELIJK"}
    assert faults_of(EVENTS["beeindigd"] | {"traject": "t-9"}) == {"traject": "TRAJECT_ONGELIJK"}


def test_a_message_is_at_most_64_kib() -> None:
    raw = samples.raw(report())
    assert envelope.read(raw + b" " * (envelope.MAX_MESSAGE - len(raw)), TODAY)
    with pytest.raises(TooLarge):
        envelope.read(raw + b" " * (envelope.MAX_MESSAGE - len(raw) + 1), TODAY)


def test_dry_run_takes_a_message_without_data() -> None:
    event = {key: value for key, value in report().items() if key != "data"}
    assert envelope.read_dry(samples.raw(event), TODAY).data == {}
    with pytest.raises(MessageInvalid):
        envelope.read_dry(samples.raw(report(data={})), TODAY)


def test_a_name_made_up_by_the_caller_is_hardly_repeated() -> None:
    event = report(data=samples.voortgang() | {"Jan Jansen": 1, "bsn999990342": 1, "sofinummer": 1})
    assert faults_of(event) == {"data.onbekend veld": "ONBEKEND_VELD", "data.sofinummer": "ONBEKEND_VELD"}
    many = report(data=samples.voortgang() | {f"x{'y' * (n % 30)}{n % 100}": 1 for n in range(900)})
    assert len(faults_of(many)) <= 50


@given(st.sampled_from(sorted(EVENTS)), st.data())
@settings(deadline=None, max_examples=200)
def test_no_fault_repeats_a_value(name: str, data: st.DataObject) -> None:
    """A marked value in any one place of any kind never comes back in the error."""
    event = json.loads(samples.raw(EVENTS[name]))
    spots = [(event, key) for key in event if key != "type"]
    for container, key in spots:
        inner = container[key]
        if isinstance(inner, dict):
            spots += [(inner, k) for k in inner]
        elif isinstance(inner, list):
            spots += [(inner, i) for i in range(len(inner))]
    container, key = data.draw(st.sampled_from(spots))
    container[key] = data.draw(st.sampled_from(["Kanarie 7741\n", ["Kanarie 7741"], {"Kanarie 7741": "Kanarie 7741"}]))
    with pytest.raises(ExchangeError) as caught:
        envelope.read(samples.raw(event), TODAY)
    error = caught.value
    told = f"{error} {error.detail} {error.faults!r} {error.__cause__!r} {error.__context__!r}"
    assert "Kanarie" not in told
    assert "7741" not in told


def test_digest_leaves_the_trace_out_and_nothing_else() -> None:
    traced = report(traceparent="00-" + "a" * 32 + "-" + "b" * 16 + "-01", tracestate="x=1")
    message, plain = envelope.read(samples.raw(traced), TODAY), envelope.read(samples.raw(report()), TODAY)
    assert message.digest() == plain.digest() == sha256_hex(report())
    assert envelope.read(samples.raw(report(id="bericht-2")), TODAY).digest() != plain.digest()
    shuffled = dict(reversed(report().items()))
    assert envelope.read(json.dumps(shuffled, indent=3).encode(), TODAY).digest() == plain.digest()


@pytest.mark.parametrize("name", EVENTS)
def test_a_stored_message_reopens_as_it_was(name: str) -> None:
    message = envelope.read(samples.raw(EVENTS[name]), TODAY)
    again = envelope.reopen(message.canonical())
    assert again == message


def test_outbound_carries_the_receivers_own_subject_and_no_traject() -> None:
    trace = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
    event = EVENTS["geplaatst"] | {"traject": "t-1", "traceparent": trace, "tracestate": "x=1"}
    message = envelope.read(samples.raw(event | {"time": "2026-11-22T10:00:00Z"}), TODAY)
    sent = envelope.outbound(message, {"plaatsingId": "p"}, KandidaatRef(samples.OTHER_REF), 12)
    assert sent == {
        "specversion": "1.0",
        "id": event["id"],
        "source": event["source"],
        "type": event["type"],
        "subject": samples.OTHER_REF,
        "time": "2026-11-22T10:00:00Z",
        "traceparent": trace,
        "datacontenttype": "application/json",
        "doel": "opleiden",
        "sequence": "12",
        "data": {"plaatsingId": "p"},
    }


def test_the_hub_composes_notices_that_fit_their_kind() -> None:
    kind = catalogue.by_name("grondslag.vervallen")
    assert kind is not None
    attributes = {
        "id": "n-1", "source": f"urn:nld:oin:{samples.MBO}:systeem:hub", "subject": samples.REF,
    }  # fmt: skip
    data = {
        "kandidaatRef": samples.REF,
        "zaakId": "zaak-1",
        "berichten": [{"source": report()["source"], "id": "bericht 1"}],
        "doel": "opleiden",
        "per": "2026-11-22T10:00:00Z",
        "code": "toestemming-ingetrokken",
    }
    notice = envelope.compose(kind, attributes, data, TODAY)
    assert notice.purpose is Purpose.RECHTEN
    assert envelope.reopen(notice.canonical()) == notice
    with pytest.raises(MessageInvalid):
        envelope.compose(kind, attributes, data | {"kandidaatRef": samples.OTHER_REF}, TODAY)


def test_each_message_of_a_batch_stands_on_its_own() -> None:
    good = EVENTS["beoordeeld"]
    wrong = good | {"id": "b-2", "data": samples.beoordeeld(werkprocesCode="x")}
    fraction = EVENTS["deelname"] | {"id": "b-3", "data": samples.deelname(dagdelen=1.0)}
    items = envelope.read_batch(samples.raw([good, wrong, 7, {"id": "\n"}, good | {"type": "x"}, fraction]), TODAY)  # type: ignore[arg-type]
    assert [item.id for item in items] == [good["id"], "b-2", None, None, good["id"], "b-3"]
    assert isinstance(items[0].outcome, envelope.Message)
    kinds = [type(item.outcome) for item in items[1:]]
    assert kinds == [MessageInvalid, MessageInvalid, MessageInvalid, KindUnknown, MessageInvalid]


def test_a_large_message_in_a_batch_fails_alone() -> None:
    evidence = {"soort": "foto", "sha256": samples.HASH}
    row = samples.aangevraagd()["werkprocessen"][0]
    rows = [
        row | {"code": f"P1-K1-W{n}", "tussenresultaten": row["tussenresultaten"] * 10,
               "beoordeling": samples.oordeel(bewijs=[evidence] * 8)}
        for n in range(1, 40)
    ]  # fmt: skip
    large = EVENTS["aangevraagd"] | {"data": samples.aangevraagd(werkprocessen=rows)}
    outcomes = [item.outcome for item in envelope.read_batch(samples.raw([EVENTS["besloten"], large]), TODAY)]  # type: ignore[arg-type]
    assert isinstance(outcomes[0], envelope.Message)
    assert isinstance(outcomes[1], TooLarge)


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"[]", RequestInvalid),
        (b"{}", RequestInvalid),
        (b"[" + b"1," * 1_000 + b"1]", RequestInvalid),
        (b"[", JsonInvalid),
        (b" " * (16 * 2**20 + 1), TooLarge),
    ],
)
def test_a_wrong_batch_is_refused_as_a_whole(raw: bytes, error: type[CallerError]) -> None:
    with pytest.raises(error):
        envelope.read_batch(raw, TODAY)


def test_a_batch_of_a_thousand_is_read() -> None:
    batch = [report(id=f"b-{n}") for n in range(1_000)]
    items = envelope.read_batch(samples.raw(batch), TODAY)  # type: ignore[arg-type]
    assert all(isinstance(item.outcome, envelope.Message) for item in items)
    assert [item.id for item in items] == [f"b-{n}" for n in range(1_000)]
