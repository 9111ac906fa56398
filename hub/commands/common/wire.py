"""Values as commands show them: the wire's names and forms."""

from datetime import datetime
from typing import Any

from contracts import instants
from hub.store.region.agreements import StoredAgreement, StoredGround


def instant(at: datetime | None) -> str | None:
    """RFC 3339 in UTC, or nothing."""
    return None if at is None else instants.write(at)


def agreement(stored: StoredAgreement) -> dict[str, Any]:
    """An uitwisselafspraak in the form of its file, with what became of it."""
    value = stored.agreement
    return {
        "afspraakId": value.id,
        "partijen": sorted(value.parties),
        "soorten": sorted(value.kinds),
        "doelen": sorted(value.purposes),
        "geldigVan": instant(value.valid_from),
        "geldigTot": instant(value.valid_until),
        "verwerkersovereenkomst": stored.processing_agreement,
        "art26Regeling": value.joint_arrangement,
        "dpiaOp": stored.dpia_on,
        "motivering": stored.motivation,
        "aanvaard": {oin: instant(at) for oin, at in sorted(value.accepted.items())},
        "beeindigdOp": instant(value.ended_at),
    }


def ground(stored: StoredGround) -> dict[str, Any]:
    """A grondslag in the form of its file, with what became of it."""
    value = stored.ground
    return {
        "grondslagId": value.id,
        "afspraakId": value.agreement_id,
        "basis": value.basis.value,
        "wettelijkeKaders": sorted(value.frameworks),
        "uavgArtikel": value.uavg_article,
        "wet": stored.law,
        "artikel": stored.article,
        "lid": stored.paragraph,
        "soorten": sorted(value.kinds),
        "doel": value.purpose.value,
        "verstrekkerRol": value.sender_role.value,
        "ontvangerRol": value.receiver_role.value,
        "categorieen": sorted(value.categories),
        "geldigVan": instant(value.valid_from),
        "geldigTot": instant(value.valid_until),
        "vastgesteldDoor": value.established_by,
        "tweedeVaststeller": value.confirmed_by,
        "beeindigdOp": instant(value.ended_at),
    }
