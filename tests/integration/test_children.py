"""A child's own `ja` counts for nothing, whoever recorded it; and only who may see why learns that it does not."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts import instants
from hub.gate.person_work import PersonWork
from tests.partners import Person, stamp
from tests.region import Region, region_on
from tests.samples import KRINGLOOP, MBO, ONTWIKKELBEDRIJF

NO_GROUND, GOES = (403, "GEEN_GRONDSLAG"), (202, None)
#: A flow of the kringloop that nothing else here is about.
ELSEWHERE = {"ontvangers": [MBO], "doelen": ["opleiden"], "categorieen": ["beoordeling"]}
SELF = {"gegevenDoor": "betrokkene"}
TEXT = {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"}
NO = {"keuze": "nee", "ontvangers": None, "categorieen": None, "doelen": ["trajectbegeleiding"]}
REPORTS = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("kind")) as made:
        yield made


def now(region: Region) -> datetime:
    return region.clock.now()


def by_parent(region: Region, days: int = 200, who: str = "ouder-met-gezag") -> dict[str, Any]:
    """What a parent adds to a form. In ``days`` the child is 16."""
    day = instants.today(now(region) + timedelta(days=days)).isoformat()
    return {"gegevenDoor": who, "bevoegdheid": "uittreksel gezagsregister", "zestienOp": day}


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


def reports(region: Region, person: Person, number: int = 1) -> tuple[int, str | None]:
    return told(region.send(KRINGLOOP, region.report(person, number=number)))


def places(region: Region, person: Person) -> tuple[int, str | None]:
    return told(region.send(ONTWIKKELBEDRIJF, region.placing(person)))


def status(region: Region, who: str, statement: str) -> str:
    return str(region.call(who, "GET", f"/v1/toestemmingen/{statement}").expect(200)["status"])


def listed(region: Region, who: str, state: str) -> list[str]:
    found = region.call(who, "GET", f"/v1/toestemmingen?status={state}&limiet=100").expect(200)["items"]
    return [one["id"] for one in found]


def explained(region: Region, who: str, event: dict[str, Any]) -> dict[str, list[str]]:
    """Statement → in what it differs, as a dry run tells its recorder."""
    answer = region.call(who, "POST", "/v1/vooraf-controles", event, "application/cloudevents+json").expect(200)
    return {one["toestemmingId"]: one["verschilt"] for one in answer["toelichting"]}


def own_word(region: Region, statement: str, at: datetime, who: str = KRINGLOOP) -> Any:
    word = {"gegevenDoor": "betrokkene", "op": stamp(at)}
    return region.call(who, "POST", f"/v1/toestemmingen/{statement}/bevestiging", word)


@pytest.mark.parametrize("who", ["ouder-met-gezag", "voogd"])
@pytest.mark.parametrize("keuze", ["ja", "nee"])
def test_what_the_child_said_itself_stops_to_count(region: Region, who: str, keuze: str) -> None:
    """From the commit of what the parent says, be it of another flow; also of what was let in before."""
    person, own = region.reporting()
    assert reports(region, person) == GOES
    said = ELSEWHERE | by_parent(region, who=who)
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze=keuze, **said).expect(201)
    assert (reports(region, person, 2), status(region, KRINGLOOP, own)) == (NO_GROUND, "te-bevestigen")
    assert own in listed(region, KRINGLOOP, "te-bevestigen") and own not in listed(region, KRINGLOOP, "gegeven")
    assert region.collect(ONTWIKKELBEDRIJF) == []
    event = region.report(person, number=3) | {"ontvanger": ONTWIKKELBEDRIJF}
    assert explained(region, KRINGLOOP, event)[own] == ["leeftijd"]
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], **REPORTS, **by_parent(region, who=who)).expect(201)
    assert reports(region, person, 4) == GOES  # the control: it is the parent who decides
    region.collect(ONTWIKKELBEDRIJF)


def test_who_cannot_see_what_the_parent_said_learns_nothing_of_it(region: Region) -> None:
    """The same answers as for somebody whose `ja` another organisation's `nee` closes."""
    seen = []
    for hidden in ({"keuze": "ja", **ELSEWHERE, **by_parent(region)}, {"keuze": "nee", "verstrekkers": None}):
        person, _ = region.reporting()
        ref = person.refs[ONTWIKKELBEDRIJF]
        own = region.allow_placing(person)
        assert places(region, person) == GOES
        region.collect(KRINGLOOP)
        region.statement(KRINGLOOP, person.refs[KRINGLOOP], **hidden).expect(201)
        event = region.placing(person) | {"ontvanger": KRINGLOOP}
        confirming = own_word(region, own, now(region), ONTWIKKELBEDRIJF)
        again = region.statement(
            *(ONTWIKKELBEDRIJF, ref),
            ontvangers=[MBO],
            doelen=["opleiden"],
            categorieen=["identiteit"],
        )
        found = region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{own}").expect(200)
        seen.append(
            {
                "sends": places(region, person),
                "explained": own in explained(region, ONTWIKKELBEDRIJF, event),
                "shown": {name: found[name] for name in ("status", "zestienOp", "zelfBevestigdOp", "ongeldigOp")},
                "listed": own in listed(region, ONTWIKKELBEDRIJF, "te-bevestigen"),
                "confirming": told(confirming),
                "says it again": (again.status, again.json["status"]),
            }
        )
    assert seen[0] == seen[1]
    assert seen[0]["sends"] == NO_GROUND and seen[0]["shown"]["status"] == "gegeven"
    assert (seen[0]["explained"], seen[0]["confirming"]) == (False, (409, "STAAT_ONGELIJK"))


def test_at_16_the_person_confirms_what_was_said_too_young_or_says_it_again(region: Region) -> None:
    person, own = region.reporting()
    hidden = region.allow_placing(person)
    parent = by_parent(region, days=2)
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], **ELSEWHERE, **parent).expect(201)
    later = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **ELSEWHERE, **by_parent(region, days=3)).expect(201)
    grown = instants.start_of(datetime.fromisoformat(later["zestienOp"]).date())
    early = own_word(region, own, now(region)).json["velden"]
    assert [(one["naam"], one["code"]) for one in early] == [("op", "ONDER_ZESTIEN")]
    region.clock.ahead += (grown - now(region)).total_seconds() + 1
    assert (reports(region, person), status(region, KRINGLOOP, own)) == (NO_GROUND, "te-bevestigen")
    between = own_word(region, own, grown - timedelta(days=1))  # of two days the later counts
    assert between.json["velden"][0]["code"] == "ONDER_ZESTIEN"
    assert own_word(region, own, grown).expect(200)["status"] == "gegeven"
    assert (reports(region, person), places(region, person)) == (GOES, NO_GROUND)
    assert status(region, ONTWIKKELBEDRIJF, hidden) == "gegeven"
    region.allow_placing(person)
    assert places(region, person) == GOES
    for who in (KRINGLOOP, ONTWIKKELBEDRIJF):
        region.collect(who)


def test_what_was_recorded_wrongly_makes_nobody_a_child(region: Region) -> None:
    """Withdrawn or invalid it still does: the person was no older for it."""
    reason = {"reden": "verkeerde persoon"}
    for act, body, opens in (
        ("intrekking", {"gegevenDoor": "betrokkene"}, False),
        ("ongeldigverklaring", reason, False),
        ("herroeping", reason, True),
    ):
        other, own = region.reporting()
        said = region.statement(KRINGLOOP, other.refs[KRINGLOOP], **ELSEWHERE, **by_parent(region)).expect(201)["id"]
        assert reports(region, other) == NO_GROUND
        region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{said}/{act}", body).expect(200)
        assert reports(region, other) == (GOES if opens else NO_GROUND), act
        assert status(region, KRINGLOOP, own) == ("gegeven" if opens else "te-bevestigen")
        again = region.statement(KRINGLOOP, other.refs[KRINGLOOP], **REPORTS)
        assert again.status == (201 if opens else 400)
        region.collect(ONTWIKKELBEDRIJF)


def test_what_a_parent_says_takes_away_under_the_exclusive_lock(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else something could still leave on the child's own word after it was answered (promise 2)."""
    person, own = region.reporting()
    seen: list[bool] = []
    act = PersonWork.on

    def on(self: PersonWork, *args: Any, take_away: bool = False) -> Any:
        seen.append(take_away)
        return act(self, *args, take_away=take_away)

    monkeypatch.setattr(PersonWork, "on", on)
    ref, until = person.refs[KRINGLOOP], {"geldigTot": stamp(now(region) + timedelta(days=100))}
    renewal = {"gegevenOp": stamp(now(region)), "wijze": "gesprek", "verklaring": TEXT} | until
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{own}/verlenging", renewal | SELF).expect(201)
    region.statement(KRINGLOOP, ref, **ELSEWHERE).expect(201)
    assert seen == [False, False]  # the control: what the person says itself only adds
    renewal["gegevenOp"] = stamp(now(region))
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{own}/verlenging", renewal | by_parent(region)).expect(201)
    region.statement(KRINGLOOP, ref, **ELSEWHERE, **by_parent(region)).expect(201)
    assert seen == [False, False, True, True]


def test_an_earlier_nee_of_the_other_parent_closes_what_went_on_the_ja(region: Region) -> None:
    """Two parents who disagree have said no, whoever spoke last: who has it already is told, and what waits stops."""
    parent = by_parent(region)
    person, given = region.reporting(**parent)
    ref, hour_ago = person.refs[KRINGLOOP], stamp(now(region) - timedelta(hours=1))
    assert reports(region, person) == GOES
    region.collect(ONTWIKKELBEDRIJF)
    answer = region.statement(KRINGLOOP, ref, gegevenOp=hour_ago, **NO, **parent).expect(201)
    assert [one["ontvanger"] for one in answer["verstrekt"]] == [ONTWIKKELBEDRIJF]
    assert answer["kennisgevingen"] == 1 and reports(region, person, 2) == NO_GROUND
    shown = region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}").expect(200)
    assert [one["toestemmingId"] for one in shown["geslotenDoor"]] == [answer["id"]]


@pytest.mark.parametrize("yes_no", [("voogd", "voogd"), ("voogd", "ouder-met-gezag"), ("ouder-met-gezag", "voogd")])
def test_an_earlier_nee_of_who_is_no_second_parent_takes_nothing_away(region: Region, yes_no: tuple[str, str]) -> None:
    """The gate lets the later ``ja`` count: so nobody is told to stop."""
    yes, no = yes_no
    person, given = region.reporting(**by_parent(region, who=yes))
    ref, hour_ago = person.refs[KRINGLOOP], stamp(now(region) - timedelta(hours=1))
    assert reports(region, person) == GOES
    region.collect(ONTWIKKELBEDRIJF)
    answer = region.statement(KRINGLOOP, ref, gegevenOp=hour_ago, **NO, **by_parent(region, who=no)).expect(201)
    assert (answer["verstrekt"], answer["kennisgevingen"]) == ([], 0)
    assert reports(region, person, 2) == GOES
    assert region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}").expect(200)["geslotenDoor"] == []
