"""From a bearer token (RFC 6750 §2.1) to a `Caller`, and from a `Caller` to what its machtiging allows now."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Final

from joserfc.jwk import ECKey
from sqlalchemy import Connection

from contracts.errors import ScopeMissing, TokenInvalid
from hub.access import tokens
from hub.access.caller import Caller
from hub.ports import Clock
from hub.store.region.access import Asker, MandateFacts, mandate_facts
from hub.store.region.parties import keys_digest, system_by_name

_CACHE_SECONDS: Final = 60.0
_CACHE_SIZE: Final = 4_096  # tokens; about 2 MB


@dataclass(frozen=True, slots=True)
class _Known:
    caller: Caller
    expires_at: datetime
    fresh_until: float  # monotonic


class Authenticator:
    """Checks tokens; remembers each good one by its hash for at most a minute, and never beyond its expiry.

    Only the signature's work is remembered. Whether the machtiging still holds, and the system still has the keys by
    which it asked the token, is asked anew in every call.
    """

    def __init__(self, key: ECKey, issuer: str, clock: Clock) -> None:
        self._key = key
        self._issuer = issuer
        self._clock = clock
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def caller(self, authorization: str | None) -> Caller:
        """The caller of an ``Authorization`` header's value. Raises ``TokenInvalid``: none, not ours, expired."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise TokenInvalid
        hashed = sha256(token.encode("utf-8", "surrogateescape")).digest()
        now = self._clock.now()
        known = self._recall(hashed, now)
        if known is None:
            known = self._check(token, hashed, now)
            self._remember(known)
        return known.caller

    def _check(self, token: str, hashed: bytes, now: datetime) -> _Known:
        checked = tokens.check(token, self._key, self._issuer, now)
        grant = checked.grant
        caller = Caller(grant.system, grant.organisation, grant.scopes, hashed, grant.keys)
        return _Known(caller, checked.expires_at, self._clock.monotonic() + _CACHE_SECONDS)

    def _recall(self, hashed: bytes, now: datetime) -> _Known | None:
        with self._lock:
            known = self._known.get(hashed)
            if known is None or (now < known.expires_at and self._clock.monotonic() < known.fresh_until):
                return known
            del self._known[hashed]
            return None

    def _remember(self, known: _Known) -> None:
        with self._lock:
            self._known[known.caller.token_hash] = known
            while len(self._known) > _CACHE_SIZE:
                self._known.popitem(last=False)


def require_mandate(connection: Connection, caller: Caller, at: datetime, scope: str | None = None) -> MandateFacts:
    """The machtiging on which a call rests, read now. Belongs inside the transaction that decides.

    Raises ``TokenInvalid`` when the organisation or the system was suspended, every machtiging ended or the system's
    keys were replaced, and ``ScopeMissing`` when ``scope`` is no longer granted: a token's fifteen minutes do not
    outlive any of these.
    """
    asker = Asker(caller.organisation, caller.system, scope, caller.keys)
    facts = mandate_facts(connection, asker, at)
    if facts.active:
        return facts
    if scope is not None and mandate_facts(connection, replace(asker, scope=None), at).active:
        raise ScopeMissing
    raise TokenInvalid


def require_keys(connection: Connection, caller: Caller) -> None:
    """Raises ``TokenInvalid`` when the system's keys were replaced since the token was made."""
    found = None if caller.keys is None else system_by_name(connection, caller.system)
    if found is not None and keys_digest(found.jwks) != caller.keys:
        raise TokenInvalid
