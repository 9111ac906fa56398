"""Inzage (AVG art. 15): the own picture holds nothing of others, the whole one all that the log holds."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select, update

from consent.keys import content_key, evidence_key
from consent.log.tables import ledger_payload
from consent.store.tables import person as person_table
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.administration import forms, parties
from hub.administration.act import RULES
from hub.intake.paging import cursor
from hub.ledger.evidence import Fact
from hub.ledger.person_entries import entries_of
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.persons import people
from hub.store.persons.cases import NOTICES
from tests import samples
from tests.partners import Answer, Person
from tests.region import Region, region_on
from tests.samples import (
    BSN,
    GEMEENTE,
    GEMEENTE_2,
    KRINGLOOP,
    KRINGLOOP_2,
    MBO,
    ONTWIKKELBEDRIJF,
    OTHER_BSN,
    WOONZORG,
)

NOBODY = "a" * 26
NOT_FOUND = (404, "NIET_GEVONDEN")
VOORDRACHT = (
    *("kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf"),
    "identiteit bsn contact opleiding inzetbaarheid",
)
ACCOUNTING = (
    *("gemeente-ontwikkelbedrijf", "voortgang.gemeld", "verantwoording"),
    *("ontwikkelbedrijf", "gemeente", "leervoortgang"),
)


@dataclass(frozen=True)
class World:
    """Somebody about whom something of everything went, was stopped and was refused; and what each side marked."""

    region: Region
    person: Person
    handle: PersonId
    marks: dict[str, set[str]]  # organisation → what only it and its counterpart may see
    texts: dict[tuple[str, str], str] = field(default_factory=dict)

    def ask(self, who: str, query: str = "", ref: str | None = None) -> Answer:
        return self.region.call(who, "GET", f"/v1/kandidaten/{ref or self.person.refs[who]}/inzage?{query}")

    def text(self, who: str, form: str) -> str:
        """The own picture as it reads, looked at once."""
        if (who, form) not in self.texts:
            as_json = form == "json"
            told = json.dumps(self.picture(who)) if as_json else self.ask(who, "formaat=brief").body.decode()
            self.texts[who, form] = told
        return self.texts[who, form]

    def picture(self, who: str, query: str = "", limit: int = 100) -> dict[str, Any]:
        """All pages as one."""
        whole: dict[str, Any] = {}
        after = ""
        while True:
            found = self.ask(who, f"{query}&limiet={limit}{after}").expect(200)
            rows = sum(len(v) for k, v in found.items() if isinstance(v, list) and k not in HEAD)
            assert rows <= limit
            for name, value in found.items():
                if isinstance(value, list) and name not in HEAD:
                    whole.setdefault(name, []).extend(value)
                else:
                    whole.setdefault(name, value)
            if found["volgende"] is None:
                return whole
            after = f"&volgende={found['volgende']}"


HEAD = ("organisaties", "bewaartermijnen")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with region_on(request, tmp_path_factory.mktemp("inzage")) as region:
        region.ground("verantwoorden", ACCOUNTING)
        yield lived(region)


def whole_scope(region: Region, who: str) -> None:
    """Make somebody the contactpunt."""
    form = {"organisatie": who, "systeem": region.parties[who].system, "scopes": ["rechten:geheel"]}
    region.operate(parties.add_mandate, forms.mandate(form))
    region.parties[who].limit("")


def lived(region: Region) -> World:
    """A person on the way through a whole region."""
    whole_scope(region, GEMEENTE)
    ref = region.register(GEMEENTE, bsn=BSN, lokaalNummer="gemeente-nummer-77")
    trajectory = region.open_trajectory(GEMEENTE, ref)
    data = samples.voorgedragen(ref, bsn=BSN)
    data["traject"]["trajectId"] = trajectory
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
    region.send(GEMEENTE, event).expect(202)
    sob = region.collect(ONTWIKKELBEDRIJF)[-1]["subject"]
    person = Person({GEMEENTE: ref, ONTWIKKELBEDRIJF: sob}, trajectory)
    with reading(region.core.engine) as connection:
        handle = people.resolve(connection, [(Oin(GEMEENTE), ref)])[Oin(GEMEENTE), ref].person  # type: ignore[index]
    to_school(region, person)
    in_care(region, person)
    at_work(region, person)
    limited(region, person)
    marks = {
        GEMEENTE: {"gemeente-nummer-77"},
        MBO: {MBO, person.refs[MBO], "school-uitleg"},
        WOONZORG: {WOONZORG, person.refs[WOONZORG], "zorg-uitleg", "gezondheid"},
        KRINGLOOP: {KRINGLOOP, person.refs[KRINGLOOP], "kringloop-uitleg"},
    }
    return World(region, person, handle, marks)


def text(name: str) -> dict[str, Any]:
    """The text on which somebody says yes, under a name that shows where it turns up."""
    return {"verklaring": {"id": name, "versie": "1", "sha256": "0" * 64, "taal": "nl"}}


def to_school(region: Region, person: Person) -> None:
    ref = person.refs[ONTWIKKELBEDRIJF]
    categories = "identiteit contact inzetbaarheid opleiding"
    region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "toeleiding", categories, **text("school-uitleg"))
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = person.trajectory
    event = region.event(ONTWIKKELBEDRIJF, "kandidaat.voorgedragen", ref, data, ontvanger=MBO)
    region.send(ONTWIKKELBEDRIJF, event).expect(202)
    person.refs[MBO] = region.collect(MBO)[-1]["subject"]


def in_care(region: Region, person: Person) -> None:
    """Explicit consent for the placing; for what comes back also the release from secrecy."""
    ref = person.refs[ONTWIKKELBEDRIJF]
    explicit = {"grondslag": "AVG-9-2-a", **text("zorg-uitleg")}
    region.consent(ONTWIKKELBEDRIJF, ref, [WOONZORG], "opleiden", "gezondheid", **explicit)
    region.place(person, WOONZORG)
    own = person.refs[WOONZORG]
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "gezondheid", **explicit)
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "leervoortgang", **text("zorg-uitleg"))
    release = {"kandidaatRef": own, "ontvanger": ONTWIKKELBEDRIJF, "onderwerpen": ["deelname"], "wijze": "gesprek"}
    region.call(WOONZORG, "POST", "/v1/ontheffingen", release | {"op": "2026-11-01T09:00:00Z"}).expect(201)
    event = region.event(WOONZORG, "dagbesteding.deelname-gemeld", own, samples.deelname())
    region.send(WOONZORG, event).expect(202)
    region.collect(ONTWIKKELBEDRIJF)


def at_work(region: Region, person: Person) -> None:
    """Reports that went, one that was stopped by the withdrawal, one refused after it, and an account to the law."""
    region.allow_placing(person, **text("kringloop-uitleg"))
    region.send(ONTWIKKELBEDRIJF, region.placing(person)).expect(202)
    person.refs[KRINGLOOP] = region.collect(KRINGLOOP)[-1]["subject"]
    given = region.allow_reports(person, **text("kringloop-uitleg"))
    for number in range(1, 4):
        region.send(KRINGLOOP, region.report(person, number=number)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person, number=4)).expect(202)
    region.withdraw(KRINGLOOP, given)
    region.collect(ONTWIKKELBEDRIJF)
    assert region.send(KRINGLOOP, region.report(person, number=5)).code == "GEEN_GRONDSLAG"
    ref = person.refs[ONTWIKKELBEDRIJF]
    event = region.event(
        ONTWIKKELBEDRIJF,
        "voortgang.gemeld",
        ref,
        samples.voortgang_periode(),
        doel="verantwoording",
        ontvanger=GEMEENTE,
    )
    region.send(ONTWIKKELBEDRIJF, event).expect(202)
    region.collect(GEMEENTE)


def limited(region: Region, person: Person) -> None:
    own = f"/v1/kandidaten/{person.refs[KRINGLOOP]}"
    flows = {"verstrekkers": [KRINGLOOP]}
    region.call(KRINGLOOP, "POST", f"{own}/bezwaar", flows | {"grond": "kringloop-bezwaar"}).expect(200)
    school = f"/v1/kandidaten/{person.refs[MBO]}"
    region.call(MBO, "PUT", f"{school}/afscherming", {"grond": "dreiging", "ontvangers": [MBO]}).expect(200)
    region.call(MBO, "PUT", f"{school}/beperking", {"verstrekkers": [MBO], "grond": "onrechtmatig"}).expect(200)
    region.stop_request(WOONZORG, person.refs[WOONZORG])


def test_the_whole_picture_holds_every_release_that_the_log_holds(world: World) -> None:
    """And each with the basis that the log names."""
    shown = {
        (one["berichtId"], one["ontvanger"]): one
        for one in world.picture(GEMEENTE, "omvang=geheel", limit=7)["berichten"]
        if one["vrijgegevenOp"] is not None
    }
    keys = world.region.core.key_store.find([evidence_key(world.handle)])
    with reading(world.region.core.engine) as connection:
        said = [e.payload for e in entries_of(connection, keys) if e.payload["soort"] == "vrijgave"]
    told = {(one["berichtId"], one["ontvanger"]): one for one in said}
    assert len(told) == len(said) > 8
    assert shown.keys() == told.keys()
    for key, one in told.items():
        assert shown[key]["categorieen"] == one["gegeven"]
        assert shown[key]["vrijgegevenOp"] == one["op"]
        named = {
            (f"{basis['soort']}:{basis['id']}", category)
            for basis in shown[key]["grondslagen"]
            for category in basis["categorieen"]
        }
        assert named == {(fact, category) for category, fact in one.get("grondslag", {}).items()}


def test_the_basis_names_law_and_article_consent_and_secrecy(world: World) -> None:
    found = world.picture(GEMEENTE, "omvang=geheel")["berichten"]
    by = {(one["verstrekker"], one["soort"]): one for one in found if one["vrijgegevenOp"] is not None}
    law = [b for b in by[GEMEENTE, "kandidaat.voorgedragen"]["grondslagen"] if b["soort"] == "grondslag"]
    assert [(b["basis"], b["wet"], b["artikel"]) for b in law] == [("AVG-6-1-e", "Participatiewet", "7")]
    assert "bsn" in law[0]["categorieen"]
    care = {b["soort"]: b for b in by[WOONZORG, "dagbesteding.deelname-gemeld"]["grondslagen"]}
    assert care.keys() == {"toestemming", "ontheffing"}
    assert care["ontheffing"]["geheimhouder"] == WOONZORG
    notice = by[KRINGLOOP, "grondslag.vervallen"]
    assert [(b["wet"], b["artikel"], b["lid"]) for b in notice["grondslagen"]] == [("AVG", "7", "3")]


def test_the_whole_picture_names_organisations_and_no_ref_of_theirs(world: World) -> None:
    answer = world.picture(GEMEENTE, "omvang=geheel")
    raw = json.dumps(answer)
    assert all(ref not in raw for ref in world.person.refs.values())
    assert "gemeente-nummer-77" not in raw and BSN not in raw
    named = {one["organisatie"] for one in answer["registraties"]}
    assert named == {GEMEENTE, ONTWIKKELBEDRIJF, MBO, WOONZORG, KRINGLOOP}
    assert {one["organisatie"] for one in answer["betrokkenheden"]} == named
    assert answer["afgeschermd"] is True
    assert answer["doorgifteBuitenEu"] is None  # where the computers of who receives are, the hub does not know
    assert [one["grond"] for one in answer["bezwaren"]] == ["kringloop-bezwaar"]
    assert {one["vastgelegdDoor"] for one in answer["beperkingen"] + answer["afschermingen"]} == {MBO}
    assert [one["vastgelegdDoor"] for one in answer["stopverzoeken"]] == [WOONZORG]
    (refused,) = answer["weigeringen"]
    assert refused["besluiten"][0]["reden"]


#: Who must see nothing of whom: neither of them sends to or receives from the other.
STRANGERS = [(KRINGLOOP, MBO), (KRINGLOOP, WOONZORG), (MBO, KRINGLOOP), (MBO, WOONZORG), (WOONZORG, KRINGLOOP)]
STRANGERS += [(WOONZORG, MBO), (GEMEENTE, MBO), (GEMEENTE, WOONZORG), (GEMEENTE, KRINGLOOP), (KRINGLOOP, GEMEENTE)]


@pytest.mark.parametrize(("who", "other"), STRANGERS)
@pytest.mark.parametrize("form", ["json", "brief"])
def test_the_own_picture_holds_nothing_of_flows_between_others(world: World, who: str, other: str, form: str) -> None:
    raw = world.text(who, form)
    name = f"{world.region.parties[other].role} {other[-4:]}"
    assert [mark for mark in (*world.marks[other], name) if mark in raw] == []
    others = {ref for oin, ref in world.person.refs.items() if oin != who}
    assert [ref for ref in others if ref in raw] == []
    if who in (KRINGLOOP, WOONZORG, MBO):  # a traject shows a benefit
        assert world.person.trajectory not in raw and "Pwet" not in raw and "Participatiewet" not in raw


def test_control_those_marks_do_occur_in_the_picture_of_who_may_see_them(world: World) -> None:
    for other in (GEMEENTE, MBO, WOONZORG, KRINGLOOP):
        raw = json.dumps([world.picture(other), world.picture(ONTWIKKELBEDRIJF)])
        assert [mark for mark in world.marks[other] if mark not in raw] == []


def test_the_own_picture_holds_all_that_was_sent_and_received(world: World) -> None:
    found = world.picture(KRINGLOOP)
    sent = [one for one in found["berichten"] if one["richting"] == "verstuurd" and not one["kennisgeving"]]
    received = [one for one in found["berichten"] if one["richting"] == "ontvangen"]
    assert [one["status"] for one in sent] == ["bevestigd"] * 3 + ["gestopt"]
    assert sent[-1]["reden"] == "toestemming-ingetrokken"  # it withdrew that itself
    assert [one["soort"] for one in received] == ["leerwerkplek.geplaatst"]
    # On consent: it knows that, not which statement of another organisation it was.
    (basis,) = [b for b in received[0]["grondslagen"] if b["soort"] == "toestemming"]
    assert basis["basis"] == "AVG-6-1-a" and "id" not in basis and "gegevenOp" not in basis
    assert "weggelaten" not in received[0] and "berichtId" not in received[0]
    own = sent[0]["grondslagen"][0]
    assert own["gegevenOp"] and own["id"] in {one["id"] for one in found["toestemmingen"]}
    assert len(found["weigeringen"]) == 1 and "besluiten" not in found["weigeringen"][0]
    assert [one["grond"] for one in found["bezwaren"]] == ["kringloop-bezwaar"]
    assert found["registraties"][0]["kandidaatRefs"] == [world.person.refs[KRINGLOOP]]
    assert found["afgeschermd"] is False  # the school's afscherming is the school's
    assert world.picture(MBO)["afgeschermd"] is True


def test_what_waits_for_somebody_is_not_in_its_picture(world: World) -> None:
    """It was accepted and not released yet: the recipient must not learn of it here."""
    region = world.region
    ref, data = world.person.refs[ONTWIKKELBEDRIJF], samples.voortgang_periode(meldingId="melding-wacht")
    event = region.event(ONTWIKKELBEDRIJF, "voortgang.gemeld", ref, data, doel="verantwoording", ontvanger=GEMEENTE)
    message_id = region.send(ONTWIKKELBEDRIJF, event).expect(202)["ontvangstbewijs"]["berichtId"]
    assert event["id"] not in json.dumps(world.picture(GEMEENTE))
    waiting = [o for o in world.picture(ONTWIKKELBEDRIJF)["berichten"] if o.get("berichtId") == message_id]
    assert [(one["status"], one["grondslagen"]) for one in waiting] == [("wachtend", [])]
    region.collect(GEMEENTE)
    assert event["id"] in json.dumps(world.picture(GEMEENTE))


def test_pages_hold_the_same_as_the_whole(world: World) -> None:
    """But for the looks themselves: each is one more."""
    for who, query, limit in ((KRINGLOOP, "", 2), (GEMEENTE, "omvang=geheel", 5)):
        one, other = world.picture(who, query), world.picture(who, query, limit)
        lists = [n for n, value in one.items() if isinstance(value, list) and n not in (*HEAD, "inzagen")]
        assert len(lists) > 10
        assert {name: other[name] for name in lists} == {name: one[name] for name in lists}


def test_content_is_given_of_own_sendings_only(world: World) -> None:
    for one in world.picture(KRINGLOOP, "inhoud=true")["berichten"]:
        if one["richting"] == "verstuurd" and not one["kennisgeving"]:
            assert one["inhoud"]["meldingId"].startswith("melding-")
        else:
            assert "inhoud" not in one
    assert all("inhoud" not in one for one in world.picture(KRINGLOOP)["berichten"])


@pytest.mark.parametrize(
    "query", ["omvang=geheel&inhoud=true", "formaat=brief&inhoud=true", "omvang=alles", "formaat=pdf", "volgende=xx"]
)
def test_what_cannot_be_asked_is_refused(world: World, query: str) -> None:
    assert world.ask(GEMEENTE, query).code == "VERZOEK_ONGELDIG"


@pytest.mark.parametrize("place", [["nergens", ""], ["berichten", "x"], ["berichten", "9" * 30], ["zaken"]])
def test_a_made_up_place_is_refused(world: World, place: list[str]) -> None:
    assert world.ask(KRINGLOOP, f"volgende={cursor(place)}").code == "VERZOEK_ONGELDIG"


def test_scopes(world: World) -> None:
    """The whole needs `rechten:geheel`, the own `toestemmingen:lezen`, content also `berichten:versturen`."""
    assert world.ask(KRINGLOOP, "omvang=geheel").code == "SCOPE_ONTBREEKT"
    contact, kringloop = world.region.parties[GEMEENTE], world.region.parties[KRINGLOOP]
    contact.limit("rechten:geheel")
    assert world.ask(GEMEENTE, "omvang=geheel").status == 200
    assert world.ask(GEMEENTE).code == "SCOPE_ONTBREEKT"
    contact.limit("")
    kringloop.limit("toestemmingen:lezen")
    assert world.ask(KRINGLOOP).status == 200
    assert world.ask(KRINGLOOP, "inhoud=true").code == "SCOPE_ONTBREEKT"
    kringloop.limit("")


def test_whom_it_is_not_for(world: World) -> None:
    """Unknown, foreign, of another: one answer."""
    region = world.region
    registered_only = region.register(GEMEENTE_2)
    for who, ref in (
        (KRINGLOOP, NOBODY),
        (KRINGLOOP, world.person.refs[MBO]),
        (KRINGLOOP_2, world.person.refs[KRINGLOOP]),
        (GEMEENTE_2, registered_only),
    ):
        for form in ("json", "brief"):
            answer = world.ask(who, f"formaat={form}", ref)
            assert (answer.status, answer.code) == NOT_FOUND
    assert world.ask(GEMEENTE, "omvang=geheel", NOBODY).code == "NIET_GEVONDEN"


def test_each_look_is_logged_and_replayed(world: World) -> None:
    def looks(keys: dict[str, bytes]) -> list[Any]:
        with reading(world.region.core.engine) as connection:
            return [e for e in entries_of(connection, keys) if e.payload["soort"] == "inzage"]

    keys = world.region.core.key_store.find([evidence_key(world.handle)])
    before = len(looks(keys))
    assert world.ask(KRINGLOOP, "formaat=brief").status == 200
    found = world.ask(GEMEENTE, "omvang=geheel&limiet=1").expect(200)
    world.ask(GEMEENTE, f"omvang=geheel&limiet=1&volgende={found['volgende']}").expect(200)
    told = [
        {k: e.payload.get(k) for k in ("organisatie", "omvang", "formaat", "vervolg")} for e in looks(keys)[before:]
    ]
    assert told == [
        {"organisatie": KRINGLOOP, "omvang": "eigen", "formaat": "brief", "vervolg": None},
        {"organisatie": GEMEENTE, "omvang": "geheel", "formaat": "json", "vervolg": None},
        {"organisatie": GEMEENTE, "omvang": "geheel", "formaat": "json", "vervolg": True},
    ]
    with snapshot(world.region.core.engine) as connection:
        assert check(connection, world.region.core.key_store)[0].findings == []


def test_a_look_that_was_not_allowed_is_found(world: World) -> None:
    """Entries that the hub would not have written: each is found, and a rightful one beside them is not."""
    region = world.region

    def told(organisation: str, **other: Any) -> str | None:
        said = {"soort": "inzage", "op": instants.write(region.clock.now()), "organisatie": organisation}
        said |= {"systeem": region.parties[organisation].system, "formaat": "json", "inhoud": False}
        with region.core.engine.connect() as connection, connection.begin() as attempt:
            fact = Fact(world.handle, said | {"omvang": "eigen"} | other)
            region.core.evidence.append(connection, [fact])
            report, _ = check(connection, region.core.key_store)
            attempt.rollback()
        return next((f.reason for f in report.findings), None)

    assert told(KRINGLOOP) is None
    assert told(GEMEENTE, omvang="geheel") is None
    assert "nooit betrokken" in str(told(KRINGLOOP_2))
    assert "zonder machtiging" in str(told(KRINGLOOP, omvang="geheel"))
    assert "zonder machtiging" in str(told(KRINGLOOP, systeem="een-ander"))
    assert "vorm" in str(told(KRINGLOOP, omvang="alles"))


def test_an_entry_that_is_not_what_was_logged_stops_the_picture(world: World) -> None:
    """What is shown of the basis is what was logged, or nothing is shown."""
    region = world.region
    mine = ledger_payload.c.key_id == evidence_key(world.handle)
    with region.core.engine.connect() as connection:
        row = connection.execute(select(ledger_payload).where(mine).limit(1)).one()

    def put(ciphertext: bytes) -> None:
        with region.core.transactions.open(RULES) as tx:
            one = update(ledger_payload).where(ledger_payload.c.entry_id == row.entry_id)
            tx.connection.execute(one.values(ciphertext=ciphertext))

    put(row.ciphertext[:-1] + bytes([row.ciphertext[-1] ^ 1]))
    for form in ("json", "brief"):
        assert world.ask(KRINGLOOP, f"formaat={form}").code == "LOG_NIET_BESCHIKBAAR"
    put(row.ciphertext)
    assert world.ask(KRINGLOOP).status == 200


def test_hundreds_of_messages_come_in_pages_and_as_one_line(world: World) -> None:
    region = world.region
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    events = [region.report(person, at, number=number) for number in range(250)]
    assert {one["status"] for one in region.send_batch(at, events)} == {"aanvaard"}
    while region.collect(guide):
        pass
    big = World(region, person, PersonId(""), {})
    assert len(big.ask(at, "limiet=100").body) < 100_000
    rows = big.picture(at)["berichten"]
    sent = [one["id"] for one in rows if one["richting"] == "verstuurd"]
    assert sent == [event["id"] for event in events]
    letter = big.ask(at, "formaat=brief").body.decode()
    assert "250 keer, op " in letter and letter.count("<tr>") < 10


def test_two_who_turn_out_to_be_one_have_one_picture(world: World) -> None:
    """Joined by the opening message: what went under either handle is there, each with its basis from the log."""
    region = world.region
    guide, at = region.pair()
    region.ground(f"voordracht-{guide}", (f"gemeente-{guide}", *VOORDRACHT))
    person = region.candidate(guide, bsn=OTHER_BSN, lokaalNummer="gids-nummer-5")
    region.place(person, at)
    ref = region.register(GEMEENTE, bsn=OTHER_BSN)
    data = samples.voorgedragen(ref, bsn=OTHER_BSN)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)
    before = World(region, Person({GEMEENTE: ref}, ""), PersonId(""), {})
    assert before.picture(GEMEENTE, "omvang=geheel")["berichten"] == []
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=guide)
    region.send(GEMEENTE, event).expect(202)
    assert region.collect(guide)[-1]["subject"] == person.refs[guide]
    sent = before.picture(GEMEENTE, "omvang=geheel")["berichten"]
    assert {one["soort"] for one in sent} == {"leerwerkplek.geplaatst", "kandidaat.voorgedragen"}
    assert all(one["grondslagen"] for one in sent)
    both = World(region, person, PersonId(""), {}).picture(guide)
    assert {one["soort"] for one in both["berichten"]} == {"leerwerkplek.geplaatst", "kandidaat.voorgedragen"}
    assert both["registraties"][0]["lokaleNummers"] == ["gids-nummer-5"]
    assert {one["soort"] for one in before.picture(GEMEENTE)["berichten"]} == {"kandidaat.voorgedragen"}


def test_content_whose_key_is_gone_is_null_and_who_is_erased_is_unknown(world: World) -> None:
    region = world.region
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    with reading(region.core.engine) as connection:
        known = people.resolve(connection, [(Oin(at), person.refs[at])])  # type: ignore[list-item]
    handle = next(iter(known.values())).person
    one = World(region, person, handle, {})
    region.core.key_store.destroy([content_key(handle, Oin(at))], region.clock.now())
    (sent,) = [m for m in one.picture(at, "inhoud=true")["berichten"] if m["richting"] == "verstuurd"]
    assert sent["inhoud"] is None
    region.core.key_store.destroy([evidence_key(handle)], region.clock.now())  # its mark is still to come
    for query in ("", "formaat=brief"):
        assert (one.ask(at, query).status, one.ask(at, query).code) == NOT_FOUND

    def mark(tx: Any, _act: Any) -> None:
        person_row = update(person_table).where(person_table.c.person_id == handle)
        tx.connection.execute(person_row.values(erased_at=region.clock.now()))

    region.operate(mark)
    assert (one.ask(at).status, one.ask(at).code) == NOT_FOUND


def test_who_has_not_fetched_a_notice_is_not_said_to_have_been_told(world: World) -> None:
    region = world.region
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    region.send(at, region.report(person, at)).expect(202)
    region.collect(guide)
    own = f"/v1/kandidaten/{person.refs[at]}/beperking"
    region.call(at, "PUT", own, {"verstrekkers": [at], "grond": "onrechtmatig"}).expect(200)
    region.collect(guide)
    region.call(at, "DELETE", own).expect(204)
    one = World(region, person, PersonId(""), {})
    said = "verteld dat de gegevens weer mogen worden gebruikt"
    waits = "wacht nog een melding: deze gegevens mogen weer worden gebruikt."

    def stand() -> set[str]:
        return {case["melding"]["status"] for case in one.picture(at)["zaken"] if case["code"] == "beperking-opgeheven"}

    page = one.ask(at, "formaat=brief").body.decode()
    assert said not in page and waits in page and stand() == {"wachtend"}
    region.collect(guide)
    page = one.ask(at, "formaat=brief").body.decode()
    assert said in page and waits not in page and stand() == {"bevestigd"}
    assert all(("melding" in case) == (case["soort"] in NOTICES) for case in world.picture(KRINGLOOP)["zaken"])


def test_the_letter_tells_repeats_once(world: World) -> None:
    answer = world.ask(KRINGLOOP, "formaat=brief")
    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "style-src 'sha256-" in answer.headers["content-security-policy"]
    assert page.count("Hoe het gaat op uw werkplek") == 3  # three that went, one that was stopped, one refused
    assert "3 keer, op " in page
    assert re.search("<script|https?://", page) is None
