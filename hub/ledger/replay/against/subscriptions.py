"""Where messages are pushed to, as the log tells it: no address, and no kind, but as a systeem asked that could."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from contracts import instants
from hub.access.caller import Scope
from hub.ledger.evidence import SUBSCRIBED, subscribed
from hub.ledger.replay.against.rows import Wrong, every
from hub.ledger.replay.against.tables import differences
from hub.ledger.replay.region import Region
from hub.store.tables import subscription


@dataclass(slots=True)
class Subscriptions:
    """The subscriptions at one place in the log."""

    region: Region
    told: dict[str, dict[str, Any]] = field(default_factory=dict)  # organisation → its entry

    def hear(self, said: dict[str, Any]) -> str | None:
        """One was put, or ended; what is wrong with that, if anything."""
        organisation, system = said["organisatie"], said.get("systeem")
        if said["soort"] == SUBSCRIBED:
            self.told[organisation] = {name: value for name, value in said.items() if name != "v"}
        elif self.told.pop(organisation, None) is None:
            return "het einde van een abonnement dat het logboek niet kent"
        elif system is None:
            return None  # the address itself ended it
        if not self.region.bears(organisation, str(system), Scope.BERICHTEN_ONTVANGEN, instants.parse(said["op"])):
            return "een abonnement van een systeem zonder machtiging"
        return None


def compare_subscriptions(connection: Connection, told: Subscriptions, wrong: Wrong) -> None:
    """Row by row, but for the secret."""
    rows = {row.organisation: subscribed(dict(row._mapping)) for row in every(connection, subscription)}
    differences(subscription.name, rows, told.told, wrong)
