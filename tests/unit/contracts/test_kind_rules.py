"""Each rule of the catalogue, broken once: the message is refused, the field is named, and its neighbour passes."""

from datetime import date
from typing import Any

import pytest

from contracts import catalogue, envelope
from contracts.errors import MessageInvalid
from contracts.identity import Purpose, Role
from tests import samples

TODAY = date.fromisoformat(samples.TODAY)
EVENTS = samples.valid_events()
_ROW = samples.aangevraagd()["werkprocessen"][0]
_PERSON = samples.aangevraagd()["kandidaat"]


def faults_of(name: str, data: dict[str, Any], **extra: Any) -> set[tuple[str, str]]:
    """Name and code of each fault; empty when the message is read."""
    try:
        envelope.read(samples.raw(EVENTS[name] | {"data": data} | extra), TODAY)
    except MessageInvalid as error:
        assert all(fault.reason for fault in error.faults)
        return {(fault.name, fault.code) for fault in error.faults}
    return set()


def presented(**kandidaat: Any) -> dict[str, Any]:
    data = samples.voorgedragen()
    return data | {"kandidaat": data["kandidaat"] | kandidaat}


def requested(**row: Any) -> dict[str, Any]:
    return samples.aangevraagd(werkprocessen=[{k: v for k, v in (_ROW | row).items() if v is not None}])


BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    # BSN, kandidaatRef, names
    ("voorgedragen", presented(bsn="999990343"), "data.kandidaat.bsn", "BSN_ONGELDIG"),
    ("voorgedragen", presented(bsn="000000000"), "data.kandidaat.bsn", "BSN_ONGELDIG"),
    ("voorgedragen", presented(bsn="999990342\n"), "data.kandidaat.bsn", "TE_LANG"),
    ("voorgedragen", presented(bsn="٩٩٩٩٩٠٣٤٢"), "data.kandidaat.bsn", "PATROON"),
    ("voorgedragen", presented(bsn=999990342), "data.kandidaat.bsn", "TYPE"),
    ("voorgedragen", presented(kandidaatRef=samples.OTHER_REF), "data.kandidaat.kandidaatRef", "REF_ONGELIJK"),
    ("geplaatst", samples.geplaatst(ref=samples.OTHER_REF), "data.kandidaat.kandidaatRef", "REF_ONGELIJK"),
    ("voorgedragen", presented(naam={}), "data.kandidaat.naam", "LEEG"),
    ("voorgedragen", presented(naam={"roepnaam": "Zoe\u0308"}), "data.kandidaat.naam.roepnaam", "TEKST_NIET_NFC"),
    ("voorgedragen", presented(naam={"roepnaam": "a\u0007b"}), "data.kandidaat.naam.roepnaam", "PATROON"),
    # age, by the youngest possible
    ("voorgedragen", presented(geboortedatum={"datum": "2012-11-23"}), "data.kandidaat.geboortedatum", "LEEFTIJD"),
    ("voorgedragen", presented(geboortedatum={"jaar": 2012, "maand": 11}), "data.kandidaat.geboortedatum", "LEEFTIJD"),
    ("voorgedragen", presented(geboortedatum={"jaar": 2012}), "data.kandidaat.geboortedatum", "LEEFTIJD"),
    ("voorgedragen", presented(geboortedatum={"datum": "2030-01-01"}), "data.kandidaat.geboortedatum", "LEEFTIJD"),
    ("voorgedragen", presented(geboortedatum={"maand": 3}), "data.kandidaat.geboortedatum", "VORM"),
    ("voorgedragen", presented(geboortedatum={"datum": "1998-02-29"}), "data.kandidaat.geboortedatum",
     "DATUM_ONGELDIG"),
    # dates and periods
    ("voortgang", samples.voortgang(datum="2026-11-23"), "data.datum", "DATUM_IN_TOEKOMST"),
    ("voortgang", samples.voortgang(datum="20261120"), "data.datum", "PATROON"),
    ("voortgang", samples.voortgang(datum="2026-W47-5"), "data.datum", "PATROON"),
    ("voortgang", samples.voortgang(datum="22-11-2026"), "data.datum", "PATROON"),
    ("voortgang-periode", samples.voortgang_periode(periode={"van": "2026-10-31", "tot": "2026-10-01"}),
     "data.periode", "PERIODE_OMGEKEERD"),
    ("voortgang-periode", samples.voortgang_periode(periode={"van": "2026-11-01", "tot": "2026-11-30"}),
     "data.periode.tot", "DATUM_IN_TOEKOMST"),
    ("geplaatst", samples.geplaatst(periode={"van": "2027-01-02", "tot": "2027-01-01"}), "data.periode",
     "PERIODE_OMGEKEERD"),
    ("doorstroom", samples.doorstroom(nazorgTot="2026-01-01"), "data.nazorgTot", "PERIODE_OMGEKEERD"),
    # codes and numbers
    ("beoordeeld", samples.beoordeeld(werkprocesCode="B2-K1-W1"), "data.werkprocesCode", "PATROON"),
    ("beoordeeld", samples.beoordeeld(kwalificatie={"dossier": "23110", "crebo": "2525"}), "data.kwalificatie.crebo",
     "PATROON"),
    ("voortgang", samples.voortgang(beheersing="4"), "data.beheersing", "CODE_ONBEKEND"),
    ("voortgang", samples.voortgang(uren="7,5"), "data.uren", "PATROON"),
    ("voortgang-periode", samples.voortgang_periode(totalen={"uren": "1", "meldingen": True, "werkprocessen": 1}),
     "data.totalen.meldingen", "TYPE"),
    ("doorstroom", samples.doorstroom(loonwaardePercentage="100.01"), "data.loonwaardePercentage", "BEREIK"),
    ("doorstroom", samples.doorstroom(van={"trede": 7, "soort": "geen"}), "data.van.trede", "BEREIK"),
    ("geplaatst", samples.geplaatst(uren="61"), "data.uren", "BEREIK"),
    ("geplaatst", samples.geplaatst(leerbedrijf={"afdeling": "Textiel"}), "data.leerbedrijf", "VERPLICHT"),
    ("deelname", samples.deelname(werkprocesCode=["B1-K1-W1", "B1-K1-W1"]), "data.werkprocesCode", "DUBBEL"),
    # text never holds a BSN, nor does an id
    ("voortgang", samples.voortgang(werkopdracht={"id": "o", "titel": "van 9999.90.342"}), "data.werkopdracht.titel",
     "BSN_IN_TEKST"),
    ("deelname", samples.deelname(activiteit="Keuken 9 9 9 9 9 0 3 4 2"), "data.activiteit", "BSN_IN_TEKST"),
    ("voortgang", samples.voortgang(meldingId="999990342"), "data.meldingId", "BSN_IN_KENMERK"),
    ("geplaatst", samples.geplaatst(contact={"functie": "jobcoach", "telefoon": "9999 90 342"}),
     "data.contact.telefoon", "PATROON"),
    ("geplaatst", samples.geplaatst(leerbedrijf={"leerbedrijfId": "999990342"}), "data.leerbedrijf.leerbedrijfId",
     "PATROON"),
    # forms and doel
    ("voortgang", samples.voortgang(plaatsingId=None), "data.plaatsingId", "VERPLICHT"),
    ("voortgang", samples.voortgang(totalen=samples.voortgang_periode()["totalen"]), "data.periode", "VERPLICHT"),
    # the end of a traject: its last day is no plan, and only the hub hides the reason
    ("beeindigd", samples.beeindigd(per="2026-11-23"), "data.per", "DATUM_IN_TOEKOMST"),
    ("beeindigd", samples.beeindigd(reden="beeindigd"), "data.reden", "CODE_ONBEKEND"),
    ("beeindigd", samples.beeindigd(reden=None), "data.reden", "VERPLICHT"),
    ("beeindigd", samples.beeindigd(trajectId=samples.BSN), "data.trajectId", "BSN_IN_KENMERK"),
    # judgements
    ("beoordeeld", samples.beoordeeld(deel="deel"), "data.eindoordeel", "DEEL_NIET_BEHAALD"),
    ("beoordeeld", samples.beoordeeld(ondertekend=None), "data.ondertekend", "VERPLICHT"),
    ("beoordeeld", samples.beoordeeld(onderdeel=None), "data.onderdeel.gedrag", "ONDERDEEL_NIET_BEHAALD"),
    ("beoordeeld", samples.beoordeeld(onderdeel={"kennis": "behaald", "vaardigheden": "behaald"}),
     "data.onderdeel.gedrag", "ONDERDEEL_NIET_BEHAALD"),
    ("beoordeeld", samples.beoordeeld(onderdeel=samples.oordeel()["onderdeel"] | {"kennis": "nog-niet"}),
     "data.onderdeel.kennis", "ONDERDEEL_NIET_BEHAALD"),
    # requests
    ("aangevraagd", requested(deel="deel"), "data.werkprocessen[0].deel", "DEEL_NIET_AAN_TE_VRAGEN"),
    ("aangevraagd", requested(tussenresultaten=None), "data.werkprocessen[0].tussenresultaten", "VERPLICHT"),
    ("aangevraagd", requested(tussenresultaten=[]), "data.werkprocessen[0].tussenresultaten", "AANTAL"),
    ("aangevraagd", requested(beoordeling={"eindoordeel": "nog-niet"}), "data.werkprocessen", "GEEN_BEHAALD"),
    ("aangevraagd", requested(beoordeling=samples.oordeel(ondertekend=None)),
     "data.werkprocessen[0].beoordeling.ondertekend", "VERPLICHT"),
    ("aangevraagd", samples.aangevraagd(werkprocessen=[_ROW, _ROW]), "data.werkprocessen[1].code", "DUBBEL"),
    ("aangevraagd", samples.aangevraagd(werkprocessen=[]), "data.werkprocessen", "AANTAL"),
    ("aangevraagd", samples.aangevraagd(kandidaat=_PERSON | {"bsn": samples.BSN}), "data.kandidaat.bsn",
     "ONBEKEND_VELD"),
    ("aangevraagd", samples.aangevraagd(instelling={"brin": "25lx"}), "data.instelling.brin", "PATROON"),
    # decisions and certificates
    ("besloten", samples.besloten(besluit="afgewezen", werkprocessen=None), "data.reden", "VERPLICHT"),
    ("besloten", samples.besloten(werkprocessen=[{"code": "B1-K1-W1", "besluit": "afgewezen"}]),
     "data.werkprocessen[0].besluit", "BESLUIT_ONGELIJK"),
    ("gw-uitgereikt", samples.gw_uitgereikt(certificaatnummer=None), "data.certificaatnummer", "VERPLICHT"),
    ("gw-uitgereikt", samples.gw_uitgereikt(uitslag="niet-behaald"), "data.certificaatnummer", "NIET_BEHAALD"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "name", "code"), BROKEN, ids=[f"{b[0]}-{b[2]}-{b[3]}" for b in BROKEN])
def test_a_broken_rule_is_named(kind: str, data: dict[str, Any], name: str, code: str) -> None:
    assert (name, code) in faults_of(kind, data)


FINE: list[tuple[str, dict[str, Any]]] = [
    ("voorgedragen", presented(bsn=samples.OTHER_BSN)),
    ("voorgedragen", presented(geboortedatum={"datum": "2012-11-22"})),
    ("voorgedragen", presented(geboortedatum={"jaar": 2012, "maand": 10})),
    ("voorgedragen", presented(geboortedatum={"jaar": 2011})),
    ("voorgedragen", presented(geboortedatum={"onbekend": True})),
    ("voorgedragen", presented(naam={"roepnaam": "Zoë", "geslachtsnaam": "'t Hart-de Vries"})),
    ("voorgedragen", {"voordrachtId": "v", "kandidaat": {"kandidaatRef": samples.REF}}),
    ("voortgang", samples.voortgang(datum=samples.TODAY)),
    ("voortgang", samples.voortgang(deel="deel")),
    ("voortgang", samples.voortgang(werkopdracht={"id": "o", "titel": "Bel 06 12345678, lot 999990343"})),
    ("geplaatst", samples.geplaatst(periode={"van": "2027-01-01"}, soort="intern", kandidaat=None)),
    ("beoordeeld", samples.beoordeeld(deel="deel", eindoordeel="nog-niet", ondertekend=None, onderdeel=None)),
    ("beoordeeld", samples.beoordeeld(plaatsing=None, praktijkopleider=None, bewijs=None)),
    ("aangevraagd", samples.aangevraagd(
        werkprocessen=[_ROW, _ROW | {"code": "B1-K1-W2", "beoordeling": {"eindoordeel": "nog-niet"}}])),
    ("besloten", samples.besloten(besluit="afgewezen", reden=["onvolledig"], werkprocessen=None)),
    ("gw-uitgereikt", samples.gw_uitgereikt(uitslag="niet-behaald", certificaatnummer=None, pasnummer=None)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "data"), FINE)
def test_what_obeys_the_rules_passes(kind: str, data: dict[str, Any]) -> None:
    assert faults_of(kind, data) == set()


def test_the_form_of_a_report_belongs_to_its_doel() -> None:
    assert faults_of("voortgang", samples.voortgang(), doel="verantwoording") == {("data.totalen", "VORM")}
    period = samples.voortgang_periode()
    assert faults_of("voortgang-periode", period, doel="trajectbegeleiding") == {("data.totalen", "VORM")}
    assert faults_of("voortgang-periode", period, doel="verantwoording") == set()


@pytest.mark.parametrize("name", EVENTS)
def test_every_field_that_a_kind_requires_is_asked_for(name: str) -> None:
    data = EVENTS[name]["data"]
    kind = catalogue.by_type(EVENTS[name]["type"])
    assert kind is not None
    required = [field for field, shape in kind.shape(data).fields.items() if shape.required]
    assert required
    for field in required:
        found = faults_of(name, {key: value for key, value in data.items() if key != field})
        assert (f"data.{field}", "VERPLICHT") in found


def test_an_unknown_crebo_is_a_warning_and_a_malformed_one_a_fault() -> None:
    data = samples.beoordeeld(kwalificatie={"dossier": "23110", "crebo": "99999"})
    message = envelope.read(samples.raw(EVENTS["beoordeeld"] | {"data": data}), TODAY)
    found = [(fault.name, fault.code) for fault in envelope.warnings(message, TODAY)]
    assert found == [("data.kwalificatie.crebo", "CREBO_ONBEKEND")]


def test_a_basisdeel_code_is_known_for_every_entree_crebo() -> None:
    for code, expected in (("B1-K1-W3", []), ("B1-K1-W9", ["WERKPROCES_ONBEKEND"]), ("P2-K1-W9", [])):
        data = samples.beoordeeld(werkprocesCode=code)
        message = envelope.read(samples.raw(EVENTS["beoordeeld"] | {"data": data}), TODAY)
        assert [fault.code for fault in envelope.warnings(message, TODAY)] == expected


def test_a_company_not_known_to_be_recognised_is_a_warning() -> None:
    data = samples.aangevraagd(sbbErkend="onbekend")
    message = envelope.read(samples.raw(EVENTS["aangevraagd"] | {"data": data}), TODAY)
    assert [fault.code for fault in envelope.warnings(message, TODAY)] == ["SBB_ONBEKEND"]


#: The catalogue's "from → to" with its doel, written out; everything else is no flow.
FLOWS = {
    "kandidaat.voorgedragen": "gemeente>ontwikkelbedrijf:toeleiding ontwikkelbedrijf>mbo:toeleiding",
    "leerwerkplek.geplaatst": " ".join(
        f"ontwikkelbedrijf>{to}:opleiden" for to in ("kringloop", "woonzorg", "leerbedrijf", "mbo", "gemeente")
    ),
    "voortgang.gemeld": " ".join(
        f"{sender}>ontwikkelbedrijf:trajectbegeleiding"
        for sender in ("kringloop", "woonzorg", "leerbedrijf", "ontwikkelbedrijf")
    )
    + " ontwikkelbedrijf>mbo:trajectbegeleiding ontwikkelbedrijf>gemeente:verantwoording",
    "werkproces.beoordeeld": " ".join(
        f"{sender}>{to}:opleiden"
        for sender in ("ontwikkelbedrijf", "kringloop", "leerbedrijf")
        for to in ("ontwikkelbedrijf", "mbo")
    ),
    "praktijkverklaring.aangevraagd": "ontwikkelbedrijf>mbo:certificeren",
    "praktijkverklaring.besloten": "mbo>ontwikkelbedrijf:certificeren mbo>gemeente:certificeren",
    "goed-werknemerschap.aangevraagd": "ontwikkelbedrijf>certificeerder:certificeren",
    "goed-werknemerschap.uitgereikt": "certificeerder>ontwikkelbedrijf:certificeren",
    "dagbesteding.deelname-gemeld": "woonzorg>ontwikkelbedrijf:dagbesteding kringloop>ontwikkelbedrijf:dagbesteding",
    "doorstroom.gemeld": "ontwikkelbedrijf>gemeente:doorstroom ontwikkelbedrijf>gemeente:verantwoording",
    "traject.beeindigd": " ".join(
        f"{sender}>{receiver}:trajectbegeleiding"
        for sender in ("gemeente", "ontwikkelbedrijf")
        for receiver in set(Role) - {Role.REGIO}
    ),
    "grondslag.vervallen": "",
    "bericht.ingetrokken": "",
    "rectificatie.kennisgeving": "",
    "verwijdering.gevraagd": "",
}


def test_flows_are_those_of_the_catalogue_and_no_others() -> None:
    assert {kind.name for kind in catalogue.all_kinds()} == set(FLOWS)
    for kind in catalogue.all_kinds():
        found = {
            f"{sender}>{receiver}:{purpose}"
            for sender in Role
            for receiver in Role
            for purpose in Purpose
            if kind.flow(sender, receiver, purpose)
        }
        assert found == set(FLOWS[kind.name].split()), kind.name


def test_which_kinds_open_involvement_and_which_the_hub_makes() -> None:
    assert {k.name for k in catalogue.all_kinds() if k.opens} == {"kandidaat.voorgedragen", "leerwerkplek.geplaatst"}
    assert {k.name for k in catalogue.all_kinds() if k.closes} == {"traject.beeindigd"} == catalogue.closing()
    assert {k.name for k in catalogue.all_kinds() if k.by_hub} == {k for k, flows in FLOWS.items() if not flows}


def test_kinds_are_found_by_short_and_by_full_name() -> None:
    kind = catalogue.by_name("voortgang.gemeld")
    assert kind is not None
    assert kind.type == "nl.doorstroomhub.voortgang.gemeld.v1"
    assert catalogue.by_type(kind.type) is kind is catalogue.by_name(kind.type)
    assert catalogue.by_type("voortgang.gemeld") is None
    assert catalogue.by_name("voortgang") is None


def test_every_kind_about_a_person_needs_a_category() -> None:
    for kind in catalogue.all_kinds():
        for role in kind.receiver_roles:
            assert not kind.about_person or kind.needed(role), kind.name
