"""Erasing somebody by the hub's own mechanism, without a request for it; and who may erase a person as a whole."""

from typing import Any

from sqlalchemy import Row, select

from contracts.identity import Oin, PersonId
from hub.administration import forms, parties
from hub.administration.act import RULES, Act
from hub.rights.erasure.destroying import Destruction
from hub.store.database import reading
from hub.store.locks import Locks
from hub.store.persons import people
from hub.store.tables import person_ref
from hub.store.writer import single
from tests.partners import OPERATOR, SCOPES
from tests.region import Region


def who(region: Region, ref: str) -> PersonId:
    """The handle behind a ref."""
    with reading(region.core.engine) as connection:
        return PersonId(connection.scalars(select(person_ref.c.person_id).where(person_ref.c.ref == ref)).one())


def begin(region: Region, person: PersonId, organisation: str | None = None, *, evidence: bool = False) -> Row[Any]:
    """The first step: what commits, and nothing behind it."""

    def work(tx: Any) -> Row[Any]:
        whose = None if organisation is None else Oin(organisation)
        handles = people.handles(tx.connection, person)
        wanted = Destruction(region.core.new_id(), person, handles, whose, "proef", evidence)
        return region.hub.erasures.tools.eraser.begin(tx, wanted, tx.now)

    return single(region.core.transactions, work, Locks(exclusive=frozenset({person})))


def erase(region: Region, person: PersonId, organisation: str | None = None, *, evidence: bool = False) -> Row[Any]:
    """All steps."""
    row = begin(region, person, organisation, evidence=evidence)
    region.hub.erasures.tools.eraser.finish()
    return row


def contactpunt(region: Region) -> str:
    """An organisation that sees the whole picture, and carries out a wissing as a whole; its OIN."""
    oin = region.fresh("regio")

    def work(tx: Any) -> None:
        mandate = {"organisatie": oin, "systeem": region.parties[oin].system}
        scopes = [*SCOPES.split(), "rechten:geheel"]
        parties.end_mandate(tx, Act(OPERATOR, region.core.evidence), region.mandates[oin])
        parties.add_mandate(tx, Act(OPERATOR, region.core.evidence), forms.mandate(mandate | {"scopes": scopes}))

    single(region.core.transactions, work, RULES)
    return oin
