"""What must hold before anything is noted: who may ask, who is named, and what consent can carry."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.facts import ALWAYS, Statement
from consent.store import notice_texts, records
from contracts.errors import Conflict, Fault, NotFound, RefusalCode, Refused, RequestInvalid
from contracts.identity import Oin, PersonId, Purpose, Role
from hub.gate.person_work import Find, Subject
from hub.store.persons.people import Known
from hub.store.region import parties
from hub.store.region.rules import agreement_partners
from hub.store.writer import Transaction

#: Consent cannot carry a public task (AVG recital 43): with a gemeente on either side these need a motivation.
_PUBLIC_TASKS: Final = frozenset(
    {Purpose.TOELEIDING, Purpose.TRAJECTBEGELEIDING, Purpose.DOORSTROOM, Purpose.VERANTWOORDING}
)


def finder(statement_id: str, recorder: Oin | None = None) -> Find:
    """Finds whom a statement is about; with ``recorder`` only if that organisation recorded it."""

    def find(connection: Connection) -> Known | None:
        row = records.find_statement(connection, statement_id)
        if row is None or (recorder is not None and row.recorder != recorder):
            return None
        return Known(PersonId(row.person_id), row.root)

    return find


def found(connection: Connection, statement_id: str) -> Row[Any]:
    """The statement. Raises ``NotFound``."""
    row = records.find_statement(connection, statement_id)
    if row is None:
        raise NotFound
    return row


def seen(connection: Connection, statement_id: str, subject: Subject, organisation: Oin) -> Row[Any]:
    """The statement, if this organisation may see it: its recorder or a named verstrekker, while involved."""
    require_involved(subject, organisation)
    row = found(connection, statement_id)
    if organisation != row.recorder and organisation not in (row.senders or ()):
        raise NotFound
    return row


def require_involved(subject: Subject, organisation: Oin) -> None:
    """Raises ``NotFound`` unless the organisation takes part now."""
    if not subject.involves(organisation):
        raise NotFound


def require_ever_involved(subject: Subject, organisation: Oin) -> None:
    """Raises ``NotFound`` unless the organisation takes part, or once did: a right does not end with a traject."""
    if not subject.involved(organisation):
        raise NotFound


def require_alive(subject: Subject) -> None:
    """Raises ``Conflict`` where something would be given for somebody who was reported dead.

    For who takes part alone, so it comes after that check; and it does not say why: few may know that.
    """
    if subject.record.facts.deceased:
        raise Conflict("Voor deze persoon kan niets nieuws meer worden vastgelegd.")


def require_organisations(connection: Connection, named: Iterable[Oin], field: str) -> None:
    """Raises ``RequestInvalid`` unless this hub knows all of them."""
    if any(parties.organisation_by_oin(connection, oin) is None for oin in named):
        raise fault(field, "ONBEKEND", "Hier staat een organisatie die deze hub niet kent.")


def require_past(instant: datetime, at: datetime, field: str) -> None:
    """Raises ``RequestInvalid`` for what is still to come."""
    if instant > at:
        raise fault(field, "DATUM_IN_TOEKOMST", "Dit moment is nog niet geweest.")


def require_text(connection: Connection, organisation: Oin, notice: dict[str, str]) -> None:
    """A notice that the organisation published is named by its own hash, and only while it holds."""
    texts = notice_texts.of_version(connection, organisation, notice["id"], notice["versie"])
    if any(text.invalid_at is not None for text in texts.values()):
        raise fault("verklaring.versie", "ONGELDIG", "Deze versie van de tekst is ongeldig verklaard.")
    text = texts.get(notice["taal"])
    if text is not None and text.sha256 != notice["sha256"]:
        raise fault("verklaring.sha256", "ANDERE_TEKST", "Dit is niet de tekst die onder deze versie is gepubliceerd.")


def require_grown(connection: Connection, subject: Subject, organisation: Oin, statement: Statement) -> None:
    """Under 16 only a parent or guardian says yes (AVG art. 8, UAVG art. 5), as far as this organisation may know."""
    if statement.sixteen_at is not None:  # a parent or guardian spoke
        return
    root, seer = subject.known.root, records.Seer(organisation, subject.at)
    if statement.given_at < records.grown_at(connection, seer, [root]).get(root, ALWAYS):
        reason = "Volgens een eerdere verklaring is deze persoon dan nog geen 16: een ouder of voogd beslist."
        raise fault("gegevenDoor", "ONDER_ZESTIEN", reason)


def require_one_receiver(subject: Subject, statement: Statement) -> None:
    """Of somebody whose whereabouts are shielded every receiver is named in a statement of its own."""
    shielded = any(s.at <= subject.at and s.lifted_at is None for s in subject.record.facts.shields)
    if shielded and len(statement.receivers or ()) != 1:
        reason = "Zolang deze persoon is afgeschermd, noemt een ja één ontvanger."
        raise fault("ontvangers", "AFGESCHERMD", f"{reason} Leg per ontvanger een nieuwe verklaring vast.")


def require_fitting(tx: Transaction, statement: Statement) -> None:
    """Consent with a gemeente on either side for a public task is refused, unless the agreement holds a motivation."""
    public = _PUBLIC_TASKS & (statement.purposes or frozenset())
    if not public:
        return
    senders, receivers = statement.senders or frozenset(), statement.receivers or frozenset()
    roles = {o: _role(tx.connection, o) for o in senders | receivers}
    agreements = agreement_partners(tx.connection, senders)
    for sender in senders:
        for receiver in receivers:
            if Role.GEMEENTE not in (roles[sender], roles[receiver]):
                continue
            shared = [a for a in agreements[sender] if receiver in a.parties and a.in_force(tx.now)]
            if not public <= frozenset().union(*(a.purposes for a in shared if a.motivation)):
                raise Refused(RefusalCode.TOESTEMMING_NIET_PASSEND)


def _role(connection: Connection, organisation: Oin) -> Role | None:
    party = parties.organisation_by_oin(connection, organisation)
    return None if party is None else party.role


def fault(name: str, code: str, reason: str) -> RequestInvalid:
    """One field is wrong; the reason never repeats its value."""
    return RequestInvalid(faults=[Fault(name, code, reason)])
