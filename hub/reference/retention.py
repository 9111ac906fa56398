"""How long what is kept: one place, for the register of processing (AVG art. 30(1)(f)) and inzage (art. 15(1)(d)).

Nothing is erased by itself yet. Where a term comes to hold it is told here, and both follow.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data, how many days it is kept (``None``: no term holds), and the sentence for people (B1)."""

    what: str
    days: int | None
    words: str


_TERMS: Final = (
    Kept(
        "inhoud",
        None,
        "De berichten over u worden bewaard tot de organisatie die ze stuurde, ze laat wissen. "
        "Er is nu geen vaste tijd waarna dat vanzelf gebeurt.",
    ),
    Kept(
        "bewijs",
        None,
        "Het bewijs van wat er is gedeeld, wordt bewaard zolang iemand moet kunnen laten zien dat het mocht. "
        "Er is nu geen vaste tijd waarna het vanzelf wordt gewist.",
    ),
)


def retention() -> tuple[Kept, ...]:
    """What holds now."""
    return _TERMS
