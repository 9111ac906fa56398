"""Verbs on uitwisselafspraken and grondslagen (gate rules, "Who may do what"): two operators for a grondslag.

Each writes its change and its entry in the evidence log, or nothing. They raise ``Conflict`` (it is there already, it
has ended already), ``NotFound``, ``Refused`` and ``RequestInvalid``.
"""

from collections.abc import Iterable
from typing import Any

from contracts import catalogue, instants
from contracts.errors import Conflict, NotFound, RefusalCode, Refused
from contracts.identity import Oin, Role
from hub.administration.act import Act, faulty
from hub.ledger.evidence import bound
from hub.store.region import agreements, parties
from hub.store.region.agreements import StoredAgreement, StoredGround
from hub.store.writer import Transaction


def add_agreement(transaction: Transaction, act: Act, new: StoredAgreement) -> StoredAgreement:
    """Write down an agreement. Nothing flows on it until both parties have accepted."""
    agreement = new.agreement
    if agreements.agreement_by_id(transaction.connection, agreement.id) is not None:
        raise Conflict("Een afspraak met dit kenmerk staat er al")
    for party in agreement.parties:
        if parties.organisation_by_oin(transaction.connection, party) is None:
            raise faulty("partijen", "ORGANISATIE_ONBEKEND", "een van deze organisaties staat er niet")
    agreements.insert_agreement(transaction.connection, new)
    act.log(transaction, "afspraak-toegevoegd", _agreement_entry(new))
    return new


def accept_agreement(transaction: Transaction, act: Act, agreement_id: str, party: Oin) -> StoredAgreement:
    """Write down that one party accepts."""
    found = _agreement(transaction, agreement_id)
    if party not in found.agreement.parties:
        raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Deze organisatie is geen partij bij deze afspraak")
    if found.agreement.ended_at is not None:
        raise Conflict("Deze afspraak is beëindigd")
    if not agreements.accept_agreement(transaction.connection, agreement_id, party, transaction.now):
        raise Conflict("Deze organisatie had al ingestemd")
    act.log(transaction, "afspraak-aanvaard", {"afspraakId": agreement_id, "organisatie": party})
    return _agreement(transaction, agreement_id)


def end_agreement(transaction: Transaction, act: Act, agreement_id: str) -> StoredAgreement:
    """End an agreement with all its grounds: what waits under it is stopped at its release."""
    _agreement(transaction, agreement_id)
    if not agreements.end_agreement(transaction.connection, agreement_id, transaction.now):
        raise Conflict("Deze afspraak was al beëindigd")
    act.log(transaction, "afspraak-beeindigd", {"afspraakId": agreement_id})
    return _agreement(transaction, agreement_id)


def add_ground(transaction: Transaction, act: Act, new: StoredGround) -> StoredGround:
    """Write down a ground under an agreement. It has no effect until another operator confirms it."""
    if not act.is_same_operator(new.ground.established_by):
        raise faulty("vastgesteldDoor", "ANDERE_OPERATOR", "dit moet dezelfde naam zijn als die van de operator")
    if agreements.ground_by_id(transaction.connection, new.ground.id) is not None:
        raise Conflict("Een grondslag met dit kenmerk staat er al")
    _check_within(transaction, new)
    agreements.insert_ground(transaction.connection, new)
    act.log(transaction, "grondslag-toegevoegd", _ground_entry(new))
    return new


def confirm_ground(transaction: Transaction, act: Act, ground_id: str) -> StoredGround:
    """Confirm a ground as the second operator; it is in force from this commit."""
    found = _ground(transaction, ground_id).ground
    if found.ended_at is not None:
        raise Conflict("Deze grondslag is beëindigd")
    if found.confirmed_by is not None:
        raise Conflict("Deze grondslag was al bevestigd")
    if act.is_same_operator(found.established_by):
        raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Wie een grondslag vaststelde, kan haar niet bevestigen")
    _require_accepted(transaction, found.agreement_id)
    if not agreements.confirm_ground(transaction.connection, ground_id, act.operator):
        raise Conflict("Deze grondslag kan niet worden bevestigd")
    act.log(transaction, "grondslag-bevestigd", {"grondslagId": ground_id})
    return _ground(transaction, ground_id)


def end_ground(transaction: Transaction, act: Act, ground_id: str) -> StoredGround:
    """End a ground. One operator is enough: ending gives nobody anything."""
    _ground(transaction, ground_id)
    if not agreements.end_ground(transaction.connection, ground_id, transaction.now):
        raise Conflict("Deze grondslag was al beëindigd")
    act.log(transaction, "grondslag-beeindigd", {"grondslagId": ground_id})
    return _ground(transaction, ground_id)


def _agreement(transaction: Transaction, agreement_id: str) -> StoredAgreement:
    found = agreements.agreement_by_id(transaction.connection, agreement_id)
    if found is None:
        raise NotFound("Deze afspraak staat er niet")
    return found


def _ground(transaction: Transaction, ground_id: str) -> StoredGround:
    found = agreements.ground_by_id(transaction.connection, ground_id)
    if found is None:
        raise NotFound("Deze grondslag staat er niet")
    return found


def _require_accepted(transaction: Transaction, agreement_id: str) -> None:
    """A confirmed grondslag works at once, so the agreement above it must be in force: accepted by both, not ended."""
    agreement = _agreement(transaction, agreement_id).agreement
    if agreement.ended_at is not None:
        raise Conflict("De afspraak van deze grondslag is beëindigd")
    if not agreement.parties <= set(agreement.accepted):
        raise Conflict(
            "Nog niet beide partijen hebben de afspraak van deze grondslag aanvaard; laat hen dat eerst doen"
        )


def _check_within(transaction: Transaction, new: StoredGround) -> None:
    """A ground covers no more than its agreement and the catalogue do. Raises ``RequestInvalid`` naming the field."""
    ground = new.ground
    found = agreements.agreement_by_id(transaction.connection, ground.agreement_id)
    if found is None:
        raise faulty("afspraakId", "AFSPRAAK_ONBEKEND", "deze afspraak staat er niet")
    agreement = found.agreement
    if agreement.ended_at is not None:
        raise faulty("afspraakId", "AFSPRAAK_BEEINDIGD", "deze afspraak is beëindigd")
    if not ground.kinds <= agreement.kinds:
        raise faulty("soorten", "BUITEN_AFSPRAAK", "een van deze soorten staat niet in de afspraak")
    if ground.purpose not in agreement.purposes:
        raise faulty("doel", "BUITEN_AFSPRAAK", "dit doel staat niet in de afspraak")
    if sorted((ground.sender_role, ground.receiver_role)) != sorted(_roles(transaction, agreement.parties)):
        raise faulty("ontvangerRol", "BUITEN_AFSPRAAK", "de rollen zijn niet die van de twee partijen")
    for name in ground.kinds:
        kind = catalogue.by_name(name)
        if kind is None or not kind.flow(ground.sender_role, ground.receiver_role, ground.purpose):
            raise faulty("soorten", "BUITEN_CATALOGUS", "een soort gaat niet tussen deze rollen voor dit doel")


def _roles(transaction: Transaction, oins: Iterable[Oin]) -> list[Role]:
    found = (parties.organisation_by_oin(transaction.connection, oin) for oin in oins)
    return [one.role for one in found if one is not None]


def _agreement_entry(new: StoredAgreement) -> dict[str, Any]:
    agreement = new.agreement
    entry: dict[str, Any] = {
        "afspraakId": agreement.id,
        "partijen": sorted(agreement.parties),
        "soorten": sorted(agreement.kinds),
        "doelen": sorted(agreement.purposes),
        "geldigVan": instants.write(agreement.valid_from),
        "dpiaOp": new.dpia_on,
    }
    if agreement.valid_until is not None:
        entry["geldigTot"] = instants.write(agreement.valid_until)
    return entry | words_of(new.processing_agreement, agreement.joint_arrangement, new.motivation)


def words_of(processing_agreement: str | None, joint_arrangement: str | None, motivation: str | None) -> dict[str, Any]:
    """How the log binds the words of an agreement."""
    papers = bound("verwerkersovereenkomst", processing_agreement) | bound("art26Regeling", joint_arrangement)
    return papers | bound("motivering", motivation)


def _ground_entry(new: StoredGround) -> dict[str, Any]:
    ground = new.ground
    entry: dict[str, Any] = {
        "grondslagId": ground.id,
        "afspraakId": ground.agreement_id,
        "basis": ground.basis.value,
        "wettelijkeKaders": sorted(ground.frameworks),
        "soorten": sorted(ground.kinds),
        "doel": ground.purpose.value,
        "verstrekkerRol": ground.sender_role.value,
        "ontvangerRol": ground.receiver_role.value,
        "categorieen": sorted(ground.categories),
        "geldigVan": instants.write(ground.valid_from),
        "wet": new.law,
        "artikel": new.article,
        "lid": new.paragraph,
    }
    if ground.uavg_article is not None:
        entry["uavgArtikel"] = ground.uavg_article
    if ground.valid_until is not None:
        entry["geldigTot"] = instants.write(ground.valid_until)
    return entry
