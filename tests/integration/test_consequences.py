"""What follows when consent is taken away, and no more than that: who is told, who sees it, what is kept of it."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from consent.store.tables import person
from contracts.errors import TokenInvalid
from contracts.identity import Oin
from hub.administration.replay import replay_some
from hub.delivery.release import Held
from hub.rights.candidates import Registration
from hub.store.database import reading
from hub.store.locks import Locks
from hub.store.region import subscriptions
from hub.store.region.access import Asker
from hub.store.region.subscriptions import Subscription
from hub.store.tables import delivery, message, person_ref
from hub.store.traffic import deliveries
from hub.store.writer import single
from tests import samples
from tests.partners import Person, stamp
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, GEMEENTE_2, KRINGLOOP, KRINGLOOP_2, ONTWIKKELBEDRIJF, WOONZORG
from tests.unit.delivery.world import wait_until


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("gevolg")) as made:
        yield made


def notices(region: Region, who: str) -> list[dict[str, Any]]:
    found = region.call(who, "GET", "/v1/zaken?soort=grondslag.vervallen").expect(200)["items"]
    return list(found)


def placed_twice(region: Region) -> tuple[Person, str]:
    """Placed at two workplaces on one statement."""
    person = region.candidate()
    given = region.consent(
        ONTWIKKELBEDRIJF,
        person.refs[ONTWIKKELBEDRIJF],
        [KRINGLOOP, KRINGLOOP_2],
        "opleiden",
        "identiteit contact leervoortgang inzetbaarheid",
    )
    for at in (KRINGLOOP, KRINGLOOP_2):
        region.send(ONTWIKKELBEDRIJF, region.placing(person, at)).expect(202)
        person.refs[at] = region.collect(at)[-1]["subject"]
    return person, given


def test_a_refusal_for_one_receiver_tells_the_other_nothing(region: Region) -> None:
    person, _ = placed_twice(region)
    before = {who: len(notices(region, who)) for who in (KRINGLOOP, KRINGLOOP_2)}
    answer = region.statement(
        ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], keuze="nee", ontvangers=[KRINGLOOP]
    ).expect(201)
    assert [one["ontvanger"] for one in answer["verstrekt"]] == [KRINGLOOP]
    assert answer["kennisgevingen"] == 1
    told = {who: len(notices(region, who)) - before[who] for who in before}
    assert told == {KRINGLOOP: 1, KRINGLOOP_2: 0}


def test_a_refusal_older_than_the_consent_takes_nothing_away(region: Region) -> None:
    person, _ = placed_twice(region)
    earlier = stamp(region.clock.now().astimezone(UTC) - timedelta(days=2))
    answer = region.statement(ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF], keuze="nee", gegevenOp=earlier).expect(
        201
    )
    assert (answer["verstrekt"], answer["kennisgevingen"]) == ([], 0)
    region.send(ONTWIKKELBEDRIJF, region.placing(person, KRINGLOOP)).expect(202)


def test_a_request_that_was_recorded_wrongly_takes_nothing_away(region: Region) -> None:
    """Nobody was asked: the gate passes over it, so nobody is told, and nothing is shown as closed by it."""
    person, given = region.reporting()
    reported(region, person, 1)
    left_out = dict.fromkeys(("keuze", "gegevenOp", "gegevenDoor", "wijze"))
    flow = {"ontvangers": [ONTWIKKELBEDRIJF], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    request = region.statement(KRINGLOOP, person.refs[KRINGLOOP], gevraagd=True, **left_out, **flow)
    asked = request.expect(201)["id"]
    path = f"/v1/toestemmingen/{asked}/herroeping"
    answer = region.call(KRINGLOOP, "POST", path, {"reden": "verkeerde persoon"}).expect(200)
    assert (answer["verstrekt"], answer["kennisgevingen"]) == ([], 0)
    assert region.send(KRINGLOOP, region.report(person, number=2)).status == 202
    shown = region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}").expect(200)
    assert (shown["status"], shown["geslotenDoor"]) == ("gegeven", [])


def reported(region: Region, person: Person, number: int) -> str:
    """A report that arrived; its id at the hub."""
    answer = region.send(KRINGLOOP, region.report(person, number=number)).expect(202)
    assert region.collect(ONTWIKKELBEDRIJF)
    return str(answer["ontvangstbewijs"]["berichtId"])


def test_two_receivers_of_notices_cannot_join_their_refs(region: Region) -> None:
    """One withdrawal, two receivers: nothing that both are told is the same id."""
    _, given = placed_twice(region)
    region.withdraw(ONTWIKKELBEDRIJF, given)
    one, other = (notices(region, who)[-1] for who in (KRINGLOOP, KRINGLOOP_2))
    assert one["oorzaak"] is None and other["oorzaak"] is None
    ids = (
        {found["id"], found["kandidaatRef"], *(m["berichtId"] for m in found["berichten"])} for found in (one, other)
    )
    assert not set.intersection(*ids)


def test_a_refusal_without_verstrekkers_is_seen_by_its_recorder_only(region: Region) -> None:
    """It may name whom the person refuses: that is for the organisation that recorded it."""
    person, _ = region.reporting()
    path = f"/v1/toestemmingen?kandidaatRef={person.refs[ONTWIKKELBEDRIJF]}&status=geweigerd"
    given = region.statement(
        KRINGLOOP, person.refs[KRINGLOOP], keuze="nee", verstrekkers=None, ontvangers=[WOONZORG]
    ).expect(201)["id"]
    assert region.call(ONTWIKKELBEDRIJF, "GET", path).expect(200)["items"] == []
    assert region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{given}").status == 404
    assert region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}").status == 200


def test_explicit_consent_carries_no_public_task_either(region: Region) -> None:
    person = region.candidate()
    answer = region.statement(
        ONTWIKKELBEDRIJF,
        person.refs[ONTWIKKELBEDRIJF],
        grondslag="AVG-9-2-a",
        doelen=["doorstroom"],
        categorieen=["gezondheid"],
        ontvangers=[GEMEENTE],
    )
    assert (answer.status, answer.code) == (403, "TOESTEMMING_NIET_PASSEND")


def test_an_ontwikkelbedrijf_is_not_its_own_opdrachtgever(region: Region) -> None:
    ref = region.register(ONTWIKKELBEDRIJF)
    form = {"opdrachtgever": ONTWIKKELBEDRIJF, "wettelijkKader": "Pwet", "van": "2026-10-01"}
    answer = region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/trajecten", form)
    assert (answer.status, answer.code) == (403, "AFSPRAAK_ONTBREEKT")


def test_the_traject_of_another_kind_is_not_kept(region: Region) -> None:
    """It means something only on opening messages; elsewhere it would lie there unsealed."""
    person, _ = region.reporting()
    sent = region.send(KRINGLOOP, region.report(person, traject="t" * 64)).expect(202)["ontvangstbewijs"]["berichtId"]
    with reading(region.hub.engine) as connection:
        kept = connection.scalars(select(message.c.trajectory_id).where(message.c.message_id == sent)).one()
    assert kept is None


def test_an_ontheffing_withdrawn_twice_tells_once(region: Region) -> None:
    """The repeat gives the same answer, and nobody hears of it again."""
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.allow_placing(person, WOONZORG)
    explicit = {"grondslag": "AVG-9-2-a", "doelen": ["opleiden"], "categorieen": ["gezondheid"]}
    region.statement(ONTWIKKELBEDRIJF, ref, ontvangers=[WOONZORG], **explicit).expect(201)
    region.send(ONTWIKKELBEDRIJF, region.placing(person, WOONZORG)).expect(202)
    own = region.collect(WOONZORG)[-1]["subject"]
    now = stamp(datetime.fromtimestamp(region.seconds(), UTC))
    form = {"kandidaatRef": own, "ontvanger": ONTWIKKELBEDRIJF, "onderwerpen": ["deelname"], "op": now}
    release = region.call(WOONZORG, "POST", "/v1/ontheffingen", form | {"wijze": "gesprek"}).expect(201)["id"]
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "leervoortgang")
    region.consent(WOONZORG, own, [ONTWIKKELBEDRIJF], "dagbesteding", "gezondheid", grondslag="AVG-9-2-a")
    event = region.event(WOONZORG, "dagbesteding.deelname-gemeld", own, samples.deelname(), doel="dagbesteding")
    region.send(WOONZORG, event).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    path = f"/v1/ontheffingen/{release}/intrekking"
    first = region.call(WOONZORG, "POST", path).expect(200)
    assert len(first["verstrekt"]) == 1 and first["kennisgevingen"] == 1
    told = len(notices(region, ONTWIKKELBEDRIJF))
    again = region.call(WOONZORG, "POST", path).expect(200)
    assert again["tijdstip"] == first["tijdstip"] and again["verstrekt"] == first["verstrekt"]
    assert len(notices(region, ONTWIKKELBEDRIJF)) == told


def test_nothing_is_released_without_its_persons_lock(region: Region) -> None:
    """A join between the look and the lock gives a delivery another line; what is held then is the wrong lock."""
    person, _ = region.reporting()
    sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
    with reading(region.hub.engine) as connection:
        ((key, line),) = connection.execute(
            select(delivery.c.delivery_id, delivery.c.line).where(delivery.c.message_id == sent)
        )

    def free(locks: Locks) -> str:
        def work(tx: Any) -> str:
            rows = list(deliveries.by_id(tx.connection, [key]).values())
            (outcome,) = region.hub.releaser.free(tx, rows, "postvak", locks)
            return outcome.reason if isinstance(outcome, Held) else "vrij"

        return single(region.core.transactions, work, locks)

    assert free(Locks(shared=frozenset({"somebody-else"}))) == "opnieuw"
    assert region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "wachtend"}
    assert free(Locks(shared=frozenset({line}))) == "vrij"


def test_a_mailbox_does_not_need_the_machtiging_of_the_push(tmp_path: Path) -> None:
    """Only a push rests on the systeem that subscribed; what is fetched by another goes on."""
    region = Region(tmp_path)
    try:
        person, _ = region.reporting()
        subscribed = Oin(ONTWIKKELBEDRIJF)
        # a subscription for other kinds, by a systeem that has no machtiging for this organisation
        gone = Subscription(
            subscribed,
            region.parties[GEMEENTE].system,
            "https://x.example/h",
            frozenset({"doorstroom.gemeld"}),
            b"x",
            region.clock.now(),
        )
        single(region.core.transactions, lambda tx: subscriptions.put(tx.connection, gone), Locks(rules_exclusive=True))
        region.send(KRINGLOOP, region.report(person)).expect(202)
        assert [e["type"].split(".", 2)[2] for e in region.fetch(ONTWIKKELBEDRIJF)] == ["voortgang.gemeld.v1"]
    finally:
        region.stop()


def test_who_registered_first_is_spoken_to_under_its_own_ref(tmp_path: Path) -> None:
    """An opening message whose BSN both hold joins two persons: the receiver goes on with the ref it has."""
    region = Region(tmp_path)
    try:
        own = region.register(ONTWIKKELBEDRIJF, bsn=BSN)
        theirs = region.register(GEMEENTE, bsn=BSN)
        trajectory = region.open_trajectory(GEMEENTE, theirs)
        data = samples.voorgedragen(theirs, bsn=BSN)
        data["traject"]["trajectId"] = trajectory
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", theirs, data, ontvanger=ONTWIKKELBEDRIJF)
        region.send(GEMEENTE, event).expect(202)
        (given,) = region.fetch(ONTWIKKELBEDRIJF)
        assert given["subject"] == own == given["data"]["kandidaat"]["kandidaatRef"]
    finally:
        region.stop()


def test_a_poll_that_waits_ends_with_its_machtiging(tmp_path: Path) -> None:
    """Its token was good when it began to wait; that is not enough when a message comes."""
    region = Region(tmp_path)
    try:
        person, _ = region.reporting()
        region.token(ONTWIKKELBEDRIJF)
        answers: list[Any] = []
        poll = threading.Thread(
            target=lambda: answers.append(region.call(ONTWIKKELBEDRIJF, "GET", "/v1/postvak/berichten?wachten=10"))
        )
        poll.start()
        wait_until(lambda: Oin(ONTWIKKELBEDRIJF) in region.hub.mailbox.bell._waiting)
        region.end_mandate(ONTWIKKELBEDRIJF)
        sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
        poll.join()
        assert (answers[0].status, answers[0].code) == (401, "TOKEN_ONGELDIG")
        assert region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "wachtend"}
    finally:
        region.stop()


def test_an_ended_machtiging_bites_in_the_transaction_of_an_act(tmp_path: Path) -> None:
    """The call was let in while it held; what decides asks again."""
    region = Region(tmp_path)
    try:
        person, _ = region.reporting()
        asker = Asker(Oin(ONTWIKKELBEDRIJF), region.parties[ONTWIKKELBEDRIJF].system)
        region.hub.candidates.bind_number(asker, person.refs[ONTWIKKELBEDRIJF], "A-1")  # the control
        region.end_mandate(ONTWIKKELBEDRIJF)
        with pytest.raises(TokenInvalid):
            region.hub.candidates.bind_number(asker, person.refs[ONTWIKKELBEDRIJF], "A-2")
        with pytest.raises(TokenInvalid):
            region.hub.statements.stop(asker, person.refs[ONTWIKKELBEDRIJF])
        with pytest.raises(TokenInvalid):
            region.hub.candidates.register(Registration(asker, BSN, None, None))
    finally:
        region.stop()


def test_who_was_erased_can_be_registered_anew(region: Region) -> None:
    """The same BSN and the same number, another person: an erased ref is as good as never given."""
    known = {"bsn": samples.BSN, "lokaalNummer": "B-77"}
    before = region.register(GEMEENTE_2, **known)
    single(region.core.transactions, lambda tx: erase(tx.connection, before))
    assert region.call(GEMEENTE_2, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "B-77"}).status == 404
    again = region.call(GEMEENTE_2, "POST", "/v1/kandidaten", known)
    assert again.status == 201 and again.json["kandidaatRef"] != before
    assert region.call(GEMEENTE_2, "POST", "/v1/kandidaten", known).status == 200


def erase(connection: Connection, ref: str) -> None:
    """The mark of an erasure."""
    who = select(person_ref.c.person_id).where(person_ref.c.ref == ref).scalar_subquery()
    connection.execute(update(person).where(person.c.person_id == who).values(erased_at=datetime.now(UTC)))


def test_a_replay_never_blocks_a_mailbox(region: Region) -> None:
    """What a recipient could not process stands at an acknowledged sequence: it is not given again, and holds up
    nobody."""
    person, _ = region.reporting()
    last = int(region.fetch(ONTWIKKELBEDRIJF)[-1]["sequence"]) if region.fetch(ONTWIKKELBEDRIJF) else 0
    sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
    (given,) = region.fetch(ONTWIKKELBEDRIJF, after=last)
    told = {"berichten": [{"sequence": given["sequence"], "uitkomst": "onverwerkbaar"}]}
    region.call(ONTWIKKELBEDRIJF, "POST", "/v1/postvak/bevestigingen", told).expect(204)
    with reading(region.hub.engine) as connection:
        keys = list(connection.scalars(select(delivery.c.delivery_id).where(delivery.c.message_id == sent)))
    assert replay_some(region.core.transactions, keys) == []
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    (following,) = region.fetch(ONTWIKKELBEDRIJF, after=int(given["sequence"]), limit=1)
    assert int(following["sequence"]) == int(given["sequence"]) + 1


def test_a_role_that_may_not_learns_nothing_of_a_ref(region: Region) -> None:
    """The same answer for a ref that names somebody and for one that names nobody."""
    person, _ = region.reporting()
    release = {"ontvanger": ONTWIKKELBEDRIJF, "onderwerpen": ["deelname"], "op": "2026-01-01T00:00:00Z"}
    trajectory = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"}
    for ref in (person.refs[KRINGLOOP], "a" * 26):
        form = release | {"wijze": "gesprek", "kandidaatRef": ref}
        for answer in (
            region.call(KRINGLOOP, "POST", "/v1/ontheffingen", form),
            region.call(KRINGLOOP, "POST", f"/v1/kandidaten/{ref}/trajecten", trajectory),
        ):
            assert (answer.status, answer.code) == (403, "HANDELING_NIET_TOEGESTAAN")


def test_an_ended_machtiging_is_told_also_where_nobody_could_receive(tmp_path: Path) -> None:
    """No agreement covers it, so nobody is decided on: still 401, as everywhere."""
    region = Region(tmp_path)
    try:
        person, _ = region.reporting()
        event = region.event(
            KRINGLOOP, "werkproces.beoordeeld", person.refs[KRINGLOOP], samples.beoordeeld(), doel="opleiden"
        )
        assert region.send(KRINGLOOP, event).code == "GEEN_ONTVANGER"
        region.end_mandate(KRINGLOOP)
        for path in ("/v1/berichten", "/v1/vooraf-controles"):
            answer = region.call(KRINGLOOP, "POST", path, event, "application/cloudevents+json")
            assert (answer.status, answer.code) == (401, "TOKEN_ONGELDIG")
    finally:
        region.stop()


def test_a_refusal_that_is_not_in_force_takes_nothing_away(region: Region) -> None:
    """One that begins later, and one that is over: the flow runs on, so nobody is told that it ended."""
    person, _ = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    ref, today = person.refs[KRINGLOOP], datetime.now(UTC)
    before = len(notices(region, ONTWIKKELBEDRIJF))
    terms = {"keuze": "nee", "gegevenOp": stamp(today - timedelta(days=20))}
    for since, until in ((10, 30), (-15, -5)):
        when = {"geldigVan": stamp(today + timedelta(days=since)), "geldigTot": stamp(today + timedelta(days=until))}
        answer = region.statement(KRINGLOOP, ref, **terms | when).expect(201)
        assert (answer["verstrekt"], answer["kennisgevingen"]) == ([], 0)
    assert len(notices(region, ONTWIKKELBEDRIJF)) == before
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    now = region.statement(KRINGLOOP, ref, keuze="nee", gegevenOp=stamp(datetime.now(UTC))).expect(201)  # the control
    assert now["kennisgevingen"] > 0 and len(notices(region, ONTWIKKELBEDRIJF)) > before
