"""The subscription over HTTP: push instead of pull. The handshake comes first; the secret is given once."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import Any, Final
from urllib.parse import urlsplit

from flask import current_app
from marshmallow import Schema, fields

from contracts import catalogue
from contracts.errors import (
    Fault,
    JsonInvalid,
    NotFound,
    RefusalCode,
    Refused,
    RequestInvalid,
    TokenInvalid,
    TooMany,
)
from hub.access.caller import Scope
from hub.delivery.webhook import book
from hub.delivery.webhook.address_guard import AddressRefused
from hub.delivery.webhook.send import ATTEMPT_TIMEOUT, HandshakeFailed, NewSender
from hub.intake.context import asker, caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.problems import invalid
from hub.intake.schemas import Instant, text_field
from hub.keys.sealing import seal
from hub.ledger.evidence import Evidence
from hub.store.database import reading
from hub.store.locks import Locks
from hub.store.region import subscriptions
from hub.store.region.access import Asker, mandate_facts, require_active
from hub.store.region.subscriptions import Subscription
from hub.store.writer import Transaction, apart

NEW_SENDER: Final = "new_sender"  # name in ``app.extensions``: makes the sender of a handshake
HANDSHAKES: Final = "handshakes"  # name in ``app.extensions``: places for handshakes at once
#: Standard Webhooks: a secret of 24 to 64 random bytes, shown with this prefix in base64.
SECRET_PREFIX: Final = "whsec_"
_SECRET_SIZE: Final = 32
_MOST_KINDS: Final = 100
_RULES = Locks(rules_exclusive=True)  # no release may rest on the subscription as it was


def _known(name: str) -> None:
    if catalogue.by_name(name) is None:
        raise invalid("SOORT_ONBEKEND", "dit berichttype is niet bekend")


def _some(names: list[str]) -> None:
    if not 1 <= len(names) <= _MOST_KINDS:
        raise invalid("AANTAL", f"noem 1 tot {_MOST_KINDS} berichttypen, of laat dit weg voor alle")


class Abonnement(Schema):
    """Where to push to, and which kinds (short or full names); without ``soorten``: every kind."""

    url = text_field(2000, required=True, metadata={"format": "uri"})
    soorten = fields.List(text_field(200, validate=_known), validate=_some)


class AbonnementGezien(Schema):
    """A subscription as it stands. The secret is never shown again."""

    url = fields.String(required=True)
    soorten = fields.List(fields.String())
    gemaaktOp = Instant(required=True)


class AbonnementGemaakt(AbonnementGezien):
    """A subscription as it was made, with its secret (``whsec_…``, Standard Webhooks): this once."""

    geheim = fields.String(required=True)


def abonnement_maken(body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """Make the caller's subscription, or put a new one in its place (201, 200). A failed handshake changes nothing."""
    names = body.get("soorten")
    found = None if names is None else [catalogue.by_name(name) for name in names]
    kinds = None if found is None else frozenset(kind.name for kind in found if kind is not None)
    _shake_hands(body["url"])
    secret = hub().random(_SECRET_SIZE)
    who = caller()
    sealed = seal(hub().keyring.webhook_key, secret, subscriptions.aad(who.organisation, body["url"]), hub().random)
    wanted = _Wanted(hub().evidence, asker(), body["url"], kinds, sealed)
    made = hub().writer.do(_put, wanted, _RULES, urgent=True)
    shown = SECRET_PREFIX + base64.b64encode(secret).decode()
    return _seen(made.subscription) | {"geheim": shown}, 201 if made.fresh else 200


def _shake_hands(url: str) -> None:
    """A receiver may take its time to answer, and holds a thread of the web server meanwhile: so only a few at once."""
    places: BoundedSemaphore = current_app.extensions[HANDSHAKES]
    if not places.acquire(blocking=False):
        raise TooMany(headers={"Retry-After": str(math.ceil(ATTEMPT_TIMEOUT))})
    try:
        _shake(url)
    finally:
        places.release()


def _shake(url: str) -> None:
    new_sender: NewSender = current_app.extensions[NEW_SENDER]
    sender = new_sender()
    try:
        sender.handshake(url, urlsplit(hub().settings.base_url).hostname or "")
    except (AddressRefused, HandshakeFailed) as error:
        raise RequestInvalid(faults=[Fault("url", error.code, error.reason)]) from error
    finally:
        sender.close()


def abonnement_zien() -> dict[str, Any]:
    """The caller's subscription."""
    with reading(hub().engine) as connection:
        found = subscriptions.find(connection, caller().organisation)
    if found is None:
        raise NotFound
    return _seen(found)


def abonnement_beeindigen() -> None:
    """End the caller's subscription; what waits goes to the mailbox. Ending what is not there is no error."""
    hub().writer.do(_end, (hub().evidence, asker()), _RULES, urgent=True)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a systeem asks for. ``kinds``: ``None`` where it named none."""

    evidence: Evidence
    asker: Asker
    url: str
    kinds: frozenset[str] | None
    secret_sealed: bytes


@dataclass(frozen=True, slots=True)
class _Made:
    """A subscription as it was stored; ``fresh``: there was none before."""

    subscription: Subscription
    fresh: bool


def _put(tx: Transaction, items: Sequence[_Wanted]) -> list[_Made | Exception]:
    return apart(tx, items, lambda item: _put_one(tx, item))


def _put_one(tx: Transaction, wanted: _Wanted) -> _Made:
    """Within the kinds of the systeem's machtiging: what that does not open could not be pushed to it."""
    who, kinds = wanted.asker, wanted.kinds
    mandate = mandate_facts(tx.connection, who, tx.now)
    if not mandate.active:
        raise TokenInvalid
    if kinds is None:
        kinds = mandate.kinds
    elif not all(map(mandate.opens, kinds)):
        raise Refused(RefusalCode.SOORT_NIET_TOEGESTAAN, "De machtiging van uw systeem geldt niet voor deze soorten.")
    new = Subscription(who.organisation, who.system, wanted.url, kinds, wanted.secret_sealed, tx.now)
    # A crash after this commit: it stands, and its secret was given to nobody. The caller puts it again.
    return _Made(new, book.put(wanted.evidence, tx, new))


def _end(tx: Transaction, items: Sequence[tuple[Evidence, Asker]]) -> list[bool | Exception]:
    return apart(tx, items, lambda item: _end_one(tx, *item))


def _end_one(tx: Transaction, evidence: Evidence, who: Asker) -> bool:
    require_active(tx.connection, who, tx.now)
    # A crash after this commit changes nothing: what waited for push now waits for a fetch.
    return book.end(evidence, tx, who.organisation, who.system)


def _seen(one: Subscription) -> dict[str, Any]:
    seen = {"url": one.url, "gemaaktOp": one.made_at}
    return seen if one.kinds is None else seen | {"soorten": sorted(one.kinds)}


ENDPOINTS: Final = (
    Endpoint(
        method="PUT",
        path="/abonnement",
        view=abonnement_maken,
        summary="Berichten laten bezorgen in plaats van ophalen",
        scope=Scope.BERICHTEN_ONTVANGEN,
        body=Abonnement,
        out=AbonnementGemaakt,
        answers={201: AbonnementGemaakt},
        errors=(JsonInvalid, Refused, TooMany),
    ),
    Endpoint(
        method="GET",
        path="/abonnement",
        view=abonnement_zien,
        summary="Eigen abonnement zien",
        scope=Scope.BERICHTEN_ONTVANGEN,
        reads=Scope.TOESTEMMINGEN_LEZEN,
        out=AbonnementGezien,
        errors=(NotFound,),
    ),
    Endpoint(
        method="DELETE",
        path="/abonnement",
        view=abonnement_beeindigen,
        summary="Abonnement beëindigen; wat wacht gaat naar het postvak",
        scope=Scope.BERICHTEN_ONTVANGEN,
        status=204,
    ),
)
