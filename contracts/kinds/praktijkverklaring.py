"""``praktijkverklaring.aangevraagd`` and ``.besloten``: the request to the school, and what the school decided."""

from collections.abc import Mapping
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose, Role
from contracts.kinds.base import GEM, MBO, SOB, Flow, Kind
from contracts.kinds.fields import (
    Choice,
    Day,
    Ident,
    Matched,
    RuleContext,
    Text,
    Trait,
    leerbedrijf_id,
    sha256,
    werkproces_code,
)
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.oordeel import ACHIEVED, judgement_faults, qualification_warnings, werkproces_warnings
from contracts.kinds.parts import (
    BEHEERSING,
    BEOORDELAAR,
    BEOORDELING,
    DEEL,
    LEERVOORTGANG,
    MEDEWERKER,
    OPLEIDING,
    Bewijs,
    Identiteit,
    Kwalificatie,
    Oordeel,
    Periode,
)


class Instelling(DataSchema):
    """The school, by its BRIN."""

    brin = Matched("[0-9]{2}[A-Z]{2}", 4, required=True, hint="Een BRIN: twee cijfers en twee hoofdletters")


class Tussenresultaat(DataSchema):
    """One earlier result of a werkproces."""

    datum = Day(required=True)
    werkopdrachtId = Ident()
    plaatsingId = Ident()
    beheersing = Choice(BEHEERSING, required=True)
    beoordelaarRol = Choice(BEOORDELAAR)


class AangevraagdWerkproces(DataSchema):
    """A werkproces in a request: what was learned on the way, and the judgement."""

    code = werkproces_code(required=True)
    deel = Choice(DEEL)
    plaatsingId = Ident()
    tussenresultaten = Items(Part(Tussenresultaat), 60, required=True)
    beoordeling = Part(Oordeel, required=True, trait=BEOORDELING)


class Aanvraag(DataSchema):
    """A request. Name and birth date are there for the school to compare with its own."""

    aanvraagId = Ident(required=True)
    plaatsingId = Ident()
    kandidaat = Part(Identiteit, required=True)
    instelling = Part(Instelling, required=True, trait=OPLEIDING)
    kwalificatie = Part(Kwalificatie, required=True, trait=OPLEIDING)
    pokNummer = Ident(trait=OPLEIDING)
    leerbedrijfId = leerbedrijf_id(Trait(Category.LEERVOORTGANG, workplace=True))
    periode = Part(Periode, required=True, trait=LEERVOORTGANG)
    werkprocessen = Items(Part(AangevraagdWerkproces), 40, required=True, trait=LEERVOORTGANG)
    bewijs = Items(Part(Bewijs), 50, trait=BEOORDELING)
    sbbErkend = Choice("bevestigd import onbekend", trait=LEERVOORTGANG)


class WerkprocesBesluit(DataSchema):
    """What was decided about one werkproces."""

    code = werkproces_code(required=True)
    besluit = Choice("toegekend afgewezen", required=True)


class Ondertekenaar(DataSchema):
    """Who signed, by function."""

    functie = Text(60, required=True)


class Rechtsmiddel(DataSchema):
    """Where one may object, and until when (Awb art. 3:45)."""

    instantie = Text(120, required=True)
    termijn = Day(required=True, planned=True)


class Document(DataSchema):
    """The printed verklaring, by its digest."""

    sha256 = sha256(required=True)


#: A gemeente learns the fact alone.
_DETAIL: Final = Trait(Category.BEOORDELING, frozenset({Role.ONTWIKKELBEDRIJF}))


class Besluit(DataSchema):
    """The decision."""

    aanvraagId = Ident(required=True)
    besluit = Choice("toegekend deels-toegekend afgewezen ingetrokken", required=True, trait=BEOORDELING)
    datum = Day(required=True, trait=BEOORDELING)
    werkprocessen = Items(Part(WerkprocesBesluit), 40, trait=_DETAIL)
    reden = Items(Choice("onvolledig pok-ontbreekt onvoldoende-bewijs gegevens-onjuist"), 4, trait=_DETAIL)
    verklaringNummer = Ident(trait=_DETAIL)
    ondertekenaar = Part(Ondertekenaar, trait=Trait(MEDEWERKER.category, _DETAIL.roles))
    rechtsmiddel = Part(Rechtsmiddel, trait=_DETAIL)
    document = Part(Document, trait=_DETAIL)


_REQUEST: Final = Aanvraag()


def _request_rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    found: list[Fault] = []
    rows = data["werkprocessen"]
    for index, row in enumerate(rows):
        path = f"data.werkprocessen[{index}]"
        part = row.get("deel") == "deel"
        if part:
            found.append(Fault(f"{path}.deel", "DEEL_NIET_AAN_TE_VRAGEN", "Vraag alleen hele werkprocessen aan"))
        found += judgement_faults(row["beoordeling"], f"{path}.beoordeling", part)
    if not any(row["beoordeling"]["eindoordeel"] == ACHIEVED for row in rows):
        found.append(Fault("data.werkprocessen", "GEEN_BEHAALD", "Ten minste één werkproces moet behaald zijn"))
    return found + _double_codes(rows)


def _request_warnings(data: Mapping[str, Any], context: RuleContext) -> list[Fault]:
    crebo = data["kwalificatie"]["crebo"]
    found = qualification_warnings(_REQUEST, data, context)
    for index, row in enumerate(data["werkprocessen"]):
        found += werkproces_warnings(row["code"], crebo, f"data.werkprocessen[{index}].code", context)
    if data.get("sbbErkend", "onbekend") == "onbekend":
        found.append(Fault("data.sbbErkend", "SBB_ONBEKEND", "Of SBB dit leerbedrijf erkent, is niet bekend"))
    return found


def _decision_rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    rows = data.get("werkprocessen", [])
    found = _double_codes(rows)
    if data["besluit"] == "afgewezen" and "reden" not in data:
        found.append(Fault("data.reden", "VERPLICHT", "Een afwijzing noemt een reden"))
    granted = {"toegekend": {"toegekend"}, "afgewezen": {"afgewezen"}}.get(data["besluit"])
    found += [
        Fault(f"data.werkprocessen[{index}].besluit", "BESLUIT_ONGELIJK", "Dit past niet bij het besluit als geheel")
        for index, row in enumerate(rows)
        if granted is not None and row["besluit"] not in granted
    ]
    return found


def _double_codes(rows: list[Mapping[str, Any]]) -> list[Fault]:
    seen: set[str] = set()
    found = []
    for index, row in enumerate(rows):
        if row["code"] in seen:
            found.append(Fault(f"data.werkprocessen[{index}].code", "DUBBEL", "Dit werkproces staat er al"))
        seen.add(row["code"])
    return found


KINDS: Final = (
    Kind(
        name="praktijkverklaring.aangevraagd",
        flows=(Flow(SOB, MBO, frozenset({Purpose.CERTIFICEREN})),),
        schema=_REQUEST,
        needs=frozenset({Category.IDENTITEIT, Category.OPLEIDING, Category.LEERVOORTGANG, Category.BEOORDELING}),
        results=True,
        rules=_request_rules,
        warnings=_request_warnings,
    ),
    Kind(
        name="praktijkverklaring.besloten",
        flows=(Flow(MBO, SOB | GEM, frozenset({Purpose.CERTIFICEREN})),),
        schema=Besluit(),
        needs=frozenset({Category.BEOORDELING}),
        rules=_decision_rules,
    ),
)
