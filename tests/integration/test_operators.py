"""Acts of operators over HTTP: the forms' faults, the lock, the log with the systeem as operator, and its replay."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError

from consent.log.tables import ledger_payload
from contracts import instants
from contracts.errors import LogUnavailable, TokenInvalid
from contracts.identity import Oin, Role
from hub.administration import agreements
from hub.administration.online.acting import Acting
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.ledger.replay.region import Region as RegionFacts
from hub.ledger.replay.region import Told
from hub.store.database import reading, snapshot
from hub.store.locks import Locks
from hub.store.region.access import Asker
from hub.store.writer import single
from tests import samples
from tests.partners import REGIO
from tests.region import Region, region_on
from tests.samples import CERTIFICEERDER, GEMEENTE, MBO, ONTWIKKELBEDRIJF

FIRST, SECOND = "bureau-een", "bureau-twee"
MARK = "merkteken-7f3a9c"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("beheer")) as made:
        for name in (FIRST, SECOND):
            made.employ(name)
        yield made


def agreement(name: str = "nieuw", **changed: Any) -> dict[str, Any]:
    form = samples.agreement_form() | {"afspraakId": name}
    return {k: v for k, v in (form | changed).items() if v != "weg"}


def ground(name: str = "nieuw", **changed: Any) -> dict[str, Any]:
    form = samples.ground_form(name)
    return {k: v for k, v in (form | changed).items() if v != "weg"}


def logged(region: Region) -> int:
    with reading(region.core.engine) as connection:
        return connection.scalar(select(func.count()).select_from(ledger_payload)) or 0


# -- the forms --------------------------------------------------------------------------------------------------------
AGREEMENTS = "/v1/uitwisselafspraken"
GROUNDS = "/v1/grondslagen"
WRONG: list[tuple[str, dict[str, Any], set[tuple[str, str]]]] = [
    (AGREEMENTS, agreement(doelen=[MARK]), {("doelen[0]", "ONBEKENDE_CODE")}),
    (AGREEMENTS, agreement(soorten=[MARK]), {("soorten[0]", "SOORT_ONBEKEND")}),
    (AGREEMENTS, agreement(geldigTot="2026-01-01"), {("geldigTot", "VOLGORDE")}),
    (AGREEMENTS, agreement(geldigTot="2025-12-31T23:00:00Z"), {("geldigTot", "VOLGORDE")}),  # the same instant
    (AGREEMENTS, agreement(geldigVan=MARK), {("geldigVan", "GEEN_TIJDSTIP")}),
    (AGREEMENTS, agreement(geldigTot="weg"), {("geldigTot", "VERPLICHT")}),
    (AGREEMENTS, agreement(partijen=[GEMEENTE, "00000099000000001234"]), {("partijen", "ORGANISATIE_ONBEKEND")}),
    (AGREEMENTS, agreement(partijen=[GEMEENTE]), {("partijen", "AANTAL")}),
    (AGREEMENTS, agreement(partijen=[GEMEENTE, GEMEENTE]), {("partijen", "DUBBEL")}),
    (AGREEMENTS, agreement(partijen=[GEMEENTE, MARK]), {("partijen[1]", "GEEN_OIN")}),
    (AGREEMENTS, agreement(art26Regeling="weg"), {("art26Regeling", "EEN_VAN_BEIDE")}),
    (AGREEMENTS, agreement(verwerkersovereenkomst="vo"), {("art26Regeling", "EEN_VAN_BEIDE")}),
    (AGREEMENTS, agreement(dpiaOp="2099-01-01"), {("dpiaOp", "IN_TOEKOMST")}),
    (AGREEMENTS, agreement(dpiaOp="2026-02-30"), {("dpiaOp", "GEEN_DATUM")}),
    (AGREEMENTS, agreement(f"{MARK}/"), {("afspraakId", "PATROON")}),
    (AGREEMENTS, agreement(motivering="a\nb"), {("motivering", "LENGTE")}),
    (AGREEMENTS, agreement(extra=MARK), {("extra", "ONBEKEND_VELD")}),
    (AGREEMENTS, agreement(doelen="certificeren", soorten=None), {("doelen", "GEEN_LIJST"), ("soorten", "LEEG")}),
    (GROUNDS, ground(categorieen=[MARK]), {("categorieen[0]", "ONBEKENDE_CODE")}),
    (GROUNDS, ground(doel=MARK), {("doel", "ONBEKENDE_CODE")}),
    (GROUNDS, ground(doel="toeleiding"), {("soorten", "BUITEN_CATALOGUS")}),
    (GROUNDS, ground(doel="dagbesteding"), {("doel", "BUITEN_AFSPRAAK")}),
    (GROUNDS, ground(basis="AVG-6-1-a"), {("basis", "ONBEKENDE_CODE")}),  # consent is no configuration
    (GROUNDS, ground(wettelijkeKaders=[]), {("wettelijkeKaders", "WETTELIJK_KADER")}),
    (GROUNDS, ground(categorieen=["gezondheid"]), {("uavgArtikel", "UAVG_ARTIKEL")}),
    (GROUNDS, ground(geldigVan="2027-01-01", geldigTot="2026-01-01"), {("geldigTot", "VOLGORDE")}),
    (GROUNDS, ground(afspraakId="bestaat-niet"), {("afspraakId", "AFSPRAAK_ONBEKEND")}),
    (GROUNDS, ground(verstrekkerRol="mbo"), {("ontvangerRol", "BUITEN_AFSPRAAK")}),
    (GROUNDS, ground(vastgesteldDoor=SECOND), {("vastgesteldDoor", "ANDERE_OPERATOR")}),
    (GROUNDS, ground(vastgesteldDoor=FIRST, tweedeVaststeller=FIRST), {("tweedeVaststeller", "ZELFDE_PERSOON")}),
    (GROUNDS, {}, {(name, "VERPLICHT") for name in ground()} - {("wettelijkeKaders", "VERPLICHT")}),
]


@pytest.mark.parametrize(("path", "form", "expected"), WRONG, ids=[f"{n}" for n in range(len(WRONG))])
def test_a_wrong_form_is_told_field_by_field(
    region: Region, path: str, form: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    before = logged(region)
    answer = region.call(FIRST, "POST", path, form)
    assert (answer.status, answer.code) == (400, "VERZOEK_ONGELDIG")
    assert {(one["naam"], one["code"]) for one in answer.json["velden"]} == expected
    assert all(one["reden"] for one in answer.json["velden"])
    assert MARK.encode() not in answer.body
    assert logged(region) == before


@pytest.mark.parametrize("path", [AGREEMENTS, GROUNDS])
def test_what_is_no_form_at_all(region: Region, path: str) -> None:
    def told(body: bytes, media: str = "application/json") -> tuple[int, str | None]:
        answer = region.call(FIRST, "POST", path, body, media)
        return answer.status, answer.code

    assert told(b"{") == told(b'{"a": 1, "a": 2}') == (400, "JSON_ONGELDIG")
    assert told(b"[]") == told(b'"x"') == (400, "VERZOEK_ONGELDIG")
    assert told(b"{}", "text/plain") == (415, "MEDIATYPE_ONBEKEND")
    assert told(b" " * 70_000) == (413, "TE_GROOT")


def test_an_acceptance_names_an_oin_and_nothing_else(region: Region) -> None:
    path = f"{AGREEMENTS}/ontwikkelbedrijf-kringloop/aanvaarding"
    for body, field in (({"organisatie": MARK}, "organisatie"), ({"namens": GEMEENTE}, "namens")):
        answer = region.call(FIRST, "POST", path, body)
        assert (answer.status, [one["naam"] for one in answer.json["velden"]]) == (400, [field])
        assert MARK.encode() not in answer.body


def test_a_ground_under_an_ended_agreement(region: Region) -> None:
    region.call(FIRST, "POST", AGREEMENTS, agreement("voorbij")).expect(201)
    region.call(SECOND, "POST", f"{AGREEMENTS}/voorbij/beeindiging").expect(200)
    answer = region.call(FIRST, "POST", GROUNDS, ground(afspraakId="voorbij"))
    assert answer.json["velden"][0]["code"] == "AFSPRAAK_BEEINDIGD"


# -- the log ----------------------------------------------------------------------------------------------------------
def acts(region: Region) -> list[dict[str, Any]]:
    """What operators did, in order, as the log tells it."""
    with snapshot(region.core.engine) as connection:
        found = [e.payload for e in entries(connection, region.core.key_store)]
    return [said for said in found if said is not None and said["soort"] == "beheer"]


def test_every_act_stands_in_the_log_with_its_systeem_and_is_replayed(region: Region) -> None:
    party = region.employ("beheer-mbo", MBO, "mbo")
    at = region.fresh("kringloop")
    before = len(acts(region))
    form = agreement("gelogd", partijen=[ONTWIKKELBEDRIJF, MBO], soorten=["voortgang.gemeld"], doelen=["opleiden"])
    steps = [
        (FIRST, AGREEMENTS, form),
        (party, f"{AGREEMENTS}/gelogd/aanvaarding", None),
        (FIRST, f"{AGREEMENTS}/gelogd/aanvaarding", {"organisatie": ONTWIKKELBEDRIJF}),
        (FIRST, GROUNDS, ground("gelogd")),
        (SECOND, f"{GROUNDS}/gelogd/bevestiging", None),
        (FIRST, f"{GROUNDS}/gelogd/beeindiging", None),
        (SECOND, f"{AGREEMENTS}/gelogd/beeindiging", None),
        (SECOND, f"/v1/organisaties/{at}/schorsing", None),
    ]
    for who, path, body in steps:
        region.call(who, "POST", path, body).expect(200, 201)
        refused = region.call(who, "POST", path, body)  # a repeat changes nothing and is not logged
        assert refused.status in (403, 409)
    found = acts(region)[before:]
    assert [(one["handeling"], one["operator"], one["namens"]) for one in found] == [
        ("afspraak-toegevoegd", FIRST, REGIO),
        ("afspraak-aanvaard", party, MBO),
        ("afspraak-aanvaard", FIRST, REGIO),
        ("grondslag-toegevoegd", FIRST, REGIO),
        ("grondslag-bevestigd", SECOND, REGIO),
        ("grondslag-beeindigd", FIRST, REGIO),
        ("afspraak-beeindigd", SECOND, REGIO),
        ("organisatie-geschorst", SECOND, REGIO),
    ]
    assert [one["organisatie"] for one in found[1:3]] == [MBO, ONTWIKKELBEDRIJF]
    region.wait_signed()
    with snapshot(region.core.engine) as connection:
        report, _ = check(connection, region.core.key_store)
    assert report.findings == []


def test_an_act_by_who_could_not_do_it_is_found_in_the_log() -> None:
    """Pure: the entries are those that an attacker with the log's keys might write."""
    at = "2026-11-22T10:00:00.000Z"
    said = {"op": at, "operator": FIRST, "namens": REGIO}

    def world(**mandate: Any) -> RegionFacts:
        facts = RegionFacts()
        facts.roles = {REGIO: Role.REGIO, GEMEENTE: Role.GEMEENTE, MBO: Role.MBO}
        facts.mandates = {"m": replace(Told(REGIO, FIRST, frozenset({"beheer"}), None, None), **mandate)}
        facts._change(said | {"handeling": "afspraak-toegevoegd", "operator": "jan"} | AGREED)
        facts._change(said | {"handeling": "grondslag-toegevoegd", "operator": "Jan"} | GROUNDED)
        return facts

    ended = {"handeling": "afspraak-beeindigd", "afspraakId": "a"}
    assert world().hear(said | ended) is None  # the control
    wrong = "dat toen niet mocht"
    assert wrong in str(world(system=SECOND).hear(said | ended))
    assert wrong in str(world(scopes=frozenset({"logboek:lezen"})).hear(said | ended))
    then = instants.parse(at)
    assert wrong in str(world(until=then).hear(said | ended))
    assert wrong in str(world(ended_at=then - timedelta(seconds=1)).hear(said | ended))
    suspended = world()
    suspended.suspended[REGIO] = then
    assert wrong in str(suspended.hear(said | ended))
    own = {"handeling": "afspraak-aanvaard", "afspraakId": "a", "organisatie": GEMEENTE, "namens": GEMEENTE}
    assert world(organisation=GEMEENTE).hear(said | own) is None
    assert wrong in str(world(organisation=GEMEENTE).hear(said | own | {"organisatie": MBO}))
    assert wrong in str(world(organisation=GEMEENTE).hear(said | ended | {"namens": GEMEENTE}))
    confirmed = {"handeling": "grondslag-bevestigd", "grondslagId": "g"}
    assert world().hear(said | confirmed) is None
    for same in ("jan", "JAN "):
        command = {"op": at, "operator": same} | confirmed
        assert "door wie haar vaststelde" in str(world().hear(command))


AGREED = {
    "afspraakId": "a",
    "partijen": [GEMEENTE, MBO],
    "soorten": ["voortgang.gemeld"],
    "doelen": ["opleiden"],
    "geldigVan": "2026-01-01T00:00:00.000Z",
}
GROUNDED = {
    "grondslagId": "g",
    "afspraakId": "a",
    "basis": "AVG-6-1-e",
    "wettelijkeKaders": ["Pwet"],
    "soorten": ["voortgang.gemeld"],
    "doel": "opleiden",
    "verstrekkerRol": "mbo",
    "ontvangerRol": "gemeente",
    "categorieen": ["leervoortgang"],
    "geldigVan": "2026-01-01T00:00:00.000Z",
}


def test_what_cannot_be_logged_is_not_done(region: Region) -> None:
    """Promise 10: without its entry the change is not there either."""
    region.call(FIRST, "POST", AGREEMENTS, agreement("blijft")).expect(201)

    def refuse(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.startswith("INSERT INTO ledger_payload"):
            raise OperationalError("", {}, Exception("disk full"))

    event.listen(region.core.engine, "before_cursor_execute", refuse)
    try:
        refused = region.call(FIRST, "POST", f"{AGREEMENTS}/blijft/beeindiging")
    finally:
        event.remove(region.core.engine, "before_cursor_execute", refuse)
    assert (refused.status, refused.code) == (503, LogUnavailable.code)
    assert refused.headers["retry-after"]
    assert region.call(FIRST, "POST", f"{AGREEMENTS}/blijft/beeindiging").expect(200)["beeindigdOp"]


def test_an_act_needs_the_machtiging_when_it_is_written(region: Region) -> None:
    """Not only when the call came in: it may have ended while the act waited for its turn."""
    name = region.employ("bureau-kort")
    region.call(FIRST, "POST", AGREEMENTS, agreement("kort")).expect(201)
    asker = Asker(Oin(REGIO), name, "beheer")
    acting = Acting(asker, region.hub.writer, region.hub.evidence)

    def accept(party: str) -> Any:
        return acting.operate(lambda tx, act: agreements.accept_agreement(tx, act, "kort", Oin(party)))

    accept(ONTWIKKELBEDRIJF)  # the control
    region.end_mandate(name)
    before = logged(region)
    with pytest.raises(TokenInvalid):
        accept(CERTIFICEERDER)
    with pytest.raises(TokenInvalid):
        acting.accept("kort", Oin(CERTIFICEERDER))
    assert logged(region) == before


# -- the lock ---------------------------------------------------------------------------------------------------------
def test_an_act_waits_for_whoever_decides_now(region: Region) -> None:
    """Under the shared lock `regels` somebody decides; the end of the agreement comes behind it, never beside it."""
    region.call(FIRST, "POST", AGREEMENTS, agreement("wacht")).expect(201)
    region.token(SECOND)
    answered = threading.Event()

    def end() -> None:
        region.call(SECOND, "POST", f"{AGREEMENTS}/wacht/beeindiging").expect(200)
        answered.set()

    thread = threading.Thread(target=end)

    def decide(_tx: Any) -> bool:
        thread.start()
        return answered.wait(0.7)

    assert not single(region.core.transactions, decide, Locks())
    assert answered.wait(10)
    thread.join()
