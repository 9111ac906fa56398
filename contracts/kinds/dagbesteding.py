"""``dagbesteding.deelname-gemeld``: somebody took part in daytime activities. From woonzorg it is also health data."""

from typing import Final

from contracts.identity import Category, Purpose, SecrecySubject
from contracts.kinds.base import SOB, SOC_K, SOC_W, Flow, Kind
from contracts.kinds.fields import Ident, Text, Whole, werkproces_code
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import LEERVOORTGANG, VerstrekenPeriode


class Deelname(DataSchema):
    """How many half days of what, in which period, and which werkprocessen were practised."""

    deelnameId = Ident(required=True)
    activiteit = Text(80, required=True, trait=LEERVOORTGANG)
    dagdelen = Whole(0, 1_000, required=True, trait=LEERVOORTGANG)
    werkprocesCode = Items(werkproces_code(), 60, trait=LEERVOORTGANG)
    periode = Part(VerstrekenPeriode, required=True, trait=LEERVOORTGANG)


KINDS: Final = (
    Kind(
        name="dagbesteding.deelname-gemeld",
        flows=(Flow(SOC_W | SOC_K, SOB, frozenset({Purpose.DAGBESTEDING})),),
        schema=Deelname(),
        needs=frozenset({Category.LEERVOORTGANG}),
        subjects=frozenset({SecrecySubject.DEELNAME, SecrecySubject.DAGBESTEDING}),
    ),
)
