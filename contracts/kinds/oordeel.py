"""Rules about the judgement of a werkproces; shared by the assessment and by the request that carries one."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.codelists.loader import known
from contracts.errors import Fault
from contracts.kinds import walk
from contracts.kinds.fields import RuleContext
from contracts.kinds.objects import DataSchema
from contracts.kinds.parts import Kwalificatie

ACHIEVED: Final = "behaald"
_PARTS: Final = ("kennis", "vaardigheden", "gedrag")


def judgement_faults(judgement: Mapping[str, Any], path: str, part: bool) -> list[Fault]:
    """What is wrong with a judgement (WEB art. 7.4.6a); ``part``: of a part of a werkproces only."""
    if judgement["eindoordeel"] != ACHIEVED:
        return []
    found: list[Fault] = []
    if part:
        found.append(Fault(f"{path}.eindoordeel", "DEEL_NIET_BEHAALD", "Een deel van een werkproces is nooit behaald"))
    if "ondertekend" not in judgement:
        found.append(Fault(f"{path}.ondertekend", "VERPLICHT", "Behaald vraagt een handtekening"))
    parts = judgement.get("onderdeel", {})
    found += [
        Fault(f"{path}.onderdeel.{name}", "ONDERDEEL_NIET_BEHAALD", "Behaald vraagt dat elk onderdeel behaald is")
        for name in _PARTS
        if parts.get(name) != ACHIEVED
    ]
    return found


def qualification_warnings(schema: DataSchema, data: Mapping[str, Any], context: RuleContext) -> list[Fault]:
    """A crebo that no list holds today: the lists lag behind, so this is never a reason to refuse."""
    day = context.today
    return [
        Fault(f"{path}.crebo", "CREBO_ONBEKEND", "Deze crebo staat niet in de codelijst")
        for path, found in walk.objects(schema, data, "data", Kwalificatie)
        if not known("crebo", found["crebo"], day)
    ]


def werkproces_warnings(code: str, crebo: str, path: str, context: RuleContext) -> list[Fault]:
    """A code of the basisdeel that the Entree basisdeel does not have."""
    basis = code.startswith("B1-") and known("crebo-entree", crebo, context.today)
    if not basis or known("basisdeel-entree", code, context.today):
        return []
    return [Fault(path, "WERKPROCES_ONBEKEND", "Dit werkproces staat niet in het basisdeel Entree")]
