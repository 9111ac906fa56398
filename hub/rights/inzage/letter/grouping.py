"""What a letter says once instead of a hundred times: equal deliveries together, with how many and when. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from hub.delivery.states import State
from hub.rights.inzage.letter import words

#: States of what went that need no word: it is there, or on its way.
ARRIVED: Final = frozenset({State.RELEASED, State.DELIVERED, State.CONFIRMED})
#: What makes two deliveries the same to the person.
Key = tuple[Any, ...]


@dataclass(slots=True)
class Group:
    """Deliveries that differ in nothing but their time. ``sample``: one of them."""

    sample: Mapping[str, Any]
    count: int = 0
    first: datetime = field(init=False)
    last: datetime = field(init=False)

    def add(self, at: datetime) -> None:
        """One more."""
        self.first = at if self.count == 0 else min(self.first, at)
        self.last = at if self.count == 0 else max(self.last, at)
        self.count += 1


@dataclass(slots=True)
class Groups:
    """Takes deliveries one by one and keeps no more of them than there are groups."""

    given: dict[Key, Group] = field(default_factory=dict)
    held: dict[Key, Group] = field(default_factory=dict)
    refused: dict[Key, Group] = field(default_factory=dict)

    def add(self, found: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
        """A page of the picture."""
        for one in found.get("berichten", ()):
            if one["vrijgegevenOp"] is None:
                if one["kennisgeving"] and one["status"] == State.WAITING:
                    continue  # it stands among what organisations were asked
                key = (*_flow(one), one["status"], one.get("reden"))
                _into(self.held, key, one, one["aanvaardOp"])
            else:
                basis = tuple(_plain(b) for b in one["grondslagen"])
                ended = None if one["status"] in ARRIVED else one["status"]
                key = (*_flow(one), tuple(one["categorieen"]), tuple(one.get("weggelaten", ())), basis, ended)
                _into(self.given, key, one, one["vrijgegevenOp"])
        for one in found.get("weigeringen", ()):
            refused = tuple((d["ontvanger"], d["reden"]) for d in one.get("besluiten", ()))
            _into(self.refused, (one["verstrekker"], one["soort"], one["doel"], refused), one, one["op"])


def _into(groups: dict[Key, Group], key: Key, one: Mapping[str, Any], at: datetime) -> None:
    groups.setdefault(key, Group(one)).add(at)


def _flow(one: Mapping[str, Any]) -> Key:
    return one["verstrekker"], one["ontvanger"], words.kind(one["soort"], one.get("code")), one["doel"]


def _plain(basis: Mapping[str, Any]) -> Key:
    """A basis as the letter tells it: which law, or when the person said so; not which fact of several alike."""
    told = ("soort", "basis", "wet", "artikel", "lid", "uavgArtikel", "gegevenOp", "gegevenDoor", "geheimhouder")
    return tuple(basis.get(name) for name in told)
