"""Wissing (AVG art. 17): an organisation's own content at once, a person as a whole by a case at the contactpunt."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from consent import audit
from consent.keys import content_key, evidence_key
from consent.log import reading as log
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.administration import installation
from hub.keys.erasure_list import ErasureList, content_of
from hub.ledger.evidence import Fact, bound
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.tables import erasure, erasure_request, person_ref
from tests import samples
from tests.erasing import contactpunt, who
from tests.officers import JOIN, both
from tests.partners import Answer, Person
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, KRINGLOOP_2, MBO

WISH = {"omvang": "eigen", "reden": "toestemming-ingetrokken", "kenmerk": "W-2026-17"}
WHOLE = {"omvang": "geheel", "reden": "niet-meer-nodig", "kenmerk": "G-1"}
NOT_FOUND = (404, "NIET_GEVONDEN")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("wissing")) as made:
        yield made


@pytest.fixture(scope="module")
def point(region: Region) -> str:
    return contactpunt(region)


@dataclass(frozen=True)
class Case:
    """Somebody about whom ``at`` reported to ``guide``: one report was given, one waits."""

    region: Region
    person: Person
    at: str
    event: dict[str, Any]
    waiting: dict[str, Any]

    @property
    def guide(self) -> str:
        return self.person.guide

    @property
    def handle(self) -> PersonId:
        return who(self.region, self.person.refs[self.at])

    def wish(self, by: str | None = None, **form: str) -> Answer:
        party = by or self.at
        return self.region.call(party, "POST", f"/v1/kandidaten/{self.person.refs[party]}/wissing", WISH | form)

    def readable(self) -> set[str]:
        """Whose content can still be read."""
        found = self.region.core.key_store.find(self.region.core.key_store.of_persons([self.handle]))
        return {name.rpartition("/")[2] for name in found if name.startswith("inhoud/")}

    def asked(self, party: str, kind: str = "wissing") -> dict[str, Any]:
        """The open zaak of this kind that came last."""
        listed = self.region.call(party, "GET", f"/v1/zaken?soort={kind}&open=true").expect(200)["items"]
        return dict(listed[-1])

    def answer(self, party: str, zaak: str, **form: str) -> Answer:
        return self.region.call(party, "POST", f"/v1/zaken/{zaak}/antwoord", form)

    def seen(self, party: str, wissing: str) -> dict[str, Any]:
        return dict(self.region.call(party, "GET", f"/v1/wissingen/{wissing}").expect(200))


@pytest.fixture
def case(region: Region) -> Case:
    return make(region)


def make(region: Region) -> Case:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    event = region.report(person, at)
    region.send(at, event).expect(202)
    region.collect(guide)
    waiting = region.report(person, at, 2)
    region.send(at, waiting).expect(202)
    return Case(region, person, at, event, waiting)


def findings(region: Region) -> list[Any]:
    with snapshot(region.core.engine) as connection:
        return list(check(connection, region.core.key_store)[0].findings)


def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


# -- eigen ------------------------------------------------------------------------------------------------------------
def test_the_own_content_goes_at_once_and_who_got_it_is_asked(case: Case) -> None:
    region = case.region
    done = case.wish().expect(200)
    assert (done["omvang"], done["status"], done["kenmerk"]) == ("eigen", "gewist", "W-2026-17")
    assert done["vernietigd"] == {"berichten": 2, "sleutels": 1}
    assert [(one["ontvanger"], one["soort"]) for one in done["gevraagd"]] == [(case.guide, "verwijdering.gevraagd")]
    assert (done["kennisgevingen"], done["verwerkingsverantwoordelijken"]) == (1, None)
    at = instants.parse(done["tijdstip"])
    assert done["inhoudTot"] == done["afgerondOp"] == done["tijdstip"]
    assert instants.parse(done["bewijsTot"]).year == at.year + 5
    assert re.fullmatch(r"[\w-]+\.\.[\w-]+", done["handtekening"])
    assert case.readable() == {case.guide}
    (notice,) = region.collect(case.guide)  # the one that waited never came
    assert notice["data"]["code"] == "wissing" and notice["subject"] == case.person.refs[case.guide]
    assert [one["id"] for one in notice["data"]["berichten"]] == [case.event["id"]]
    zaak = notice["data"]["zaakId"]
    region.call(case.guide, "POST", f"/v1/zaken/{zaak}/antwoord", {"antwoord": "verwijderd"}).expect(200)
    assert case.seen(case.at, done["wissingId"])["gevraagd"][0]["antwoord"] == "verwijderd"
    assert findings(region) == []


def test_what_was_handed_out_becomes_ingetrokken(case: Case) -> None:
    (first,) = case.region.fetch(case.guide)
    case.wish().expect(200)
    again, notice = case.region.fetch(case.guide)
    assert again["sequence"] == first["sequence"] and again["type"].endswith("bericht.ingetrokken.v1")
    assert len(notice["data"]["berichten"]) == 2


def test_a_repeat_of_a_message_answers_410_and_its_fate_is_gewist(case: Case) -> None:
    message = case.region.send(case.at, case.event).expect(202)["ontvangstbewijs"]["berichtId"]
    case.wish().expect(200)
    for event in (case.event, case.waiting):
        assert told(case.region.send(case.at, event)) == (410, "BERICHT_VERVALLEN")
    assert case.region.fate(case.at, message) == {case.guide: "gewist"}


def test_the_ref_names_nobody_and_the_others_go_on(case: Case) -> None:
    region, ref = case.region, case.person.refs[case.at]
    case.wish().expect(200)
    assert told(region.call(case.at, "POST", f"/v1/kandidaten/{ref}/stopverzoek")) == NOT_FOUND
    assert told(region.call(case.at, "GET", f"/v1/toestemmingen?kandidaatRef={ref}")) == NOT_FOUND
    assert ref not in str(region.call(case.at, "GET", "/v1/toestemmingen").expect(200))
    cases = region.call(case.at, "GET", "/v1/zaken").expect(200)["items"]
    assert all((z["kandidaatRef"], z["kandidaatRefReden"]) == (None, "gewist") for z in cases)
    assert told(region.send(case.at, region.report(case.person, case.at, 3))) == (403, "GEEN_GRONDSLAG")
    other = case.person.refs[case.guide]
    assert region.call(case.guide, "GET", f"/v1/toestemmingen?kandidaatRef={other}").expect(200)["items"]


def test_who_erased_is_involved_no_longer_and_what_waits_for_it_stops(case: Case) -> None:
    """Only an opening message makes it so again: then under another ref, and with a key of its own."""
    region = case.region
    ref = case.person.refs[case.guide]
    region.consent(case.guide, ref, [case.at], "trajectbegeleiding", "leervoortgang")
    data = samples.voortgang(plaatsing=f"plaatsing-{case.at[-6:]}")
    event = region.event(case.guide, "voortgang.gemeld", ref, data, doel="trajectbegeleiding", ontvanger=case.at)
    region.call(case.guide, "POST", "/v1/vooraf-controles", event, "application/cloudevents+json").expect(200)
    old = case.person.refs[case.at]
    case.wish().expect(200)
    assert region.collect(case.at) == []
    region.send(case.guide, region.placing(case.person, case.at)).expect(202)
    (placed,) = region.collect(case.at)
    assert placed["subject"] != old and placed["data"]["kandidaat"].get("kandidaatRef") in (None, placed["subject"])
    case.person.refs[case.at] = placed["subject"]
    refused = region.send(case.at, region.report(case.person, case.at, 3))
    assert told(refused) == (403, "GEEN_GRONDSLAG")  # the yes of before does not revive
    region.allow_reports(case.person, case.at)
    region.send(case.at, region.report(case.person, case.at, 4)).expect(202)
    found = [event for event in region.collect(case.guide) if event["type"].endswith("voortgang.gemeld.v1")]
    assert [event["subject"] for event in found] == [case.person.refs[case.guide]]
    assert told(region.call(case.at, "POST", f"/v1/kandidaten/{old}/stopverzoek")) == NOT_FOUND
    assert findings(region) == []
    again = case.wish(kenmerk="W-2").expect(200)  # and it may erase that too
    assert again["vernietigd"] == {"berichten": 1, "sleutels": 1}
    assert [len(one["data"]["berichten"]) for one in region.collect(case.guide)] == [1]  # of the new one
    assert findings(region) == []


def test_of_a_yes_that_others_rest_on_too_the_own_part_ends(case: Case) -> None:
    region, ref = case.region, case.person.refs[case.guide]
    shared = {"verstrekkers": [case.guide, case.at], "ontvangers": [MBO]}
    said = region.consent(case.guide, ref, [MBO], "trajectbegeleiding", "leervoortgang", **shared)
    region.call(case.at, "POST", f"/v1/toestemmingen/{said}/bevestiging").expect(200)
    case.wish().expect(200)
    now = region.call(case.guide, "GET", f"/v1/toestemmingen/{said}").expect(200)
    assert now["status"] == "gegeven" and [one["verstrekker"] for one in now["bevestigd"]] == [case.guide]
    assert findings(region) == []


def test_registering_again_by_bsn_gives_somebody_unknown(region: Region) -> None:
    known = {"bsn": BSN, "lokaalNummer": "W-9"}
    ref = region.register(GEMEENTE, **known)
    region.open_trajectory(GEMEENTE, ref)
    region.call(GEMEENTE, "POST", f"/v1/kandidaten/{ref}/wissing", WISH).expect(200)
    again = region.call(GEMEENTE, "POST", "/v1/kandidaten", known)
    assert again.status == 201 and again.json["kandidaatRef"] != ref
    assert who(region, again.json["kandidaatRef"]) != who(region, ref)
    found = region.call(GEMEENTE, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "W-9"}).expect(200)
    assert found == again.json


def test_of_joined_persons_all_handles_go_and_they_may_be_joined_again(region: Region) -> None:
    """The gemeente and the ontwikkelbedrijf registered the same BSN; an opening message that bears it joined them."""
    guide, _ = region.pair()
    bsn, terms = samples.OTHER_BSN, "identiteit bsn contact opleiding inzetbaarheid"
    roles = ("kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf", terms)
    region.ground(f"voordracht-{guide}", (f"gemeente-{guide}", *roles))
    theirs, mine = region.register(GEMEENTE, bsn=bsn), region.register(guide, bsn=bsn)
    trajectory = region.open_trajectory(GEMEENTE, theirs)

    def present() -> str:
        data = samples.voorgedragen(theirs, bsn=bsn)
        data["traject"]["trajectId"] = trajectory
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", theirs, data, ontvanger=guide)
        region.send(GEMEENTE, event).expect(202)
        return str(region.collect(guide)[-1]["subject"])

    assert present() == mine
    handles = {who(region, theirs), who(region, mine)}
    region.call(guide, "POST", f"/v1/kandidaten/{mine}/wissing", WISH).expect(200)
    names = {content_key(handle, Oin(guide)) for handle in handles}
    assert len(handles) == 2 and region.core.key_store.destroyed(names) == names
    assert findings(region) == []
    again = region.register(guide, bsn=bsn)
    assert again != mine and who(region, again) not in handles
    assert present() == again  # joined anew, by a message that both hold the BSN of
    assert findings(region) == []
    assert told(region.call(guide, "POST", f"/v1/kandidaten/{mine}/stopverzoek")) == NOT_FOUND


def test_who_sent_nothing_erases_what_it_has(region: Region) -> None:
    """A registration alone: nothing was sent, the number and its key go."""
    ref = region.register(GEMEENTE, lokaalNummer="W-10")
    done = region.call(GEMEENTE, "POST", f"/v1/kandidaten/{ref}/wissing", WISH).expect(200)
    assert done["vernietigd"] == {"berichten": 0, "sleutels": 1} and done["gevraagd"] == []
    assert told(region.call(GEMEENTE, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "W-10"})) == NOT_FOUND


def test_a_repeat_tells_the_same_again_and_nobody_else_is_told(case: Case) -> None:
    first = case.wish().expect(200)
    size = len(ErasureList(installation.erasures(case.region.settings)).read())
    for form in ({}, {"kenmerk": "een ander"}):
        again = case.wish(**form).expect(200)
        assert {k: v for k, v in again.items() if k != "handtekening"} == {
            k: v for k, v in first.items() if k != "handtekening"
        }
    assert len(ErasureList(installation.erasures(case.region.settings)).read()) == size
    path = f"/v1/kandidaten/{case.person.refs[case.at]}/wissing"
    for other in (case.guide, KRINGLOOP_2, MBO):
        assert told(case.region.call(other, "POST", path, WISH)) == NOT_FOUND
        assert told(case.region.call(other, "GET", f"/v1/wissingen/{first['wissingId']}")) == NOT_FOUND
    assert told(case.wish(omvang="geheel")) in (NOT_FOUND, (409, "STAAT_ONGELIJK"))
    assert findings(case.region) == []


def test_two_at_once_are_one(case: Case) -> None:
    answers: list[Answer] = []
    case.region.token(case.at)
    threads = [threading.Thread(target=lambda: answers.append(case.wish())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.expect(200)["wissingId"] for answer in answers} == {answers[0].json["wissingId"]}
    assert len(case.region.collect(case.guide)) == 1 and findings(case.region) == []


def test_accepting_and_releasing_beside_it_never_leaves_something_readable(region: Region) -> None:
    """Messages keep coming while it is erased: each is refused, or is among what went; none is given after it."""
    case = make(region)
    answers: list[Answer] = []
    gave: list[dict[str, Any]] = []
    stop = threading.Event()
    for party in (case.at, case.guide):
        region.token(party)

    def send() -> None:
        for number in range(100, 160):
            answers.append(region.send(case.at, region.report(case.person, case.at, number)))
            if stop.is_set():
                return

    def fetch() -> None:
        while not stop.is_set():
            gave.extend(region.collect(case.guide))

    threads = [threading.Thread(target=send), threading.Thread(target=fetch)]
    for thread in threads:
        thread.start()
    while len(answers) < 5:
        stop.wait(0.01)
    done = case.wish().expect(200)
    stop.wait(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    accepted = [answer for answer in answers if answer.status == 202]
    assert {told(answer) for answer in answers if answer.status != 202} <= {(403, "GEEN_GRONDSLAG")}
    assert done["vernietigd"]["berichten"] == 2 + len(accepted)
    assert all("data" not in event or "zaakId" in event["data"] for event in region.fetch(case.guide))
    assert case.at not in case.readable() and findings(region) == []


BAD: list[tuple[dict[str, Any], str]] = [
    ({"omvang": "alles"}, "omvang"),
    ({"reden": "zomaar"}, "reden"),
    ({"reden": None}, "reden"),
    ({"kenmerk": ""}, "kenmerk"),
    ({"kenmerk": "k" * 65}, "kenmerk"),
    ({"kenmerk": 7}, "kenmerk"),
    ({"onbekend": "waarde"}, "onbekend"),
]


def test_a_bad_request_names_the_field_and_erases_nothing(case: Case) -> None:
    path = f"/v1/kandidaten/{case.person.refs[case.at]}/wissing"
    for form, field in BAD:
        answer = case.region.call(case.at, "POST", path, WISH | form)
        assert told(answer) == (400, "VERZOEK_ONGELDIG"), field
        assert [one["naam"] for one in answer.json["velden"]] == [field]
        values = [str(value) for value in form.values() if value not in (None, "", 7)]
        assert all(value not in answer.body.decode() for value in values)
    assert case.at in case.readable()


@pytest.mark.parametrize(("port", "when"), [("keys.destroy", "before"), ("keys.destroy", "after")])
def test_what_could_not_be_finished_says_so_and_the_repeat_finishes_it(case: Case, port: str, when: str) -> None:
    case.region.faults.arm(port, when, times=50)  # whoever tries
    answer = case.wish()
    assert told(answer) == (503, "NIET_BESCHIKBAAR") and answer.headers["retry-after"] == "60"
    assert any("niet afgemaakt" in found.reason for found in findings(case.region))
    case.region.faults.disarm()
    assert told(case.region.send(case.at, case.waiting)) == (410, "BERICHT_VERVALLEN")
    case.wish().expect(200)
    assert case.at not in case.readable() and findings(case.region) == []


# -- the statement ----------------------------------------------------------------------------------------------------
def test_the_statement_says_what_went_and_its_entry_proves_it(case: Case, tmp_path: Path) -> None:
    region = case.region
    done = case.wish().expect(200)
    path = f"/v1/wissingen/{done['wissingId']}/vernietigingsverklaring"
    region.wait_signed()
    said = region.call(case.at, "GET", path).expect(200)
    assert (said["organisatie"], said["naam"]) == (case.at, f"kringloop {case.at[-4:]}")
    assert (said["vernietigd"], said["kenmerk"], said["reden"]) == (done["vernietigd"], WISH["kenmerk"], WISH["reden"])
    name = content_key(case.handle, Oin(case.at))
    assert len(said["sleutels"]) == 1 and case.handle not in json.dumps(said) and name not in json.dumps(said)
    proof = region.call(case.at, "GET", f"/v1/wissingen/{done['wissingId']}/bewijs")
    assert proof.status == 200 and f"index {said['logboek']['vermelding']}\n" in proof.body.decode()
    page = region.call(case.at, "GET", f"{path}?formaat=brief")
    assert (
        page.headers["content-type"].startswith("text/html") and "script" not in page.headers["content-security-policy"]
    )
    text = page.body.decode()
    for word in ("2 berichten", said["naam"], WISH["kenmerk"], said["logboek"]["bladHash"], said["sleutels"][0]):
        assert word in text
    assert told(region.call(case.guide, "GET", path)) == NOT_FOUND
    key = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).body.decode().strip()
    paths = {name: tmp_path / name for name in ("proof", "key", "jwks", "statement", "page", "log")}
    jwks = region.request("GET", "/.well-known/jwks.json", None, {}).body
    for name, raw in (("proof", proof.body), ("key", key.encode()), ("jwks", jwks), ("page", page.body)):
        paths[name].write_bytes(raw)
    with reading(region.core.engine) as connection:
        log.export(connection, paths["log"])

    def audited(raw: bytes, *beside: str) -> int:
        paths["statement"].write_bytes(raw)
        given = ("--receipt", paths["statement"], "--key", paths["key"], "--jwks", paths["jwks"])
        return audit.main([*map(str, given), *beside, "--json"])

    raw = region.call(case.at, "GET", path).body
    for beside in (("--proof", str(paths["proof"])), ("--folder", str(paths["log"]))):
        assert audited(raw, *beside) == 0
        for part in (said["logboek"]["bladHash"], said["reden"], said["sleutels"][0]):
            assert audited(raw.replace(part.encode(), part[:-1].encode() + b"!"), *beside) == 1
        assert audited(page.body, *beside) == 2  # a letter is for people


def test_the_statement_waits_until_it_is_true(case: Case) -> None:
    """Not before the keys are gone."""
    done = case.wish().expect(200)
    case.region.wait_signed()
    path = f"/v1/wissingen/{done['wissingId']}/vernietigingsverklaring"
    with case.region.core.engine.begin() as connection:
        mine = erasure.c.erasure_id == done["wissingId"]
        at = connection.scalar(select(erasure.c.done_at).where(mine))
        connection.execute(update(erasure).where(mine).values(done_at=None))
    answer = case.region.call(case.at, "GET", path)
    assert told(answer) == NOT_FOUND and answer.headers["retry-after"] == "5"
    with case.region.core.engine.begin() as connection:
        connection.execute(update(erasure).where(mine).values(done_at=at))
    case.region.call(case.at, "GET", path).expect(200)


@pytest.mark.parametrize("joined", [False, True])
def test_the_statement_does_not_tell_with_how_many_others_a_person_was_joined(case: Case, joined: bool) -> None:
    region, handles = case.region, {case.handle}
    if joined:  # by the guide, which registered the person twice
        second = region.register(case.guide)
        both(region, JOIN, (case.guide, case.person.refs[case.guide]), (case.guide, second))
        handles.add(who(region, second))
    done = case.wish().expect(200)
    region.wait_signed()
    path = f"/v1/wissingen/{done['wissingId']}/vernietigingsverklaring"
    mine = region.call(case.at, "GET", path).expect(200)["sleutels"]
    assert mine == [sha256(content_key(case.handle, Oin(case.at)).encode()).hexdigest()]
    theirs = region.call(case.guide, "POST", f"/v1/kandidaten/{case.person.refs[case.guide]}/wissing", WISH).expect(200)
    region.wait_signed()  # who registered both knows both
    path = f"/v1/wissingen/{theirs['wissingId']}/vernietigingsverklaring"
    assert len(region.call(case.guide, "GET", path).expect(200)["sleutels"]) == len(handles)


# -- geheel -----------------------------------------------------------------------------------------------------------
def test_without_a_contactpunt_it_cannot_be_carried_out(tmp_path: Path) -> None:
    region = Region(tmp_path)
    try:
        case = make(region)
        for ref in (case.person.refs[case.at], "z" * 26):  # whoever it is
            answer = region.call(case.at, "POST", f"/v1/kandidaten/{ref}/wissing", WHOLE)
            assert told(answer) == (409, "STAAT_ONGELIJK") and "contactpunt" in answer.json["detail"]
    finally:
        region.stop()


def test_all_controllers_erase_and_the_person_is_gone(case: Case, point: str) -> None:
    region = case.region
    asked = case.wish(**WHOLE)
    assert asked.status == 202 and asked.json["status"] == "bij-contactpunt" and asked.json["afgerondOp"] is None
    wissing, due = asked.json["wissingId"], instants.parse(asked.json["uiterlijkOp"])
    assert timedelta(days=28) <= due - instants.parse(asked.json["tijdstip"]) <= timedelta(days=31)
    assert case.readable() == {case.at, case.guide}  # nothing happened yet
    region.send(case.at, region.report(case.person, case.at, 5)).expect(202)  # and an open case holds nothing back
    zaak = case.asked(point, "wissing-verzoek")
    assert (zaak["oorzaak"], zaak["verstrekker"], zaak["uiterlijkOp"]) == (wissing, case.at, asked.json["uiterlijkOp"])
    case.answer(point, zaak["id"], antwoord="gehonoreerd").expect(200)
    shown = case.seen(point, wissing)
    parties_asked = {one["organisatie"]: one for one in shown["verwerkingsverantwoordelijken"]}
    assert parties_asked.keys() == {case.at, case.guide} and shown["status"] == "gevraagd"
    for party, last in ((case.at, False), (case.guide, True)):
        mine = case.asked(party)
        assert (mine["kandidaatRef"], mine["oorzaak"]) == (case.person.refs[party], None)
        assert mine["id"] == parties_asked[party]["zaakId"]
        case.answer(party, mine["id"], antwoord="gewist").expect(200)
        assert (party in case.readable(), case.seen(case.at, wissing)["status"] == "gewist") == (False, last)
    assert content_of(case.handle) in ErasureList(installation.erasures(region.settings)).read()
    assert region.core.key_store.find([evidence_key(case.handle)])  # the evidence goes at its own date
    for party, ref in case.person.refs.items():
        assert told(region.call(party, "POST", f"/v1/kandidaten/{ref}/stopverzoek")) == NOT_FOUND
    (notice,) = region.collect(case.guide)  # what asks it to delete goes out also now, and is answered
    assert notice["data"]["code"] == "wissing" and notice["subject"] == case.person.refs[case.guide]
    case.answer(case.guide, notice["data"]["zaakId"], antwoord="verwijderd").expect(200)
    shown = case.seen(point, wissing)
    assert {one["antwoord"] for one in shown["verwerkingsverantwoordelijken"]} == {"gewist"}
    assert shown["status"] == "gewist" and shown["inhoudTot"] and shown["bewijsTot"] and shown["kenmerk"] == "G-1"
    assert shown["vernietigd"] == {"berichten": 4, "sleutels": 2}
    region.wait_signed()
    for party in (case.at, case.guide):
        said = parties_asked[party]["zaakId"]
        path = f"/v1/wissingen/{said}/vernietigingsverklaring"
        mine, seen = (region.call(viewer, "GET", path).expect(200) for viewer in (party, point))
        assert mine["organisatie"] == party and mine["bewijsTot"] == seen["bewijsTot"] is not None
    whole = region.call(point, "GET", f"/v1/wissingen/{wissing}/vernietigingsverklaring").expect(200)
    assert whole["organisatie"] is None
    again = case.wish(**WHOLE).expect(200)
    assert (again["wissingId"], again["status"]) == (wissing, "gewist")
    assert findings(region) == []


def test_one_that_keeps_its_own_says_why_and_the_person_stays(case: Case, point: str) -> None:
    region = case.region
    wissing = case.wish(**WHOLE).json["wissingId"]
    case.answer(point, case.asked(point, "wissing-verzoek")["id"], antwoord="gehonoreerd").expect(200)
    zaak = case.asked(case.guide)["id"]
    for form, field in (
        ({}, "grond"),
        ({"grond": "zomaar", "motivering": "Omdat."}, "grond"),
        ({"grond": "rechtsvordering"}, "motivering"),
    ):
        answer = case.answer(case.guide, zaak, antwoord="behouden", **form)
        assert told(answer) == (400, "VERZOEK_ONGELDIG") and [v["naam"] for v in answer.json["velden"]] == [field]
    why = {"grond": "wettelijke-verplichting", "motivering": "De Archiefwet vraagt dit."}
    case.answer(case.guide, zaak, antwoord="behouden", **why).expect(200)
    own = {"antwoord": "gewist", "motivering": "Er is geen grond\nom ze te houden."}
    case.answer(case.at, case.asked(case.at)["id"], **own).expect(200)
    shown = case.seen(point, wissing)
    gone = next(one for one in shown["verwerkingsverantwoordelijken"] if one["organisatie"] == case.at)
    assert (gone["antwoord"], gone["grond"], gone["motivering"]) == ("gewist", None, own["motivering"])
    kept = next(one for one in shown["verwerkingsverantwoordelijken"] if one["organisatie"] == case.guide)
    assert (shown["status"], kept["antwoord"], kept["grond"]) == ("behouden", "behouden", why["grond"])
    assert kept["motivering"] == why["motivering"] and kept["inhoudTot"] is None
    mine = case.seen(case.at, wissing)  # who asked is not told who else holds something
    assert (
        mine["verwerkingsverantwoordelijken"] is None
        and case.guide not in [z["ontvanger"] for z in mine["gevraagd"]][1:]
    )
    assert case.readable() == {case.guide}
    region.call(case.guide, "POST", f"/v1/kandidaten/{case.person.refs[case.guide]}/stopverzoek").expect(200)
    assert findings(region) == []


def test_a_contactpunt_may_refuse_with_a_motivation(case: Case, point: str) -> None:
    wissing = case.wish(**WHOLE).json["wissingId"]
    zaak = case.asked(point, "wissing-verzoek")["id"]
    answer = case.answer(point, zaak, antwoord="afgewezen")
    assert told(answer) == (400, "VERZOEK_ONGELDIG") and answer.json["velden"][0]["naam"] == "motivering"
    case.answer(point, zaak, antwoord="afgewezen", motivering="De identiteit is niet vastgesteld.").expect(200)
    assert case.seen(case.at, wissing)["status"] == "afgewezen"
    assert told(case.answer(point, zaak, antwoord="gehonoreerd")) == (409, "STAAT_ONGELIJK")
    assert case.wish(**WHOLE).json["wissingId"] == wissing  # the very same has its answer
    again = case.wish(**WHOLE | {"kenmerk": "W-opnieuw"}).json  # the person may ask again
    assert again["wissingId"] != wissing and case.readable() == {case.at, case.guide}
    assert findings(case.region) == []


def test_only_the_scope_of_the_whole_picture_carries_it_out(case: Case, point: str) -> None:
    region = case.region
    case.wish(**WHOLE).expect(202)
    zaak = case.asked(point, "wissing-verzoek")["id"]
    region.parties[point].limit("toestemmingen:beheren toestemmingen:lezen")
    assert told(case.answer(point, zaak, antwoord="gehonoreerd")) == (403, "SCOPE_ONTBREEKT")
    region.parties[point].limit("")
    for other in (case.guide, case.at, KRINGLOOP_2):
        assert told(case.answer(other, zaak, antwoord="gehonoreerd")) == NOT_FOUND
    assert case.readable() == {case.at, case.guide}
    case.answer(point, zaak, antwoord="gehonoreerd").expect(200)


def test_a_contactpunt_that_knows_the_person_carries_it_out_itself(region: Region, point: str) -> None:
    """By its own ref; without anybody who holds content the person is gone at once."""
    known = region.register(GEMEENTE)
    with region.core.engine.begin() as connection:  # the office has no traject: it knows the person by other means
        own = {"ref": "q2w3e4r5t6y7u2i3o4p5a6s7d2"[:26], "organisation": point, "person_id": who(region, known)}
        connection.execute(person_ref.insert().values(own))
        said = {"soort": "registratie", "op": "2026-11-22T12:00:00.000Z", "organisatie": point, "metBsn": False}
        region.core.evidence.append(connection, [Fact(own["person_id"], said | bound("ref", own["ref"]))])
    done = region.call(point, "POST", f"/v1/kandidaten/{own['ref']}/wissing", WHOLE).expect(200)
    assert (done["status"], done["verwerkingsverantwoordelijken"]) == ("gewist", [])
    assert told(region.call(GEMEENTE, "POST", f"/v1/kandidaten/{known}/wissing", WISH)) == NOT_FOUND
    assert findings(region) == []


def test_who_was_never_involved_asks_nothing_for_others(region: Region, point: str) -> None:
    ref = region.register(GEMEENTE)
    assert told(region.call(GEMEENTE, "POST", f"/v1/kandidaten/{ref}/wissing", WHOLE)) == NOT_FOUND
    region.open_trajectory(GEMEENTE, ref)  # the control
    assert region.call(GEMEENTE, "POST", f"/v1/kandidaten/{ref}/wissing", WHOLE).status == 202


def test_who_begins_to_hold_content_meanwhile_is_asked_too(case: Case, point: str) -> None:
    """The school becomes involved while the case is open: without its answer nobody is erased as a whole."""
    region = case.region
    wissing = case.wish(**WHOLE).json["wissingId"]
    case.answer(point, case.asked(point, "wissing-verzoek")["id"], antwoord="gehonoreerd").expect(200)
    case.answer(case.at, case.asked(case.at)["id"], antwoord="gewist").expect(200)
    region.send(case.guide, region.placing(case.person, case.at)).expect(202)  # and the workplace begins anew
    case.person.refs[case.at] = region.collect(case.at)[-1]["subject"]
    region.allow_reports(case.person, case.at)
    region.send(case.at, region.report(case.person, case.at, 6)).expect(202)
    case.answer(case.guide, case.asked(case.guide)["id"], antwoord="gewist").expect(200)
    assert case.seen(point, wissing)["status"] == "gevraagd"
    mine = case.asked(case.at)
    assert mine["kandidaatRef"] == case.person.refs[case.at]
    case.answer(case.at, mine["id"], antwoord="gewist").expect(200)
    assert case.seen(point, wissing)["status"] == "gewist" and findings(region) == []


def test_erasing_ones_own_answers_the_zaak_that_asks_for_it(case: Case, point: str) -> None:
    wissing = case.wish(**WHOLE).json["wissingId"]
    case.answer(point, case.asked(point, "wissing-verzoek")["id"], antwoord="gehonoreerd").expect(200)
    zaak = case.asked(case.guide)["id"]
    case.wish(case.guide).expect(200)
    assert told(case.answer(case.guide, zaak, antwoord="behouden", grond="rechtsvordering", motivering="x")) == (
        409,
        "STAAT_ONGELIJK",
    )
    case.wish().expect(200)
    assert case.seen(point, wissing)["status"] == "gewist" and findings(case.region) == []


def test_two_requests_at_once_end_together(case: Case, point: str) -> None:
    first = case.wish(**WHOLE).json["wissingId"]
    second = case.wish(case.guide, **WHOLE).json["wissingId"]
    for _ in range(2):
        case.answer(point, case.asked(point, "wissing-verzoek")["id"], antwoord="gehonoreerd").expect(200)
    for party in (case.at, case.guide):
        case.answer(party, case.asked(party)["id"], antwoord="gewist").expect(200)
    assert [case.seen(point, one)["status"] for one in (first, second)] == ["gewist", "gewist"]
    assert findings(case.region) == []


# -- the replay -------------------------------------------------------------------------------------------------------
COLUMNS = {"organisation": MBO, "scope": "eigen", "reason": "bezwaar", "status": "gewist", "point": MBO}
MOMENTS = ("at", "closed_at")


def test_a_request_that_was_changed_by_hand_is_found(case: Case, point: str) -> None:
    region = case.region
    wissing = case.wish(**WHOLE).json["wissingId"]
    case.answer(point, case.asked(point, "wissing-verzoek")["id"], antwoord="gehonoreerd").expect(200)
    later = region.clock.now() + timedelta(hours=1)
    mine = erasure_request.c.request_id == wissing
    assert findings(region) == []
    for column, value in (COLUMNS | dict.fromkeys(MOMENTS, later)).items():
        with region.core.engine.connect() as connection, connection.begin() as attempt:
            assert connection.execute(update(erasure_request).where(mine).values({column: value})).rowcount == 1
            report, _ = check(connection, region.core.key_store)
            attempt.rollback()
        assert [one.place for one in report.findings] == [f"erasure_request {wissing}"], column
