"""What is processed, from what was agreed: one activity per agreement, kind, doel and direction. Pure.

It follows the agreements: what is not in force, or not in the catalogue for these roles, is not processed and does not
stand here. It changes by itself when an agreement ends.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from consent.gate.checks import entitled_laws
from contracts import catalogue
from contracts.agreement import Agreement, Ground
from contracts.identity import SPECIAL, Category, Oin, Purpose, Role
from contracts.kinds.base import Kind
from hub.store.region.agreements import StoredAgreement, StoredGround
from hub.store.region.parties import Organisation

#: About whom (AVG art. 30(1)(c)).
CANDIDATES, STAFF = "kandidaten", "medewerkers"
#: What the hub does to protect it (AVG art. 32(1)), in general, as art. 30(1)(g) and 30(2)(d) ask.
SECURITY: Final = (
    "toegang per organisatie en taak, met sleutels die alleen het eigen systeem heeft",
    "versleuteling van berichten en eigen nummers in opslag, met een sleutel per persoon en organisatie",
    "een eigen kenmerk per organisatie in plaats van een naam; het BSN buiten berichten alleen als gesleutelde index",
    "per bericht en ontvanger een toets op wet of toestemming, vlak voor het verstrekken opnieuw",
    "alleen de gegevens die de ontvanger voor dit doel nodig heeft",
    "een bewijslogboek dat anderen kunnen controleren",
)


@dataclass(frozen=True, slots=True)
class Activity:
    """One processing activity. ``grounds``: those in force for it; ``consented``: categories that need consent."""

    agreement: StoredAgreement
    kind: Kind
    purpose: Purpose
    sender: Organisation
    receiver: Organisation
    categories: tuple[Category, ...]
    grounds: tuple[StoredGround, ...]

    @property
    def id(self) -> str:
        """The same as long as the agreement stands: agreement, kind, doel, who gives and who gets."""
        ends = f"{self.sender.oin}/{self.receiver.oin}"
        return f"{self.agreement.agreement.id}/{self.kind.name}/{self.purpose.value}/{ends}"

    @property
    def persons(self) -> tuple[str, ...]:
        """Whose data it is."""
        return (CANDIDATES, STAFF) if Category.MEDEWERKER in self.categories else (CANDIDATES,)

    @property
    def consented(self) -> tuple[Category, ...]:
        """Categories that no grondslag covers: of these only what the person agreed to goes, and no BSN at all."""
        lawful = frozenset().union(*(_covers(one.ground) for one in self.grounds))
        never = {Category.MEDEWERKER, Category.BSN}
        return tuple(category for category in self.categories if category not in lawful | never)


def activities(
    agreements: Collection[StoredAgreement],
    grounds: Collection[StoredGround],
    parties: Mapping[Oin, Organisation],
    at: datetime,
) -> list[Activity]:
    """All activities in force at ``at``, in order of id."""
    found = [
        activity
        for stored in agreements
        if stored.agreement.in_force(at)
        for activity in _of(stored, [g for g in grounds if g.ground.in_force(at)], parties)
        if _active(activity.sender, at) and _active(activity.receiver, at)
    ]
    return sorted(found, key=lambda activity: activity.id)


def _of(
    stored: StoredAgreement, grounds: Sequence[StoredGround], parties: Mapping[Oin, Organisation]
) -> Iterator[Activity]:
    value: Agreement = stored.agreement
    rests = [one for one in grounds if one.ground.agreement_id == value.id]
    ends = [(parties[a], parties[b]) for a in sorted(value.parties) for b in sorted(value.parties) if a != b]
    kinds = (catalogue.by_name(name) for name in sorted(value.kinds))
    for kind in (kind for kind in kinds if kind is not None and kind.about_person):
        for purpose in sorted(value.purposes):
            for sender, receiver in ends:
                roles = sender.role, receiver.role
                if kind.flow(*roles, purpose) and kind.shapes(receiver.role):
                    fitting = tuple(one for one in rests if _fits(one.ground, kind, purpose, roles))
                    yield Activity(stored, kind, purpose, sender, receiver, _categories(kind, roles, fitting), fitting)


def _fits(ground: Ground, kind: Kind, purpose: Purpose, roles: tuple[Role, Role]) -> bool:
    named = (ground.sender_role, ground.receiver_role)
    return kind.name in ground.kinds and ground.purpose is purpose and named == roles


def _categories(kind: Kind, roles: tuple[Role, Role], grounds: Sequence[StoredGround]) -> tuple[Category, ...]:
    """What the matrix of minimisation lets through to this role; from and to woonzorg all is health too.

    A BSN goes on a grondslag only, between two who may both hold it.
    """
    sender, receiver = roles
    found = {cell.category for cell in catalogue.matrix(kind, receiver) if cell.category is not None}
    if Role.WOONZORG in roles:
        found.add(Category.GEZONDHEID)
    lawful = any(Category.BSN in one.ground.categories for one in grounds)
    if not lawful or not entitled_laws(sender) & entitled_laws(receiver):
        found.discard(Category.BSN)
    return tuple(sorted(found))


def _covers(ground: Ground) -> frozenset[Category]:
    """A special category only where the grondslag names its UAVG article."""
    return ground.categories if ground.uavg_article is not None else ground.categories - SPECIAL


def _active(party: Organisation, at: datetime) -> bool:
    return party.suspended_at is None or at < party.suspended_at
