"""Joining and splitting, under one name for the HTTP side."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row

from contracts.errors import NotFound
from contracts.identity import Oin
from hub.rights.consent.means import Means
from hub.rights.identity.asking import JOIN, SPLIT, Asked, Asking, Wish, reason_of
from hub.rights.identity.confirming import Confirmation, Confirming, Work
from hub.rights.identity.joins import Joins
from hub.rights.identity.splits import Splits
from hub.rights.identity.told import Consequence
from hub.store.persons import identity
from hub.store.region.access import Asker


@dataclass(frozen=True, slots=True)
class Identity:
    """The verbs on who is who. ``code_key``: HMAC key of the index of codes."""

    means: Means
    code_key: bytes

    def ask(self, asker: Asker, ref: str, wish: Wish) -> Asked:
        """The first officer's step. Raises ``NotFound``, ``Conflict``."""
        return Asking(self.means, self.code_key).ask(asker, ref, wish)

    def confirm(self, asker: Asker, confirmation: Confirmation) -> Consequence:
        """The second officer's step, or a look at what it would do. Raises ``NotFound``, ``Conflict``."""
        works: dict[str, Work] = {JOIN: Joins(self.means).join, SPLIT: Splits(self.means).split}
        confirming = Confirming(self.means, self.code_key)
        consequence: Consequence = confirming.confirm(asker, confirmation, works[confirmation.kind])
        return consequence

    def asked(self, connection: Connection, kind: str, organisation: Oin, ref: str) -> list[Row[Any]]:
        """What an organisation asked or confirmed for the person of its ref. Raises ``NotFound``."""
        own = identity.own_ref(connection, organisation, ref)
        if own is None:
            raise NotFound
        return identity.requests_of(connection, kind, organisation, own.person)

    def reason(self, row: Row[Any]) -> str | None:
        """Why it was asked; ``None`` once the evidence key is gone."""
        return reason_of(self.means.key_store, row)
