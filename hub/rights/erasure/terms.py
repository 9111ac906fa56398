"""How long what is left may be read: the evidence about a person, after the content has gone. Pure.

Content goes at once. The evidence (what was decided, sent, said and erased: ids and codes, no text) must be shown until
nobody can ask for it any more: that there was consent (AVG 7(1)), that the rules were kept (5(2)), and in a claim
(17(3)(b), (e)). A claim for damages (AVG 82) lapses five years after the person knew of it (BW 3:310(1)); no act of an
organisation comes after its last involvement. So: five years from the end of the last involvement.
"""

from calendar import monthrange
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from consent.facts import Involvement

EVIDENCE_YEARS: Final = 5


def evidence_until(involvements: Iterable[Involvement], since: datetime) -> datetime | None:
    """The instant at which the evidence of these involvements may go; ``None`` while one of them has no end.

    ``since``: from when to count where nobody ever was involved.
    """
    ends = [one.valid_until for one in involvements]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return years_after(max(known, default=since), EVIDENCE_YEARS)


def years_after(instant: datetime, years: int) -> datetime:
    """The same moment so many years later; of 29 February, on the 28th where there is none."""
    year = instant.year + years
    return instant.replace(year=year, day=min(instant.day, monthrange(year, instant.month)[1]))
