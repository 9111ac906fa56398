"""Erasures as the log tells them, against tables and keys: what was erased stays so, and nothing else disappears."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from consent.keys import KeyStore, content_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.delivery.states import State
from hub.keys.erasing import lines
from hub.ledger.replay.compare import Wrong, pages
from hub.ledger.replay.persons import Persons
from hub.store import tables as hub

_MESSAGES: Final = select(
    hub.message.c.message_id,
    hub.message.c.person_id,
    hub.message.c.organisation,
    hub.message.c.bsn_index,
    hub.message_key.c.digest,
    (func.length(hub.message.c.body) + func.length(hub.message.c.receipt)).label("size"),
).outerjoin(hub.message_key, hub.message_key.c.message_id == hub.message.c.message_id)
_REQUEST: Final = ("organisation", "scope", "reason", "at", "status", "point", "closed_at")
_DELIVERIES: Final = select(
    hub.delivery.c.delivery_id, hub.delivery.c.state, hub.message.c.person_id, hub.message.c.organisation
).join(hub.message, hub.message.c.message_id == hub.delivery.c.message_id)


def compare_erasures(connection: Connection, keys: KeyStore, persons: Persons, erased: set[str], wrong: Wrong) -> None:
    """``erased``: handles of those whose evidence is gone, so that the log tells nothing of them."""
    rows = {row.erasure_id: row for row in connection.execute(select(hub.erasure))}
    unfinished = {handle for row in rows.values() if row.done_at is None for handle in row.persons}
    _erasures(rows, persons.erasures, erased, wrong)
    _requests(connection, persons.requests, erased, wrong)
    _refs(connection, keys, (persons, erased | unfinished), wrong)
    _messages(connection, persons, erased, wrong)


def _erasures(rows: Mapping[str, Row[Any]], told: Mapping[str, dict[str, Any]], erased: set[str], wrong: Wrong) -> None:
    for key in sorted(rows.keys() | told.keys()):
        row, said = rows.get(key), told.get(key)
        if row is None:
            wrong(f"erasure {key}", "het logboek kent deze wissing, de tabel niet")
            continue
        if row.done_at is None:
            wrong(f"erasure {key}", "deze wissing is niet afgemaakt: er kunnen nog sleutels zijn. Start de hub")
        if said is None and row.person_id not in erased:
            wrong(f"erasure {key}", "het logboek weet niet van deze wissing")
        elif said is not None and _told(said) != _shown(row):
            wrong(f"erasure {key}", "de tabel is anders dan het logboek zegt")


def _told(said: Mapping[str, Any]) -> tuple[Any, ...]:
    return said["reden"], said["berichten"], said["sleutels"], said["op"]


def _shown(row: Row[Any]) -> tuple[Any, ...]:
    gone = lines(row.persons, row.organisation, evidence=row.evidence is not None)
    return row.reason, row.messages, gone, instants.write(row.at)


def _requests(connection: Connection, told: Mapping[str, dict[str, Any]], erased: set[str], wrong: Wrong) -> None:
    rows = {row.request_id: row for row in connection.execute(select(hub.erasure_request))}
    for key in sorted(rows.keys() | told.keys()):
        row, said = rows.get(key), told.get(key)
        if row is None:
            wrong(f"erasure_request {key}", "het logboek kent dit verzoek, de tabel niet")
        elif said is None:
            if row.person_id not in erased:
                wrong(f"erasure_request {key}", "het logboek weet niet van dit verzoek")
        elif said != {name: _plain(getattr(row, name)) for name in _REQUEST}:
            wrong(f"erasure_request {key}", "de tabel is anders dan het logboek zegt")


def _plain(value: Any) -> Any:
    return instants.write(value) if isinstance(value, datetime) else value


def _refs(connection: Connection, keys: KeyStore, whom: tuple[Persons, set[str]], wrong: Wrong) -> None:
    """A ref names nobody, and its content key is gone, exactly where the log says so."""
    persons, apart = whom
    for rows in pages(connection, hub.person_ref, hub.person_ref.c.ref):
        names = {row.ref: content_key(PersonId(row.person_id), Oin(row.organisation)) for row in rows}
        alive, destroyed = keys.find(names.values()), keys.destroyed(names.values())
        for row in (row for row in rows if row.person_id not in apart):
            place, gone = f"person_ref {row.ref}", persons.gone(row.person_id, row.organisation)
            told = persons.content.get((row.person_id, row.organisation))
            if _moment(row.erased_at) != _moment(told):
                wrong(place, "de wissing is anders dan het logboek zegt")
            if gone and names[row.ref] in alive:
                wrong(place, "gewist volgens het logboek, maar de sleutel is er")
            if not gone and names[row.ref] in destroyed:
                wrong(place, "de sleutel is vernietigd, en het logboek weet niet van een wissing")


def _messages(connection: Connection, persons: Persons, erased: set[str], wrong: Wrong) -> None:
    """Nothing is left of what was erased, and of nothing else anything is missing. Notices stay."""
    sent = _MESSAGES.where(hub.message.c.case_id.is_(None))
    for rows in pages(connection, sent, hub.message.c.message_id):
        for row in (row for row in rows if row.person_id not in erased):
            left = (row.digest is not None, bool(row.size), row.bsn_index is not None)
            if persons.gone(row.person_id, row.organisation):
                if any(left):
                    wrong(f"message {row.message_id}", "gewist volgens het logboek, maar er staat nog iets van")
            elif not all(left[:2]):
                wrong(f"message {row.message_id}", "de inhoud is weg, en het logboek weet niet van een wissing")
    for rows in pages(connection, _DELIVERIES.where(~hub.delivery.c.notice), hub.delivery.c.delivery_id):
        for row in (row for row in rows if row.person_id not in erased):
            if persons.gone(row.person_id, row.organisation) is not (row.state == State.ERASED):
                wrong(f"delivery {row.delivery_id}", "de stand is anders dan het logboek van een wissing zegt")


def _moment(at: datetime | None) -> str | None:
    """As the log writes it."""
    return None if at is None else instants.write(at)
