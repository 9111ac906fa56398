"""Valid messages of every kind, for tests. Organisations bear test OINs, people test BSNs; nobody here exists.

Each function gives ``data``; keyword arguments replace top-level fields, and a value of ``None`` leaves one out.
``event`` puts an envelope around it, ``raw`` writes it as bytes.
"""

import json
from typing import Any, Final

GEMEENTE: Final = "00000099000000001000"
GEMEENTE_2: Final = "00000099000000002000"
ONTWIKKELBEDRIJF: Final = "00000099000000003000"
MBO: Final = "00000099000000004000"
KRINGLOOP: Final = "00000099000000005000"
KRINGLOOP_2: Final = "00000099000000006000"
WOONZORG: Final = "00000099000000007000"
CERTIFICEERDER: Final = "00000099000000008000"

REF: Final = "abcdefghijklmnopqrstuvwx27"
OTHER_REF: Final = "zzzzzzzzzzzzzzzzzzzzzzzz22"
BSN: Final = "999990342"
OTHER_BSN: Final = "999991772"
TODAY: Final = "2026-11-22"
HASH: Final = "0" * 63 + "1"


def event(kind: str, source: str, subject: str | None, data: dict[str, Any] | None, **extra: Any) -> dict[str, Any]:
    """A CloudEvent. ``source`` may be an OIN or a urn, ``kind`` a short name or a full type; ``extra`` wins."""
    made: dict[str, Any] = {
        "specversion": "1.0",
        "id": "bericht-1",
        "source": source if source.startswith("urn:") else f"urn:nld:oin:{source}:systeem:werkplein",
        "type": kind if kind.startswith("nl.") else f"nl.doorstroomhub.{kind}.v1",
        "subject": subject,
        "data": data,
    }
    return _without_none(made | extra)


def raw(message: dict[str, Any]) -> bytes:
    """An event as it goes over the wire."""
    return json.dumps(message, ensure_ascii=False).encode()


def voorgedragen(ref: str = REF, bsn: str | None = None, **extra: Any) -> dict[str, Any]:
    """``kandidaat.voorgedragen``, gemeente → ontwikkelbedrijf."""
    kandidaat = {
        "kandidaatRef": ref,
        "naam": {"roepnaam": "Sam", "voorletters": "S.J.", "voorvoegsel": "van der", "geslachtsnaam": "Voorbeeld"},
        "geboortedatum": {"datum": "1998-03-14"},
        "bsn": bsn,
    }
    data = {
        "voordrachtId": "voordracht-1",
        "kandidaat": _without_none(kandidaat),
        "traject": {"trajectId": "traject-1", "opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet"},
        "reintegratievoorziening": {"registratienummer": "RV-2026-1", "codeType": "LWP", "datumStart": "2026-10-01"},
        "beoogdeLeerweg": "OVO",
        "ontwikkelwens": ["opleiding-volgen", "werkervaring-opdoen"],
        "contactpersoon": {"functie": "consulent", "telefoon": "0101234567"},
    }
    return _without_none(data | extra)


def voortgang(plaatsing: str = "plaatsing-1", **extra: Any) -> dict[str, Any]:
    """``voortgang.gemeld``, one report (doel trajectbegeleiding)."""
    data = {
        "meldingId": "melding-1",
        "plaatsingId": plaatsing,
        "leerdoelId": "leerdoel-1",
        "werkopdracht": {"id": "opdracht-1", "titel": "Kleding sorteren"},
        "werkprocesCode": "B1-K1-W1",
        "deel": "geheel",
        "beheersing": "met-hulp",
        "datum": "2026-11-20",
        "beoordelaarRol": "werkleiding",
        "uren": "7.5",
        "bijzonderheid": "geen",
    }
    return _without_none(data | extra)


def voortgang_periode(plaatsing: str = "plaatsing-1", **extra: Any) -> dict[str, Any]:
    """``voortgang.gemeld``, totals of a period (doel verantwoording)."""
    data = {
        "meldingId": "melding-2",
        "plaatsingId": plaatsing,
        "periode": {"van": "2026-10-01", "tot": "2026-10-31"},
        "totalen": {"uren": "84.5", "meldingen": 12, "werkprocessen": 3},
    }
    return _without_none(data | extra)


def geplaatst(ref: str = REF, plaatsing: str = "plaatsing-1", **extra: Any) -> dict[str, Any]:
    """``leerwerkplek.geplaatst``, ontwikkelbedrijf → workplace, school or gemeente."""
    data = {
        "plaatsingId": plaatsing,
        "aanbodId": "aanbod-1",
        "kandidaat": {"kandidaatRef": ref, "roepnaam": "Sam", "voorletter": "S."},
        "leerbedrijf": {"leerbedrijfId": "100077736", "kvk": "12345678", "afdeling": "Textiel"},
        "soort": "extern",
        "kwalificatie": kwalificatie(),
        "werkproces": [{"code": "B1-K1-W1", "deel": "geheel"}, {"code": "B1-K1-W2", "plaatsingId": plaatsing}],
        "periode": {"van": "2026-11-01", "tot": "2027-03-31"},
        "uren": "24",
        "status": "getekend",
        "werkafspraken": ["niet-tillen", "vaste-begeleider"],
        "maxUrenPerDag": "6.5",
        "contact": {
            "functie": "jobcoach",
            "naam": "Robin Voorbeeld",
            "telefoon": "0101234567",
            "bereikbaar": "ma t/m do",
        },
    }
    return _without_none(data | extra)


def beoordeeld(plaatsing: str | None = "plaatsing-1", **extra: Any) -> dict[str, Any]:
    """``werkproces.beoordeeld``, eindoordeel ``behaald``."""
    data = {
        "beoordelingId": "beoordeling-1",
        "plaatsingId": plaatsing,
        "kwalificatie": kwalificatie(),
        "werkprocesCode": "B1-K1-W1",
        "deel": "geheel",
    }
    return _without_none(data | oordeel() | extra)


def aangevraagd(ref: str = REF, plaatsing: str | None = "plaatsing-1", **extra: Any) -> dict[str, Any]:
    """``praktijkverklaring.aangevraagd``, ontwikkelbedrijf → mbo."""
    tussenresultaat = {
        "datum": "2026-10-10",
        "werkopdrachtId": "opdracht-1",
        "beheersing": "zelfstandig",
        "beoordelaarRol": "praktijkopleider",
    }
    werkproces = {
        "code": "B1-K1-W1",
        "deel": "geheel",
        "plaatsingId": plaatsing,
        "tussenresultaten": [tussenresultaat],
        "beoordeling": oordeel(),
    }
    data = {
        "aanvraagId": "aanvraag-1",
        "plaatsingId": plaatsing,
        "kandidaat": {
            "kandidaatRef": ref,
            "naam": {"voornamen": "Sam Jip", "voorvoegsel": "van der", "geslachtsnaam": "Voorbeeld"},
            "geboortedatum": {"datum": "1998-03-14"},
        },
        "instelling": {"brin": "25LX"},
        "kwalificatie": kwalificatie(),
        "leerbedrijfId": "100077736",
        "periode": {"van": "2026-09-01", "tot": "2026-11-20"},
        "werkprocessen": [_without_none(werkproces)],
        "bewijs": [{"soort": "bpv-verklaring", "sha256": HASH}],
        "sbbErkend": "bevestigd",
    }
    return _without_none(data | extra)


def besloten(**extra: Any) -> dict[str, Any]:
    """``praktijkverklaring.besloten``, mbo → ontwikkelbedrijf, gemeente."""
    data = {
        "aanvraagId": "aanvraag-1",
        "besluit": "toegekend",
        "datum": "2026-11-21",
        "werkprocessen": [{"code": "B1-K1-W1", "besluit": "toegekend"}],
        "verklaringNummer": "verklaring-1",
        "ondertekenaar": {"functie": "voorzitter examencommissie"},
        "rechtsmiddel": {"instantie": "Commissie van beroep voor de examens", "termijn": "2027-01-02"},
        "document": {"sha256": HASH},
    }
    return _without_none(data | extra)


def gw_aangevraagd(**extra: Any) -> dict[str, Any]:
    """``goed-werknemerschap.aangevraagd``, ontwikkelbedrijf → certificeerder."""
    data = {
        "aanvraagId": "aanvraag-2",
        "weekassessment": {"periode": {"van": "2026-11-09", "tot": "2026-11-13"}},
        "gedragsvoorbeeld": [{"itemCode": "GW-01", "thema": "motivatie", "score": 4}],
    }
    return _without_none(data | extra)


def gw_uitgereikt(**extra: Any) -> dict[str, Any]:
    """``goed-werknemerschap.uitgereikt``, certificeerder → ontwikkelbedrijf."""
    data = {
        "aanvraagId": "aanvraag-2",
        "uitslag": "behaald",
        "datum": "2026-11-20",
        "certificaatnummer": "certificaat-1",
        "pasnummer": "pas-1",
    }
    return _without_none(data | extra)


def deelname(**extra: Any) -> dict[str, Any]:
    """``dagbesteding.deelname-gemeld``, woonzorg or kringloop → ontwikkelbedrijf."""
    data = {
        "deelnameId": "deelname-1",
        "activiteit": "Keuken",
        "dagdelen": 8,
        "werkprocesCode": ["B1-K1-W1", "B1-K1-W2"],
        "periode": {"van": "2026-11-01", "tot": "2026-11-20"},
    }
    return _without_none(data | extra)


def doorstroom(**extra: Any) -> dict[str, Any]:
    """``doorstroom.gemeld``, ontwikkelbedrijf → gemeente (doel doorstroom or verantwoording)."""
    data = {
        "doorstroomId": "doorstroom-1",
        "van": {"trede": 3, "soort": "leerwerkplek"},
        "naar": {"trede": 5, "soort": "werk-met-ondersteuning", "sector": "detailhandel", "datum": "2026-11-16"},
        "loonwaardePercentage": "62.5",
        "arbeidsvermogen": "met-hulp-wml-of-hoger",
        "nazorgTot": "2027-05-16",
    }
    return _without_none(data | extra)


def beeindigd(trajectory: str = "traject-1", **extra: Any) -> dict[str, Any]:
    """``traject.beeindigd``, gemeente or ontwikkelbedrijf → whoever takes part in that traject."""
    return _without_none({"trajectId": trajectory, "per": TODAY, "reden": "uitstroom"} | extra)


def kwalificatie() -> dict[str, Any]:
    """An Entree kwalificatie of the code list."""
    return {"dossier": "23110", "crebo": "25251", "naam": "Assistent dienstverlening en zorg"}


def oordeel(**extra: Any) -> dict[str, Any]:
    """A judgement ``behaald`` with all that it needs."""
    data = {
        "onderdeel": {"kennis": "behaald", "vaardigheden": "behaald", "gedrag": "behaald"},
        "eindoordeel": "behaald",
        "praktijkopleider": {"functie": "praktijkopleider", "naam": "Kim Voorbeeld", "leerbedrijfId": "100077736"},
        "ondertekend": {"datum": "2026-11-18", "hash": HASH},
        "bewijs": [{"soort": "beoordelingsformulier", "sha256": HASH}],
    }
    return _without_none(data | extra)


def _without_none(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def valid_events() -> dict[str, dict[str, Any]]:
    """A valid event of every kind that a partner may send, by a name of its own."""
    made = {
        "voorgedragen": event(
            "kandidaat.voorgedragen", GEMEENTE, REF, voorgedragen(bsn=BSN), ontvanger=ONTWIKKELBEDRIJF
        ),
        "geplaatst": event("leerwerkplek.geplaatst", ONTWIKKELBEDRIJF, REF, geplaatst(), ontvanger=KRINGLOOP),
        "voortgang": event("voortgang.gemeld", KRINGLOOP, REF, voortgang(), doel="trajectbegeleiding"),
        "voortgang-periode": event(
            "voortgang.gemeld", ONTWIKKELBEDRIJF, REF, voortgang_periode(), doel="verantwoording"
        ),
        "beoordeeld": event("werkproces.beoordeeld", ONTWIKKELBEDRIJF, REF, beoordeeld()),
        "aangevraagd": event("praktijkverklaring.aangevraagd", ONTWIKKELBEDRIJF, REF, aangevraagd()),
        "besloten": event("praktijkverklaring.besloten", MBO, REF, besloten()),
        "gw-aangevraagd": event("goed-werknemerschap.aangevraagd", ONTWIKKELBEDRIJF, REF, gw_aangevraagd()),
        "gw-uitgereikt": event("goed-werknemerschap.uitgereikt", CERTIFICEERDER, REF, gw_uitgereikt()),
        "deelname": event("dagbesteding.deelname-gemeld", WOONZORG, REF, deelname()),
        "doorstroom": event("doorstroom.gemeld", ONTWIKKELBEDRIJF, REF, doorstroom(), doel="doorstroom"),
        "beeindigd": event("traject.beeindigd", ONTWIKKELBEDRIJF, REF, beeindigd()),
    }
    return {name: one | {"id": f"bericht-{name}"} for name, one in made.items()}


def agreement_form() -> dict[str, Any]:
    """An uitwisselafspraak that no region has yet, as operators write it down."""
    return {
        "afspraakId": "nieuw",
        "partijen": [ONTWIKKELBEDRIJF, CERTIFICEERDER],
        "soorten": ["goed-werknemerschap.aangevraagd"],
        "doelen": ["certificeren"],
        "geldigVan": "2026-01-01",
        "geldigTot": None,
        "art26Regeling": "r-1",
        "dpiaOp": "2026-01-01",
    }


def ground_form(name: str) -> dict[str, Any]:
    """A grondslag for totals to the gemeente, under an afspraak that every region has."""
    return {
        "grondslagId": name,
        "afspraakId": "gemeente-ontwikkelbedrijf",
        "basis": "AVG-6-1-e",
        "wettelijkeKaders": ["Pwet"],
        "wet": "Participatiewet",
        "artikel": "7",
        "soorten": ["voortgang.gemeld"],
        "doel": "verantwoording",
        "verstrekkerRol": "ontwikkelbedrijf",
        "ontvangerRol": "gemeente",
        "categorieen": ["leervoortgang"],
        "geldigVan": "2026-01-01",
        "geldigTot": None,
    }
