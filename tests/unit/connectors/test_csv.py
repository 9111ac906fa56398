"""CSV that is wrong in every way: a sentence that names the place, the good lines go on, no value is repeated."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from connectors.check import checked
from connectors.csv.form import guard, unguard
from connectors.csv.translate import Csv
from connectors.port import MAX_NATIVE, LossKind, MappingInvalid, Reading
from contracts.errors import TooLarge
from tests.unit.connectors.partners import REF, partner

HEAD = "Deelnemernummer;Meldingnummer;Plaatsing;Datum;Werkproces;Opdracht;Omschrijving;Deel;Niveau;Uren;Bijzonderheid"
GOOD = "104;{n};PL-7;16-11-2026;B1-K1-W1;WO-3;Kassa;deel;met hulp;3,5;geen"
SECRET = "GEHEIMEWAARDE"


def kringloop(**changes: Any) -> Mapping[str, Any]:
    return {**Csv().mapping("kringloop-voortgang"), **changes}


def shaped(**changes: Any) -> Mapping[str, Any]:
    return kringloop(vorm={**kringloop()["vorm"], **changes})


def sheet(*lines: str, head: str = HEAD, end: str = "\r\n", codec: str = "cp1252") -> bytes:
    return (end.join((head, *lines)) + end).encode(codec)


def read(native: bytes, mapping: Mapping[str, Any] | None = None) -> Reading:
    reading = Csv().read(native, mapping or kringloop(), partner())
    assert SECRET not in repr(reading.faults) + repr(reading.loss)
    return reading


def sentences(reading: Reading) -> list[str]:
    return [fault.sentence() for fault in reading.faults]


def good(n: int) -> str:
    return GOOD.format(n=f"KV-{n}")


def test_a_bad_line_names_line_and_field_and_the_others_go_on() -> None:
    lines = [good(1), good(2).replace("3,5", SECRET), good(3).replace("16-11", "31-11"), good(4)]
    reading = read(sheet(*lines))
    assert [event["data"]["meldingId"] for event in reading.events] == ["KV-1", "KV-4"]
    assert [draft.place.number for draft in reading.messages] == [2, 5]
    assert [(f.place.number, f.place.field, f.code) for f in reading.faults] == [
        (3, "Uren", "GEEN_DECIMAAL"),
        (4, "Datum", "GEEN_DATUM"),
    ]


def test_every_fault_of_a_line_is_told_at_once() -> None:
    reading = read(sheet("999;;PL-7;x;B1-K1-W1;;;?;?;1;geen"))
    assert {f.place.field for f in reading.faults} == {"Deelnemernummer", "Meldingnummer", "Datum", "Deel", "Niveau"}


def test_an_unknown_own_number_fails_its_line_only() -> None:
    reading = read(sheet(good(1), good(2).replace("104", "99999" + SECRET)))
    assert len(reading.events) == 1
    assert sentences(reading) == ["Regel 3, veld Deelnemernummer: dit nummer staat niet in uw koppeltabel."]


def test_the_own_number_does_not_travel() -> None:
    (event,) = read(sheet(good(1))).events
    assert event["subject"] == REF
    assert "104" not in repr(event)


@pytest.mark.parametrize(
    ("native", "line", "field", "code"),
    [
        (b"", 1, None, "LEEG"),
        (b"\r\n\r\n", 1, None, "LEEG"),
        (sheet(good(1), codec="utf-16"), 1, None, "CODERING"),
        (b"\xef\xbb\xbf" + sheet(good(1)), 1, None, "CODERING"),
        (sheet(good(1), good(2).replace("Kassa", "één"), codec="utf-8"), 3, None, "CODERING"),
        (sheet(good(1)).replace(b"Kassa", b"\x81"), 2, None, "CODERING"),
        (sheet(good(1), head=HEAD.replace("Uren", "Datum")), 1, "Datum", "KOLOM_DUBBEL"),
        (sheet(good(1), head=HEAD.replace("Datum", SECRET)), 1, "Datum", "KOLOM_ONTBREEKT"),
        (sheet(good(1)).replace(b";", b","), 1, None, "SCHEIDING"),
        (sheet(good(1), head='"' + HEAD), 1, None, "AANHALING"),
        (sheet(good(1)).replace(b"Datum", b"Da\x00tum"), 1, "Datum", "KOLOM_ONTBREEKT"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_as_a_whole(
    native: bytes, line: int, field: str | None, code: str
) -> None:
    reading = read(native)
    assert reading.events == ()
    assert (line, field, code) in [(f.place.number, f.place.field, f.code) for f in reading.faults]


def test_utf8_that_breaks_names_line_and_byte() -> None:
    native = sheet(good(1), good(2)).replace(b"KV-2;PL-7", b"KV-2;\xff\xfe")
    assert sentences(read(native, shaped(codering="utf-8"))) == ["Regel 3: byte 10 van deze regel is geen utf-8."]


def test_a_bom_is_welcome_only_where_agreed() -> None:
    native = b"\xef\xbb\xbf" + sheet(good(1), codec="utf-8")
    assert len(read(native, shaped(codering="utf-8", bom="toestaan")).events) == 1
    assert [f.code for f in read(native, shaped(codering="utf-8", bom="weigeren")).faults] == ["BOM"]


@pytest.mark.parametrize(
    ("broken", "field", "code"),
    [
        (good(2) + ";extra", None, "KOLOMMEN"),
        ("104;KV-2;PL-7", "Datum", "KOLOMMEN"),
        (good(2).replace("Kassa", '"Kassa'), "Omschrijving", "AANHALING"),
        (good(2).replace("Kassa", '"Kas"sa'), "Omschrijving", "AANHALING"),
        (good(2).replace("Kassa", "Kas\x00sa"), "Omschrijving", "STUURTEKEN"),
        (good(2).replace("Kassa", "k" * 121), "Omschrijving", "TE_LANG"),
        (good(2).replace("Kassa", "k" * 70_000), None, "TE_LANG"),
        (good(2).replace("3,5", "\u00bd"), "Uren", "GEEN_DECIMAAL"),
        (good(2).replace("3,5", "1.000,5"), "Uren", "GEEN_DECIMAAL"),
        (good(2).replace("3,5", "3e5"), "Uren", "GEEN_DECIMAAL"),
        (good(2).replace("16-11-2026", "2026-11-16"), "Datum", "GEEN_DATUM"),
        (good(2).replace("met hulp", "MET HULP"), "Niveau", "CODE_ONBEKEND"),
    ],
)
@pytest.mark.parametrize("span", [1, 5])
def test_a_broken_line_spoils_no_other(broken: str, field: str | None, code: str, span: int) -> None:
    reading = read(sheet(good(1), broken, good(3), good(4)), shaped(regelsPerMelding=span))
    assert [event["data"]["meldingId"] for event in reading.events] == ["KV-1", "KV-3", "KV-4"]
    assert [(f.place.number, f.place.field, f.code) for f in reading.faults] == [(3, field, code)]


def test_arabic_digits_are_no_digits() -> None:
    native = sheet(good(1).replace("3,5", "\u0663"), codec="utf-8")
    assert [f.code for f in read(native, shaped(codering="utf-8")).faults] == ["GEEN_DECIMAAL"]


def test_half_a_last_line_is_named() -> None:
    reading = read(sheet(good(1))[:-2] + b'\r\n104;KV-2;PL-7;16-11-2026;B1-K1-W1;;"nooit geslo')
    assert len(reading.events) == 1
    assert [(f.place.number, f.place.field) for f in reading.faults] == [(3, "Omschrijving")]
    assert len(read(sheet(good(1))[:-2]).events) == 1  # no line end after a whole line is no fault


def test_line_ends_may_be_mixed_and_it_is_told() -> None:
    native = f"{HEAD}\r\n{good(1)}\n{good(2)}\r{good(3)}\r\n".encode("cp1252")
    reading = read(native)
    assert [draft.place.number for draft in reading.messages] == [2, 3, 4]
    assert reading.loss.names(LossKind.CHANGED) == {"regeleinden"}
    assert read(sheet(good(1), good(2))).loss.names(LossKind.CHANGED) == frozenset()


def test_a_line_end_inside_quotes_keeps_the_numbers_right() -> None:
    mapping = shaped(regelsPerMelding=3)
    lines = (good(1).replace("Kassa", '"Kas\r\nsa"'), good(2).replace("3,5", "x"))
    reading = Csv().read(sheet(*lines), mapping, partner())
    assert reading.messages[0].place.number == 2
    assert [f.place.number for f in reading.faults] == [4]


def test_an_unknown_column_is_named_by_its_place_never_by_its_title() -> None:
    native = sheet(good(1) + ";x", head=f"{HEAD};{SECRET}")
    reading = read(native)
    assert len(reading.events) == 1
    assert reading.loss.names(LossKind.DROPPED) == {"kolom 12"}
    refused = read(native, kringloop(onbekendeVelden="weigeren"))
    assert refused.events == ()
    assert sentences(refused) == ["Regel 1, veld kolom 12: deze kolom staat niet in de mapping."]


def test_columns_left_out_on_purpose_are_named() -> None:
    reading = read(sheet(good(1) + f";{SECRET}", head=f"{HEAD};Opmerking"))
    assert reading.loss.names(LossKind.DROPPED) == {"Opmerking"}
    assert SECRET not in repr(reading)


def test_the_same_file_gives_the_same_ids_and_another_key_gives_others() -> None:
    native = sheet(good(1), good(2))
    first, again = read(native), read(sheet(good(2), good(1)))
    assert {e["id"] for e in first.events} == {e["id"] for e in again.events}
    other = Csv().read(native, kringloop(), partner(bytes(32)))
    assert not {e["id"] for e in first.events} & {e["id"] for e in other.events}
    newer = read(native, kringloop(versie="2.0.0"))
    assert [e["id"] for e in newer.events] == [e["id"] for e in first.events]


def test_without_a_number_the_whole_line_is_the_key() -> None:
    velden = [rule for rule in kringloop()["velden"] if rule["veld"] != "Meldingnummer"]
    mapping = kringloop(velden=velden, sleutel=[], sleutelNaar="meldingId")
    head = HEAD.replace("Meldingnummer;", "")
    line = good(1).replace("KV-1;", "")
    reading = read(sheet(line, line.replace("3,5", "4"), line, head=head), mapping)
    assert len(reading.events) == 2
    assert all(event["data"]["meldingId"] == event["id"] for event in reading.events)
    assert [(f.place.number, f.code) for f in reading.faults] == [(4, "DUBBEL")]
    assert checked(reading, date(2026, 11, 20)).faults == reading.faults


def test_the_contract_speaks_in_the_partners_own_names() -> None:
    line = good(1).replace("B1-K1-W1", "K1").replace("16-11-2026", "23-11-2026")
    found = checked(read(sheet(good(2), line)), date(2026, 11, 20))
    assert len(found.messages) == 1
    assert {f.place.field for f in found.faults} == {"Werkproces"}  # shape first, rules after
    later = checked(read(sheet(good(1).replace("16-11-2026", "23-11-2026"))), date(2026, 11, 20))
    assert sentences(later) == ["Regel 2, veld Datum: deze datum ligt in de toekomst."]


def test_bounds_of_a_file() -> None:
    with pytest.raises(TooLarge):
        Csv().read(b"x" * (MAX_NATIVE + 1), kringloop(), partner())
    with pytest.raises(TooLarge):
        read(sheet(*(good(n) for n in range(20))), shaped(maxRegels=20))


@pytest.mark.parametrize(
    "text", ["=1+1", "+31612345678", "-x", "@SOM(A1)", "\t=1", "\r=1", " =1", "'=1", "''=1", "\uff1d1", "\n@x"]
)
def test_no_cell_is_a_formula(text: str) -> None:
    assert guard(text).startswith("'")
    assert unguard(guard(text)) == text


@pytest.mark.parametrize("text", ["", "Kassa", "'s middags", "B1-K1-W1", "a=b", "1-2"])
def test_plain_cells_stay(text: str) -> None:
    assert guard(text) == text
    assert unguard(text) == text


def test_an_export_holds_no_formula() -> None:
    reading = read(sheet(good(1)))
    event = dict(reading.events[0])
    event["data"] = {**event["data"], "werkopdracht": {"id": "WO-1", "titel": '=HYPERLINK("x";"y")'}}
    written = Csv().write([event], kringloop(), partner())
    assert b";\"'=HYPERLINK" in written.native
    assert written.carried == (0,)
    assert Csv().read(written.native, kringloop(), partner()).events[0]["data"] == event["data"]


def test_what_cannot_be_written_is_left_out_and_named() -> None:
    (event,) = read(sheet(good(1))).events
    foreign = {**event, "data": {**event["data"], "werkopdracht": {"id": "WO-1", "titel": "Łódź"}}}
    stranger = {**event, "subject": "zzzzyyyyxxxxwwwwvvvvuuuu22"}
    other_kind = {**event, "type": "nl.doorstroomhub.doorstroom.gemeld.v1"}
    written = Csv().write([foreign, event, stranger, other_kind], kringloop(), partner())
    assert written.carried == (1,)
    assert [(f.place.number, f.place.field, f.code) for f in written.faults] == [
        (1, "Omschrijving", "TEKEN_ONBEKEND"),
        (3, "Deelnemernummer", "PERSOON_ONBEKEND"),
        (4, None, "ANDERE_SOORT"),
    ]
    assert written.native == sheet("104;KV-1;PL-7;16-11-2026;B1-K1-W1;WO-3;Kassa;deel;met hulp;3,5;geen")


def test_a_field_without_a_place_is_named_when_written() -> None:
    (event,) = read(sheet(good(1))).events
    richer = {**event, "data": {**event["data"], "leerdoelId": "LD-2", "beoordelaarRol": "jobcoach"}}
    written = Csv().write([richer], kringloop(), partner())
    assert {"data.leerdoelId", "data.beoordelaarRol"} <= written.loss.names(LossKind.UNCARRIED)


@pytest.mark.parametrize(
    "changes",
    [
        {"vorm": {"codering": "ebcdic"}},
        {"vorm": {"scheiding": "::"}},
        {"vorm": {"maxRegel": True}},
        {"vorm": {"onbekend": 1}},
        {"velden": []},
        {"velden": [{"veld": "a", "naar": "b", "type": "x"}]},
        {"velden": [{"veld": "a", "naar": "b", "type": "code"}]},
        {"velden": [{"veld": "a", "naar": "b"}, {"veld": "a", "naar": "c"}]},
        {"velden": [{"veld": "a", "naar": "b"}, {"veld": "c", "naar": "b.d"}]},
        {"velden": [{"veld": "a", "naar": "b", "datum": "dd-mm"}]},
        {"sleutel": ["bestaat niet"]},
        {"doel": "marketing"},
        {"connector": "xlsx"},
        {"vreemd": 1},
        {"onbekendeVelden": "negeren"},
        {"nietOvernemen": ["Datum"]},
    ],
)
def test_a_wrong_mapping_is_refused_with_its_faults(changes: dict[str, Any]) -> None:
    with pytest.raises(MappingInvalid) as error:
        Csv().read(sheet(good(1)), kringloop(**changes), partner())
    assert error.value.faults
