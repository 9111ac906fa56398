"""Who may do what: a test per cell of that table for every act that this hub can do, by who may and by who may not.

Each act is done over HTTP with the token of a party (operators by their verbs); each refusal is checked by its effect
too: what was not allowed has changed nothing.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from consent.log.tables import ledger_payload
from consent.store.tables import involvement
from contracts import catalogue
from contracts.errors import Conflict, Refused, RequestInvalid
from contracts.identity import Oin, Role
from hub.access.operators import OFFICE
from hub.access.tokens import Grant, issue
from hub.administration import agreements, forms, parties
from hub.administration.act import RULES
from hub.store.database import reading
from hub.store.region.agreements import all_agreements, all_grounds
from hub.store.region.parties import all_organisations
from tests import samples
from tests.officers import FIRST as FIRST_OFFICER
from tests.officers import JOIN, SPLIT, ask, asks, both, confirm
from tests.partners import REGIO, SCOPES, Person
from tests.region import Region
from tests.samples import CERTIFICEERDER, GEMEENTE, GEMEENTE_2, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF, WOONZORG

LEERBEDRIJF = "00000099000000009000"
WITHDRAWAL = {"gegevenDoor": "betrokkene"}
NO_RIGHT = (403, "HANDELING_NIET_TOEGESTAAN")
NOT_FOUND = (404, "NIET_GEVONDEN")
NO_GROUND = (403, "GEEN_GRONDSLAG")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(tmp_path_factory.mktemp("bevoegd"))
    yield made
    made.stop()


@pytest.fixture
def own_region(tmp_path: Path) -> Iterator[Region]:
    """For acts of operators, which change the region for everybody."""
    made = Region(tmp_path)
    yield made
    made.stop()


def told(answer: Any) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


def placed(region: Region) -> Person:
    """Somebody placed at the kringloop by the ontwikkelbedrijf; both are involved, and nobody else."""
    person, _ = region.reporting()
    return person


def reports(region: Region, person: Person) -> tuple[int, str | None]:
    """Whether the kringloop may report to the ontwikkelbedrijf now."""
    return told(region.send(KRINGLOOP, region.report(person)))


def places(region: Region, person: Person) -> tuple[int, str | None]:
    """Whether the ontwikkelbedrijf may tell the kringloop of a placement now."""
    return told(region.send(ONTWIKKELBEDRIJF, region.placing(person)))


def presents_to_school(region: Region, person: Person) -> tuple[int, str | None]:
    """Whether the ontwikkelbedrijf may present somebody to the school now."""
    ref = person.refs[ONTWIKKELBEDRIJF]
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = person.trajectory
    return told(
        region.send(
            ONTWIKKELBEDRIJF, region.event(ONTWIKKELBEDRIJF, "kandidaat.voorgedragen", ref, data, ontvanger=MBO)
        )
    )


def at_school(region: Region, person: Person) -> None:
    """The school becomes involved, on consent."""
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "toeleiding", "identiteit contact inzetbaarheid opleiding")
    assert presents_to_school(region, person) == (202, None)
    person.refs[MBO] = region.collect(MBO)[-1]["subject"]


def known_elsewhere(region: Region) -> str:
    """A ref of a gemeente that registered somebody and opened nothing: it is not involved."""
    return region.register(GEMEENTE_2)


# -- register a person: gemeente, ontwikkelbedrijf --------------------------------------------------------------------
@pytest.mark.parametrize("who", [GEMEENTE, GEMEENTE_2, ONTWIKKELBEDRIJF])
def test_register_by_who_may(region: Region, who: str) -> None:
    assert region.call(who, "POST", "/v1/kandidaten", {"lokaalNummer": "nummer-1"}).status == 201
    assert region.call(who, "POST", "/v1/kandidaten", {"lokaalNummer": "nummer-1"}).status == 200


@pytest.mark.parametrize("who", [MBO, KRINGLOOP, WOONZORG, CERTIFICEERDER, LEERBEDRIJF, REGIO])
def test_register_by_who_may_not(region: Region, who: str) -> None:
    admit_rest(region)
    answer = region.call(who, "POST", "/v1/kandidaten", {"bsn": samples.BSN})
    assert told(answer) == NO_RIGHT
    assert "kandidaatRef" not in answer.json
    assert told(region.call(who, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "nummer-1"})) == NOT_FOUND


def test_opening_a_traject_is_for_gemeente_and_ontwikkelbedrijf(region: Region) -> None:
    """The gemeente for itself, the ontwikkelbedrijf for whom it has an agreement with; a workplace never."""
    form = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"}
    own = region.register(GEMEENTE)
    assert region.call(GEMEENTE, "POST", f"/v1/kandidaten/{own}/trajecten", form).status == 201
    for_other = region.call(GEMEENTE, "POST", f"/v1/kandidaten/{own}/trajecten", form | {"opdrachtgever": GEMEENTE_2})
    assert told(for_other) == NO_RIGHT
    sob = region.register(ONTWIKKELBEDRIJF)
    assert region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{sob}/trajecten", form).status == 201
    stranger = region.call(
        ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{sob}/trajecten", form | {"opdrachtgever": GEMEENTE_2}
    )
    assert told(stranger) == (403, "AFSPRAAK_ONTBREEKT")
    at_work = placed(region).refs[KRINGLOOP]
    assert told(region.call(KRINGLOOP, "POST", f"/v1/kandidaten/{at_work}/trajecten", form)) == NO_RIGHT


def admit_rest(region: Region) -> None:
    """The roles that no scene needs."""
    with region.core.transactions.open(RULES) as tx:
        for oin, role in ((LEERBEDRIJF, "leerbedrijf"), (REGIO, "regio")):
            if oin not in region.parties:
                region._join(tx, oin, role)


# -- join and split persons: two officers of organisations that know them ----------------------------------------------
@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_two_officers_join_and_split_whom_their_organisations_know(region: Region, who: str) -> None:
    """Who registered the person or is involved, of whatever role; as the first officer and as the second."""
    person, other = placed(region), placed(region)
    at_school(region, person)
    region.withdraw(KRINGLOOP, region.allow_reports(person))  # no report of this one goes any more
    mine, theirs = (who, person.refs[who]), (GEMEENTE_2, known_elsewhere(region))
    both(region, JOIN, mine, theirs)
    both(region, JOIN, (ONTWIKKELBEDRIJF, other.refs[ONTWIKKELBEDRIJF]), mine)
    assert reports(region, other) == NO_GROUND  # the withdrawal counts for the one whom they joined with it
    both(region, SPLIT, (KRINGLOOP, other.refs[KRINGLOOP]), theirs)
    assert reports(region, other) == (202, None)
    assert reports(region, person) == NO_GROUND


def test_one_officer_joins_and_splits_nobody(region: Region) -> None:
    person, other = placed(region), placed(region)
    one, two = ((ONTWIKKELBEDRIJF, each.refs[ONTWIKKELBEDRIJF]) for each in (person, other))
    region.withdraw(KRINGLOOP, region.allow_reports(person))
    code = ask(region, JOIN, one)["code"]
    assert told(confirm(region, JOIN, two, code, medewerker=FIRST_OFFICER)) == (409, "STAAT_ONGELIJK")
    assert reports(region, other) == (202, None)
    confirm(region, JOIN, two, code).expect(200)
    code = ask(region, SPLIT, one)["code"]
    assert told(confirm(region, SPLIT, two, code, medewerker=FIRST_OFFICER)) == (409, "STAAT_ONGELIJK")
    assert reports(region, other) == NO_GROUND
    confirm(region, SPLIT, two, code).expect(200)
    assert reports(region, other) == (202, None)


@pytest.mark.parametrize("who", [GEMEENTE_2, KRINGLOOP_2, WOONZORG, CERTIFICEERDER])
def test_who_does_not_know_the_person_joins_and_splits_nobody(region: Region, who: str) -> None:
    person, other = placed(region), placed(region)
    one, two = ((ONTWIKKELBEDRIJF, each.refs[ONTWIKKELBEDRIJF]) for each in (person, other))
    for what in (JOIN, SPLIT):
        assert told(asks(region, what, (who, one[1]))) == NOT_FOUND
        code = ask(region, what, one)["code"]
        assert told(confirm(region, what, (who, two[1]), code)) == NOT_FOUND
    region.withdraw(KRINGLOOP, region.allow_reports(person))
    assert reports(region, other) == (202, None)  # they are two, as before


# -- record `nee`: every involved organisation, for any consent-based flow --------------------------------------------
@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_nee_by_every_involved_organisation_for_any_flow(region: Region, who: str) -> None:
    """The school says `nee` to a flow between two others, and that flow stops at once."""
    person = placed(region)
    at_school(region, person)
    assert places(region, person) == (202, None)
    scope = {"verstrekkers": [ONTWIKKELBEDRIJF], "ontvangers": [KRINGLOOP]}
    answer = region.statement(who, person.refs[who], keuze="nee", **scope)
    recorded = answer.expect(201)
    assert recorded["status"] == "geweigerd"
    assert places(region, person) == NO_GROUND
    assert reports(region, person) == (202, None)  # another flow was not named


def test_general_nee_closes_every_older_ja(region: Region) -> None:
    person = placed(region)
    region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", verstrekkers=None, geldigTot=None).expect(201)
    assert places(region, person) == NO_GROUND
    assert reports(region, person) == NO_GROUND


def test_nee_by_who_is_not_involved(region: Region) -> None:
    person = placed(region)
    general = {"keuze": "nee", "verstrekkers": None, "geldigTot": None}
    assert told(region.statement(GEMEENTE_2, known_elsewhere(region), **general)) == NOT_FOUND
    assert told(region.statement(KRINGLOOP_2, person.refs[KRINGLOOP], **general)) == NOT_FOUND
    assert reports(region, person) == (202, None)


# -- withdraw: every involved organisation ----------------------------------------------------------------------------
@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_withdraw_by_every_involved_organisation(region: Region, who: str) -> None:
    person, statement = region.reporting()
    at_school(region, person)
    assert reports(region, person) == (202, None)
    told_of = region.call(who, "POST", f"/v1/toestemmingen/{statement}/intrekking", WITHDRAWAL).expect(200)
    assert told_of["handtekening"]
    assert reports(region, person) == NO_GROUND


def test_withdraw_answers_only_the_callers_own_part(region: Region) -> None:
    """The school withdraws what lies between two others: it is told of none of their messages."""
    person, statement = region.reporting()
    at_school(region, person)
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    part = region.call(MBO, "POST", f"/v1/toestemmingen/{statement}/intrekking", WITHDRAWAL).expect(200)
    assert (part["verstrekt"], part["gestopt"], part["kennisgevingen"]) == ([], 0, 0)
    again = region.withdraw(KRINGLOOP, statement)
    assert len(again["verstrekt"]) == 1 and again["gestopt"] == 1
    found = region.call(KRINGLOOP, "GET", "/v1/zaken?soort=intrekking").expect(200)["items"]
    assert statement in [one["oorzaak"] for one in found]


def test_who_only_would_have_received_it_is_not_told_that_something_was_stopped(region: Region) -> None:
    """What never left is nobody's receipt. Its sender, who asks for the same again, is the control."""
    guide, at = region.pair()
    person, statement = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    region.collect(guide)
    region.send(at, region.report(person, at, number=2)).expect(202)
    for _ in range(2):  # at once, and when it is told again
        part = region.withdraw(guide, statement)
        assert (part["gestopt"], len(part["verstrekt"]), part["kennisgevingen"]) == (0, 1, 1)
    own = region.withdraw(at, statement)
    assert (own["gestopt"], len(own["verstrekt"]), own["kennisgevingen"]) == (1, 1, 1)


@pytest.mark.parametrize("who", [GEMEENTE, GEMEENTE_2, KRINGLOOP_2, WOONZORG, CERTIFICEERDER])
def test_withdraw_by_who_is_not_involved(region: Region, who: str) -> None:
    person, statement = region.reporting()
    answer = region.call(who, "POST", f"/v1/toestemmingen/{statement}/intrekking", WITHDRAWAL)
    assert told(answer) == NOT_FOUND
    assert reports(region, person) == (202, None)


# -- stopverzoek: every involved organisation; each verstrekker's officer confirms or lifts ---------------------------
@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_stopverzoek_by_every_involved_organisation_stops_all_consent_flows(region: Region, who: str) -> None:
    person = placed(region)
    at_school(region, person)
    region.stop_request(who, person.refs[who])
    assert reports(region, person) == NO_GROUND
    assert places(region, person) == NO_GROUND
    assert presents_to_school(region, person) == NO_GROUND


def test_stopverzoek_by_who_is_not_involved(region: Region) -> None:
    person = placed(region)
    for who, ref in ((GEMEENTE_2, known_elsewhere(region)), (KRINGLOOP_2, person.refs[KRINGLOOP])):
        assert told(region.call(who, "POST", f"/v1/kandidaten/{ref}/stopverzoek")) == NOT_FOUND
    assert reports(region, person) == (202, None)


def test_stopverzoek_does_not_stop_what_rests_on_law(region: Region) -> None:
    """A grondslag is not consent: the gemeente presents on the Participatiewet."""
    ref = region.register(GEMEENTE)
    trajectory = region.open_trajectory(GEMEENTE, ref)
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = trajectory

    def present() -> tuple[int, str | None]:
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
        return told(region.send(GEMEENTE, event))

    assert present() == (202, None)
    region.stop_request(GEMEENTE, ref)
    assert present() == (202, None)
    region.collect(ONTWIKKELBEDRIJF)


def stop_cases(region: Region, who: str, person: Person) -> list[dict[str, Any]]:
    """What this organisation is asked about this person's stop, under its own ref; the stop's id is told to nobody."""
    found = region.call(who, "GET", "/v1/zaken?soort=stopverzoek").expect(200)["items"]
    assert all(one["oorzaak"] is None for one in found)
    return [one for one in found if one["kandidaatRef"] == person.refs[who]]


def test_stopverzoek_is_lifted_by_each_verstrekker_for_its_own_flows(region: Region) -> None:
    person = placed(region)
    region.stop_request(KRINGLOOP, person.refs[KRINGLOOP])
    (asked,) = stop_cases(region, ONTWIKKELBEDRIJF, person)
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/zaken/{asked['id']}/antwoord", {"antwoord": "opgeheven"}).expect(200)
    assert places(region, person) == (202, None)
    assert reports(region, person) == NO_GROUND  # the kringloop's own flow waits for the kringloop
    (own,) = stop_cases(region, KRINGLOOP, person)
    region.call(KRINGLOOP, "POST", f"/v1/zaken/{own['id']}/antwoord", {"antwoord": "bevestigd"}).expect(200)
    assert reports(region, person) == NO_GROUND
    region.allow_reports(person)  # a later `ja` reopens only what it names
    assert reports(region, person) == (202, None)


def test_stopverzoek_is_lifted_for_one_flow_and_no_other_of_the_same_verstrekker(region: Region) -> None:
    person = placed(region)
    at_school(region, person)
    region.stop_request(MBO, person.refs[MBO])
    flows = {one["stroom"]["ontvanger"]: one["id"] for one in stop_cases(region, ONTWIKKELBEDRIJF, person)}
    assert flows.keys() == {KRINGLOOP, MBO}

    def answer(receiver: str, said: str) -> None:
        region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/zaken/{flows[receiver]}/antwoord", {"antwoord": said}).expect(200)

    answer(KRINGLOOP, "opgeheven")
    assert (places(region, person), presents_to_school(region, person)) == ((202, None), NO_GROUND)
    agreed = region.consent(
        ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], [MBO], "toeleiding", "identiteit contact inzetbaarheid"
    )
    assert agreed and presents_to_school(region, person) == NO_GROUND  # it still waits, also for a later `ja`
    answer(MBO, "bevestigd")
    assert (places(region, person), presents_to_school(region, person)) == ((202, None), (202, None))
    assert reports(region, person) == NO_GROUND  # that of the kringloop waits for the kringloop


def test_stopverzoek_leaves_a_flow_closed_that_was_not_asked_until_the_person_names_it(region: Region) -> None:
    """The school's flow is new: nobody is asked about it, and what the person says after the stop opens only that."""
    person = placed(region)
    region.stop_request(KRINGLOOP, person.refs[KRINGLOOP])
    assert presents_to_school(region, person) == NO_GROUND
    at_school(region, person)
    assert (places(region, person), reports(region, person)) == (NO_GROUND, NO_GROUND)


def test_a_zaak_is_answered_only_by_the_organisation_asked_and_once(region: Region) -> None:
    person = placed(region)
    region.stop_request(KRINGLOOP, person.refs[KRINGLOOP])
    (asked,) = stop_cases(region, ONTWIKKELBEDRIJF, person)
    path = f"/v1/zaken/{asked['id']}/antwoord"
    for other in (KRINGLOOP, KRINGLOOP_2, GEMEENTE, MBO):
        assert told(region.call(other, "POST", path, {"antwoord": "opgeheven"})) == NOT_FOUND
    assert places(region, person) == NO_GROUND
    assert told(region.call(ONTWIKKELBEDRIJF, "POST", path, {"antwoord": "verwijderd"})) == (400, "VERZOEK_ONGELDIG")
    region.call(ONTWIKKELBEDRIJF, "POST", path, {"antwoord": "bevestigd"}).expect(200)
    assert told(region.call(ONTWIKKELBEDRIJF, "POST", path, {"antwoord": "opgeheven"})) == (409, "STAAT_ONGELIJK")


def test_a_notice_is_answered_only_by_its_receiver(region: Region) -> None:
    person, statement = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.withdraw(KRINGLOOP, statement)
    notice = next(e for e in region.collect(ONTWIKKELBEDRIJF) if e["type"].endswith("grondslag.vervallen.v1"))
    path = f"/v1/zaken/{notice['data']['zaakId']}/antwoord"
    assert told(region.call(KRINGLOOP, "POST", path, {"antwoord": "verwijderd"})) == NOT_FOUND
    assert (
        region.call(ONTWIKKELBEDRIJF, "POST", path, {"antwoord": "verwijderd"}).expect(200)["antwoord"] == "verwijderd"
    )


# -- record `ja`: in force at once for oneself; every other verstrekker's part after its confirmation -----------------
def test_ja_is_in_force_at_once_for_the_recorder_as_verstrekker(region: Region) -> None:
    person = region.candidate()
    region.place(person)
    assert reports(region, person) == NO_GROUND
    region.allow_reports(person)
    assert reports(region, person) == (202, None)


def test_nobody_widens_its_own_access_as_receiver(region: Region) -> None:
    """The kringloop records that the ontwikkelbedrijf may send to it: without effect until that one confirms."""
    person = placed(region)
    region.statement(
        ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], keuze="nee", verstrekkers=None, geldigTot=None
    ).expect(201)
    wide = {"verstrekkers": [ONTWIKKELBEDRIJF], "ontvangers": [KRINGLOOP], "doelen": ["opleiden"]}
    wide |= {"categorieen": ["identiteit", "contact", "leervoortgang", "inzetbaarheid"]}
    made = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **wide).expect(201)
    assert (made["status"], made["bevestigd"]) == ("te-bevestigen", [])
    assert places(region, person) == NO_GROUND
    path = f"/v1/toestemmingen/{made['id']}/bevestiging"
    for other in (KRINGLOOP, MBO, GEMEENTE, KRINGLOOP_2):
        assert told(region.call(other, "POST", path)) == NOT_FOUND
    assert places(region, person) == NO_GROUND
    confirmed = region.call(ONTWIKKELBEDRIJF, "POST", path).expect(200)
    assert confirmed["status"] == "gegeven"
    assert [part["verstrekker"] for part in confirmed["bevestigd"]] == [ONTWIKKELBEDRIJF]
    assert places(region, person) == (202, None)


def test_the_part_of_each_verstrekker_stands_on_its_own(region: Region) -> None:
    """One statement, two verstrekkers: the recorder's part works, the other's waits."""
    person = region.candidate()
    region.place(person)
    at_school(region, person)
    both = {"verstrekkers": [KRINGLOOP, ONTWIKKELBEDRIJF], "ontvangers": [ONTWIKKELBEDRIJF, MBO]}
    both |= {"doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    made = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **both).expect(201)
    assert (made["status"], [p["verstrekker"] for p in made["bevestigd"]]) == ("gegeven", [KRINGLOOP])
    assert reports(region, person) == (202, None)

    def to_school() -> tuple[int, str | None]:
        ref = person.refs[ONTWIKKELBEDRIJF]
        event = region.event(
            ONTWIKKELBEDRIJF, "voortgang.gemeld", ref, samples.voortgang(), doel="trajectbegeleiding", ontvanger=MBO
        )
        return told(region.send(ONTWIKKELBEDRIJF, event))

    assert to_school() == NO_GROUND
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/toestemmingen/{made['id']}/bevestiging").expect(200)
    assert to_school() == (202, None)


def test_ja_by_who_is_not_involved(region: Region) -> None:
    person = placed(region)
    flow = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    for who, ref in ((GEMEENTE_2, known_elsewhere(region)), (KRINGLOOP_2, person.refs[KRINGLOOP])):
        assert told(region.statement(who, ref, **flow)) == NOT_FOUND


def test_a_named_verstrekker_confirms_only_once_involved(region: Region) -> None:
    """A statement that names a school which is not there yet: the school knows neither it nor the person."""
    person = region.candidate()
    flow = {
        "verstrekkers": [MBO],
        "ontvangers": [ONTWIKKELBEDRIJF],
        "doelen": ["certificeren"],
        "categorieen": ["beoordeling"],
    }
    made = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **flow).expect(201)
    assert made["status"] == "te-bevestigen"
    assert told(region.call(MBO, "POST", f"/v1/toestemmingen/{made['id']}/bevestiging")) == NOT_FOUND
    assert told(region.call(MBO, "GET", f"/v1/toestemmingen/{made['id']}")) == NOT_FOUND
    at_school(region, person)
    assert region.call(MBO, "GET", f"/v1/toestemmingen/{made['id']}").expect(200)["status"] == "te-bevestigen"
    assert region.call(MBO, "POST", f"/v1/toestemmingen/{made['id']}/bevestiging").expect(200)["status"] == "gegeven"


def test_a_statement_is_seen_by_its_recorder_and_named_verstrekkers_only(region: Region) -> None:
    person, statement = region.reporting()
    at_school(region, person)
    path = f"/v1/toestemmingen/{statement}"
    assert region.call(KRINGLOOP, "GET", path).status == 200
    for other in (ONTWIKKELBEDRIJF, MBO, GEMEENTE, KRINGLOOP_2):  # the receiver does not see it either
        assert told(region.call(other, "GET", path)) == NOT_FOUND
        listed = region.call(other, "GET", "/v1/toestemmingen").expect(200)["items"]
        assert statement not in [one["id"] for one in listed]
        assert told(region.call(other, "GET", f"{path}/bewijs")) == NOT_FOUND


def test_withdrawn_consent_cannot_be_confirmed(region: Region) -> None:
    person = placed(region)
    flow = {
        "verstrekkers": [ONTWIKKELBEDRIJF],
        "ontvangers": [KRINGLOOP],
        "doelen": ["opleiden"],
        "categorieen": ["leervoortgang"],
    }
    made = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **flow).expect(201)
    region.withdraw(KRINGLOOP, made["id"])
    assert told(region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/toestemmingen/{made['id']}/bevestiging")) == (
        409,
        "STAAT_ONGELIJK",
    )


@pytest.mark.parametrize("purpose", ["toeleiding", "trajectbegeleiding", "doorstroom", "verantwoording"])
def test_consent_cannot_carry_a_public_task(region: Region, purpose: str) -> None:
    person = region.candidate()
    flow = {"ontvangers": [GEMEENTE], "doelen": [purpose], "categorieen": ["leervoortgang"]}
    answer = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **flow)
    assert told(answer) == (403, "TOESTEMMING_NIET_PASSEND")
    assert (
        region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen?kandidaatRef={person.refs[ONTWIKKELBEDRIJF]}").json[
            "items"
        ]
        == []
    )


# -- release from secrecy: woonzorg for itself, once involved ---------------------------------------------------------
def in_care(region: Region) -> Person:
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [WOONZORG], "opleiden", "gezondheid", grondslag="AVG-9-2-a")
    region.place(person, WOONZORG)
    return person


def release(region: Region, who: str, ref: str, subjects: Sequence[str] = ("deelname",)) -> Any:
    form = {
        "kandidaatRef": ref,
        "ontvanger": ONTWIKKELBEDRIJF,
        "onderwerpen": list(subjects),
        "op": "2026-11-01T09:00:00Z",
        "wijze": "gesprek",
    }
    return region.call(who, "POST", "/v1/ontheffingen", form)


def test_release_from_secrecy_by_woonzorg_itself(region: Region) -> None:
    person = in_care(region)
    made = release(region, WOONZORG, person.refs[WOONZORG]).expect(201)
    for other in (ONTWIKKELBEDRIJF, KRINGLOOP, GEMEENTE):
        assert told(region.call(other, "POST", f"/v1/ontheffingen/{made['id']}/intrekking")) == NOT_FOUND
        assert region.call(other, "GET", "/v1/ontheffingen").expect(200)["items"] == []
    region.call(WOONZORG, "POST", f"/v1/ontheffingen/{made['id']}/intrekking").expect(200)


@pytest.fixture(scope="module")
def care(region: Region) -> Region:
    """The region, in which the woonzorg organisation may also report progress."""
    region.agree("woonzorg-voortgang", (WOONZORG, ONTWIKKELBEDRIJF), "voortgang.gemeld", "trajectbegeleiding")
    return region


@pytest.mark.parametrize("named", ["gezondheid", "begeleiding", "dagbesteding", "deelname"])
def test_release_from_secrecy_covers_only_what_it_names(care: Region, named: str) -> None:
    """Attendance of day activities: `deelname` or `dagbesteding`; reports of progress: `begeleiding` or `dagbesteding`.

    `gezondheid` covers neither: it is for messages that touch nothing narrower.
    """
    ref = in_care(care).refs[WOONZORG]
    sent = (("dagbesteding", "dagbesteding.deelname-gemeld"), ("trajectbegeleiding", "voortgang.gemeld"))
    data = {"dagbesteding": samples.deelname(), "trajectbegeleiding": samples.voortgang(f"plaatsing-{WOONZORG[-6:]}")}
    for purpose, _ in sent:
        care.consent(WOONZORG, ref, [ONTWIKKELBEDRIJF], purpose, "leervoortgang")
        care.consent(WOONZORG, ref, [ONTWIKKELBEDRIJF], purpose, "gezondheid", grondslag="AVG-9-2-a")

    def goes() -> set[str]:
        answers = {p: care.send(WOONZORG, care.event(WOONZORG, k, ref, data[p], doel=p)) for p, k in sent}
        assert all(told(a) in ((202, None), NO_GROUND) for a in answers.values())
        return {purpose for purpose, answer in answers.items() if answer.status == 202}

    assert goes() == set()
    release(care, WOONZORG, ref, [named]).expect(201)
    covered = {"begeleiding": {"trajectbegeleiding"}, "deelname": {"dagbesteding"}, "gezondheid": set()}
    assert goes() == covered.get(named, {"dagbesteding", "trajectbegeleiding"})
    listed = care.call(WOONZORG, "GET", "/v1/berichttypen").expect(200)["items"]
    shown = {one["soort"]: one["onderwerpen"] for one in listed}
    assert all((named in shown[kind]) is (purpose in goes()) for purpose, kind in sent)
    care.collect(ONTWIKKELBEDRIJF)


def test_release_from_secrecy_by_who_may_not(region: Region) -> None:
    person = in_care(region)
    assert told(release(region, ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])) == NO_RIGHT
    assert told(release(region, KRINGLOOP, placed(region).refs[KRINGLOOP])) == NO_RIGHT
    assert told(release(region, WOONZORG, person.refs[ONTWIKKELBEDRIJF])) == NOT_FOUND


# -- make, end a grondslag or agreement; suspend: the operators, two for a grondslag ----------------------------------
GROUND = samples.ground_form("verantwoording")


def presented(region: Region) -> Person:
    """Somebody whom the gemeente presented to the ontwikkelbedrijf."""
    ref = region.register(GEMEENTE)
    trajectory = region.open_trajectory(GEMEENTE, ref)
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = trajectory
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
    region.send(GEMEENTE, event).expect(202)
    return Person({GEMEENTE: ref, ONTWIKKELBEDRIJF: region.collect(ONTWIKKELBEDRIJF)[-1]["subject"]}, trajectory)


def accounts(region: Region, person: Person) -> tuple[int, str | None]:
    """Whether the ontwikkelbedrijf may account to the gemeente now."""
    ref, data = person.refs[ONTWIKKELBEDRIJF], samples.voortgang_periode()
    event = region.event(ONTWIKKELBEDRIJF, "voortgang.gemeld", ref, data, doel="verantwoording", ontvanger=GEMEENTE)
    return told(region.send(ONTWIKKELBEDRIJF, event))


def test_a_grondslag_takes_two_different_operators(own_region: Region) -> None:
    person = presented(own_region)
    assert accounts(own_region, person) == NO_GROUND
    own_region.operate(agreements.add_ground, forms.ground(GROUND, "jan"), operator="jan")
    assert accounts(own_region, person) == NO_GROUND
    for same in ("jan", "JAN", " Jan "):
        with pytest.raises(Refused):
            own_region.operate(agreements.confirm_ground, "verantwoording", operator=same)
    assert accounts(own_region, person) == NO_GROUND
    own_region.operate(agreements.confirm_ground, "verantwoording", operator="piet")
    assert accounts(own_region, person) == (202, None)
    own_region.operate(agreements.end_ground, "verantwoording", operator="jan")
    assert accounts(own_region, person) == NO_GROUND


def test_a_grondslag_cannot_be_made_in_the_name_of_another_operator(own_region: Region) -> None:
    with pytest.raises(RequestInvalid):
        own_region.operate(
            agreements.add_ground, forms.ground(GROUND | {"vastgesteldDoor": "piet"}, "jan"), operator="jan"
        )


def test_an_agreement_needs_both_sides_and_ends_at_once(own_region: Region) -> None:
    """Without the second acceptance nothing is exchanged; ended, nothing is any more."""
    region = own_region
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [CERTIFICEERDER], "certificeren", "beoordeling identiteit")

    def asks() -> tuple[int, str | None]:
        event = region.event(
            ONTWIKKELBEDRIJF, "goed-werknemerschap.aangevraagd", ref, samples.gw_aangevraagd(), ontvanger=CERTIFICEERDER
        )
        return told(region.send(ONTWIKKELBEDRIJF, event))

    assert asks() == (403, "AFSPRAAK_ONTBREEKT")
    form = {
        "afspraakId": "nieuw",
        "partijen": [ONTWIKKELBEDRIJF, CERTIFICEERDER],
        "soorten": ["goed-werknemerschap.aangevraagd"],
    }
    form |= {
        "doelen": ["certificeren"],
        "geldigVan": "2026-01-01",
        "geldigTot": None,
        "art26Regeling": "r-1",
        "dpiaOp": "2026-01-01",
    }
    region.operate(agreements.add_agreement, forms.agreement(form, region.clock.now().date()))
    assert asks() == (403, "AFSPRAAK_ONTBREEKT")
    region.operate(agreements.accept_agreement, "nieuw", Oin(ONTWIKKELBEDRIJF))
    assert asks() == (403, "AFSPRAAK_ONTBREEKT")
    with pytest.raises(Refused):
        region.operate(agreements.accept_agreement, "nieuw", Oin(GEMEENTE))
    with pytest.raises(Conflict):
        region.operate(agreements.accept_agreement, "nieuw", Oin(ONTWIKKELBEDRIJF))
    region.operate(agreements.accept_agreement, "nieuw", Oin(CERTIFICEERDER))
    assert asks() == NO_GROUND  # from here on it is about the person: the certificeerder is not involved
    region.operate(agreements.end_agreement, "nieuw")
    assert asks() == (403, "AFSPRAAK_ONTBREEKT")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/uitwisselafspraken"),
        ("DELETE", "/v1/uitwisselafspraken"),
        ("DELETE", "/v1/grondslagen"),
        ("POST", "/v1/organisaties"),
        ("DELETE", "/v1/organisaties"),
    ],
)
def test_there_is_no_other_call_that_changes_rules(region: Region, method: str, path: str) -> None:
    answer = region.call(ONTWIKKELBEDRIJF, method, path, {} if method != "DELETE" else None)
    assert told(answer) == (405, "METHODE_ONBEKEND")


# -- the same over HTTP: scope `beheer`, and only for the region's own office -----------------------------------------
NEW_AGREEMENT = samples.agreement_form()
#: Every act of an operator, on what every region holds.
OPERATOR_ACTS: list[tuple[str, Any]] = [
    ("/v1/uitwisselafspraken", NEW_AGREEMENT),
    ("/v1/uitwisselafspraken/gemeente-ontwikkelbedrijf/beeindiging", None),
    ("/v1/grondslagen", GROUND),
    ("/v1/grondslagen/voordracht/bevestiging", None),
    ("/v1/grondslagen/voordracht/beeindiging", None),
    (f"/v1/organisaties/{KRINGLOOP}/schorsing", None),
]
FIRST, SECOND = "bureau-een", "bureau-twee"


def office(region: Region) -> None:
    """Two systems of the region's office, each an operator."""
    for name in {FIRST, SECOND} - region.parties.keys():
        region.employ(name)


def own_administrator(region: Region, oin: str) -> str:
    """A systeem of an organisation that bears ``beheer`` for it, and nothing else."""
    name = f"beheer-{oin[-6:]}"
    return name if name in region.parties else region.employ(name, oin, region.parties[oin].role)


def rules(region: Region) -> tuple[Any, ...]:
    """All that operators made, and how long the log is."""
    with reading(region.core.engine) as connection:
        logged = connection.scalar(select(func.count()).select_from(ledger_payload))
        return all_agreements(connection), all_grounds(connection), all_organisations(connection), logged


@pytest.mark.parametrize(("path", "body"), OPERATOR_ACTS, ids=[path for path, _ in OPERATOR_ACTS])
def test_no_party_makes_or_ends_rules(region: Region, path: str, body: Any) -> None:
    """Neither with all that partners have, nor with a machtiging for `beheer`: a party is no operator."""
    admit_rest(region)
    exchanging = [GEMEENTE, ONTWIKKELBEDRIJF, MBO, KRINGLOOP, WOONZORG, CERTIFICEERDER, LEERBEDRIJF]
    administrators = {who: own_administrator(region, who) for who in exchanging}
    before = rules(region)
    for who, administrator in administrators.items():
        assert told(region.call(who, "POST", path, body)) == (403, "SCOPE_ONTBREEKT")
        assert told(region.call(administrator, "POST", path, body)) == NO_RIGHT
    assert rules(region) == before


def test_the_office_without_the_scope_is_no_operator_either(region: Region) -> None:
    admit_rest(region)
    before = rules(region)
    for path, body in OPERATOR_ACTS:
        assert told(region.call(REGIO, "POST", path, body)) == (403, "SCOPE_ONTBREEKT")
    assert rules(region) == before


def test_operators_make_and_end_an_agreement_over_http_and_both_sides_accept(own_region: Region) -> None:
    region = own_region
    office(region)
    bedrijf, certificeerder = own_administrator(region, ONTWIKKELBEDRIJF), own_administrator(region, CERTIFICEERDER)
    outsider = own_administrator(region, GEMEENTE)
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]

    def asks() -> tuple[int, str | None]:
        event = region.event(
            ONTWIKKELBEDRIJF, "goed-werknemerschap.aangevraagd", ref, samples.gw_aangevraagd(), ontvanger=CERTIFICEERDER
        )
        return told(region.send(ONTWIKKELBEDRIJF, event))

    no_agreement = (403, "AFSPRAAK_ONTBREEKT")
    made = region.call(FIRST, "POST", "/v1/uitwisselafspraken", NEW_AGREEMENT).expect(201)
    assert (made["aanvaard"], made["inWerking"]) == ([], False)
    assert told(region.call(SECOND, "POST", "/v1/uitwisselafspraken", NEW_AGREEMENT)) == (409, "STAAT_ONGELIJK")
    path = "/v1/uitwisselafspraken/nieuw/aanvaarding"
    # who is no party learns nothing, also not that the agreement is there
    unknown = region.call(outsider, "POST", "/v1/uitwisselafspraken/bestaat-niet/aanvaarding")
    assert told(region.call(outsider, "POST", path)) == told(unknown) == NOT_FOUND
    assert told(region.call(outsider, "POST", path, {"organisatie": ONTWIKKELBEDRIJF})) == NO_RIGHT
    # one party does not accept for the other, and without `beheer` not for itself either
    assert told(region.call(bedrijf, "POST", path, {"organisatie": CERTIFICEERDER})) == NO_RIGHT
    assert told(region.call(ONTWIKKELBEDRIJF, "POST", path)) == (403, "SCOPE_ONTBREEKT")
    assert told(region.call(FIRST, "POST", path)) == NO_RIGHT  # the office is no party
    assert asks() == no_agreement
    accepted = region.call(bedrijf, "POST", path).expect(200)
    assert [one["organisatie"] for one in accepted["aanvaard"]] == [ONTWIKKELBEDRIJF] and not accepted["inWerking"]
    assert told(region.call(bedrijf, "POST", path)) == (409, "STAAT_ONGELIJK")
    assert asks() == no_agreement
    assert region.call(certificeerder, "POST", path, {"organisatie": CERTIFICEERDER}).expect(200)["inWerking"]
    assert asks() == NO_GROUND  # from here on it is about the person: the certificeerder is not involved
    ended = region.call(SECOND, "POST", "/v1/uitwisselafspraken/nieuw/beeindiging").expect(200)
    assert ended["beeindigdOp"] and not ended["inWerking"]
    assert asks() == no_agreement
    again = region.call(FIRST, "POST", "/v1/uitwisselafspraken/nieuw/beeindiging")
    assert told(again) == told(region.call(bedrijf, "POST", path)) == (409, "STAAT_ONGELIJK")


def test_an_operator_writes_down_the_acceptance_of_a_party_as_the_command_does(own_region: Region) -> None:
    region = own_region
    office(region)
    region.call(FIRST, "POST", "/v1/uitwisselafspraken", NEW_AGREEMENT).expect(201)
    path = "/v1/uitwisselafspraken/nieuw/aanvaarding"
    assert told(region.call(FIRST, "POST", path, {"organisatie": GEMEENTE})) == NO_RIGHT  # no party
    for party in NEW_AGREEMENT["partijen"]:
        last = region.call(FIRST, "POST", path, {"organisatie": party}).expect(200)
    assert last["inWerking"]


def test_a_grondslag_takes_two_different_systems_over_http(own_region: Region) -> None:
    region = own_region
    office(region)
    person = presented(region)
    made = region.call(FIRST, "POST", "/v1/grondslagen", GROUND).expect(201)
    assert (made["vastgesteldDoor"], made["tweedeVaststeller"], made["inWerking"]) == (FIRST, None, False)
    path = "/v1/grondslagen/verantwoording"
    assert accounts(region, person) == NO_GROUND
    assert told(region.call(FIRST, "POST", f"{path}/bevestiging")) == NO_RIGHT
    # nor by a command under the same name, nor by this systeem for another office
    with pytest.raises(Refused):
        region.operate(agreements.confirm_ground, "verantwoording", operator=FIRST.upper())
    other = "00000099000000009910"
    with region.core.transactions.open(RULES) as tx:
        region._join(tx, other, "regio")
    form = {"organisatie": other, "systeem": FIRST, "scopes": ["beheer"]}
    region.operate(parties.add_mandate, forms.mandate(form))
    for_other = token_for(region, FIRST, other)
    assert told(region.request("POST", f"{path}/bevestiging", None, for_other)) == NO_RIGHT
    assert accounts(region, person) == NO_GROUND
    assert region.call(SECOND, "POST", f"{path}/bevestiging").expect(200)["tweedeVaststeller"] == SECOND
    assert accounts(region, person) == (202, None)
    assert told(region.call(FIRST, "POST", f"{path}/bevestiging")) == (409, "STAAT_ONGELIJK")
    assert not region.call(FIRST, "POST", f"{path}/beeindiging").expect(200)["inWerking"]
    assert accounts(region, person) == NO_GROUND
    assert told(region.call(SECOND, "POST", f"{path}/beeindiging")) == (409, "STAAT_ONGELIJK")


def token_for(region: Region, system: str, organisation: str) -> dict[str, str]:
    """The header of a token by which a systeem acts for this one of its organisations."""
    grant = Grant(system, Oin(organisation), frozenset({"beheer"}))
    token = issue(region.hub.keyring.token_key, region.settings.base_url, grant, region.clock.now(), "eigen")
    return {"Authorization": f"Bearer {token}"}


def test_a_command_and_a_systeem_are_two_operators_only_under_two_names(own_region: Region) -> None:
    region = own_region
    office(region)
    region.operate(agreements.add_ground, forms.ground(GROUND, SECOND.title()), operator=SECOND.title())
    path = "/v1/grondslagen/verantwoording/bevestiging"
    assert told(region.call(SECOND, "POST", path)) == NO_RIGHT
    assert region.call(FIRST, "POST", path).expect(200)["inWerking"]


def test_a_grondslag_over_http_is_not_made_in_the_name_of_another(own_region: Region) -> None:
    office(own_region)
    answer = own_region.call(FIRST, "POST", "/v1/grondslagen", GROUND | {"vastgesteldDoor": SECOND})
    assert told(answer) == (400, "VERZOEK_ONGELDIG")
    assert [(one["naam"], one["code"]) for one in answer.json["velden"]] == [("vastgesteldDoor", "ANDERE_OPERATOR")]


def test_an_operator_suspends_over_http_and_a_token_that_is_still_valid_opens_nothing(own_region: Region) -> None:
    region = own_region
    office(region)
    person = placed(region)
    assert reports(region, person) == (202, None)
    before = region.token(KRINGLOOP)
    told_of = region.call(FIRST, "POST", f"/v1/organisaties/{KRINGLOOP}/schorsing").expect(200)
    assert (told_of["oin"], told_of["actief"]) == (KRINGLOOP, False)
    assert region.token(KRINGLOOP) == before  # no new one is asked
    assert reports(region, person) == (401, "TOKEN_ONGELDIG")
    assert places(region, person) == (403, "ONTVANGER_NIET_BEVOEGD")
    assert told(region.call(KRINGLOOP, "GET", "/v1/organisaties")) == (401, "TOKEN_ONGELDIG")
    again = region.call(SECOND, "POST", f"/v1/organisaties/{KRINGLOOP}/schorsing")
    assert told(again) == (409, "STAAT_ONGELIJK")


def test_an_operator_ends_with_its_machtiging_though_its_token_is_valid(own_region: Region) -> None:
    region = own_region
    office(region)
    region.call(FIRST, "GET", "/v1/organisaties").expect(200)
    region.end_mandate(FIRST)
    before = rules(region)
    for path, body in OPERATOR_ACTS:
        assert told(region.call(FIRST, "POST", path, body)) == (401, "TOKEN_ONGELDIG")
    assert rules(region) == before
    assert told(region.call(FIRST, "GET", "/v1/uitwisselafspraken")) == (401, "TOKEN_ONGELDIG")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/uitwisselafspraken/bestaat-niet/beeindiging",
        "/v1/uitwisselafspraken/bestaat-niet/aanvaarding",
        "/v1/grondslagen/bestaat-niet/bevestiging",
        "/v1/grondslagen/bestaat-niet/beeindiging",
        "/v1/organisaties/00000099000000001234/schorsing",
        "/v1/organisaties/geen-oin/schorsing",
    ],
)
def test_what_an_operator_names_must_be_there(region: Region, path: str) -> None:
    admit_rest(region)
    office(region)
    before = rules(region)
    assert told(region.call(FIRST, "POST", path)) == NOT_FOUND
    assert rules(region) == before


def test_an_operator_sees_all_of_the_region_and_a_party_with_beheer_its_own(own_region: Region) -> None:
    region = own_region
    office(region)
    party = own_administrator(region, KRINGLOOP)
    lists = {"/v1/uitwisselafspraken": 5, "/v1/grondslagen": 1, "/v1/organisaties": 9}
    for path, number in lists.items():
        assert len(region.call(FIRST, "GET", path).expect(200)["items"]) == number
    (ground,) = region.call(FIRST, "GET", "/v1/grondslagen").json["items"]
    assert (ground["vastgesteldDoor"], ground["tweedeVaststeller"]) == ("jan", "piet")
    own = region.call(party, "GET", "/v1/uitwisselafspraken").expect(200)["items"]
    assert [one["afspraakId"] for one in own] == ["ontwikkelbedrijf-kringloop"]
    assert region.call(party, "GET", "/v1/grondslagen").expect(200)["items"] == []
    (seen,) = region.call(GEMEENTE, "GET", "/v1/grondslagen").expect(200)["items"]
    assert "vastgesteldDoor" not in seen
    # a token without the scope shows the office no more than is its own
    region.employ("bureau-kijkt", scopes="beheer logboek:lezen")
    region.parties["bureau-kijkt"].limit("logboek:lezen")
    assert region.call("bureau-kijkt", "GET", "/v1/uitwisselafspraken").expect(200)["items"] == []


@pytest.mark.parametrize("operator_first", [True, False])
def test_no_systeem_is_operator_and_exchanges_too(region: Region, operator_first: bool) -> None:
    """One stolen key would be enough to make an agreement and to send under it."""
    admit_rest(region)
    name = region.employ(f"dubbel-{operator_first}".lower(), *((REGIO,) if operator_first else (MBO, "mbo")))
    other = MBO if operator_first else REGIO
    form = {"organisatie": other, "systeem": name, "scopes": ["beheer"]}
    with pytest.raises(Conflict):
        region.operate(parties.add_mandate, forms.mandate(form))
    no_operator = form | {"organisatie": REGIO, "scopes": ["logboek:lezen"]}
    region.operate(parties.add_mandate, forms.mandate(no_operator))  # the control: the office's other scopes may
    region.end_mandate(name)
    region.operate(parties.add_mandate, forms.mandate(form))  # one after the other is no two


def test_no_message_about_a_person_goes_to_or_from_who_makes_the_rules() -> None:
    """On this it rests that an operator cannot let data flow to itself."""
    ends = {role for kind in catalogue.all_kinds() for f in kind.flows for role in (*f.senders, *f.receivers)}
    assert Role.GEMEENTE in ends  # the control
    assert not ends & OFFICE


def test_a_party_sees_its_own_agreements_only(region: Region) -> None:
    own = region.call(KRINGLOOP, "GET", "/v1/uitwisselafspraken").expect(200)["items"]
    assert [one["afspraakId"] for one in own] == ["ontwikkelbedrijf-kringloop"]
    assert region.call(KRINGLOOP, "GET", "/v1/grondslagen").expect(200)["items"] == []
    grounds = region.call(GEMEENTE, "GET", "/v1/grondslagen").expect(200)["items"]
    assert [one["grondslagId"] for one in grounds] == ["voordracht"]


def test_suspending_bites_at_once_in_both_directions(own_region: Region) -> None:
    region = own_region
    person = placed(region)
    assert reports(region, person) == (202, None)
    region.suspend(KRINGLOOP)
    assert reports(region, person) == (401, "TOKEN_ONGELDIG")
    assert places(region, person) == (403, "ONTVANGER_NIET_BEVOEGD")
    assert told(region.call(KRINGLOOP, "GET", "/v1/postvak/berichten")) == (401, "TOKEN_ONGELDIG")
    assert told(region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", verstrekkers=None)) == (
        401,
        "TOKEN_ONGELDIG",
    )
    with pytest.raises(Conflict):
        region.operate(parties.suspend_organisation, Oin(KRINGLOOP))
    # what the kringloop sent before waits, and is not given any more
    assert [e for e in region.fetch(ONTWIKKELBEDRIJF) if e["type"].endswith("voortgang.gemeld.v1")] == []


def test_an_ended_machtiging_bites_at_once(own_region: Region) -> None:
    region = own_region
    person = placed(region)
    region.end_mandate(KRINGLOOP)
    assert reports(region, person) == (401, "TOKEN_ONGELDIG")
    assert told(region.call(KRINGLOOP, "GET", "/v1/zaken")) == (401, "TOKEN_ONGELDIG")


# -- wissing: everybody its own content; as a whole only through the contactpunt and each controller ------------------
WISH = {"omvang": "eigen", "reden": "onrechtmatig", "kenmerk": "W-1"}
WHOLE = WISH | {"omvang": "geheel"}


def erases(region: Region, who: str, ref: str, form: dict[str, str] = WISH) -> Any:
    return region.call(who, "POST", f"/v1/kandidaten/{ref}/wissing", form)


@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_wissing_of_the_own_content_by_every_involved_organisation(region: Region, who: str) -> None:
    """It takes nothing of what others hold."""
    person = placed(region)
    at_school(region, person)
    assert told(erases(region, who, person.refs[who])) == (200, None)
    rest = {KRINGLOOP: reports(region, person), ONTWIKKELBEDRIJF: places(region, person)}
    assert rest[KRINGLOOP] == (
        NO_GROUND if who in (KRINGLOOP, ONTWIKKELBEDRIJF) else (202, None)
    )  # nobody to report to
    assert rest[ONTWIKKELBEDRIJF] == (NO_GROUND if who == ONTWIKKELBEDRIJF else (202, None))


def test_wissing_by_who_is_no_longer_involved(region: Region) -> None:
    """What it sent lies there still."""
    person = placed(region)
    ref = person.refs[KRINGLOOP]
    with region.core.engine.begin() as connection:
        mine = involvement.c.organisation == KRINGLOOP
        connection.execute(update(involvement).where(mine).values(valid_until=region.clock.now()))
    assert told(region.call(KRINGLOOP, "POST", f"/v1/kandidaten/{ref}/stopverzoek")) == NOT_FOUND
    assert told(erases(region, KRINGLOOP, ref)) == (200, None)


@pytest.mark.parametrize("who", [GEMEENTE, KRINGLOOP_2, WOONZORG, CERTIFICEERDER])
def test_wissing_by_who_does_not_know_the_person(region: Region, who: str) -> None:
    person = placed(region)
    for ref in person.refs.values():
        assert told(erases(region, who, ref)) == NOT_FOUND
    assert reports(region, person) == (202, None)


def test_wissing_as_a_whole_is_carried_out_by_the_contactpunt_alone(own_region: Region) -> None:
    """An involved organisation asks; the contactpunt has each controller answer; only each itself erases."""
    region = own_region
    person = placed(region)
    ref = person.refs[KRINGLOOP]
    assert told(erases(region, KRINGLOOP, ref, WHOLE)) == (409, "STAAT_ONGELIJK")  # this region has none
    admit_rest(region)
    mandate = {"organisatie": REGIO, "systeem": region.parties[REGIO].system}
    region.operate(parties.end_mandate, region.mandates[REGIO])
    scopes = [*SCOPES.split(), "rechten:geheel"]
    region.operate(parties.add_mandate, forms.mandate(mandate | {"scopes": scopes}))
    assert told(erases(region, GEMEENTE_2, known_elsewhere(region), WHOLE)) == NOT_FOUND  # never involved
    assert told(erases(region, KRINGLOOP, ref, WHOLE)) == (202, None)
    assert reports(region, person) == (202, None)  # asked, nothing more
    (asked,) = region.call(REGIO, "GET", "/v1/zaken?soort=wissing-verzoek").expect(200)["items"]
    path = f"/v1/zaken/{asked['id']}/antwoord"
    for other in (KRINGLOOP, ONTWIKKELBEDRIJF, GEMEENTE):
        assert told(region.call(other, "POST", path, {"antwoord": "gehonoreerd"})) == NOT_FOUND
    region.parties[REGIO].limit("toestemmingen:beheren")
    assert told(region.call(REGIO, "POST", path, {"antwoord": "gehonoreerd"})) == (403, "SCOPE_ONTBREEKT")
    region.parties[REGIO].limit("")
    region.call(REGIO, "POST", path, {"antwoord": "gehonoreerd"}).expect(200)
    for who, other in ((KRINGLOOP, ONTWIKKELBEDRIJF), (ONTWIKKELBEDRIJF, KRINGLOOP)):
        (mine,) = region.call(who, "GET", "/v1/zaken?soort=wissing&open=true").expect(200)["items"]
        own = f"/v1/zaken/{mine['id']}/antwoord"
        for stranger in (other, REGIO):
            assert told(region.call(stranger, "POST", own, {"antwoord": "gewist"})) == NOT_FOUND
        assert told(region.call(who, "POST", own, {"antwoord": "gehonoreerd"})) == (400, "VERZOEK_ONGELDIG")
        region.call(who, "POST", own, {"antwoord": "gewist"}).expect(200)
    assert reports(region, person) == NO_GROUND
    seen = region.call(REGIO, "GET", f"/v1/wissingen/{asked['oorzaak']}").expect(200)
    assert seen["status"] == "gewist" and len(seen["verwerkingsverantwoordelijken"]) == 2
    mine = region.call(KRINGLOOP, "GET", f"/v1/wissingen/{asked['oorzaak']}").expect(200)
    assert mine["verwerkingsverantwoordelijken"] is None
    assert told(region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/wissingen/{asked['oorzaak']}")) == NOT_FOUND


# -- see the register, inzage: own sendings, receipts and records; the whole only the contactpunt ----------------------
@pytest.mark.parametrize("who", [ONTWIKKELBEDRIJF, KRINGLOOP, MBO])
def test_inzage_by_every_involved_organisation_of_its_own(region: Region, who: str) -> None:
    """The school stands beside two others that exchange: it sees what came to it, and not that they do."""
    person = placed(region)
    at_school(region, person)
    assert reports(region, person) == (202, None)
    region.collect(ONTWIKKELBEDRIJF)
    found = region.call(who, "GET", f"/v1/kandidaten/{person.refs[who]}/inzage").expect(200)
    assert found["berichten"]
    assert all(who in (one["verstrekker"], one["ontvanger"]) for one in found["berichten"])
    assert [one["organisatie"] for one in found["registraties"]] == [who]
    kinds = {(one["soort"], one["richting"]) for one in found["berichten"]}
    assert (("voortgang.gemeld", "verstuurd") in kinds) == (who == KRINGLOOP)
    assert (("voortgang.gemeld", "ontvangen") in kinds) == (who == ONTWIKKELBEDRIJF)


def test_inzage_by_who_was_involved_before(own_region: Region) -> None:
    """Involvement that ended leaves a picture behind."""
    region = own_region
    person = placed(region)
    until = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01", "tot": "2026-10-20"}
    ref = region.register(ONTWIKKELBEDRIJF)
    region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/trajecten", until).expect(201)
    assert region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/kandidaten/{ref}/inzage").status == 200
    assert reports(region, person) == (202, None)


def test_inzage_by_who_is_not_involved(region: Region) -> None:
    person = placed(region)
    for who, ref in ((GEMEENTE_2, known_elsewhere(region)), (KRINGLOOP_2, person.refs[KRINGLOOP])):
        assert told(region.call(who, "GET", f"/v1/kandidaten/{ref}/inzage")) == NOT_FOUND


def test_the_whole_picture_only_by_the_contactpunt(own_region: Region) -> None:
    """The scope makes the contactpunt; it must know the person, and need not be involved. Ended, it bites at once."""
    region = own_region
    person = placed(region)
    path = f"/v1/kandidaten/{person.refs[KRINGLOOP]}/inzage?omvang=geheel"
    assert told(region.call(KRINGLOOP, "GET", path)) == (403, "SCOPE_ONTBREEKT")
    contact = known_elsewhere(region)
    form = {"organisatie": GEMEENTE_2, "systeem": region.parties[GEMEENTE_2].system, "scopes": ["rechten:geheel"]}
    given = region.operate(parties.add_mandate, forms.mandate(form))
    region.parties[GEMEENTE_2].limit("")
    asked = f"/v1/kandidaten/{contact}/inzage?omvang=geheel"
    assert region.call(GEMEENTE_2, "GET", asked).expect(200)["omvang"] == "geheel"
    assert told(region.call(GEMEENTE_2, "GET", path)) == NOT_FOUND  # of whom it does not know nothing at all
    region.operate(parties.end_mandate, given.id)
    assert told(region.call(GEMEENTE_2, "GET", asked)) == (401, "TOKEN_ONGELDIG")


def test_a_party_sees_its_own_register_of_processing_only(region: Region) -> None:
    found = region.call(KRINGLOOP, "GET", "/v1/verwerkingsregister").expect(200)["items"]
    assert {one["afspraakId"] for one in found} == {"ontwikkelbedrijf-kringloop"}
    assert region.call(CERTIFICEERDER, "GET", "/v1/verwerkingsregister").expect(200)["items"] == []


# -- recall: its sender -----------------------------------------------------------------------------------------------
def test_recall_by_its_sender_alone(region: Region) -> None:
    person = placed(region)
    sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
    path, form = f"/v1/berichten/{sent}/terugroeping", {"reden": "onjuist"}
    for other in (ONTWIKKELBEDRIJF, GEMEENTE, MBO, KRINGLOOP_2):
        assert told(region.call(other, "POST", path, form)) == NOT_FOUND
    assert region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "wachtend"}
    region.call(KRINGLOOP, "POST", path, form).expect(200)
    assert region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "gestopt"}


# -- beperking, bezwaar: an involved organisation, for its own flows --------------------------------------------------
@pytest.mark.parametrize(
    ("method", "act", "ground"), [("PUT", "beperking", "onrechtmatig"), ("POST", "bezwaar", "Nee.")]
)
def test_beperking_and_bezwaar_by_who_is_involved_for_own_flows(
    region: Region, method: str, act: str, ground: str
) -> None:
    person = placed(region)
    form = {"verstrekkers": [KRINGLOOP], "ontvangers": [ONTWIKKELBEDRIJF], "grond": ground}

    def limits(who: str, ref: str, **other: Any) -> tuple[int, str | None]:
        return told(region.call(who, method, f"/v1/kandidaten/{ref}/{act}", form | other))

    for who, ref in ((GEMEENTE_2, known_elsewhere(region)), (KRINGLOOP_2, person.refs[KRINGLOOP])):
        assert limits(who, ref, verstrekkers=[who]) == NOT_FOUND
    at_school(region, person)
    assert limits(MBO, person.refs[MBO]) == NO_RIGHT  # it takes part, and this flow is not its own
    assert reports(region, person) == (202, None)
    assert limits(KRINGLOOP, person.refs[KRINGLOOP])[0] in (200, 201)
    assert reports(region, person) == NO_GROUND
    assert places(region, person) == (202, None)  # another flow was not named


# -- the privacy officer acts on own records; the FG reads all of the own organisation and changes nothing -------------
OFFICER_SCOPES = "toestemmingen:lezen toestemmingen:beheren"
FG_SCOPES = "toestemmingen:lezen logboek:lezen"


def employee(region: Region, what: str, scopes: str) -> str:
    """A systeem by which somebody at the kringloop works."""
    name = f"{what}-kringloop"
    return name if name in region.parties else region.employ(name, KRINGLOOP, "kringloop", scopes)


def operations(region: Region) -> list[tuple[str, str]]:
    """Every call of the API that needs a token, with something in the place of each name."""
    described = region.request("GET", "/v1/openapi.json", None, {}).expect(200)["paths"]
    found = [
        (method.upper(), re.sub(r"\{[^}]*\}", "x", path), one)
        for path, ones in described.items()
        for method, one in ones.items()
        if isinstance(one, dict)
    ]
    return [
        (method, path if path.startswith("/v1") else f"/v1{path}") for method, path, one in found if one["security"]
    ]


def test_the_privacy_officer_acts_on_own_records(region: Region) -> None:
    """It records and ends what its own organisation may, answers its zaken, and carries no messages."""
    officer = employee(region, "functionaris", OFFICER_SCOPES)
    person, statement = region.reporting()
    theirs = region.consent(
        *(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], [KRINGLOOP], "opleiden", "leervoortgang"),
    )
    for act in ("herroeping", "ongeldigverklaring"):  # of what another organisation recorded
        answer = region.call(officer, "POST", f"/v1/toestemmingen/{theirs}/{act}", {"reden": "Fout."})
        assert told(answer) == NOT_FOUND
    assert told(region.call(officer, "GET", f"/v1/toestemmingen/{theirs}")) == NOT_FOUND
    for method, path in (("POST", "/v1/berichten"), ("POST", "/v1/kandidaten"), ("GET", "/v1/postvak/berichten")):
        assert told(region.call(officer, method, path)) == (403, "SCOPE_ONTBREEKT")
    region.call(officer, "POST", f"/v1/kandidaten/{person.refs[KRINGLOOP]}/stopverzoek").expect(200)
    (own,) = stop_cases(region, KRINGLOOP, person)
    (other,) = stop_cases(region, ONTWIKKELBEDRIJF, person)
    assert reports(region, person) == NO_GROUND
    answer = {"antwoord": "opgeheven"}
    assert told(region.call(officer, "POST", f"/v1/zaken/{other['id']}/antwoord", answer)) == NOT_FOUND
    region.call(officer, "POST", f"/v1/zaken/{own['id']}/antwoord", answer).expect(200)
    assert reports(region, person) == (202, None)
    region.call(officer, "POST", f"/v1/toestemmingen/{statement}/herroeping", {"reden": "Fout."}).expect(200)
    assert reports(region, person) == NO_GROUND


def test_the_fg_changes_nothing(region: Region) -> None:
    """Every call that changes something is refused by its scope, whatever it names."""
    fg = employee(region, "fg", FG_SCOPES)
    before = rules(region)
    changing = [(method, path) for method, path in operations(region) if method != "GET"]
    assert len(changing) > 30
    for method, path in changing:
        assert told(region.call(fg, method, path)) == (403, "SCOPE_ONTBREEKT"), (method, path)
    assert told(region.call(fg, "GET", "/v1/postvak/berichten")) == (403, "SCOPE_ONTBREEKT")  # a fetch changes too
    assert rules(region) == before


def test_the_fg_reads_all_of_the_own_organisation_and_of_no_other(region: Region) -> None:
    fg = employee(region, "fg", FG_SCOPES)
    person, statement = region.reporting()
    sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
    region.call(KRINGLOOP, "POST", f"/v1/berichten/{sent}/terugroeping", {"reden": "onjuist"}).expect(200)
    region.wait_signed()
    reading_calls = {path for method, path in operations(region) if method == "GET"}
    closed = {path for path in reading_calls if told(region.call(fg, "GET", path)) == (403, "SCOPE_ONTBREEKT")}
    assert closed == {"/v1/postvak/berichten"}  # all but what a fetch would change
    for path in (
        f"/v1/toestemmingen/{statement}",
        f"/v1/toestemmingen/{statement}/toestemmingsbewijs?formaat=brief",
        f"/v1/kandidaten/{person.refs[KRINGLOOP]}/inzage",
        f"/v1/kandidaten/{person.refs[KRINGLOOP]}/inzage?formaat=brief",
        f"/v1/kandidaten/{person.refs[KRINGLOOP]}/samenvoegingen",
        f"/v1/berichten/{sent}",
        f"/v1/berichten/{sent}/terugroeping",
        *("/v1/zaken", "/v1/verwerkingsregister", "/v1/bewijslogboek/consistentie?van=1&tot=2"),
        *("/bewijslogboek/checkpoint", "/bewijslogboek/tile/0/000"),
    ):
        status = region.call(fg, "GET", path).status
        assert status == 200 or (path.endswith("/000") and status == 404), path  # a whole tile may not be there yet
    whole = f"/v1/kandidaten/{person.refs[KRINGLOOP]}/inzage?omvang=geheel"
    assert told(region.call(fg, "GET", whole)) == (403, "SCOPE_ONTBREEKT")
    for path in (
        f"/v1/kandidaten/{person.refs[ONTWIKKELBEDRIJF]}/inzage",
        f"/v1/kandidaten/{person.refs[ONTWIKKELBEDRIJF]}/samenvoegingen",
    ):
        assert told(region.call(fg, "GET", path)) == NOT_FOUND
    told_elsewhere = region.call(ONTWIKKELBEDRIJF, "GET", "/v1/toestemmingen").expect(200)["items"]
    assert told_elsewhere
    assert told(region.call(fg, "GET", f"/v1/toestemmingen/{told_elsewhere[0]['id']}")) == NOT_FOUND


# -- a scope that was not given opens nothing -------------------------------------------------------------------------
SCOPED = [
    ("POST", "/v1/berichten", "berichten:versturen"),
    ("GET", "/v1/berichten/x", "berichten:versturen toestemmingen:lezen"),
    ("GET", "/v1/berichten/x/bewijs", "berichten:versturen toestemmingen:lezen"),
    ("GET", "/v1/berichten/x/ontvangstbewijs", "berichten:versturen toestemmingen:lezen"),
    ("GET", "/v1/berichten/x/terugroeping", "berichten:versturen toestemmingen:lezen"),
    ("POST", "/v1/berichten/x/terugroeping", "berichten:versturen"),
    ("POST", "/v1/vooraf-controles", "berichten:versturen"),
    ("GET", "/v1/postvak/berichten", "berichten:ontvangen"),
    ("POST", "/v1/postvak/bevestigingen", "berichten:ontvangen"),
    ("PUT", "/v1/abonnement", "berichten:ontvangen"),
    ("GET", "/v1/abonnement", "berichten:ontvangen toestemmingen:lezen"),
    ("DELETE", "/v1/abonnement", "berichten:ontvangen"),
    ("POST", "/v1/kandidaten", "kandidaten:beheren"),
    ("PUT", "/v1/kandidaten/x/lokaal-nummer", "kandidaten:beheren"),
    ("POST", "/v1/kandidaten/opzoeken", "kandidaten:beheren"),
    ("POST", "/v1/kandidaten/x/trajecten", "kandidaten:beheren"),
    ("POST", "/v1/kandidaten/x/samenvoegingen", "kandidaten:beheren"),
    ("GET", "/v1/kandidaten/x/samenvoegingen", "kandidaten:beheren toestemmingen:lezen"),
    ("POST", "/v1/kandidaten/x/samenvoegingen/bevestiging", "kandidaten:beheren"),
    ("POST", "/v1/kandidaten/x/splitsingen", "kandidaten:beheren"),
    ("GET", "/v1/kandidaten/x/splitsingen", "kandidaten:beheren toestemmingen:lezen"),
    ("POST", "/v1/kandidaten/x/splitsingen/bevestiging", "kandidaten:beheren"),
    ("GET", "/v1/kandidaten/x/inzage", "toestemmingen:lezen"),
    ("GET", "/v1/kandidaten/x/inzage?omvang=geheel", "rechten:geheel"),
    ("GET", "/v1/kandidaten/x/inzage?inhoud=true", "berichten:versturen"),
    ("POST", "/v1/kandidaten/x/stopverzoek", "toestemmingen:beheren"),
    ("POST", "/v1/kandidaten/x/wissing", "toestemmingen:beheren"),
    ("GET", "/v1/wissingen/x", "toestemmingen:lezen"),
    ("GET", "/v1/wissingen/x/bewijs", "toestemmingen:lezen"),
    ("GET", "/v1/wissingen/x/vernietigingsverklaring", "toestemmingen:lezen"),
    ("GET", "/v1/vernietigingsverklaringen", "toestemmingen:lezen"),
    ("GET", "/v1/vernietigingsverklaringen/2026-11", "toestemmingen:lezen"),
    ("POST", "/v1/toestemmingen", "toestemmingen:beheren"),
    ("GET", "/v1/toestemmingen", "toestemmingen:lezen"),
    ("GET", "/v1/toestemmingen/x", "toestemmingen:lezen"),
    ("GET", "/v1/toestemmingen/x/bewijs", "toestemmingen:lezen"),
    ("GET", "/v1/toestemmingen/x/toestemmingsbewijs", "toestemmingen:lezen"),
    ("POST", "/v1/toestemmingen/x/bevestiging", "toestemmingen:beheren"),
    ("POST", "/v1/toestemmingen/x/intrekking", "toestemmingen:beheren"),
    ("GET", "/v1/zaken", "toestemmingen:lezen"),
    ("POST", "/v1/zaken/x/antwoord", "toestemmingen:beheren"),
    ("GET", "/v1/ontheffingen", "toestemmingen:lezen"),
    ("POST", "/v1/ontheffingen", "toestemmingen:beheren"),
    ("POST", "/v1/ontheffingen/x/intrekking", "toestemmingen:beheren"),
    ("GET", "/v1/bewijslogboek/consistentie", "logboek:lezen"),
    ("POST", "/v1/uitwisselafspraken", "beheer"),
    ("POST", "/v1/uitwisselafspraken/x/aanvaarding", "beheer"),
    ("POST", "/v1/uitwisselafspraken/x/beeindiging", "beheer"),
    ("POST", "/v1/grondslagen", "beheer"),
    ("POST", "/v1/grondslagen/x/bevestiging", "beheer"),
    ("POST", "/v1/grondslagen/x/beeindiging", "beheer"),
    ("POST", "/v1/organisaties/x/schorsing", "beheer"),
]


@pytest.mark.parametrize(("method", "path", "scope"), SCOPED)
def test_each_act_needs_its_own_scope(region: Region, method: str, path: str, scope: str) -> None:
    """With every scope but this one (or these, where each opens it) it is refused, whatever stands in the request."""
    party = region.parties[ONTWIKKELBEDRIJF]
    others = frozenset(SCOPES.split()) - set(scope.split())
    grant = Grant(party.system, Oin(party.oin), others)
    token = issue(region.hub.keyring.token_key, region.settings.base_url, grant, region.clock.now(), f"{method}{path}")
    answer = region.request(method, path, None, {"Authorization": f"Bearer {token}"})
    assert told(answer) == (403, "SCOPE_ONTBREEKT")


def test_head_gives_nothing_out(region: Region) -> None:
    """A HEAD on the mailbox would note as given what never leaves."""
    person = placed(region)
    assert reports(region, person) == (202, None)
    answer = region.call(ONTWIKKELBEDRIJF, "HEAD", "/v1/postvak/berichten")
    assert answer.status == 405
    assert "voortgang.gemeld" in str(region.fetch(ONTWIKKELBEDRIJF))


def test_a_list_by_a_ref_of_somebody_else_is_not_found(region: Region) -> None:
    person = placed(region)
    own = f"/v1/toestemmingen?kandidaatRef={person.refs[ONTWIKKELBEDRIJF]}"
    assert region.call(ONTWIKKELBEDRIJF, "GET", own).expect(200)["items"]
    for who, ref in ((KRINGLOOP_2, person.refs[ONTWIKKELBEDRIJF]), (ONTWIKKELBEDRIJF, "a" * 26)):
        assert told(region.call(who, "GET", f"/v1/toestemmingen?kandidaatRef={ref}")) == NOT_FOUND
