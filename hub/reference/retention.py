"""How long what is kept, in one place: for the register of processing (AVG art. 30(1)(f)) and inzage (art. 15(1)(d)).

What is told here is what runs: the terms of ``contracts.retention.terms``, with what the operator replaced.
"""

from dataclasses import dataclass
from typing import Any

from consent.receipt.terms import PURPOSES
from contracts.identity import Purpose
from contracts.retention.terms import UNDELIVERABLE_DAYS, Terms


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data, how many days or years it is kept, and the sentence for people (B1)."""

    what: str
    days: int | None
    years: int | None
    words: str

    def told(self) -> dict[str, Any]:
        """On the wire."""
        return {"wat": self.what, "dagen": self.days, "jaren": self.years, "toelichting": self.words}


def retention(terms: Terms, kind: str | None = None, purpose: str | None = None) -> tuple[Kept, ...]:
    """What holds for messages of a kind for a doel; without them, for all: content at most, evidence by doel."""
    days, years = terms.for_purposes(None if purpose is None else [purpose])
    longer = () if purpose is not None else _longer(terms)
    if purpose is None:
        years = terms.evidence_years()
    if kind is not None and purpose is not None:
        days = terms.content_days(kind, purpose)
    return (
        Kept(
            "inhoud",
            days,
            None,
            f"Een bericht over u blijft in de hub tot {days} dagen nadat het is aangekomen of onderweg is "
            "tegengehouden. Daarna wordt de tekst vanzelf gewist. "
            "Een bericht dat meteen is geweigerd, wordt niet bewaard, alleen dat het is geweigerd.",
        ),
        Kept(
            "onbestelbaar",
            UNDELIVERABLE_DAYS,
            None,
            f"Een bericht dat niemand ophaalt, wordt na {UNDELIVERABLE_DAYS} dagen vanzelf gewist.",
        ),
        Kept(
            "bewijs",
            None,
            years,
            f"Het bewijs van wat er is gedeeld, blijft tot {years} jaar nadat de laatste organisatie met u is gestopt. "
            "Daarna wordt het vanzelf gewist.",
        ),
        *longer,
    )


def _longer(terms: Terms) -> tuple[Kept, ...]:
    """Doelen whose evidence is kept longer than that of the rest, by their years."""
    years = terms.evidence_years()
    exceptions = sorted({each.length for each in terms.evidence.values() if each.length > years})
    return tuple(_exception(terms, each) for each in exceptions)


def _exception(terms: Terms, years: int) -> Kept:
    of = sorted(purpose for purpose, each in terms.evidence.items() if each.length == years)
    named = ", of ".join(PURPOSES[Purpose(purpose)].words for purpose in of)
    return Kept(
        "bewijs", None, years, f"Is er iets gedeeld met dit doel: {named}? Dan blijft het bewijs tot {years} jaar."
    )
