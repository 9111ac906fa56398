"""The hub's own tables: parties, refs, messages, deliveries, cases. Facts about persons: ``consent.store.tables``.

Sealed columns hold nonce ‖ ciphertext under the key named beside them. Order comes from identity columns (``seq``),
never from ids or clocks.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    text,
)

from consent.store.metadata import Instant, Json, metadata
from hub.delivery.states import State

#: SQLite gives out rowids only for INTEGER, PostgreSQL wants 64 bits.
Sequence = BigInteger().with_variant(Integer, "sqlite")


def _in(column: str, values: list[str]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


organisation = Table(
    "organisation",
    metadata,
    Column("oin", String(20), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("legal_form", String(40)),
    Column("role", String(20), nullable=False),
    Column("added_at", Instant, nullable=False),
    Column("suspended_at", Instant),
)

system = Table(
    "system",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("jwks", Json, nullable=False),  # public keys only
    Column("added_at", Instant, nullable=False),
    Column("suspended_at", Instant),
)

mandate = Table(
    "mandate",
    metadata,
    Column("mandate_id", String(32), primary_key=True),
    Column("organisation", String(20), ForeignKey("organisation.oin"), nullable=False, index=True),
    Column("system", String(64), ForeignKey("system.name"), nullable=False, index=True),
    Column("scopes", Json, nullable=False),
    Column("kinds", Json),  # null: every kind
    Column("valid_until", Instant),
    Column("added_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

agreement = Table(
    "agreement",
    metadata,
    Column("agreement_id", String(64), primary_key=True),
    Column("party_a", String(20), ForeignKey("organisation.oin"), nullable=False, index=True),
    Column("party_b", String(20), ForeignKey("organisation.oin"), nullable=False, index=True),
    Column("kinds", Json, nullable=False),
    Column("purposes", Json, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("processing_agreement", String(200)),
    Column("joint_arrangement", String(200)),
    Column("dpia_on", String(10), nullable=False),
    Column("motivation", String(2000)),
    Column("accepted_a_at", Instant),
    Column("accepted_b_at", Instant),
    Column("ended_at", Instant),
)

ground = Table(
    "ground",
    metadata,
    Column("ground_id", String(64), primary_key=True),
    Column("agreement_id", String(64), ForeignKey("agreement.agreement_id"), nullable=False, index=True),
    Column("basis", String(16), nullable=False),
    Column("frameworks", Json, nullable=False),
    Column("uavg_article", String(20)),
    Column("law", String(200), nullable=False),
    Column("article", String(40), nullable=False),
    Column("paragraph", String(40)),
    Column("kinds", Json, nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("sender_role", String(20), nullable=False),
    Column("receiver_role", String(20), nullable=False),
    Column("categories", Json, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("established_by", String(100), nullable=False),
    Column("confirmed_by", String(100)),
    Column("ended_at", Instant),
)

person_ref = Table(
    "person_ref",
    metadata,
    Column("ref", String(26), primary_key=True),
    Column("organisation", String(20), ForeignKey("organisation.oin"), nullable=False),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False),
    Column("registered_at", Instant),  # null: it learned of the person from a message, and never registered it
    Column("erased_at", Instant),  # its organisation erased its content: it names nobody, but notices bear it
    UniqueConstraint("organisation", "person_id"),
)

#: Keyed index (HMAC under the BSN index key) of a BSN that an organisation registered; the BSN itself is never kept.
person_bsn = Table(
    "person_bsn",
    metadata,
    Column("organisation", String(20), ForeignKey("organisation.oin"), nullable=False),
    Column("bsn_index", LargeBinary, nullable=False, index=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("salt", LargeBinary),  # what the log has of this row is over it: that says nothing once the row is gone
    PrimaryKeyConstraint("organisation", "bsn_index"),
)

local_number = Table(
    "local_number",
    metadata,
    Column("organisation", String(20), ForeignKey("organisation.oin"), nullable=False),
    Column("number_index", LargeBinary, nullable=False),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),  # content key of (person, organisation)
    PrimaryKeyConstraint("organisation", "number_index"),
    UniqueConstraint("organisation", "person_id"),
)

trajectory = Table(
    "trajectory",
    metadata,
    Column("trajectory_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("client", String(20), nullable=False),  # opdrachtgever
    Column("framework", String(16), nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("opened_by", String(20), nullable=False),
)

#: Which plaatsingId is a placement where: the row axis of minimisation, and what is "about woonzorg".
placement = Table(
    "placement",
    metadata,
    Column("placement_id", String(64), nullable=False),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False),
    Column("workplace", String(20), nullable=False),
    Column("workplace_role", String(20), nullable=False),
    PrimaryKeyConstraint("person_id", "placement_id", "workplace"),
)

message = Table(
    "message",
    metadata,
    Column("seq", Sequence, Identity(), primary_key=True),  # the order of acceptance
    Column("message_id", String(32), nullable=False, unique=True),
    Column("person_id", String(32), index=True),  # null: about no person
    Column("organisation", String(20), nullable=False),
    Column("system", String(64), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("kind", String(60), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("trajectory_id", String(32)),
    Column("recipient", String(20)),
    Column("accepted_at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),  # canonical event, content key of (person, organisation)
    Column("receipt", LargeBinary, nullable=False),  # the ontvangstbewijs, same key
    Column("entry_id", String(32), nullable=False),  # the decision's entry
    Column("case_id", String(32)),  # a hub-made notice: its zaak
    Column("bsn_index", LargeBinary),  # an opening message that bears a BSN: its keyed index, for joining at release
    Column("lapsed_at", Instant),  # its term was over: body, receipt and digest were emptied
    Column("lapse_entry", String(32)),  # the entry that says so
)
_KEPT = text("lapsed_at IS NULL")
Index("ix_message_kept", message.c.seq, sqlite_where=_KEPT, postgresql_where=_KEPT)
Index("ix_message_lapsed", message.c.organisation, message.c.lapsed_at)

#: What identifies a message for ever (promise 3). Never dropped; ``digest`` becomes null at erasure or retention: then
#: 410.
message_key = Table(
    "message_key",
    metadata,
    Column("organisation", String(20), nullable=False),
    Column("system", String(64), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("message_id", String(32), nullable=False, unique=True),
    Column("digest", LargeBinary),
    PrimaryKeyConstraint("organisation", "system", "event_id"),
)

_UNFINISHED = text("state IN ('wachtend', 'vrijgegeven', 'afgeleverd')")

delivery = Table(
    "delivery",
    metadata,
    Column("seq", Sequence, Identity(), primary_key=True),
    Column("delivery_id", String(32), nullable=False, unique=True),
    Column("message_id", String(32), nullable=False, index=True),
    Column("organisation", String(20), nullable=False),  # the sender (verstrekker)
    Column("recipient", String(20), nullable=False),
    Column("line", String(32), nullable=False),  # root of the person: the order of promise 4 holds within one line
    Column("kind", String(60), nullable=False),
    Column("opens", Boolean, nullable=False),
    Column("notice", Boolean, nullable=False),  # made by the hub
    Column("overtakes", Boolean, nullable=False),  # a notice or a replay: does not wait for its line
    Column("state", String(16), nullable=False),
    Column("channel", String(8)),  # push or postvak, chosen at release
    Column("attempts", Integer, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("lease_token", String(32)),
    Column("lease_until", Instant),
    Column("released_at", Instant),  # first release
    Column("revealed", Json),  # categories of the first release; later ones never exceed them
    Column("sequence", BigInteger),
    Column("acknowledged_at", Instant),
    Column("reply_sealed", LargeBinary),  # why a recipient cannot process it; content key of (person, sender)
    Column("ended_at", Instant),
    Column("reason", String(40)),  # precise, for the hub and the officer; outward codes are made of it
    CheckConstraint(_in("state", [s.value for s in State]), name="state_known"),
    CheckConstraint("channel IS NULL OR channel IN ('push', 'postvak')", name="channel_known"),
    UniqueConstraint("recipient", "sequence"),
    UniqueConstraint("message_id", "recipient"),
)
_DUE = text("state IN ('wachtend', 'vrijgegeven')")
for _name, _columns, _where in (
    ("ix_delivery_line", (delivery.c.line, delivery.c.recipient, delivery.c.seq), _UNFINISHED),
    ("ix_delivery_waiting", (delivery.c.recipient, delivery.c.seq), _UNFINISHED),
    ("ix_delivery_due", (delivery.c.next_at,), _DUE),
):
    Index(_name, *_columns, sqlite_where=_where, postgresql_where=_where)

attempt = Table(
    "attempt",
    metadata,
    Column("delivery_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("channel", String(8), nullable=False),
    Column("outcome", String(40)),  # null: released, outcome not yet known
    PrimaryKeyConstraint("delivery_id", "number"),
)

mailbox = Table(
    "mailbox",
    metadata,
    Column("organisation", String(20), ForeignKey("organisation.oin"), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False),
    Column("acknowledged", BigInteger, nullable=False),
)

subscription = Table(
    "subscription",
    metadata,
    Column("organisation", String(20), ForeignKey("organisation.oin"), primary_key=True),
    Column("system", String(64), ForeignKey("system.name"), nullable=False),
    Column("url", String(2000), nullable=False),
    Column("kinds", Json),  # null: every kind
    Column("secret_sealed", LargeBinary, nullable=False),  # under the master key
    Column("made_at", Instant, nullable=False),
)

#: A zaak: something an organisation is asked to answer (a stopverzoek's flow, a notice).
case = Table(
    "case_file",
    metadata,
    Column("case_id", String(32), primary_key=True),
    Column("kind", String(32), nullable=False),  # stopverzoek, grondslag.vervallen, …
    Column("organisation", String(20), nullable=False, index=True),  # who is asked
    Column("verstrekker", String(20), nullable=False, index=True),
    Column("sender_id", String(32)),  # a notice, as its verstrekker sees it: no id for two organisations
    Column("person_id", String(32), nullable=False, index=True),
    Column("cause", String(32), nullable=False),  # statement or stop
    Column("receiver", String(20)),  # of a stopverzoek: of its flow, whose doel stands in `purposes`; null: all flows
    Column("purposes", Json, nullable=False),
    Column("messages", Json, nullable=False),  # [{berichtId, ontvanger, tijdstip}] already released
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),  # by when it must be answered (AVG art. 12(3))
    Column("closed_at", Instant),
    Column("answer", String(32)),
    Column("explanation_sealed", LargeBinary),  # ground and motivation, under the evidence key
)

#: A terugroeping: a message that its sender should not have sent, to all its receivers or to some.
recall = Table(
    "recall",
    metadata,
    Column("recall_id", String(32), primary_key=True),
    Column("message_id", String(32), nullable=False, index=True),
    Column("organisation", String(20), nullable=False),
    Column("reason", String(24), nullable=False),  # verkeerde-persoon, verkeerde-ontvanger or onjuist
    Column("receivers", Json, nullable=False),
    Column("stopped", Json, nullable=False),  # those to whom it had not gone, or who had not taken it yet
    Column("meant_for", String(26)),  # the sender's own ref of whom it should have been about
    Column("discovered_at", Instant, nullable=False),  # the 72 hours of AVG art. 33 run from here
    Column("at", Instant, nullable=False),
)

#: A vernietiging: which keys of one person are destroyed. Written with what it changes; the keys go right behind it.
erasure = Table(
    "erasure",
    metadata,
    Column("erasure_id", String(32), primary_key=True),
    Column("person_id", String(32), nullable=False, index=True),  # under whose evidence key its entry is sealed
    Column("persons", Json, nullable=False),  # every handle of this person
    Column("organisation", String(20), index=True),  # whose content; null: everybody's, the person as a whole
    Column("evidence", Json),  # evidence key → name of the entries under it; null: the evidence stays
    Column("reason", String(32), nullable=False),
    Column("messages", Integer, nullable=False),  # that became unreadable
    Column("keys", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("entry_id", String(32)),
    Column("done_at", Instant),  # null: the keys may still be there, and go at the next start
)

#: A request for wissing (AVG art. 17) as an organisation recorded it.
erasure_request = Table(
    "erasure_request",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("person_id", String(32), nullable=False, index=True),
    Column("organisation", String(20), nullable=False),
    Column("ref", String(26), nullable=False, index=True),  # under which that organisation knew the person
    Column("scope", String(8), nullable=False),  # eigen or geheel
    Column("reason", String(32), nullable=False),
    Column("reference_sealed", LargeBinary, nullable=False),  # free text `kenmerk`, under the evidence key
    Column("at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),  # by when the person must be answered (AVG art. 12(3))
    Column("status", String(16), nullable=False),
    Column("point", String(20)),  # geheel: the contactpunt that carries it out
    Column("closed_at", Instant),
)

#: A samenvoeging or splitsing that a first officer asked for, and what became of it. ``employee``: a code, no name.
identity_request = Table(
    "identity_request",
    metadata,
    Column("request_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),  # samenvoeging or splitsing
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("other_id", String(32)),  # the only one with whom it may be joined, where the asker named one
    Column("organisation", String(20), nullable=False),
    Column("system", String(64), nullable=False),
    Column("employee", String(64), nullable=False),
    Column("reason_sealed", LargeBinary, nullable=False),  # evidence key of the person
    Column("code_index", LargeBinary, nullable=False, unique=True),  # keyed index of the code that confirms it
    Column("asked_at", Instant, nullable=False),
    Column("valid_until", Instant, nullable=False),
    Column("done_at", Instant),  # these four: null until a second officer confirmed it
    Column("confirmed_by", String(20)),
    Column("confirming_employee", String(64)),
    Column("confirmed_person", String(32), index=True),  # whom the confirming organisation's ref named
    Column("crossed", Json),  # a splitsing: {delivery: why} of what had gone by what stood of the other person
)

#: Two persons whom two officers split: no BSN joins them again, only two officers can. ``person_a`` < ``person_b``.
held_apart = Table(
    "held_apart",
    metadata,
    Column("request_id", String(32), ForeignKey("identity_request.request_id"), nullable=False),
    Column("person_a", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("person_b", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("since", Instant, nullable=False),
    Column("ended_at", Instant),
    PrimaryKeyConstraint("request_id", "person_a", "person_b"),
)

client_assertion = Table(
    "client_assertion",
    metadata,
    Column("system", String(64), nullable=False),
    Column("jti_hash", LargeBinary, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("system", "jti_hash"),
)

#: Acts of operators and other steps about no person that must be found again by humans; the proof is in the log.
installation = Table(
    "installation",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", String(400), nullable=False),
)
