"""Message ids that a partner's file gives again when it is sent again, so that the hub knows a repeat (promise 3).

An id is HMAC-SHA256, under the partner's own key, over the mapping's name and the business key of the line. Keyed,
because ids outlive the content: whoever holds only the id must not be able to try out whose line it was
(AVG art. 4(5)).
The version of the mapping is left out on purpose: a newer mapping does not make an old line new.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Final

_LETTERS: Final = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def event_id(id_key: bytes, mapping_name: str, parts: Sequence[str]) -> str:
    """32 letters a-p (128 bits; no digits, so that no id ever looks like a BSN).

    Raises ``ValueError`` for a key shorter than 32 bytes.
    """
    if len(id_key) < 32:
        raise ValueError("de sleutel voor bericht-id's moet minstens 32 bytes zijn")
    message = json.dumps([mapping_name, *parts], ensure_ascii=True, separators=(",", ":")).encode()
    return hmac.new(id_key, message, hashlib.sha256).hexdigest()[:32].translate(_LETTERS)
