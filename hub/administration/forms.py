"""The forms of administration: what a file or a command says, as the values of ``hub.store``. Pure; no SQL here."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from marshmallow import validates_schema

from contracts.agreement import Agreement, Ground
from contracts.identity import SPECIAL, Category, LegalBasis, LegalFramework, Oin, Purpose, Role, is_bsn, oin
from hub.administration.act import faulty
from hub.administration.shapes import (
    Form,
    Moment,
    code,
    day,
    distinct,
    fault,
    identifier,
    kind,
    matching,
    oin_field,
    one_of,
    read,
    short_name,
    words,
)
from hub.store.region.agreements import StoredAgreement, StoredGround
from hub.store.region.parties import Mandate, Organisation

#: Every scope that a machtiging may give (wire, "Access").
SCOPES: Final = (
    "berichten:versturen",
    "berichten:ontvangen",
    "kandidaten:beheren",
    "toestemmingen:lezen",
    "toestemmingen:beheren",
    "rechten:geheel",
    "logboek:lezen",
    "stuurinformatie:lezen",
    "beheer",
)
#: The hub's own name as a sender of notices; no client may bear it.
RESERVED: Final = frozenset({"hub"})
_GROUND_BASES: Final = (LegalBasis.CONTRACT, LegalBasis.LEGAL_OBLIGATION, LegalBasis.PUBLIC_TASK)
_UNSET: Final = datetime(1970, 1, 1, tzinfo=UTC)  # the verb fills in the time of its transaction


class _Organisation(Form):
    oin = oin_field(required=True)
    naam = words(200, required=True)
    rol = code(Role, required=True)
    rechtsvorm = words(40, load_default=None, allow_none=True)


class _System(Form):
    name = matching(
        "[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?", "een naam van 1 tot 64 kleine letters, cijfers en -", required=True
    )

    @validates_schema
    def _free(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["name"] in RESERVED:
            raise fault("GERESERVEERD", "deze naam is van de hub zelf", "name")
        if is_bsn(data["name"]):  # receivers see it in `source`
            raise fault("BSN_IN_KENMERK", "deze naam is een BSN of lijkt erop", "name")


class _Mandate(Form):
    organisatie = oin_field(required=True)
    systeem = words(64, required=True)
    scopes = distinct(one_of(*SCOPES), 1, len(SCOPES), required=True)
    soorten = distinct(kind(), 1, 200, load_default=None, allow_none=True)
    tot = Moment(load_default=None, allow_none=True)


class _Dated(Form):
    geldigVan = Moment(required=True)
    geldigTot = Moment(required=True, allow_none=True)

    @validates_schema
    def _in_order(self, data: Mapping[str, Any], **_: Any) -> None:
        if data["geldigTot"] is not None and data["geldigTot"] <= data["geldigVan"]:
            raise fault("VOLGORDE", "dit moet na geldigVan liggen", "geldigTot")


class NieuweUitwisselafspraak(_Dated):
    """The file of an uitwisselafspraak. Class names of what goes over HTTP too are those of the API's description."""

    afspraakId = identifier(required=True)
    partijen = distinct(oin_field(), 2, 2, required=True)
    soorten = distinct(kind(), 1, 200, required=True)
    doelen = distinct(code(Purpose), 1, len(Purpose), required=True)
    verwerkersovereenkomst = words(200)
    art26Regeling = words(200)
    dpiaOp = day(required=True)
    motivering = words(2000)

    @validates_schema
    def _one_paper(self, data: Mapping[str, Any], **_: Any) -> None:
        if ("verwerkersovereenkomst" in data) == ("art26Regeling" in data):
            raise fault("EEN_VAN_BEIDE", "geef verwerkersovereenkomst of art26Regeling, één van beide", "art26Regeling")


class NieuweGrondslag(_Dated):
    """The file of a grondslag."""

    grondslagId = identifier(required=True)
    afspraakId = identifier(required=True)
    basis = one_of(*(b.value for b in _GROUND_BASES), required=True)
    wettelijkeKaders = distinct(code(LegalFramework), 0, len(LegalFramework), load_default=())
    uavgArtikel = words(20, load_default=None, allow_none=True)
    wet = words(200, required=True)
    artikel = words(40, required=True)
    lid = words(40, load_default=None, allow_none=True)
    soorten = distinct(kind(), 1, 200, required=True)
    doel = code(Purpose, required=True)
    verstrekkerRol = code(Role, required=True)
    ontvangerRol = code(Role, required=True)
    categorieen = distinct(code(Category), 1, len(Category), required=True)
    vastgesteldDoor = words(100)
    tweedeVaststeller = words(100, allow_none=True)

    @validates_schema
    def _sound(self, data: Mapping[str, Any], **_: Any) -> None:
        """Basis b rests on a contract, c and e on a law; a special category needs its UAVG article."""
        if (data["basis"] == LegalBasis.CONTRACT) == bool(data["wettelijkeKaders"]):
            raise fault("WETTELIJK_KADER", "verplicht bij AVG-6-1-c en e, en niet bij b", "wettelijkeKaders")
        if data["uavgArtikel"] is None and any(c in SPECIAL for c in data["categorieen"]):
            raise fault("UAVG_ARTIKEL", "verplicht bij een bijzondere categorie", "uavgArtikel")
        if data.get("tweedeVaststeller") is not None and data.get("tweedeVaststeller") == data.get("vastgesteldDoor"):
            raise fault("ZELFDE_PERSOON", "dit moet iemand anders zijn", "tweedeVaststeller")


def organisation(value: Any) -> Organisation:
    """A new organisation from ``{oin, naam, rol, rechtsvorm?}``. Raises ``RequestInvalid``, as do all forms here."""
    form = read(_Organisation, value)
    return Organisation(Oin(form["oin"]), form["naam"].strip(), Role(form["rol"]), form["rechtsvorm"], _UNSET)


def system_name(name: str) -> str:
    """A name that a new system may bear: part of a URN, and never the hub's own."""
    return str(read(_System, {"name": name})["name"])


def mandate(value: Any) -> Mandate:
    """A new machtiging from ``{organisatie, systeem, scopes, soorten?, tot?}``, without an id yet."""
    form = read(_Mandate, value)
    kinds = None if form["soorten"] is None else frozenset(short_name(k) for k in form["soorten"])
    return Mandate("", Oin(form["organisatie"]), form["systeem"], frozenset(form["scopes"]), kinds, form["tot"], _UNSET)


def agreement(value: Any, today: date) -> StoredAgreement:
    """An uitwisselafspraak from its file. ``today`` in the Netherlands: a DPIA lies behind us."""
    form = read(NieuweUitwisselafspraak, value)
    if form["dpiaOp"] > today.isoformat():
        raise faulty("dpiaOp", "IN_TOEKOMST", "deze datum ligt in de toekomst")
    motivation = form.get("motivering")
    value_ = Agreement(
        id=form["afspraakId"],
        parties=frozenset(Oin(p) for p in form["partijen"]),
        kinds=frozenset(short_name(k) for k in form["soorten"]),
        purposes=frozenset(Purpose(p) for p in form["doelen"]),
        valid_from=form["geldigVan"],
        valid_until=form["geldigTot"],
        motivation=motivation is not None,
        joint_arrangement=form.get("art26Regeling"),
    )
    return StoredAgreement(value_, form.get("verwerkersovereenkomst"), form["dpiaOp"], motivation)


def ground(value: Any, operator: str) -> StoredGround:
    """A grondslag from its file, established by ``operator``.

    ``vastgesteldDoor`` may stand in the file and is then the operator; ``tweedeVaststeller`` only announces who will
    confirm: it counts when that one does.
    """
    form = read(NieuweGrondslag, value)
    value_ = Ground(
        id=form["grondslagId"],
        agreement_id=form["afspraakId"],
        basis=LegalBasis(form["basis"]),
        frameworks=frozenset(LegalFramework(f) for f in form["wettelijkeKaders"]),
        kinds=frozenset(short_name(k) for k in form["soorten"]),
        purpose=Purpose(form["doel"]),
        sender_role=Role(form["verstrekkerRol"]),
        receiver_role=Role(form["ontvangerRol"]),
        categories=frozenset(Category(c) for c in form["categorieen"]),
        valid_from=form["geldigVan"],
        valid_until=form["geldigTot"],
        established_by=form.get("vastgesteldDoor", operator),
        confirmed_by=None,
        uavg_article=form["uavgArtikel"],
    )
    return StoredGround(value_, form["wet"], form["artikel"], form["lid"])


def oin_of(text: str) -> Oin:
    """An OIN that was typed. Raises ``RequestInvalid``."""
    try:
        return oin(text)
    except ValueError as error:
        raise faulty("oin", "GEEN_OIN", str(error)) from None
