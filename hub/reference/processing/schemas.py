"""Shapes of the register of processing activities on the wire."""

from typing import Final

from marshmallow import Schema, fields

from contracts.identity import Category, Purpose
from hub.intake.paging import PageQuery
from hub.intake.schemas import Instant, code_field, oin_field, word_field
from hub.reference.processing.activities import CANDIDATES, STAFF
from hub.reference.processing.rows import GETS, GIVES

JSON, CSV = "json", "csv"


class VerwerkingsregisterQuery(PageQuery):
    """In which form; ``limiet`` and ``volgende`` are for `json` only, a spreadsheet is whole."""

    formaat = word_field(JSON, CSV, load_default=JSON)


class Partij(Schema):
    """A party by its number, name and role."""

    oin = oin_field(required=True)
    naam = fields.String(required=True)
    rol = fields.String(required=True)


class VerwerkingGrondslag(Schema):
    """A grondslag in force for this activity."""

    grondslagId = fields.String(required=True)
    basis = fields.String(required=True)
    wet = fields.String(required=True)
    artikel = fields.String(required=True)
    lid = fields.String(required=True, allow_none=True)
    uavgArtikel = fields.String(required=True, allow_none=True)
    categorieen = fields.List(code_field(Category), required=True)
    geldigVan = Instant(required=True)
    geldigTot = Instant(required=True, allow_none=True)


class VerwerkingBewaartermijn(Schema):
    """How long what is kept: `dagen` after it arrived or was stopped, or `jaren` after the last one stopped."""

    wat = fields.String(required=True)
    dagen = fields.Integer(required=True, allow_none=True)
    jaren = fields.Integer(required=True, allow_none=True)
    toelichting = fields.String(required=True)


class Verwerkingsactiviteit(Schema):
    """One activity: an agreement, a kind of message, a doel, and who gives to whom (AVG art. 30(1)).

    `opToestemming`: categories that no grondslag covers, so that they go only where the person agreed.
    `doorgifteBuitenEu`: null, for the hub does not know where the systems of an organisation are.
    """

    activiteitId = fields.String(required=True)
    richting = word_field(GIVES, GETS)
    verwerkingsverantwoordelijken = fields.List(fields.Nested(Partij), required=True)
    verstrekker = fields.Nested(Partij, required=True)
    ontvanger = fields.Nested(Partij, required=True)
    afspraakId = fields.String(required=True)
    verwerkersovereenkomst = fields.String(required=True, allow_none=True)
    art26Regeling = fields.String(required=True, allow_none=True)
    soort = fields.String(required=True)
    doel = code_field(Purpose, required=True)
    doelOmschrijving = fields.String(required=True)
    betrokkenen = fields.List(word_field(CANDIDATES, STAFF), required=True)
    categorieen = fields.List(code_field(Category), required=True)
    grondslagen = fields.List(fields.Nested(VerwerkingGrondslag), required=True)
    opToestemming = fields.List(code_field(Category), required=True)
    doorgifteBuitenEu = fields.Boolean(required=True, allow_none=True)
    bewaartermijnen = fields.List(fields.Nested(VerwerkingBewaartermijn), required=True)
    beveiliging = fields.List(fields.String(), required=True)
    dpiaOp = fields.String(required=True, metadata={"format": "date"})
    geldigVan = Instant(required=True)
    geldigTot = Instant(required=True, allow_none=True)


Verwerkingsregister: Final = Schema.from_dict(
    {
        "items": fields.List(fields.Nested(Verwerkingsactiviteit), required=True),
        "volgende": fields.String(allow_none=True),
    },
    name="Verwerkingsregister",
)
