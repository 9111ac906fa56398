"""Under which key a stored message lies, to what place its sealed values are bound, and opening it again."""

import hashlib
import hmac
from typing import Any, Final

from sqlalchemy import Row

from consent.keys import SYSTEM_KEY, content_key, evidence_key
from contracts.envelope import Message, reopen
from contracts.errors import JsonInvalid
from contracts.identity import Oin, PersonId
from hub.keys.sealing import unseal

#: The body of an erased message: nothing, which no key opens.
NOTHING: Final = b""


def body_aad(message_id: str) -> bytes:
    """What the sealed body of a message is bound to."""
    return f"bericht/{message_id}".encode()


def receipt_aad(message_id: str) -> bytes:
    """What the sealed receipt of a message is bound to."""
    return f"ontvangstbewijs/{message_id}".encode()


def body_key(person: str | None, organisation: Oin) -> str:
    """Id of the key under which an organisation's messages about this person, or about nobody, are sealed."""
    return SYSTEM_KEY if person is None else content_key(PersonId(person), organisation)


def keys_of_body(row: Row[Any]) -> tuple[str, ...]:
    """Ids of the keys under which the body of a delivery's message may lie, the likeliest first.

    A notice goes out also when the content of its verstrekker is gone (AVG 19): it lies under the evidence key. Those
    that were made before it did lie under the content key.
    """
    own = body_key(row.person_id, Oin(row.organisation))
    return (evidence_key(PersonId(row.person_id)), own) if row.notice and row.person_id is not None else (own,)


def opened(key: bytes, row: Row[Any]) -> Message | None:
    """The message of a delivery.

    ``None`` when what is stored does not open, or is of a kind that is no longer known.
    """
    try:
        return reopen(unseal(key, row.body, body_aad(row.message_id)))
    except (JsonInvalid, LookupError, ValueError):  # ``SealBroken`` among them
        return None


def keyed_digest(key: bytes, text: bytes) -> bytes:
    """The digest by which a repeat is known: keyed, so that it says nothing once the person's key is destroyed."""
    inner = hmac.digest(key, b"doorstroomhub/bericht-digest/v1", hashlib.sha256)
    return hmac.digest(inner, text, hashlib.sha256)


def bsn_digest(key: bytes, index: bytes) -> str:
    """What binds a message to the BSN (keyed index) by which it may join two persons; keyed likewise."""
    return keyed_digest(key, b"burgerservicenummer|" + index).hex()
