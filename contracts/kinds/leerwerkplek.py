"""``leerwerkplek.geplaatst``: somebody gets a place to learn, intern or extern alike. It opens involvement."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose, Role
from contracts.kinds.base import GEM, LB, MBO, SOB, SOC_K, SOC_W, WORKPLACES, Flow, Kind
from contracts.kinds.fields import (
    Choice,
    Ident,
    Matched,
    Ref,
    RuleContext,
    Text,
    Trait,
    decimal,
    leerbedrijf_id,
    telephone,
    werkproces_code,
)
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import (
    CONTACT,
    DEEL,
    INZETBAARHEID,
    LEERVOORTGANG,
    MEDEWERKER,
    VOORLETTERS,
    Kwalificatie,
    Periode,
)

_WERKAFSPRAKEN: Final = "niet-tillen geen-machines niet-op-hoogte vaste-begeleider prikkelarm pauze-extra"
#: Who meets the candidate; a gemeente knows the person already and needs no telephone number of a workplace.
_WHERE_LEARNED: Final = WORKPLACES | {Role.MBO}
_HOURS: Final = 2  # digits before the point: hours of a week or a day


class Leerbedrijf(DataSchema):
    """The workplace; either its number at SBB or its KvK-nummer."""

    leerbedrijfId = leerbedrijf_id()
    kvk = Matched("[0-9]{8}", 8, hint="Een KvK-nummer: 8 cijfers")
    vestiging = Matched("[0-9]{12}", 12, hint="Een vestigingsnummer: 12 cijfers")
    afdeling = Text(60)

    def rule(self, value: Mapping[str, Any], context: RuleContext) -> str | None:
        known = "leerbedrijfId" in value or "kvk" in value
        return None if known else "VERPLICHT|Noem leerbedrijfId of kvk"


class WerkprocesRij(DataSchema):
    """A werkproces to learn; without ``plaatsingId`` it belongs to the placement of the message."""

    code = werkproces_code(required=True)
    deel = Choice(DEEL)
    plaatsingId = Ident()


class Contact(DataSchema):
    """Whom the workplace or the school can reach."""

    functie = Text(60, required=True, trait=MEDEWERKER)
    naam = Text(120, trait=MEDEWERKER)
    telefoon = telephone(CONTACT)
    bereikbaar = Text(60, trait=CONTACT)


class Kandidaat(DataSchema):
    """Just enough to say good morning."""

    at_least_one = True
    kandidaatRef = Ref()
    roepnaam = Text(60)
    voorletter = Matched(VOORLETTERS, 24, hint="Een voorletter, zoals A.")


class Plaatsing(DataSchema):
    """A placement."""

    plaatsingId = Ident(required=True)
    aanbodId = Ident()
    kandidaat = Part(Kandidaat, trait=Trait(Category.IDENTITEIT, _WHERE_LEARNED))
    #: Every sender names it (a rule of the kind); a receiver from whom it is kept gets the message without it.
    leerbedrijf = Part(Leerbedrijf, trait=Trait(Category.LEERVOORTGANG, location=True))
    soort = Choice("intern extern", required=True, trait=LEERVOORTGANG)
    kwalificatie = Part(Kwalificatie, trait=LEERVOORTGANG)
    werkproces = Items(Part(WerkprocesRij), 60, trait=Trait(Category.LEERVOORTGANG, rows=True))
    periode = Part(Periode, required=True, trait=LEERVOORTGANG)
    uren = decimal(LEERVOORTGANG, whole_digits=_HOURS)
    status = Choice("voorgesteld getekend actief beeindigd", required=True, trait=LEERVOORTGANG)
    werkafspraken = Items(Choice(_WERKAFSPRAKEN), 6, trait=INZETBAARHEID)
    maxUrenPerDag = decimal(INZETBAARHEID, whole_digits=_HOURS)
    contact = Part(Contact, trait=Trait(None, _WHERE_LEARNED))


def _rules(data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    found = []
    if "leerbedrijf" not in data:
        found.append(Fault("data.leerbedrijf", "VERPLICHT", "Noem het leerbedrijf"))
    for name, most in (("uren", 60), ("maxUrenPerDag", 24)):
        if name in data and Decimal(data[name]) > most:
            found.append(Fault(f"data.{name}", "BEREIK", f"Ten hoogste {most} uur"))
    return found


KINDS: Final = (
    Kind(
        name="leerwerkplek.geplaatst",
        flows=(Flow(SOB, SOC_K | SOC_W | LB | MBO | GEM, frozenset({Purpose.OPLEIDEN})),),
        schema=Plaatsing(),
        needs=frozenset({Category.LEERVOORTGANG}),
        own_needs={role: frozenset({Category.IDENTITEIT, Category.LEERVOORTGANG}) for role in WORKPLACES},
        opens=True,
        rules=_rules,
    ),
)
