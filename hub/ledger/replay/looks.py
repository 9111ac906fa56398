"""Inzage, as the log tells it: who looked must have been allowed to, at that place in the log."""

from typing import Any

from contracts import instants
from hub.access.caller import Scope
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region
from hub.rights.inzage.asking import OWN, WHOLE

_SCOPES = {OWN: Scope.TOESTEMMINGEN_LEZEN, WHOLE: Scope.RECHTEN_GEHEEL}


def looked(region: Region, persons: Persons, person: str, said: dict[str, Any]) -> str | None:
    """What is wrong with an inzage, if anything."""
    organisation, at = said["organisatie"], instants.parse(said["op"])
    needed = {_SCOPES[said["omvang"]]} | ({Scope.BERICHTEN_VERSTUREN} if said["inhoud"] else set())
    if not all(region.bears(organisation, said["systeem"], scope, at) for scope in needed):
        return "een inzage zonder machtiging"
    facts, _ = persons.facts(person)
    if said["omvang"] == OWN and all(i.organisation != organisation for i in facts.involvements):
        return "een inzage door een organisatie die nooit betrokken was"
    return None
