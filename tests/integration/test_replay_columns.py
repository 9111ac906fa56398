"""No column of any table is left out of the replay without a word: it is compared, or it says here why it is not."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Row, Table, delete, insert, select, text, update

from consent.log import tables as log
from consent.store import tables as facts
from hub.ledger.replay.check import check
from hub.store import tables as hub
from hub.store.database import snapshot
from hub.store.migrations import schema
from tests.integration import test_replay, test_replay_acts, test_replay_bodies, test_replay_subscriptions, test_wissing
from tests.region import Region, region_on
from tests.samples import MBO

LATER = timedelta(days=1)
HERE: Final[dict[str, Any]] = {
    f"{table.name}.{column}": (table, column, other)
    for table, column, other in (
        (hub.system, "suspended_at", LATER),
        (hub.delivery, "organisation", MBO),
        (hub.delivery, "kind", "doorstroom.gemeld"),
        (hub.delivery, "line", "0" * 32),
        (hub.delivery, "opens", "flip"),
        (hub.delivery, "notice", "flip"),
        (hub.delivery, "attempts", 9),
        (hub.delivery, "sequence", 9_999),
        (hub.delivery, "acknowledged_at", LATER),
        (hub.delivery, "message_id", "0" * 32),
        (hub.delivery, "state", "begraven"),
        (hub.attempt, "delivery_id", "0" * 32),
        (hub.attempt, "number", 9),
        (hub.attempt, "at", LATER),
        (hub.mailbox, "organisation", "new"),
        (hub.mailbox, "last_sequence", 9_999),
        (hub.mailbox, "acknowledged", 9_999),
        (facts.involvement, "opened_by", "0" * 32),
        (facts.involvement, "person_id", "other"),
        (facts.stop_flow, "at", LATER),
        (facts.release_basis, "statement_id", "0" * 32),
        (facts.release_basis, "delivery_id", "0" * 32),
        (facts.person, "erased_at", LATER),
        (hub.identity_request, "person_id", "other"),
        (hub.recall, "message_id", "0" * 32),
        (hub.recall, "organisation", MBO),
        (hub.recall, "reason", "onjuist"),
        (hub.recall, "receivers", [MBO]),
        (hub.recall, "stopped", [MBO]),
        (hub.recall, "discovered_at", LATER),
        (hub.recall, "at", LATER),
    )
}
#: Tested elsewhere, each with a row of its own.
ELSEWHERE: Final = (
    set(test_replay.COLUMNS)
    | {f"{table.name}.{column}" for table, column in test_replay_acts.CHANGED}
    | {f"subscription.{column}" for column in (*test_replay_subscriptions.OTHER, "system")}
    | {f"message.{column}" for column in test_replay_bodies.MESSAGE}
    | {f"message_key.{column}" for column in (*test_replay_bodies.KEY, "message_id")}
    | {f"placement.{column}" for column in test_replay_bodies.PLACEMENT}
    | {f"{table.name}.{c.name}" for table in (hub.person_bsn, hub.local_number) for c in table.columns}
    | {f"case_file.{column}" for column in test_replay.ZAKEN}
    | {f"erasure_request.{column}" for column in (*test_wissing.COLUMNS, *test_wissing.MOMENTS)}
    | {f"person_ref.{column}" for column in ("ref", "organisation", "person_id")}  # exchanged, gone, invented
    | {"person_ref.erased_at", "delivery.recipient"}  # tests/integration/test_erasing.py
    | {f"death.{column}" for column in ("person_id", "organisation", "at", "recalled_at")}  # test_closing.py
    | {f"involvement.{column}" for column in ("closed_by", "closed_at", "planned_until", "told_at")}  # test_closing.py
    | {f"erasure.{column}" for column in ("persons", "organisation", "evidence", "reason", "messages", "at", "done_at")}
    | {f"stop_answer.{column}" for column in ("answer", "at")}
)
SEALED: Final = "words of people, sealed: the log holds no more than their digest, and what does not open is not shown"
#: What no comparison sees, and why that is borne.
EXCLUDED: Final[dict[str, str]] = {
    **dict.fromkeys(("organisation.added_at", "system.added_at", "mandate.added_at"), "is only shown"),
    "mandate.system": "with its organisation: a row moved to another systeem is told as another machtiging",
    "agreement.party_a": "a party that was exchanged is told as another set of parties",
    "agreement.party_b": "as party_a",
    "ground.agreement_id": "a ground moved to another agreement is told as another ground",
    "person_ref.registered_at": "who registered stands in the log; when, is only shown",
    "message.seq": "the order of acceptance: an id of the database",
    "delivery.seq": "the order within a line: an id of the database",
    "delivery.overtakes": "also set by a replay of what was buried, of which the log does not tell",
    "delivery.channel": "chosen anew at each release, and told by nobody",
    **dict.fromkeys(("delivery.next_at", "delivery.lease_token", "delivery.lease_until"), "the hub's own pace"),
    "delivery.ended_at": "shown to officers; what the log knows of an end is its state",
    "delivery.reason": "as ended_at",
    "delivery.reply_sealed": SEALED,
    "attempt.channel": "as delivery.channel",
    "attempt.outcome": "what an address answered: the log tells only of an acknowledgement",
    "subscription.secret_sealed": "opens for its organisation and address alone: else nothing leaves",
    **dict.fromkeys(("statement.authority_sealed", "statement.reason_sealed", "objection.reason_sealed"), SEALED),
    **dict.fromkeys(("notice_text.reason_sealed", "case_file.explanation_sealed"), SEALED),
    **dict.fromkeys(("identity_request.reason_sealed", "erasure_request.reference_sealed"), SEALED),
    "recall.meant_for": "a ref that its sender named to itself",
    "erasure.person_id": "under whose key the entry lies: `persons` is compared",
    "erasure.keys": "a count that is only shown",
    "erasure.entry_id": "finds the entry that is compared by its id",
    "erasure_request.person_id": "whom it erases stands in `erasure`, and is compared",
    "erasure_request.ref": "by which a repeat is known",
    "erasure_request.due_at": "the term of the law: it follows from `at`",
}
#: Tables of which no row tells of a person, an agreement or a message.
NOT_COMPARED: Final = {
    "installation": "the hub's own marks: its name, its clock, its keys; each is checked where it is used",
    "client_assertion": "statements of systems that were used: minutes old",
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("kolommen")) as made:
        test_replay.history(made)
        guide, sender = made.pair()
        person, _ = made.reporting(guide, sender)
        sent = made.send(sender, made.report(person, sender)).expect(202)["ontvangstbewijs"]["berichtId"]
        form = {"reden": "verkeerde-persoon"}
        made.call(sender, "POST", f"/v1/berichten/{sent}/terugroeping", form).expect(200)
        made.wait_signed()
        yield made


def test_every_column_is_compared_or_says_why_not() -> None:
    """A new column fails here until somebody decides; and what is excluded is not compared by accident."""
    ours = {table.name for table in (log.ledger_entry, log.ledger_payload, log.ledger_node, log.checkpoint)}
    ours |= {log.ledger_pending.name}  # tests/unit/consent_log/test_rows.py
    columns = {
        f"{table.name}.{column.name}"
        for table in schema.target().sorted_tables
        if table.name not in ours and table.name not in NOT_COMPARED
        for column in table.columns
        # Which row it is: who changes that takes one away and invents another, and both are found.
        if not (column.primary_key and len(table.primary_key) == 1) or column.name == "seq"
    }
    keys = {
        f"{table.name}.{column.name}"
        for table in (facts.notice_text, facts.statement_part, facts.stop_flow, facts.stop_answer, hub.held_apart)
        for column in table.primary_key
    }
    keys |= {"message.message_id", "delivery.delivery_id"}
    compared = set(HERE) | ELSEWHERE | keys
    assert columns - compared - EXCLUDED.keys() == set()
    assert EXCLUDED.keys() - columns == set() and EXCLUDED.keys() & set(HERE) == set()


def found(connection: Connection, region: Region) -> set[tuple[str, str]]:
    return {(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings}


def by_hand(connection: Connection, row: Row[Any], column: str, other: Any) -> Any:
    value = row._mapping[column]
    if isinstance(other, timedelta):
        return value + other if value is not None else other + row_time(connection)
    if other == "flip":
        return not value
    if other == "new":
        return connection.scalar(
            select(hub.organisation.c.oin).where(hub.organisation.c.oin.not_in(select(hub.mailbox.c.organisation)))
        )
    if other == "other":
        return connection.scalar(select(facts.person.c.person_id).where(facts.person.c.person_id != value).limit(1))
    return other


def row_time(connection: Connection) -> Any:
    return connection.scalar(select(hub.message.c.accepted_at).limit(1))


def rows_of(connection: Connection, table: Table, column: str) -> list[Row[Any]]:
    query = select(table).order_by(*table.primary_key)
    if column in ("sequence", "acknowledged_at", "opened_by") and table.c[column].nullable:
        query = query.where(table.c[column].is_not(None))
    if (table, column) in ((facts.stop_flow, "at"),):
        query = query.where(table.c.at.is_not(None))
    if (table, column) == (hub.delivery, "state"):
        query = query.where(table.c.state == "bevestigd")
    return list(connection.execute(query).all())


def test_nothing_is_found_when_nothing_was_changed(region: Region) -> None:
    with snapshot(region.core.engine) as connection:
        assert found(connection, region) == set()


@pytest.mark.parametrize("name", HERE)
def test_a_column_that_was_changed_by_hand_is_found(region: Region, name: str) -> None:
    table, column, other = HERE[name]
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = rows_of(connection, table, column)[0]
        same = [key == row._mapping[key.name] for key in table.primary_key]
        value = by_hand(connection, row, column, other)
        assert value != row._mapping[column]
        assert connection.execute(update(table).where(*same).values({column: value})).rowcount == 1
        places = {place for place, _ in found(connection, region)}
        attempt.rollback()
    assert places, f"nobody saw that {name} was changed"


@pytest.mark.parametrize("table", [hub.attempt, hub.mailbox, hub.recall], ids=str)
def test_a_row_that_is_gone_is_found(region: Region, table: Table) -> None:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(table)).first()
        assert row is not None
        connection.execute(delete(table).where(*(key == row._mapping[key.name] for key in table.primary_key)))
        places = {place for place, _ in found(connection, region)}
        attempt.rollback()
    assert places


def test_what_a_mailbox_passed_over_by_hand_is_found(region: Region) -> None:
    """It would never be given, and nobody acknowledged it."""
    guide, sender = region.pair()
    person, _ = region.reporting(guide, sender)
    region.send(sender, region.report(person, sender)).expect(202)
    assert region.fetch(guide)
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        mine = hub.mailbox.c.organisation == guide
        connection.execute(update(hub.mailbox).where(mine).values(acknowledged=hub.mailbox.c.last_sequence))
        reasons = {reason for _, reason in found(connection, region)}
        attempt.rollback()
    assert reasons == {"mailbox.acknowledged: overgeslagen, en nooit bevestigd"}


#: By table and column: what no reader can read.
UNREADABLE: Final = (
    *(("delivery", "revealed", "'[\"identiteit'"), ("agreement", "kinds", "'{'"), ("statement", "purposes", "'['")),
    *(("case_file", "messages", "'nee'"), ("subscription", "kinds", "'['"), ("system", "jwks", "'5'")),
    *(("message", "accepted_at", "9223372036854775807"), ("delivery", "released_at", "9223372036854775807")),
    *(("stop", "at", "9223372036854775807"), ("involvement", "valid_from", "-9223372036854775807")),
    *(("held_apart", "since", "9223372036854775807"), ("attempt", "at", "9223372036854775807")),
    *(("mandate", "scopes", "'5'"), ("identity_request", "crossed", "'['")),
)


@pytest.mark.parametrize(("table", "column", "value"), UNREADABLE, ids=lambda value: str(value)[:12])
def test_what_cannot_be_read_is_told_by_row_and_column(region: Region, table: str, column: str, value: str) -> None:
    """And what is wrong elsewhere is told beside it."""
    target = schema.target().tables[table]
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        if table == "subscription":
            made = {"organisation": MBO, "system": region.parties[MBO].system, "url": "https://x", "kinds": None}
            made |= {"secret_sealed": b"x", "made_at": row_time(connection)}
            connection.execute(insert(hub.subscription).values(made))
        keys = {"message": ["message_id"], "delivery": ["delivery_id"]}.get(
            table, [key.name for key in target.primary_key]
        )
        row = connection.execute(select(*(target.c[key] for key in keys)).limit(1)).first()
        assert row is not None
        same = [target.c[key] == part for key, part in zip(keys, row, strict=True)]
        connection.execute(update(target).where(*same).values({column: text(value)}))
        connection.execute(update(hub.organisation).where(hub.organisation.c.oin == MBO).values(name="Een ander"))
        findings = found(connection, region)
        attempt.rollback()
    place = f"{table} {'/'.join(map(str, row))}"
    assert any(where == place and column in what and "onleesbaar" in what for where, what in findings)
    assert any(where == f"organisation {MBO}" for where, _ in findings)
