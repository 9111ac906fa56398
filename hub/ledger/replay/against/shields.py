"""Afschermingen, as the log tells them: none is lifted, and none names one receiver more, but by two employees.

The rows are held against the log with the facts of persons and with the acts; here only the order of the two's acts.
"""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Any

from hub.ledger.replay.against.rows import Wrong

#: What a first employee asked: who, and for which receivers (``None``: to lift it whole).
Asked = tuple[str | None, list[str] | None]
_NOBODY: Asked = None, None


@dataclass(frozen=True, slots=True)
class Told:
    """One afscherming. ``lifted_at`` is as written, ``lifted_by`` the second employee."""

    recorder: str
    receivers: frozenset[str]
    asked: Asked = _NOBODY
    lifted_at: str | None = None
    lifted_by: str | None = None

    @property
    def may_name(self) -> frozenset[str]:
        """Whom what takes its place may name."""
        return self.receivers | (frozenset(self.asked[1] or ()) if self.lifted_by is not None else frozenset())


@dataclass(slots=True)
class Shields:
    """All afschermingen at one place in the log. All that is said of one is under the key of one person."""

    told: dict[str, Told] = field(default_factory=dict)
    #: Lifted by nobody, for one that has yet to come: id → its place, and who the person and those joined with it are.
    open: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)

    def hear(self, said: dict[str, Any], place: str, group: frozenset[str]) -> str | None:
        """What one entry about a person of this group does; what is wrong with it, if anything."""
        key, organisation = said["afschermingId"], said["organisatie"]
        if said["soort"] == "afscherming":
            self.told[key] = Told(organisation, frozenset(said["ontvangers"]))
            return self._in_place_of(said)
        one = self.told.get(key)
        if one is None:
            return "een handeling op een afscherming die het logboek niet kent"
        wrong = None
        if organisation != one.recorder:
            wrong = "een handeling op een afscherming die een ander vastlegde"
        elif one.lifted_at is not None:
            wrong = "een handeling op een afscherming die al was opgeheven"
        if said["soort"] == "afscherming-opheffing-gevraagd":
            self.told[key] = replace(one, asked=(said["medewerker"], said.get("ontvangers")))
            return wrong
        second = said.get("medewerker")
        self.told[key] = replace(one, lifted_at=said["op"], lifted_by=second)
        if second is None:
            self.open[key] = place, group
            return wrong
        return wrong or _unfit(one.asked, said)

    def _in_place_of(self, said: dict[str, Any]) -> str | None:
        """The one before may lie under the key of another person, who was joined; it may be gone."""
        before = self.told.get(said.get("vervangt", ""))
        if before is None:
            return None
        self.open.pop(said["vervangt"], None)
        if before.lifted_at is None:
            return "een afscherming in de plaats van een die niet is opgeheven"
        if not before.may_name >= set(said["ontvangers"]):
            return "een afscherming met meer ontvangers dan twee medewerkers wilden"
        return None


def _unfit(asked: Asked, said: dict[str, Any]) -> str | None:
    """Why two employees did not lift it so."""
    first, receivers = asked
    if first is None or receivers != said.get("ontvangers"):
        return "het opheffen van een afscherming waar de eerste medewerker niet om vroeg"
    if first != said["eersteMedewerker"]:
        return "het opheffen van een afscherming waarvan de eerste medewerker een ander was"
    if first.casefold() == said["medewerker"].casefold():
        return "het opheffen van een afscherming, waarvoor twee medewerkers nodig zijn, door één"
    return None


def require_lifters(shields: Shields, unread: Collection[str], wrong: Wrong) -> None:
    """``unread``: handles of persons of whom not every entry could be read: what took the place may be among those."""
    for place, group in shields.open.values():
        if group.isdisjoint(unread):
            wrong(place, "een afscherming die door niemand is opgeheven, en waar geen andere voor in de plaats kwam")
