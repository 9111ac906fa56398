"""The log tells where each organisation is pushed to: an address that was changed by hand is found."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from consent.verify.report import Report
from contracts.identity import Oin
from hub.ledger.evidence import Fact, subscribed, unsubscribed
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.store.database import snapshot
from hub.store.tables import subscription
from tests.region import Region, region_on
from tests.samples import GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF, WOONZORG
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

KINDS = {"doorstroom.gemeld", "voortgang.gemeld"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    """One who subscribed, one who did so twice, one who ended it, and one whose address ended it by its answer."""
    hook, gone = Webhook(), Webhook(status=410)
    try:
        with region_on(request, tmp_path_factory.mktemp("abonnementen"), [hook.port, gone.port]) as made:
            person, _ = made.reporting()  # while its messages are still fetched
            made.subscribe(GEMEENTE, hook.url, KINDS)
            made.subscribe(KRINGLOOP, hook.url, KINDS)
            made.subscribe(KRINGLOOP, f"{hook.url}/nieuw")
            made.subscribe(WOONZORG, hook.url)
            for _ in range(2):  # the second time there is nothing to end
                made.call(WOONZORG, "DELETE", "/v1/abonnement").expect(204)
            made.subscribe(ONTWIKKELBEDRIJF, gone.url)
            made.send(KRINGLOOP, made.report(person)).expect(202)
            wait_until(lambda: made.call(ONTWIKKELBEDRIJF, "GET", "/v1/abonnement").status == 404)
            yield made
    finally:
        hook.close()
        gone.close()


def look(region: Region) -> Report:
    with snapshot(region.core.engine) as connection:
        return check(connection, region.core.key_store)[0]


def told(connection: Connection, region: Region) -> list[dict[str, Any]]:
    opened = (entry.payload or {} for entry in entries(connection, region.core.key_store))
    return [said for said in opened if str(said.get("soort")).startswith("abonnement")]


def test_what_happened_is_what_stands_there(region: Region) -> None:
    assert look(region).findings == []


def test_each_change_is_one_entry_and_no_address_nor_secret_is_in_it(region: Region) -> None:
    with snapshot(region.core.engine) as connection:
        said = told(connection, region)
        rows = connection.execute(select(subscription)).all()
    assert [(one["soort"], one["organisatie"], "systeem" in one) for one in said] == [
        ("abonnement", GEMEENTE, True),
        ("abonnement", KRINGLOOP, True),
        ("abonnement", KRINGLOOP, True),
        ("abonnement", WOONZORG, True),
        ("abonnement-beeindigd", WOONZORG, True),
        ("abonnement", ONTWIKKELBEDRIJF, True),
        ("abonnement-beeindigd", ONTWIKKELBEDRIJF, False),
    ]
    assert said[0]["soorten"] == sorted(KINDS)
    assert {row.organisation for row in rows} == {GEMEENTE, KRINGLOOP}
    for row in rows:
        (*_, last) = (one for one in said if one["organisatie"] == row.organisation)
        assert last["urlSha256"] == sha256(row.url.encode()).hexdigest()
        assert row.url not in str(said) and row.secret_sealed.hex() not in str(said)
    assert {name for one in said for name in one} == {
        "v",
        "soort",
        "op",
        "organisatie",
        "systeem",
        "urlSha256",
        "soorten",
    }


def test_a_refused_subscription_leaves_no_entry(region: Region) -> None:
    """What was refused in the deciding transaction is not told, and the one that stands still is."""
    with snapshot(region.core.engine) as connection:
        before = told(connection, region)
    region.call(GEMEENTE, "PUT", "/v1/abonnement", {"url": "https://10.1.2.3/x"}).expect(400)
    with snapshot(region.core.engine) as connection:
        assert told(connection, region) == before
    assert look(region).findings == []


@pytest.mark.parametrize(("port", "when"), [("commit", "before"), ("commit", "after"), ("keys.ensure", "before")])
def test_the_change_and_its_entry_are_one_transaction(region: Region, port: str, when: str) -> None:
    """A commit that fails, or whose answer is lost, leaves both or neither; no entry, no change."""
    query = select(subscription).where(subscription.c.organisation == GEMEENTE)
    with snapshot(region.core.engine) as connection:
        before = connection.execute(query).one()
    region.faults.arm(port, when)
    answer = region.call(GEMEENTE, "PUT", "/v1/abonnement", {"url": before.url, "soorten": sorted(KINDS)})
    tripped = region.faults.tripped(port, when)
    region.faults.disarm()
    with snapshot(region.core.engine) as connection:
        after = connection.execute(query).one()
    assert tripped
    if port == "keys.ensure":
        assert answer.status >= 500
        assert after == before
    assert look(region).findings == []


#: Every column that the log tells of, with another value.
OTHER: dict[str, Any] = {
    "organisation": MBO,
    "url": "https://elders.example.nl/haak",
    "kinds": ["doorstroom.gemeld"],
    "made_at": timedelta(milliseconds=1),
}


@pytest.mark.parametrize("who", [GEMEENTE, KRINGLOOP])
@pytest.mark.parametrize("column", [*OTHER, "system", "every kind"])
def test_a_column_that_was_changed_by_hand_is_found(region: Region, column: str, who: str) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(subscription).where(subscription.c.organisation == who)).one()
        values = {column: OTHER.get(column)}
        if column == "made_at":
            values = {column: row.made_at + OTHER[column]}
        elif column == "system":
            values = {column: region.parties[MBO].system}
        elif column == "every kind":
            values = {"kinds": None if row.kinds is not None else sorted(KINDS)}
        connection.execute(update(subscription).where(subscription.c.organisation == who).values(values))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    moved = {
        f"subscription {who}": "het logboek kent dit, de tabel niet",
        f"subscription {MBO}": "het logboek weet hier niet van",
    }
    changed = {f"subscription {who}": "de tabel is anders dan het logboek zegt"}
    assert {f.place: f.reason for f in report.findings} == (moved if column == "organisation" else changed)


def test_a_row_that_is_gone_or_invented_is_found(region: Region) -> None:
    """Gone: what should be pushed waits. Invented: it goes to an address that nobody named; also after an end."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(subscription).where(subscription.c.organisation == GEMEENTE)).one()
        connection.execute(delete(subscription).where(subscription.c.organisation == GEMEENTE))
        for invented in (MBO, WOONZORG):
            connection.execute(insert(subscription).values(dict(row._mapping) | {"organisation": invented}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert {f.place: f.reason for f in report.findings} == {
        f"subscription {GEMEENTE}": "het logboek kent dit, de tabel niet",
        f"subscription {MBO}": "het logboek weet hier niet van",
        f"subscription {WOONZORG}": "het logboek weet hier niet van",
    }


def test_who_ends_a_subscription_that_was_written_by_hand_leaves_a_trace(region: Region) -> None:
    """The row is gone then, and the entry of its end has no beginning."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        at = connection.scalar(select(subscription.c.made_at).where(subscription.c.organisation == GEMEENTE))
        assert at is not None
        said = unsubscribed(Oin(MBO), region.parties[MBO].system, at)
        region.core.evidence.append(connection, [Fact(None, said)])
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    (found,) = report.findings
    assert "een abonnement dat het logboek niet kent" in found.reason


@pytest.mark.parametrize("may", [True, False])
def test_a_systeem_without_a_machtiging_subscribes_nobody(region: Region, may: bool) -> None:
    """Written as the hub writes it, by another's systeem: somebody had given it a machtiging for that moment only."""
    system = region.parties[GEMEENTE if may else MBO].system
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        same = subscription.c.organisation == GEMEENTE
        connection.execute(update(subscription).where(same).values(system=system))
        row = connection.execute(select(subscription).where(same)).one()
        region.core.evidence.append(connection, [Fact(None, subscribed(dict(row._mapping)))])
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert [f.reason for f in report.findings] == ([] if may else ["een abonnement van een systeem zonder machtiging"])


def test_a_new_subscription_is_told_anew(region: Region) -> None:
    """The control of the columns: what the organisation itself changes is no finding."""
    with snapshot(region.core.engine) as connection:
        url = connection.scalar(select(subscription.c.url).where(subscription.c.organisation == KRINGLOOP))
    region.subscribe(KRINGLOOP, str(url).removesuffix("/nieuw"), KINDS)
    assert look(region).findings == []
    region.subscribe(KRINGLOOP, str(url))
    assert look(region).findings == []
