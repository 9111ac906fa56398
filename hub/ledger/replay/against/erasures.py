"""Erasures as the log tells them, against tables and keys: what was erased stays so, and nothing else disappears."""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from consent.keys import KeyStore, content_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.delivery.states import State
from hub.keys.erasing import lines
from hub.ledger.replay.against.rows import Wrong, every, pages, plain
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.traffic import Traffic
from hub.store import tables as hub

_MESSAGES: Final = select(
    hub.message.c.message_id,
    hub.message.c.person_id,
    hub.message.c.organisation,
    hub.message.c.bsn_index,
    hub.message.c.case_id,
    hub.message.c.lapsed_at,
    hub.message.c.lapse_entry,
    hub.message_key.c.digest,
    (func.length(hub.message.c.body) + func.length(hub.message.c.receipt)).label("size"),
).outerjoin(hub.message_key, hub.message_key.c.message_id == hub.message.c.message_id)
_REQUEST: Final = ("organisation", "scope", "reason", "at", "status", "point", "closed_at")
_DELIVERIES: Final = select(
    *(hub.delivery.c.delivery_id, hub.delivery.c.message_id, hub.delivery.c.recipient, hub.delivery.c.state),
    *(hub.delivery.c.notice, hub.message.c.person_id, hub.message.c.organisation),
).join(hub.message, hub.message.c.message_id == hub.delivery.c.message_id)


def compare_erasures(connection: Connection, keys: KeyStore, persons: Persons, traffic: Traffic, wrong: Wrong) -> None:
    """Of those whose evidence is gone the log tells nothing."""
    erased = traffic.erased
    rows = {row.erasure_id: row for row in every(connection, hub.erasure)}
    unfinished = {handle for row in rows.values() if row.done_at is None for handle in row.persons}
    _erasures(rows, persons.erasures, erased, wrong)
    _requests(connection, persons.requests, erased, wrong)
    _refs(connection, keys, (persons, erased | unfinished), wrong)
    _messages(connection, persons, traffic, wrong)
    _deliveries(connection, persons, traffic, wrong)


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
    rows = {row.request_id: row for row in every(connection, hub.erasure_request)}
    for key in sorted(rows.keys() | told.keys()):
        row, said = rows.get(key), told.get(key)
        if row is None:
            wrong(f"erasure_request {key}", "het logboek kent dit verzoek, de tabel niet")
        elif said is None:
            if row.person_id not in erased:
                wrong(f"erasure_request {key}", "het logboek weet niet van dit verzoek")
        elif said != {name: plain(getattr(row, name)) for name in _REQUEST}:
            wrong(f"erasure_request {key}", "de tabel is anders dan het logboek zegt")


def _refs(connection: Connection, keys: KeyStore, whom: tuple[Persons, set[str]], wrong: Wrong) -> None:
    """A ref names whom it was given out for, and nobody, and its content key is gone, exactly where the log says so."""
    persons, apart = whom
    unseen = set(persons.refs)
    for rows in pages(connection, hub.person_ref, hub.person_ref.c.ref):
        names = {row.ref: content_key(PersonId(row.person_id), Oin(row.organisation)) for row in rows}
        alive, destroyed = keys.find(names.values()), keys.destroyed(names.values())
        for row in rows:
            name = sha256(row.ref.encode()).hexdigest()
            unseen.discard(name)
            given = persons.refs.get(name)
            if given != (row.person_id, row.organisation) and (given is not None or row.person_id not in apart):
                wrong(f"person_ref {row.ref}", "wie dit kenmerk heeft of wie het noemt, is anders dan het logboek zegt")
        for row in (row for row in rows if row.person_id not in apart):
            place, gone = f"person_ref {row.ref}", persons.gone(row.person_id, row.organisation)
            told = persons.content.get((row.person_id, row.organisation))
            if _moment(row.erased_at) != _moment(told):
                wrong(place, "de wissing is anders dan het logboek zegt")
            if gone and names[row.ref] in alive:
                wrong(place, "gewist volgens het logboek, maar de sleutel is er")
            if not gone and names[row.ref] in destroyed:
                wrong(place, "de sleutel is vernietigd, en het logboek weet niet van een wissing")
    for name in sorted(unseen):
        wrong(f"person_ref met SHA-256 {name}", "het logboek kent dit kenmerk, de tabel niet")


def _messages(connection: Connection, persons: Persons, traffic: Traffic, wrong: Wrong) -> None:
    """Nothing is left of what was erased or past its term, and of nothing else anything is missing.

    Notices outlive the content of their verstrekker, and go at their own term.
    """
    for rows in pages(connection, _MESSAGES, hub.message.c.message_id):
        for row in (row for row in rows if row.person_id not in traffic.erased):
            place, told = f"message {row.message_id}", traffic.lapsed.get(row.message_id)
            left = (row.digest is not None, bool(row.size), row.bsn_index is not None)
            gone = row.case_id is None and persons.gone(row.person_id, row.organisation)
            shown = (_moment(row.lapsed_at), row.lapse_entry)
            if shown != ((None, None) if told is None else (_moment(told.at), told.entry_id)):
                wrong(place, "de bewaartermijn is anders dan het logboek zegt")
            elif (gone or told is not None) and any(left):
                why = "gewist" if gone else "leeggemaakt na zijn bewaartermijn"
                wrong(place, f"{why} volgens het logboek, maar er staat nog iets van")
            elif not gone and told is None and not all(left[1:2] if row.case_id is not None else left[:2]):
                wrong(place, "de inhoud is weg, en het logboek weet niet van een wissing of bewaartermijn")


def _deliveries(connection: Connection, persons: Persons, traffic: Traffic, wrong: Wrong) -> None:
    """A delivery is erased exactly where its message was, or was past its term before it arrived."""
    for rows in pages(connection, _DELIVERIES, hub.delivery.c.delivery_id):
        for row in (row for row in rows if row.person_id not in traffic.erased):
            told = traffic.lapsed.get(row.message_id)
            lapsed = told is not None and row.recipient in told.undelivered
            gone, erased = persons.gone(row.person_id, row.organisation), row.state == State.ERASED
            # A notice of before its own key goes with the content of its verstrekker: then nothing tells of it.
            if lapsed and not erased if row.notice else (gone or lapsed) is not erased:
                wrong(f"delivery {row.delivery_id}", "de stand is anders dan het logboek van een wissing zegt")


def _moment(at: datetime | None) -> str | None:
    """As the log writes it."""
    return None if at is None else instants.write(at)
