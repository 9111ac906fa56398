"""What the log told against what stands in the tables: rows that were changed by hand, are missing or too many."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from consent.store import tables as facts
from consent.store.any_of import any_of
from contracts.canonical import canonical
from hub.administration.agreements import words_of
from hub.ledger.evidence import bound
from hub.ledger.replay.against import unreadable
from hub.ledger.replay.against.cells import Careful
from hub.ledger.replay.against.rows import Wrong, every, pages
from hub.ledger.replay.identity import Identities
from hub.ledger.replay.persons import Death, Persons
from hub.ledger.replay.region import Region
from hub.ledger.replay.traffic import Traffic
from hub.store import tables as hub
from hub.store.region.parties import keys_digest

#: What the gate knows of a person, by its name in ``PersonFacts``, and the tables of its rows.
_FACTS: Final[dict[str, tuple[Table, ...]]] = {
    "involvements": (),
    "statements": (facts.statement,),
    "stops": (facts.stop, facts.stop_flow, facts.stop_answer),
    "restrictions": (facts.restriction,),
    "objections": (facts.objection,),
    "secrecy_releases": (facts.secrecy_release,),
    "shields": (facts.shield,),
}
#: Of a message only what the log tells of: not the bodies.
_MESSAGES: Final = select(
    *(hub.message.c[name] for name in ("message_id", "person_id", "organisation", "system", "kind", "purpose"))
)
_RECEIVERS: Final = select(hub.delivery.c.message_id, hub.delivery.c.recipient).where(
    any_of(hub.delivery.c.message_id, "ids")
)


def compare(connection: Connection, told: Identities, traffic: Traffic, careful: Careful) -> None:
    """Every projection in turn. What was named already is not named again."""
    for name, step in (
        ("organisatie, machtiging, afspraak en grondslag", lambda: _region(connection, traffic.region, careful)),
        ("wat operators verder vastlegden", lambda: _beside(connection, traffic.region, careful)),
        ("personen", lambda: _persons(connection, told.persons, traffic.erased, careful)),
        ("samenvoegingen en splitsingen", lambda: _identities(connection, told, traffic.erased, careful)),
        ("berichten", lambda: _messages(connection, traffic, careful)),
    ):
        careful.attempt(name, step)


def _beside(connection: Connection, region: Region, wrong: Wrong) -> None:
    """What the operators wrote down that decides nothing: names, papers, places in the law; and the keys of systems."""

    def shown(table: Table, row: Row[Any]) -> tuple[str, dict[str, Any]]:
        match table.name:
            case "organisation":
                return row.oin, {"rechtsvorm": row.legal_form, "naamSha256": None} | bound("naam", row.name)
            case "system":
                suspended = {} if row.suspended_at is None else {"suspended_at": row.suspended_at}  # no act does that
                return row.name, {"sleutels": keys_digest(row.jwks)} | suspended
            case "agreement":
                none = dict.fromkeys(("verwerkersovereenkomstSha256", "art26RegelingSha256", "motiveringSha256"))
                words = words_of(row.processing_agreement, row.joint_arrangement, row.motivation)
                return row.agreement_id, none | words | {"dpiaOp": row.dpia_on}
            case _:
                return row.ground_id, {"wet": row.law, "artikel": row.article, "lid": row.paragraph}

    for table in (hub.organisation, hub.system, hub.agreement, hub.ground):
        rows = dict(shown(table, row) for row in every(connection, table))
        told = {key: said for (name, key), said in region.beside.items() if name == table.name}
        differences(table.name, rows, told, wrong)


def _region(connection: Connection, region: Region, wrong: Wrong) -> None:
    def both(table: Table, key: str, told: Mapping[str, Any], shown: Callable[[Row[Any]], Any]) -> None:
        rows = {getattr(row, key): shown(row) for row in every(connection, table)}
        differences(table.name, rows, told, wrong)

    both(
        hub.organisation,
        "oin",
        {oin: (role.value, ms(region.suspended.get(oin))) for oin, role in region.roles.items()},
        lambda r: (r.role, ms(r.suspended_at)),
    )
    both(
        hub.mandate,
        "mandate_id",
        {
            key: (m.organisation, m.system, m.scopes, m.kinds, ms(m.until), ms(m.ended_at))
            for key, m in region.mandates.items()
        },
        lambda r: (
            *(r.organisation, r.system, frozenset(r.scopes), None if r.kinds is None else frozenset(r.kinds)),
            *(ms(r.valid_until), ms(r.ended_at)),
        ),
    )
    both(
        hub.agreement,
        "agreement_id",
        {
            a.id: (
                *(a.parties, a.kinds, a.purposes, ms(a.valid_from), ms(a.valid_until), ms(a.ended_at)),
                {party: ms(at) for party, at in a.accepted.items()},
            )
            for a in region.agreements.values()
        },
        lambda r: (
            *(frozenset({r.party_a, r.party_b}), frozenset(r.kinds), frozenset(r.purposes)),
            *(ms(r.valid_from), ms(r.valid_until), ms(r.ended_at)),
            {p: ms(at) for p, at in ((r.party_a, r.accepted_a_at), (r.party_b, r.accepted_b_at)) if at is not None},
        ),
    )
    both(
        hub.ground,
        "ground_id",
        {
            g.id: (
                *(g.agreement_id, g.basis.value, g.frameworks, g.uavg_article, g.kinds, g.purpose.value),
                *(g.sender_role.value, g.receiver_role.value, g.categories, ms(g.valid_from), ms(g.valid_until)),
                *(g.established_by, g.confirmed_by, ms(g.ended_at)),
            )
            for g in region.grounds.values()
        },
        lambda r: (
            *(r.agreement_id, r.basis, frozenset(r.frameworks), r.uavg_article, frozenset(r.kinds), r.purpose),
            *(r.sender_role, r.receiver_role, frozenset(r.categories), ms(r.valid_from), ms(r.valid_until)),
            *(r.established_by, r.confirmed_by, ms(r.ended_at)),
        ),
    )


def _persons(connection: Connection, persons: Persons, erased: set[str], wrong: Careful) -> None:
    """The facts on which the gate decides, person by person; of those whose evidence is gone the log tells nothing."""
    for rows in pages(connection, facts.person, facts.person.c.person_id):
        alive = [row for row in rows if row.person_id not in erased]
        persons.by_handle.see([row.person_id for row in rows])
        for row in alive:
            if persons.get(row.person_id).root != row.root:
                wrong(f"person {row.person_id}", "de samenvoeging is anders dan het logboek zegt")
            if persons.same_as.get(row.person_id) != row.same_as:
                wrong(f"person {row.person_id}", "van wie dit een ander kenmerk is, weet het logboek anders")
            if ms(persons.whole.get(row.person_id)) != ms(row.erased_at):
                wrong(f"person {row.person_id}", "de wissing is anders dan het logboek zegt")
        shown = unreadable.read(connection, {row.root for row in alive}, wrong)
        for root, record in shown.items():
            told, _ = persons.facts(root)
            for name, tables in _FACTS.items():
                ours, theirs = (_rows(getattr(each, name), tables, wrong.places) for each in (told, record.facts))
                differences(f"{name} van persoon {root}", theirs, ours, wrong)
            if told.deceased != record.facts.deceased:
                wrong(f"person {root}", "overlijden is anders dan het logboek zegt")
        for row in alive:
            if ms(persons.died_at(row.person_id)) != ms(row.deceased_at):
                wrong(f"person {row.person_id}", "het moment van overlijden is anders dan het logboek zegt")
    for handle, _ in persons.by_handle.unseen():
        wrong(f"person {handle}", "het logboek kent deze persoon, de tabel niet")
    _deaths(connection, persons, erased, wrong)


def _deaths(connection: Connection, persons: Persons, erased: set[str], wrong: Wrong) -> None:
    """Reports of death; of those who were erased the log tells nothing."""

    def gone(handle: str) -> bool:
        return handle in erased or persons.whole.get(handle) is not None

    for rows in pages(connection, facts.death, facts.death.c.message_id):
        told = persons.deaths.see([row.message_id for row in rows])
        for row in rows:
            place, one = f"{facts.death.name} {row.message_id}", told.get(row.message_id)
            if gone(row.person_id) and (one is None or gone(one.person)):
                continue
            if one is None:
                wrong(place, "het logboek weet hier niet van")
            elif _reported(one, one.person) != _reported(row, row.person_id):
                wrong(place, "de tabel is anders dan het logboek zegt")
    for key, one in persons.deaths.unseen():
        if not gone(one.person):
            wrong(f"{facts.death.name} {key}", "het logboek kent dit, de tabel niet")


def _reported(death: Death | Row[Any], person: str) -> tuple[Any, ...]:
    return person, death.organisation, ms(death.at), ms(death.recalled_at)


def _identities(connection: Connection, told: Identities, erased: set[str], wrong: Wrong) -> None:
    """What officers asked and confirmed, and whom they split: of who was erased the log tells nothing."""
    asked = every(connection, hub.identity_request)
    rows = {
        row.request_id: (
            *(row.kind, row.person_id, row.other_id, row.organisation, row.system, row.employee, row.code_index.hex()),
            *(ms(row.asked_at), ms(row.valid_until), ms(row.done_at)),
            *(row.confirmed_by, row.confirming_employee, row.confirmed_person),
            None if row.crossed is None else sha256(canonical(row.crossed)).hexdigest(),
        )
        for row in asked
        if row.person_id not in erased
    }
    ours = {
        key: (
            *(one.kind, one.person, one.other, one.organisation, one.system, one.employee, one.code),
            *(ms(one.asked_at), ms(one.until), ms(one.done_at)),
            *(one.confirmed_by, one.second_employee, one.confirmed_person, one.crossed),
        )
        for key, one in told.requests.items()
    }
    differences("identity_request", rows, ours, wrong)
    pairs = {
        (row.request_id, row.person_a, row.person_b): (ms(row.since), ms(row.ended_at))
        for row in every(connection, hub.held_apart)
        if not {row.person_a, row.person_b} & erased
    }
    held = {key: (ms(at), ms(ended)) for key, (at, ended) in told.apart.items() if not set(key[1:]) & erased}
    differences("held_apart", pairs, held, wrong)


def _messages(connection: Connection, traffic: Traffic, wrong: Wrong) -> None:
    """Each is as it was decided on, and waits or went for all whom that let have it, and for nobody else."""
    for rows in pages(connection, _MESSAGES, hub.message.c.message_id):
        ids = [row.message_id for row in rows]
        sent, notices, queued = traffic.sent.see(ids), traffic.notices.see(ids), _queued(connection, ids)
        for row in rows:
            place, told = f"message {row.message_id}", sent.get(row.message_id)
            if told is None and row.message_id not in notices:
                if row.person_id not in traffic.erased:
                    wrong(place, "het logboek bevat geen besluit over dit bericht")
                continue
            if told is not None and (told.person, told.sender, told.system, told.kind, told.purpose) != (
                *(row.person_id, row.organisation, row.system, row.kind, row.purpose),
            ):
                wrong(place, "het bericht is anders dan het logboek zegt")
            let = {notices[row.message_id]} if told is None else told.receivers
            if queued[row.message_id] != let:
                wrong(place, "voor wie dit bericht is, is anders dan het logboek zegt")
    for message_id, _ in traffic.sent.unseen():
        wrong(f"message {message_id}", "het logboek kent dit bericht, de tabel niet")


def _queued(connection: Connection, ids: Collection[str]) -> dict[str, set[str]]:
    """For whom there are deliveries, by message."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in connection.execute(_RECEIVERS, {"ids": ids}):
        found[row.message_id].add(row.recipient)
    return found


def differences(place: str, shown: Mapping[Any, Any], told: Mapping[Any, Any], wrong: Wrong) -> None:
    """What is only in the table, only in the log, or other in one than in the other."""
    for key in sorted(shown.keys() | told.keys(), key=str):
        where = f"{place} {key}"
        if key not in told:
            wrong(where, "het logboek weet hier niet van")
        elif key not in shown:
            wrong(where, "het logboek kent dit, de tabel niet")
        elif shown[key] != told[key]:
            wrong(where, "de tabel is anders dan het logboek zegt")


def ms(at: datetime | None) -> int | None:
    """Whole milliseconds, as the log writes them."""
    return None if at is None else int(at.timestamp() * 1000)


def _rows(some: Iterable[Any], tables: Iterable[Table], named: Collection[str]) -> dict[Any, tuple[Any, ...]]:
    """Facts by their keys, but for those of which a row was named."""
    rows = {_key(fact): _rounded(fact) for fact in some}
    return {key: row for key, row in rows.items() if not any(f"{each.name} {key}" in named for each in tables)}


def _key(fact: Any) -> Any:
    return fact.id if hasattr(fact, "id") else (fact.organisation, fact.trajectory, ms(fact.valid_from))


def _rounded(fact: Any) -> tuple[Any, ...]:
    """A fact as plain values."""

    def plain(value: Any) -> Any:
        if isinstance(value, datetime):
            return ms(value)
        if is_dataclass(value):
            return _rounded(value)
        return {k: plain(v) for k, v in value.items()} if isinstance(value, Mapping) else value

    return tuple(plain(getattr(fact, f.name)) for f in fields(fact))
