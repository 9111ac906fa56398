"""How a `ja` stands now where another word keeps it shut: asked beside a receipt, and in the picture of the person."""

from collections.abc import Iterator
from typing import Any

import pytest

from hub.administration import forms, parties
from hub.commands.ledger import _standing
from hub.store.database import reading
from tests.integration.test_children import by_parent
from tests.integration.test_stops import answer, asked
from tests.partners import Person
from tests.region import Region
from tests.samples import KRINGLOOP, MBO, ONTWIKKELBEDRIJF

ALL: dict[str, Any] = {"keuze": "nee", **dict.fromkeys(("verstrekkers", "ontvangers", "doelen", "categorieen"))}


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(tmp_path_factory.mktemp("staat"))
    form = {"organisatie": ONTWIKKELBEDRIJF, "systeem": made.parties[ONTWIKKELBEDRIJF].system}
    made.operate(parties.add_mandate, forms.mandate(form | {"scopes": ["rechten:geheel"]}))
    made.parties[ONTWIKKELBEDRIJF].limit("")
    yield made
    made.stop()


def beside(region: Region, given: str) -> str:
    """What `hub ledger verify --db --receipt` says of now, without the moments."""
    region.wait_signed()
    raw = region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}/toestemmingsbewijs").body
    with reading(region.core.engine) as connection:
        told = _standing(connection, raw, region.clock.now())
    assert told is not None
    return told.partition(" op ")[0]


def pictured(region: Region, person: Person, given: str, who: str = ONTWIKKELBEDRIJF, of: str = "geheel") -> Any:
    """Status, what closes it and whether wholly, as the picture has it."""
    found = region.call(who, "GET", f"/v1/kandidaten/{person.refs[who]}/inzage?omvang={of}&limiet=100").expect(200)
    (one,) = [one for one in found["toestemmingen"] if one["id"] == given]
    shut = one["gesloten"]
    return one["status"], *((None, None) if shut is None else (shut["hoe"], shut["geheel"]))


def written(region: Region, person: Person, who: str = KRINGLOOP, of: str = "eigen") -> str:
    query = f"omvang={of}&formaat=brief"
    return region.call(who, "GET", f"/v1/kandidaten/{person.refs[who]}/inzage?{query}").body.decode()


def test_a_general_nee_closes_the_whole_of_an_older_ja(region: Region) -> None:
    person, given = region.reporting()
    assert beside(region, given) == "gegeven"  # the control
    assert pictured(region, person, given) == ("gegeven", None, None)
    assert "Geldt nu, voor zover" in written(region, person)
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], **ALL).expect(201)
    assert beside(region, given) == "gegeven, maar gesloten: nee"
    assert pictured(region, person, given) == ("gegeven", "nee", True)
    assert pictured(region, person, given, KRINGLOOP, "eigen") == ("gegeven", "nee", True)
    letter = written(region, person)
    assert "Geldt nu niet: er is nee gezegd, op " in letter and "Geldt nu, voor zover" not in letter
    again = region.allow_reports(person)
    assert (beside(region, again), pictured(region, person, again)) == ("gegeven", ("gegeven", None, None))


def test_a_nee_of_one_category_closes_a_part(region: Region) -> None:
    person, _ = region.reporting()
    ref = person.refs[KRINGLOOP]
    both = region.consent(KRINGLOOP, ref, [ONTWIKKELBEDRIJF], "trajectbegeleiding", "leervoortgang contact")
    region.statement(KRINGLOOP, ref, **(ALL | {"categorieen": ["contact"]})).expect(201)
    assert beside(region, both) == "gegeven, maar voor een deel gesloten: nee"
    assert pictured(region, person, both) == ("gegeven", "nee", False)
    region.statement(KRINGLOOP, ref, **(ALL | {"categorieen": ["leervoortgang"]})).expect(201)
    assert beside(region, both) == "gegeven, maar gesloten: nee"  # the two together


@pytest.mark.parametrize("said", ["bevestigd", "opgeheven"])
def test_a_stopverzoek_closes_until_it_is_lifted(region: Region, said: str) -> None:
    person, given = region.reporting()
    region.stop_request(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])
    shut = ("gegeven, maar gesloten: stopverzoek", ("gegeven", "stopverzoek", True))
    assert (beside(region, given), pictured(region, person, given)) == shut
    assert pictured(region, person, given, KRINGLOOP, "eigen") == shut[1]  # its own flow
    later = region.allow_reports(person)  # the flow stands still, whatever is said, until the stop is answered
    assert (beside(region, later), pictured(region, person, later)) == shut
    (case,) = asked(region, KRINGLOOP, person)
    answer(region, KRINGLOOP, case, said)
    held = ("gegeven", ("gegeven", None, None))
    assert (beside(region, given), pictured(region, person, given)) == (shut if said == "bevestigd" else held)
    assert (beside(region, later), pictured(region, person, later)) == held


def test_what_a_child_said_too_young_waits_for_its_own_word(region: Region) -> None:
    person, own = region.reporting()
    other = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["opleiden"], "categorieen": ["identiteit"]}
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], **other, **by_parent(region)).expect(201)
    assert (beside(region, own), pictured(region, person, own)) == ("te-bevestigen", ("te-bevestigen", None, None))


def test_two_parents_who_disagree_have_said_no_whoever_spoke_last(region: Region) -> None:
    parent = by_parent(region)
    person, _ = region.reporting(**parent)
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], **ALL, **parent).expect(201)
    later = region.allow_reports(person, **parent)
    assert beside(region, later) == "gegeven, maar gesloten: nee"
    assert pictured(region, person, later) == ("gegeven", "nee", True)


def test_what_closed_the_last_of_it_is_named_not_what_closed_a_part_before(region: Region) -> None:
    person, _ = region.reporting()
    ref = person.refs[KRINGLOOP]
    both = region.consent(KRINGLOOP, ref, [ONTWIKKELBEDRIJF], "trajectbegeleiding", "leervoortgang contact")
    first = region.statement(KRINGLOOP, ref, **(ALL | {"categorieen": ["contact"]})).expect(201)["gegevenOp"]
    assert region.send(KRINGLOOP, region.report(person)).status == 202
    assert (pictured(region, person, both), shut_at(region, person, both)) == (("gegeven", "nee", False), first)
    region.advance(10 * 86_400)
    assert region.send(KRINGLOOP, region.report(person, number=2)).status == 202  # the rest went on
    at = region.stop_request(KRINGLOOP, ref)["tijdstip"]
    assert (pictured(region, person, both), shut_at(region, person, both)) == (("gegeven", "stopverzoek", True), at)
    assert beside(region, both) == "gegeven, maar gesloten: stopverzoek"
    region.advance(86_400)
    region.statement(KRINGLOOP, ref, **ALL).expect(201)  # what was shut is shut
    assert shut_at(region, person, both) == at


def shut_at(region: Region, person: Person, given: str) -> Any:
    found = region.call(KRINGLOOP, "GET", f"/v1/kandidaten/{person.refs[KRINGLOOP]}/inzage?limiet=100").expect(200)
    (told,) = [one["gesloten"]["op"] for one in found["toestemmingen"] if one["id"] == given]
    return told


def test_a_part_that_was_never_confirmed_is_not_what_is_left_open(region: Region) -> None:
    person = region.candidate()
    region.place(person)
    ref = person.refs[KRINGLOOP]
    two = {"verstrekkers": [KRINGLOOP, ONTWIKKELBEDRIJF]}
    given = region.consent(KRINGLOOP, ref, [MBO], "opleiden", "leervoortgang", **two)
    region.statement(KRINGLOOP, ref, **(ALL | {"verstrekkers": [KRINGLOOP]})).expect(201)
    assert pictured(region, person, given) == ("gegeven", "nee", True)
    assert beside(region, given) == "gegeven, maar gesloten: nee"
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/toestemmingen/{given}/bevestiging").expect(200)
    assert pictured(region, person, given) == ("gegeven", "nee", False)  # now something of it is


def test_of_what_nobody_confirmed_all_that_it_would_open_counts(region: Region) -> None:
    person = region.candidate()
    region.place(person)
    ref = person.refs[ONTWIKKELBEDRIJF]
    scope = {"ontvangers": [MBO], "doelen": ["opleiden"], "categorieen": ["leervoortgang", "contact"]}
    given = region.statement(ONTWIKKELBEDRIJF, ref, verstrekkers=[KRINGLOOP], **scope).expect(201)["id"]
    region.statement(ONTWIKKELBEDRIJF, ref, **(ALL | {"categorieen": ["contact"]})).expect(201)
    assert pictured(region, person, given) == ("te-bevestigen", "nee", False)
    region.statement(ONTWIKKELBEDRIJF, ref, **(ALL | {"categorieen": ["leervoortgang"]})).expect(201)
    assert pictured(region, person, given) == ("te-bevestigen", "nee", True)
