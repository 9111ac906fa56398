"""Messages as they lie there: the body, the receipt and what they are known by are those that the decision was about.

While a body is there, it is opened and held against the digest that its decision binds. That digest is keyed: once the
content key is gone it says nothing, and then nothing may be left to say it of either.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from consent.keys import KeyStore, evidence_key
from contracts.identity import Oin, PersonId, Purpose
from hub.delivery.mailbox import HUB_SYSTEM
from hub.keys.messages import NOTHING, body_key, bsn_digest, keyed_digest, opened, receipt_aad
from hub.keys.sealing import SealBroken, unseal
from hub.ledger.replay.against.rows import Wrong, pages, plain, stream
from hub.ledger.replay.shelf import Shelf
from hub.store.tables import message, message_key

#: Messages in memory at once: each may be as large as a message can be.
_PAGE: Final = 100
_ROWS: Final = select(
    *(c for c in message.c if c.name not in ("seq", "lapse_entry")),
    *(message_key.c.digest, message_key.c.organisation.label("key_organisation")),
    *(message_key.c.system.label("key_system"), message_key.c.event_id.label("key_event_id")),
).outerjoin(message_key, message_key.c.message_id == message.c.message_id)
_ORPHANS: Final[Select[Any]] = (
    select(message_key.c.message_id)
    .outerjoin(message, message.c.message_id == message_key.c.message_id)
    .where(message.c.message_id.is_(None))
)
_NOT_IT: Final = "de inhoud is niet die waarover is besloten"


def _shelf() -> Shelf[dict[str, Any]]:
    return Shelf(dict, dict)


@dataclass(slots=True)
class Bodies:
    """What the log tells of each message, on disk: ``columns`` of its row, and by which digests it is bound."""

    told: Shelf[dict[str, Any]] = field(default_factory=_shelf)

    def hear(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """Take in one entry; only a decision that let a message in, and a notice, tell of one."""
        soort = said["soort"]
        if "berichtId" not in said or soort not in ("besluit", "kennisgeving"):
            return
        columns = {"person_id": person, "organisation": said["afzender"], "kind": said["bericht"]}
        columns |= {"accepted_at": said["op"], "entry_id": entry_id, "case_id": said.get("zaakId")}
        if soort == "besluit":
            columns |= {"trajectory_id": said.get("trajectId"), "recipient": said.get("genoemd")}
            columns |= {"system": said["systeem"], "purpose": said["doel"]}
        else:
            columns |= {"trajectory_id": None, "recipient": said["ontvanger"], "event_id": said["zaakId"]}
            columns |= {"system": HUB_SYSTEM, "purpose": Purpose.RECHTEN.value}
        self.told[said["berichtId"]] = {
            "columns": columns,
            "digest": said.get("digest"),
            "bsn": said.get("bsnDigest"),
            "notice": soort == "kennisgeving",
        }


def compare_bodies(connection: Connection, keys: KeyStore, told: Bodies, wrong: Wrong) -> None:
    """Row by row. What the log does not know of, or only the table, is told where deliveries are compared."""
    for rows in pages(connection, _ROWS, message.c.message_id, _PAGE):
        found = told.told.see([row.message_id for row in rows])
        known = keys.find({name for row in rows for name in _names(row, found.get(row.message_id))})
        for row in rows:
            said = found.get(row.message_id)
            for why in () if said is None else _wrong(row, said, known):
                wrong(f"message {row.message_id}", why)
    for orphan in stream(connection, _ORPHANS):
        if told.told.get(orphan.message_id) is None:  # else the message is what is missing
            wrong(f"message_key {orphan.message_id}", "de tabel van berichten kent dit bericht niet")


def _names(row: Row[Any], said: Mapping[str, Any] | None) -> tuple[str, ...]:
    own = body_key(row.person_id, Oin(row.organisation))
    if said is not None and said["notice"] and row.person_id is not None:
        return evidence_key(PersonId(row.person_id)), own
    return (own,)


def _wrong(row: Row[Any], said: Mapping[str, Any], keys: Mapping[str, bytes]) -> Iterator[str]:
    other = sorted(name for name, value in said["columns"].items() if plain(row._mapping[name]) != value)
    if other:
        yield f"de tabel is anders dan het logboek zegt: {', '.join(other)}"
    if row.key_event_id is None:
        yield "message_key ontbreekt: een herhaling zou als nieuw worden aangenomen"
    else:
        known_by = (row.key_organisation, row.key_system, row.key_event_id)
        if known_by != (row.organisation, row.system, row.event_id):
            yield "message_key: waaraan een herhaling wordt herkend, hoort bij een ander bericht"
    names = [name for name in _names(row, said) if name in keys]
    if row.body == NOTHING or row.lapsed_at is not None or not names or {"person_id", "organisation"} & set(other):
        return  # erased, or past its term, as is compared elsewhere; or under which key it lies is what was changed
    yield from _content(row, said, [keys[name] for name in names])


def _content(row: Row[Any], said: Mapping[str, Any], keys: list[bytes]) -> Iterator[str]:
    """What is wrong with what lies sealed, and with what follows from it."""
    found = next(((key, one) for key in keys if (one := opened(key, row)) is not None), None)
    if found is None:
        yield "body: de opgeslagen inhoud opent niet"
        return
    key, inside = found
    text = inside.canonical()
    if not said["notice"] and keyed_digest(key, text).hex() != said["digest"]:
        yield f"body: {_NOT_IT}"
    if row.digest is not None and row.digest.hex() != said["digest"]:
        yield "message_key.digest: waaraan een herhaling wordt herkend, is anders dan het logboek zegt"
    if (None if row.bsn_index is None else bsn_digest(key, row.bsn_index)) != said["bsn"]:
        yield "bsn_index: het burgerservicenummer waarop twee personen samengaan, is anders dan het logboek zegt"
    if inside.id != row.event_id:
        yield "event_id: de tabel is anders dan de inhoud zegt"
    if not _is_receipt(row, key, text, said):
        yield "receipt: het ontvangstbewijs is niet dat van dit bericht"


def _is_receipt(row: Row[Any], key: bytes, text: bytes, said: Mapping[str, Any]) -> bool:
    """A notice has none: what lies there says nothing."""
    with suppress(SealBroken, ValueError):
        receipt = json.loads(unseal(key, row.receipt, receipt_aad(row.message_id)))
        if said["notice"]:
            return bool(receipt == {})
        digest = sha256(text).hexdigest()
        return hmac.compare_digest(str(receipt["digest"]), digest) and receipt["berichtId"] == row.message_id
    return False
