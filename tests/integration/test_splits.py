"""Two officers split a person off again: each has its own facts alone, and who was given too much is told."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.identity import Oin
from hub.administration import agreements, forms
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.persons import identity, people
from tests import samples
from tests.officers import FIRST, JOIN, SPLIT, ask, both, confirm, listed, lost_roots
from tests.partners import Person
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, OTHER_BSN

NOT_FOUND = (404, "NIET_GEVONDEN")
RECTIFICATION = "nl.doorstroomhub.rectificatie.kennisgeving.v1"
Officer = tuple[str, str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("splits")) as made:
        yield made
        with snapshot(made.core.engine) as connection:
            report, _ = check(connection, made.core.key_store)
            lost = lost_roots(connection)
    assert report.findings == []  # whatever the tests did, the log tells the same
    assert lost == []


@dataclass(frozen=True)
class Joined:
    """Two persons of one guide, joined. Of ``one`` stands that the guide may place at ``at``; of ``two`` that the
    workplace may report. The workplace knows ``one`` alone."""

    region: Region
    one: Person
    two: Person
    at: str

    @property
    def guide(self) -> str:
        return self.one.guide

    @property
    def first(self) -> Officer:
        return self.guide, self.one.refs[self.guide]

    @property
    def second(self) -> Officer:
        return self.guide, self.two.refs[self.guide]

    def placing(self, person: Person) -> dict[str, Any]:
        return self.region.placing(person, self.at, traject=person.trajectory)

    def send(self, who: str, event: dict[str, Any]) -> str:
        return str(self.region.send(who, event).expect(202)["ontvangstbewijs"]["berichtId"])

    def split(self, off: Officer | None = None, by: Officer | None = None) -> dict[str, Any]:
        return both(self.region, SPLIT, off or self.second, by or self.first)

    def notices(self, who: str) -> list[dict[str, Any]]:
        return [event for event in self.region.collect(who) if event["type"] == RECTIFICATION]

    def cases(self, who: str, kind: str) -> list[dict[str, Any]]:
        return list(self.region.call(who, "GET", f"/v1/zaken?soort={kind}").expect(200)["items"])


@pytest.fixture
def joined(region: Region) -> Joined:
    guide, at = region.pair()
    one, two = region.candidate(guide), region.candidate(guide)
    region.place(one, at)
    both(region, JOIN, (guide, one.refs[guide]), (guide, two.refs[guide]))
    return Joined(region, one, two, at)


def roots(region: Region, *refs: Officer) -> list[str]:
    with reading(region.core.engine) as connection:
        found = people.resolve(connection, [(Oin(who), ref) for who, ref in refs])
    return [found[Oin(who), ref].root for who, ref in refs]


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


# -- own facts alone --------------------------------------------------------------------------------------------------
def test_each_has_its_own_facts_again_and_what_waits_on_those_of_the_other_is_stopped(joined: Joined) -> None:
    region, guide, at = joined.region, joined.guide, joined.at
    own, borrowed = (joined.send(guide, joined.placing(one)) for one in (joined.one, joined.two))
    answer = joined.split()
    assert answer["gestopt"] == [{"berichtId": borrowed, "ontvanger": at}]
    assert answer["verstrekt"] == [] and answer["meldenVoor"] is None and answer["kennisgevingen"] == 0
    assert (region.fate(guide, own)[at], region.fate(guide, borrowed)[at]) == ("wachtend", "gestopt")
    assert roots(region, joined.first) != roots(region, joined.second)
    assert told(region.send(guide, region.placing(joined.one, at))) == (202, None)  # one open traject each
    assert told(region.send(guide, region.placing(joined.two, at))) == (403, "GEEN_GRONDSLAG")
    assert {one["kandidaatRef"]: one["afgesplitst"] for one in answer["kandidaatRefs"]} == {
        joined.first[1]: False,
        joined.second[1]: True,
    }


@pytest.mark.parametrize("off", ["first", "second"])
def test_the_preview_tells_what_would_follow_and_changes_nothing(joined: Joined, off: str) -> None:
    """Whichever of the two is named: the one whose facts the join was recorded under, or the other."""
    region, guide, at = joined.region, joined.guide, joined.at
    gone = joined.send(guide, joined.placing(joined.two))
    region.collect(at)
    waiting = joined.send(guide, joined.placing(joined.two))
    code = ask(region, SPLIT, getattr(joined, off))["code"]
    seen = confirm(region, SPLIT, joined.first, code, proef=True).expect(200)
    assert seen["proef"] and [one["berichtId"] for one in seen["gestopt"]] == [waiting]
    assert [(one["berichtId"], one["reden"]) for one in seen["verstrekt"]] == [(gone, "onder-kenmerk-van-een-ander")]
    flows = {(one["kandidaatRef"], one["ontvanger"]): one["stopt"] for one in seen["stromen"]}
    assert flows == {(joined.first[1], at): False, (joined.second[1], at): True}
    assert region.fate(guide, waiting)[at] == "wachtend"
    assert roots(region, joined.first) == roots(region, joined.second)
    done = confirm(region, SPLIT, joined.first, code).expect(200)
    for name in ("gestopt", "stromen", "verstrekt", "kandidaatRefs"):
        assert done[name] == seen[name]
    assert done["kennisgevingen"] == 1 and seen["kennisgevingen"] == 0
    assert len(joined.notices(at)) == 1  # by the split, and none by the look at it


def test_who_was_given_messages_on_the_others_facts_is_told(region: Region) -> None:
    """The workplace knows both; about the first it could report only because the second had said yes."""
    guide, at = region.pair()
    one, two = region.candidate(guide), region.candidate(guide)
    region.place(one, at)
    region.place(two, at)
    region.allow_reports(two, at)
    scene = Joined(region, one, two, at)
    assert told(region.send(at, region.report(one, at))) == (403, "GEEN_GRONDSLAG")
    both(region, JOIN, scene.first, scene.second)
    borrowed, own = (scene.send(at, region.report(who, at)) for who in (one, two))
    given = region.collect(guide)
    assert [event["subject"] for event in given] == [scene.first[1], scene.second[1]]  # each by its own ref
    answer = scene.split()
    assert [(o["berichtId"], o["reden"]) for o in answer["verstrekt"]] == [(borrowed, "op-gegevens-van-een-ander")]
    at_split = datetime.fromisoformat(answer["tijdstip"])
    assert datetime.fromisoformat(answer["meldenVoor"]) - at_split == timedelta(hours=72)
    (notice,) = scene.notices(guide)
    assert (notice["subject"], notice["data"]["code"]) == (scene.first[1], "persoon-gesplitst")
    assert [m["id"] for m in notice["data"]["berichten"]] == [given[0]["id"]]
    # the verstrekker finds in its zaken what of its own crossed, and who was asked
    (case,) = scene.cases(at, SPLIT.removesuffix("en"))
    assert [m["berichtId"] for m in case["berichten"]] == [borrowed] and case["kandidaatRef"] == one.refs[at]
    (asked,) = scene.cases(at, "rectificatie.kennisgeving")
    assert asked["gevraagd"] == guide and asked["antwoord"] is None
    reply = {"antwoord": "verwijderd"}
    region.call(guide, "POST", f"/v1/zaken/{notice['data']['zaakId']}/antwoord", reply).expect(200)
    # both officers' organisation sees it again later; and from now on
    (row,) = listed(region, SPLIT, scene.second)
    assert (row["status"], row["verstrekt"], row["meldenVoor"]) == (
        "uitgevoerd",
        answer["verstrekt"],
        answer["meldenVoor"],
    )
    assert told(region.send(at, region.report(one, at))) == (403, "GEEN_GRONDSLAG")
    assert told(region.send(at, region.report(two, at))) == (202, None)
    assert own not in str(answer["verstrekt"])


def test_who_has_messages_of_both_under_one_ref_is_told_and_gets_a_ref_for_the_other(joined: Joined) -> None:
    region, guide, at = joined.region, joined.guide, joined.at
    mine, other = (joined.send(guide, joined.placing(one)) for one in (joined.one, joined.two))
    given = region.collect(at)
    ref = joined.one.refs[at]
    assert [event["subject"] for event in given] == [ref, ref]
    answer = joined.split()
    assert [(o["berichtId"], o["reden"]) for o in answer["verstrekt"]] == [(other, "onder-kenmerk-van-een-ander")]
    (notice,) = joined.notices(at)
    assert (notice["subject"], notice["data"]["code"]) == (ref, "verkeerde-persoon")
    assert [m["id"] for m in notice["data"]["berichten"]] == [given[1]["id"]]
    region.allow_placing(joined.two, at)
    joined.send(guide, region.placing(joined.two, at))
    joined.send(guide, region.placing(joined.one, at))
    fresh, same = region.collect(at)
    assert same["subject"] == ref != fresh["subject"]
    assert fresh["data"]["kandidaat"]["kandidaatRef"] == fresh["subject"]
    assert mine not in str(answer["verstrekt"])


def test_a_ref_given_while_joined_is_of_the_very_person_and_what_was_fetched_is_given_anew(region: Region) -> None:
    """The workplace learns of the second one first, while the root is the first: its ref is of the second."""
    guide, at = region.pair()
    one, two = region.candidate(guide), region.candidate(guide)
    scene = Joined(region, one, two, at)
    region.allow_placing(one, at)
    both(region, JOIN, scene.first, scene.second)
    message_id = scene.send(guide, scene.placing(two))
    (event,) = region.fetch(at)
    answer = scene.split(off=scene.first, by=scene.second)
    assert roots(region, (at, event["subject"])) == roots(region, scene.second) != roots(region, scene.first)
    assert [(o["berichtId"], o["reden"]) for o in answer["verstrekt"]] == [(message_id, "op-gegevens-van-een-ander")]
    again, notice = region.fetch(at)
    assert (again["sequence"], again["type"]) == (event["sequence"], "nl.doorstroomhub.bericht.ingetrokken.v1")
    assert notice["data"]["code"] == "persoon-gesplitst" and notice["subject"] == event["subject"]


# -- a BSN joins them no more -----------------------------------------------------------------------------------------
def present(region: Region, guide: str, ref: str, bsn: str) -> dict[str, Any]:
    """An opening message of the gemeente that bears the BSN; as the guide gets it."""
    data = samples.voorgedragen(ref, bsn=bsn)
    trajectory = data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=guide, traject=trajectory)
    region.send(GEMEENTE, event).expect(202)
    return region.collect(guide)[-1]


def test_whom_officers_split_no_opening_message_joins_again(region: Region) -> None:
    guide, _ = region.pair()
    categories = "identiteit bsn contact opleiding inzetbaarheid"
    terms = (f"gemeente-{guide}", "kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf", categories)
    region.ground(f"voordracht-{guide}", terms)
    mine = guide, region.register(guide, bsn=BSN)
    theirs = GEMEENTE, region.register(GEMEENTE, bsn=BSN)
    assert present(region, guide, theirs[1], BSN)["subject"] == mine[1]
    assert roots(region, mine) == roots(region, theirs)  # the control: it joins
    both(region, SPLIT, mine, (guide, mine[1]))
    assert roots(region, mine) != roots(region, theirs)
    other = present(region, guide, theirs[1], BSN)["subject"]
    assert other != mine[1] and roots(region, (guide, other)) == roots(region, theirs) != roots(region, mine)
    region.register(guide, bsn=BSN)  # nor does registering again
    assert roots(region, mine) != roots(region, theirs)
    both(region, JOIN, theirs, mine)  # two officers can
    assert roots(region, mine) == roots(region, theirs)


def joint(region: Region, one: str, other: str) -> None:
    """A signed art. 26 regeling between two."""
    name = f"regeling-{one[-9:]}-{other[-9:]}"
    form = {
        "afspraakId": name,
        "partijen": [one, other],
        "soorten": ["voortgang.gemeld"],
        "doelen": ["trajectbegeleiding"],
        "geldigVan": "2026-01-01",
        "geldigTot": None,
        "art26Regeling": "regeling 2026-1",
        "dpiaOp": "2026-01-01",
    }
    region.operate(agreements.add_agreement, forms.agreement(form, region.clock.now().date()))
    for end in (one, other):
        region.operate(agreements.accept_agreement, name, Oin(end))


def test_whom_officers_split_no_regeling_joins_again(region: Region) -> None:
    """Each party of the regeling has a person of its own, though joined: that is what makes a split possible."""
    one, other, third = (region.fresh("ontwikkelbedrijf") for _ in range(3))
    for pair in ((one, other), (one, third), (other, third)):
        joint(region, *pair)
    a, b = ((who, region.register(who, bsn=OTHER_BSN)) for who in (one, other))
    assert roots(region, a) == roots(region, b)
    with reading(region.core.engine) as connection:
        persons = {identity.own_ref(connection, Oin(who), ref).person for who, ref in (a, b)}  # type: ignore[union-attr]
    assert len(persons) == 2
    both(region, SPLIT, b, a)
    assert roots(region, a) != roots(region, b)
    assert region.register(other, bsn=OTHER_BSN) == b[1]
    c = third, region.register(third, bsn=OTHER_BSN)  # of which of the two it is, the BSN does not say
    assert len(set(roots(region, a, b, c))) == 3


# -- who may ----------------------------------------------------------------------------------------------------------
def test_it_takes_two_officers_who_know_one_of_those_joined(joined: Joined) -> None:
    region = joined.region
    stranger = GEMEENTE, region.register(GEMEENTE)
    asked = ask(region, SPLIT, joined.second)
    assert told(confirm(region, SPLIT, joined.first, asked["code"], medewerker=FIRST)) == (409, "STAAT_ONGELIJK")
    for who, code in (
        (stranger, asked["code"]),
        (joined.first, "2222-2222-2222"),
        ((GEMEENTE, "a" * 26), asked["code"]),
    ):
        assert told(confirm(region, SPLIT, who, code)) == NOT_FOUND
    # the workplace has one ref only: it knows a person who is joined
    confirm(region, SPLIT, (joined.at, joined.one.refs[joined.at]), asked["code"], medewerker=FIRST).expect(200)
    assert roots(region, joined.first) != roots(region, joined.second)
    assert told(confirm(region, SPLIT, joined.first, asked["code"])) == NOT_FOUND


def test_asking_tells_nobody_whether_a_person_is_joined(region: Region) -> None:
    """Alone or joined, the first officer gets a code; only the second finds that there is nothing to split."""
    guide, _ = region.pair()
    alone = guide, region.register(guide)
    asked = ask(region, SPLIT, alone)
    assert set(asked) == {"splitsingId", "code", "geldigTot"}
    assert told(confirm(region, SPLIT, alone, asked["code"])) == NOT_FOUND


# -- more than two, and more than once --------------------------------------------------------------------------------
@pytest.mark.parametrize("off", [0, 1, 2])
def test_of_three_one_goes_and_two_stay(region: Region, off: int) -> None:
    guide, at = region.pair()
    persons = [region.candidate(guide) for _ in range(3)]
    a, b, c = ((guide, one.refs[guide]) for one in persons)
    both(region, JOIN, a, b)
    both(region, JOIN, c, b)
    region.allow_placing(persons[0], at)
    waiting = [
        region.send(guide, region.placing(one, at, traject=one.trajectory)).expect(202)["ontvangstbewijs"]["berichtId"]
        for one in persons
    ]
    gone, *stay = [(a, b, c)[off], *(one for place, one in enumerate((a, b, c)) if place != off)]
    both(region, SPLIT, gone, stay[0])
    assert len(set(roots(region, *stay))) == 1 and roots(region, gone) != roots(region, stay[0])
    fates = [region.fate(guide, one)[at] for one in waiting]
    allowed = [place == off if off == 0 else place != off for place in range(3)]  # those with the first one's `ja`
    assert fates == ["wachtend" if one else "gestopt" for one in allowed]
    both(region, SPLIT, stay[0], stay[1])
    assert len(set(roots(region, a, b, c))) == 3


def test_what_one_split_told_the_next_does_not_tell_of_others(region: Region) -> None:
    """Three were one. The workplace has all messages under its ref of the first, who is split off before the others."""
    guide, at = region.pair()
    persons = [region.candidate(guide) for _ in range(3)]
    a, b, c = ((guide, one.refs[guide]) for one in persons)
    region.place(persons[0], at)
    both(region, JOIN, a, b)
    both(region, JOIN, b, c)
    sent = [
        region.send(guide, region.placing(one, at, traject=one.trajectory)).expect(202)["ontvangstbewijs"]["berichtId"]
        for one in persons[1:]
    ]
    region.collect(at)
    first = both(region, SPLIT, a, b)
    assert sorted(one["berichtId"] for one in first["verstrekt"]) == sorted(sent)
    (notice,) = [event for event in region.collect(at) if event["type"] == RECTIFICATION]
    assert len(notice["data"]["berichten"]) == 2
    assert both(region, SPLIT, b, c)["verstrekt"] == [] and region.collect(at) == []


def test_split_join_split_tells_each_release_once(joined: Joined) -> None:
    region, guide, at = joined.region, joined.guide, joined.at
    joined.send(guide, joined.placing(joined.two))
    region.collect(at)
    assert len(joined.split()["verstrekt"]) == 1 and len(joined.notices(at)) == 1
    both(region, JOIN, joined.second, joined.first)
    assert joined.split(off=joined.first, by=joined.second)["verstrekt"] == []
    assert joined.notices(at) == []
    both(region, JOIN, joined.first, joined.second)
    later = joined.send(guide, joined.placing(joined.two))
    region.collect(at)
    assert [one["berichtId"] for one in joined.split()["verstrekt"]] == [later]


# -- at once ----------------------------------------------------------------------------------------------------------
def test_registering_by_a_regeling_while_its_person_is_joined_finds_them_all(region: Region) -> None:
    """The new person goes under the root that there is, whichever of the two is first."""
    holder, other = region.fresh("ontwikkelbedrijf"), region.fresh("ontwikkelbedrijf")
    joint(region, holder, other)
    for low in range(9_999_900, 9_999_904):
        bsn = bsn_after(low)
        a, b = (holder, region.register(holder, bsn=bsn)), (GEMEENTE, region.register(GEMEENTE))
        code = ask(region, JOIN, b)["code"]
        with ThreadPoolExecutor(2) as pool:
            joining, registering = (
                pool.submit(confirm, region, JOIN, a, code),
                pool.submit(region.register, other, bsn=bsn),
            )
            assert joining.result().status == 200
            c = other, registering.result()
        assert len(set(roots(region, a, b, c))) == 1


def bsn_after(low: int) -> str:
    """A number that passes the 11-proof, of nobody: it begins with 99999."""
    for last in range(100):
        digits = f"{low}{last:02d}"
        total = sum((9 - place) * int(digit) for place, digit in enumerate(digits[:8])) - int(digits[8])
        if total % 11 == 0:
            return digits
    raise AssertionError


def test_join_and_split_at_once_leave_nobody_between(region: Region) -> None:
    guide, _ = region.pair()
    for _ in range(4):
        a, b, c = ((guide, region.register(guide)) for _ in range(3))
        both(region, JOIN, a, b)
        off, on = ask(region, SPLIT, a)["code"], ask(region, JOIN, b)["code"]
        with ThreadPoolExecutor(2) as pool:
            steps = [pool.submit(confirm, region, SPLIT, b, off), pool.submit(confirm, region, JOIN, c, on)]
            assert [step.result().status for step in steps] == [200, 200]
        assert roots(region, b) == roots(region, c) != roots(region, a)


def test_messages_go_on_while_a_person_is_split(joined: Joined) -> None:
    """Accept, fetch and split race: what goes after the split goes on own facts alone."""
    region, guide, at = joined.region, joined.guide, joined.at
    code = ask(region, SPLIT, joined.second)["code"]

    def offer() -> list[int]:
        answers = [region.send(guide, joined.placing(one)) for _ in range(6) for one in (joined.one, joined.two)]
        region.fetch(at)
        return [answer.status for answer in answers]

    with ThreadPoolExecutor(2) as pool:
        sent, split = pool.submit(offer), pool.submit(confirm, region, SPLIT, joined.first, code)
        statuses = sent.result()
        assert split.result().status == 200
    assert set(statuses[::2]) == {202}
    turned = statuses[1::2].index(403) if 403 in statuses[1::2] else 6
    assert set(statuses[1::2][:turned]) <= {202} and set(statuses[1::2][turned:]) <= {403}
    region.collect(at)
    assert told(region.send(guide, region.placing(joined.two, at))) == (403, "GEEN_GRONDSLAG")
