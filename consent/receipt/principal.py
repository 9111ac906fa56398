"""Binds an organisation's own `kandidaatRef` to a statement in the log, and shows it to that organisation alone.

    opening = HKDF-Expand(evidence key, "ref/" || statement id || "/" || organisation)
    binding = HMAC-SHA256(opening, "consent-ledger/ref/v1\\n" || ref)       hexadecimal, in the entry's payload

Everybody who is shown the payload sees all bindings and can open none: a ref must mean nothing to anybody else. Each
organisation that a statement names has one, also where it does not know the person: whether it does is nobody's to see.
Beside ``open/`` and ``enc/`` (consent.log.entry) this is the third label under one evidence key; the three are
independent, so an opening of one kind tells nothing of the others (RFC 5869 §3.2).
"""

import hmac
from typing import Final

from contracts.identity import Oin

_DOMAIN: Final = b"consent-ledger/ref/v1\n"


def ref_opening(key: bytes, statement_id: str, organisation: Oin) -> bytes:
    """The 32-byte opening of one organisation's binding in one statement."""
    return hmac.digest(key, f"ref/{statement_id}/{organisation}".encode() + b"\x01", "sha256")


def ref_binding(opening: bytes, ref: str | None) -> str:
    """What the log holds of a ref; ``None``: this organisation does not know the person, which does not show."""
    return hmac.digest(opening, _DOMAIN + (ref or "").encode(), "sha256").hex()
