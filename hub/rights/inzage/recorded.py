"""The parts of the picture that were recorded of a person: who knows them, what they said, what limits sharing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table

from consent.keys import content_key, evidence_key
from consent.store import records
from consent.store import tables as facts
from consent.store.standing import Standing, standings
from contracts.identity import KandidaatRef, PersonId
from hub.keys.sealing import SealBroken, unseal
from hub.ledger.person_entries import entries_of
from hub.rights.consent.recording import Recorded
from hub.rights.inzage.basis import LAPSED, cause
from hub.rights.inzage.sections import Items, Look, Section
from hub.rights.limits.flows import Flows
from hub.rights.limits.objections import OBJECTION, a_month_after
from hub.rights.notices import NOTICE
from hub.rights.statement_routes import shown
from hub.store.persons import cases, picture

_NO_REF: Final = KandidaatRef("")


def _registrations(look: Look, after: str, limit: int) -> list[picture.Registration]:
    return [one for one in picture.registrations(look.connection, look.whose) if one.organisation > after][:limit]


def _registration(look: Look, rows: Sequence[picture.Registration]) -> Items:
    """Refs and numbers are secrets of the organisation that has them: not even the whole picture tells those."""
    own = look.whose.own is not None
    return [
        {"organisatie": one.organisation, "geregistreerdOp": one.registered_at, "bsnGekoppeld": one.bsn}
        | ({"kandidaatRefs": list(one.refs), "lokaleNummers": _numbers(look, one)} if own else {})
        for one in rows
    ]


def _numbers(look: Look, one: picture.Registration) -> list[str]:
    names = {person: content_key(person, one.organisation) for person, _ in one.numbers}
    keys = look.key_store.find(set(names.values())) if names else {}
    opened = (_opened(keys.get(names[person]), sealed, f"lokaal-nummer/{person}") for person, sealed in one.numbers)
    return [number for number in opened if number is not None]


def _involvement(look: Look, rows: Sequence[Row[Any]]) -> Items:
    """For whom a traject runs, and under which law, shows a benefit: only to who opened it or for whom it runs."""
    own = look.whose.own
    return [
        {"organisatie": r.organisation, "van": r.valid_from, "tot": r.valid_until, "ontstaanDoor": r.kind}
        | (
            {"trajectId": r.trajectory_id, "opdrachtgever": r.client, "wettelijkKader": r.framework}
            if own is None or own in (r.begun_by, r.client)
            else {}
        )
        for r in rows
    ]


def _statements(look: Look, after: str, limit: int) -> list[Row[Any]]:
    if look.whose.own is None:
        return picture.recorded(look.connection, facts.statement, look.whose, after, limit)
    seer = records.Seer(look.whose.own, look.at)
    return records.statements_seen_by(look.connection, seer, look.whose.root, after, limit)


def _statement(look: Look, rows: Sequence[Row[Any]]) -> Items:
    """``gesloten``: what keeps a `ja` shut that itself goes on, as far as whose picture this is may know.

    ``stopGevraagd``: a stop that it wrote down itself may do so too, and it may not know whether that was lifted.
    """
    own = look.whose.own
    seer = records.Overseer(look.at) if own is None else records.Seer(own, look.at)
    parts = records.parts_of(look.connection, [row.statement_id for row in rows])
    stands = standings(look.connection, seer, rows)
    told = []
    for row in rows:
        one = shown(Recorded(row, parts[row.statement_id], look.at, row.entry_id), _NO_REF)
        now = stands[row.statement_id]
        one |= {"status": now.status.value, "gesloten": _shut(now), "stopGevraagd": _asked(now)}
        del one["kandidaatRef"]
        # Free text is of who wrote it down, and of the person.
        if look.whose.own in (None, row.recorder):
            one |= {"bevoegdheid": _words(look, row, "authority_sealed", "bevoegdheid")}
        if look.whose.own in (None, row.ended_by or row.recorder):
            one |= {"reden": _words(look, row, "reason_sealed", "reden")}
        told.append(one)
    return told


def _shut(now: Standing) -> dict[str, Any] | None:
    return None if now.closed is None else {"hoe": now.closed.how, "op": now.closed.at, "geheel": now.whole}


def _asked(now: Standing) -> dict[str, Any] | None:
    return None if now.asked is None else {"op": now.asked.at, "verstrekkers": list(now.asked.senders)}


def _words(look: Look, row: Row[Any], column: str, place: str) -> str | None:
    key = look.evidence_keys.get(evidence_key(PersonId(row.person_id)))
    return _opened(key, getattr(row, column), f"toestemming/{place}")


def _opened(key: bytes | None, sealed: bytes | None, place: str) -> str | None:
    """What lies sealed. One value that was touched must not keep the rest of the picture from the person."""
    if key is None or sealed is None:
        return None
    try:
        return unseal(key, sealed, place.encode()).decode()
    except SealBroken:
        return None


def _stops(look: Look, rows: Sequence[Row[Any]]) -> Items:
    """Who answered what stands in the zaken of each verstrekker; the recorder is not told of another's flows."""
    answers = picture.stop_answers(look.connection, [row.stop_id for row in rows])
    told = []
    for row in rows:
        one: dict[str, Any] = {"id": row.stop_id, "vastgelegdDoor": row.recorder, "op": row.at}
        if look.whose.own is None:
            given = answers[row.stop_id]
            one |= {"antwoorden": [{"verstrekker": a.sender, "antwoord": a.answer, "op": a.at} for a in given]}
        told.append(one)
    return told


def _secrecy(_look: Look, rows: Sequence[Row[Any]]) -> Items:
    return [
        {"id": r.release_id, "geheimhouder": r.holder, "ontvanger": r.receiver, "onderwerpen": r.subjects}
        | {"op": r.at, "wijze": r.manner, "ingetrokkenOp": r.ended_at}
        for r in rows
    ]


def _restrictions(_look: Look, rows: Sequence[Row[Any]]) -> Items:
    return [
        Flows.of(r).told()
        | {"id": r.restriction_id, "vastgelegdDoor": r.recorder, "grond": r.reason, "op": r.at}
        | {"opgehevenOp": r.ended_at}
        for r in rows
    ]


def _objections(look: Look, rows: Sequence[Row[Any]]) -> Items:
    reasons = look.objections.reasons(rows)
    weighed = cases.caused_by(look.connection, [row.objection_id for row in rows])
    motives = {row.cause: look.cases.explanation(row) for row in weighed if row.kind == OBJECTION}
    return [
        Flows.of(r).told()
        | {"id": r.objection_id, "vastgelegdDoor": r.recorder, "op": r.at, "uiterlijkOp": a_month_after(r.at)}
        | {"grond": reasons.get(r.objection_id), "uitkomst": r.outcome or "open", "beslotenOp": r.decided_at}
        | {"motivering": motives.get(r.objection_id)}
        for r in rows
    ]


def _shields(_look: Look, rows: Sequence[Row[Any]]) -> Items:
    return [
        {"id": r.shield_id, "vastgelegdDoor": r.recorder, "grond": r.reason, "ontvangers": r.receivers, "op": r.at}
        | {"opgehevenOp": r.lifted_at}
        for r in rows
    ]


def _cases(look: Look, after: str, limit: int) -> list[Row[Any]]:
    if look.whose.own is None:
        return picture.all_cases(look.connection, look.whose.root, after, limit)
    wanted = cases.Wanted(None, None, after, limit, look.whose.root)
    return cases.seen_by(look.connection, look.whose.own, wanted)


def _notices(look: Look, rows: Sequence[Row[Any]]) -> dict[str, Mapping[str, Any]]:
    """By zaak, what the log says of the notice that it is about: its cause, for one, stands there alone."""
    wanted = {row.case_id for row in rows if row.kind in cases.NOTICES}
    if not wanted:
        return {}
    said = (entry.payload for entry in entries_of(look.connection, look.evidence_keys))
    return {one["zaakId"]: one for one in said if one["soort"] == NOTICE and one["zaakId"] in wanted}


def _case(look: Look, rows: Sequence[Row[Any]]) -> Items:
    """``melding``: how far the notice came: that it was made does not mean that somebody was told."""
    notices = _notices(look, rows)
    codes = {row.case_id: notices[row.case_id]["code"] for row in rows if row.kind == LAPSED and row.case_id in notices}
    came = picture.states(look.connection, [said["berichtId"] for said in notices.values()])
    return [
        {"id": r.shown_id, "soort": r.kind, "verstrekker": r.verstrekker, "gevraagd": r.organisation}
        | {"geopendOp": r.opened_at, "uiterlijkOp": r.due_at, "geslotenOp": r.closed_at, "antwoord": r.answer}
        | {"toelichting": look.cases.explanation(r)}
        | cause(codes.get(r.case_id), r.organisation, look.whose.own)
        | _came(came.get(notices[r.case_id]["berichtId"]) if r.case_id in notices else None)
        for r in rows
    ]


def _came(row: Row[Any] | None) -> dict[str, Any]:
    return {} if row is None else {"melding": {"status": row.state, "vrijgegevenOp": row.released_at}}


def _recalls(_look: Look, rows: Sequence[Row[Any]]) -> Items:
    return [
        {"id": r.recall_id, "verstrekker": r.organisation, "berichtId": r.message_id, "bericht": r.kind}
        | {"reden": r.reason, "ontvangers": r.receivers, "op": r.at}
        for r in rows
    ]


def _by(name: str) -> Callable[[Any], str]:
    return lambda row: str(getattr(row, name))


def _of(table: Table) -> Callable[[Look, str, int], list[Row[Any]]]:
    return lambda look, after, limit: picture.recorded(look.connection, table, look.whose, after, limit)


def _paged(read: Callable[..., list[Row[Any]]]) -> Callable[[Look, str, int], list[Row[Any]]]:
    return lambda look, after, limit: read(look.connection, look.whose, after, limit)


_TABLES: Final[Mapping[str, tuple[Table, Callable[[Look, Sequence[Row[Any]]], Items]]]] = {
    "stopverzoeken": (facts.stop, _stops),
    "ontheffingen": (facts.secrecy_release, _secrecy),
    "beperkingen": (facts.restriction, _restrictions),
    "bezwaren": (facts.objection, _objections),
    "afschermingen": (facts.shield, _shields),
}
SECTIONS: Final = (
    Section("registraties", _registrations, _by("organisation"), _registration),
    Section("betrokkenheden", _paged(picture.involvements), _by("involvement_id"), _involvement),
    Section("toestemmingen", _statements, _by("statement_id"), _statement),
    *(Section(name, _of(t), _by(next(iter(t.primary_key)).name), show) for name, (t, show) in _TABLES.items()),
    Section("zaken", _cases, _by("shown_id"), _case),
    Section("terugroepingen", _paged(picture.recalls), _by("recall_id"), _recalls),
)
