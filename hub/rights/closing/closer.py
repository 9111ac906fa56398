"""What follows from an accepted closing message, in the transaction that accepts it.

Involvement ends with the last day of the traject, for everybody in it; for who is told, when the message is released to
it (``hub.delivery.release``). So nothing depends on a message that is stopped, buried or never fetched. Openings of
the traject that still wait are stopped now: a traject that is over opens to nobody.

A report of death closes every flow of the person from this commit on, whoever sends and whatever it rests on; only
closing messages still go, so that those who are involved stop. The way back is the recall of that message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from consent.endings import Ended
from contracts import instants
from hub.gate.recipients import Decided
from hub.ledger.evidence import Fact
from hub.rights.consent.means import Means
from hub.rights.stopping import Cause
from hub.store.persons import closings
from hub.store.writer import Transaction

#: Its entry in the log; and why something that waited was stopped.
ENDED: Final = "traject-beeindigd"
DIED: Final = "overleden"


@dataclass(frozen=True, slots=True)
class Closer:
    """Draws the consequences of closing messages."""

    means: Means

    def conclude(self, tx: Transaction, accepted: Sequence[tuple[Decided, str]], keys: Mapping[str, bytes]) -> None:
        """Accepted messages with their ids; of those that end nothing, nothing follows.

        ``keys``: the evidence keys of their persons. Of closing messages the transaction holds the persons' locks
        exclusively.
        """
        for decided, message_id in accepted:
            ended, known = decided.ended(message_id), decided.known
            if ended is None or known is None:
                continue
            closings.close(tx.connection, known.root, ended)
            source = decided.message.source
            if ended.died:
                values = {"message_id": message_id, "person_id": known.person, "organisation": source.organisation}
                closings.report_death(tx.connection, values | {"at": ended.at})
            by = {"organisatie": source.organisation, "systeem": source.system}
            self.means.evidence.append(tx.connection, [Fact(known.person, by | _told(ended))], keys)
            # A crash before the commit: the message was not accepted, and ended nothing. After it: all of it holds.
            cause = Cause(message_id, DIED if ended.died else ENDED, frozenset(), known.person, known.root)
            self.means.stopper.stop_waiting(tx, cause, ended.at)


def _told(ended: Ended) -> dict[str, Any]:
    """As the log has it; what is not so is left out."""
    told: dict[str, Any] = {
        "soort": ENDED,
        "op": instants.write(ended.at),
        "berichtId": ended.message,
        "trajectId": ended.trajectory,
        "tot": instants.write(ended.until),
    }
    if ended.receiver is not None:
        told["ontvanger"] = ended.receiver
    return told | ({"overleden": True} if ended.died else {})
