"""How a `ja` stands now where another word keeps it shut: asked beside a receipt, and in the picture of the person."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from consent.receipt.terms import PURPOSES
from contracts.identity import Purpose
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


@pytest.mark.parametrize("said", ["bevestigd", "opgeheven"])
def test_a_statement_shows_its_verstrekker_that_a_stopverzoek_closes_it(region: Region, said: str) -> None:
    """Not by the stop's id, and not to who recorded it of the flow of another."""
    person, _ = region.reporting()
    given = of_others(region, person)
    assert shut_by(region, KRINGLOOP, person, given) == []
    at = region.stop_request(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])["tijdstip"]
    stopped = [{"toestemmingId": None, "hoe": "stopverzoek", "op": at}]
    assert shut_by(region, KRINGLOOP, person, given) == stopped
    assert shut_by(region, ONTWIKKELBEDRIJF, person, given) == []
    (case,) = asked(region, KRINGLOOP, person)
    answer(region, KRINGLOOP, case, said)
    assert shut_by(region, KRINGLOOP, person, given) == (stopped if said == "bevestigd" else [])
    assert shut_by(region, ONTWIKKELBEDRIJF, person, given) == []


def test_a_statement_names_all_that_closes_it_in_order(region: Region) -> None:
    person, given = region.reporting()
    stopped = region.stop_request(KRINGLOOP, person.refs[KRINGLOOP])["tijdstip"]
    refused = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **ALL).expect(201)["id"]
    first, second = shut_by(region, KRINGLOOP, person, given)
    assert (first["hoe"], first["op"], first["toestemmingId"]) == ("stopverzoek", stopped, None)
    assert (second["hoe"], second["toestemmingId"]) == ("nee", refused)


def shut_by(region: Region, who: str, person: Person, given: str) -> Any:
    """`geslotenDoor` of this statement, in the list and by itself."""
    listed = region.call(who, "GET", f"/v1/toestemmingen?kandidaatRef={person.refs[who]}").expect(200)["items"]
    (one,) = [one for one in listed if one["id"] == given]
    assert region.call(who, "GET", f"/v1/toestemmingen/{given}").expect(200) == one
    return one["geslotenDoor"]


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


def of_two(region: Region, person: Person) -> str:
    """A `ja`, for the school, of the workplace and of who recorded it; both parts are in force."""
    both = {"verstrekkers": [ONTWIKKELBEDRIJF, KRINGLOOP]}
    ref = person.refs[ONTWIKKELBEDRIJF]
    said = region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "opleiden", "leervoortgang", **both)
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{said}/bevestiging").expect(200)
    return said


def of_others(region: Region, person: Person) -> str:
    """A `ja` for the reports of the workplace, recorded by who receives them."""
    scope = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    ref = person.refs[ONTWIKKELBEDRIJF]
    said = region.statement(ONTWIKKELBEDRIJF, ref, verstrekkers=[KRINGLOOP], **scope).expect(201)["id"]
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{said}/bevestiging").expect(200)
    return str(said)


def in_words(region: Region, person: Person, given: str) -> str:
    """The cell of the letter of the ontwikkelbedrijf that says how this `ja` of it stands, the last that it wrote."""
    mine = region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{given}").expect(200)
    letter = written(region, person, ONTWIKKELBEDRIJF)
    rows = letter.partition("Hoe staat het nu?")[2].partition("</table>")[0].split("<tr>")[1:]
    (row,) = [row for row in rows if PURPOSES[Purpose(mine["doelen"][0])].words in row][-1:]
    return " ".join(re.sub("<[^>]+>", " ", row.rpartition("<td>")[2]).split())


def asked_to_stop(region: Region, person: Person, given: str) -> Any:
    path = f"/v1/kandidaten/{person.refs[ONTWIKKELBEDRIJF]}/inzage?limiet=100"
    found = region.call(ONTWIKKELBEDRIJF, "GET", path).expect(200)["toestemmingen"]
    (told,) = [one["stopGevraagd"] for one in found if one["id"] == given]
    return told


@pytest.mark.parametrize("said", ["bevestigd", "opgeheven"])
def test_who_wrote_down_a_stop_never_says_that_what_others_give_holds(region: Region, said: str) -> None:
    """Nor does it say what came of it: how each verstrekker answered is that one's own."""
    person = region.candidate()
    region.place(person)
    given = of_others(region, person)
    assert "Geldt nu, voor zover" in in_words(region, person, given)  # the control
    assert asked_to_stop(region, person, given) is None
    at = region.stop_request(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])["tijdstip"]
    told = (asked_to_stop(region, person, given), in_words(region, person, given))
    assert told[0] == {"op": at, "verstrekkers": [KRINGLOOP]}
    assert " is gevraagd om alles te stoppen. Of " in told[1] and "Geldt nu" not in told[1]
    assert "Het geldt tot" not in written(region, person, ONTWIKKELBEDRIJF)
    assert pictured(region, person, given) == ("gegeven", "stopverzoek", True)  # the whole picture knows
    for case in asked(region, KRINGLOOP, person):
        answer(region, KRINGLOOP, case, said)
    assert (asked_to_stop(region, person, given), in_words(region, person, given)) == told
    again = of_others(region, person)  # for all that it knows, the stop keeps this one shut too
    assert asked_to_stop(region, person, again) == told[0]
    region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **ALL).expect(201)
    assert asked_to_stop(region, person, again) is None  # of its own `nee` it knows
    assert "Geldt nu niet: er is nee gezegd" in in_words(region, person, again)


def test_a_stop_that_another_wrote_down_is_told_to_nobody_else(region: Region) -> None:
    person = region.candidate()
    region.place(person)
    given = of_others(region, person)
    region.stop_request(KRINGLOOP, person.refs[KRINGLOOP])
    assert asked_to_stop(region, person, given) is None
    assert "Geldt nu, voor zover" in in_words(region, person, given)


def test_of_a_ja_of_two_its_own_part_is_told_apart(region: Region) -> None:
    person = region.candidate()
    region.place(person)
    given = of_two(region, person)
    region.stop_request(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])
    assert pictured(region, person, given, of="eigen") == ("gegeven", "stopverzoek", False)
    part = in_words(region, person, given)
    assert part.startswith("Geldt nu niet meer helemaal: er is gevraagd om alles te stoppen, op ")
    assert " nu gegevens mag geven, weet " in part
    for case in asked(region, ONTWIKKELBEDRIJF, person):
        answer(region, ONTWIKKELBEDRIJF, case, "opgeheven")
    assert pictured(region, person, given, of="eigen") == ("gegeven", None, None)
    assert asked_to_stop(region, person, given)["verstrekkers"] == [KRINGLOOP]
    own = in_words(region, person, given)
    assert re.match("Geldt nu voor wat .* geeft, voor zover .* weet. Op .* is gevraagd om alles te stoppen.", own)


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
