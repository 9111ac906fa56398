"""Uitwisselafspraken and grondslagen: dated configuration between two organisations, never made per person.

A kind is named here by its short name (``voortgang.gemeld``), without prefix and version.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, Role


@dataclass(frozen=True, slots=True)
class Agreement:
    """An uitwisselafspraak (AVG art. 26 or 28): kinds and doelen that two organisations accepted to exchange."""

    id: str
    parties: frozenset[Oin]
    kinds: frozenset[str]
    purposes: frozenset[Purpose]
    valid_from: datetime
    valid_until: datetime | None
    accepted: Mapping[Oin, datetime] = field(default_factory=dict)
    ended_at: datetime | None = None
    motivation: bool = False
    joint_arrangement: str | None = None  # the art. 26 regeling, when there is one

    def in_force(self, at: datetime) -> bool:
        """Valid, not ended, and accepted by both before ``at``. No acceptance, no exchange."""
        if at < self.valid_from or (self.valid_until is not None and at >= self.valid_until):
            return False
        if self.ended_at is not None and at >= self.ended_at:
            return False
        return len(self.parties) == 2 and all(p in self.accepted and self.accepted[p] <= at for p in self.parties)

    def covers(self, kind: str, purpose: Purpose) -> bool:
        """True when both the kind and the doel stand in it."""
        return kind in self.kinds and purpose in self.purposes


@dataclass(frozen=True, slots=True)
class Ground:
    """A grondslag: the law or the contract on which a flow rests without consent (AVG art. 6(1)(b), (c), (e))."""

    id: str
    agreement_id: str
    basis: LegalBasis
    frameworks: frozenset[LegalFramework]
    kinds: frozenset[str]
    purpose: Purpose
    sender_role: Role
    receiver_role: Role
    categories: frozenset[Category]
    valid_from: datetime
    valid_until: datetime | None
    established_by: str
    confirmed_by: str | None
    uavg_article: str | None = None
    ended_at: datetime | None = None

    def in_force(self, at: datetime) -> bool:
        """Valid, not ended, and set by two different operators."""
        if self.confirmed_by is None or self.confirmed_by == self.established_by:
            return False
        if at < self.valid_from or (self.valid_until is not None and at >= self.valid_until):
            return False
        return self.ended_at is None or at < self.ended_at
