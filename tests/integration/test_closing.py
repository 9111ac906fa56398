"""The end of a traject, and of a life: who may tell it, who hears it, and that nothing goes on after it."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from consent.store.tables import death, involvement
from consent.store.tables import person as person_table
from contracts import instants
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.store.database import reading
from hub.store.locks import Locks, take
from hub.store.persons import closings
from hub.store.tables import delivery, person_ref
from tests import samples
from tests.partners import Answer, Person
from tests.region import Region, region_on
from tests.samples import GEMEENTE, GEMEENTE_2, MBO
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

KIND = "traject.beeindigd"
PAIR = ("gemeente", "ontwikkelbedrijf")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, webhook: Webhook
) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("einde"), [webhook.port]) as made:
        made.agree("gemeenten", (GEMEENTE, GEMEENTE_2), KIND, "trajectbegeleiding")
        yield made


@dataclass
class Case:
    """Somebody in a traject of ``guide`` (an ontwikkelbedrijf), placed at the workplaces ``at`` and ``beside``."""

    region: Region
    person: Person
    at: str
    beside: str
    known: dict[str, str] = field(default_factory=dict)

    @property
    def guide(self) -> str:
        return self.person.guide

    @property
    def ref(self) -> str:
        return self.person.refs[self.guide]

    def ended(self, who: str | None = None, trajectory: str | None = None, **extra: Any) -> dict[str, Any]:
        """A closing message of today, by the guide."""
        who = who or self.guide
        today = instants.today(self.region.clock.now()).isoformat()
        terms = {"per": today} | {name: extra.pop(name) for name in ("per", "reden") if name in extra}
        data = samples.beeindigd(trajectory or self.person.trajectory, **terms)
        return self.region.event(who, KIND, self.person.refs[who], data, **extra)

    def end(self, **extra: Any) -> dict[str, Any]:
        """The receipt of an accepted closing message."""
        sent = self.region.send(extra.get("who", self.guide), self.ended(**extra)).expect(202)
        return dict(sent["ontvangstbewijs"])

    def report(self, at: str | None = None) -> Answer:
        """The workplace tells how it goes."""
        at = at or self.at
        return self.region.send(at, self.region.report(self.person, at))

    def task(self, at: str, **extra: Any) -> Answer:
        """Something from the guide to a workplace where the person is already: its placement anew."""
        return self.region.send(self.guide, self.region.placing(self.person, at, **extra))

    def state(self, message_id: str, receiver: str) -> State:
        query = select(delivery.c.state).where(delivery.c.message_id == message_id, delivery.c.recipient == receiver)
        with reading(self.region.hub.engine) as connection:
            return State(connection.scalars(query).one())

    def until(self, who: str) -> Any:
        """When the organisation's involvement in this traject ends."""
        query = select(involvement.c.valid_until).where(
            involvement.c.trajectory_id == self.person.trajectory, involvement.c.organisation == who
        )
        with reading(self.region.hub.engine) as connection:
            return connection.scalars(query).one()

    def recall(self, message_id: str, reason: str = "onjuist", **more: Any) -> Answer:
        path = f"/v1/berichten/{message_id}/terugroeping"
        return self.region.call(self.guide, "POST", path, {"reden": reason} | more)

    def alive(self) -> bool:
        query = select(person_table.c.deceased_at).join(
            involvement, involvement.c.person_id == person_table.c.person_id
        )
        with reading(self.region.hub.engine) as connection:
            found = connection.scalars(query.where(involvement.c.trajectory_id == self.person.trajectory)).first()
        return found is None


def told(receipt: dict[str, Any]) -> set[str]:
    return {one["ontvanger"] for one in receipt["besluiten"]}


def endable(region: Region, guide: str, other: str) -> None:
    """The two agree that one tells the other, and the law covers it."""
    role = region.parties[other].role
    name = f"einde-{guide[-6:]}-{other[-6:]}"
    region.agree(name, (guide, other), f"{KIND} voortgang.gemeld", "trajectbegeleiding")
    region.ground(name, (name, KIND, "trajectbegeleiding", "ontwikkelbedrijf", role, "inzetbaarheid"))


@pytest.fixture
def case(region: Region) -> Case:
    guide, at = region.pair()
    beside = region.fresh("kringloop")
    kinds = "leerwerkplek.geplaatst voortgang.gemeld"
    region.agree(f"{guide}-{beside}", (guide, beside), kinds, "opleiden trajectbegeleiding")
    for other in (at, beside):
        endable(region, guide, other)
    person, _ = region.reporting(guide, at)
    region.place(person, beside)
    region.allow_reports(person, beside)
    return Case(region, person, at, beside)


# -- who hears it, and what -------------------------------------------------------------------------------------------
def test_all_who_take_part_in_that_traject_hear_it_and_never_why(case: Case) -> None:
    receipt = case.end(reden="verhuisd")
    assert told(receipt) == {case.at, case.beside}
    for who in (case.at, case.beside):
        (event,) = case.region.collect(who)
        assert event["type"] == f"nl.doorstroomhub.{KIND}.v1" and event["subject"] == case.person.refs[who]
        assert event["data"]["reden"] == "beeindigd" and event["data"]["trajectId"] == case.person.trajectory


def test_the_opdrachtgever_hears_why(case: Case) -> None:
    region = case.region
    name = f"einde-{case.guide[-6:]}-gem"
    kinds = f"{KIND} leerwerkplek.geplaatst"
    region.agree(name, (case.guide, GEMEENTE), kinds, "opleiden trajectbegeleiding")
    for kind, purpose in ((KIND, "trajectbegeleiding"), ("leerwerkplek.geplaatst", "opleiden")):
        terms = (name, kind, purpose, "ontwikkelbedrijf", "gemeente", "identiteit leervoortgang inzetbaarheid contact")
        region.ground(f"{name}-{purpose}", terms)
    opening = region.placing(case.person, GEMEENTE)
    region.send(case.guide, opening).expect(202)
    region.collect(GEMEENTE)
    assert told(case.end(reden="uitstroom")) == {case.at, case.beside, GEMEENTE}
    (event,) = region.collect(GEMEENTE)
    assert event["data"]["reden"] == "uitstroom"
    assert region.collect(case.at)[-1]["data"]["reden"] == "beeindigd"


def test_who_takes_part_in_another_traject_alone_is_not_told(case: Case) -> None:
    region = case.region
    second = region.open_trajectory(case.guide, case.ref)
    apart = region.fresh("kringloop")
    endable(region, case.guide, apart)
    kinds = "leerwerkplek.geplaatst"
    region.agree(f"{case.guide}-{apart}", (case.guide, apart), kinds, "opleiden")
    region.allow_placing(case.person, apart)
    region.send(case.guide, region.placing(case.person, apart, traject=second)).expect(202)
    region.collect(apart)
    assert told(case.end()) == {case.at, case.beside}
    assert region.collect(apart) == []
    assert told(case.end(trajectory=second)) == {apart}  # the control: that one, in its turn


# -- who may tell it --------------------------------------------------------------------------------------------------
def test_only_who_leads_the_traject_ends_it(case: Case) -> None:
    """Another ontwikkelbedrijf that takes part in it, a traject of somebody else, one that is not there: one answer."""
    region = case.region
    other = region.fresh("ontwikkelbedrijf")
    kinds = f"{KIND} kandidaat.voorgedragen leerwerkplek.geplaatst"
    region.agree(f"{case.guide}-{other}", (case.guide, other), kinds, "toeleiding opleiden trajectbegeleiding")
    terms = (f"{case.guide}-{other}", KIND, "trajectbegeleiding", "ontwikkelbedrijf", "ontwikkelbedrijf")
    region.ground(f"grond-{case.guide}-{other}", (*terms, "inzetbaarheid"))
    with region.hub.engine.begin() as connection:  # nothing in the catalogue presents to a second ontwikkelbedrijf
        mine = involvement.c.trajectory_id == case.person.trajectory
        row = connection.execute(select(involvement).where(mine, involvement.c.organisation == case.guide)).one()
        lent = {"involvement_id": "f" * 32, "organisation": other}
        connection.execute(insert(involvement).values(row._asdict() | lent))
    case.person.refs[other] = region.register(other)
    whose = person_ref.c.ref == case.person.refs[other]
    with region.hub.engine.begin() as connection:
        own = connection.scalar(select(person_ref.c.person_id).where(whose))
        connection.execute(update(person_ref).where(whose).values(person_id=row.person_id))
    somebody = region.candidate(case.guide)
    answers = [
        region.send(other, case.ended(who=other, ontvanger=case.guide)),
        region.send(case.guide, case.ended(trajectory=somebody.trajectory)),
        region.send(case.guide, case.ended(trajectory="0" * 32)),
        region.send(case.guide, case.ended(trajectory="nergens", ontvanger=case.at)),
    ]
    assert {(a.status, a.code) for a in answers} == {(403, "GEEN_GRONDSLAG")}
    assert case.until(case.at) is None and case.report().status == 202
    with region.hub.engine.begin() as connection:
        connection.execute(involvement.delete().where(involvement.c.involvement_id == "f" * 32))
        connection.execute(update(person_ref).where(whose).values(person_id=own))


def test_a_gemeente_ends_its_own_traject(region: Region) -> None:
    guide = region.fresh("ontwikkelbedrijf")
    region.agree(f"voor-{guide}", (GEMEENTE, guide), f"kandidaat.voorgedragen {KIND}", "toeleiding trajectbegeleiding")
    for kind, purpose in ((KIND, "trajectbegeleiding"), ("kandidaat.voorgedragen", "toeleiding")):
        terms = (f"voor-{guide}", kind, purpose, "gemeente", "ontwikkelbedrijf", "identiteit inzetbaarheid")
        region.ground(f"{kind}-{guide}", terms)
    ref = region.register(GEMEENTE)
    trajectory = region.open_trajectory(GEMEENTE, ref)
    data = samples.voorgedragen(ref) | {"traject": {"trajectId": trajectory}}
    region.send(GEMEENTE, region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=guide)).expect(202)
    region.collect(guide)
    person = Person({GEMEENTE: ref}, trajectory, GEMEENTE)
    case = Case(region, person, guide, guide)
    assert told(case.end(reden="overgedragen")) == {guide}
    (event,) = region.collect(guide)
    assert event["data"]["reden"] == "beeindigd"  # it is not the opdrachtgever


# -- the last message -------------------------------------------------------------------------------------------------
def test_involvement_ends_for_each_when_it_is_told(case: Case) -> None:
    case.end()
    assert case.report().status == 202  # not told yet
    assert case.region.collect(case.at)[-1]["type"].endswith(f"{KIND}.v1")
    answer = case.report()
    assert (answer.status, answer.code) == (403, "GEEN_GRONDSLAG")
    assert case.report(case.beside).status == 202  # the other one is still to hear of it
    assert case.until(case.at) <= case.region.clock.now() < case.until(case.beside)


def test_what_was_accepted_before_goes_and_what_came_behind_does_not(case: Case) -> None:
    """Also when the page is fetched again: the end of a traject takes nothing back that was on its way."""
    region = case.region
    report = case.report().expect(202)["ontvangstbewijs"]["berichtId"]
    other = region.open_trajectory(case.guide, case.ref)
    assert other != case.person.trajectory
    ended = case.end()
    late = case.report().expect(202)["ontvangstbewijs"]["berichtId"]  # behind it, while it was not told
    (event,) = region.fetch(case.at)
    assert event["id"] and case.state(ended["berichtId"], case.at) is State.DELIVERED
    (again,) = region.fetch(case.at)
    assert again == event  # not acknowledged, so it comes once more
    found = {one["id"] for one in region.collect(case.guide)}
    assert case.state(report, case.guide) is State.CONFIRMED and len(found) == 1
    assert case.state(late, case.guide) is State.STOPPED


def test_a_last_report_of_the_same_batch_arrives_before_the_end(case: Case) -> None:
    region = case.region
    gem = f"einde-{case.guide[-6:]}-gem"
    region.agree(gem, (case.guide, GEMEENTE), f"{KIND} leerwerkplek.geplaatst doorstroom.gemeld",
                 "opleiden trajectbegeleiding doorstroom")  # fmt: skip
    for kind, purpose in (
        (KIND, "trajectbegeleiding"),
        ("leerwerkplek.geplaatst", "opleiden"),
        ("doorstroom.gemeld", "doorstroom"),
    ):
        terms = "identiteit leervoortgang inzetbaarheid opleiding uitkering contact"
        region.ground(f"{gem}-{purpose}", (gem, kind, purpose, "ontwikkelbedrijf", "gemeente", terms))
    region.send(case.guide, region.placing(case.person, GEMEENTE)).expect(202)
    region.collect(GEMEENTE)
    step = region.event(case.guide, "doorstroom.gemeld", case.ref, samples.doorstroom(), doel="doorstroom")
    behind = region.event(case.guide, "doorstroom.gemeld", case.ref, samples.doorstroom(), doel="doorstroom")
    results = region.send_batch(case.guide, [step, case.ended(per="2026-11-01"), behind])
    assert [one["status"] for one in results] == ["aanvaard", "aanvaard", "geweigerd"]  # its last day is past
    first = region.fetch(GEMEENTE)
    assert [one["type"].split(".")[-3:-1] for one in first] == [["doorstroom", "gemeld"], ["traject", "beeindigd"]]
    assert region.fetch(GEMEENTE) == first


def test_who_is_never_told_is_involved_no_longer_than_the_last_day(case: Case) -> None:
    """Without a grondslag for it, or while it does not fetch: the date ends it all the same, the sender's own too."""
    region = case.region
    apart = region.fresh("kringloop")
    kinds = "leerwerkplek.geplaatst voortgang.gemeld"
    region.agree(f"{case.guide}-{apart}", (case.guide, apart), kinds, "opleiden trajectbegeleiding")
    region.place(case.person, apart)
    region.allow_reports(case.person, apart)
    receipt = case.end()
    assert told(receipt) == {case.at, case.beside}
    midnight = instants.start_of(instants.today(region.clock.now()) + timedelta(days=1))
    assert {case.until(who) for who in (case.guide, case.at, case.beside, apart)} == {midnight}
    assert case.report(apart).status == 202
    ahead = (midnight - region.clock.now()).total_seconds() + 1
    region.advance(ahead)
    try:
        assert {case.report(who).status for who in (apart, case.at)} == {403}
        (event,) = region.collect(case.at)  # the last message is let through, also late
        assert event["data"]["reden"] == "beeindigd"
        assert region.collect(apart) == []
    finally:
        region.clock.ahead -= ahead


def test_a_past_last_day_ends_it_at_once(case: Case) -> None:
    case.end(per="2026-11-01")
    assert {case.report(who).status for who in (case.at, case.beside)} == {403}
    assert [one["data"]["per"] for one in case.region.collect(case.at)] == ["2026-11-01"]


def test_with_a_named_recipient_only_its_part_ends(case: Case) -> None:
    assert told(case.end(ontvanger=case.at)) == {case.at}
    case.region.collect(case.at)
    assert case.report().status == 403 and case.report(case.beside).status == 202
    assert case.until(case.guide) is None and case.until(case.beside) is None
    assert told(case.end()) == {case.beside}  # the rest later: who was told is not told again


def test_a_traject_ends_once(case: Case) -> None:
    case.end()
    again = case.region.send(case.guide, case.ended())
    assert (again.status, again.code) == (403, "GEEN_GRONDSLAG")
    event = case.ended()
    repeat = case.region.send(case.guide, event)
    assert repeat.status == 403
    assert [one["type"].split(".")[-2] for one in case.region.collect(case.at)] == ["beeindigd"]


@pytest.mark.parametrize("ends", [True, False])
def test_a_traject_that_is_over_opens_to_nobody(case: Case, *, ends: bool) -> None:
    """What waits to be opened is stopped with the end; the same waiting message goes where the traject goes on."""
    region = case.region
    apart = region.fresh("kringloop")
    endable(region, case.guide, apart)
    region.agree(f"{case.guide}-{apart}", (case.guide, apart), "leerwerkplek.geplaatst", "opleiden")
    region.allow_placing(case.person, apart)
    opening = region.send(case.guide, region.placing(case.person, apart)).expect(202)["ontvangstbewijs"]["berichtId"]
    if ends:
        assert told(case.end()) == {case.at, case.beside}
        assert case.state(opening, apart) is State.STOPPED
        assert region.send(case.guide, region.placing(case.person, apart)).status in (400, 403)
    assert len(region.collect(apart)) == (0 if ends else 1)


def test_a_push_that_failed_is_tried_again_after_the_end(case: Case, webhook: Webhook) -> None:
    webhook.status = 500
    case.region.subscribe(case.at, webhook.url)
    ended = case.end()["berichtId"]
    mine = [lambda: [e for e in webhook.events() if e["data"].get("trajectId") == case.person.trajectory]]
    wait_until(lambda: case.state(ended, case.at) is State.WAITING and len(mine[0]()) == 1)
    assert case.report().status == 403  # it was released once
    webhook.status = 200
    case.region.advance(30)
    case.region.hub.relay.nudge([case.at])  # type: ignore[list-item]
    wait_until(lambda: case.state(ended, case.at) is State.CONFIRMED)
    assert len(mine[0]()) == 2


# -- recall -----------------------------------------------------------------------------------------------------------
def test_a_recalled_end_never_was(case: Case) -> None:
    ended = case.end()["berichtId"]
    case.region.collect(case.at)
    assert case.report().status == 403
    answer = case.recall(ended).expect(200)
    assert answer["gestoptBij"] == [case.beside] and len(answer["verstrekt"]) == 1
    assert case.report().status == 202 and case.report(case.beside).status == 202
    assert [case.until(who) for who in (case.guide, case.at, case.beside)] == [None] * 3
    (notice,) = case.region.collect(case.at)
    assert notice["type"].endswith("rectificatie.kennisgeving.v1")
    assert told(case.end()) == {case.at, case.beside}  # and it can still end


def test_recalled_for_one_receiver_the_others_stay_told(case: Case) -> None:
    ended = case.end()["berichtId"]
    for who in (case.at, case.beside):
        case.region.collect(who)
    case.recall(ended, "verkeerde-ontvanger", ontvangers=[case.at]).expect(200)
    assert case.report().status == 202 and case.report(case.beside).status == 403
    assert case.until(case.guide) is not None
    case.recall(ended).expect(200)
    assert case.report(case.beside).status == 202 and case.until(case.guide) is None


def test_a_recalled_end_gives_no_involvement_back_that_should_not_have_been(case: Case) -> None:
    region = case.region
    apart = region.fresh("kringloop")
    endable(region, case.guide, apart)
    kinds = "leerwerkplek.geplaatst voortgang.gemeld"
    region.agree(f"{case.guide}-{apart}", (case.guide, apart), kinds, "opleiden trajectbegeleiding")
    region.allow_placing(case.person, apart)
    opening = region.send(case.guide, region.placing(case.person, apart)).expect(202)["ontvangstbewijs"]["berichtId"]
    case.person.refs[apart] = region.collect(apart)[-1]["subject"]
    region.allow_reports(case.person, apart)
    ended = case.end()["berichtId"]
    region.collect(apart)
    case.recall(opening, "verkeerde-ontvanger").expect(200)
    case.recall(ended).expect(200)
    assert case.report(apart).status == 403 and case.report().status == 202


@pytest.mark.parametrize("days", [0, 3])
def test_a_recalled_end_gives_nothing_back_to_who_erased_its_content(case: Case, days: int) -> None:
    """Whether the traject was over by then or not: its ref names nobody, and it takes part no more."""
    region = case.region
    ended = case.end()["berichtId"]
    region.collect(case.at)
    region.advance(days * 86_400)
    wish = {"omvang": "eigen", "reden": "bezwaar", "kenmerk": "W-1"}
    region.call(case.guide, "POST", f"/v1/kandidaten/{case.ref}/wissing", wish).expect(200)
    case.recall(ended).expect(200)
    assert case.until(case.guide) is not None and case.until(case.at) is None
    assert case.report().status == 403 and findings(region) == []


# -- death ------------------------------------------------------------------------------------------------------------
def test_nothing_is_released_after_death_was_accepted(case: Case) -> None:
    """Promise 2: what waits, what was fetched and not acknowledged, what comes, in any traject; only its end goes."""
    region = case.region
    given = case.report().expect(202)["ontvangstbewijs"]["berichtId"]
    (fetched,) = region.fetch(case.guide)
    waits = case.report().expect(202)["ontvangstbewijs"]["berichtId"]
    second = region.open_trajectory(case.guide, case.ref)
    receipt = case.end(reden="overleden")
    assert told(receipt) == {case.at, case.beside} and not case.alive()
    assert case.state(waits, case.guide) is State.STOPPED  # with that commit
    again = region.fetch(case.guide)
    assert [(one["sequence"], one["type"].split(".")[-2]) for one in again] == [(fetched["sequence"], "ingetrokken")]
    assert case.state(given, case.guide) is State.STOPPED
    assert {case.report(who).status for who in (case.at, case.beside)} == {403}
    for who in (case.at, case.beside):
        (event,) = region.collect(who)
        assert set(event["data"].items()) >= {("reden", "beeindigd")} and "overleden" not in str(event)
    # the other traject can be ended too, and nothing else
    assert region.send(case.guide, region.placing(case.person, case.at, traject=second)).status == 403


@pytest.mark.parametrize("reason", ["overleden", "gestopt"])
def test_what_the_control_of_death_is(case: Case, reason: str) -> None:
    """Any other end leaves the rest of this person's flows as they are."""
    waits = case.report().expect(202)["ontvangstbewijs"]["berichtId"]
    case.end(reden=reason, ontvanger=case.beside)
    assert case.alive() is (reason != "overleden")
    assert len(case.region.collect(case.guide)) == (0 if reason == "overleden" else 1)
    assert case.state(waits, case.guide) is (State.STOPPED if reason == "overleden" else State.CONFIRMED)


def test_a_restriction_or_an_objection_still_holds_for_somebody_who_died(case: Case) -> None:
    form = {"verstrekkers": [case.guide], "ontvangers": [case.at], "grond": "onrechtmatig"}
    case.region.call(case.guide, "PUT", f"/v1/kandidaten/{case.ref}/beperking", form).expect(200)
    assert told(case.end(reden="overleden")) == {case.beside}
    assert [one["type"].split(".")[-2] for one in case.region.collect(case.at)] == ["vervallen"]  # of the beperking


def test_a_death_that_was_a_mistake_is_taken_back_by_recall(case: Case) -> None:
    ended = case.end(reden="overleden")["berichtId"]
    case.region.collect(case.at)
    case.recall(ended, "verkeerde-ontvanger", ontvangers=[case.at]).expect(200)
    assert not case.alive() and case.report().status == 403  # in part it tells nothing of the person
    case.recall(ended).expect(200)
    assert case.alive() and case.report().status == 202
    assert len(case.region.collect(case.guide)) == 1


def test_of_two_reports_of_death_one_is_enough(case: Case) -> None:
    first = case.end(reden="overleden", ontvanger=case.at)["berichtId"]
    second = case.end(reden="overleden", ontvanger=case.beside)["berichtId"]
    case.recall(first).expect(200)
    assert not case.alive() and case.report().status == 403
    case.recall(second).expect(200)
    assert case.alive() and case.report().status == 202


def test_nothing_new_is_recorded_for_somebody_who_died(case: Case) -> None:
    """Who takes part gets a clear 409 that does not say why; an outsider the 404 of always; a right goes on."""
    region = case.region
    mine = region.allow_reports(case.person, case.at)
    case.end(reden="overleden")
    terms = {"doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"], "ontvangers": [case.guide]}
    for who in (case.at, case.guide):
        other = {"ontvangers": [case.guide if who == case.at else case.at]}
        answer = region.statement(who, case.person.refs[who], **(terms | other))
        assert (answer.status, answer.code) == (409, "STAAT_ONGELIJK") and "overl" not in answer.body.decode()
    form = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"}
    opened = region.call(case.guide, "POST", f"/v1/kandidaten/{case.ref}/trajecten", form)
    assert (opened.status, opened.code) == (409, "STAAT_ONGELIJK")
    region.collect(case.at)
    answer = region.statement(case.at, case.person.refs[case.at], **terms)
    assert (answer.status, answer.code) == (404, "NIET_GEVONDEN")
    region.withdraw(case.at, mine)  # by who recorded it, though it no longer takes part


def test_a_right_of_the_person_goes_on_and_a_limit_on_flows_that_are_no_more_does_not(case: Case) -> None:
    """Whoever wrote a consent down can end it (AVG art. 7(3)); flows are limited by who takes part."""
    region = case.region
    mine = region.allow_reports(case.person, case.at)
    case.end()
    region.collect(case.at)
    ref = case.person.refs[case.at]
    assert region.withdraw(case.at, mine)["handtekening"]
    flows = {"verstrekkers": [case.at]}
    limits = (("PUT", "beperking", "onrechtmatig"), ("POST", "bezwaar", "Dat wil ik niet."))
    for verb, name, ground in limits:
        answer = region.call(case.at, verb, f"/v1/kandidaten/{ref}/{name}", flows | {"grond": ground})
        assert (answer.status, answer.code) == (404, "NIET_GEVONDEN")


# -- joined persons, and the lock of one -------------------------------------------------------------------------------
def test_it_ends_for_joined_persons_whoever_registered_them(region: Region) -> None:
    """The gemeente's traject, in which the guide placed somebody whom it had registered itself before."""
    guide, at = region.pair()
    region.agree(f"einde-{guide}", (GEMEENTE, guide), KIND, "trajectbegeleiding")
    region.ground(f"einde-{guide}", (f"einde-{guide}", KIND, "trajectbegeleiding", *PAIR, "inzetbaarheid"))
    categories = "identiteit bsn contact opleiding inzetbaarheid"
    region.ground(
        f"voordracht-{guide}", (f"gemeente-{guide}", "kandidaat.voorgedragen", "toeleiding", *PAIR, categories)
    )
    refs = {who: region.register(who, bsn=samples.BSN) for who in (GEMEENTE, guide)}
    trajectory = region.open_trajectory(GEMEENTE, refs[GEMEENTE])
    data = samples.voorgedragen(refs[GEMEENTE], bsn=samples.BSN) | {"traject": {"trajectId": trajectory}}
    presented = region.event(GEMEENTE, "kandidaat.voorgedragen", refs[GEMEENTE], data, ontvanger=guide)
    region.send(GEMEENTE, presented).expect(202)
    assert [one["subject"] for one in region.collect(guide)] == [refs[guide]]  # one person, under its own ref
    person = Person(refs, trajectory, guide)
    region.place(person, at)
    region.allow_reports(person, at)
    case = Case(region, person, at, at)
    receipt = region.send(GEMEENTE, case.ended(who=GEMEENTE, reden="overleden", ontvanger=guide)).expect(202)
    assert told(receipt["ontvangstbewijs"]) == {guide} and case.report().status == 403
    case_id = receipt["ontvangstbewijs"]["berichtId"]
    undo = {"reden": "onjuist"}
    region.call(GEMEENTE, "POST", f"/v1/berichten/{case_id}/terugroeping", undo).expect(200)
    assert case.report().status == 202 and case.until(at) is None
    region.send(GEMEENTE, case.ended(who=GEMEENTE, per="2026-11-01")).expect(202)
    assert case.until(at) <= region.clock.now() and case.report().status == 403


def test_it_waits_for_whoever_decides_on_the_person(tmp_path: Path, postgres_url: str) -> None:
    """Between processes: nothing is accepted or released beside a message that ends involvement or a life."""
    own = Region(tmp_path, postgres_url)
    try:
        guide, at = own.pair()
        endable(own, guide, at)
        person, _ = own.reporting(guide, at)
        case = Case(own, person, at, at)
        with reading(own.hub.engine) as connection:
            query = select(person_table.c.root).join(involvement, involvement.c.person_id == person_table.c.person_id)
            root = connection.scalars(query.where(involvement.c.trajectory_id == person.trajectory)).first()
        for act, alone in (
            (case.report, False),  # the control: what ends nothing goes beside others
            (lambda: own.collect(guide), False),
            (lambda: case.end(reden="overleden"), True),
            (lambda: own.collect(at), True),
        ):
            assert waits_for(own, str(root), act) is alone
        assert case.report().status == 403 and not case.alive()
    finally:
        own.stop()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_crash_at_a_commit_leaves_all_of_it_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """At acceptance: not accepted and nobody dead, or both. At release: handed out and told, or neither."""
    own = Region(tmp_path)
    try:
        guide, at = own.pair()
        endable(own, guide, at)
        person, _ = own.reporting(guide, at)
        case, lives = Case(own, person, at, at), when == "before"
        for part in (own.hub.log_keeper, own.hub.relay, own.hub.push):
            part.stop()  # so that no other commit meets the fault
        event = case.ended(reden="overleden", per=samples.TODAY)
        dies_after(own, when, "close", monkeypatch)
        assert own.send(guide, event).status == 500 and own.faults.tripped("commit", when)
        assert case.alive() is lives and (case.until(at) is None) is lives
        assert own.send(guide, event).expect(202).get("herhaling", False) is not lives  # sent again, it is done once
        assert not case.alive()
        dies_after(own, when, "tell", monkeypatch)
        path = "/v1/postvak/berichten?na=0&limiet=500&wachten=0"
        assert own.call(at, "GET", path).status >= 500 and own.faults.tripped("commit", when)
        query = select(involvement.c.told_at).where(involvement.c.organisation == at)
        with reading(own.hub.engine) as connection:
            assert (connection.scalars(query).one() is None) is lives
        (event,) = own.collect(at)
        assert event["data"]["reden"] == "beeindigd"
    finally:
        own.stop()


def dies_after(region: Region, when: str, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commit of the transaction that next takes this step in SQL fails, before or after it happened."""
    real = getattr(closings, step)

    def armed(*given: Any) -> None:
        monkeypatch.setattr(closings, step, real)
        region.faults.arm("commit", when)
        real(*given)

    monkeypatch.setattr(closings, step, armed)


def waits_for(region: Region, root: str, act: Callable[[], object]) -> bool:
    """Whether ``act`` waits while somebody else decides on this person. It gets through in the end."""
    done = threading.Event()
    follower = threading.Thread(target=lambda: (act(), done.set()))
    with region.core.engine.connect() as connection, connection.begin():
        take(connection, Locks(shared=frozenset({root})))
        follower.start()
        waited = not done.wait(1.5)
    assert done.wait(20)
    follower.join()
    return waited


# -- asked, not sent --------------------------------------------------------------------------------------------------
def test_a_dry_run_ends_nothing(case: Case) -> None:
    event = case.ended(reden="overleden")
    answer = case.region.call(case.guide, "POST", "/v1/vooraf-controles", event, "application/cloudevents+json").expect(
        200
    )
    assert answer["uitkomst"] == "toegestaan"
    bare = {name: value for name, value in event.items() if name != "data"} | {"traject": case.person.trajectory}
    answer = case.region.call(case.guide, "POST", "/v1/vooraf-controles", bare, "application/cloudevents+json")
    assert answer.expect(200)["uitkomst"] == "toegestaan"
    assert case.alive() and case.until(case.at) is None and case.report().status == 202


# -- the log ----------------------------------------------------------------------------------------------------------
def findings(region: Region, *changes: Any) -> list[Any]:
    """What the replay finds after these changes by hand, which are undone."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        for change in changes:
            connection.execute(change)
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    return list(report.findings)


def test_the_log_tells_all_of_it(case: Case) -> None:
    """Replayed, the log of every test before this one gives the tables as they stand, and every release its ground."""
    region = case.region
    case.end(reden="overleden")
    case.region.collect(case.at)
    region.wait_signed()
    assert findings(region) == []
    mine = involvement.c.trajectory_id == case.person.trajectory
    at = mine & (involvement.c.organisation == case.at)
    beside = mine & (involvement.c.organisation == case.beside)
    now = region.clock.now()
    who = select(involvement.c.person_id).where(at).scalar_subquery()
    for change in (
        update(involvement).where(at).values(valid_until=None),
        update(involvement).where(at).values(valid_until=now + timedelta(days=9)),
        update(involvement).where(beside).values(valid_until=now - timedelta(days=9)),
        update(involvement).where(at).values(told_at=None),
        update(involvement).where(beside).values(told_at=now),
        update(involvement).where(at).values(closed_at=now + timedelta(days=9)),
        update(involvement).where(at).values(closed_by="0" * 32),
        update(involvement).where(at).values(planned_until=now + timedelta(days=9)),
        update(involvement).where(at).values(closed_by=None),
        update(person_table).where(person_table.c.person_id == who).values(deceased_at=None),
        update(person_table).where(person_table.c.person_id == who).values(deceased_at=now + timedelta(days=1)),
        death.delete().where(death.c.person_id == who),
        update(death).where(death.c.person_id == who).values(recalled_at=now),
        insert(death).values(message_id="0" * 32, person_id=who, organisation=MBO, at=now),
    ):
        assert findings(region, change), str(change)
    somebody = region.candidate(case.guide)
    alive = select(involvement.c.person_id).where(involvement.c.trajectory_id == somebody.trajectory).scalar_subquery()
    assert findings(region, update(person_table).where(person_table.c.person_id == alive).values(deceased_at=now))
