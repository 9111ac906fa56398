"""The register of processing activities (AVG art. 30) follows what was agreed, and nothing else."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import catalogue
from contracts.identity import Category, Purpose, Role
from hub import cli
from hub.administration import agreements, forms
from hub.reference.retention import retention
from tests.partners import AGREEMENTS, PARTIES
from tests.region import Region, environment_for
from tests.samples import CERTIFICEERDER, GEMEENTE, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF, WOONZORG

#: Written out by hand: kind, doel, from, to. What an agreement names beside these is in no flow of the catalogue.
EXPECTED = {
    ("gemeente-ontwikkelbedrijf", "kandidaat.voorgedragen", "toeleiding", GEMEENTE, ONTWIKKELBEDRIJF),
    ("gemeente-ontwikkelbedrijf", "voortgang.gemeld", "verantwoording", ONTWIKKELBEDRIJF, GEMEENTE),
    ("gemeente-ontwikkelbedrijf", "doorstroom.gemeld", "doorstroom", ONTWIKKELBEDRIJF, GEMEENTE),
    ("gemeente-ontwikkelbedrijf", "doorstroom.gemeld", "verantwoording", ONTWIKKELBEDRIJF, GEMEENTE),
    ("ontwikkelbedrijf-kringloop", "leerwerkplek.geplaatst", "opleiden", ONTWIKKELBEDRIJF, KRINGLOOP),
    ("ontwikkelbedrijf-kringloop", "voortgang.gemeld", "trajectbegeleiding", KRINGLOOP, ONTWIKKELBEDRIJF),
    ("ontwikkelbedrijf-kringloop-2", "leerwerkplek.geplaatst", "opleiden", ONTWIKKELBEDRIJF, KRINGLOOP_2),
    ("ontwikkelbedrijf-kringloop-2", "voortgang.gemeld", "trajectbegeleiding", KRINGLOOP_2, ONTWIKKELBEDRIJF),
    ("ontwikkelbedrijf-woonzorg", "leerwerkplek.geplaatst", "opleiden", ONTWIKKELBEDRIJF, WOONZORG),
    ("ontwikkelbedrijf-woonzorg", "dagbesteding.deelname-gemeld", "dagbesteding", WOONZORG, ONTWIKKELBEDRIJF),
    ("ontwikkelbedrijf-mbo", "kandidaat.voorgedragen", "toeleiding", ONTWIKKELBEDRIJF, MBO),
    ("ontwikkelbedrijf-mbo", "voortgang.gemeld", "trajectbegeleiding", ONTWIKKELBEDRIJF, MBO),
    ("ontwikkelbedrijf-mbo", "werkproces.beoordeeld", "opleiden", ONTWIKKELBEDRIJF, MBO),
    ("ontwikkelbedrijf-mbo", "praktijkverklaring.aangevraagd", "certificeren", ONTWIKKELBEDRIJF, MBO),
    ("ontwikkelbedrijf-mbo", "praktijkverklaring.besloten", "certificeren", MBO, ONTWIKKELBEDRIJF),
}
Row = dict[str, Any]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str | None]:
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    return tmp_path_factory.mktemp("verwerking"), None if server is None else server.url_for(server.create())


@pytest.fixture(scope="module")
def region(place: tuple[Path, str | None]) -> Iterator[Region]:
    made = Region(*place)
    yield made
    made.stop()


@pytest.fixture
def command(
    region: Region, place: tuple[Path, str | None], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """``hub register``, in this process, beside the region's hub."""
    for name, value in environment_for(*place, 18080).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main(["register", *arguments])
        assert end.value.code in (0, None), capsys.readouterr().err
        return capsys.readouterr().out

    return run


def own(region: Region, who: str, limit: int = 100) -> list[Row]:
    """The register of an organisation, page after page."""
    rows: list[Row] = []
    after = ""
    while True:
        found = region.call(who, "GET", f"/v1/verwerkingsregister?limiet={limit}{after}").expect(200)
        assert len(found["items"]) <= limit
        rows += found["items"]
        if found["volgende"] is None:
            return rows
        after = f"&volgende={found['volgende']}"


def flow(row: Row) -> tuple[str, ...]:
    return row["afspraakId"], row["soort"], row["doel"], row["verstrekker"]["oin"], row["ontvanger"]["oin"]


def test_what_is_in_force_occurs_exactly_once_and_nothing_else(region: Region, command: Callable[..., str]) -> None:
    """In the register of the hub, and in that of each of the two who are responsible."""
    rows = json.loads(command("--json"))["items"]
    assert Counter(map(flow, rows)) == Counter(EXPECTED)
    assert len({row["activiteitId"] for row in rows}) == len(EXPECTED)
    for who in PARTIES:
        assert Counter(map(flow, own(region, who, 2))) == Counter(one for one in EXPECTED if who in one), who
    assert own(region, CERTIFICEERDER) == []


def test_every_kind_and_doel_that_can_go_is_expected() -> None:
    """The control of what is written out above: every pair of an agreement that the catalogue knows stands there."""
    could = {
        (name, kind, purpose, a, b)
        for name, (ends, kinds, purposes) in AGREEMENTS.items()
        for kind in kinds.split()
        for purpose in purposes.split()
        for a, b in (ends, ends[::-1])
        if (found := catalogue.by_name(kind)) and found.flow(Role(PARTIES[a]), Role(PARTIES[b]), Purpose(purpose))
    }
    assert could == EXPECTED


def test_a_row_says_what_the_law_asks(region: Region) -> None:
    """AVG art. 30(1)(a) to (g)."""
    (row,) = [one for one in own(region, GEMEENTE) if one["soort"] == "kandidaat.voorgedragen"]
    assert row["richting"] == "verstrekt"
    assert [one["oin"] for one in row["verwerkingsverantwoordelijken"]] == [GEMEENTE]
    assert row["verwerkersovereenkomst"] == "vo-1" and row["art26Regeling"] is None
    assert row["betrokkenen"] == ["kandidaten", "medewerkers"]
    assert row["categorieen"] == ["bsn", "contact", "identiteit", "inzetbaarheid", "medewerker", "opleiding"]
    assert row["doelOmschrijving"] and row["beveiliging"]
    assert row["doorgifteBuitenEu"] is None  # where the computers of who receives are, the hub does not know
    assert [one["toelichting"] for one in row["bewaartermijnen"]] == [
        one.words for one in retention(region.hub.terms, row["soort"], row["doel"])
    ]
    (ground,) = row["grondslagen"]
    assert (ground["basis"], ground["wet"], ground["artikel"]) == ("AVG-6-1-e", "Participatiewet", "7")
    assert row["opToestemming"] == [] and row["dpiaOp"] == "2026-01-05"
    assert (row["geldigVan"], row["geldigTot"]) == ("2025-12-31T23:00:00.000Z", "2027-12-31T23:00:00.000Z")


def test_categories_are_those_of_the_matrix_for_these_roles(region: Region) -> None:
    """No BSN to a school; health with all that touches woonzorg; to a gemeente totals only."""
    by = {(*flow(row)[:3], row["ontvanger"]["oin"]): row for row in own(region, ONTWIKKELBEDRIJF)}
    school = by["ontwikkelbedrijf-mbo", "kandidaat.voorgedragen", "toeleiding", MBO]
    assert "bsn" not in school["categorieen"] and "identiteit" in school["opToestemming"]
    care = by["ontwikkelbedrijf-woonzorg", "leerwerkplek.geplaatst", "opleiden", WOONZORG]
    assert "gezondheid" in care["categorieen"] and "gezondheid" in care["opToestemming"]
    account = by["gemeente-ontwikkelbedrijf", "voortgang.gemeld", "verantwoording", GEMEENTE]
    assert account["categorieen"] == ["leervoortgang"]
    kind = catalogue.by_name("leerwerkplek.geplaatst")
    assert kind is not None
    shown = {c.category for c in catalogue.matrix(kind, Role.KRINGLOOP) if c.category is not None}
    work = by["ontwikkelbedrijf-kringloop", "leerwerkplek.geplaatst", "opleiden", KRINGLOOP]
    assert set(map(Category, work["categorieen"])) == shown


def test_the_hub_as_processor_names_both_controllers(region: Region, command: Callable[..., str]) -> None:
    """AVG art. 30(2)."""
    rows = json.loads(command("--json"))["items"]
    assert all("richting" not in row for row in rows)
    assert {row["verwerker"] for row in rows} == {region.settings.base_url}
    ends = [{o["oin"] for o in row["verwerkingsverantwoordelijken"]} for row in rows]
    assert ends == [{row["verstrekker"]["oin"], row["ontvanger"]["oin"]} for row in rows]
    alone = json.loads(command("--organisatie", KRINGLOOP, "--json"))["items"]
    assert {flow(row) for row in alone} == {one for one in EXPECTED if KRINGLOOP in one}
    table = command("--organisatie", KRINGLOOP)
    assert "leerwerkplek.geplaatst" in table and "2028-01-01" in table and "voorgedragen" not in table


def test_the_spreadsheet_holds_the_same_rows(region: Region) -> None:
    answer = region.call(GEMEENTE, "GET", "/v1/verwerkingsregister?formaat=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.body.startswith("\ufeff".encode()) and b"\r\n" in answer.body
    rows = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline=""), delimiter=";"))
    told = own(region, GEMEENTE)
    assert [row["activiteitId"] for row in rows] == [row["activiteitId"] for row in told]
    (row,) = [one for one in rows if one["soort"] == "kandidaat.voorgedragen"]
    assert row["grondslagen"] == "AVG-6-1-e: Participatiewet artikel 7"
    assert (row["geldigVan"], row["geldigTot"]) == ("2026-01-01", "2028-01-01")
    assert None not in row.values() and row["doorgifteBuitenEu"] == "niet bekend"


def test_a_spreadsheet_is_asked_whole(region: Region) -> None:
    assert region.call(GEMEENTE, "GET", "/v1/verwerkingsregister?formaat=csv&volgende=WyJhIl0").status == 400


def test_a_cell_that_a_spreadsheet_could_run_is_text() -> None:
    from hub.reference.processing.rows import COLUMNS, sheet

    row = dict.fromkeys(COLUMNS) | {"soort": "=cmd()", "doel": " +1", "afspraakId": "gewoon - zo"}
    (cells,) = csv.DictReader(io.StringIO(sheet([row]).decode("utf-8-sig"), newline=""), delimiter=";")
    assert (cells["soort"], cells["doel"], cells["afspraakId"]) == ("'=cmd()", "' +1", "gewoon - zo")


def test_the_register_changes_by_itself(region: Region) -> None:
    """Added without acceptance: nothing. Accepted: there. Its grondslag: named. Ended: gone at once."""
    form = {
        "afspraakId": "nieuw",
        "partijen": [ONTWIKKELBEDRIJF, CERTIFICEERDER],
        "soorten": ["goed-werknemerschap.aangevraagd", "goed-werknemerschap.uitgereikt"],
        "doelen": ["certificeren"],
        "geldigVan": "2026-01-01",
        "geldigTot": None,
        "art26Regeling": "regeling-1",
        "dpiaOp": "2026-01-01",
    }
    region.operate(agreements.add_agreement, forms.agreement(form, region.clock.now().date()))
    assert own(region, CERTIFICEERDER) == []
    for end in (ONTWIKKELBEDRIJF, CERTIFICEERDER):
        region.operate(agreements.accept_agreement, "nieuw", end)
    rows = {row["soort"]: row for row in own(region, CERTIFICEERDER)}
    assert {(name, row["richting"]) for name, row in rows.items()} == {
        ("goed-werknemerschap.aangevraagd", "ontvangt"),
        ("goed-werknemerschap.uitgereikt", "verstrekt"),
    }
    assert {row["art26Regeling"] for row in rows.values()} == {"regeling-1"}
    assert all(row["opToestemming"] for row in rows.values())
    law = ("nieuw", "goed-werknemerschap.aangevraagd", "certificeren", "ontwikkelbedrijf", "certificeerder")
    region.ground("nieuwe-wet", (*law, "beoordeling identiteit"))
    (row,) = [one for one in own(region, CERTIFICEERDER) if one["grondslagen"]]
    assert (row["soort"], [one["grondslagId"] for one in row["grondslagen"]]) == (law[1], ["nieuwe-wet"])
    assert "beoordeling" not in row["opToestemming"]
    region.operate(agreements.end_ground, "nieuwe-wet")
    assert not any(one["grondslagen"] for one in own(region, CERTIFICEERDER))
    region.end_agreement("nieuw")
    assert own(region, CERTIFICEERDER) == []
    assert {flow(row) for row in own(region, ONTWIKKELBEDRIJF)} == {one for one in EXPECTED if ONTWIKKELBEDRIJF in one}
