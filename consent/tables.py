"""Tables of the facts about persons on which the gate decides: persons, involvements, statements, stops, releases.

Rows point at a person's random handle. Joined persons share a ``root``; every fact stays with the person it was
recorded for, so that a join can be undone, and is read through the root.
"""

from sqlalchemy import Boolean, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, String, Table

from consent.metadata import Instant, Json, metadata

person = Table(
    "person",
    metadata,
    Column("person_id", String(32), primary_key=True),
    Column("root", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("erased_at", Instant),
    Column("deceased_at", Instant),
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
)
Index("ix_involvement_organisation", involvement.c.organisation, involvement.c.person_id)

statement = Table(
    "statement",
    metadata,
    Column("statement_id", String(32), primary_key=True),
    Column("person_id", String(32), ForeignKey("person.person_id"), nullable=False, index=True),
    Column("recorder", String(20), nullable=False),
    Column("system", String(64), nullable=False),
    Column("basis", String(16), nullable=False),
    Column("choice", String(8), nullable=False),
    Column("purposes", Json),  # null in these four: all (only in a `nee`)
    Column("categories", Json),
    Column("senders", Json),
    Column("receivers", Json),
    Column("given_at", Instant, nullable=False),
    Column("valid_from", Instant, nullable=False),
    Column("valid_until", Instant),
    Column("recorded_at", Instant, nullable=False),
    Column("requested", Boolean, nullable=False),
    Column("invalid_at", Instant),
    Column("ended_at", Instant),
    Column("ended_as", String(16)),  # ingetrokken or herroepen
    Column("ended_by", String(20)),
    Column("notice", Json, nullable=False),  # {id, versie, sha256, taal} of the text that the person was shown
    Column("manner", String(16), nullable=False),
    Column("given_by", String(32), nullable=False),
    Column("asked_by", String(20)),
    Column("authority_sealed", LargeBinary),  # free text `bevoegdheid`, under the evidence key
    Column("reason_sealed", LargeBinary),  # free text `reden` of the withdrawal, under the evidence key
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
    Column("asked", Json, nullable=False),  # the verstrekkers whose flows it stops: each must confirm or lift it
    Column("at", Instant, nullable=False),
)

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

#: Statements and releases from secrecy on which a release rested: a withdrawal's `verstrekt` is read from this.
release_basis = Table(
    "release_basis",
    metadata,
    Column("delivery_id", String(32), nullable=False),
    Column("statement_id", String(32), nullable=False, index=True),
    PrimaryKeyConstraint("delivery_id", "statement_id"),
)
