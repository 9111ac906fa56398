"""``werkproces.beoordeeld``: the company's judgement of one werkproces. It advises; the school decides."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose
from contracts.kinds.base import LB, MBO, SOB, SOC_K, Flow, Kind
from contracts.kinds.fields import Choice, Ident, RuleContext, Trait, werkproces_code
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.oordeel import judgement_faults, qualification_warnings, werkproces_warnings
from contracts.kinds.parts import (
    BEOORDELING,
    DEEL,
    EINDOORDEEL,
    Bewijs,
    Kwalificatie,
    Onderdeel,
    Ondertekend,
    Praktijkopleider,
)


class Beoordeling(DataSchema):
    """An assessment. ``plaatsingId`` says where; without it a workplace is hidden if it may be one of care."""

    beoordelingId = Ident(required=True)
    plaatsingId = Ident()
    kwalificatie = Part(Kwalificatie, required=True, trait=BEOORDELING)
    werkprocesCode = werkproces_code(required=True, trait=BEOORDELING)
    deel = Choice(DEEL, trait=BEOORDELING)
    onderdeel = Part(Onderdeel, trait=BEOORDELING)
    eindoordeel = Choice(EINDOORDEEL, required=True, trait=BEOORDELING)
    praktijkopleider = Part(Praktijkopleider, trait=Trait(Category.MEDEWERKER, workplace=True))
    ondertekend = Part(Ondertekend, trait=BEOORDELING)
    bewijs = Items(Part(Bewijs), 50, trait=BEOORDELING)


_SCHEMA: Final = Beoordeling()


def _rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    return judgement_faults(data, "data", data.get("deel") == "deel")


def _warnings(data: Mapping[str, Any], context: RuleContext) -> list[Fault]:
    code, crebo = data["werkprocesCode"], data["kwalificatie"]["crebo"]
    return qualification_warnings(_SCHEMA, data, context) + werkproces_warnings(
        code, crebo, "data.werkprocesCode", context
    )


KINDS: Final = (
    Kind(
        name="werkproces.beoordeeld",
        flows=(Flow(SOB | SOC_K | LB, SOB | MBO, frozenset({Purpose.OPLEIDEN})),),
        schema=_SCHEMA,
        needs=frozenset({Category.BEOORDELING}),
        results=True,
        rules=_rules,
        warnings=_warnings,
    ),
)
