"""``traject.beeindigd``: a traject is over. It is the last message about it, and it closes involvement.

``per`` is the last day of the traject, so the message is sent on that day or later: a traject whose end is known before
bears that end from the start (``tot``). Whoever is not the opdrachtgever learns that it ended, never why.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from contracts.identity import Category, Purpose, Role
from contracts.kinds.base import CERT, GEM, LB, MBO, SOB, SOC_K, SOC_W, Flow, Kind
from contracts.kinds.fields import ClientCode, Day, Ident
from contracts.kinds.objects import DataSchema
from contracts.kinds.parts import INZETBAARHEID

_DIED: Final = "overleden"
#: Written by the hub alone, to all who are not the opdrachtgever.
ENDED: Final = "beeindigd"
#: Roles in which an opdrachtgever has a use for the reason.
_TOLD: Final = frozenset({Role.GEMEENTE, Role.ONTWIKKELBEDRIJF})


class Beeindiging(DataSchema):
    """That a traject ended, and for its opdrachtgever why."""

    trajectId = Ident(required=True)
    per = Day(required=True, trait=INZETBAARHEID)
    reden = ClientCode(
        f"uitstroom verhuisd overgedragen gestopt {_DIED}", ENDED, _TOLD, required=True, trait=INZETBAARHEID
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """What a closing message says: the last day of the traject, and whether the person died."""

    last_day: date
    died: bool


def ending(data: Mapping[str, Any]) -> Ending:
    """The ending that well-shaped data of a closing message tells."""
    return Ending(date.fromisoformat(data["per"]), data["reden"] == _DIED)


KINDS: Final = (
    Kind(
        name="traject.beeindigd",
        flows=(Flow(GEM | SOB, GEM | SOB | MBO | SOC_K | SOC_W | LB | CERT, frozenset({Purpose.TRAJECTBEGELEIDING})),),
        schema=Beeindiging(),
        needs=frozenset({Category.INZETBAARHEID}),
        closes=True,
    ),
)
