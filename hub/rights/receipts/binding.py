"""What a statement's entry holds beside the statement, so that a receipt can be written from the entry alone.

The names of the organisations as the person heard them, and a binding of the ref under which each knows the person. A
receipt adds nothing that the log did not hold: years later nobody needs the register of organisations, or the hub.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from consent.facts import Statement
from consent.keys import KeyStore, evidence_key
from consent.receipt.account import ENDED, State
from consent.receipt.principal import ref_binding, ref_opening
from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.store.persons import people
from hub.store.persons.people import Known
from hub.store.region import parties


@dataclass(frozen=True, slots=True)
class Parties:
    """The organisations of a statement: who recorded it, who asked for it, and those that it names."""

    recorder: Oin
    asked_by: Oin | None
    statement: Statement

    def all(self) -> list[Oin]:
        """Each once, in a fixed order."""
        asked = [] if self.asked_by is None else [self.asked_by]
        return sorted({self.recorder, *asked, *(self.statement.senders or ()), *(self.statement.receivers or ())})

    def readers(self) -> list[Oin]:
        """Those that may see the statement, once involved: the recorder and the verstrekkers."""
        return sorted({self.recorder, *(self.statement.senders or ())})


def for_receipt(
    connection: Connection, key_store: KeyStore, known: Known, statement_id: str, among: Parties
) -> dict[str, Any]:
    """What the entry of a statement holds for its receipts. Raises ``consent.keys.KeyDestroyed``."""
    found = (parties.organisation_by_oin(connection, each) for each in among.all())
    names = {"namen": {each.oin: each.name for each in found if each is not None}}
    return names | bound(connection, key_store, known, statement_id, among.readers())


def kept(terms: Terms, statement: Statement) -> dict[str, Any]:
    """How long what is shared under a statement is kept, as it was told when that was recorded (ISO/IEC TS 27560)."""
    days, years = terms.for_purposes(statement.purposes)
    return {"bewaartermijnen": {"inhoudDagen": days, "bewijsJaren": years}}


def bound(
    connection: Connection, key_store: KeyStore, known: Known, statement_id: str, organisations: Iterable[Oin]
) -> dict[str, Any]:
    """A binding for each organisation, also for one that does not know the person: the entry must not tell which do.

    Raises ``consent.keys.KeyDestroyed`` for a person who was erased.
    """
    key_id, wanted = evidence_key(known.person), sorted(set(organisations))
    key = key_store.ensure([key_id])[key_id]
    refs = people.refs_of(connection, [(known.root, each) for each in wanted])
    return {
        "betrokkene": {
            each: ref_binding(ref_opening(key, statement_id, each), refs.get((known.root, each))) for each in wanted
        }
    }


def ended(payload: Mapping[str, Any], recorder: Oin, state: State) -> list[dict[str, Any]]:
    """The entries of an end: one that a receipt may show, then the act itself.

    The first tells that and when it ended, and in whose name; not why, and who saw to it only if that was the recorder:
    that another organisation is involved with the person is nobody's to learn.
    """
    names = ["op", "toestemmingId", "gegevenDoor", *(["organisatie"] if payload["organisatie"] == recorder else [])]
    shown = {name: payload[name] for name in names if name in payload}
    return [shown | {"soort": ENDED, "als": state.value}, dict(payload)]
