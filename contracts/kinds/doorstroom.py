"""``doorstroom.gemeld``: somebody took a step on the participatieladder."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose
from contracts.kinds.base import GEM, SOB, Flow, Kind
from contracts.kinds.fields import Choice, Day, Ident, RuleContext, Text, Whole, decimal
from contracts.kinds.objects import DataSchema, Part
from contracts.kinds.parts import INZETBAARHEID, OPLEIDING, UITKERING

_SOORT: Final = (
    "geen dagbesteding vrijwilligerswerk leerwerkplek werkervaringsplaats proefplaatsing opleiding "
    "beschut-werk werk-met-ondersteuning betaald-werk ondernemen"
)
# GGM, Model Werk, enumeration Arbeidsvermogen (EUPL-1.2).
_ARBEIDSVERMOGEN: Final = (
    "onder-wml met-hulp-wml-of-hoger zelfstandig-wml-of-hoger tijdelijk-geen-arbeidsvermogen nog-niet-bekend"
)


class Van(DataSchema):
    """The step before."""

    trede = Whole(1, 6, required=True)
    soort = Choice(_SOORT, required=True)


class Naar(DataSchema):
    """The step after, and since when."""

    trede = Whole(1, 6, required=True)
    soort = Choice(_SOORT, required=True)
    sector = Text(60, trait=OPLEIDING)
    datum = Day(required=True)


class Doorstroom(DataSchema):
    """A step. Percentages are text, as every decimal on the wire."""

    doorstroomId = Ident(required=True)
    van = Part(Van, required=True, trait=INZETBAARHEID)
    naar = Part(Naar, required=True, trait=INZETBAARHEID)
    loonwaardePercentage = decimal(UITKERING, whole_digits=3)
    arbeidsvermogen = Choice(_ARBEIDSVERMOGEN, trait=INZETBAARHEID)
    nazorgTot = Day(planned=True, trait=INZETBAARHEID)


def _rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    found = []
    if Decimal(data.get("loonwaardePercentage", "0")) > 100:
        found.append(Fault("data.loonwaardePercentage", "BEREIK", "Van 0 tot en met 100"))
    if data.get("nazorgTot", data["naar"]["datum"]) < data["naar"]["datum"]:
        found.append(Fault("data.nazorgTot", "PERIODE_OMGEKEERD", "De nazorg eindigt voor de doorstroom"))
    return found


KINDS: Final = (
    Kind(
        name="doorstroom.gemeld",
        flows=(Flow(SOB, GEM, frozenset({Purpose.DOORSTROOM, Purpose.VERANTWOORDING})),),
        schema=Doorstroom(),
        needs=frozenset({Category.INZETBAARHEID}),
        rules=_rules,
    ),
)
