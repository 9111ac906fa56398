"""The flows that a beperking or bezwaar is about, and what of a person's messages went through them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Row

from consent.facts import Request
from consent.gate.person import blocked, objection_upheld
from consent.store.reading import read_persons
from contracts.errors import RefusalCode, Refused
from contracts.identity import Category, Oin, Purpose
from hub.gate.person_work import Subject
from hub.rights.cases.book import close_cases
from hub.rights.consent.checks import require_organisations
from hub.rights.consent.means import Means
from hub.rights.stopping import Cause, Consequence, notices_of
from hub.store.persons import cases, limits
from hub.store.traffic import deliveries
from hub.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows of these senders; ``None`` as receivers or purpose: all."""

    senders: frozenset[Oin]
    receivers: frozenset[Oin] | None
    purpose: Purpose | None

    @classmethod
    def stated(cls, body: Mapping[str, Any]) -> Self:
        """As a form states them."""
        receivers = body.get("ontvangers")
        purpose = body.get("doel")
        return cls(
            frozenset(map(Oin, body["verstrekkers"])),
            None if receivers is None else frozenset(map(Oin, receivers)),
            None if purpose is None else Purpose(purpose),
        )

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """Those of a stored beperking or bezwaar."""
        return cls(
            frozenset(map(Oin, row.senders)),
            None if row.receivers is None else frozenset(map(Oin, row.receivers)),
            None if row.purpose is None else Purpose(row.purpose),
        )

    def by(self, sender: Oin) -> "Flows":
        """The flows of one of the senders alone."""
        return Flows(frozenset({sender}), self.receivers, self.purpose)

    def values(self) -> dict[str, Any]:
        """As they are stored."""
        return {
            "senders": sorted(self.senders),
            "receivers": None if self.receivers is None else sorted(self.receivers),
            "purpose": None if self.purpose is None else self.purpose.value,
        }

    def several(self) -> tuple[frozenset[Oin], frozenset[Oin] | None, str | None]:
        """As the list of what was taken away has them."""
        return self.senders, self.receivers, self.purpose and self.purpose.value

    def told(self) -> dict[str, Any]:
        """As they stand on the wire and in the log; what is not named is left out."""
        named = {"ontvangers": self.receivers and sorted(self.receivers), "doel": self.purpose and self.purpose.value}
        return {"verstrekkers": sorted(self.senders)} | {name: value for name, value in named.items() if value}

    def require_own(self, organisation: Oin) -> None:
        """Its own flows only: those that it sends, or those to itself alone. Raises ``Refused``."""
        own = frozenset({organisation})
        if own not in (self.senders, self.receivers):
            raise Refused(
                RefusalCode.HANDELING_NIET_TOEGESTAAN,
                "Dit kan alleen voor eigen stromen: als enige verstrekker, of als enige ontvanger.",
            )

    def require_known(self, connection: Connection) -> None:
        """Raises ``RequestInvalid`` where this hub does not know an organisation."""
        require_organisations(connection, self.senders, "verstrekkers")
        require_organisations(connection, self.receivers or (), "ontvangers")

    def released(self, connection: Connection, root: str) -> list[Row[Any]]:
        """What went out about a person through these flows."""
        rows = deliveries.released_about(connection, root, self.senders)
        return [row for row in rows if self._concerns(row)]

    def _concerns(self, row: Row[Any]) -> bool:
        return (self.receivers is None or row.recipient in self.receivers) and (
            self.purpose is None or row.purpose == self.purpose
        )


class Limit(NamedTuple):
    """A beperking or a bezwaar as it is recorded: under which id, on what, and why."""

    id: str
    flows: Flows
    reason: str


def free_again(tx: Transaction, root: str, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those of these releases that nothing holds back any more, as of the facts that are written by now."""
    record = read_persons(tx.connection, [root])[root]
    at = max(tx.now, record.latest)
    lawful = {row.delivery_id for row in on_a_ground(tx.connection, rows)}
    held: dict[tuple[str, str, str], tuple[bool, bool]] = {}
    free: list[Row[Any]] = []
    for row in rows:
        flow = (row.organisation, row.recipient, row.purpose)
        if flow not in held:
            request = _request(row)
            held[flow] = (
                blocked(request, record.facts, at) is not None,
                objection_upheld(request, record.facts, at),
            )
        stands_still, ground_closed = held[flow]
        if not stands_still and not (ground_closed and row.delivery_id in lawful):
            free.append(row)
    return free


def on_a_ground(connection: Connection, rows: Sequence[Row[Any]]) -> list[Row[Any]]:
    """Those of these releases that did not rest wholly on consent; what does, an objection does not touch."""
    consented = limits.consented(connection, [row.delivery_id for row in rows])
    return [row for row in rows if not _by_consent(row, consented.get(row.delivery_id))]


def _by_consent(row: Row[Any], named: frozenset[Category] | None) -> bool:
    revealed = frozenset(map(Category, row.revealed or ())) - {Category.MEDEWERKER}
    return named is not None and revealed <= named


def tell_free(means: Means, tx: Transaction, subject: Subject, cause_id: str, rows: Sequence[Row[Any]]) -> int:
    """Tell receivers that what stood still does so no more; nothing is asked of them any longer. How many were told."""
    asked = cases.caused_by(tx.connection, [cause_id])
    open_ones = [row for row in asked if row.kind in cases.NOTICES and row.closed_at is None]
    close_cases(means.evidence, tx, open_ones, None, subject.at)
    cause = Cause(cause_id, "beperking-opgeheven", frozenset(), subject.known.person, subject.known.root)
    free = free_again(tx, subject.known.root, rows)
    return len(means.stopper.notifier.tell(tx, notices_of(free, cause, asks=False), subject.at))


def together(parts: Iterable[Consequence]) -> Consequence:
    """What followed from several acts at once, as one."""
    parts = list(parts)
    return Consequence(
        max(part.at for part in parts),
        tuple(one for part in parts for one in part.stopped),
        tuple(one for part in parts for one in part.given),
        tuple(one for part in parts for one in part.notices),
    )


def _request(row: Row[Any]) -> Request:
    """The flow of a release, as far as what limits sharing asks for it."""
    return Request(Oin(row.organisation), Oin(row.recipient), "", Purpose(row.purpose), frozenset())
