"""The shapes of what may be looked up. A class bears the name that partners see in the OpenAPI description."""

from marshmallow import Schema, fields

from hub.intake.schemas import Instant


def _page(item: type[Schema]) -> dict[str, fields.Field]:  # type: ignore[type-arg]
    return {"items": fields.List(fields.Nested(item), required=True), "volgende": fields.String(allow_none=True)}


class Aanvaarding(Schema):
    """That one party accepted an agreement."""

    organisatie = fields.String()
    op = Instant()


class Uitwisselafspraak(Schema):
    """An agreement; of the caller's own organisation, unless the caller is an operator."""

    afspraak_id = fields.String(data_key="afspraakId")
    partijen = fields.List(fields.String())
    soorten = fields.List(fields.String())
    doelen = fields.List(fields.String())
    geldig_van = Instant(data_key="geldigVan")
    geldig_tot = Instant(data_key="geldigTot", allow_none=True)
    verwerkersovereenkomst = fields.String(allow_none=True)
    art26_regeling = fields.String(data_key="art26Regeling", allow_none=True)
    dpia_op = fields.String(data_key="dpiaOp", metadata={"format": "date"})
    motivering = fields.String(allow_none=True)
    aanvaard = fields.List(fields.Nested(Aanvaarding))
    beeindigd_op = Instant(data_key="beeindigdOp", allow_none=True)
    in_werking = fields.Boolean(data_key="inWerking")


class Grondslag(Schema):
    """A legal basis under an agreement; of the caller's own organisation, unless the caller is an operator."""

    grondslag_id = fields.String(data_key="grondslagId")
    afspraak_id = fields.String(data_key="afspraakId")
    basis = fields.String()
    wettelijke_kaders = fields.List(fields.String(), data_key="wettelijkeKaders")
    uavg_artikel = fields.String(data_key="uavgArtikel", allow_none=True)
    wet = fields.String()
    artikel = fields.String()
    lid = fields.String(allow_none=True)
    soorten = fields.List(fields.String())
    doel = fields.String()
    verstrekker_rol = fields.String(data_key="verstrekkerRol")
    ontvanger_rol = fields.String(data_key="ontvangerRol")
    categorieen = fields.List(fields.String())
    geldig_van = Instant(data_key="geldigVan")
    geldig_tot = Instant(data_key="geldigTot", allow_none=True)
    beeindigd_op = Instant(data_key="beeindigdOp", allow_none=True)
    in_werking = fields.Boolean(data_key="inWerking")


class GrondslagVoorBeheer(Grondslag):
    """The same for operators, with the two who made it: the second must be another than the first."""

    vastgesteld_door = fields.String(data_key="vastgesteldDoor")
    tweede_vaststeller = fields.String(data_key="tweedeVaststeller", allow_none=True)


class Organisatie(Schema):
    """A party of the region."""

    oin = fields.String()
    naam = fields.String()
    rol = fields.String()
    rechtsvorm = fields.String(allow_none=True)
    actief = fields.Boolean()


class Stroom(Schema):
    """Every one of these senders may send to every one of these receivers for each of these purposes."""

    afzenders = fields.List(fields.String())
    ontvangers = fields.List(fields.String())
    doelen = fields.List(fields.String())


class Berichttype(Schema):
    """A kind of message.

    `onderwerpen`: from woonzorg it needs an ontheffing that names one of these; empty where woonzorg never sends it.
    """

    type = fields.String()
    soort = fields.String()
    versie = fields.Integer()
    opent_betrokkenheid = fields.Boolean(data_key="opentBetrokkenheid")
    sluit_betrokkenheid = fields.Boolean(data_key="sluitBetrokkenheid")
    over_kandidaat = fields.Boolean(data_key="overKandidaat")
    door_hub = fields.Boolean(data_key="doorHub")
    onderwerpen = fields.List(fields.String())
    stromen = fields.List(fields.Nested(Stroom))


class Ontvangersvorm(Schema):
    """The JSON Schema of a kind's data as one receiver role may get it."""

    rol = fields.String()
    json_schema = fields.Dict(keys=fields.String(), data_key="jsonSchema")


class BerichttypeVolledig(Berichttype):
    """A kind of message with the JSON Schema (2020-12) of its data: as sent, and as each receiver role gets it."""

    json_schema = fields.Dict(keys=fields.String(), data_key="jsonSchema")
    per_ontvanger = fields.List(fields.Nested(Ontvangersvorm), data_key="perOntvanger")


class Code(fields.Dict):
    """One code of a list: `code`, `omschrijving`, and what else its source says of it."""

    def __init__(self) -> None:
        said = {"code": {"type": "string"}, "omschrijving": {"type": "string"}}
        super().__init__(metadata={"properties": said, "required": list(said), "additionalProperties": True})


class Codelijst(Schema):
    """The newest state of a code list, with a page of its codes."""

    naam = fields.String()
    versie = fields.String()
    bron = fields.String()
    licentie = fields.String()
    toelichting = fields.String()
    geldig_van = fields.String(data_key="geldigVan", metadata={"format": "date"})
    geldig_tot = fields.String(data_key="geldigTot", metadata={"format": "date"}, allow_none=True)
    items = fields.List(Code(), required=True)
    volgende = fields.String(allow_none=True)


class Voorganger(Schema):
    """A log of this hub that ended with a restore to an older state; no `adres`: it does not lie here any more."""

    oorsprong = fields.String()
    adres = fields.String(allow_none=True)


class Sleutel(Schema):
    """Verifier keys of the evidence log (C2SP signed-note): name, key id and public key.

    `sleutel` checks every checkpoint of now. During a rotation its successor, `opvolger`, signs beside it. `eerdere`
    are keys that sign no more: what they signed can still be checked with them. `oorsprong` is the name of the log that
    is served below `adres`; `voorgangers` are the logs before it, oldest first.
    """

    sleutel = fields.String()
    opvolger = fields.String(allow_none=True)
    eerdere = fields.List(fields.String())
    oorsprong = fields.String()
    adres = fields.String()
    voorgangers = fields.List(fields.Nested(Voorganger))


class Consistentie(Schema):
    """A consistency proof (RFC 9162 §2.1.4) between two sizes of the log; hashes in base64."""

    van = fields.Integer()
    tot = fields.Integer()
    bewijs = fields.List(fields.String())


Uitwisselafspraken = Schema.from_dict(_page(Uitwisselafspraak), name="Uitwisselafspraken")
Grondslagen = Schema.from_dict(_page(GrondslagVoorBeheer), name="Grondslagen")
Organisaties = Schema.from_dict(_page(Organisatie), name="Organisaties")
Berichttypen = Schema.from_dict(_page(Berichttype), name="Berichttypen")
