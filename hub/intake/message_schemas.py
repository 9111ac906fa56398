"""Shapes of messages on the wire: the event as OpenAPI knows it, receipts, fates, batches."""

from typing import Final

from marshmallow import Schema, fields

from hub.delivery.states import State
from hub.intake.schemas import Besluit, Instant, Probleem, code_field, oin_field, ref_field, word_field


class Ontvangst(Schema):
    """What the hub declares to have received and decided."""

    berichtId = fields.String(required=True)
    id = fields.String(required=True)
    source = fields.String(required=True)
    aanvaardOp = fields.String(required=True, metadata={"format": "date-time"})
    digest = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    bladHash = fields.String(required=True, metadata={"pattern": "^[0-9a-f]{64}$"})
    besluiten = fields.List(fields.Nested(Besluit), required=True)


class Resultaat(Schema):
    """The outcome of one message of a batch."""

    id = fields.String(required=True, allow_none=True)
    status = word_field("aanvaard", "geweigerd", "ongeldig", "conflict", required=True)
    ontvangstbewijs = fields.Nested(Ontvangst)
    herhaling = fields.Boolean()
    probleem = fields.Nested(Probleem)


class Reeksresultaat(Schema):
    """The signed answer: to one message ``ontvangstbewijs``, to a batch ``resultaten`` in the order sent."""

    ontvangstbewijs = fields.Nested(Ontvangst)
    herhaling = fields.Boolean()
    resultaten = fields.List(fields.Nested(Resultaat))
    handtekening = fields.String(required=True)


class Ontvangstbewijs(Schema):
    """The signed receipt of one message alone."""

    ontvangstbewijs = fields.Nested(Ontvangst, required=True)
    handtekening = fields.String(required=True)


class Aflevering(Schema):
    """Where a message stands on its way to one recipient."""

    ontvanger = oin_field(required=True)
    status = code_field(State, required=True)
    pogingen = fields.Integer(required=True)
    vrijgegevenOp = Instant(allow_none=True)


class Berichtstatus(Schema):
    """The fate of a message, until when its content is kept, and the proof of it.

    ``inhoudTot`` is 90 days after acceptance while a delivery has not ended. ``bewijsTot``: at least until then; null
    while the sender's own involvement has no end.
    """

    berichtId = fields.String(required=True)
    id = fields.String(required=True)
    aanvaardOp = Instant(required=True)
    inhoudTot = Instant(required=True)
    bewijsTot = Instant(required=True, allow_none=True)
    afleveringen = fields.List(fields.Nested(Aflevering), required=True)


class Gebeurtenis(Schema):
    """A CloudEvent 1.0 in the NL GOV profile. ``data`` has the schema of its kind: see ``/v1/berichttypen``."""

    specversion = word_field("1.0", required=True)
    id = fields.String(required=True, metadata={"minLength": 1, "maxLength": 255})
    source = fields.String(required=True, metadata={"pattern": "^urn:nld:oin:[0-9]{20}:systeem:[A-Za-z0-9._-]+$"})
    type = fields.String(required=True, metadata={"pattern": "^nl\\.doorstroomhub\\.[a-z.-]+\\.v[0-9]+$"})
    subject = ref_field()
    time = fields.String(metadata={"format": "date-time"})
    datacontenttype = fields.String()
    doel = fields.String()
    traject = fields.String()
    ontvanger = oin_field()
    sequence = fields.String(metadata={"pattern": "^[0-9]+$"})
    traceparent = fields.String()
    data = fields.Dict()


#: A list of events on the wire, in OpenAPI terms.
BATCH: Final = {"type": "array", "minItems": 1, "maxItems": 1000, "items": Gebeurtenis}
EVENTS: Final = {"type": "array", "items": Gebeurtenis}
