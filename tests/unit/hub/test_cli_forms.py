"""The forms of administration: what is understood, and that a fault names its place and never repeats a value."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.errors import RequestInvalid
from contracts.identity import Category, LegalBasis, LegalFramework, Purpose, Role
from hub.administration import forms

TODAY = date(2026, 11, 22)
AGREEMENT: dict[str, Any] = {
    "afspraakId": "afspraak-1",
    "partijen": ["00000099000000001000", "00000099000000002000"],
    "soorten": ["voortgang.gemeld", "nl.doorstroomhub.kandidaat.voorgedragen.v1"],
    "doelen": ["toeleiding"],
    "geldigVan": "2026-07-01",
    "geldigTot": "2027-01-01T00:00:00Z",
    "art26Regeling": "regeling 2026-1",
    "dpiaOp": "2026-01-15",
}
GROUND: dict[str, Any] = {
    "grondslagId": "grondslag-1",
    "afspraakId": "afspraak-1",
    "basis": "AVG-6-1-e",
    "wettelijkeKaders": ["Pwet"],
    "wet": "Participatiewet",
    "artikel": "7",
    "lid": "1",
    "soorten": ["voortgang.gemeld"],
    "doel": "trajectbegeleiding",
    "verstrekkerRol": "ontwikkelbedrijf",
    "ontvangerRol": "gemeente",
    "categorieen": ["identiteit", "leervoortgang"],
    "geldigVan": "2026-01-01",
    "geldigTot": None,
}
SECRET = "geheim-999990342"


def _agreement_faults(**changed: Any) -> dict[str, str]:
    value = {name: each for name, each in (AGREEMENT | changed).items() if each is not ...}
    with pytest.raises(RequestInvalid) as refused:
        forms.agreement(value, TODAY)
    assert SECRET not in str([(f.name, f.reason) for f in refused.value.faults])
    return {fault.name: fault.code for fault in refused.value.faults}


def _ground_faults(**changed: Any) -> dict[str, str]:
    value = {name: each for name, each in (GROUND | changed).items() if each is not ...}
    with pytest.raises(RequestInvalid) as refused:
        forms.ground(value, "piet")
    return {fault.name: fault.code for fault in refused.value.faults}


def test_an_agreement_is_read_with_days_of_the_netherlands_and_short_names() -> None:
    agreement = forms.agreement(AGREEMENT, TODAY).agreement
    assert agreement.valid_from == datetime(2026, 6, 30, 22, tzinfo=UTC)  # summer: 00:00 in Amsterdam is 22:00 UTC
    assert agreement.valid_until == datetime(2027, 1, 1, tzinfo=UTC)
    assert agreement.kinds == {"voortgang.gemeld", "kandidaat.voorgedragen"}
    assert agreement.purposes == {Purpose.TOELEIDING}
    assert agreement.accepted == {} and not agreement.motivation
    assert agreement.joint_arrangement == "regeling 2026-1"


def test_a_motivation_is_kept_and_seen() -> None:
    stored = forms.agreement(AGREEMENT | {"motivering": "Waarom toch"}, TODAY)
    assert stored.agreement.motivation and stored.motivation == "Waarom toch"


@pytest.mark.parametrize(
    ("changed", "place", "code"),
    [
        ({"afspraakId": ...}, "afspraakId", "VERPLICHT"),
        ({"afspraakId": f"{SECRET}!"}, "afspraakId", "PATROON"),
        ({"partijen": ["00000099000000001000", SECRET]}, "partijen[1]", "GEEN_OIN"),
        ({"partijen": ["00000099000000001000"]}, "partijen", "AANTAL"),
        ({"partijen": ["00000099000000001000"] * 2}, "partijen", "DUBBEL"),
        ({"soorten": [SECRET]}, "soorten[0]", "SOORT_ONBEKEND"),
        ({"soorten": []}, "soorten", "AANTAL"),
        ({"doelen": [SECRET]}, "doelen[0]", "ONBEKENDE_CODE"),
        ({"geldigVan": "2026-02-30"}, "geldigVan", "GEEN_TIJDSTIP"),
        ({"geldigVan": "2026-01-01T00:00:00"}, "geldigVan", "GEEN_TIJDSTIP"),
        ({"geldigTot": ...}, "geldigTot", "VERPLICHT"),
        ({"geldigTot": "2026-07-01"}, "geldigTot", "VOLGORDE"),
        ({"verwerkersovereenkomst": "vo-1"}, "art26Regeling", "EEN_VAN_BEIDE"),
        ({"art26Regeling": ...}, "art26Regeling", "EEN_VAN_BEIDE"),
        ({"dpiaOp": "2026-11-23"}, "dpiaOp", "IN_TOEKOMST"),
        ({"dpiaOp": "15-01-2026"}, "dpiaOp", "GEEN_DATUM"),
        ({"aanvaard": SECRET}, "aanvaard", "ONBEKEND_VELD"),
        ({SECRET: 1}, "(onbekend veld)", "ONBEKEND_VELD"),
    ],
)
def test_a_wrong_agreement_names_the_field(changed: dict[str, Any], place: str, code: str) -> None:
    assert _agreement_faults(**changed) == {place: code}


def test_a_form_that_is_no_object_is_refused() -> None:
    with pytest.raises(RequestInvalid):
        forms.agreement([AGREEMENT], TODAY)


def test_a_ground_is_read_and_confirmed_by_nobody() -> None:
    stored = forms.ground(GROUND | {"tweedeVaststeller": "klaas"}, "piet")
    ground = stored.ground
    assert (ground.established_by, ground.confirmed_by) == ("piet", None)
    assert ground.basis is LegalBasis.PUBLIC_TASK and ground.frameworks == {LegalFramework.PWET}
    assert (ground.sender_role, ground.receiver_role) == (Role.ONTWIKKELBEDRIJF, Role.GEMEENTE)
    assert ground.categories == {Category.IDENTITEIT, Category.LEERVOORTGANG}
    assert (stored.law, stored.article, stored.paragraph) == ("Participatiewet", "7", "1")
    assert ground.valid_until is None


@pytest.mark.parametrize(
    ("changed", "place", "code"),
    [
        ({"basis": "AVG-6-1-a"}, "basis", "ONBEKENDE_CODE"),  # consent is never a grondslag
        ({"wettelijkeKaders": []}, "wettelijkeKaders", "WETTELIJK_KADER"),
        ({"basis": "AVG-6-1-b"}, "wettelijkeKaders", "WETTELIJK_KADER"),
        ({"categorieen": ["gezondheid"]}, "uavgArtikel", "UAVG_ARTIKEL"),
        ({"vastgesteldDoor": "piet", "tweedeVaststeller": "piet"}, "tweedeVaststeller", "ZELFDE_PERSOON"),
        ({"wet": ...}, "wet", "VERPLICHT"),
        ({"doelen": ["toeleiding"]}, "doelen", "ONBEKEND_VELD"),
    ],
)
def test_a_wrong_ground_names_the_field(changed: dict[str, Any], place: str, code: str) -> None:
    assert _ground_faults(**changed) == {place: code}


def test_a_special_category_is_taken_with_its_uavg_article() -> None:
    stored = forms.ground(GROUND | {"categorieen": ["gezondheid"], "uavgArtikel": "30 lid 1"}, "piet")
    assert stored.ground.uavg_article == "30 lid 1"


@pytest.mark.parametrize("name", ["hub", "Werkstap", "-x", "x" * 65, "a b", ""])
def test_a_system_name_is_part_of_a_urn_and_never_the_hubs_own(name: str) -> None:
    with pytest.raises(RequestInvalid):
        forms.system_name(name)


def test_a_good_system_name_passes() -> None:
    assert forms.system_name("werkstap-1") == "werkstap-1"


@pytest.mark.parametrize("scopes", [[], ["alles"], ["beheer", "beheer"]])
def test_a_mandate_names_known_scopes_once(scopes: list[str]) -> None:
    with pytest.raises(RequestInvalid):
        forms.mandate({"organisatie": "00000099000000001000", "systeem": "werkstap", "scopes": scopes})


def test_a_mandate_without_kinds_is_for_every_kind() -> None:
    given = {"organisatie": "00000099000000001000", "systeem": "werkstap", "scopes": ["beheer"], "tot": "2027-01-01"}
    mandate = forms.mandate(given)
    assert mandate.kinds is None
    assert mandate.valid_until == datetime(2026, 12, 31, 23, tzinfo=UTC)
    assert forms.mandate(given | {"soorten": ["voortgang.gemeld"]}).kinds == {"voortgang.gemeld"}
