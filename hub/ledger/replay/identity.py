"""Who was joined with whom, and split off again, as the log tells it: never without a second officer, never twice.

Each of the persons concerned has an entry of its own about one act. They say the same, and count as one: what one of
them tells is known also when another person was erased.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import product
from typing import Any

from contracts import instants
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import moment

#: (request, person, person): whom two officers split, by which request; the handles in order.
Pair = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """What a first officer asked. The last five: what the second one confirmed."""

    kind: str
    person: str
    other: str | None
    organisation: str
    system: str
    employee: str
    code: str
    asked_at: datetime
    until: datetime | None
    done_at: datetime | None = None
    confirmed_by: str | None = None
    second_employee: str | None = None
    confirmed_person: str | None = None
    crossed: str | None = None


@dataclass(slots=True)
class Identities:
    """All requests and all who are held apart, at one place in the log; joins and splits go to ``persons``."""

    persons: Persons
    requests: dict[str, Request] = field(default_factory=dict)
    done: dict[str, dict[str, Any]] = field(default_factory=dict)  # request → what its first entry said
    apart: dict[Pair, tuple[datetime, datetime | None]] = field(default_factory=dict)

    def asked(self, person: str, said: dict[str, Any]) -> None:
        """A first officer asked."""
        self.requests[said["verzoekId"]] = Request(
            said["soort"].removesuffix("-gevraagd"),
            person,
            said.get("met"),
            said["organisatie"],
            said["systeem"],
            said["medewerker"],
            said["code"],
            instants.parse(said["op"]),
            moment(said, "geldigTot"),
        )

    def by_bsn(self, kept: str, merged: str) -> str | None:
        """A BSN joined two persons; what is wrong with it, if anything."""
        ones, others = self.persons.group(kept), self.persons.group(merged)
        held = any(self._held(a, b) for a, b in product(ones, others))
        self.persons.join(self.persons.get(kept).root, self.persons.get(merged).root)
        return "een samenvoeging van twee personen die twee medewerkers splitsten" if held else None

    def _held(self, a: str, b: str) -> bool:
        return any({one, other} == {a, b} and ended is None for (_, one, other), (_, ended) in self.apart.items())

    def carried_out(self, said: dict[str, Any], *, all_read: bool) -> str | None:
        """Two officers joined or split; what is wrong with it, if anything.

        ``all_read``: so could every entry so far about these persons. Else the first officer's may be among those that
        could not.
        """
        request_id = said["verzoekId"]
        if request_id in self.done:
            return None if self.done[request_id] == said else "een verzoek dat twee keer is uitgevoerd"
        self.done[request_id] = said
        request = self.requests.get(request_id)
        wrong = self._unfit(said, request) if request is not None or all_read else None
        at = instants.parse(said["op"])
        if request is not None:
            self.requests[request_id] = replace(
                request,
                done_at=at,
                confirmed_by=said["organisatie"],
                second_employee=said["medewerker"],
                confirmed_person=said["persoon"],
                crossed=said.get("verstrektSha256"),
            )
        if said["soort"] == "samenvoeging":
            self._join(said, at)
        else:
            self._split(said, at)
        return wrong

    def _unfit(self, said: dict[str, Any], request: Request | None) -> str | None:
        if request is None or request.kind != said["soort"]:
            return "een handeling van twee medewerkers waar de eerste niet om vroeg"
        first = (said["eersteOrganisatie"], said["eersteMedewerker"])
        if first != (request.organisation, request.employee):
            return "een handeling van twee medewerkers waarvan de eerste een ander was"
        second = said["organisatie"], said["medewerker"]
        if [part.casefold() for part in first] == [part.casefold() for part in second]:
            return "een handeling waarvoor twee medewerkers nodig zijn, door één"
        if request.until is None or instants.parse(said["op"]) >= request.until:
            return "een handeling met een code die al verlopen was"
        if request.other not in (None, said["persoon"]):
            return "een samenvoeging met een ander dan gevraagd was"
        return None

    def _join(self, said: dict[str, Any], at: datetime) -> None:
        groups = [self.persons.group(who) for who in said["leden"]]
        for pair, (since, ended) in self.apart.items():
            across = any(pair[1] in one and pair[2] not in one for one in groups) and set(pair[1:]) <= set(
                said["leden"]
            )
            if ended is None and across:
                self.apart[pair] = since, at
        for who in said["leden"]:
            self.persons.join(said["wortel"], self.persons.get(who).root)

    def _split(self, said: dict[str, Any], at: datetime) -> None:
        self.persons.split(said["afgesplitst"], said["wortel"], said["leden"])
        for pair in product(self.persons.group(said["afgesplitst"]), said["leden"]):
            one, two = sorted(pair)
            self.apart[said["verzoekId"], one, two] = at, None
