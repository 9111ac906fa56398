"""The machtiging of a systeem binds whatever passes through it, in the transaction that lets it pass."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import update

from consent.store.tables import person
from contracts.errors import TokenInvalid
from contracts.identity import Oin
from hub.access import tokens
from hub.administration import forms, parties
from hub.delivery.mailbox import Acknowledgement
from hub.store.persons import people
from hub.store.region.access import Asker, require_active
from hub.store.region.parties import keys_digest, system_by_name
from hub.store.writer import single
from tests import samples
from tests.partners import EVENT, SCOPES
from tests.region import Region
from tests.samples import BSN, GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

REPORT, OPENING = "voortgang.gemeld", "kandidaat.voorgedragen"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


@pytest.fixture
def region(tmp_path: Path, webhook: Webhook) -> Iterator[Region]:
    made = Region(tmp_path, webhooks=[webhook.port])
    yield made
    made.stop()


def bind(region: Region, who: str, *kinds: str) -> None:
    """A machtiging for these kinds alone, in place of the one for all."""
    region.end_mandate(who)
    form = {"organisatie": who, "systeem": region.parties[who].system, "scopes": SCOPES.split(), "soorten": list(kinds)}
    region.mandates[who] = region.operate(parties.add_mandate, forms.mandate(form)).id


def kinds_of(region: Region, who: str) -> list[str]:
    return [event["type"].split(".", 2)[2].removesuffix(".v1") for event in region.fetch(who)]


def test_a_mailbox_gives_only_the_kinds_of_the_machtiging(region: Region) -> None:
    person, _ = region.reporting()
    sent = region.send(KRINGLOOP, region.report(person)).expect(202)["ontvangstbewijs"]["berichtId"]
    bind(region, ONTWIKKELBEDRIJF, OPENING)
    assert REPORT not in kinds_of(region, ONTWIKKELBEDRIJF)
    assert region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "wachtend"}
    bind(region, ONTWIKKELBEDRIJF, REPORT)
    assert kinds_of(region, ONTWIKKELBEDRIJF) == [REPORT]
    bind(region, ONTWIKKELBEDRIJF, OPENING)  # not again either, though it was given and not acknowledged
    assert REPORT not in kinds_of(region, ONTWIKKELBEDRIJF)


def test_what_must_come_later_waits_for_a_kind_that_this_systeem_may_not_fetch(region: Region) -> None:
    """Order within one person and recipient holds, whoever fetches."""
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "toeleiding", "identiteit contact inzetbaarheid opleiding")
    region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "trajectbegeleiding", "leervoortgang")
    presented = samples.voorgedragen(ref)
    presented["traject"]["trajectId"] = person.trajectory
    for kind, data, purpose in (
        (OPENING, presented, "toeleiding"),
        (REPORT, samples.voortgang(), "trajectbegeleiding"),
    ):
        event = region.event(ONTWIKKELBEDRIJF, kind, ref, data, ontvanger=MBO, doel=purpose)
        region.send(ONTWIKKELBEDRIJF, event).expect(202)
    bind(region, MBO, REPORT)
    assert kinds_of(region, MBO) == []
    bind(region, MBO, REPORT, OPENING)
    assert kinds_of(region, MBO) == [OPENING, REPORT]


def test_a_subscription_stays_within_the_machtiging(region: Region, webhook: Webhook) -> None:
    bind(region, ONTWIKKELBEDRIJF, REPORT)
    form = {"url": webhook.url}
    refused = region.call(ONTWIKKELBEDRIJF, "PUT", "/v1/abonnement", form | {"soorten": [REPORT, OPENING]})
    assert (refused.status, refused.code) == (403, "SOORT_NIET_TOEGESTAAN")
    assert region.call(ONTWIKKELBEDRIJF, "GET", "/v1/abonnement").status == 404
    made = region.call(ONTWIKKELBEDRIJF, "PUT", "/v1/abonnement", form).expect(201)
    assert made["soorten"] == [REPORT]


def test_a_machtiging_that_was_narrowed_stops_the_push(region: Region, webhook: Webhook) -> None:
    person, _ = region.reporting()
    region.subscribe(ONTWIKKELBEDRIJF, webhook.url, {REPORT})
    region.send(KRINGLOOP, region.report(person)).expect(202)
    wait_until(lambda: len(webhook.calls()) == 1)  # the control
    bind(region, ONTWIKKELBEDRIJF, OPENING)
    sent = region.send(KRINGLOOP, region.report(person, number=2)).expect(202)["ontvangstbewijs"]["berichtId"]
    wait_until(lambda: region.fate(KRINGLOOP, sent) == {ONTWIKKELBEDRIJF: "gestopt"})
    assert len(webhook.calls()) == 1


def test_an_acknowledgement_needs_the_machtiging_when_it_is_written(region: Region) -> None:
    person, _ = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    last = int(region.fetch(ONTWIKKELBEDRIJF)[-1]["sequence"])
    asker = Asker(Oin(ONTWIKKELBEDRIJF), region.parties[ONTWIKKELBEDRIJF].system)
    region.end_mandate(ONTWIKKELBEDRIJF)
    with pytest.raises(TokenInvalid):
        region.hub.mailbox.acknowledge(Acknowledgement(asker, through=last))


def present(region: Region, ref: str, **known: str) -> str:
    """``kandidaat.voorgedragen`` of the gemeente to the ontwikkelbedrijf; its berichtId."""
    data = samples.voorgedragen(ref, **known) | {"voordrachtId": f"voordracht-{region.clock.now():%M%S%f}"}
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, ref)
    event = region.event(GEMEENTE, OPENING, ref, data, ontvanger=ONTWIKKELBEDRIJF)
    return str(region.send(GEMEENTE, event).expect(202)["ontvangstbewijs"]["berichtId"])


def test_who_only_learned_of_somebody_registers_for_the_first_time(region: Region) -> None:
    """Binding a number is not registering (`POST /v1/kandidaten` answers 201 for the first)."""
    theirs = region.register(GEMEENTE)
    present(region, theirs)
    ref = region.fetch(ONTWIKKELBEDRIJF)[0]["subject"]
    region.call(ONTWIKKELBEDRIJF, "PUT", f"/v1/kandidaten/{ref}/lokaal-nummer", {"lokaalNummer": "A-1"}).expect(204)
    first = region.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"lokaalNummer": "A-1"})
    again = region.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"lokaalNummer": "A-1"})
    assert (first.status, again.status) == (201, 200)
    assert first.json["kandidaatRef"] == again.json["kandidaatRef"] == ref


@pytest.mark.parametrize("forbidden", [False, True])
def test_a_joining_message_is_decided_on_the_facts_of_both(region: Region, forbidden: bool) -> None:
    """What stands about the person whom the receiver knew counts already for the message that joins the two."""
    own = region.register(ONTWIKKELBEDRIJF, bsn=BSN)
    theirs = region.register(GEMEENTE, bsn=BSN)
    if forbidden:
        with region.core.engine.begin() as connection:
            who = people.resolve(connection, [(Oin(ONTWIKKELBEDRIJF), own)])[Oin(ONTWIKKELBEDRIJF), own].person
            connection.execute(update(person).where(person.c.person_id == who).values(deceased_at=region.clock.now()))
    sent = present(region, theirs, bsn=BSN)
    given = region.fetch(ONTWIKKELBEDRIJF)
    assert [e["subject"] for e in given] == ([] if forbidden else [own])
    assert region.fate(GEMEENTE, sent) == {ONTWIKKELBEDRIJF: "gestopt" if forbidden else "afgeleverd"}
    with region.core.engine.connect() as connection:
        known = people.resolve(connection, [(Oin(ONTWIKKELBEDRIJF), own), (Oin(GEMEENTE), theirs)])
    assert len({one.root for one in known.values()}) == (2 if forbidden else 1)


def test_a_bounded_systeem_acknowledges_only_what_it_may_fetch(region: Region) -> None:
    """``tot`` and single sequences alike: what it never saw stays to be given to another systeem."""
    person, _ = region.reporting()
    region.fetch(ONTWIKKELBEDRIJF)
    region.send(KRINGLOOP, region.report(person)).expect(202)
    (report,) = [e for e in region.fetch(ONTWIKKELBEDRIJF) if REPORT in e["type"]]
    bind(region, ONTWIKKELBEDRIJF, OPENING)
    region.call(ONTWIKKELBEDRIJF, "POST", "/v1/postvak/bevestigingen", {"tot": report["sequence"]}).expect(204)
    single = {"berichten": [{"sequence": report["sequence"], "uitkomst": "onverwerkbaar"}]}
    region.call(ONTWIKKELBEDRIJF, "POST", "/v1/postvak/bevestigingen", single).expect(204)
    bind(region, ONTWIKKELBEDRIJF, REPORT)
    assert [e["sequence"] for e in region.fetch(ONTWIKKELBEDRIJF)] == [report["sequence"]]


def test_a_bounded_systeem_gets_and_acknowledges_notices(region: Region) -> None:
    """They tell of messages that the organisation has: no systeem that fetches may miss them."""
    person, given = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.withdraw(KRINGLOOP, given)
    waits, _ = region.reporting()
    bind(region, ONTWIKKELBEDRIJF, OPENING)
    region.send(KRINGLOOP, region.report(waits, number=2)).expect(202)
    (notice,) = region.fetch(ONTWIKKELBEDRIJF)  # the control: of the reports nothing
    assert notice["type"] == "nl.doorstroomhub.grondslag.vervallen.v1"
    assert region.fetch(ONTWIKKELBEDRIJF) == [notice]  # again under its sequence, until it is acknowledged
    region.call(ONTWIKKELBEDRIJF, "POST", "/v1/postvak/bevestigingen", {"tot": notice["sequence"]}).expect(204)
    assert region.fetch(ONTWIKKELBEDRIJF) == []
    bind(region, ONTWIKKELBEDRIJF, REPORT)
    assert kinds_of(region, ONTWIKKELBEDRIJF) == [REPORT]


def test_a_notice_that_waits_holds_up_nothing_for_a_bounded_systeem(region: Region) -> None:
    """A notice comes before what was accepted after it about the same person."""
    person, given = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    region.withdraw(KRINGLOOP, given)
    region.allow_reports(person)
    region.send(KRINGLOOP, region.report(person, number=2)).expect(202)
    bind(region, ONTWIKKELBEDRIJF, REPORT)
    assert kinds_of(region, ONTWIKKELBEDRIJF) == ["grondslag.vervallen", REPORT]


def test_a_page_is_no_larger_than_a_withdrawal_can_wait_for(region: Region) -> None:
    person, _ = region.reporting()
    region.collect(ONTWIKKELBEDRIJF)
    for number in range(30):
        event = region.report(person, number=number) | {"id": f"{number}-{'x' * 200}"}
        region.send(KRINGLOOP, event).expect(202)
    monkey = pytest.MonkeyPatch()
    monkey.setattr("hub.delivery.mailbox._PAGE_BYTES", 8_000)
    with monkey.context():
        given, after = [], 0
        while page := region.fetch(ONTWIKKELBEDRIJF, after=after):
            assert len(page) < 30
            given += page
            after = int(page[-1]["sequence"])
    monkey.undo()
    assert [int(e["sequence"]) for e in given] == sorted(int(e["sequence"]) for e in given)
    assert len([e for e in given if REPORT in e["type"]]) == 30


def test_a_second_bsn_is_refused_also_after_a_join(region: Region) -> None:
    """The number of one who was joined names one BSN of this organisation, whichever of the two bears it."""
    theirs = region.register(GEMEENTE, bsn=BSN)
    present(region, theirs)
    learned = region.fetch(ONTWIKKELBEDRIJF)[-1]["subject"]
    region.call(ONTWIKKELBEDRIJF, "PUT", f"/v1/kandidaten/{learned}/lokaal-nummer", {"lokaalNummer": "A-1"}).expect(204)
    region.register(ONTWIKKELBEDRIJF, bsn=BSN)  # somebody else, as far as it knows
    present(region, theirs, bsn=BSN)
    region.fetch(ONTWIKKELBEDRIJF)  # joins the two
    other = region.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"lokaalNummer": "A-1", "bsn": samples.OTHER_BSN})
    assert other.status == 409


def rotate(region: Region, who: str) -> None:
    """The operator puts another key in the place of the one that the systeem had."""
    party = region.parties[who]
    party.key = OKPKey.generate_key("Ed25519")
    public = dict(party.key.as_dict(private=False), alg="Ed25519", kid="1", use="sig")
    region.operate(parties.rotate_keys, party.system, {"keys": [public]})


def test_a_token_that_was_asked_by_replaced_keys_is_refused_at_once(region: Region) -> None:
    """On a clock that stands still: that token and the new one are made in one second."""
    region.clock.frozen = region.clock.now()
    person, given = region.reporting()
    ref, event = person.refs[KRINGLOOP], region.report(person)
    calls = (
        ("POST", "/v1/berichten", event, EVENT),
        ("POST", "/v1/berichten", [event], "application/cloudevents-batch+json"),
        ("POST", "/v1/vooraf-controles", event, EVENT),
        ("GET", "/v1/postvak/berichten", None, ""),
        ("GET", f"/v1/toestemmingen/{given}", None, ""),
        ("POST", f"/v1/kandidaten/{ref}/stopverzoek", None, ""),
        ("POST", f"/v1/toestemmingen/{given}/intrekking", {"gegevenDoor": "betrokkene"}, "application/json"),
    )
    region.token(KRINGLOOP)
    held = region.parties[KRINGLOOP].token
    rotate(region, KRINGLOOP)
    for call in calls:
        answer = region.call(KRINGLOOP, *call)
        assert (answer.status, answer.code) == (401, "TOKEN_ONGELDIG"), call[:2]
    region.parties[KRINGLOOP].token_until = 0.0
    assert region.token(KRINGLOOP) != held
    assert region.call(KRINGLOOP, "GET", f"/v1/toestemmingen/{given}").status == 200
    assert region.send(KRINGLOOP, event).status == 202
    assert region.token(ONTWIKKELBEDRIJF) and region.fetch(ONTWIKKELBEDRIJF)  # nobody else's token


def test_keys_that_are_replaced_during_a_call_end_it_in_its_transaction(region: Region) -> None:
    """A poll that waits, an act that was admitted a moment before."""
    system = region.parties[KRINGLOOP].system
    person, _ = region.reporting()
    with region.core.engine.connect() as connection:
        found = system_by_name(connection, system)
    assert found is not None
    before = Asker(Oin(KRINGLOOP), system, keys=keys_digest(found.jwks))
    single(region.core.transactions, lambda tx: require_active(tx.connection, before, tx.now))  # the control
    rotate(region, KRINGLOOP)
    with pytest.raises(TokenInvalid):
        single(region.core.transactions, lambda tx: require_active(tx.connection, before, tx.now))
    with pytest.raises(TokenInvalid):
        region.hub.mailbox.fetch(before, 0, 10, 0.0)
    with pytest.raises(TokenInvalid):
        region.hub.statements.stop(before, person.refs[KRINGLOOP])


def test_a_token_of_before_tokens_named_their_keys_holds_its_fifteen_minutes(region: Region) -> None:
    """During an upgrade two versions serve side by side; what the older one gave out must not lock partners out."""
    party = region.parties[KRINGLOOP]
    grant = tokens.Grant(party.system, Oin(KRINGLOOP), frozenset(SCOPES.split()))
    now = region.clock.now()
    party.token = tokens.issue(region.hub.keyring.token_key, region.settings.base_url, grant, now, "1")
    party.token_until = region.seconds() + 600
    assert region.call(KRINGLOOP, "GET", "/v1/toestemmingen").status == 200
