"""The code by which a second officer confirms what a first one asked: told by telephone, of use once, and not for long.

60 random bits: nobody finds one by trying. Letters and digits that sound or look alike are left out.
"""

import hmac
import re
from typing import Final

from hub.ports import Random

_LETTERS: Final = "23456789abcdefghijkmnpqrstuvwxyz"
_GROUPS: Final = 3
#: Four letters, three times.
PATTERN: Final = "-".join(["[2-9a-km-np-z]{4}"] * _GROUPS)
READ: Final = re.compile(PATTERN)


def new_code(random: Random) -> str:
    """A fresh code, such as ``k7m2-9xqa-hd4e``."""
    letters = "".join(_LETTERS[byte % len(_LETTERS)] for byte in random(4 * _GROUPS))
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


def code_index(key: bytes, code: str) -> bytes:
    """Under what a code is found again without being kept: 32 bytes."""
    return hmac.digest(key, code.encode(), "sha256")
