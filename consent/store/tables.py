"""Tables of the facts about persons on which the gate decides: persons, involvements, statements, stops, releases.

Rows point at a person's random handle. Joined persons share a ``root``; every fact stays with the person it was
recorded for, so that a join can be undone, and is read through the root.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from consent.store.metadata import Instant, Json, metadata

person = Table(
    "person",
    metadata,
    Column("person_id", String(32), primary_key=True),
    Column("root", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("erased_at", Instant),
    Column("deceased_at", Instant),
    Column("same_as", String(32)),  # the handle of which this one is another name; null: a person of its own
)

involvement = Table(
    "involvement",
    metadata,
    Column("involvement_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("organisation", String(20), nullable=False),
    Column("trajectory_id", String(32), nullable=False),
    Column("framework", String(16), nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("opened_by", String(32)),  # the delivery whose release opened it; null: opened by a traject
    Column("closed_by", String(32), index=True),  # the closing message that ends it; null, as the next three: none
    Column("closed_at", Instant),  # when that was accepted
    Column("planned_until", Instant),  # what `valid_until` was before
    Column("told_at", Instant),  # when that was released to this organisation: then it ended
)
Index("ix_involvement_organisation", involvement.c.organisation, involvement.c.person_id)

#: Reports that the person died, each made by a closing message; `person.deceased_at` is the first that stands.
death = Table(
    "death",
    metadata,
    Column("message_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("organisation", String(20), nullable=False),
    Column("at", Instant, nullable=False),
    Column("recalled_at", Instant),
)

statement = Table(
    "statement",
    metadata,
    Column("statement_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("system", String(64), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("choice", String(8), nullable=False),  # of a request: what is asked for
    Column("purposes", Json),  # null in these four: all (only in a `nee`)
    Column("categories", Json),
    Column("senders", Json),
    Column("receivers", Json),
    Column("given_at", Instant, nullable=False),  # of a request: when it was asked
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("recorded_at", Instant, nullable=False),  # of a request that was answered: when that was recorded
    Column("requested", Boolean, nullable=False),  # asked for, not answered yet
    Column("asked_at", Instant),  # when the request was recorded; null: it was never recorded as one
    Column("invalid_at", Instant),
    Column("ended_at", Instant),
    Column("ended_as", String(16)),  # ingetrokken or herroepen
    Column("ended_by", String(20)),
    Column("notice", Json, nullable=False),  # {id, versie, sha256, taal} of the text that the person was shown
    Column("manner", String(16)),  # null in these two: asked for, not answered yet
    Column("given_by", String(32)),
    Column("sixteen_at", Instant),  # given by a parent or guardian: when the person turns 16
    Column("own_at", Instant),  # when the person, 16 by then, confirmed it
    Column("renews", String(32)),  # the statement that this one renewed
    Column("asked_by", String(20)),
    Column("authority_sealed", LargeBinary),  # free text `bevoegdheid`, under the evidence key
    Column("reason_sealed", LargeBinary),  # free text `reden` of what ended it, under the evidence key
    Column("entry_id", String(32), nullable=False),
)

statement_part = Table(
    "statement_part",
    metadata,
    Column("statement_id", String(32), ForeignKey("statement.statement_id"), nullable=False),
    Column("sender", String(20), nullable=False),
    Column("confirmed_at", Instant, nullable=False),
    PrimaryKeyConstraint("statement_id", "sender"),
)

stop = Table(
    "stop",
    metadata,
    Column("stop_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("asked", Json, nullable=False),  # the verstrekkers whose flows it stops; which flows: `stop_flow`
    Column("at", Instant, nullable=False),
)

#: A flow that a stop stopped, and the answer of its verstrekker. Receiver and purpose empty: all flows of the sender.
stop_flow = Table(
    "stop_flow",
    metadata,
    Column("stop_id", String(32), ForeignKey("stop.stop_id"), nullable=False),
    Column("sender", String(20), nullable=False),
    Column("receiver", String(20), nullable=False),
    Column("purpose", String(20), nullable=False),
    Column("answer", String(16)),  # bevestigd or opgeheven; null: it waits
    Column("at", Instant),
    PrimaryKeyConstraint("stop_id", "sender", "receiver", "purpose"),
)

#: Answers as the previous release writes them, which may still run beside this one: for all flows of a sender.
stop_answer = Table(
    "stop_answer",
    metadata,
    Column("stop_id", String(32), ForeignKey("stop.stop_id"), nullable=False),
    Column("sender", String(20), nullable=False),
    Column("answer", String(16), nullable=False),  # bevestigd or opgeheven
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("stop_id", "sender"),
)

secrecy_release = Table(
    "secrecy_release",
    metadata,
    Column("release_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("holder", String(20), nullable=False),
    Column("receiver", String(20), nullable=False),
    Column("subjects", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("manner", String(16), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

#: A beperking (AVG art. 18): these flows stand still until it ends.
restriction = Table(
    "restriction",
    metadata,
    Column("restriction_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("senders", Json, nullable=False),
    Column("receivers", Json),  # null in these two: all
    Column("purpose", String(20)),
    Column("reason", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    Column("ended_at", Instant),
)

#: A bezwaar (AVG art. 21), one per verstrekker that must weigh it: restricts while open; upheld, it closes a grondslag.
objection = Table(
    "objection",
    metadata,
    Column("objection_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("senders", Json, nullable=False),  # one: each verstrekker decides for itself
    Column("receivers", Json),
    Column("purpose", String(20)),
    Column("at", Instant, nullable=False),
    Column("outcome", String(16)),  # gehonoreerd or afgewezen; null: open
    Column("decided_at", Instant),
    Column("reason_sealed", LargeBinary),  # the person's own reasons, under the evidence key
)

#: An afscherming: where somebody is reaches only the receivers that are named one by one. Two people lift it.
shield = Table(
    "shield",
    metadata,
    Column("shield_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("receivers", Json, nullable=False),
    Column("at", Instant, nullable=False),
    Column("lift_asked_by", String(64)),  # code of the employee who asked to lift it
    Column("lift_asked_at", Instant),
    Column("lift_for", Json),  # only to name these receivers too; null: to lift it whole
    Column("lifted_by", String(64)),  # of another employee
    Column("lifted_at", Instant),
)

#: Statements and releases from secrecy on which a release rested: a withdrawal's `verstrekt` is read from this.
release_basis = Table(
    "release_basis",
    metadata,
    Column("delivery_id", String(32), nullable=False),
    Column("statement_id", String(32), nullable=False, index=True),
    PrimaryKeyConstraint("delivery_id", "statement_id"),
)

#: The text of a notice (`verklaring`), word for word as its organisation published it; it never changes.
notice_text = Table(
    "notice_text",
    metadata,
    Column("organisation", String(20), nullable=False),
    Column("notice_id", String(64), nullable=False),
    Column("version", String(20), nullable=False),
    Column("language", String(2), nullable=False),
    Column("text", Text, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("published_at", Instant, nullable=False),
    Column("invalid_at", Instant),
    Column("reason_sealed", LargeBinary),  # free text `reden` of its invalidation, under the system key
    PrimaryKeyConstraint("organisation", "notice_id", "version", "language"),
)
