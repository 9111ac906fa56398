"""The proven part of a receipt: entries of the log word for word, each with what opens its leaf.

Pure. The first entry is the statement itself; its place in the log is shown by the ``.tlog-proof`` beside the receipt.
Each later one (a confirmation, a withdrawal) brings its own proof along.
"""

import json
from dataclasses import dataclass
from typing import Any, Final

from consent.log.entry import KEY_SIZE, commit
from consent.log.merkle import leaf_hash
from contracts.identity import Oin

#: What ``versie`` says. A receipt is checked by writing it anew, so whatever changes what is written, a word of the
#: letter included, is a new version beside the old one: what was given out must be checkable for years.
#: 1: hours without a leading zero, and the term of a statement that had ended as if it ran on. 2: whoever withdrew, it
#: was "namens u"; and no word of what a receipt cannot know. 3: as if a new receipt told of a later `nee` or stop.
#: 4: as if these two alone closed a `ja`, and only later ones; and as if one held that nobody has confirmed.
VERSION: Final = 5


class ReceiptInvalid(ValueError):
    """This is no receipt, or it says something else than its evidence: ``place`` and ``reason``, for people."""

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry as it is shown: its canonical payload, the 32-byte opening of its leaf, its proof (later entries)."""

    payload: str
    opening: bytes
    proof: str | None = None

    @property
    def leaf(self) -> bytes:
        """The leaf hash that the log must hold: only these bytes with this opening give it."""
        return leaf_hash(commit(self.opening, self.payload.encode()))


@dataclass(frozen=True, slots=True)
class Principal:
    """Under which ref the organisation that asked for the receipt knows the person, with what opens the binding."""

    organisation: Oin
    ref: str
    opening: bytes


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that a receipt rests on. ``principal``: ``None`` where the log binds no ref of whoever asked for it.

    ``version``: of the words in which it is written.
    """

    entries: tuple[Shown, ...]
    principal: Principal | None = None
    version: int = VERSION

    def as_json(self) -> dict[str, Any]:
        """The member ``bewijs`` of a receipt."""
        written: dict[str, Any] = {"versie": self.version, "vermeldingen": [_entry(entry) for entry in self.entries]}
        if self.principal is not None:
            who = self.principal
            written["betrokkene"] = {
                "organisatie": who.organisation,
                "kandidaatRef": who.ref,
                "opening": who.opening.hex(),
            }
        return written


def _entry(entry: Shown) -> dict[str, str]:
    written = {"inhoud": entry.payload, "opening": entry.opening.hex()}
    return written if entry.proof is None else written | {"bewijs": entry.proof}


def parse(value: Any) -> Evidence:
    """The evidence in a receipt's ``bewijs``. Raises ``ReceiptInvalid``; whether it holds is not asked here."""
    try:
        version = value["versie"]
        entries = tuple(map(_shown, value["vermeldingen"]))
        who = value.get("betrokkene")
        principal = who and Principal(
            Oin(_text(who["organisatie"])), _text(who["kandidaatRef"]), _opening(who["opening"])
        )
        if not entries or entries[0].proof is not None or not all(isinstance(e.proof, str) for e in entries[1:]):
            raise ValueError("the first entry has its proof beside the receipt, each later one inside it")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ReceiptInvalid("bewijs", "het deel `bewijs` ontbreekt of is niet heel") from error
    if type(version) is not int or not 1 <= version <= VERSION:
        raise ReceiptInvalid("bewijs", "deze versie van het toestemmingsbewijs kent de controle niet")
    return Evidence(entries, principal or None, version)


def _shown(entry: Any) -> Shown:
    return Shown(_text(entry["inhoud"]), _opening(entry["opening"]), entry.get("bewijs"))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is expected")
    return value


def _opening(value: Any) -> bytes:
    opening = bytes.fromhex(value)
    if len(opening) != KEY_SIZE:
        raise ValueError("an opening is 32 bytes")
    return opening


def dumped(evidence: Evidence) -> str:
    """The evidence as JSON that may stand in a page: no ``<`` in it ends the element that holds it."""
    text = json.dumps(evidence.as_json(), ensure_ascii=False, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
