"""The end of a statement closes others: who is told of what went under these, in which words, and the same again."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from hub.administration import forms, parties
from tests.integration.test_children import by_parent, own_word
from tests.integration.test_consequences import notices, placed_twice, reported
from tests.integration.test_splits import Joined
from tests.integration.test_standing import ALL
from tests.officers import JOIN, both
from tests.partners import stamp
from tests.region import Region, region_on
from tests.samples import KRINGLOOP, KRINGLOOP_2, ONTWIKKELBEDRIJF


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("einde")) as made:
        form = {"organisatie": ONTWIKKELBEDRIJF, "systeem": made.parties[ONTWIKKELBEDRIJF].system}
        made.operate(parties.add_mandate, forms.mandate(form | {"scopes": ["rechten:geheel"]}))
        made.parties[ONTWIKKELBEDRIJF].limit("")
        yield made


def renewed(region: Region, given: str) -> str:
    at = region.clock.now()
    terms = {"gegevenOp": stamp(at), "geldigTot": stamp(at + timedelta(days=300)), "wijze": "gesprek"}
    notice = {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"}
    body = terms | {"gegevenDoor": "betrokkene", "verklaring": notice}
    return str(region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/verlenging", body).expect(201)["id"])


def revoke(region: Region, statement: str) -> dict[str, Any]:
    path = f"/v1/toestemmingen/{statement}/herroeping"
    return dict(region.call(KRINGLOOP, "POST", path, {"reden": "verkeerde persoon"}).expect(200))


def told(region: Region) -> list[dict[str, Any]]:
    """The notices of an end in the mailbox of the ontwikkelbedrijf."""
    kind = "nl.doorstroomhub.grondslag.vervallen"
    return [one["data"] for one in region.collect(ONTWIKKELBEDRIJF) if one["type"].startswith(kind)]


@pytest.mark.parametrize("which", ["renewed", "renewal"])
def test_who_received_on_either_half_of_a_renewal_is_told(region: Region, which: str) -> None:
    """The end of one closes the other: new messages are refused, so what went under both is named."""
    person, given = region.reporting()
    went = [reported(region, person, 1)]
    renewal = renewed(region, given)
    went.append(reported(region, person, 2))
    before = len(notices(region, ONTWIKKELBEDRIJF))
    first, repeat = (region.withdraw(KRINGLOOP, given if which == "renewed" else renewal) for _ in range(2))
    assert [one["berichtId"] for one in first["verstrekt"]] == went
    assert repeat["verstrekt"] == first["verstrekt"]
    (notice,) = notices(region, ONTWIKKELBEDRIJF)[before:]
    assert [one["berichtId"] for one in notice["berichten"]] == went
    assert region.send(KRINGLOOP, region.report(person, number=3)).status == 403


def test_what_went_under_a_valid_ja_is_not_told_as_if_it_had_been_invalid(region: Region) -> None:
    """The renewal was recorded wrongly. What rested on it was without consent; what rested on the older ``ja`` not."""
    person, given = region.reporting()
    under_the_older = reported(region, person, 1)
    renewal = renewed(region, given)
    under_the_renewal = reported(region, person, 2)
    answer = revoke(region, renewal)
    assert [one["berichtId"] for one in answer["verstrekt"]] == [under_the_older, under_the_renewal]
    events = {n["code"]: [m["id"] for m in n["berichten"]] for n in told(region)}
    assert {code: len(ids) for code, ids in events.items()} == {"toestemming-ingetrokken": 1, "toestemming-ongeldig": 1}
    assert events["toestemming-ingetrokken"] != events["toestemming-ongeldig"]
    whole = f"/v1/kandidaten/{person.refs[ONTWIKKELBEDRIJF]}/inzage?omvang=geheel&limiet=100"
    pictured = region.call(ONTWIKKELBEDRIJF, "GET", whole).expect(200)["zaken"]
    assert sorted(one["code"] for one in pictured if one["soort"] == "grondslag.vervallen") == sorted(events)


def test_who_received_while_an_old_nee_was_wrong_is_told_when_it_is_taken_back(region: Region) -> None:
    """What is taken back counts as a ``nee`` from then on: it closes the later ``ja`` too (check 5)."""
    person, _ = region.reporting()
    wrong = region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", doelen=["trajectbegeleiding"]).expect(201)
    assert wrong["verstrekt"] == []
    region.allow_reports(person)
    went = reported(region, person, 1)
    answer = revoke(region, wrong["id"])
    assert [one["berichtId"] for one in answer["verstrekt"]] == [went]
    assert [one["code"] for one in told(region)] == ["toestemming-ingetrokken"]
    assert region.send(KRINGLOOP, region.report(person, number=2)).status == 403


def test_who_may_keep_all_that_it_got_is_not_told_to_stop(region: Region) -> None:
    """The two share a category that was not in the message; what was in it rests on the one, and a grondslag."""
    flow = ("ontwikkelbedrijf-kringloop", "leerwerkplek.geplaatst", "opleiden", "ontwikkelbedrijf", "kringloop")
    region.ground("plaatsing-contact", (*flow, "identiteit contact"))
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    kept = "leervoortgang inzetbaarheid opleiding"
    older = region.consent(ONTWIKKELBEDRIJF, ref, [KRINGLOOP], "opleiden", kept)
    other = region.consent(ONTWIKKELBEDRIJF, ref, [KRINGLOOP], "opleiden", "contact opleiding")
    region.send(ONTWIKKELBEDRIJF, region.placing(person, KRINGLOOP)).expect(202)
    before, first = len(notices(region, KRINGLOOP)), region.collect(KRINGLOOP)[-1]
    answer = region.withdraw(ONTWIKKELBEDRIJF, other)
    region.send(ONTWIKKELBEDRIJF, region.placing(person, KRINGLOOP)).expect(202)
    again = next(one for one in reversed(region.collect(KRINGLOOP)) if one["type"] == first["type"])
    assert again["data"].keys() == first["data"].keys()  # the same may still go
    assert (answer["verstrekt"], len(notices(region, KRINGLOOP)) - before) == ([], 0)
    answer = region.withdraw(ONTWIKKELBEDRIJF, older)  # control: what it was given is closed by this one
    assert len(answer["verstrekt"]) == 2 and len(notices(region, KRINGLOOP)) - before == 1


# -- the same again ---------------------------------------------------------------------------------------------------
def test_a_repeat_tells_what_went_while_the_clock_was_ahead(region: Region) -> None:
    """By less than the five minutes at which a hub stops."""
    person, given = region.reporting()
    region.advance(200)
    went = reported(region, person, 1)
    region.advance(-180)
    first, repeat = (region.withdraw(KRINGLOOP, given) for _ in range(2))
    region.advance(180)
    assert [one["berichtId"] for one in first["verstrekt"]] == [went]
    assert repeat["verstrekt"] == first["verstrekt"]


def test_a_repeat_after_a_join_tells_nothing_of_the_other_person(region: Region) -> None:
    guide, at = region.pair()
    one, two = region.candidate(guide), region.candidate(guide)
    region.place(one, at)
    region.place(two, at)
    given = region.allow_reports(one, at)
    region.allow_reports(two, at)
    sent = [region.send(at, region.report(who, at)).expect(202) for who in (one, two)]
    mine, other = (answer["ontvangstbewijs"]["berichtId"] for answer in sent)
    region.collect(guide)
    first = region.withdraw(at, given)
    scene = Joined(region, one, two, at)
    both(region, JOIN, scene.first, scene.second)
    repeat = region.withdraw(at, given)
    assert [one["berichtId"] for one in repeat["verstrekt"]] == [mine] != [other]
    assert repeat["verstrekt"] == first["verstrekt"]


def test_a_repeat_after_the_persons_own_word_tells_the_same(region: Region) -> None:
    parent = by_parent(region, days=2)
    person, given = region.reporting(**parent)
    went = reported(region, person, 1)
    later = region.allow_reports(person, **parent)
    first = region.withdraw(KRINGLOOP, later)
    region.advance(3 * 86_400)
    assert own_word(region, given, region.clock.now()).status == 200
    repeat = region.withdraw(KRINGLOOP, later)
    assert [one["berichtId"] for one in repeat["verstrekt"]] == [went]
    assert repeat["verstrekt"] == first["verstrekt"]


# -- whose statement it was -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("how", ["nee", "herroeping"])
def test_two_verstrekkers_learn_no_id_by_which_their_refs_join(region: Region, how: str) -> None:
    """One act, two verstrekkers that may not see whose it was. Who may see it is the control."""
    person, _ = placed_twice(region)
    own = person.refs[KRINGLOOP]
    wrong = region.statement(KRINGLOOP, own, **ALL).expect(201)["id"] if how == "herroeping" else None
    region.consent(KRINGLOOP_2, person.refs[KRINGLOOP_2], [ONTWIKKELBEDRIJF], "trajectbegeleiding", "leervoortgang")
    region.consent(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], [KRINGLOOP_2], "opleiden", WHOLE)
    region.send(KRINGLOOP_2, region.report(person, KRINGLOOP_2)).expect(202)
    region.send(ONTWIKKELBEDRIJF, region.placing(person, KRINGLOOP_2)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.collect(KRINGLOOP_2)
    before = {who: withdrawals(region, who, person.refs[who]) for who in (ONTWIKKELBEDRIJF, KRINGLOOP_2)}
    if wrong is None:
        region.statement(KRINGLOOP, own, **ALL).expect(201)
    else:
        revoke(region, wrong)
    for who, known in before.items():
        now = withdrawals(region, who, person.refs[who])
        assert len(now) == len(known) + 1 and now[-1] is None


def test_who_may_see_the_statement_is_told_which_it_was(region: Region) -> None:
    person, given = region.reporting()
    reported(region, person, 1)
    guide = person.refs[ONTWIKKELBEDRIJF]
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/toestemmingen/{given}/intrekking", {"gegevenDoor": "betrokkene"})
    assert withdrawals(region, KRINGLOOP, person.refs[KRINGLOOP]) == [given]
    assert withdrawals(region, ONTWIKKELBEDRIJF, guide) == []


WHOLE = "identiteit contact leervoortgang inzetbaarheid"


def withdrawals(region: Region, who: str, ref: str) -> list[str | None]:
    """Of what came the zaken that tell this verstrekker of a withdrawal by another, about this person; as opened."""
    found = region.call(who, "GET", "/v1/zaken?soort=intrekking&limiet=100").expect(200)["items"]
    mine = sorted((one for one in found if one["kandidaatRef"] == ref), key=lambda one: str(one["geopendOp"]))
    return [one["oorzaak"] for one in mine]
