"""Verbs on organisations, systems and machtigingen.

Each writes its change and its entry in the evidence log, or nothing. They raise ``Conflict`` (it is there already, or
it has ended already), ``NotFound`` and ``RequestInvalid``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts import instants
from contracts.errors import Conflict, NotFound
from contracts.identity import Oin
from hub.access.assertions import ALGORITHMS, KeysUnusable, public_keys
from hub.access.caller import Scope
from hub.access.operators import is_office
from hub.administration import forms
from hub.administration.act import Act, faulty
from hub.ledger.evidence import bound
from hub.store.region import parties
from hub.store.region.parties import Mandate, Organisation, System
from hub.store.writer import Transaction


def add_organisation(transaction: Transaction, act: Act, new: Organisation) -> Organisation:
    """Register an organisation; active at once."""
    if parties.organisation_by_oin(transaction.connection, new.oin) is not None:
        raise Conflict("Deze organisatie staat er al")
    added = replace(new, added_at=transaction.now)
    parties.insert_organisation(transaction.connection, added)
    act.log(transaction, "organisatie-toegevoegd", _organisation_entry(added))
    return added


def suspend_organisation(transaction: Transaction, act: Act, oin: Oin) -> Organisation:
    """Suspend an organisation: from this commit on nothing of it is accepted or released, and nothing goes to it."""
    if parties.organisation_by_oin(transaction.connection, oin) is None:
        raise NotFound("Deze organisatie staat er niet")
    if not parties.suspend_organisation(transaction.connection, oin, transaction.now):
        raise Conflict("Deze organisatie was al geschorst")
    act.log(transaction, "organisatie-geschorst", {"oin": oin})
    return _organisation(transaction, oin)


def add_system(transaction: Transaction, act: Act, name: str, jwks: Mapping[str, Any]) -> System:
    """Register a system with its public keys. It may do nothing until a machtiging says for whom."""
    added = System(forms.system_name(name), key_set(jwks), transaction.now)
    if parties.system_by_name(transaction.connection, added.name) is not None:
        raise Conflict("Dit systeem staat er al")
    parties.insert_system(transaction.connection, added)
    act.log(transaction, "systeem-toegevoegd", {"systeem": added.name, "sleutels": parties.keys_digest(added.jwks)})
    return added


def rotate_keys(transaction: Transaction, act: Act, name: str, jwks: Mapping[str, Any]) -> System:
    """Put another key set in the place of the old one: what the old keys sign is refused from this commit on, and so is
    every token that was asked by them."""
    fresh = key_set(jwks)
    if not parties.replace_keys(transaction.connection, name, fresh):
        raise NotFound("Dit systeem staat er niet")
    act.log(transaction, "sleutels-vervangen", {"systeem": name, "sleutels": parties.keys_digest(fresh)})
    found = parties.system_by_name(transaction.connection, name)
    if found is None:
        raise NotFound("Dit systeem staat er niet")
    return found


def add_mandate(transaction: Transaction, act: Act, new: Mandate) -> Mandate:
    """Let a system act for an organisation, until it is ended or its term is over.

    ``beheer`` for the region's own office makes it an operator; for any other organisation it opens accepting alone.
    """
    if parties.organisation_by_oin(transaction.connection, new.organisation) is None:
        raise NotFound("Deze organisatie staat er niet")
    if parties.system_by_name(transaction.connection, new.system) is None:
        raise NotFound("Dit systeem staat er niet")
    if new.valid_until is not None and new.valid_until <= transaction.now:
        raise faulty("tot", "VOORBIJ", "dit moment is al voorbij")
    _require_apart(transaction, new)
    added = replace(new, id=act.evidence.new_id(), added_at=transaction.now)
    parties.insert_mandate(transaction.connection, added)
    act.log(transaction, "machtiging-gegeven", _mandate_entry(added))
    return added


def end_mandate(transaction: Transaction, act: Act, mandate_id: str) -> Mandate:
    """End a machtiging: it stops within the deciding transaction, whatever token was given before."""
    found = parties.mandate_by_id(transaction.connection, mandate_id)
    if found is None:
        raise NotFound("Deze machtiging staat er niet")
    if not parties.end_mandate(transaction.connection, mandate_id, transaction.now):
        raise Conflict("Deze machtiging was al beëindigd")
    act.log(transaction, "machtiging-beeindigd", _mandate_entry(found))
    return replace(found, ended_at=transaction.now)


def key_set(jwks: Mapping[str, Any]) -> dict[str, Any]:
    """The JWK set to register (RFC 7517 §5): public keys for RS256, PS256, ES256 or EdDSA, RSA of at least 2048 bits.

    Raises ``RequestInvalid`` for any other, a private key among them.
    """
    try:
        public_keys(jwks)
    except KeysUnusable as error:
        raise faulty("jwks", "SLEUTELS_ONBRUIKBAAR", f"deze sleutels zijn niet bruikbaar: {error}") from None
    listed = [dict(one) for one in jwks["keys"]]
    if any(one.get("alg", "ES256") not in ALGORITHMS or one.get("use", "sig") != "sig" for one in listed):
        raise faulty("jwks", "SLEUTELS_ONBRUIKBAAR", f"een sleutel tekent, met een van {', '.join(ALGORITHMS)}")
    return {"keys": listed}


def _require_apart(transaction: Transaction, new: Mandate) -> None:
    """No systeem both makes the rules over HTTP and exchanges under them: one stolen key would be enough for both."""
    connection = transaction.connection
    held = [m for m in parties.mandates_of(connection, name=new.system) if m.in_force(transaction.now)]
    for_office = {m.id: is_office(connection, m.organisation) for m in (*held, new)}
    makes_rules = any(for_office[m.id] and Scope.BEHEER in m.scopes for m in (*held, new))
    if makes_rules and not all(for_office.values()):
        raise Conflict("Een systeem met beheer van de regio werkt niet ook voor een organisatie die uitwisselt")


def _organisation_entry(added: Organisation) -> dict[str, Any]:
    return {"oin": added.oin, "rol": added.role.value, "rechtsvorm": added.legal_form} | bound("naam", added.name)


def _organisation(transaction: Transaction, oin: Oin) -> Organisation:
    found = parties.organisation_by_oin(transaction.connection, oin)
    if found is None:
        raise NotFound("Deze organisatie staat er niet")
    return found


def _mandate_entry(mandate: Mandate) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "machtigingId": mandate.id,
        "organisatie": mandate.organisation,
        "systeem": mandate.system,
        "scopes": sorted(mandate.scopes),
    }
    if mandate.kinds is not None:
        entry["soorten"] = sorted(mandate.kinds)
    if mandate.valid_until is not None:
        entry["tot"] = instants.write(mandate.valid_until)
    return entry
