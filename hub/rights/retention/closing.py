"""Which keys of a person nothing needs any more: of an organisation that is done, then of its evidence. Pure."""

from collections.abc import Iterable
from datetime import datetime

from consent.facts import Involvement
from contracts.identity import Oin
from contracts.retention.terms import Terms, years_after
from hub.rights.erasure.terms import evidence_until
from hub.store.persons.remains import Remains


def finished(terms: Terms, left: Remains, organisations: Iterable[Oin], now: datetime) -> list[Oin]:
    """Those of these organisations whose content key may go: nothing under it is kept, and they are not involved.

    ``organisations``: whose key is there. Not while something of or for them waits, nor before the longest term of
    content after their involvement ended or they registered the person: they may still put something right.
    """
    return [one for one in sorted(set(organisations)) if _finished(terms, left, one, now)]


def _finished(terms: Terms, left: Remains, organisation: Oin, now: datetime) -> bool:
    holds = any(row.holds for row in left.messages if row.organisation == organisation and not row.notice)
    waits = any(organisation in (row.organisation, row.recipient) for row in left.waiting if not row.notice)
    ends = _ends(one for one in left.involvements if one.organisation == organisation)
    if holds or waits or ends is None:
        return False
    refs = (row for row in left.refs if row.organisation == organisation and row.registered_at is not None)
    last = max([*ends, *(row.registered_at for row in refs)], default=None)
    return last is None or last <= now - terms.idle  # an end may be planned for 9999: nothing is added to it


def evidence_over(terms: Terms, left: Remains, now: datetime) -> bool:
    """True when the evidence about a person may go with all that is left; its content keys are gone by then.

    Not before the last thing that was said is as old: a traject may be written down that was over long ago, and no
    date that an organisation gives makes the proof of what it did yesterday vanish (AVG art. 5(2)). A zaak that nobody
    answers holds it no longer than its own term: else the silence of one would keep it for ever.
    """
    if left.asked or left.waiting or any(row.holds for row in left.messages):
        return False
    years = terms.evidence_years(left.purposes)
    end = evidence_until(left.involvements, left.since, years)
    if end is None:
        return False
    since = [left.since] + ([] if left.asked_at is None else [left.asked_at])
    return max(end, *(years_after(at, years) for at in since)) <= now


def _ends(involvements: Iterable[Involvement]) -> list[datetime] | None:
    """When each ended or will; ``None`` when one has no end."""
    ends = [one.valid_until for one in involvements]
    known = [end for end in ends if end is not None]
    return known if len(known) == len(ends) else None
