"""Which log came before and after this one: after a restore to an older state a hub goes on with a log of its own."""

import json
import re
from collections.abc import Callable
from typing import Final

from consent.log.note import Checkpoint

_NUMBERED: Final = re.compile(r"(?P<base>.+/bewijslogboek)/(?P<number>[1-9][0-9]{0,5})")
#: Where the log that ended says which one succeeds it: over HTTP, and in a folder.
_NAMES: Final = ("opvolger", "opvolger.json")


def lineage(fetch: Callable[[str], bytes | None], head: Checkpoint) -> list[str]:
    """What people should know beside that this log is whole: that it is not the only one of its hub."""
    return [told for told in (_before(head.origin), _after(fetch)) if told is not None]


def first_of(origin: str) -> str:
    """The first log of the hub whose log this is: after each restore to an older state the next number begins."""
    match = _NUMBERED.fullmatch(origin)
    return origin if match is None else match["base"]


def _before(origin: str) -> str | None:
    match = _NUMBERED.fullmatch(origin)
    if match is None:
        return None
    number = int(match["number"]) - 1
    earlier = match["base"] if number == 1 else f"{match['base']}/{number}"
    return f"dit logboek begon na een herstel naar een oudere stand; het eerdere is {earlier}: controleer dat ook"


def _after(fetch: Callable[[str], bytes | None]) -> str | None:
    raw = next((found for name in _NAMES if (found := fetch(name)) is not None), None)
    if raw is None:
        return None
    try:
        successor = str(json.loads(json.loads(raw)["inhoud"])["oorsprong"])
    except (ValueError, KeyError, TypeError):
        successor = "een ander, dat hier niet te lezen is"
    return f"dit logboek is geëindigd: na een herstel ging de hub verder met {successor}"
