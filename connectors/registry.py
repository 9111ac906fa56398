"""Which connectors there are. ``_template`` is not one: it is there to be copied."""

from connectors.csv.translate import Csv
from connectors.json_rest.translate import JsonRest
from connectors.port import Connector
from contracts.errors import NotFound


def all_connectors() -> tuple[Connector, ...]:
    """Every connector, by name."""
    return (Csv(), JsonRest())


def find(name: str) -> Connector:
    """The connector of this name. Raises ``NotFound``."""
    for connector in all_connectors():
        if connector.name == name:
            return connector
    raise NotFound("er is geen connector met deze naam")
