"""SQL of uitwisselafspraken and grondslagen: rows ⇄ the values of ``contracts.agreement``.

Every function joins the caller's transaction and never commits. Whoever changes something here holds the lock
``regels`` exclusively (``Locks(rules_exclusive=True)``), because the gate reads these rows under its shared side.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, insert, or_, select, update

from consent.store.any_of import any_of
from contracts.agreement import Agreement, Ground
from contracts.identity import Category, LegalBasis, LegalFramework, Oin, Purpose, Role
from hub.store.tables import agreement, ground


@dataclass(frozen=True, slots=True)
class StoredAgreement:
    """An agreement with the papers that stand behind it. ``dpia_on`` is a date, ``JJJJ-MM-DD``."""

    agreement: Agreement
    processing_agreement: str | None
    dpia_on: str
    motivation: str | None


@dataclass(frozen=True, slots=True)
class StoredGround:
    """A ground with the place in the law on which it rests."""

    ground: Ground
    law: str
    article: str
    paragraph: str | None


#: Statements are values: made once, compiled once per dialect, whatever the number of parameters.
_OF_PARTIES: Final = select(agreement).where(
    or_(
        any_of(agreement.c.party_a, "parties"),
        any_of(agreement.c.party_b, "parties"),
    )
)
_BETWEEN: Final = select(agreement).where(
    any_of(agreement.c.party_a, "parties"),
    any_of(agreement.c.party_b, "parties"),
)
_GROUNDS_OF: Final = select(ground).where(any_of(ground.c.agreement_id, "agreements"))


def _agreement(row: Row[Any]) -> Agreement:
    accepted = ((row.party_a, row.accepted_a_at), (row.party_b, row.accepted_b_at))
    return Agreement(
        id=row.agreement_id,
        parties=frozenset((Oin(row.party_a), Oin(row.party_b))),
        kinds=frozenset(row.kinds),
        purposes=frozenset(Purpose(p) for p in row.purposes),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        accepted={Oin(oin): at for oin, at in accepted if at is not None},
        ended_at=row.ended_at,
        motivation=row.motivation is not None,
        joint_arrangement=row.joint_arrangement,
    )


def _ground(row: Row[Any]) -> Ground:
    return Ground(
        id=row.ground_id,
        agreement_id=row.agreement_id,
        basis=LegalBasis(row.basis),
        frameworks=frozenset(LegalFramework(f) for f in row.frameworks),
        kinds=frozenset(row.kinds),
        purpose=Purpose(row.purpose),
        sender_role=Role(row.sender_role),
        receiver_role=Role(row.receiver_role),
        categories=frozenset(Category(c) for c in row.categories),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        established_by=row.established_by,
        confirmed_by=row.confirmed_by,
        uavg_article=row.uavg_article,
        ended_at=row.ended_at,
    )


def _stored_agreement(row: Row[Any]) -> StoredAgreement:
    return StoredAgreement(_agreement(row), row.processing_agreement, row.dpia_on, row.motivation)


def _stored_ground(row: Row[Any]) -> StoredGround:
    return StoredGround(_ground(row), row.law, row.article, row.paragraph)


def agreements_of(connection: Connection, parties: Collection[Oin]) -> list[Agreement]:
    """Every agreement, in force or not, to which one of ``parties`` is a party."""
    return [_agreement(row) for row in connection.execute(_OF_PARTIES, {"parties": list(parties)})]


def agreements_between(connection: Connection, parties: Collection[Oin]) -> list[Agreement]:
    """Every agreement, in force or not, of which both parties stand in ``parties``."""
    return [_agreement(row) for row in connection.execute(_BETWEEN, {"parties": list(parties)})]


def grounds_of(connection: Connection, agreement_ids: Collection[str]) -> list[Ground]:
    """Every ground, in force or not, of these agreements."""
    if not agreement_ids:
        return []
    return [_ground(row) for row in connection.execute(_GROUNDS_OF, {"agreements": list(agreement_ids)})]


def agreement_by_id(connection: Connection, agreement_id: str) -> StoredAgreement | None:
    """One agreement with its papers, or ``None``."""
    row = connection.execute(select(agreement).where(agreement.c.agreement_id == agreement_id)).one_or_none()
    return None if row is None else _stored_agreement(row)


def ground_by_id(connection: Connection, ground_id: str) -> StoredGround | None:
    """One ground, or ``None``."""
    row = connection.execute(select(ground).where(ground.c.ground_id == ground_id)).one_or_none()
    return None if row is None else _stored_ground(row)


def all_agreements(connection: Connection, party: Oin | None = None) -> Sequence[StoredAgreement]:
    """Agreements in order of id; with ``party`` only those of that organisation."""
    query = select(agreement).order_by(agreement.c.agreement_id)
    if party is not None:
        query = query.where(or_(agreement.c.party_a == party, agreement.c.party_b == party))
    return [_stored_agreement(row) for row in connection.execute(query)]


def all_grounds(connection: Connection, party: Oin | None = None) -> Sequence[StoredGround]:
    """Grounds in order of id; with ``party`` only those under an agreement of that organisation."""
    query = select(ground).order_by(ground.c.ground_id)
    if party is not None:
        query = query.join(agreement, agreement.c.agreement_id == ground.c.agreement_id)
        query = query.where(or_(agreement.c.party_a == party, agreement.c.party_b == party))
    return [_stored_ground(row) for row in connection.execute(query)]


def insert_agreement(connection: Connection, stored: StoredAgreement) -> None:
    """A new agreement, accepted by nobody yet: acceptance is an act of its own."""
    value = stored.agreement
    party_a, party_b = sorted(value.parties)
    connection.execute(
        insert(agreement).values(
            agreement_id=value.id,
            party_a=party_a,
            party_b=party_b,
            kinds=sorted(value.kinds),
            purposes=sorted(value.purposes),
            valid_from=value.valid_from,
            valid_until=value.valid_until,
            processing_agreement=stored.processing_agreement,
            joint_arrangement=value.joint_arrangement,
            dpia_on=stored.dpia_on,
            motivation=stored.motivation,
        )
    )


def accept_agreement(connection: Connection, agreement_id: str, party: Oin, at: datetime) -> bool:
    """Write down one party's acceptance; ``False`` when it is no party, or had accepted already."""
    sides = ((agreement.c.party_a, agreement.c.accepted_a_at), (agreement.c.party_b, agreement.c.accepted_b_at))
    changed = 0
    for side, accepted in sides:
        open_side = (agreement.c.agreement_id == agreement_id, side == party, accepted.is_(None))
        changed += connection.execute(update(agreement).where(*open_side).values({accepted: at})).rowcount
    return changed > 0


def end_agreement(connection: Connection, agreement_id: str, at: datetime) -> bool:
    """End an agreement at ``at``; ``False`` when it is not there or had ended already."""
    statement = update(agreement).where(agreement.c.agreement_id == agreement_id, agreement.c.ended_at.is_(None))
    return connection.execute(statement.values(ended_at=at)).rowcount > 0


def insert_ground(connection: Connection, stored: StoredGround) -> None:
    """A new ground, set by one operator: without a second one it has no effect."""
    value = stored.ground
    connection.execute(
        insert(ground).values(
            ground_id=value.id,
            agreement_id=value.agreement_id,
            basis=value.basis,
            frameworks=sorted(value.frameworks),
            uavg_article=value.uavg_article,
            law=stored.law,
            article=stored.article,
            paragraph=stored.paragraph,
            kinds=sorted(value.kinds),
            purpose=value.purpose,
            sender_role=value.sender_role,
            receiver_role=value.receiver_role,
            categories=sorted(value.categories),
            valid_from=value.valid_from,
            valid_until=value.valid_until,
            established_by=value.established_by,
        )
    )


def confirm_ground(connection: Connection, ground_id: str, operator: str) -> bool:
    """Write down the second operator; ``False`` unless it is there, unconfirmed and set by somebody else."""
    statement = update(ground).where(
        ground.c.ground_id == ground_id, ground.c.confirmed_by.is_(None), ground.c.established_by != operator
    )
    return connection.execute(statement.values(confirmed_by=operator)).rowcount > 0


def end_ground(connection: Connection, ground_id: str, at: datetime) -> bool:
    """End a ground at ``at``; ``False`` when it is not there or had ended already."""
    statement = update(ground).where(ground.c.ground_id == ground_id, ground.c.ended_at.is_(None))
    return connection.execute(statement.values(ended_at=at)).rowcount > 0
