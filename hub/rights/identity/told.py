"""What followed from a join or split, or would follow; each organisation is told its own part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from contracts import instants
from contracts.identity import Oin
from hub.rights.identity.confirming import Matter
from hub.rights.identity.crossed import Crossed
from hub.rights.identity.foresight import OwnFlow
from hub.rights.recall.worksheet import NOTIFY_WITHIN
from hub.store.persons.identity import OwnRef


@dataclass(frozen=True, slots=True)
class Consequence:
    """For the whole region: ``refused`` are rows of deliveries that were stopped, ``notices`` (sender, receiver).

    ``flows`` and ``refs``: those of the organisation that confirmed. ``split_off``: the persons of that side.
    """

    matter: Matter
    refused: tuple[Row[Any], ...]
    flows: tuple[OwnFlow, ...]
    refs: tuple[OwnRef, ...]
    crossed: tuple[Crossed, ...] = ()
    notices: tuple[tuple[Oin, Oin], ...] = ()
    split_off: frozenset[str] = frozenset()
    bsn_differs: bool = False

    def joining(self) -> dict[str, Any]:
        """The part of who confirmed a join."""
        return self._part() | {
            "samenvoegingId": self.matter.request.request_id,
            "kandidaatRefs": sorted(own.ref for own in self.refs),
            "bsnVerschilt": self.bsn_differs,
        }

    def splitting(self) -> dict[str, Any]:
        """The part of who confirmed a split."""
        own, at = self.matter.asker.organisation, self.matter.at
        given = own_part(((c.row, c.why) for c in self.crossed), own)
        return self._part() | {
            "splitsingId": self.matter.request.request_id,
            "kandidaatRefs": [{"kandidaatRef": r.ref, "afgesplitst": r.person in self.split_off} for r in self.refs],
            "verstrekt": given,
            "kennisgevingen": sum(own in ends for ends in self.notices),
            "meldenVoor": notify_before(given, at),
        }

    def _part(self) -> dict[str, Any]:
        own = self.matter.asker.organisation
        return {
            "proef": self.matter.confirmation.trial,
            "tijdstip": instants.write(self.matter.at),
            "gestopt": [
                {"berichtId": row.message_id, "ontvanger": row.recipient}
                for row in self.refused
                if row.organisation == own
            ],
            "stromen": [
                {
                    "kandidaatRef": flow.ref,
                    "verstrekker": flow.sender,
                    "ontvanger": flow.receiver,
                    "doel": flow.purpose.value,
                    "stopt": flow.stops,
                }
                for flow in self.flows
            ],
        }


def own_part(crossed: Iterable[tuple[Row[Any], str]], own: Oin) -> list[dict[str, Any]]:
    """What this organisation sent or received itself of what crossed."""
    return [
        {
            "berichtId": row.message_id,
            "ontvanger": row.recipient,
            "tijdstip": instants.write(row.released_at),
            "reden": why,
        }
        for row, why in crossed
        if own in (row.organisation, row.recipient)
    ]


def notify_before(given: Iterable[Mapping[str, Any]], at: datetime) -> str | None:
    """By when a breach is notified (AVG art. 33(1)); ``None`` where nothing went where it did not belong."""
    return instants.write(at + NOTIFY_WITHIN) if any(True for _ in given) else None
