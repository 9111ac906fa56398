"""What the operators agreed, as the log tells it: organisations, machtigingen, agreements, grounds."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from consent.facts import Party, RuleFacts
from contracts import instants
from contracts.agreement import Agreement, Ground
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, Role
from hub.access.caller import Scope
from hub.access.operators import OFFICE
from hub.administration.act import same_operator
from hub.store.region.rules import SENDING


@dataclass(frozen=True, slots=True)
class Told:
    """A machtiging as it was given."""

    organisation: str
    system: str
    scopes: frozenset[str]
    kinds: frozenset[str] | None
    until: datetime | None
    ended_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """In force at an instant."""
        return all(end is None or at < end for end in (self.until, self.ended_at))


#: What an act says that decides nothing, and must stand in its table all the same: table, name of the key, names.
_BESIDE: Final = {
    "organisatie-toegevoegd": ("organisation", "oin", ("naamSha256", "rechtsvorm")),
    "systeem-toegevoegd": ("system", "systeem", ("sleutels",)),
    "sleutels-vervangen": ("system", "systeem", ("sleutels",)),
    "afspraak-toegevoegd": (
        *("agreement", "afspraakId"),
        ("verwerkersovereenkomstSha256", "art26RegelingSha256", "motiveringSha256", "dpiaOp"),
    ),
    "grondslag-toegevoegd": ("ground", "grondslagId", ("wet", "artikel", "lid")),
}


@dataclass(slots=True)
class Region:
    """The region at one place in the log."""

    roles: dict[str, Role] = field(default_factory=dict)
    suspended: dict[str, datetime] = field(default_factory=dict)
    mandates: dict[str, Told] = field(default_factory=dict)
    agreements: dict[str, Agreement] = field(default_factory=dict)
    grounds: dict[str, Ground] = field(default_factory=dict)
    beside: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)  # (table, key) → what decides nothing

    def hear(self, said: dict[str, Any]) -> str | None:
        """Take in one act of an operator, and say what is wrong with it. What changes nothing here is passed over."""
        wrong = self._unlawful(said, instants.parse(said["op"]))
        self._change(said)
        return wrong

    def _unlawful(self, said: dict[str, Any], at: datetime) -> str | None:
        """Why nobody could have done this act at this place in the log (gate rules, "Who may do what").

        ``namens``: it was done over HTTP, by a systeem for that organisation. A command's operator is not known here.
        """
        act, operator, organisation = said["handeling"], said["operator"], said.get("namens")
        if act == "grondslag-bevestigd" and same_operator(self.grounds[said["grondslagId"]].established_by, operator):
            return "een grondslag, bevestigd door wie haar vaststelde"
        if organisation is None:
            return None
        party = self._party(organisation, at)
        may = any(
            (m.organisation, m.system) == (organisation, operator) and Scope.BEHEER in m.scopes and m.holds(at)
            for m in self.mandates.values()
        )
        own = act == "afspraak-aanvaard" and said["organisatie"] == organisation
        if not may or party is None or not party.active or not (own or party.role in OFFICE):
            return "een handeling over HTTP van een systeem dat dat toen niet mocht"
        return None

    def _change(self, said: dict[str, Any]) -> None:
        if said["handeling"] in _BESIDE:
            table, key, names = _BESIDE[said["handeling"]]
            self.beside[table, said[key]] = {name: said.get(name) for name in names}
        at, operator = instants.parse(said["op"]), said["operator"]
        match said["handeling"]:
            case "organisatie-toegevoegd":
                self.roles[said["oin"]] = Role(said["rol"])
            case "organisatie-geschorst":
                self.suspended[said["oin"]] = at
            case "machtiging-gegeven":
                self.mandates[said["machtigingId"]] = _mandate(said)
            case "machtiging-beeindigd":
                self.mandates[said["machtigingId"]] = replace(_mandate(said), ended_at=at)
            case "afspraak-toegevoegd":
                self.agreements[said["afspraakId"]] = _agreement(said)
            case "afspraak-aanvaard":
                one = self.agreements[said["afspraakId"]]
                accepted = {**one.accepted, Oin(said["organisatie"]): at}
                self.agreements[one.id] = replace(one, accepted=accepted)
            case "afspraak-beeindigd":
                self.agreements[said["afspraakId"]] = replace(self.agreements[said["afspraakId"]], ended_at=at)
            case "grondslag-toegevoegd":
                self.grounds[said["grondslagId"]] = _ground(said, operator)
            case "grondslag-bevestigd":
                self.grounds[said["grondslagId"]] = replace(self.grounds[said["grondslagId"]], confirmed_by=operator)
            case "grondslag-beeindigd":
                self.grounds[said["grondslagId"]] = replace(self.grounds[said["grondslagId"]], ended_at=at)

    def facts(self, sender: str, system: str, receiver: str, at: datetime) -> RuleFacts:
        """What held between two organisations. By which systeem a push went the log does not tell."""
        mandates = [
            m
            for m in self.mandates.values()
            if m.organisation == sender and m.system == system and SENDING in m.scopes and m.holds(at)
        ]
        kinds = [m.kinds for m in mandates]
        shared = tuple(a for a in self.agreements.values() if a.parties == {sender, receiver})
        names = {a.id for a in shared}
        return RuleFacts(
            sender=self._party(sender, at),
            receiver=self._party(receiver, at),
            mandate_active=bool(mandates),
            mandate_kinds=None if None in kinds else frozenset().union(*(k for k in kinds if k is not None)),
            push_active=True,
            agreements=shared,
            grounds=tuple(g for g in self.grounds.values() if g.agreement_id in names),
        )

    def bears(self, organisation: str, system: str, scope: str, at: datetime) -> bool:
        """Whether a machtiging of this systeem for this organisation bore a scope, and neither was suspended."""
        party = self._party(organisation, at)
        held = (m for m in self.mandates.values() if (m.organisation, m.system) == (organisation, system))
        return party is not None and party.active and any(scope in m.scopes and m.holds(at) for m in held)

    def _party(self, oin: str, at: datetime) -> Party | None:
        role = self.roles.get(oin)
        if role is None:
            return None
        since = self.suspended.get(oin)
        return Party(Oin(oin), role, active=since is None or at < since)


def moment(said: dict[str, Any], name: str) -> datetime | None:
    """An instant of a payload; ``None`` where it is left out or empty."""
    found = said.get(name)
    return None if found is None else instants.parse(found)


def _mandate(said: dict[str, Any]) -> Told:
    kinds = said.get("soorten")
    return Told(
        said["organisatie"],
        said["systeem"],
        frozenset(said["scopes"]),
        None if kinds is None else frozenset(kinds),
        moment(said, "tot"),
    )


def _agreement(said: dict[str, Any]) -> Agreement:
    return Agreement(
        id=said["afspraakId"],
        parties=frozenset(map(Oin, said["partijen"])),
        kinds=frozenset(said["soorten"]),
        purposes=frozenset(map(Purpose, said["doelen"])),
        valid_from=instants.parse(said["geldigVan"]),
        valid_until=moment(said, "geldigTot"),
        motivation="motiveringSha256" in said,
        joint_arrangement=said.get("art26RegelingSha256"),
    )


def _ground(said: dict[str, Any], operator: str) -> Ground:
    return Ground(
        id=said["grondslagId"],
        agreement_id=said["afspraakId"],
        basis=LegalBasis(said["basis"]),
        frameworks=frozenset(map(LegalFramework, said["wettelijkeKaders"])),
        kinds=frozenset(said["soorten"]),
        purpose=Purpose(said["doel"]),
        sender_role=Role(said["verstrekkerRol"]),
        receiver_role=Role(said["ontvangerRol"]),
        categories=frozenset(map(Category, said["categorieen"])),
        valid_from=instants.parse(said["geldigVan"]),
        valid_until=moment(said, "geldigTot"),
        established_by=operator,
        confirmed_by=None,
        uavg_article=said.get("uavgArtikel"),
    )
