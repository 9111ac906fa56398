"""Terugroeping: a wrong message is stopped wherever it is, its receivers are asked, its sender accounts for it."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from consent.store.tables import involvement
from contracts import instants
from contracts.identity import Oin
from hub.administration.replay import buried_ids, replay_some
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.tables import delivery
from hub.store.traffic import recalls
from tests import samples
from tests.erasing import erase, who
from tests.partners import Answer, Person, stamp
from tests.region import Region, region_on
from tests.samples import GEMEENTE, GEMEENTE_2, KRINGLOOP_2, MBO
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

NOBODY = "0" * 32


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, webhook: Webhook
) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("terug"), [webhook.port]) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """Somebody about whom the workplace ``at`` may report to ``guide``, two fresh parties."""

    region: Region
    webhook: Webhook
    person: Person
    at: str

    @property
    def guide(self) -> str:
        return self.person.guide

    def send(self) -> tuple[str, str]:
        """A report; its event id and berichtId."""
        event = self.region.report(self.person, self.at)
        receipt = self.region.send(self.at, event).expect(202)["ontvangstbewijs"]
        return event["id"], receipt["berichtId"]

    def state(self, message_id: str, receiver: str | None = None) -> State:
        query = select(delivery.c.state).where(
            delivery.c.message_id == message_id, delivery.c.recipient == (receiver or self.guide)
        )
        with reading(self.region.hub.engine) as connection:
            return State(connection.scalars(query).one())

    def tries(self, event_id: str) -> int:
        return sum(event["id"] == event_id for event in self.webhook.events())

    def failed_push(self) -> tuple[str, str]:
        self.webhook.status = 500
        self.region.subscribe(self.guide, self.webhook.url)
        event_id, message_id = self.send()
        wait_until(lambda: self.state(message_id) is State.WAITING and self.tries(event_id) == 1)
        return event_id, message_id

    def retry(self, seconds: float = 30) -> None:
        self.region.advance(seconds)
        self.region.hub.relay.nudge([Oin(self.guide)])

    def recall(self, message_id: str, reason: str = "verkeerde-persoon", who: str | None = None, **more: Any) -> Answer:
        path = f"/v1/berichten/{message_id}/terugroeping"
        return self.region.call(who or self.at, "POST", path, {"reden": reason} | more)

    def sheet(self, message_id: str, who: str | None = None) -> Answer:
        return self.region.call(who or self.at, "GET", f"/v1/berichten/{message_id}/terugroeping")

    def notices(self, who: str | None = None) -> list[dict[str, Any]]:
        """What a receiver is told, and acknowledges."""
        events = self.region.collect(who or self.guide)
        return [event for event in events if "zaakId" in event.get("data", {})]

    def answer(self, zaak: str, who: str | None = None, **form: str) -> Answer:
        return self.region.call(who or self.guide, "POST", f"/v1/zaken/{zaak}/antwoord", form)


@pytest.fixture
def case(region: Region, webhook: Webhook) -> Case:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    return Case(region, webhook, person, at)


# -- what has not arrived never will ----------------------------------------------------------------------------------
REASONS = ["verkeerde-persoon", "verkeerde-ontvanger", "onjuist"]


@pytest.mark.parametrize("reason", REASONS)
def test_what_waits_never_goes(case: Case, reason: str) -> None:
    event_id, message_id = case.send()
    other_id, other = case.send()
    told = case.recall(message_id, reason).expect(200)
    assert (told["gestopt"], told["gestoptBij"], told["verstrekt"], told["kennisgevingen"]) == (1, [case.guide], [], 0)
    assert told["handtekening"]
    found = [event["id"] for event in case.region.collect(case.guide)]
    assert event_id not in found and other_id in found  # the control: the one beside it went
    assert (case.state(message_id), case.state(other)) == (State.STOPPED, State.CONFIRMED)


def test_what_the_mailbox_gave_becomes_ingetrokken_and_its_receiver_is_asked(case: Case) -> None:
    event_id, message_id = case.send()
    (first,) = case.region.fetch(case.guide)
    assert first["id"] == event_id
    told = case.recall(message_id).expect(200)
    assert (told["gestopt"], told["kennisgevingen"]) == (1, 1)
    again, notice = case.region.fetch(case.guide)
    assert again["sequence"] == first["sequence"] and again["type"].endswith("bericht.ingetrokken.v1")
    assert "data" not in again and "subject" not in again
    assert notice["type"] == "nl.doorstroomhub.verwijdering.gevraagd.v1"
    assert notice["data"]["code"] == "verkeerde-persoon"
    assert [one["id"] for one in notice["data"]["berichten"]] == [event_id]


@pytest.mark.parametrize("recalled", [True, False])
def test_a_push_is_not_tried_again(case: Case, *, recalled: bool) -> None:
    event_id, message_id = case.failed_push()
    if recalled:
        told = case.recall(message_id).expect(200)
        assert (told["gestopt"], told["kennisgevingen"]) == (1, 1)  # the first try had left
    case.webhook.status = 200
    case.retry()
    if not recalled:
        wait_until(lambda: case.state(message_id) is State.CONFIRMED)
        return
    wait_until(lambda: any(e["type"].endswith("verwijdering.gevraagd.v1") for e in case.webhook.events()))
    assert case.tries(event_id) == 1 and case.state(message_id) is State.STOPPED


@pytest.mark.parametrize("recalled", [True, False])
def test_what_was_buried_is_never_replayed(case: Case, *, recalled: bool) -> None:
    event_id, message_id = case.failed_push()
    case.retry(4 * 86_400)
    wait_until(lambda: case.state(message_id) is State.BURIED)
    if recalled:
        assert case.recall(message_id).expect(200)["gestopt"] == 1
    case.webhook.status = 200
    before = case.tries(event_id)
    with reading(case.region.hub.engine) as connection:
        wanted = buried_ids(connection, Oin(case.guide))
        key = connection.scalars(select(delivery.c.delivery_id).where(delivery.c.message_id == message_id)).one()
    assert (key in wanted) is not recalled
    assert replay_some(case.region.core.transactions, [key]) == ([] if recalled else [key])
    case.region.hub.relay.nudge([Oin(case.guide)])
    if recalled:
        assert case.state(message_id) is State.STOPPED and case.tries(event_id) == before
    else:
        wait_until(lambda: case.state(message_id) is State.CONFIRMED)


def test_what_a_receiver_could_not_process_is_never_replayed(case: Case) -> None:
    _, message_id = case.send()
    (given,) = case.region.fetch(case.guide)
    told = {"berichten": [{"sequence": given["sequence"], "uitkomst": "onverwerkbaar"}]}
    case.region.call(case.guide, "POST", "/v1/postvak/bevestigingen", told).expect(204)
    assert case.state(message_id) is State.UNPROCESSABLE
    case.recall(message_id).expect(200)
    assert case.state(message_id) is State.STOPPED
    assert [e["type"] for e in case.region.fetch(case.guide)] == ["nl.doorstroomhub.verwijdering.gevraagd.v1"]


def test_the_same_message_sent_again_is_still_recalled(case: Case) -> None:
    event = case.region.report(case.person, case.at)
    sent = case.region.send(case.at, event).expect(202)["ontvangstbewijs"]["berichtId"]
    case.recall(sent).expect(200)
    assert case.region.send(case.at, event).expect(202)["herhaling"] is True
    assert case.region.collect(case.guide) == []


@pytest.mark.parametrize("recalled", [True, False])
def test_what_waits_behind_a_recalled_opening_stops_too(case: Case, *, recalled: bool) -> None:
    """The school was to hear of the placement first; without it the report behind it has nobody to go to."""
    region, guide, ref = case.region, case.guide, case.person.refs[case.guide]
    school = region.fresh("mbo")
    kinds = "leerwerkplek.geplaatst voortgang.gemeld"
    region.agree(f"{guide}-{school}", (guide, school), kinds, "opleiden trajectbegeleiding")
    region.consent(guide, ref, [school], "opleiden", "identiteit contact leervoortgang inzetbaarheid")
    region.consent(guide, ref, [school], "trajectbegeleiding", "leervoortgang")
    plaatsing = f"plaatsing-{case.at[-6:]}"
    placed = samples.geplaatst(ref, plaatsing=plaatsing)
    event = region.event(guide, "leerwerkplek.geplaatst", ref, placed, ontvanger=school)
    opening = region.send(guide, event).expect(202)["ontvangstbewijs"]["berichtId"]
    report = samples.voortgang(plaatsing=plaatsing)
    behind = region.event(guide, "voortgang.gemeld", ref, report, doel="trajectbegeleiding", ontvanger=school)
    follows = region.send(guide, behind).expect(202)["ontvangstbewijs"]["berichtId"]
    if recalled:
        case.recall(opening, "onjuist", who=guide).expect(200)
        assert case.state(follows, school) is State.STOPPED
    assert len(region.collect(school)) == (0 if recalled else 2)


def placed(case: Case) -> tuple[str, str]:
    """Another workplace to which the person goes: its OIN, and the berichtId of the opening message."""
    region, guide = case.region, case.guide
    at = region.fresh("kringloop")
    region.agree(f"{guide}-{at}", (guide, at), "leerwerkplek.geplaatst voortgang.gemeld", "opleiden trajectbegeleiding")
    region.allow_placing(case.person, at)
    opening = region.send(guide, region.placing(case.person, at)).expect(202)["ontvangstbewijs"]["berichtId"]
    case.person.refs[at] = region.collect(at)[-1]["subject"]
    return at, opening


@pytest.mark.parametrize("reason", ["verkeerde-ontvanger", "onjuist"])
def test_who_got_an_opening_message_by_mistake_is_not_involved(case: Case, reason: str) -> None:
    region, guide = case.region, case.guide
    at, opening = placed(case)
    region.allow_reports(case.person, at)
    assert region.send(at, region.report(case.person, at)).status == 202
    case.recall(opening, reason, who=guide).expect(200)
    expected = (202, None) if reason == "onjuist" else (403, "GEEN_GRONDSLAG")
    answer = region.send(at, region.report(case.person, at))
    assert (answer.status, answer.code) == expected
    # it answers all the same
    (notice,) = case.notices(at)
    case.answer(notice["data"]["zaakId"], who=at, antwoord="verwijderd").expect(200)


def test_who_was_let_in_anew_lets_others_in(case: Case) -> None:
    """Of two involvements in one traject that which runs counts, not that which a recall ended."""
    region, guide, at = case.region, case.guide, case.at
    categories = "identiteit bsn contact opleiding inzetbaarheid"
    terms = (f"gemeente-{guide}", "kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf", categories)
    region.ground(f"voordracht-{guide}", terms)
    ref = region.register(GEMEENTE)
    data = samples.voorgedragen(ref)
    trajectory = data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)

    def present() -> str:
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=guide)
        receipt = region.send(GEMEENTE, event).expect(202)["ontvangstbewijs"]
        return str(receipt["berichtId"])

    first = present()
    region.collect(guide)
    case.recall(first, "verkeerde-ontvanger", who=GEMEENTE).expect(200)
    present()
    person = Person({guide: region.collect(guide)[-1]["subject"]}, trajectory, guide)
    region.allow_placing(person, at)
    region.send(guide, region.placing(person, at)).expect(202)
    person.refs[at] = region.collect(at)[-1]["subject"]
    region.allow_reports(person, at)
    assert region.send(at, region.report(person, at)).status == 202
    with snapshot(region.core.engine) as connection:
        assert check(connection, region.core.key_store)[0].findings == []


# -- asked, answered, tracked -----------------------------------------------------------------------------------------
def test_what_was_wrong_is_rectified(case: Case) -> None:
    event_id, message_id = case.send()
    case.region.collect(case.guide)
    told = case.recall(message_id, "onjuist").expect(200)
    assert told["gestopt"] == 0 and [one["soort"] for one in told["gevraagd"]] == ["rectificatie.kennisgeving"]
    assert case.state(message_id) is State.CONFIRMED
    (notice,) = case.notices()
    assert notice["type"] == "nl.doorstroomhub.rectificatie.kennisgeving.v1" and notice["data"]["code"] == "onjuist"
    assert [one["id"] for one in notice["data"]["berichten"]] == [event_id]
    assert case.answer(notice["data"]["zaakId"], antwoord="bevestigd").status == 400
    case.answer(notice["data"]["zaakId"], antwoord="gecorrigeerd").expect(200)
    sheet = case.sheet(message_id).expect(200)
    assert sheet["datalek"] is None and sheet["verstrekt"][0]["antwoord"] == "gecorrigeerd"


def test_answers_are_tracked_until_closed(case: Case) -> None:
    _, message_id = case.send()
    case.region.collect(case.guide)
    told = case.recall(message_id).expect(200)
    path = "/v1/zaken?soort=verwijdering.gevraagd&open="
    (asked,) = told["gevraagd"]
    (mine,) = case.region.call(case.at, "GET", path + "true").expect(200)["items"]
    (theirs,) = case.region.call(case.guide, "GET", path + "true").expect(200)["items"]
    assert mine["id"] == asked["zaakId"] != theirs["id"]  # nothing that both see is the same
    assert mine["gevraagd"] == case.guide
    assert case.answer(theirs["id"], who=case.at, antwoord="verwijderd").status == 404
    assert case.answer(theirs["id"], antwoord="gecorrigeerd").status == 400  # that is for what was wrong
    case.answer(theirs["id"], antwoord="onmogelijk", motivering="Het staat op papier.").expect(200)
    assert case.region.call(case.at, "GET", path + "true").expect(200)["items"] == []
    (line,) = case.sheet(message_id).expect(200)["verstrekt"]
    assert (line["antwoord"], line["toelichting"], line["zaakId"]) == ("onmogelijk", "Het staat op papier.", mine["id"])


def without_signature(answer: Answer) -> dict[str, Any]:
    return {**answer.expect(200), "handtekening": ""}


def test_a_repeat_answers_the_same(case: Case) -> None:
    _, message_id = case.send()
    case.region.fetch(case.guide)
    first, again = case.recall(message_id), case.recall(message_id)
    assert without_signature(first) == without_signature(again)
    assert len(case.notices()) == 1
    other = case.recall(message_id, "onjuist")
    assert (other.status, other.code) == (409, "STAAT_ONGELIJK")


# -- some receivers ---------------------------------------------------------------------------------------------------
def sent_to_two(case: Case) -> str:
    """The placement to school and workplace at once: an assessment that goes to the school and to another guide."""
    region, guide = case.region, case.guide
    for school in (MBO, KRINGLOOP_2):
        region.agree(f"{guide}-{school}", (guide, school), "leerwerkplek.geplaatst voortgang.gemeld", "opleiden")
    region.agree(f"{guide}-mbo-2", (guide, MBO), "voortgang.gemeld", "trajectbegeleiding")
    other = region.fresh("mbo")
    region.agree(f"{guide}-{other}", (guide, other), "leerwerkplek.geplaatst voortgang.gemeld", "opleiden")
    region.agree(f"{guide}-{other}-2", (guide, other), "voortgang.gemeld", "trajectbegeleiding")
    categories = "identiteit contact leervoortgang inzetbaarheid"
    ref = case.person.refs[guide]
    region.consent(guide, ref, [MBO, other], "opleiden", categories)
    region.consent(guide, ref, [MBO, other], "trajectbegeleiding", "leervoortgang")
    for school in (MBO, other):
        data = samples.geplaatst(ref, plaatsing=f"plaatsing-{case.at[-6:]}")
        region.send(guide, region.event(guide, "leerwerkplek.geplaatst", ref, data, ontvanger=school)).expect(202)
        region.collect(school)
    data = samples.voortgang(plaatsing=f"plaatsing-{case.at[-6:]}")
    event = region.event(guide, "voortgang.gemeld", ref, data, doel="trajectbegeleiding")
    receipt = region.send(guide, event).expect(202)["ontvangstbewijs"]
    assert {one["ontvanger"] for one in receipt["besluiten"]} == {MBO, other}
    case.person.refs["other"] = other
    return str(receipt["berichtId"])


def test_only_the_wrong_receiver_is_recalled(case: Case) -> None:
    message_id = sent_to_two(case)
    other, guide = case.person.refs["other"], case.guide
    unknown = case.recall(message_id, "verkeerde-ontvanger", who=guide, ontvangers=[case.at])
    assert (unknown.status, unknown.json["velden"][0]["naam"]) == (400, "ontvangers")
    case.recall(message_id, "verkeerde-ontvanger", who=guide, ontvangers=[other]).expect(200)
    assert (case.state(message_id, other), case.state(message_id, MBO)) == (State.STOPPED, State.WAITING)
    assert case.region.collect(other) == [] and case.region.collect(MBO)
    # the rest later, for a reason of its own
    rest = case.recall(message_id, "onjuist", who=guide).expect(200)
    assert (rest["gestopt"], [one["ontvanger"] for one in rest["gevraagd"]]) == (0, [MBO])
    sheet = case.sheet(message_id, who=guide).expect(200)
    assert sheet["gestoptBij"] == [other] and [line["ontvanger"] for line in sheet["verstrekt"]] == [MBO]
    assert sheet["datalek"] is None  # nothing reached who should not have it


# -- the work sheet ---------------------------------------------------------------------------------------------------
def test_the_work_sheet_names_persons_and_organisations(case: Case) -> None:
    region = case.region
    meant, _ = region.reporting(case.guide, case.at)
    event_id, message_id = case.send()
    region.collect(case.guide)
    discovered = region.clock.now() - timedelta(hours=5)
    more = {"bedoeldVoor": meant.refs[case.at], "ontdektOp": stamp(discovered)}
    case.recall(message_id, **more).expect(200)
    sheet = case.sheet(message_id).expect(200)
    assert (sheet["berichtId"], sheet["id"], sheet["soort"]) == (message_id, event_id, "voortgang.gemeld")
    assert sheet["betrokkenen"] == [
        {"kandidaatRef": case.person.refs[case.at], "rol": "gegevens-verstrekt"},
        {"kandidaatRef": meant.refs[case.at], "rol": "bericht-gemist"},
    ]
    (line,) = sheet["verstrekt"]
    assert (line["ontvanger"], line["status"], line["categorieen"]) == (case.guide, "bevestigd", ["leervoortgang"])
    assert line["naam"].startswith("ontwikkelbedrijf") and line["bevestigdOp"] >= line["verstrektOp"]
    breach = sheet["datalek"]
    assert breach["meldenVoor"] == instants.write(discovered + timedelta(hours=72))
    assert breach["resterendeUren"] == 66 and not breach["verstreken"]
    assert (breach["aantalBetrokkenen"], breach["aantalOntvangers"], breach["bijzonder"]) == (2, 1, False)
    assert breach["artikel33"] and breach["artikel34"] and sheet["openstaand"] == 1
    (notice,) = case.notices()
    case.answer(notice["data"]["zaakId"], antwoord="verwijderd").expect(200)
    region.advance(68 * 3_600)
    later = case.sheet(message_id).expect(200)
    assert later["openstaand"] == 0 and later["datalek"]["verstreken"] and later["datalek"]["resterendeUren"] == 0
    assert "1 van 1" in json.dumps(later["datalek"]["artikel33"])


def test_the_work_sheet_as_a_letter(case: Case) -> None:
    _, message_id = case.send()
    case.region.collect(case.guide)
    case.recall(message_id).expect(200)
    (notice,) = case.notices()
    case.answer(notice["data"]["zaakId"], antwoord="behouden-eigen-grondslag", motivering="<b>wet</b>").expect(200)
    path = f"/v1/berichten/{message_id}/terugroeping?formaat=brief"
    answer = case.region.call(case.at, "GET", path)
    page = answer.body.decode()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "size:A4" in page and case.person.refs[case.at] in page and case.guide in page
    assert "<b>wet" not in page and "&lt;b&gt;wet&lt;/b&gt;" in page
    assert "houdt de gegevens, op een eigen grondslag" in page and "Autoriteit Persoonsgegevens" in page
    words = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page)
    longest = max(len(sentence.split()) for sentence in re.split(r"[.?!]\s", words))
    assert longest <= 60  # short sentences; tables run on


@pytest.mark.parametrize("whole", [False, True])
def test_the_work_sheet_outlives_a_wissing(case: Case, *, whole: bool) -> None:
    """Who answers for a breach does so also after the content, or all of the person, is gone (AVG art. 33(5))."""
    _, message_id = case.send()
    other = case.send()[1]
    case.region.collect(case.guide)
    case.recall(message_id).expect(200)
    before = case.sheet(message_id).expect(200)
    handle = who(case.region, case.person.refs[case.at])
    erase(case.region, handle, None if whole else case.at)
    after = case.sheet(message_id).expect(200)
    gone = [line | {"status": "gewist"} for line in before["verstrekt"]]
    same = {name: value for name, value in before.items() if name not in ("verstrekt", "datalek")}
    breach = after["datalek"]
    assert after == same | {"verstrekt": gone, "datalek": breach}
    assert breach["aantalBetrokkenen"] == 1 and breach["artikel33"] == before["datalek"]["artikel33"]
    assert case.sheet(other).status == 404 and case.sheet(message_id, case.guide).status == 404
    assert case.recall(other).status == (404 if whole else 200)  # nothing more is done about who is gone


def test_the_work_sheet_goes_with_the_evidence(case: Case) -> None:
    """Once the evidence about a person has had its term nothing of it is told, to its sender neither."""
    _, message_id = case.send()
    case.region.collect(case.guide)
    case.recall(message_id).expect(200)
    handle = who(case.region, case.person.refs[case.at])
    erase(case.region, handle)
    case.sheet(message_id).expect(200)
    erase(case.region, handle, evidence=True)
    assert case.sheet(message_id).status == 404


def test_a_message_that_reached_nobody_is_no_breach(case: Case) -> None:
    _, message_id = case.send()
    case.recall(message_id).expect(200)
    sheet = case.sheet(message_id).expect(200)
    assert sheet["datalek"] is None and sheet["verstrekt"] == [] and sheet["gestoptBij"] == [case.guide]
    page = case.region.call(case.at, "GET", f"/v1/berichten/{message_id}/terugroeping?formaat=brief").body.decode()
    assert "Niemand. Het bericht is gestopt" in page


# -- who may ----------------------------------------------------------------------------------------------------------
def bare(answer: Answer) -> bytes:
    """The answer but for the name of this occurrence."""
    return answer.body.replace(answer.json["instance"].encode(), b"")


@pytest.mark.parametrize("act", ["recall", "sheet"])
def test_only_its_sender_recalls(case: Case, act: str) -> None:
    """Its receiver, a stranger, an id of nothing: one answer to the last byte; a notice is nobody's own message."""
    _, message_id = case.send()
    case.region.collect(case.guide)
    do: Callable[..., Answer] = getattr(case, act)
    answers = [do(message_id, who=who) for who in (case.guide, GEMEENTE_2)]
    answers += [do(NOBODY, who=who) for who in (case.at, case.guide)]
    assert {(a.status, a.code) for a in answers} == {(404, "NIET_GEVONDEN")}
    assert len(set(map(bare, answers))) == 1
    assert case.state(message_id) is State.CONFIRMED and case.notices() == []


def test_what_is_wrong_with_the_form(case: Case) -> None:
    _, message_id = case.send()
    later = stamp(case.region.clock.now() + timedelta(hours=1))
    for form in ({"reden": "vergissing"}, {}, {"reden": "onjuist", "ontdektOp": later}, {"reden": "onjuist", "x": 1}):
        answer = case.region.call(case.at, "POST", f"/v1/berichten/{message_id}/terugroeping", form)
        assert (answer.status, answer.code) == (400, "VERZOEK_ONGELDIG")
    own = case.person.refs[case.at]
    assert case.recall(message_id, bedoeldVoor=own).status == 400  # it was about this very person
    assert case.recall(message_id, bedoeldVoor="a" * 26).status == 404
    assert case.state(message_id) is State.WAITING
    party = case.region.parties[case.at]
    party.limit("berichten:ontvangen")
    assert case.recall(message_id).code == "SCOPE_ONTBREEKT"
    party.limit("")


# -- a crash at the commit --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_the_commit_leaves_all_of_it_or_nothing(
    tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    own = Region(tmp_path, None, [webhook.port])
    try:
        guide, at = own.pair()
        person, _ = own.reporting(guide, at)
        case = Case(own, webhook, person, at)
        _, message_id = case.send()
        for part in (own.hub.log_keeper, own.hub.relay, own.hub.push):
            part.stop()  # so that no other commit meets the fault
        add = recalls.add

        def armed(*given: Any) -> None:
            own.faults.arm("commit", when)
            add(*given)

        with monkeypatch.context() as patch:
            patch.setattr(recalls, "add", armed)
            assert case.recall(message_id).status == 500
        own.faults.disarm()
        assert case.state(message_id) is (State.WAITING if when == "before" else State.STOPPED)
        assert case.sheet(message_id).status == (404 if when == "before" else 200)
        assert case.recall(message_id).expect(200)["gestopt"] == 1  # asked again, it is done, or told again
        assert case.state(message_id) is State.STOPPED
    finally:
        own.stop()


# -- the log ----------------------------------------------------------------------------------------------------------
def test_the_log_tells_all_of_it(case: Case) -> None:
    """Replayed, the log of every test before this one gives the tables as they stand, and every release its ground."""
    region = case.region
    _, opening = placed(case)
    case.recall(opening, "verkeerde-ontvanger", who=case.guide).expect(200)
    region.wait_signed()
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        report, _ = check(connection, region.core.key_store)
        connection.execute(update(involvement).values(valid_until=None))
        changed, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert report.findings == []
    assert changed.findings  # the control
