"""The caller of one request: a system that acts for exactly one organisation, within scopes."""

from dataclasses import dataclass
from enum import StrEnum

from contracts.identity import Oin


class Scope(StrEnum):
    """What a machtiging may open (OAuth 2.0 scope values, RFC 6749 §3.3)."""

    BERICHTEN_VERSTUREN = "berichten:versturen"
    BERICHTEN_ONTVANGEN = "berichten:ontvangen"
    KANDIDATEN_BEHEREN = "kandidaten:beheren"
    TOESTEMMINGEN_LEZEN = "toestemmingen:lezen"
    TOESTEMMINGEN_BEHEREN = "toestemmingen:beheren"
    RECHTEN_GEHEEL = "rechten:geheel"
    LOGBOEK_LEZEN = "logboek:lezen"
    STUURINFORMATIE_LEZEN = "stuurinformatie:lezen"
    BEHEER = "beheer"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for. ``token_hash`` is its SHA-256; the token itself is kept nowhere.

    ``keys`` tells the key set by which it was asked (``keys_digest``); ``None`` where the token does not say.
    """

    system: str
    organisation: Oin
    scopes: frozenset[str]
    token_hash: bytes
    keys: str | None = None
