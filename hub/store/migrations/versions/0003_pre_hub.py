"""The hub: parties, agreements, refs, messages, deliveries, cases."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def _attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_attempt")),
    )


def _case_file() -> None:
    op.create_table(
        "case_file",
        sa.Column("case_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("verstrekker", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("messages", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.String(length=32), nullable=True),
        sa.Column("explanation_sealed", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_file")),
    )
    op.create_index(op.f("ix_case_file_organisation"), "case_file", ["organisation"], unique=False)
    op.create_index(op.f("ix_case_file_person_id"), "case_file", ["person_id"], unique=False)


def _client_assertion() -> None:
    op.create_table(
        "client_assertion",
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("jti_hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "jti_hash", name=op.f("pk_client_assertion")),
    )
    op.create_index(op.f("ix_client_assertion_expires_at"), "client_assertion", ["expires_at"], unique=False)


def _delivery() -> None:
    op.create_table(
        "delivery",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("recipient", sa.String(length=20), nullable=False),
        sa.Column("line", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("opens", sa.Boolean(), nullable=False),
        sa.Column("notice", sa.Boolean(), nullable=False),
        sa.Column("overtakes", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("revealed", sa.Text(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("reply_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.CheckConstraint("channel IS NULL OR channel IN ('push', 'postvak')", name=op.f("ck_delivery_channel_known")),
        sa.CheckConstraint(
            "state IN ('wachtend', 'vrijgegeven', 'afgeleverd', 'bevestigd', 'onverwerkbaar', 'gestopt', 'begraven', 'gewist')",  # noqa: E501
            name=op.f("ck_delivery_state_known"),
        ),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_delivery")),
        sa.UniqueConstraint("delivery_id", name=op.f("uq_delivery_delivery_id")),
        sa.UniqueConstraint("message_id", "recipient", name=op.f("uq_delivery_message_id_recipient")),
        sa.UniqueConstraint("recipient", "sequence", name=op.f("uq_delivery_recipient_sequence")),
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["next_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('wachtend', 'vrijgegeven')"),
        postgresql_where=sa.text("state IN ('wachtend', 'vrijgegeven')"),
    )
    op.create_index(
        "ix_delivery_line",
        "delivery",
        ["line", "recipient", "seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('wachtend', 'vrijgegeven', 'afgeleverd')"),
        postgresql_where=sa.text("state IN ('wachtend', 'vrijgegeven', 'afgeleverd')"),
    )
    op.create_index(op.f("ix_delivery_message_id"), "delivery", ["message_id"], unique=False)
    op.create_index(
        "ix_delivery_waiting",
        "delivery",
        ["recipient", "seq"],
        unique=False,
        sqlite_where=sa.text("state IN ('wachtend', 'vrijgegeven', 'afgeleverd')"),
        postgresql_where=sa.text("state IN ('wachtend', 'vrijgegeven', 'afgeleverd')"),
    )


def _installation() -> None:
    op.create_table(
        "installation",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=400), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_installation")),
    )


def _message() -> None:
    op.create_table(
        "message",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), sa.Identity(always=False), nullable=False
        ),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=True),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("trajectory_id", sa.String(length=32), nullable=True),
        sa.Column("recipient", sa.String(length=20), nullable=True),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("receipt", sa.LargeBinary(), nullable=False),
        sa.Column("entry_id", sa.String(length=32), nullable=False),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("bsn_index", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_message")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_message_id")),
    )
    op.create_index(op.f("ix_message_person_id"), "message", ["person_id"], unique=False)


def _message_key() -> None:
    op.create_table(
        "message_key",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("organisation", "system", "event_id", name=op.f("pk_message_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_message_key_message_id")),
    )


def _organisation() -> None:
    op.create_table(
        "organisation",
        sa.Column("oin", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("legal_form", sa.String(length=40), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("oin", name=op.f("pk_organisation")),
    )


def _system() -> None:
    op.create_table(
        "system",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("jwks", sa.Text(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("suspended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_system")),
    )


def _agreement() -> None:
    op.create_table(
        "agreement",
        sa.Column("agreement_id", sa.String(length=64), nullable=False),
        sa.Column("party_a", sa.String(length=20), nullable=False),
        sa.Column("party_b", sa.String(length=20), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("purposes", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("processing_agreement", sa.String(length=200), nullable=True),
        sa.Column("joint_arrangement", sa.String(length=200), nullable=True),
        sa.Column("dpia_on", sa.String(length=10), nullable=False),
        sa.Column("motivation", sa.String(length=2000), nullable=True),
        sa.Column("accepted_a_at", sa.BigInteger(), nullable=True),
        sa.Column("accepted_b_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["party_a"], ["organisation.oin"], name=op.f("fk_agreement_party_a")),
        sa.ForeignKeyConstraint(["party_b"], ["organisation.oin"], name=op.f("fk_agreement_party_b")),
        sa.PrimaryKeyConstraint("agreement_id", name=op.f("pk_agreement")),
    )
    op.create_index(op.f("ix_agreement_party_a"), "agreement", ["party_a"], unique=False)
    op.create_index(op.f("ix_agreement_party_b"), "agreement", ["party_b"], unique=False)


def _local_number() -> None:
    op.create_table(
        "local_number",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_local_number_organisation")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_local_number_person_id")),
        sa.PrimaryKeyConstraint("organisation", "number_index", name=op.f("pk_local_number")),
        sa.UniqueConstraint("organisation", "person_id", name=op.f("uq_local_number_organisation_person_id")),
    )
    op.create_index(op.f("ix_local_number_person_id"), "local_number", ["person_id"], unique=False)


def _mailbox() -> None:
    op.create_table(
        "mailbox",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_mailbox_organisation")),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_mailbox")),
    )


def _mandate() -> None:
    op.create_table(
        "mandate",
        sa.Column("mandate_id", sa.String(length=32), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=True),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_mandate_organisation")),
        sa.ForeignKeyConstraint(["system"], ["system.name"], name=op.f("fk_mandate_system")),
        sa.PrimaryKeyConstraint("mandate_id", name=op.f("pk_mandate")),
    )
    op.create_index(op.f("ix_mandate_organisation"), "mandate", ["organisation"], unique=False)
    op.create_index(op.f("ix_mandate_system"), "mandate", ["system"], unique=False)


def _person_bsn() -> None:
    op.create_table(
        "person_bsn",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("bsn_index", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_person_bsn_organisation")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_person_bsn_person_id")),
        sa.PrimaryKeyConstraint("organisation", "bsn_index", name=op.f("pk_person_bsn")),
    )
    op.create_index(op.f("ix_person_bsn_bsn_index"), "person_bsn", ["bsn_index"], unique=False)
    op.create_index(op.f("ix_person_bsn_person_id"), "person_bsn", ["person_id"], unique=False)


def _person_ref() -> None:
    op.create_table(
        "person_ref",
        sa.Column("ref", sa.String(length=26), nullable=False),
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_person_ref_organisation")),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_person_ref_person_id")),
        sa.PrimaryKeyConstraint("ref", name=op.f("pk_person_ref")),
        sa.UniqueConstraint("organisation", "person_id", name=op.f("uq_person_ref_organisation_person_id")),
    )


def _placement() -> None:
    op.create_table(
        "placement",
        sa.Column("placement_id", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("workplace", sa.String(length=20), nullable=False),
        sa.Column("workplace_role", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_placement_person_id")),
        sa.PrimaryKeyConstraint("person_id", "placement_id", "workplace", name=op.f("pk_placement")),
    )


def _subscription() -> None:
    op.create_table(
        "subscription",
        sa.Column("organisation", sa.String(length=20), nullable=False),
        sa.Column("system", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organisation"], ["organisation.oin"], name=op.f("fk_subscription_organisation")),
        sa.ForeignKeyConstraint(["system"], ["system.name"], name=op.f("fk_subscription_system")),
        sa.PrimaryKeyConstraint("organisation", name=op.f("pk_subscription")),
    )


def _trajectory() -> None:
    op.create_table(
        "trajectory",
        sa.Column("trajectory_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("client", sa.String(length=20), nullable=False),
        sa.Column("framework", sa.String(length=16), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("opened_by", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.person_id"], name=op.f("fk_trajectory_person_id")),
        sa.PrimaryKeyConstraint("trajectory_id", name=op.f("pk_trajectory")),
    )
    op.create_index(op.f("ix_trajectory_person_id"), "trajectory", ["person_id"], unique=False)


def _ground() -> None:
    op.create_table(
        "ground",
        sa.Column("ground_id", sa.String(length=64), nullable=False),
        sa.Column("agreement_id", sa.String(length=64), nullable=False),
        sa.Column("basis", sa.String(length=16), nullable=False),
        sa.Column("frameworks", sa.Text(), nullable=False),
        sa.Column("uavg_article", sa.String(length=20), nullable=True),
        sa.Column("law", sa.String(length=200), nullable=False),
        sa.Column("article", sa.String(length=40), nullable=False),
        sa.Column("paragraph", sa.String(length=40), nullable=True),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("sender_role", sa.String(length=20), nullable=False),
        sa.Column("receiver_role", sa.String(length=20), nullable=False),
        sa.Column("categories", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.BigInteger(), nullable=False),
        sa.Column("valid_until", sa.BigInteger(), nullable=True),
        sa.Column("established_by", sa.String(length=100), nullable=False),
        sa.Column("confirmed_by", sa.String(length=100), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["agreement_id"], ["agreement.agreement_id"], name=op.f("fk_ground_agreement_id")),
        sa.PrimaryKeyConstraint("ground_id", name=op.f("pk_ground")),
    )
    op.create_index(op.f("ix_ground_agreement_id"), "ground", ["agreement_id"], unique=False)


def upgrade() -> None:
    _attempt()
    _case_file()
    _client_assertion()
    _delivery()
    _installation()
    _message()
    _message_key()
    _organisation()
    _system()
    _agreement()
    _local_number()
    _mailbox()
    _mandate()
    _person_bsn()
    _person_ref()
    _placement()
    _subscription()
    _trajectory()
    _ground()
