"""Finding a BSN in text, however it is written."""

import re
import unicodedata
from typing import Final

from contracts.identity import is_bsn

_LENGTH: Final = 9
_ENOUGH_DIGITS: Final = re.compile(r"(?:\d\D{0,3}){8}\d")
# Groups of digits with at most three other signs, and no letter, between them: "9999 90 342", "999.990.342".
_RUN: Final = re.compile(r"[0-9]+(?:[^0-9A-Za-z]{1,3}[0-9]+)*")


def contains_bsn(text: str) -> bool:
    """True when ``text`` holds nine digits that pass the 11-proef, also with blanks, points or hyphens between them.

    Digits of other scripts count too. A longer number is not cut up: only whole groups of digits are joined.
    """
    if not _ENOUGH_DIGITS.search(text):
        return False
    plain = "".join(str(unicodedata.digit(sign, sign)) for sign in unicodedata.normalize("NFKC", text))
    return any(_run_holds_bsn(re.findall("[0-9]+", run)) for run in _RUN.findall(plain))


def _run_holds_bsn(groups: list[str]) -> bool:
    for start in range(len(groups)):
        joined = ""
        for group in groups[start:]:
            joined += group
            if len(joined) >= _LENGTH:
                break
        if len(joined) == _LENGTH and is_bsn(joined):
            return True
    return False
