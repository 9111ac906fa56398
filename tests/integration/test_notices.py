"""Notices of the hub are released by the same rules of evidence and channel as everything else that leaves it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, func, select, update

from consent.log.tables import ledger_entry, ledger_payload, ledger_pending
from contracts.identity import Oin
from hub.administration import forms, parties
from hub.delivery.states import State
from hub.ledger.replay.entries import entries
from hub.store.database import reading, snapshot
from hub.store.region import subscriptions
from hub.store.tables import delivery, mandate
from hub.store.traffic import outbox
from hub.store.traffic.outbox import Heads
from tests.acceptance.test_promises_10_log import broken_log
from tests.partners import SCOPES, Person
from tests.region import Region
from tests.samples import KRINGLOOP, ONTWIKKELBEDRIJF
from tests.unit.delivery.world import OTHER, RECEIVER, SENDER, World, wait_until
from tests.webhook import Webhook

NOTICE, REPORT = "grondslag.vervallen", "voortgang.gemeld"
NAMED = f"nl.doorstroomhub.{NOTICE}.v1"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    made = Webhook()
    yield made
    made.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path: Path, webhook: Webhook) -> Iterator[Region]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    made = Region(tmp_path, url, webhooks=[webhook.port])
    yield made
    made.stop()


def reported(region: Region) -> tuple[Person, str]:
    """Somebody about whom a report went out, and the statement under which it did."""
    person, given = region.reporting()
    region.send(KRINGLOOP, region.report(person)).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    return person, given


def leaves(region: Region, kind: str) -> list[dict[str, Any]]:
    """What the log says of this sort about notices, in order."""
    region.wait_signed()
    with snapshot(region.core.engine) as connection:
        told = [entry.payload for entry in entries(connection, region.core.key_store) if entry.payload]
    return [one for one in told if one["soort"] == kind and one.get("kennisgeving")]


def notice(region: Region) -> Row[Any]:
    """The delivery of the one notice there is."""
    with reading(region.core.engine) as connection:
        return connection.execute(select(delivery).where(delivery.c.notice)).one()


def size(region: Region) -> int:
    """How much the log holds, with what waits for its place and what lies beside it."""
    with reading(region.core.engine) as connection:
        return sum(
            connection.scalar(select(func.count()).select_from(t)) or 0
            for t in (ledger_entry, ledger_pending, ledger_payload)
        )


def given(region: Region, who: str = ONTWIKKELBEDRIJF) -> list[str]:
    return [event["type"] for event in region.fetch(who)]


# -- in the log -----------------------------------------------------------------------------------------------------
def test_the_release_of_a_notice_is_in_the_log_once(region: Region) -> None:
    _, statement = reported(region)
    region.withdraw(KRINGLOOP, statement)
    assert leaves(region, "vrijgave") == []  # the control: made, and not yet released
    assert given(region) == given(region) == [NAMED]
    (leaf,) = leaves(region, "vrijgave")
    row = notice(region)
    assert leaf.pop("op") is not None
    assert leaf == {
        "v": 1,
        "soort": "vrijgave",
        "berichtId": row.message_id,
        "ontvanger": ONTWIKKELBEDRIJF,
        "uitkomst": "toegestaan",
        "gegeven": [],
        "kennisgeving": True,
    }


def test_the_stop_of_a_notice_is_in_the_log(region: Region, webhook: Webhook) -> None:
    _, statement = reported(region)
    region.subscribe(ONTWIKKELBEDRIJF, webhook.url)
    region.suspend(ONTWIKKELBEDRIJF)
    region.withdraw(KRINGLOOP, statement)
    wait_until(lambda: bool(notice(region).state == "gestopt"))
    (leaf,) = leaves(region, "stop")
    assert (leaf["ontvanger"], leaf["uitkomst"], leaf["reden"]) == (
        ONTWIKKELBEDRIJF,
        "tegengehouden",
        "ontvanger-niet-actief",
    )
    assert leaf["berichtId"] == notice(region).message_id
    assert (webhook.calls(), leaves(region, "vrijgave")) == ([], [])


# -- and nothing without it -----------------------------------------------------------------------------------------
def refused(region: Region, *hidden: str) -> None:
    answer = region.call(ONTWIKKELBEDRIJF, "GET", "/v1/postvak/berichten")
    assert (answer.status, answer.code) == (503, "LOG_NIET_BESCHIKBAAR") and "retry-after" in answer.headers
    assert not any(one.encode() in answer.body for one in hidden)


def test_without_a_log_the_mailbox_gives_no_notice(region: Region) -> None:
    """Neither the first time, nor again though that needs no leaf."""
    _, statement = reported(region)
    region.withdraw(KRINGLOOP, statement)
    with broken_log(region):
        refused(region, NOTICE)
        assert notice(region).state == "wachtend"
    first = region.fetch(ONTWIKKELBEDRIJF)
    with broken_log(region):
        refused(region, NOTICE)
    assert region.fetch(ONTWIKKELBEDRIJF) == first != []


def test_without_a_log_the_mailbox_gives_nothing_again(region: Region) -> None:
    person, statement = region.reporting()
    region.fetch(ONTWIKKELBEDRIJF)
    event = region.report(person)
    region.send(KRINGLOOP, event).expect(202)
    first = region.fetch(ONTWIKKELBEDRIJF)
    assert event["id"] in [one["id"] for one in first]
    region.wait_signed()
    before = size(region)
    assert region.fetch(ONTWIKKELBEDRIJF) == first
    assert size(region) == before  # what was tried to see that the log can be written is not in it
    with broken_log(region):
        refused(region, event["id"])
    assert region.fetch(ONTWIKKELBEDRIJF) == first
    region.withdraw(KRINGLOOP, statement)
    assert [e["type"].split(".", 2)[2] for e in region.fetch(ONTWIKKELBEDRIJF)] == [
        "bericht.ingetrokken.v1",
        f"{NOTICE}.v1",
    ]
    region.call(
        ONTWIKKELBEDRIJF,
        "POST",
        "/v1/postvak/bevestigingen",
        {"berichten": [{"sequence": "2", "uitkomst": "verwerkt"}]},
    ).expect(204)
    with broken_log(region):  # also not that it was withdrawn
        refused(region, "bericht.ingetrokken")
    assert given(region) == ["nl.doorstroomhub.bericht.ingetrokken.v1"]


# -- which channel --------------------------------------------------------------------------------------------------
def allow(region: Region, who: str, scopes: str = SCOPES, kinds: list[str] | None = None) -> None:
    """A machtiging in place of the one there was."""
    form = {"organisatie": who, "systeem": region.parties[who].system, "scopes": scopes.split()}
    region.mandates[who] = region.operate(
        parties.add_mandate, forms.mandate(form | ({} if kinds is None else {"soorten": kinds}))
    ).id


def due(region: Region) -> bool:
    """Whether a push worker would find anything."""
    with reading(region.core.engine) as connection:
        return bool(outbox.heads(connection, Heads(Oin(ONTWIKKELBEDRIJF), None, 1), region.clock.now(), rung=True))


def pushed_to(region: Region, webhook: Webhook) -> str:
    """A report that was pushed; its statement."""
    person, statement = region.reporting()
    region.collect(ONTWIKKELBEDRIJF)
    region.subscribe(ONTWIKKELBEDRIJF, webhook.url)
    region.send(KRINGLOOP, region.report(person)).expect(202)
    wait_until(lambda: [e["type"] for e in webhook.events()] == [f"nl.doorstroomhub.{REPORT}.v1"])
    return statement


@pytest.mark.parametrize("left", ["", "kandidaten:beheren"], ids=["ended", "no longer receives"])
def test_a_systeem_whose_machtiging_ended_is_pushed_no_notice(region: Region, webhook: Webhook, left: str) -> None:
    """It is not lost either: the next systeem that may receive finds it in the mailbox."""
    statement = pushed_to(region, webhook)
    region.end_mandate(ONTWIKKELBEDRIJF)
    if left:
        allow(region, ONTWIKKELBEDRIJF, left)
    region.withdraw(KRINGLOOP, statement)
    wait_until(lambda: bool(notice(region).channel == "postvak" and notice(region).lease_token is None))
    row = notice(region)
    assert (row.state, row.attempts, row.released_at, due(region)) == ("wachtend", 0, None, False)
    region.hub.relay.ring_due()
    assert len(webhook.calls()) == 1 and leaves(region, "vrijgave") == []
    allow(region, ONTWIKKELBEDRIJF)
    assert given(region) == [NAMED]  # though its subscription is for every kind
    assert len(webhook.calls()) == 1
    region.acknowledge(ONTWIKKELBEDRIJF, region.fetch(ONTWIKKELBEDRIJF)[-1]["sequence"])
    assert notice(region).state == "bevestigd"


@pytest.mark.parametrize("kinds", [None, [REPORT]], ids=["every kind", "of other kinds"])
def test_a_systeem_that_may_receive_is_pushed_the_notice(
    region: Region, webhook: Webhook, kinds: list[str] | None
) -> None:
    """The control; the soorten of a machtiging do not bound notices, whatever the channel."""
    statement = pushed_to(region, webhook)
    if kinds is not None:
        region.end_mandate(ONTWIKKELBEDRIJF)
        allow(region, ONTWIKKELBEDRIJF, kinds=kinds)
    region.withdraw(KRINGLOOP, statement)
    wait_until(lambda: webhook.events()[-1]["type"] == NAMED)
    assert len(leaves(region, "vrijgave")) == 1
    assert given(region) == []  # what is pushed does not lie in the mailbox


def test_a_notice_that_a_dead_worker_had_released_goes_to_the_mailbox(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.organisations(SENDER, RECEIVER, OTHER)
    hook = Webhook()
    world.allowed.add(("127.0.0.1", hook.port))
    world.subscribe(RECEIVER, hook.url)
    try:
        (one,) = world.accept(RECEIVER, ["a"])
        world.set(one, state=State.RELEASED.value, channel="push", attempts=1, lease_token="dead")
        world.set(one, released_at=world.clock.now(), revealed=[], lease_until=world.clock.now())
        world.write(lambda tx: tx.connection.execute(update(mandate).values(ended_at=tx.now)))
        world.start()
        wait_until(lambda: world.row(one).channel == "postvak" and world.row(one).lease_token is None)
        assert (world.state(one), world.row(one).attempts, hook.calls()) == (State.WAITING, 1, [])
        world.write(lambda tx: tx.connection.execute(update(mandate).values(ended_at=None)))
        world.advance(60)
        assert hook.calls() == []  # its channel was chosen
        world.write(lambda tx: subscriptions.let_go(tx.connection, RECEIVER, tx.now))
        world.advance(1)
        wait_until(lambda: world.state(one) is State.CONFIRMED)  # the control: a subscription made anew chooses again
    finally:
        world.stop()
        hook.close()
