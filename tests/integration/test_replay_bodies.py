"""Messages, what they are known by and where they place whom: what was exchanged or moved by hand is found."""

import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Row, Table, delete, insert, select, update

from contracts.identity import Oin
from hub.keys.messages import body_aad, body_key, receipt_aad
from hub.keys.sealing import seal, unseal
from hub.ledger.replay.check import check
from hub.store.database import snapshot
from hub.store.tables import message, message_key, placement
from tests.integration.test_replay import history
from tests.region import Region, region_on
from tests.samples import MBO, WOONZORG

LATER = timedelta(days=1)
#: Of each column another value, as a hand would write it.
MESSAGE: dict[str, Any] = {
    "person_id": "0" * 32,
    "organisation": MBO,
    "system": "ander",
    "event_id": "een-ander",
    "kind": "doorstroom.gemeld",
    "purpose": "inkoop",
    "trajectory_id": "0" * 32,
    "recipient": MBO,
    "accepted_at": LATER,
    "body": b"x" * 64,
    "receipt": b"x" * 64,
    "entry_id": "0" * 32,
    "case_id": "0" * 32,
    "bsn_index": b"x" * 32,
    "lapsed_at": LATER,
    "lapse_entry": "0" * 32,
}
KEY: dict[str, Any] = {"organisation": WOONZORG, "system": "ander", "event_id": "een-ander", "digest": b"x" * 32}
PLACEMENT: dict[str, Any] = {"placement_id": "een-andere", "person_id": "0" * 32, "workplace": MBO}
PLACEMENT |= {"workplace_role": "woonzorg"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("inhoud")) as made:
        history(made)
        yield made


def found(connection: Connection, region: Region) -> set[tuple[str, str]]:
    return {(one.place, one.reason) for one in check(connection, region.core.key_store)[0].findings}


def by_hand(region: Region, *acts: Any) -> set[tuple[str, str]]:
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        for act in acts:
            connection.execute(act)
        places = found(connection, region)
        attempt.rollback()
    return places


def rows(region: Region, table: Table) -> list[Row[Any]]:
    with snapshot(region.core.engine) as connection:
        return list(connection.execute(select(table).order_by(*table.primary_key)))


def own(region: Region) -> list[Row[Any]]:
    """Messages of partners, whose content is there still."""
    return [row for row in rows(region, message) if row.case_id is None and row.body]


def test_what_happened_is_what_stands_there(region: Region) -> None:
    with snapshot(region.core.engine) as connection:
        assert found(connection, region) == set()
    assert len(own(region)) > 5 and rows(region, placement)
    assert any(row.bsn_index for row in own(region)) and any(row.case_id for row in rows(region, message))


@pytest.mark.parametrize("column", sorted({c.name for c in message.columns} - {"seq", "message_id"}))
def test_a_column_of_a_message_that_was_changed_by_hand_is_found(region: Region, column: str) -> None:
    """In each of them by itself, notices too."""
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        all_ = connection.execute(select(message)).all()
        for row in all_:
            other = MESSAGE[column]
            value = (row._mapping[column] or row.accepted_at) + other if isinstance(other, timedelta) else other
            same = message.c.message_id == row.message_id
            connection.execute(update(message).where(same).values({column: value}))
        places = {place for place, _ in found(connection, region)}
        attempt.rollback()
    assert {f"message {row.message_id}" for row in all_} <= places


@pytest.mark.parametrize("column", sorted({c.name for c in message_key.columns} - {"message_id"}))
def test_what_a_repeat_is_known_by_must_be_as_it_was(region: Region, column: str) -> None:
    """Else a repeat is refused as another message, or another message is taken for one that was sent."""
    for row in rows(region, message_key):
        if column == "digest" and row.digest is None:
            continue  # a notice has none
        same = message_key.c.message_id == row.message_id
        places = {place for place, _ in by_hand(region, update(message_key).where(same).values({column: KEY[column]}))}
        assert places == {f"message {row.message_id}"}
        break


def test_an_id_that_was_taken_by_hand_is_found(region: Region) -> None:
    """Its sender would be told that it sent another message under that id."""
    row = own(region)[0]
    taken = {
        "organisation": row.organisation,
        "system": row.system,
        "event_id": "nog-te-zenden",
        "message_id": "f" * 32,
    }
    place = f"message_key {'f' * 32}", "de tabel van berichten kent dit bericht niet"
    assert by_hand(region, insert(message_key).values(taken)) == {place}


def test_a_body_or_receipt_that_was_exchanged_for_another_is_found(region: Region) -> None:
    """Each is sealed for its own place, so that another's does not open there."""
    one, other, *_ = own(region)
    same = message.c.message_id == one.message_id
    place = f"message {one.message_id}"
    assert by_hand(region, update(message).where(same).values(body=other.body)) == {
        (place, "body: de opgeslagen inhoud opent niet")
    }
    assert by_hand(region, update(message).where(same).values(receipt=other.receipt)) == {
        (place, "receipt: het ontvangstbewijs is niet dat van dit bericht")
    }


def test_a_body_or_receipt_that_somebody_with_a_key_wrote_is_found(region: Region) -> None:
    """The control of the digests: it opens, and it is not what was decided on."""
    row = own(region)[0]
    name = body_key(row.person_id, Oin(row.organisation))
    key = region.core.key_store.find([name])[name]
    same, place = message.c.message_id == row.message_id, f"message {row.message_id}"
    event = unseal(key, row.body, body_aad(row.message_id)).replace(b'"specversion":"1.0"', b'"specversion":"1.1"')
    forged = seal(key, event, body_aad(row.message_id), os.urandom)
    assert (place, "body: de inhoud is niet die waarover is besloten") in by_hand(
        region, update(message).where(same).values(body=forged)
    )
    receipt = unseal(key, row.receipt, receipt_aad(row.message_id)).replace(b'"digest":"', b'"digest":"0')
    sealed = seal(key, receipt, receipt_aad(row.message_id), os.urandom)
    assert by_hand(region, update(message).where(same).values(receipt=sealed)) == {
        (place, "receipt: het ontvangstbewijs is niet dat van dit bericht")
    }


def test_a_bsn_put_to_a_waiting_message_is_found(region: Region) -> None:
    """By it the release would join its person with whoever the recipient registered under that BSN."""
    with_one = next(row for row in own(region) if row.bsn_index is not None)
    for row, value in ((with_one, None), (with_one, b"x" * 32), (own(region)[0], with_one.bsn_index)):
        same = message.c.message_id == row.message_id
        ((place, reason),) = by_hand(region, update(message).where(same).values(bsn_index=value))
        assert place == f"message {row.message_id}" and reason.startswith("bsn_index: ")


@pytest.mark.parametrize("column", sorted(column.name for column in placement.columns))
def test_a_placement_that_was_changed_by_hand_is_found(region: Region, column: str) -> None:
    """They decide whether a result may be one from care, and which rows are a workplace's own."""
    people = {row.person_id for row in rows(region, placement)}
    for row in rows(region, placement):
        other = PLACEMENT[column]
        if column == "person_id":
            with snapshot(region.core.engine) as connection:
                other = next(r.person_id for r in connection.execute(select(message)) if r.person_id not in people)
        elif column == "workplace_role" and row.workplace_role == other:
            other = "kringloop"
        same = [key == row._mapping[key.name] for key in placement.primary_key]
        places = {place for place, _ in by_hand(region, update(placement).where(*same).values({column: other}))}
        assert places and all(place.startswith("placement ") for place in places)
        gone = by_hand(region, delete(placement).where(*same))
        assert gone == {
            (
                f"placement van persoon {row.person_id} bij {row.workplace}",
                "het logboek kent dit, de tabel niet",
            )
        }
