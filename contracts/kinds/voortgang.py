"""``voortgang.gemeld``: what somebody learned, one report at a time, or the totals of a period."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose, SecrecySubject
from contracts.kinds.base import GEM, LB, MBO, SOB, SOC_K, SOC_W, Flow, Form, Kind
from contracts.kinds.fields import Choice, Day, Ident, RuleContext, Text, Whole, decimal, werkproces_code
from contracts.kinds.objects import DataSchema, Part
from contracts.kinds.parts import BEHEERSING, BEOORDELAAR, DEEL, LEERVOORTGANG, Kwalificatie, VerstrekenPeriode

_BIJZONDERHEID: Final = "geen gesprek-gewenst loopt-voor loopt-achter taak-past-niet"


class Werkopdracht(DataSchema):
    """The assignment at work."""

    id = Ident(required=True)
    titel = Text(120)


class Voortgang(DataSchema):
    """One report about one werkproces."""

    meldingId = Ident(required=True)
    plaatsingId = Ident(required=True)
    leerdoelId = Ident(trait=LEERVOORTGANG)
    werkopdracht = Part(Werkopdracht, trait=LEERVOORTGANG)
    kwalificatie = Part(Kwalificatie, trait=LEERVOORTGANG)
    werkprocesCode = werkproces_code(required=True, trait=LEERVOORTGANG)
    deel = Choice(DEEL, required=True, trait=LEERVOORTGANG)
    beheersing = Choice(BEHEERSING, required=True, trait=LEERVOORTGANG)
    datum = Day(required=True, trait=LEERVOORTGANG)
    beoordelaarRol = Choice(BEOORDELAAR, trait=LEERVOORTGANG)
    uren = decimal(trait=LEERVOORTGANG, whole_digits=2)
    bijzonderheid = Choice(_BIJZONDERHEID, trait=LEERVOORTGANG)


class Totalen(DataSchema):
    """What was done in the period, counted by the sender and never by the hub."""

    uren = decimal(required=True)
    meldingen = Whole(0, 10_000, required=True)
    werkprocessen = Whole(0, 1_000, required=True)


class VoortgangPeriode(DataSchema):
    """The only form that a gemeente receives."""

    meldingId = Ident(required=True)
    plaatsingId = Ident(required=True)
    periode = Part(VerstrekenPeriode, required=True, trait=LEERVOORTGANG)
    totalen = Part(Totalen, required=True, trait=LEERVOORTGANG)


def _rules(data: Mapping[str, Any], context: RuleContext) -> list[Fault]:
    totals = "totalen" in data
    if context.purpose is Purpose.VERANTWOORDING and not totals:
        return [Fault("data.totalen", "VORM", "Met doel verantwoording zijn alleen totalen over een periode mogelijk")]
    if context.purpose is Purpose.TRAJECTBEGELEIDING and totals:
        return [Fault("data.totalen", "VORM", "Totalen over een periode horen bij doel verantwoording")]
    return []


KINDS: Final = (
    Kind(
        name="voortgang.gemeld",
        flows=(
            Flow(SOC_K | SOC_W | LB | SOB, SOB, frozenset({Purpose.TRAJECTBEGELEIDING})),
            Flow(SOB, MBO, frozenset({Purpose.TRAJECTBEGELEIDING})),
            Flow(SOB, GEM, frozenset({Purpose.VERANTWOORDING})),
        ),
        schema=Voortgang(),
        needs=frozenset({Category.LEERVOORTGANG}),
        receivers=SOB | MBO,
        form=Form(VoortgangPeriode(), frozenset({"periode", "totalen"}), GEM),
        results=True,
        subjects=frozenset({SecrecySubject.BEGELEIDING, SecrecySubject.DAGBESTEDING}),
        rules=_rules,
    ),
)
