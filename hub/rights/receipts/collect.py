"""Finds what the receipt of a statement rests on: its entries in the log, opened, and the caller's own ref."""

from typing import Any

from sqlalchemy import Connection, Row, select

from consent.keys import KeyStore, evidence_key
from consent.log import reading as log
from consent.log.entry import opening
from consent.receipt.account import ENDED, ENDS, later_state
from consent.receipt.evidence import Evidence, Principal, Shown
from consent.receipt.principal import ref_binding, ref_opening
from consent.store import records
from consent.store.tables import person
from contracts.errors import LogUnavailable, NotFound
from contracts.identity import Oin, PersonId
from hub.ledger.person_entries import BROKEN, PersonEntry, entries_of
from hub.store.tables import person_ref


class NotYetProven(NotFound):
    """No checkpoint covers every entry of this statement yet: ask again in a moment."""

    def __init__(self) -> None:
        super().__init__("Het logboek heeft nog geen checkpoint over deze toestemming.", headers={"Retry-After": "1"})


def collect(connection: Connection, keys: KeyStore, seer: records.Seer, statement_id: str) -> Evidence:
    """The evidence of a statement that this organisation may see (its recorder or a verstrekker, while involved).

    Raises ``NotFound``: unknown, not for this organisation, or erased; ``NotYetProven``; ``LogUnavailable`` when an
    entry of the person is not what was logged: nobody could say any more what became of the statement.
    """
    organisation = seer.organisation
    row = records.statement_seen_by(connection, seer, statement_id)
    key_id = "" if row is None else evidence_key(PersonId(row.person_id))
    key = keys.find([key_id]).get(key_id)
    if row is None or key is None:  # erased, though the mark of it is still to come
        raise NotFound
    found = _of_statement(connection, key, organisation, row)
    first, *others = [_shown(connection, key, entry) for entry in found]
    first = Shown(first.payload, first.opening)  # its proof lies beside the receipt
    return Evidence((first, *others), _principal(connection, key, organisation, row, found))


def _of_statement(connection: Connection, key: bytes, organisation: Oin, row: Row[Any]) -> list[PersonEntry]:
    """The statement's own entry, then the others that a receipt shows, in the order of the log.

    All entries of the person are opened for it: nothing outside the sealed payloads says which statement one is about.
    Of another organisation only what is its own part shows: whether it is involved otherwise is nobody's to learn.
    """
    own, others = [], []
    parts = records.parts_of(connection, [row.statement_id])[row.statement_id]
    for entry in entries_of(connection, {evidence_key(PersonId(row.person_id)): key}):
        if entry.id == row.entry_id:
            own.append(entry)
        elif entry.payload.get("toestemmingId") == row.statement_id and later_state(entry.payload) is not None:
            others.append(entry)
    if len(own) != 1:
        raise LogUnavailable(BROKEN)
    may_see = {row.recorder, organisation, *parts}
    shown = [entry for entry in others if entry.payload.get("organisatie", organisation) in may_see]
    told = {(entry.payload["op"], entry.payload["als"]) for entry in shown if entry.payload["soort"] == ENDED}
    shown = [entry for entry in shown if not _told_by_another(entry, told)]
    return own + sorted(shown, key=lambda entry: (entry.index is None, entry.index, entry.id))


def _told_by_another(entry: PersonEntry, told: set[tuple[str, str]]) -> bool:
    """Whether another entry tells of this very end without naming who saw to it."""
    state = later_state(entry.payload)
    return entry.payload["soort"] != ENDED and state in ENDS and (entry.payload["op"], str(state)) in told


def _shown(connection: Connection, key: bytes, entry: PersonEntry) -> Shown:
    proof = log.tlog_proof(connection, entry.id)
    if proof is None:
        raise NotYetProven
    return Shown(entry.raw.decode(), opening(key, entry.id), proof.write())


def _principal(
    connection: Connection, key: bytes, organisation: Oin, row: Row[Any], entries: list[PersonEntry]
) -> Principal | None:
    """The ref of the organisation that one of the entries binds; an organisation may know the person under several."""
    opens = ref_opening(key, row.statement_id, organisation)
    bindings = {entry.payload.get("betrokkene", {}).get(organisation) for entry in entries}
    refs = connection.scalars(
        select(person_ref.c.ref)
        .join(person, person.c.person_id == person_ref.c.person_id)
        .where(person_ref.c.organisation == organisation, person.c.root == row.root)
        .order_by(person_ref.c.ref)
    )
    return next((Principal(organisation, ref, opens) for ref in refs if ref_binding(opens, ref) in bindings), None)
