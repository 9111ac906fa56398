"""What a person may ask, one upon another: joined, split, erased, ended, past its term. The log tells all of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from consent.keys import evidence_key
from consent.store.tables import involvement
from consent.store.tables import person as person_table
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.administration import forms, parties
from hub.store.database import reading
from hub.store.persons import people
from tests.erasing import who as handle_of
from tests.officers import JOIN, SPLIT, asks, both
from tests.partners import Answer, Person
from tests.region import Region
from tests.retaining import DAY, ageing, findings, sweep

KIND = "traject.beeindigd"
WISH = {"omvang": "eigen", "reden": "onrechtmatig", "kenmerk": "W-1"}
NOT_FOUND = (404, "NIET_GEVONDEN")
NO_GROUND = (403, "GEEN_GRONDSLAG")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with ageing(request, tmp_path_factory.mktemp("samenspel")) as made:
        yield made


@pytest.fixture
def region(shared: Region) -> Iterator[Region]:
    yield shared
    assert findings(shared) == []  # whatever a test did, the log tells the same as the tables


# -- erased, then a recall of what ended it ----------------------------------------------------------------------------
def endable(region: Region, guide: str, other: str) -> None:
    """The guide may end a traject towards the other."""
    name = f"einde-{guide[-6:]}-{other[-6:]}"
    region.agree(name, (guide, other), KIND, "trajectbegeleiding")
    terms = (name, KIND, "trajectbegeleiding", "ontwikkelbedrijf", region.parties[other].role, "inzetbaarheid")
    region.ground(name, terms)


def in_traject(region: Region) -> tuple[Person, str]:
    """Somebody at a workplace that reports, whose traject the guide can end."""
    guide, at = region.pair()
    endable(region, guide, at)
    person, _ = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    region.collect(guide)
    return person, at


def ends(region: Region, person: Person, **terms: Any) -> str:
    """The traject ends; the id of the message."""
    today = instants.today(region.clock.now()).isoformat()
    data = {"trajectId": person.trajectory, "per": today, "reden": "gestopt"} | terms
    event = region.event(person.guide, KIND, person.refs[person.guide], data)
    return str(region.send(person.guide, event).expect(202)["ontvangstbewijs"]["berichtId"])


def recalls(region: Region, who: str, message_id: str) -> Answer:
    return region.call(who, "POST", f"/v1/berichten/{message_id}/terugroeping", {"reden": "onjuist"})


def erases(region: Region, who: str, person: Person, **form: str) -> Answer:
    return region.call(who, "POST", f"/v1/kandidaten/{person.refs[who]}/wissing", WISH | form)


def involved(region: Region, who: str, person: Person) -> bool:
    """Whether the organisation takes part in the traject now."""
    query = select(involvement.c.valid_until).where(involvement.c.trajectory_id == person.trajectory)
    with reading(region.core.engine) as connection:
        until = connection.scalars(query.where(involvement.c.organisation == who)).one()
    return until is None or until > region.clock.now()


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("erased", [True, False])
def test_a_recalled_end_gives_nothing_back_to_who_erased_its_own(region: Region, told: bool, erased: bool) -> None:
    """Whose content it was knows the person no longer. Who erased nothing is the control."""
    person, at = in_traject(region)
    ended = ends(region, person)
    if told:
        region.collect(at)
    if erased:
        erases(region, at, person).expect(200)
    recalls(region, person.guide, ended).expect(200)
    assert involved(region, person.guide, person)
    assert involved(region, at, person) is not erased


# -- joined and split, with somebody who erased its own ----------------------------------------------------------------
def two(region: Region) -> tuple[Person, Person, str]:
    """Two persons of one guide at one workplace, which may report about each."""
    guide, at = region.pair()
    one, other = (region.reporting(guide, at)[0] for _ in range(2))
    return one, other, at


def officer(who: str, person: Person) -> tuple[str, str]:
    return who, person.refs[who]


def reports(region: Region, at: str, person: Person) -> tuple[int, str | None]:
    answer = region.send(at, region.report(person, at))
    return answer.status, answer.code if answer.status >= 400 else None


def places_again(region: Region, at: str, person: Person) -> str:
    """The guide presents somebody at a workplace that erased its content; the ref that it gets."""
    event = region.placing(person, at, traject=person.trajectory)
    region.send(person.guide, event).expect(202)
    return str(region.collect(at)[-1]["subject"])


@pytest.mark.parametrize("off", [0, 1])
def test_a_split_after_a_wissing_gives_nobody_what_was_erased(region: Region, off: int) -> None:
    """The workplace erased what it had of both while they were one: it knows neither of the two afterwards."""
    persons = two(region)
    one, other, at = persons
    guide = one.guide
    for each in (one, other):
        region.send(at, region.report(each, at)).expect(202)
    region.collect(guide)
    both(region, JOIN, officer(guide, one), officer(guide, other))
    erases(region, at, one).expect(200)
    both(region, SPLIT, officer(guide, (one, other)[off]), officer(guide, (one, other)[1 - off]))
    for each in (one, other):
        assert reports(region, at, each) == NO_GROUND
        assert not involved(region, at, each) and involved(region, guide, each)
    # told anew of one of them, it knows that one and not the other
    fresh = places_again(region, at, one)
    assert fresh != one.refs[at]
    one.refs[at] = fresh
    assert reports(region, at, one) == NO_GROUND  # what the person had said of that flow ended with the wissing
    region.allow_reports(one, at)
    assert reports(region, at, one) == (202, None)
    assert reports(region, at, other) == NO_GROUND


@pytest.mark.parametrize("off", [0, 1])
def test_who_erased_while_they_were_one_can_hear_of_the_other_afterwards(region: Region, off: int) -> None:
    """The workplace never knew the other; with what it erased, the key under which it would write of that one went."""
    guide, at = region.pair()
    one, other = region.reporting(guide, at)[0], region.candidate(guide)
    both(region, JOIN, officer(guide, one), officer(guide, other))
    erases(region, at, one).expect(200)
    both(region, SPLIT, officer(guide, (one, other)[off]), officer(guide, (one, other)[1 - off]))
    region.place(other, at)
    region.allow_reports(other, at)
    assert reports(region, at, other) == (202, None)


@pytest.mark.parametrize("off", [0, 1])
def test_whom_an_organisation_knows_anew_after_a_wissing_stays_the_same_person_in_a_split(
    region: Region, off: int
) -> None:
    """It knows the person by a new ref; whoever of the two is split off, the ref goes with its own person."""
    one, other, at = two(region)
    guide = one.guide
    erases(region, at, one).expect(200)
    one.refs[at] = places_again(region, at, one)
    region.allow_reports(one, at)
    both(region, JOIN, officer(guide, one), officer(guide, other))
    assert reports(region, at, one) == reports(region, at, other) == (202, None)  # the control
    region.collect(guide)
    both(region, SPLIT, officer(guide, (one, other)[off]), officer(guide, (one, other)[1 - off]))
    with reading(region.core.engine) as connection:
        found = people.resolve(connection, [(Oin(at), one.refs[at]), (Oin(guide), one.refs[guide])])
    roots = {known.root for known in found.values()}
    assert len(found) == 2 and len(roots) == 1
    assert reports(region, at, one) == reports(region, at, other) == (202, None)


# -- what is open when somebody is erased as a whole -------------------------------------------------------------------
@pytest.fixture(scope="module")
def point(shared: Region) -> str:
    """The region's contactpunt."""
    oin = shared.fresh("regio")
    form = {"organisatie": oin, "systeem": shared.parties[oin].system, "scopes": ["rechten:geheel"]}
    shared.operate(parties.add_mandate, forms.mandate(form))
    return oin


def cases(region: Region, who: str, kind: str, person: Person | None = None) -> list[dict[str, Any]]:
    """The open zaken of a kind; of one person, where named."""
    found = region.call(who, "GET", f"/v1/zaken?soort={kind}&open=true").expect(200)["items"]
    return [one for one in found if person is None or one["kandidaatRef"] == person.refs[who]]


def answers(region: Region, who: str, case_id: str, answer: str) -> Answer:
    return region.call(who, "POST", f"/v1/zaken/{case_id}/antwoord", {"antwoord": answer})


def erase_whole(region: Region, person: Person, at: str, point: str) -> None:
    """Both controllers answer that they erased; the person is gone."""
    asked = erases(region, at, person, omvang="geheel").expect(202)["wissingId"]
    (one,) = [c for c in cases(region, point, "wissing-verzoek") if c["oorzaak"] == asked]
    answers(region, point, one["id"], "gehonoreerd").expect(200)
    for who in (at, person.guide):
        (mine,) = cases(region, who, "wissing", person)
        answers(region, who, mine["id"], "gewist").expect(200)


def test_a_stop_that_waits_does_not_outlive_the_person(region: Region, point: str) -> None:
    """Nobody can answer it any more, so it is open no longer; what asks to delete is answered also then."""
    person, at = in_traject(region)
    region.stop_request(at, person.refs[at])
    stops = {who: cases(region, who, "stopverzoek", person) for who in (at, person.guide)}
    assert all(stops.values())  # the control
    erase_whole(region, person, at, point)
    for who, asked in stops.items():
        assert cases(region, who, "stopverzoek") == []
        for one in asked:
            answer = answers(region, who, one["id"], "opgeheven")
            assert (answer.status, answer.code) == NOT_FOUND
    notices = [e["data"]["zaakId"] for e in region.collect(person.guide) if "zaakId" in e["data"]]
    assert len(notices) == 2  # of the stop, and of the wissing
    for case_id in notices:
        answers(region, person.guide, case_id, "verwijderd").expect(200)
    left = cases(region, person.guide, "verwijdering.gevraagd")
    assert [one["gevraagd"] for one in left] == [at]  # what the other has still to answer


# -- inzage after what happened ----------------------------------------------------------------------------------------
def picture(region: Region, who: str, ref: str, query: str = "") -> dict[str, Any]:
    return dict(region.call(who, "GET", f"/v1/kandidaten/{ref}/inzage?limiet=100&{query}").expect(200))


def test_inzage_after_a_split_shows_each_its_own(region: Region) -> None:
    one, other, at = two(region)
    guide, sent = one.guide, {}
    for each in (one, other):
        event = region.report(each, at)
        region.send(at, event).expect(202)
        sent[each.refs[at]] = event["id"]
    region.collect(guide)
    both(region, JOIN, officer(guide, one), officer(guide, other))

    def ids(who: str, person: Person) -> set[str]:
        found = picture(region, who, person.refs[who])["berichten"]
        return {m["id"] for m in found if m["soort"] == "voortgang.gemeld"}

    assert all(ids(who, each) == set(sent.values()) for who in (guide, at) for each in (one, other))  # the control
    both(region, SPLIT, officer(guide, other), officer(guide, one))
    for who in (guide, at):
        for each in (one, other):
            assert ids(who, each) == {sent[each.refs[at]]}
            for part in ("toestemmingen", "betrokkenheden"):
                found = picture(region, who, each.refs[who])
                assert part not in found or all(not _names(row, other if each is one else one) for row in found[part])
        page = region.call(who, "GET", f"/v1/kandidaten/{one.refs[who]}/inzage?formaat=brief")
        assert page.status == 200 and page.headers["content-type"].startswith("text/html")


def _names(row: dict[str, Any], person: Person) -> bool:
    return any(ref in str(row) for ref in (*person.refs.values(), person.trajectory))


def test_inzage_after_an_end_and_a_wissing(region: Region, point: str) -> None:
    """Who was involved still has a picture; who erased its own has none; of who is gone nobody has."""
    person, at = in_traject(region)
    ends(region, person)
    region.collect(at)
    for who in (at, person.guide):
        assert picture(region, who, person.refs[who])["berichten"]
    erases(region, at, person).expect(200)
    answer = region.call(at, "GET", f"/v1/kandidaten/{person.refs[at]}/inzage")
    assert (answer.status, answer.code) == NOT_FOUND
    seen = picture(region, person.guide, person.refs[person.guide])["berichten"]
    (report,) = [m for m in seen if m["soort"] == "voortgang.gemeld"]
    assert report["status"] == "gewist" and report["vrijgegevenOp"]  # that it got it stays in the picture
    erases(region, person.guide, person).expect(200)
    answer = region.call(person.guide, "GET", f"/v1/kandidaten/{person.refs[person.guide]}/inzage?formaat=brief")
    assert (answer.status, answer.code) == NOT_FOUND


# -- past its term -----------------------------------------------------------------------------------------------------
def past(region: Region, days: float) -> None:
    region.advance(days * DAY.total_seconds())
    sweep(region)


@pytest.mark.parametrize("reason", ["gestopt", "overleden"])
def test_a_recall_after_the_term_gives_nobody_back_what_is_gone(region: Region, reason: str) -> None:
    """The keys of all went after the end. Its recall says that the person lives, and brings nobody in again."""
    person, at = in_traject(region)
    ended = ends(region, person, reden=reason)
    region.collect(at)
    past(region, 31)
    past(region, 31)
    for who in (at, person.guide):
        answer = region.call(who, "GET", f"/v1/kandidaten/{person.refs[who]}/inzage")
        assert (answer.status, answer.code) == NOT_FOUND
    recalls(region, person.guide, ended).expect(200)
    assert not involved(region, at, person) and not involved(region, person.guide, person)
    assert died(region, person) is None


def died(region: Region, person: Person) -> Any:
    query = select(person_table.c.deceased_at).join(involvement, involvement.c.person_id == person_table.c.person_id)
    with reading(region.core.engine) as connection:
        return connection.scalars(query.where(involvement.c.trajectory_id == person.trajectory)).first()


def test_joined_persons_of_whom_one_died_go_at_the_term_of_both(region: Region) -> None:
    """What one still needs holds back the other's; after that all handles go, and the log of both is named."""
    one, other, at = two(region)
    endable(region, one.guide, at)
    for each in (one, other):
        region.send(at, region.report(each, at)).expect(202)
    region.collect(one.guide)
    handles = {handle_of(region, one.refs[at]), handle_of(region, other.refs[at])}
    both(region, JOIN, officer(one.guide, one), officer(one.guide, other))
    region.stop_request(at, one.refs[at])
    region.collect(one.guide)  # what tells it so is never answered
    ends(region, one)
    region.collect(at)
    past(region, 31)
    assert held(region, handles) == {at, one.guide}  # the other's traject goes on
    ends(region, other, reden="overleden")
    region.collect(at)
    past(region, 31)
    past(region, 31)
    assert held(region, handles) == set()
    asked = asks(region, SPLIT, officer(one.guide, one))
    assert (asked.status, asked.code) == NOT_FOUND
    past(region, 366 * 7 + 62)
    assert region.core.key_store.find([evidence_key(handle) for handle in handles]) == {}


def held(region: Region, handles: set[PersonId]) -> set[str]:
    """Whose content keys about these are there."""
    found = region.core.key_store.find(region.core.key_store.of_persons(sorted(handles)))
    return {name.rpartition("/")[2] for name in found if name.startswith("inhoud/")}
