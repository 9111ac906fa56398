"""The erasures that happened after a backup was made, done once more: no restore brings anybody back (promise 6).

Whom the list names loses every key; what those keys sealed is unreadable again. The log says so anew, in an entry for
each evidence key: the one that said it first may have been lost with what came after the backup.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, select

from consent.keys import SYSTEM_KEY, KeyStore
from consent.log.entry import Sealed, unseal
from consent.log.tables import ledger_entry, ledger_payload
from contracts.identity import Oin, PersonId
from hub.keys.erasing import destroy as destroy
from hub.keys.erasing import keys_of as keys_of
from hub.keys.erasing import lines
from hub.keys.erasing import remember as remember
from hub.keys.erasure_list import organisation_of, person_of
from hub.ledger.evidence import Fact, key_of
from hub.ledger.replay.check import named
from hub.rights.erasure.destroying import UNREADABLE, entry, unreadable
from hub.store.persons import erasures

#: Why it is told once more.
RESTORED: Final = "herstel"
_PAGE: Final = 1_000


def begun(connection: Connection) -> dict[str, datetime]:
    """The lines of erasures that were begun and not finished when this database was copied."""
    return {
        line: row.at
        for row in erasures.unfinished(connection)
        for line in lines(row.persons, row.organisation, evidence=row.evidence is not None)
    }


def mark_rows(connection: Connection, erased: Mapping[str, datetime]) -> list[Fact]:
    """Take out of the data what the list names, and what the log must say of it where the evidence is still there.

    The entries that said so were lost with what came after the backup, or nothing changes here.
    """
    for row in erasures.unfinished(connection):  # their keys are gone by now
        erasures.finish(connection, row.erasure_id, row.at)
    told: list[Fact] = []
    for line, at in sorted(erased.items()):
        whose = organisation_of(line)
        handle, organisation = (whose[0], Oin(whose[1])) if whose is not None else (person_of(line), None)
        if handle is None:  # an evidence key alone: no row rests on it
            continue
        taken = erasures.take_out(connection, [handle], organisation, at)
        if taken.changed:
            told.append(Fact(PersonId(handle), entry([line], taken, RESTORED, at)))
    return told


def readable(store: KeyStore, told: list[Fact]) -> list[Fact]:
    """Those of whose person the evidence is still there: of the others nothing can be said under their key."""
    alive = store.find({key_of(fact.person) for fact in told})
    return [fact for fact in told if key_of(fact.person) in alive]


def facts(connection: Connection, store: KeyStore, at: datetime) -> list[Fact]:
    """An erase entry for each destroyed key whose entries no erase entry names as they are here.

    That is so for what was just destroyed again, and for what was destroyed between the copies of data and of keys.
    """
    gone = [ids for key_id, ids in _unreadable(connection, store)]
    told = _told(connection, store) if gone else set()
    return [Fact(None, unreadable(ids, at, RESTORED)) for ids in gone if named(ids) not in told]


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
    return {said["vermeldingen"] for said in opened if said["soort"] == UNREADABLE}
