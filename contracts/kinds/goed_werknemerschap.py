"""``goed-werknemerschap.aangevraagd`` and ``.uitgereikt``: the certificate for behaviour at work."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose
from contracts.kinds.base import CERT, SOB, Flow, Kind
from contracts.kinds.fields import Choice, Day, Ident, RuleContext, Whole
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import BEOORDELING, VerstrekenPeriode

_THEMA: Final = "motivatie leerhouding arbeidsvaardigheden sociale-vaardigheden"
_UITSLAG: Final = "behaald niet-behaald"


class Weekassessment(DataSchema):
    """The week in which trained assessors watched."""

    periode = Part(VerstrekenPeriode, required=True)


class Gedragsvoorbeeld(DataSchema):
    """One point of behaviour; the texts are the certifier's, only codes travel."""

    itemCode = Ident(required=True)
    thema = Choice(_THEMA, required=True)
    score = Whole(1, 10, required=True)


class Aanvraag(DataSchema):
    """The request for a certificate."""

    aanvraagId = Ident(required=True)
    weekassessment = Part(Weekassessment, required=True, trait=BEOORDELING)
    gedragsvoorbeeld = Items(Part(Gedragsvoorbeeld), 60, required=True, trait=BEOORDELING)
    uitslag = Choice(_UITSLAG, trait=BEOORDELING)


class Uitreiking(DataSchema):
    """What was issued."""

    aanvraagId = Ident(required=True)
    uitslag = Choice(_UITSLAG, required=True, trait=BEOORDELING)
    datum = Day(trait=BEOORDELING)
    certificaatnummer = Ident(trait=BEOORDELING)
    pasnummer = Ident(trait=BEOORDELING)


def _issue_rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    numbered = "certificaatnummer" in data
    if data["uitslag"] == "behaald" and not numbered:
        return [Fault("data.certificaatnummer", "VERPLICHT", "Een behaald certificaat heeft een nummer")]
    if data["uitslag"] != "behaald" and numbered:
        return [Fault("data.certificaatnummer", "NIET_BEHAALD", "Zonder behaalde uitslag is er geen certificaat")]
    return []


KINDS: Final = (
    Kind(
        name="goed-werknemerschap.aangevraagd",
        flows=(Flow(SOB, CERT, frozenset({Purpose.CERTIFICEREN})),),
        schema=Aanvraag(),
        needs=frozenset({Category.BEOORDELING}),
    ),
    Kind(
        name="goed-werknemerschap.uitgereikt",
        flows=(Flow(CERT, SOB, frozenset({Purpose.CERTIFICEREN})),),
        schema=Uitreiking(),
        needs=frozenset({Category.BEOORDELING}),
        rules=_issue_rules,
    ),
)
