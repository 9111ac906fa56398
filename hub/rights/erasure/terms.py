"""How long what is left may be read: the evidence about a person, after the content has gone. Pure.

Content goes at once. The evidence (what was decided, sent, said and erased: ids and codes, no text) must be shown until
nobody can ask for it any more: that there was consent (AVG 7(1)), that the rules were kept (5(2)), and in a claim
(17(3)(b), (e)). So: some years (``contracts.retention.terms``) from the end of the last involvement; no act of an
organisation comes after that.
"""

from collections.abc import Iterable
from datetime import datetime

from consent.facts import Involvement
from contracts.retention.terms import years_after


def evidence_until(involvements: Iterable[Involvement], since: datetime, years: int) -> datetime | None:
    """The instant at which the evidence of these involvements may go; ``None`` while one of them has no end.

    ``since``: from when to count where nobody ever was involved.
    """
    ends = [one.valid_until for one in involvements]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends):
        return None
    return years_after(max(known, default=since), years)
