"""The erasures that happened after a backup was made, done once more: no restore brings anybody back (promise 6).

Whom the list names loses every key; what those keys sealed is unreadable again. The log says so anew, in an entry for
each evidence key: the one that said it first may have been lost with what came after the backup.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection, select, update

from consent.keys import SYSTEM_KEY, KeyStore
from consent.log.entry import Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload
from consent.store.tables import person
from contracts import instants
from hub.keys.erasure_list import ErasureList
from hub.ledger.evidence import Fact
from hub.ledger.replay.check import named

#: What an entry is called that names entries which can no longer be read.
ERASED: Final = "vernietiging"
_PAGE: Final = 1_000


def remember(target: ErasureList, erased: Mapping[str, datetime]) -> None:
    """Put on this hub's own list what other lists name. Durable when it returns; repeating it is harmless."""
    known = target.read()
    missing = sorted((at, handle) for handle, at in erased.items() if handle not in known)
    for at, group in groupby(missing, key=lambda each: each[0]):
        target.append([handle for _, handle in group], at)


def keys_of(store: KeyStore, erased: Mapping[str, datetime]) -> dict[str, datetime]:
    """Ids of the keys that must be gone, each with the instant of its erasure.

    A person's handle stands for every key of that person, the id of a key for that key.
    """
    wanted = {handle: at for handle, at in erased.items() if "/" in handle}
    persons = {handle: at for handle, at in erased.items() if "/" not in handle}
    for key_id in store.of_persons(persons) if persons else ():
        wanted.setdefault(key_id, persons[key_id.split("/")[1]])
    return wanted


def destroy(store: KeyStore, wanted: Mapping[str, datetime]) -> None:
    """Destroy these keys, as of the instant of their erasure. Repeating it is harmless."""
    ordered = sorted((at, key_id) for key_id, at in wanted.items())
    for at, group in groupby(ordered, key=lambda each: each[0]):
        store.destroy([key_id for _, key_id in group], at)


def mark_rows(connection: Connection, erased: Mapping[str, datetime]) -> None:
    """Mark erased persons in the data as erased: their refs name nobody any more."""
    for handle, at in sorted(erased.items()):
        if "/" not in handle:
            here = (person.c.person_id == handle) & person.c.erased_at.is_(None)
            connection.execute(update(person).where(here).values(erased_at=at))


def facts(connection: Connection, store: KeyStore, at: datetime) -> list[Fact]:
    """An erase entry for each destroyed key whose entries no erase entry names as they are here.

    That is so for what was just destroyed again, and for what was destroyed between the copies of data and of keys.
    """
    gone = [ids for key_id, ids in _unreadable(connection, store)]
    told = _told(connection, store) if gone else set()
    return [Fact(None, _erase_entry(ids, at)) for ids in gone if named(ids) not in told]


def _unreadable(connection: Connection, store: KeyStore) -> Iterator[tuple[str, list[str]]]:
    """Every destroyed key under which something in the log is sealed, with the ids of those entries."""
    last = ""
    keys = select(ledger_payload.c.key_id).distinct().order_by(ledger_payload.c.key_id).limit(_PAGE)
    while page := list(connection.scalars(keys.where(ledger_payload.c.key_id > last))):
        for key_id in sorted(store.destroyed(page)):
            sealed = select(ledger_payload.c.entry_id).where(ledger_payload.c.key_id == key_id)
            yield key_id, list(connection.scalars(sealed))
        last = page[-1]


def _told(connection: Connection, store: KeyStore) -> set[str]:
    """What the erase entries in the log name."""
    key = store.find([SYSTEM_KEY])[SYSTEM_KEY]
    rows = connection.execute(
        select(ledger_entry.c.entry_id, ledger_entry.c.commitment, ledger_payload.c.nonce, ledger_payload.c.ciphertext)
        .join(ledger_payload, ledger_payload.c.entry_id == ledger_entry.c.entry_id)
        .where(ledger_payload.c.key_id == SYSTEM_KEY)
        .execution_options(yield_per=_PAGE)
    )
    opened = (json.loads(unseal(key, r.entry_id, Sealed(r.commitment, r.nonce, r.ciphertext))) for r in rows)
    return {said["vermeldingen"] for said in opened if said["soort"] == ERASED}


def _erase_entry(ids: list[str], at: datetime) -> dict[str, Any]:
    made = {"soort": ERASED, "op": instants.write(at), "reden": "herstel"}
    return made | {"aantal": len(ids), "vermeldingen": named(ids)}
