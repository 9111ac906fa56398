"""Statements in full, over HTTP, on both databases: who speaks for whom, requests, renewals, ends, texts of notices."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, event, select, text

from consent.keys import SYSTEM_KEY, evidence_key
from consent.log.entry import Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from consent.receipt.account import ENDED
from consent.store.tables import notice_text, statement, statement_part
from contracts import instants
from hub.store.database import open_engine, reading
from hub.store.locks import Locks
from hub.store.migrations import schema
from hub.store.tables import case, delivery
from tests.partners import Answer, Person, stamp
from tests.region import Region, region_on
from tests.samples import GEMEENTE, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF

REASON = {"reden": "De verkeerde persoon aangevinkt."}
NO_GROUND = (403, "GEEN_GRONDSLAG")
NOT_FOUND = (404, "NIET_GEVONDEN")
STATE = (409, "STAAT_ONGELIJK")
GOES = (202, None)
#: What the workplace asks or is told: it may report to the ontwikkelbedrijf.
REPORTS = {
    "ontvangers": [ONTWIKKELBEDRIJF],
    "doelen": ["trajectbegeleiding"],
    "categorieen": ["leervoortgang"],
}
TEXT = "Wij delen uw leervoortgang met het ontwikkelbedrijf.\nU mag altijd stoppen."


def _made(request: pytest.FixtureRequest, folder: Path) -> Iterator[Region]:
    with region_on(request, folder) as made:
        yield made


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    yield from _made(request, tmp_path_factory.mktemp("uitspraken"))


@pytest.fixture(params=["sqlite", "postgresql"])
def own_region(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Region]:
    """For what moves the time."""
    yield from _made(request, tmp_path)


def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


def faults(answer: Answer) -> dict[str, str]:
    assert (answer.status, answer.code) == (400, "VERZOEK_ONGELDIG"), answer.body
    return {one["naam"]: one["code"] for one in answer.json["velden"]}


def placed(region: Region) -> Person:
    """Somebody placed at the kringloop; nobody was asked about reports yet."""
    person = region.candidate()
    region.place(person)
    return person


def reports(region: Region, person: Person, number: int = 1) -> tuple[int, str | None]:
    """Whether the kringloop may report to the ontwikkelbedrijf now."""
    return told(region.send(KRINGLOOP, region.report(person, number=number)))


def now(region: Region) -> datetime:
    return datetime.fromtimestamp(region.seconds(), UTC)


def act(region: Region, who: str, given: str, verb: str, body: Any = None) -> Answer:
    return region.call(who, "POST", f"/v1/toestemmingen/{given}/{verb}", body)


def shown(region: Region, who: str, given: str) -> dict[str, Any]:
    return dict(region.call(who, "GET", f"/v1/toestemmingen/{given}").expect(200))


def status(region: Region, who: str, given: str) -> str:
    return str(shown(region, who, given)["status"])


def by_parent(region: Region, days: float = 400) -> dict[str, Any]:
    """A parent speaks for somebody who turns 16 in so many days."""
    day = instants.today(now(region) + timedelta(days=days)).isoformat()
    return {"gegevenDoor": "ouder-met-gezag", "bevoegdheid": "uittreksel gezagsregister", "zestienOp": day}


def asks(region: Region, person: Person, **terms: Any) -> Answer:
    """The kringloop records that it asked whether it may report."""
    left_out = dict.fromkeys(("keuze", "gegevenOp", "wijze", "gegevenDoor"))
    return region.statement(KRINGLOOP, person.refs[KRINGLOOP], gevraagd=True, **(left_out | REPORTS | terms))


def answers(region: Region, choice: str, **terms: Any) -> dict[str, Any]:
    said = {"keuze": choice, "gegevenOp": stamp(now(region)), "wijze": "gesprek", "gegevenDoor": "betrokkene"}
    return said | terms


def renews(region: Region, **terms: Any) -> dict[str, Any]:
    at = now(region)
    said = {"gegevenOp": stamp(at), "geldigTot": stamp(at + timedelta(days=300)), "wijze": "gesprek"}
    notice = {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"}
    return said | {"gegevenDoor": "betrokkene", "verklaring": notice} | terms


def entries(region: Region, given: str) -> list[dict[str, Any]]:
    """What the log says of a statement, in the order in which it was noted; what a receipt shows of an end apart."""
    with reading(region.hub.engine) as connection:
        key_id = evidence_key(connection.scalars(_person(given)).one())
        found = _opened(region, connection, key_id)
    return [one for one in found if one.get("toestemmingId") == given and one["soort"] != ENDED]


def of_nobody(region: Region) -> list[dict[str, Any]]:
    """What the log says that is about no person."""
    with reading(region.hub.engine) as connection:
        return _opened(region, connection, SYSTEM_KEY)


def _person(given: str) -> Any:
    return select(statement.c.person_id).where(statement.c.statement_id == given)


def _opened(region: Region, connection: Any, key_id: str) -> list[dict[str, Any]]:
    key = region.core.key_store.find([key_id])[key_id]
    rows = connection.execute(select(ledger_payload).where(ledger_payload.c.key_id == key_id)).all()
    commitments = {
        row.entry_id: row.commitment
        for table in (ledger_pending, ledger_entry)  # in the order in which the sequencer moves them
        for row in connection.execute(select(table.c.entry_id, table.c.commitment))
    }
    found = [
        json.loads(unseal(key, r.entry_id, Sealed(commitments[r.entry_id], r.nonce, r.ciphertext)))
        for r in sorted(rows, key=lambda r: r.entry_id)
    ]
    return list(found)


def notices(region: Region, who: str) -> int:
    return len(region.call(who, "GET", "/v1/zaken?soort=grondslag.vervallen").expect(200)["items"])


# -- who speaks for whom ----------------------------------------------------------------------------------------------
def test_a_parent_speaks_for_somebody_under_16_and_says_until_when(region: Region) -> None:
    person = placed(region)
    ref, parent = person.refs[KRINGLOOP], by_parent(region)
    without = {name: value for name, value in parent.items() if name != "zestienOp"}
    assert faults(region.statement(KRINGLOOP, ref, **REPORTS, **without)) == {"zestienOp": "VERPLICHT"}
    today = {"zestienOp": instants.today(now(region)).isoformat()}
    assert faults(region.statement(KRINGLOOP, ref, **REPORTS, **(parent | today))) == {"zestienOp": "AL_ZESTIEN"}
    own = {"zestienOp": parent["zestienOp"]}
    assert faults(region.statement(KRINGLOOP, ref, **REPORTS, **own)) == {"zestienOp": "NIET_PASSEND"}
    assert reports(region, person) == NO_GROUND
    given = region.statement(KRINGLOOP, ref, **REPORTS, **parent).expect(201)
    assert (given["status"], given["zestienOp"], given["gegevenDoor"]) == (
        "gegeven",
        parent["zestienOp"],
        "ouder-met-gezag",
    )
    assert reports(region, person) == GOES
    # From what it knows the same organisation cannot have the child say yes itself; a no it always can.
    assert faults(region.statement(KRINGLOOP, ref, **REPORTS)) == {"gegevenDoor": "ONDER_ZESTIEN"}
    region.statement(KRINGLOOP, ref, keuze="nee", **REPORTS).expect(201)
    assert reports(region, person) == NO_GROUND


@pytest.mark.parametrize("order", [("ja", "nee"), ("nee", "ja")])
def test_two_parents_who_disagree_have_said_no(region: Region, order: tuple[str, str]) -> None:
    person = placed(region)
    for choice in order:
        region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze=choice, **REPORTS, **by_parent(region)).expect(201)
    assert reports(region, person) == NO_GROUND
    alone = placed(region)  # the control: one parent is enough
    region.statement(KRINGLOOP, alone.refs[KRINGLOOP], **REPORTS, **by_parent(region)).expect(201)
    assert reports(region, alone) == GOES


def test_the_person_may_withdraw_what_a_parent_said(region: Region) -> None:
    person = placed(region)
    given = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **REPORTS, **by_parent(region)).expect(201)["id"]
    assert reports(region, person) == GOES
    assert region.withdraw(KRINGLOOP, given)["gestopt"] == 1
    assert reports(region, person) == NO_GROUND
    assert entries(region, given)[-1]["gegevenDoor"] == "betrokkene"


def test_at_16_a_shielded_person_confirms_only_what_names_one_receiver(own_region: Region) -> None:
    """What a parent said before the shield; at 16 it would come into force anew."""
    region = own_region
    person = placed(region)
    ref, parent = person.refs[KRINGLOOP], by_parent(region, days=2)
    several = REPORTS | {"ontvangers": [ONTWIKKELBEDRIJF, MBO]}
    wide = region.statement(KRINGLOOP, ref, **several, **parent).expect(201)["id"]
    narrow = region.statement(KRINGLOOP, ref, **REPORTS, **parent).expect(201)["id"]
    hide = {"grond": "dreiging", "ontvangers": []}
    region.call(KRINGLOOP, "PUT", f"/v1/kandidaten/{ref}/afscherming", hide).expect(200)
    grown = instants.start_of(datetime.fromisoformat(parent["zestienOp"]).date())
    region.clock.frozen = grown
    word = {"gegevenDoor": "betrokkene", "op": stamp(grown)}
    assert faults(act(region, KRINGLOOP, wide, "bevestiging", word)) == {"ontvangers": "AFGESCHERMD"}
    assert status(region, KRINGLOOP, wide) == "te-bevestigen"
    assert act(region, KRINGLOOP, narrow, "bevestiging", word).expect(200)["status"] == "gegeven"  # the control


def test_at_16_it_waits_for_the_person(own_region: Region) -> None:
    """To the microsecond, at accept and at release; the person's own word, recorded by who may see it, opens it."""
    region = own_region
    person = placed(region)
    ref = person.refs[KRINGLOOP]
    parent = by_parent(region, days=2)
    given = region.statement(KRINGLOOP, ref, **REPORTS, **parent).expect(201)["id"]
    grown = instants.start_of(datetime.fromisoformat(parent["zestienOp"]).date())
    early = {"gegevenDoor": "betrokkene", "op": stamp(now(region))}
    assert faults(act(region, KRINGLOOP, given, "bevestiging", early)) == {"op": "ONDER_ZESTIEN"}
    region.advance((grown - now(region)).total_seconds() - 60)
    region.collect(ONTWIKKELBEDRIJF)
    region.clock.frozen = grown - timedelta(microseconds=1)
    assert (reports(region, person), status(region, KRINGLOOP, given)) == (GOES, "gegeven")
    region.clock.frozen = grown
    assert (reports(region, person, 2), status(region, KRINGLOOP, given)) == (NO_GROUND, "te-bevestigen")
    assert region.collect(ONTWIKKELBEDRIJF) == []  # what was accepted before is not released any more
    found = region.call(KRINGLOOP, "GET", "/v1/toestemmingen?status=te-bevestigen").expect(200)["items"]
    assert given in [one["id"] for one in found]
    region.clock.frozen = grown + timedelta(seconds=1)
    later = {"gegevenDoor": "betrokkene", "op": stamp(grown + timedelta(minutes=1))}
    assert faults(act(region, KRINGLOOP, given, "bevestiging", later)) == {"op": "DATUM_IN_TOEKOMST"}
    word = {"gegevenDoor": "betrokkene", "op": stamp(grown)}
    assert faults(act(region, KRINGLOOP, given, "bevestiging", word | {"gegevenDoor": "voogd"}))
    for stranger in (ONTWIKKELBEDRIJF, MBO, KRINGLOOP_2):  # involved or not: it may not see the statement
        assert told(act(region, stranger, given, "bevestiging", word)) == NOT_FOUND
    confirmed = act(region, KRINGLOOP, given, "bevestiging", word).expect(200)
    assert (confirmed["status"], confirmed["zelfBevestigdOp"]) == ("gegeven", instants.write(grown))
    assert reports(region, person, 3) == GOES
    noted = [one["soort"] for one in entries(region, given)]
    act(region, KRINGLOOP, given, "bevestiging", word).expect(200)  # once is enough
    assert [one["soort"] for one in entries(region, given)] == noted == ["toestemming", "bevestiging-betrokkene"]
    assert entries(region, given)[-1]["zelfBevestigdOp"] == instants.write(grown)
    check_log_alone_rebuilds(region, given)


def test_what_no_parent_said_needs_no_word_of_the_person(region: Region) -> None:
    person, given = region.reporting()
    word = {"gegevenDoor": "betrokkene", "op": stamp(now(region))}
    assert told(act(region, KRINGLOOP, given, "bevestiging", word)) == STATE
    refused = region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", **REPORTS, **by_parent(region)).expect(
        201
    )["id"]
    assert told(act(region, KRINGLOOP, refused, "bevestiging", word)) == STATE


# -- requests ---------------------------------------------------------------------------------------------------------
def test_a_request_opens_nothing_until_it_is_answered(region: Region) -> None:
    person = placed(region)
    asked = asks(region, person).expect(201)
    given = asked["id"]
    assert (asked["status"], asked["bewijs"]) == ("gevraagd", None)
    assert not {"keuze", "gegevenOp", "wijze", "gegevenDoor"} & asked.keys()
    assert reports(region, person) == NO_GROUND
    assert told(act(region, KRINGLOOP, given, "bevestiging")) == STATE
    assert told(act(region, KRINGLOOP, given, "verlenging", renews(region))) == STATE
    answered = act(region, KRINGLOOP, given, "antwoord", answers(region, "ja")).expect(200)
    assert (answered["status"], answered["keuze"]) == ("gegeven", "ja")
    assert answered["gevraagdOp"] == asked["gevraagdOp"] is not None
    assert [part["verstrekker"] for part in answered["bevestigd"]] == [KRINGLOOP]
    assert reports(region, person) == GOES
    assert told(act(region, KRINGLOOP, given, "antwoord", answers(region, "nee"))) == STATE
    check_log_alone_rebuilds(region, given)
    first, second = entries(region, given)
    assert (first["soort"], "keuze" in first) == ("toestemming-gevraagd", False)
    assert (second["soort"], second["keuze"], second["bevestigd"]) == ("toestemming", "ja", [KRINGLOOP])


def test_a_no_to_a_request_is_a_no_like_any(region: Region) -> None:
    person, older = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    given = asks(region, person).expect(201)["id"]
    assert reports(region, person, 3) == GOES  # to ask is no answer: what was said before still holds
    before = notices(region, ONTWIKKELBEDRIJF)
    refused = act(region, KRINGLOOP, given, "antwoord", answers(region, "nee")).expect(200)
    assert (refused["status"], refused["gestopt"], len(refused["verstrekt"])) == ("geweigerd", 2, 1)
    assert refused["kennisgevingen"] == 1 and refused["handtekening"]
    assert notices(region, ONTWIKKELBEDRIJF) == before + 1
    assert reports(region, person, 4) == NO_GROUND
    assert status(region, KRINGLOOP, older) == "gegeven"


def test_a_request_is_whole_but_for_its_answer(region: Region) -> None:
    person = placed(region)
    assert faults(asks(region, person, keuze="ja", wijze="zelf")) == {"keuze": "NIET_PASSEND", "wijze": "NIET_PASSEND"}
    assert faults(asks(region, person, geldigTot=None)) == {"geldigTot": "VERPLICHT"}
    assert faults(asks(region, person, doelen=None)) == {"doelen": "VERPLICHT"}
    public = asks(region, person, verstrekkers=[GEMEENTE], ontvangers=[KRINGLOOP], doelen=["doorstroom"])
    assert told(public) == (403, "TOESTEMMING_NIET_PASSEND")
    missing = region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze=None, gegevenOp=None, **REPORTS)
    assert faults(missing) == {"keuze": "VERPLICHT", "gegevenOp": "VERPLICHT"}


def test_an_answer_says_who_gave_it_like_any_statement(region: Region) -> None:
    person = placed(region)
    given = asks(region, person).expect(201)["id"]
    parent = by_parent(region)
    bare = answers(region, "ja", gegevenDoor="ouder-met-gezag")
    assert faults(act(region, KRINGLOOP, given, "antwoord", bare)) == {
        "bevoegdheid": "VERPLICHT",
        "zestienOp": "VERPLICHT",
    }
    ahead = answers(region, "ja", gegevenOp=stamp(now(region) + timedelta(hours=1)))
    assert faults(act(region, KRINGLOOP, given, "antwoord", ahead)) == {"gegevenOp": "DATUM_IN_TOEKOMST"}
    answered = act(region, KRINGLOOP, given, "antwoord", answers(region, "ja", **parent)).expect(200)
    assert (answered["status"], answered["zestienOp"]) == ("gegeven", parent["zestienOp"])
    assert entries(region, given)[-1]["bevoegdheidSha256"] == sha256(parent["bevoegdheid"].encode()).hexdigest()


def test_who_is_asked_and_wants_none_of_it_has_said_no(region: Region) -> None:
    """A withdrawal before any answer closes what the request named; one that was recorded wrongly closes nothing."""
    person, _ = region.reporting()
    wrong = asks(region, person).expect(201)["id"]
    act(region, KRINGLOOP, wrong, "herroeping", REASON).expect(200)
    assert status(region, KRINGLOOP, wrong) == "herroepen"
    assert reports(region, person) == GOES
    asked = asks(region, person).expect(201)["id"]
    region.withdraw(KRINGLOOP, asked)
    assert status(region, KRINGLOOP, asked) == "ingetrokken"
    assert reports(region, person, 2) == NO_GROUND
    for over in (wrong, asked):
        assert told(act(region, KRINGLOOP, over, "antwoord", answers(region, "ja"))) == STATE


def test_of_two_answers_at_once_one_counts(region: Region) -> None:
    person = placed(region)
    region.token(KRINGLOOP)
    for _ in range(5):
        given = asks(region, person).expect(201)["id"]
        with ThreadPoolExecutor(2) as pool:
            both = list(
                pool.map(lambda c, g=given: act(region, KRINGLOOP, g, "antwoord", answers(region, c)), ("ja", "nee"))
            )
        (won,) = (one for one in both if one.status == 200)
        assert sorted(told(one) for one in both) == [(200, None), STATE]
        assert shown(region, KRINGLOOP, given)["keuze"] == won.json["keuze"]
        assert len(entries(region, given)) == 2  # what lost left no trace


def test_a_request_lapses_with_its_term(own_region: Region) -> None:
    region = own_region
    person = placed(region)
    until = now(region) + timedelta(seconds=90)
    given = asks(region, person, geldigTot=stamp(until)).expect(201)["id"]
    region.clock.frozen = until - timedelta(microseconds=1)
    assert status(region, KRINGLOOP, given) == "gevraagd"
    region.clock.frozen = until
    assert status(region, KRINGLOOP, given) == "verlopen"
    assert told(act(region, KRINGLOOP, given, "antwoord", answers(region, "ja"))) == STATE


# -- renewal and expiry -----------------------------------------------------------------------------------------------
def test_expiry_is_at_its_instant(own_region: Region) -> None:
    """By the clock alone, at accept and at release; a renewal opens it again."""
    region = own_region
    person = placed(region)
    ends = now(region) + timedelta(seconds=90)
    given = region.allow_reports(person, geldigTot=stamp(ends))
    region.collect(ONTWIKKELBEDRIJF)
    region.advance(60)
    region.clock.frozen = ends - timedelta(microseconds=1)
    assert (reports(region, person), status(region, KRINGLOOP, given)) == (GOES, "gegeven")
    assert len(region.collect(ONTWIKKELBEDRIJF)) == 1  # the control: released in the last microsecond
    assert reports(region, person, 2) == GOES
    region.clock.frozen = ends
    assert region.collect(ONTWIKKELBEDRIJF) == []
    assert (reports(region, person, 3), status(region, KRINGLOOP, given)) == (NO_GROUND, "verlopen")
    renewed = act(region, KRINGLOOP, given, "verlenging", renews(region)).expect(201)
    assert (renewed["status"], renewed["vernieuwt"]) == ("gegeven", given)
    assert reports(region, person, 4) == GOES


def test_a_renewal_is_a_statement_of_its_own_with_the_same_scopes(region: Region) -> None:
    person, given = region.reporting()
    old = shown(region, KRINGLOOP, given)
    new = act(region, KRINGLOOP, given, "verlenging", renews(region, wijze="telefonisch")).expect(201)
    assert new["id"] != given and new["bewijs"] is not None
    same = ("grondslag", "doelen", "categorieen", "verstrekkers", "ontvangers", "kandidaatRef")
    assert {name: new[name] for name in same} == {name: old[name] for name in same}
    assert (new["wijze"], status(region, KRINGLOOP, given)) == ("telefonisch", "gegeven")
    check_log_alone_rebuilds(region, new["id"])
    (entry,) = entries(region, new["id"])
    assert (entry["soort"], entry["vernieuwt"]) == ("toestemming", given)
    region.withdraw(KRINGLOOP, new["id"])  # a withdrawn renewal closes the flow: the older one does not revive
    assert reports(region, person) == NO_GROUND


def test_nobody_widens_its_access_by_a_renewal(region: Region) -> None:
    """A receiver that recorded a statement renews it: the verstrekker confirms anew."""
    person = placed(region)
    wide = {"verstrekkers": [KRINGLOOP], "geldigTot": stamp(now(region) + timedelta(days=1))}
    given = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **(REPORTS | wide)).expect(201)["id"]
    act(region, KRINGLOOP, given, "bevestiging").expect(200)
    new = act(region, ONTWIKKELBEDRIJF, given, "verlenging", renews(region)).expect(201)
    assert (new["status"], new["bevestigd"]) == ("te-bevestigen", [])
    region.withdraw(KRINGLOOP, given)
    renewed = act(region, ONTWIKKELBEDRIJF, new["id"], "verlenging", renews(region)).expect(201)["id"]
    assert reports(region, person) == NO_GROUND
    act(region, KRINGLOOP, renewed, "bevestiging").expect(200)
    assert reports(region, person) == GOES
    check_log_alone_rebuilds(region, renewed)


def test_what_cannot_be_renewed(region: Region) -> None:
    person = placed(region)
    form = renews(region)
    refused = region.statement(KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", **REPORTS).expect(201)["id"]
    withdrawn, revoked, invalid = (region.allow_reports(person) for _ in range(3))
    region.withdraw(KRINGLOOP, withdrawn)
    act(region, KRINGLOOP, revoked, "herroeping", REASON).expect(200)
    act(region, KRINGLOOP, invalid, "ongeldigverklaring", REASON).expect(200)
    for over in (refused, withdrawn, revoked, invalid):
        assert told(act(region, KRINGLOOP, over, "verlenging", form)) == STATE
    given = region.allow_reports(person)
    backwards = renews(region, geldigTot=stamp(now(region) - timedelta(days=1)))
    assert faults(act(region, KRINGLOOP, given, "verlenging", backwards)) == {"geldigTot": "VOLGORDE"}
    long = renews(region, geldigTot=stamp(now(region) + timedelta(days=367)))
    assert faults(act(region, KRINGLOOP, given, "verlenging", long)) == {"geldigTot": "TE_LANG"}


# -- ends -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("verb", "body", "outcome", "instant"),
    [
        ("intrekking", {"gegevenDoor": "betrokkene"}, "ingetrokken", "beeindigdOp"),
        ("herroeping", REASON, "herroepen", "beeindigdOp"),
        ("ongeldigverklaring", REASON, "ongeldig", "ongeldigOp"),
    ],
)
def test_every_end_draws_its_consequences_and_tells_the_same_again(
    region: Region, verb: str, body: dict[str, str], outcome: str, instant: str
) -> None:
    person, given = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    before = notices(region, ONTWIKKELBEDRIJF)
    first = act(region, KRINGLOOP, given, verb, body).expect(200)
    assert (first["gestopt"], len(first["verstrekt"]), first["kennisgevingen"]) == (1, 1, 1)
    assert first["handtekening"] and shown(region, KRINGLOOP, given)[instant] == first["tijdstip"]
    assert status(region, KRINGLOOP, given) == outcome
    assert reports(region, person, 3) == NO_GROUND
    told_by = [e for e in region.collect(ONTWIKKELBEDRIJF) if e["type"].endswith("grondslag.vervallen.v1")]
    code = "toestemming-ingetrokken" if verb == "intrekking" else "toestemming-ongeldig"
    assert [e["data"]["code"] for e in told_by] == [code]
    again = act(region, KRINGLOOP, given, verb, body).expect(200)
    assert {n: v for n, v in again.items() if n != "handtekening"} == {
        n: v for n, v in first.items() if n != "handtekening"
    }
    assert notices(region, ONTWIKKELBEDRIJF) == before + 1
    assert [one["soort"] for one in entries(region, given)] == ["toestemming", verb]


def test_the_first_end_stands(region: Region) -> None:
    """Only a person's withdrawal is never refused; after it nobody says that it ended otherwise."""
    person, given = region.reporting()
    first = region.withdraw(KRINGLOOP, given)
    for verb in ("herroeping", "ongeldigverklaring"):
        assert told(act(region, KRINGLOOP, given, verb, REASON)) == STATE
    assert status(region, KRINGLOOP, given) == "ingetrokken"
    revoked = region.allow_reports(person)
    end = act(region, KRINGLOOP, revoked, "herroeping", REASON).expect(200)
    late = region.withdraw(KRINGLOOP, revoked)
    assert (late["tijdstip"], status(region, KRINGLOOP, revoked)) == (end["tijdstip"], "herroepen")
    assert first["tijdstip"] < end["tijdstip"]


def test_an_invalid_one_is_passed_over_and_a_revoked_one_counts_as_no(region: Region) -> None:
    """What nobody with authority said is as if it was never said; what was revoked closes the older one too."""
    person, _ = region.reporting()
    newer = region.allow_reports(person)
    act(region, KRINGLOOP, newer, "ongeldigverklaring", REASON).expect(200)
    assert reports(region, person) == GOES
    revoked = region.allow_reports(person)
    act(region, KRINGLOOP, revoked, "herroeping", REASON).expect(200)
    assert reports(region, person, 2) == NO_GROUND


def test_the_reason_is_nowhere_in_the_clear(region: Region) -> None:
    _, given = region.reporting()
    act(region, KRINGLOOP, given, "herroeping", {"reden": "Zinloos-8841"}).expect(200)
    with reading(region.hub.engine) as connection:
        row = connection.execute(select(statement).where(statement.c.statement_id == given)).one()
    assert row.reason_sealed and b"8841" not in row.reason_sealed
    assert entries(region, given)[-1]["redenSha256"] == sha256(b"Zinloos-8841").hexdigest()
    assert "8841" not in json.dumps(entries(region, given))


def test_overlapping_statements_in_both_orders_of_time(region: Region) -> None:
    """The latest by gegevenOp decides, whichever was recorded first; at one instant nee wins."""
    at = now(region)
    earlier, later = stamp(at - timedelta(hours=2)), stamp(at - timedelta(hours=1))
    for said, expected in (
        ([("ja", earlier), ("nee", later)], NO_GROUND),
        ([("nee", later), ("ja", earlier)], NO_GROUND),
        ([("nee", earlier), ("ja", later)], GOES),
        ([("ja", later), ("nee", earlier)], GOES),
        ([("ja", later), ("nee", later)], NO_GROUND),
        ([("nee", later), ("ja", later)], NO_GROUND),
    ):
        person = placed(region)
        for choice, moment in said:
            form = REPORTS | {"keuze": choice, "gegevenOp": moment}
            region.statement(KRINGLOOP, person.refs[KRINGLOOP], **form).expect(201)
        assert reports(region, person) == expected, said


def test_bad_forms_are_told_field_by_field(region: Region) -> None:
    person = placed(region)
    ref, at = person.refs[KRINGLOOP], now(region)
    for terms, expected in (
        ({"doelen": ["reclame"]}, {"doelen[0]": "ONBEKENDE_CODE"}),
        ({"categorieen": ["alles"]}, {"categorieen[0]": "ONBEKENDE_CODE"}),
        ({"geldigTot": stamp(at - timedelta(days=1))}, {"geldigTot": "VOLGORDE"}),
        ({"zestienOp": "2027-02-30"}, {"zestienOp": "GEEN_DATUM"}),
        ({"gevraagd": "ja"}, {"gevraagd": "GEEN_JA_NEE"}),
    ):
        assert faults(region.statement(KRINGLOOP, ref, **(REPORTS | terms))) == expected


def check_log_alone_rebuilds(region: Region, given: str) -> None:
    """Every fact of a statement by which the gate decides, made of its entries and nothing else, is that of its row."""
    told: dict[str, Any] = {"parts": {}}
    for entry in entries(region, given):
        op = entry["op"]
        match entry["soort"]:
            case "toestemming-gevraagd":
                told |= entry | {"requested": True, "asked": op, "recorded": op, "gegevenOp": op, "keuze": "ja"}
            case "toestemming":
                told |= entry | {"requested": False, "recorded": op}
                told["parts"] |= dict.fromkeys(entry["bevestigd"], op)
            case "bevestiging-toestemming":
                told["parts"][entry["organisatie"]] = op
            case "bevestiging-betrokkene":
                told["own"] = entry["zelfBevestigdOp"]
            case "intrekking":
                told |= {"ended": op, "as": "ingetrokken"}
            case "herroeping":
                told |= {"ended": op, "as": "herroepen"}
            case "ongeldigverklaring":
                told["invalid"] = op
    with reading(region.hub.engine) as connection:
        row = connection.execute(select(statement).where(statement.c.statement_id == given)).one()
        parts = connection.execute(select(statement_part).where(statement_part.c.statement_id == given)).all()
    scopes = {"doelen": "purposes", "categorieen": "categories", "verstrekkers": "senders", "ontvangers": "receivers"}
    plain = {"grondslag": "basis", "keuze": "choice", "wijze": "manner", "gegevenDoor": "given_by", "as": "ended_as"}
    plain |= {"verklaring": "notice", "vernieuwt": "renews", "gevraagdDoor": "asked_by", "requested": "requested"}
    times = {"gegevenOp": "given_at", "geldigVan": "valid_from", "geldigTot": "valid_until", "ended": "ended_at"}
    times |= {"zestienOp": "sixteen_at", "own": "own_at", "invalid": "invalid_at", "asked": "asked_at"}
    times |= {"recorded": "recorded_at"}
    for name, column in (scopes | plain).items():
        assert told.get(name) == getattr(row, column), name
    for name, column in times.items():
        found = getattr(row, column)
        assert told.get(name) == (None if found is None else instants.write(found)), name
    assert told["parts"] == {part.sender: instants.write(part.confirmed_at) for part in parts}


# -- the list ---------------------------------------------------------------------------------------------------------
def test_every_status_is_reached_shown_and_listed(own_region: Region) -> None:
    region = own_region
    person = placed(region)
    ref = person.refs[KRINGLOOP]
    soon = now(region) + timedelta(seconds=50)
    made = {"verlopen": region.allow_reports(person, geldigTot=stamp(soon))}
    region.advance(51)
    made |= {name: region.allow_reports(person) for name in ("ingetrokken", "herroepen", "ongeldig", "gegeven")}
    region.withdraw(KRINGLOOP, made["ingetrokken"])
    act(region, KRINGLOOP, made["herroepen"], "herroeping", REASON).expect(200)
    act(region, KRINGLOOP, made["ongeldig"], "ongeldigverklaring", REASON).expect(200)
    made["gevraagd"] = asks(region, person).expect(201)["id"]
    made["geweigerd"] = region.statement(KRINGLOOP, ref, keuze="nee", **REPORTS).expect(201)["id"]
    other = {"verstrekkers": [ONTWIKKELBEDRIJF], "ontvangers": [KRINGLOOP]}
    made["te-bevestigen"] = region.statement(KRINGLOOP, ref, **(REPORTS | other)).expect(201)["id"]
    assert len(made) == 8
    for name, given in made.items():
        assert status(region, KRINGLOOP, given) == name
        path = f"/v1/toestemmingen?kandidaatRef={ref}&status={name}"
        assert [one["id"] for one in region.call(KRINGLOOP, "GET", path).expect(200)["items"]] == [given]
        check_log_alone_rebuilds(region, given)


# -- texts of notices -------------------------------------------------------------------------------------------------
def publish(region: Region, who: str, name: str, text: str = TEXT, version: str = "1", language: str = "nl") -> Answer:
    return region.call(who, "PUT", f"/v1/verklaringen/{name}/{version}/{language}", {"tekst": text})


def invalidate(region: Region, who: str, name: str, *, trial: bool) -> Answer:
    body = {"reden": "De tekst noemde de verkeerde ontvanger.", "proef": trial}
    return region.call(who, "POST", f"/v1/verklaringen/{name}/1/ongeldigverklaring", body)


def naming(name: str, text: str = TEXT, language: str = "nl") -> dict[str, Any]:
    digest = sha256(text.encode()).hexdigest()
    return {"verklaring": {"id": name, "versie": "1", "sha256": digest, "taal": language}}


def test_a_text_is_published_once_and_for_all(region: Region) -> None:
    made = publish(region, KRINGLOOP, "delen")
    assert made.status == 201 and made.json["sha256"] == sha256(TEXT.encode()).hexdigest()
    again = publish(region, KRINGLOOP, "delen")
    assert (again.status, again.json) == (200, made.json)
    assert told(publish(region, KRINGLOOP, "delen", TEXT + " ")) == STATE
    assert publish(region, KRINGLOOP, "delen", "We share.", language="en").status == 201
    found = region.call(KRINGLOOP, "GET", "/v1/verklaringen/delen/1/nl").expect(200)
    assert found == made.json | {"tekst": TEXT}
    for other in ("/v1/verklaringen/delen/1/de", "/v1/verklaringen/delen/2/nl", "/v1/verklaringen/iets/1/nl"):
        assert told(region.call(KRINGLOOP, "GET", other)) == NOT_FOUND
    assert told(region.call(MBO, "GET", "/v1/verklaringen/delen/1/nl")) == NOT_FOUND  # each has its own
    assert publish(region, MBO, "delen", "Iets heel anders.").status == 201
    assert faults(publish(region, KRINGLOOP, "d%20n", language="NL")) == {"id": "PATROON", "taal": "PATROON"}
    entry = of_nobody(region)[-2]
    assert (entry["soort"], entry["organisatie"], entry["verklaring"]["taal"]) == (
        "verklaring-gepubliceerd",
        KRINGLOOP,
        "en",
    )


def test_the_texts_are_listed_in_pages(region: Region) -> None:
    texts = [("lijst-a", "1", "en"), ("lijst-a", "1", "nl"), ("lijst-a", "2", "nl"), ("lijst-b", "1", "nl")]
    for name, version, language in texts:
        publish(region, GEMEENTE, name, f"{name} {version} {language}", version, language)
    found: list[dict[str, Any]] = []
    path = "/v1/verklaringen?limiet=3"
    while path:
        page = region.call(GEMEENTE, "GET", path).expect(200)
        found += page["items"]
        path = f"/v1/verklaringen?limiet=3&volgende={page['volgende']}" if page["volgende"] else ""
    assert [(one["id"], one["versie"], one["taal"]) for one in found] == texts
    assert all("tekst" not in one for one in found)


def test_a_statement_bears_the_hash_of_the_text_it_names(region: Region) -> None:
    person = placed(region)
    publish(region, KRINGLOOP, "hash")
    ref = person.refs[KRINGLOOP]
    other = naming("hash", TEXT + "!")
    assert faults(region.statement(KRINGLOOP, ref, **REPORTS, **other)) == {"verklaring.sha256": "ANDERE_TEKST"}
    given = region.statement(KRINGLOOP, ref, **REPORTS, **naming("hash")).expect(201)["id"]
    renewed = renews(region) | other
    assert faults(act(region, KRINGLOOP, given, "verlenging", renewed)) == {"verklaring.sha256": "ANDERE_TEKST"}
    assert faults(asks(region, person, **other)) == {"verklaring.sha256": "ANDERE_TEKST"}
    # the notice of the same name of another organisation is another one
    own = REPORTS | {"ontvangers": [KRINGLOOP]} | other
    region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **own).expect(201)
    # and what was recorded before its text was published must have named that text
    region.statement(KRINGLOOP, ref, **REPORTS, **naming("later", "de ene tekst")).expect(201)
    assert told(publish(region, KRINGLOOP, "later", "de andere tekst")) == STATE
    assert publish(region, KRINGLOOP, "later", "de ene tekst").status == 201


def test_a_receiver_that_recorded_it_is_not_told_that_something_waited(region: Region) -> None:
    """What was stopped on its way to it is no receipt of its own; the sender's own count is in the test below."""
    person = placed(region)
    assert publish(region, ONTWIKKELBEDRIJF, "ontvanger").status == 201
    scope = REPORTS | {"verstrekkers": [KRINGLOOP], "ontvangers": [ONTWIKKELBEDRIJF]} | naming("ontvanger")
    given = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **scope).expect(201)["id"]
    act(region, KRINGLOOP, given, "bevestiging").expect(200)
    assert reports(region, person) == GOES
    for trial in (True, False, False):  # looked at, done, told again
        told_of = invalidate(region, ONTWIKKELBEDRIJF, "ontvanger", trial=trial).expect(200)
        assert (told_of["toestemmingen"], told_of["wachtend"], told_of["verstrekt"]) == (1, 0, 0)
    assert reports(region, person, 2) == NO_GROUND


def test_an_invalidation_touches_what_its_preview_said(region: Region) -> None:
    """Two persons of one notice, a request, a refusal; beside them a statement on another notice, which stands."""
    for name in ("proef", "anders"):
        assert publish(region, KRINGLOOP, name).status == 201
    sent, waits, bystander = placed(region), placed(region), placed(region)
    first = region.allow_reports(sent, **naming("proef"))
    second = region.allow_reports(waits, **naming("proef"))
    stands = region.allow_reports(bystander, **naming("anders"))
    asked = asks(region, waits, **naming("proef")).expect(201)["id"]
    elsewhere = REPORTS | {"keuze": "nee", "doelen": ["opleiden"]}
    refused = region.statement(KRINGLOOP, waits.refs[KRINGLOOP], **elsewhere, **naming("proef")).expect(201)["id"]
    assert reports(region, sent) == GOES
    region.collect(ONTWIKKELBEDRIJF)
    for number, person in enumerate((sent, waits, waits, bystander), 2):
        assert reports(region, person, number) == GOES
    before = notices(region, ONTWIKKELBEDRIJF)
    for _ in range(2):  # nothing changes by looking
        would = invalidate(region, KRINGLOOP, "proef", trial=True).expect(200)
        assert (would["toestemmingen"], would["wachtend"], would["verstrekt"]) == (3, 3, 1)
        assert would["proef"] is True and would["handtekening"] and "kennisgevingen" not in would
    assert status(region, KRINGLOOP, first) == status(region, KRINGLOOP, second) == "gegeven"
    assert reports(region, sent, 6) == GOES
    done = invalidate(region, KRINGLOOP, "proef", trial=False).expect(200)
    counted = ("toestemmingen", "wachtend", "verstrekt", "kennisgevingen")
    assert [done[name] for name in counted] == [3, 4, 1, 1] and done["proef"] is False
    assert [status(region, KRINGLOOP, each) for each in (first, second, asked)] == ["ongeldig"] * 3
    assert [status(region, KRINGLOOP, each) for each in (refused, stands)] == ["geweigerd", "gegeven"]
    assert (reports(region, sent, 7), reports(region, waits, 8)) == (NO_GROUND, NO_GROUND)
    assert reports(region, bystander, 9) == GOES
    assert notices(region, ONTWIKKELBEDRIJF) == before + 1
    assert told(act(region, KRINGLOOP, asked, "antwoord", answers(region, "ja"))) == STATE
    again = invalidate(region, KRINGLOOP, "proef", trial=False).expect(200)
    assert [again[name] for name in (*counted, "tijdstip")] == [done[name] for name in (*counted, "tijdstip")]
    assert notices(region, ONTWIKKELBEDRIJF) == before + 1
    nothing = invalidate(region, KRINGLOOP, "proef", trial=True).expect(200)
    assert [nothing[name] for name in counted[:3]] == [0, 0, 0]
    region.collect(ONTWIKKELBEDRIJF)


def test_an_invalidated_version_is_named_no_more(region: Region) -> None:
    person = placed(region)
    publish(region, KRINGLOOP, "op")
    given = region.allow_reports(person, **naming("op"))
    invalidate(region, KRINGLOOP, "op", trial=False).expect(200)
    for form in (naming("op"), naming("op", language="en")):
        answer = region.statement(KRINGLOOP, person.refs[KRINGLOOP], **REPORTS, **form)
        assert faults(answer) == {"verklaring.versie": "ONGELDIG"}
    assert told(publish(region, KRINGLOOP, "op", "In English.", language="en")) == STATE
    assert publish(region, KRINGLOOP, "op").status == 200  # it is still there to read
    assert region.call(KRINGLOOP, "GET", "/v1/verklaringen/op/1/nl").expect(200)["ongeldigOp"] is not None
    entry = entries(region, given)[-1]
    assert (entry["soort"], entry["verklaring"]) == ("ongeldigverklaring", {"id": "op", "versie": "1"})
    general = [one for one in of_nobody(region) if one["soort"] == "verklaring-ongeldig"][-1]
    assert (general["verklaring"], general["toestemmingen"]) == ({"id": "op", "versie": "1"}, 1)
    with reading(region.hub.engine) as connection:
        row = connection.execute(select(notice_text).where(notice_text.c.notice_id == "op")).one()
    assert b"ontvanger" not in row.reason_sealed


def test_an_id_within_an_id_is_another_notice(region: Region) -> None:
    """`_` and `%` are no wildcards, and a version is no part of another."""
    person = placed(region)
    for name in ("a_b", "axb", "a_b.c"):
        publish(region, KRINGLOOP, name)
    publish(region, KRINGLOOP, "a_b", version="1.1")
    kept = [region.allow_reports(person, **naming(name)) for name in ("axb", "a_b.c")]
    next_version = {"verklaring": naming("a_b")["verklaring"] | {"versie": "1.1"}}
    kept.append(region.allow_reports(person, **next_version))
    gone = region.allow_reports(person, **naming("a_b"))
    assert invalidate(region, KRINGLOOP, "a_b", trial=False).expect(200)["toestemmingen"] == 1
    assert status(region, KRINGLOOP, gone) == "ongeldig"
    assert {status(region, KRINGLOOP, each) for each in kept} == {"gegeven"}


def test_a_crash_before_the_commit_of_an_invalidation_changes_nothing(own_region: Region) -> None:
    region = own_region
    person = placed(region)
    publish(region, KRINGLOOP, "val")
    given = region.allow_reports(person, **naming("val"))
    assert reports(region, person) == GOES
    for part in (region.hub.log_keeper, region.hub.relay, region.hub.push):
        part.stop()  # so that no other commit meets the fault
    region.faults.arm("commit", "before", times=1)
    assert invalidate(region, KRINGLOOP, "val", trial=False).status == 500
    region.faults.disarm()
    assert status(region, KRINGLOOP, given) == "gegeven"
    assert len(region.collect(ONTWIKKELBEDRIJF)) == 1
    assert invalidate(region, KRINGLOOP, "val", trial=False).expect(200)["toestemmingen"] == 1
    assert reports(region, person, 2) == NO_GROUND


def test_an_invalidation_and_who_decides_wait_for_one_another(region: Region) -> None:
    """It shuts out everybody: whoever decides on anybody holds the rules, shared, until its commit."""
    person = placed(region)
    publish(region, KRINGLOOP, "wacht")
    given = region.allow_reports(person, **naming("wacht"))
    done = threading.Event()

    def work() -> None:
        invalidate(region, KRINGLOOP, "wacht", trial=False).expect(200)
        done.set()

    with region.core.transactions.open(Locks(shared=frozenset({"somebody-else-altogether"}))):
        thread = threading.Thread(target=work)
        thread.start()
        assert invalidate(region, KRINGLOOP, "wacht", trial=True).expect(200)["toestemmingen"] == 1  # looking does not
        assert not done.wait(0.7)
        assert status(region, KRINGLOOP, given) == "gegeven"
    assert done.wait(10)
    thread.join()
    assert status(region, KRINGLOOP, given) == "ongeldig"


def test_the_schema_step_keeps_what_was_recorded(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """SQLite makes the table of statements anew: every row, and what points at it, is there after it as before."""
    for url in (f"sqlite:///{tmp_path / 'hub.db'}", str(request.getfixturevalue("postgres_url"))):
        engine = open_engine(url)
        upgrade_to(engine, "0004")
        with engine.begin() as connection:
            for table, values in OLD_ROWS.items():
                names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
                connection.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), values)
        schema.migrate(engine)
        with reading(engine) as connection:
            found = connection.execute(select(statement, statement_part.c.sender).join(statement_part)).one()
        engine.dispose()
        assert (found.statement_id, found.given_by, found.sender, found.asked_at) == (
            "s" * 32,
            "voogd",
            KRINGLOOP,
            None,
        )
        assert found.notice == {"id": "v"} and found.requested is False


OLD_ROWS: dict[str, dict[str, Any]] = {
    "person": {"person_id": "p" * 32, "root": "p" * 32},
    "statement": {
        "statement_id": "s" * 32,
        "person_id": "p" * 32,
        "recorder": KRINGLOOP,
        "system": "x",
        "basis": "AVG-6-1-a",
        "choice": "ja",
        "given_at": 1,
        "valid_from": 1,
        "recorded_at": 1,
        "requested": False,
        "notice": '{"id":"v"}',
        "manner": "zelf",
        "given_by": "voogd",
        "entry_id": "e" * 32,
    },
    "statement_part": {"statement_id": "s" * 32, "sender": KRINGLOOP, "confirmed_at": 1},
}


def upgrade_to(engine: Engine, step: str) -> None:
    """The steps up to an older one."""
    config = Config()
    config.set_main_option("script_location", str(Path(schema.__file__).parent))
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, step)


# -- who may do what: the new acts ------------------------------------------------------------------------------------
def test_only_its_recorder_answers_a_request(region: Region) -> None:
    person = placed(region)
    wide = {"verstrekkers": [KRINGLOOP, ONTWIKKELBEDRIJF], "ontvangers": [ONTWIKKELBEDRIJF, KRINGLOOP_2]}
    given = asks(region, person, **wide).expect(201)["id"]
    for other in (ONTWIKKELBEDRIJF, MBO, GEMEENTE, KRINGLOOP_2):  # a named verstrekker sees it and cannot answer it
        assert told(act(region, other, given, "antwoord", answers(region, "ja"))) == NOT_FOUND
    assert status(region, ONTWIKKELBEDRIJF, given) == "gevraagd"
    assert act(region, KRINGLOOP, given, "antwoord", answers(region, "ja")).status == 200


def test_who_may_see_it_renews_and_nobody_else(region: Region) -> None:
    person = placed(region)
    wide = REPORTS | {"verstrekkers": [KRINGLOOP]}
    given = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **wide).expect(201)["id"]
    for other in (MBO, GEMEENTE, KRINGLOOP_2):
        assert told(act(region, other, given, "verlenging", renews(region))) == NOT_FOUND
    assert act(region, KRINGLOOP, given, "verlenging", renews(region)).expect(201)["status"] == "gegeven"
    own = region.allow_reports(person)
    assert told(act(region, ONTWIKKELBEDRIJF, own, "verlenging", renews(region))) == NOT_FOUND  # only the receiver


@pytest.mark.parametrize("verb", ["antwoord", "verlenging", "bevestiging", "herroeping", "ongeldigverklaring"])
def test_an_id_of_another_costs_and_tells_what_an_unknown_one_does(own_region: Region, verb: str) -> None:
    """Promise 7: the same answer after the same work, one by one."""
    region = own_region
    _, given = region.reporting()
    body = {"antwoord": answers(region, "ja"), "verlenging": renews(region)}.get(verb, REASON)
    body = {"gegevenDoor": "betrokkene", "op": stamp(now(region))} if verb == "bevestiging" else body
    region.token(MBO)
    for part in (region.hub.log_keeper, region.hub.relay, region.hub.push):
        part.stop()
    seen = []
    for wanted in (given, "0" * 32):
        asked: list[str] = []
        listening = (region.core.engine, "before_cursor_execute", lambda *told_: asked.append(told_[2]))  # noqa: B023
        event.listen(*listening)
        answer = act(region, MBO, wanted, verb, body)
        event.remove(*listening)
        seen.append((told(answer), {n: v for n, v in answer.json.items() if n != "instance"}, tuple(asked)))
    assert seen[0] == seen[1] and seen[0][0] == NOT_FOUND and len(seen[0][2]) > 5


@pytest.mark.parametrize("verb", ["herroeping", "ongeldigverklaring"])
def test_only_its_recorder_revokes_or_invalidates(region: Region, verb: str) -> None:
    person = placed(region)
    wide = REPORTS | {"verstrekkers": [KRINGLOOP]}
    given = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], **wide).expect(201)["id"]
    act(region, KRINGLOOP, given, "bevestiging").expect(200)
    for other in (KRINGLOOP, MBO, GEMEENTE, KRINGLOOP_2):
        assert told(act(region, other, given, verb, REASON)) == NOT_FOUND
    assert reports(region, person) == GOES
    assert told(act(region, ONTWIKKELBEDRIJF, given, verb, {})) == (400, "VERZOEK_ONGELDIG")
    act(region, ONTWIKKELBEDRIJF, given, verb, REASON).expect(200)
    assert reports(region, person, 2) == NO_GROUND


def test_an_organisation_invalidates_only_its_own_notice(region: Region) -> None:
    """Another's notice of the same name, and its statements, are not touched; nor is what is waiting counted for it."""
    person = placed(region)
    publish(region, KRINGLOOP, "eigen")
    given = region.allow_reports(person, **naming("eigen"))
    assert told(invalidate(region, ONTWIKKELBEDRIJF, "eigen", trial=False)) == NOT_FOUND
    assert told(invalidate(region, ONTWIKKELBEDRIJF, "eigen", trial=True)) == NOT_FOUND
    publish(region, ONTWIKKELBEDRIJF, "eigen")
    assert invalidate(region, ONTWIKKELBEDRIJF, "eigen", trial=False).expect(200)["toestemmingen"] == 0
    assert status(region, KRINGLOOP, given) == "gegeven" and reports(region, person) == GOES


def test_of_others_messages_an_invalidation_tells_its_organisation_nothing(region: Region) -> None:
    """The recorder's text was wrong, the reports were between two others: they find theirs in their zaken."""
    person = placed(region)
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [KRINGLOOP_2], "opleiden", "identiteit contact leervoortgang inzetbaarheid")
    region.send(ONTWIKKELBEDRIJF, region.placing(person, KRINGLOOP_2)).expect(202)
    person.refs[KRINGLOOP_2] = region.collect(KRINGLOOP_2)[-1]["subject"]
    publish(region, KRINGLOOP_2, "derde")
    wide = REPORTS | {"verstrekkers": [KRINGLOOP]} | naming("derde")
    given = region.statement(KRINGLOOP_2, person.refs[KRINGLOOP_2], **wide).expect(201)["id"]
    act(region, KRINGLOOP, given, "bevestiging").expect(200)
    assert reports(region, person) == GOES
    region.collect(ONTWIKKELBEDRIJF)
    assert reports(region, person, 2) == GOES
    for trial in (True, False):
        done = invalidate(region, KRINGLOOP_2, "derde", trial=trial).expect(200)
        assert (done["toestemmingen"], done["wachtend"], done["verstrekt"]) == (1, 0, 0)
    with reading(region.hub.engine) as connection:
        found = connection.execute(select(case).where(case.c.cause == given, case.c.kind == "intrekking")).all()
        stopped = connection.scalars(select(delivery.c.state).where(delivery.c.reason == "toestemming-ongeldig")).all()
    assert [row.organisation for row in found] == [KRINGLOOP] and "gestopt" in stopped
    region.collect(ONTWIKKELBEDRIJF)


def test_scopes_divide_reading_from_recording(region: Region) -> None:
    _, given = region.reporting()
    party = region.parties[KRINGLOOP]
    party.limit("toestemmingen:lezen")
    try:
        region.call(KRINGLOOP, "GET", "/v1/verklaringen").expect(200)
        for verb, body in (
            ("antwoord", answers(region, "ja")),
            ("verlenging", renews(region)),
            ("herroeping", REASON),
            ("ongeldigverklaring", REASON),
            ("bevestiging", None),
        ):
            assert told(act(region, KRINGLOOP, given, verb, body)) == (403, "SCOPE_ONTBREEKT")
        assert told(publish(region, KRINGLOOP, "scope")) == (403, "SCOPE_ONTBREEKT")
        assert told(invalidate(region, KRINGLOOP, "scope", trial=True)) == (403, "SCOPE_ONTBREEKT")
    finally:
        party.limit("")
    assert status(region, KRINGLOOP, given) == "gegeven"


# -- what was said later, and closes a `ja` that stands ----------------------------------------------------------------
def test_a_ja_that_a_later_withdrawal_closes_says_so_to_who_recorded_both(region: Region) -> None:
    """It is still `gegeven`, and opens nothing: the list, the statement itself and the dry run name what closes it."""
    guide, at = region.pair()
    person, older = region.reporting(guide, at)
    younger = region.allow_reports(person, at)
    path = f"/v1/toestemmingen?kandidaatRef={person.refs[at]}"
    assert all(one["geslotenDoor"] == [] for one in region.call(at, "GET", path).expect(200)["items"])
    when = region.withdraw(at, younger)["tijdstip"]
    shown = {one["id"]: one for one in region.call(at, "GET", path).expect(200)["items"]}
    closed = [{"toestemmingId": younger, "hoe": "ingetrokken", "op": when}]
    assert (shown[older]["status"], shown[older]["geslotenDoor"]) == ("gegeven", closed)
    assert shown[younger]["geslotenDoor"] == []
    assert region.call(at, "GET", f"/v1/toestemmingen/{older}").expect(200)["geslotenDoor"] == closed
    event = region.report(person, at) | {"ontvanger": guide}
    answer = region.call(at, "POST", "/v1/vooraf-controles", event, "application/cloudevents+json").expect(200)
    told = {(one["toestemmingId"], one["werking"], one["door"]) for one in answer["toelichting"]}
    assert {(younger, "ingetrokken", None), (older, "gesloten", younger)} <= told
    again = region.allow_reports(person, at)  # a later `ja` is closed by nothing
    assert region.call(at, "GET", f"/v1/toestemmingen/{again}").expect(200)["geslotenDoor"] == []


def test_what_another_organisation_keeps_to_itself_closes_unseen(region: Region) -> None:
    guide, at = region.pair()
    person, older = region.reporting(guide, at)
    scope = {"keuze": "nee", "doelen": ["trajectbegeleiding"], "ontvangers": [guide], "verstrekkers": None}
    region.statement(guide, person.refs[guide], **scope).expect(201)
    assert region.send(at, region.report(person, at)).status == 403
    assert region.call(at, "GET", f"/v1/toestemmingen/{older}").expect(200)["geslotenDoor"] == []
