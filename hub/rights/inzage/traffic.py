"""The parts of the picture that are about messages: what went, what was stopped, what was refused; and who looked.

What a message rested on is read from the log: the entry of its release is the truth, and opens as long as the person's
evidence key lives.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Row

from consent.keys import content_key
from contracts import instants
from contracts.errors import Fault, RequestInvalid
from contracts.identity import Oin, PersonId
from hub.delivery.release import opened
from hub.ledger.person_entries import PersonEntry, entries_of
from hub.rights.consent.ending import INVALID, INVALIDATION, REVOKED, WITHDRAWN
from hub.rights.inzage.asking import INZAGE
from hub.rights.inzage.basis import GROUND, STATEMENT, Facts, Told, bases, cause, named, notice_basis
from hub.rights.inzage.sections import Items, Look, Section
from hub.rights.limits.objections import OBJECTION
from hub.rights.limits.restrictions import RESTRICTION
from hub.rights.limits.shields import SHIELD
from hub.rights.notices import NOTICE
from hub.rights.recall.recalls import REASONS
from hub.store.persons import picture

Key = tuple[str, str]  # (berichtId, recipient)
_SEQ: Final = re.compile("[0-9]{1,18}")
#: Acts that stop what waits, by their entry in the log, and the code that is noted with what they stopped.
_STOPS: Final[Mapping[str, str]] = {
    "intrekking": WITHDRAWN,
    "herroeping": REVOKED,
    INVALIDATION: INVALID,
    "toestemming": "toestemming-geweigerd",
    **{code: code for code in ("stopverzoek", "ontheffing-ingetrokken", RESTRICTION, OBJECTION, SHIELD)},
}
_DECISION, _RELEASE, _STOP = "besluit", "vrijgave", "stop"


def _rows(look: Look, after: str, limit: int) -> list[Row[Any]]:
    if after and not _SEQ.fullmatch(after):
        raise RequestInvalid(faults=[Fault("volgende", "GEEN_CURSOR", "dit is geen waarde van volgende")])
    return picture.traffic(look.connection, look.whose, int(after or 0), limit)


def _show(look: Look, rows: Sequence[Row[Any]]) -> Items:
    told, acts = _told(look, {(row.message_id, row.recipient) for row in rows})
    rested = picture.rested_on(look.connection, [row.delivery_id for row in rows])
    facts = _facts(look, told.values(), {fact for facts in rested.values() for fact in facts}, acts)
    bodies = _bodies(look, rows) if look.content else {}
    found: Items = []
    for row in rows:
        said = told.get((row.message_id, row.recipient), Told())
        basis = _basis(row, said, rested.get(row.delivery_id, ()), facts)
        why = cause(said.code, row.recipient, look.whose.own)
        found.append(_message(look, row) | why | basis | _ended(row, said, facts) | bodies.get(row.delivery_id, {}))
    return found


def _told(look: Look, wanted: Collection[Key]) -> tuple[dict[Key, Told], frozenset[tuple[str, str]]]:
    """What the log says of these, in one pass: no more of it is kept. And what the asker itself did that stops."""
    told: dict[Key, Told] = {}
    acts: set[tuple[str, str]] = set()
    for entry in entries_of(look.connection, look.evidence_keys):
        for key, said in _spoken_of(entry.payload):
            if key in wanted:
                told[key] = _joined(told.get(key, Told()), str(entry.payload["soort"]), said)
        code = _STOPS.get(entry.payload["soort"])
        if code is not None and entry.payload.get("organisatie") == look.whose.own:
            acts.add((entry.payload["op"], code))
    return told, frozenset(acts)


def _spoken_of(payload: Mapping[str, Any]) -> Iterator[tuple[Key, Mapping[str, Any]]]:
    """The decisions of one entry, each with its message and recipient."""
    if "berichtId" in payload:
        if payload["soort"] in (_RELEASE, _STOP, NOTICE):
            yield (payload["berichtId"], payload["ontvanger"]), payload
        elif payload["soort"] == _DECISION:
            for decision in payload["besluiten"]:
                yield (payload["berichtId"], decision["ontvanger"]), decision


def _joined(before: Told, kind: str, said: Mapping[str, Any]) -> Told:
    """A release says what went; a decision, only what was left out by then; a stop or a notice, why."""
    if kind == _RELEASE:
        return replace(before, basis=said.get("grondslag", {}), left_out=tuple(said.get("weggelaten", ())))
    if kind == _STOP:
        return replace(before, reason=said.get("reden"))
    if kind == NOTICE:
        return replace(before, code=said["code"])
    return replace(before, left_out=before.left_out or tuple(said.get("weggelaten", ())))


def _facts(look: Look, told: Collection[Told], rested: set[str], acts: frozenset[tuple[str, str]]) -> Facts:
    names = named(told)
    return Facts(
        picture.grounds(look.connection, names.get(GROUND, set())),
        picture.statements(look.connection, names.get(STATEMENT, set()) | rested),
        picture.secrecy_releases(look.connection, rested),
        look.whose.own,
        acts,
    )


def _message(look: Look, row: Row[Any]) -> dict[str, Any]:
    """To its sender and in the whole: all steps. To its recipient: what was given, under the name that it came with."""
    said = {
        "soort": row.kind,
        "doel": row.purpose,
        "verstrekker": row.organisation,
        "ontvanger": row.recipient,
        "kennisgeving": row.notice,
        "status": row.state,
        "vrijgegevenOp": row.released_at,
        "afgehandeldOp": row.acknowledged_at,
        "categorieen": row.revealed or [],
    }
    if look.whose.own is None:
        return said | {"berichtId": row.message_id, "aanvaardOp": row.accepted_at}
    named = {"id": row.event_id, "source": f"urn:nld:oin:{row.organisation}:systeem:{row.system}"}
    if row.recipient == look.whose.own:
        sequence = None if row.sequence is None else str(row.sequence)
        return said | named | {"richting": "ontvangen", "sequence": sequence}
    return said | named | {"richting": "verstuurd", "berichtId": row.message_id, "aanvaardOp": row.accepted_at}


def _basis(row: Row[Any], told: Told, rested: Sequence[str], facts: Facts) -> dict[str, Any]:
    if row.released_at is None:
        found = []
    else:
        found = notice_basis(row.kind, told.code) if row.notice else bases(told, rested, facts)
    # What was left out for a recipient is its sender's affair: the recipient does not learn that there was more.
    left = {"weggelaten": list(told.left_out)} if facts.own in (None, row.organisation) else {}
    return {"grondslagen": found} | left


def _ended(row: Row[Any], told: Told, facts: Facts) -> dict[str, Any]:
    """That it was stopped, buried or erased. Why: to the person; and to the sender that did itself what stopped it."""
    said: dict[str, Any] = {"geeindigdOp": row.ended_at}
    if facts.own is None:
        return said | {"reden": told.reason or row.reason}
    own_act = row.ended_at is not None and (instants.write(row.ended_at), row.reason) in facts.acts
    if facts.own == row.organisation and (own_act or row.reason in REASONS):
        return said | {"reden": row.reason}
    return said


def _bodies(look: Look, rows: Sequence[Row[Any]]) -> dict[str, dict[str, Any]]:
    """The own messages themselves, as they were sent (AVG art. 15(3)), while their content key lives."""
    own = [row for row in rows if row.organisation == look.whose.own and not row.notice]
    names = {row.delivery_id: content_key(PersonId(row.person_id), Oin(row.organisation)) for row in own}
    keys = look.key_store.find(set(names.values())) if names else {}
    found: dict[str, dict[str, Any]] = {}
    for row in own:
        key = keys.get(names[row.delivery_id])
        message = None if key is None else opened(key, row)
        found[row.delivery_id] = {"inhoud": None if message is None else dict(message.data)}
    return found


@dataclass(frozen=True, slots=True)
class _Keep:
    """Which entries of the log make a part: of a kind, without the member ``absent``, of the organisation at ``by``."""

    kind: str
    absent: str
    by: str

    def __call__(self, look: Look, after: str, limit: int) -> list[PersonEntry]:
        """The first of them behind an entry."""
        found: list[PersonEntry] = []
        for entry in entries_of(look.connection, look.evidence_keys, after):
            said = entry.payload
            if said["soort"] == self.kind and self.absent not in said and look.whose.own in (None, said.get(self.by)):
                found.append(entry)
                if len(found) == limit:
                    break
        return found


_REFUSED: Final = _Keep(_DECISION, "berichtId", "afzender")
_LOOKED: Final = _Keep(INZAGE, "vervolg", "organisatie")


def _refusals(look: Look, entries: Sequence[PersonEntry]) -> Items:
    """Messages that the gate refused at the door: of those nothing was kept but the decision.

    Whom a sender did not name it must not learn of: to it only that it was refused.
    """
    told = []
    for entry in entries:
        said = entry.payload
        one = {
            "op": instants.parse(said["op"]),
            "verstrekker": said["afzender"],
            "soort": said["bericht"],
            "doel": said["doel"],
        }
        if look.whose.own is None:
            refused = [{"ontvanger": d["ontvanger"], "reden": d.get("reden")} for d in said["besluiten"]]
            one |= {"besluiten": refused}
        told.append(one)
    return told


def _looks(_look: Look, entries: Sequence[PersonEntry]) -> Items:
    return [
        {"op": instants.parse(entry.payload["op"]), "organisatie": entry.payload["organisatie"]}
        | {name: entry.payload[name] for name in ("omvang", "formaat", "inhoud")}
        for entry in entries
    ]


SECTIONS: Final = (
    Section("berichten", _rows, lambda row: str(row.seq), _show),
    Section("weigeringen", _REFUSED, lambda entry: entry.id, _refusals),
    Section("inzagen", _LOOKED, lambda entry: entry.id, _looks),
)
