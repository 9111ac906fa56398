"""Whatever a mapping can hold comes back as it was: canonical -> native -> canonical, for every two-way connector."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.check import checked
from connectors.csv.form import guard, unguard
from connectors.csv.translate import Csv
from connectors.json_rest.translate import JsonRest
from connectors.port import Connector, LossKind
from tests.unit.connectors.partners import LINKS, partner

TODAY = date(2026, 11, 20)
idents = st.from_regex(r"[A-Z]{1,3}-[0-9]{1,4}", fullmatch=True)
#: What a title may hold and Windows-1252 has; formulas, quotes and separators among it.
titles = (
    st.text(st.sampled_from("abcXYZ éëü€'\"=+-@;,|\t0123"), min_size=1, max_size=40)
    .map(lambda text: text.replace("\t", " ").strip(" \t\u00a0'"))
    .filter(bool)
)
days = st.dates(date(2020, 1, 1), TODAY).map(date.isoformat)
hours = st.decimals(0, 99, places=2, allow_nan=False).map(str) | st.integers(0, 99).map(str)


@st.composite
def reports(draw: st.DrawFn, titled: bool, role: str | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "plaatsingId": draw(idents),
        "werkprocesCode": draw(st.sampled_from(["B1-K1-W1", "P4-K1-W2", "P12-K2-W10"])),
        "deel": draw(st.sampled_from(["geheel", "deel"])),
        "beheersing": draw(st.sampled_from(["nog-niet", "met-hulp", "zelfstandig", "kan-voordoen", "niet-beoordeeld"])),
        "datum": draw(days),
    }
    if draw(st.booleans()):
        data["uren"] = draw(hours)
    if titled and draw(st.booleans()):
        data["werkopdracht"] = {"id": draw(idents), "titel": draw(titles)}
    if role is not None:
        data["beoordelaarRol"] = role
    return data


def there_and_back(connector: Connector, mapping: Mapping[str, Any], rows: list[dict[str, Any]]) -> None:
    refs = list(LINKS.values())
    events = [
        {
            "specversion": "1.0",
            "id": f"id-{n}",
            "source": partner().source,
            "type": "nl.doorstroomhub.voortgang.gemeld.v1",
            "doel": mapping["doel"],
            "subject": refs[n % 2],
            "data": {"meldingId": f"M-{n}", **row},
        }
        for n, row in enumerate(rows)
    ]
    written = connector.write(events, mapping, partner())
    assert written.faults == ()
    assert written.loss.names(LossKind.UNCARRIED) <= {"id", "source"}
    assert written.loss.names(LossKind.CHANGED) == frozenset()
    reading = connector.read(written.native, mapping, partner())
    assert reading.faults == ()
    unnamed = [{k: v for k, v in event.items() if k != "id"} for event in reading.events]
    assert unnamed == [{k: v for k, v in event.items() if k != "id"} for event in events]
    # And what was read says the same file again.
    assert connector.write(list(reading.events), mapping, partner()).native == written.native


@given(st.lists(reports(titled=True, role="praktijkopleider"), max_size=6))
def test_kringloop_csv(rows: list[dict[str, Any]]) -> None:
    there_and_back(Csv(), Csv().mapping("kringloop-voortgang"), rows)


@given(st.lists(reports(titled=False, role="jobcoach"), max_size=6))
def test_ontwikkelbedrijf_csv(rows: list[dict[str, Any]]) -> None:
    there_and_back(Csv(), Csv().mapping("ontwikkelbedrijf-export"), rows)


@given(st.lists(reports(titled=True, role="werkleiding"), max_size=6))
def test_werkstap_json(rows: list[dict[str, Any]]) -> None:
    there_and_back(JsonRest(), JsonRest().mapping("werkstap-voortgang"), rows)


@given(st.text(max_size=30))
def test_guarding_and_unguarding_undo_each_other(text: str) -> None:
    assert unguard(guard(text)) == text


@given(st.binary(max_size=400) | st.text(max_size=400).map(str.encode))
def test_any_bytes_give_a_reading(raw: bytes) -> None:
    for connector in (Csv(), JsonRest()):
        for name in connector.shipped():
            checked(connector.read(raw, connector.mapping(name), partner()), TODAY)


@given(st.data())
def test_any_damage_to_a_good_file_gives_a_reading(data: st.DataObject) -> None:
    head = (
        "Deelnemernummer;Meldingnummer;Plaatsing;Datum;Werkproces;Opdracht;Omschrijving;Deel;Niveau;Uren;Bijzonderheid"
    )
    line = "104;KV-1;PL-7;16-11-2026;B1-K1-W1;WO-3;Kassa;deel;met hulp;3,5;geen"
    whole = f"{head}\r\n{line}\r\n{line.replace('KV-1', 'KV-2')}\r\n".encode("cp1252")
    at = data.draw(st.integers(len(head) + 2, len(whole) - 1))
    piece = data.draw(st.binary(max_size=4))
    cut = data.draw(st.integers(0, 6))
    damaged = whole[:at] + piece + whole[at + cut :]
    reading = Csv().read(damaged, Csv().mapping("kringloop-voortgang"), partner())
    assert len(reading.events) + len(reading.faults) >= 1 or not damaged[len(head) + 2 :].strip(b"; \r\n")


def test_control_a_mapping_that_loses_a_field_does_not_come_back() -> None:
    mapping = dict(Csv().mapping("ontwikkelbedrijf-export"))
    mapping["velden"] = [rule for rule in mapping["velden"] if rule["naar"] != "uren"]
    row = {"plaatsingId": "P-1", "werkprocesCode": "B1-K1-W1", "deel": "deel", "beheersing": "met-hulp"}
    with pytest.raises(AssertionError):
        there_and_back(Csv(), mapping, [{**row, "datum": "2026-11-01", "uren": "1", "beoordelaarRol": "jobcoach"}])
