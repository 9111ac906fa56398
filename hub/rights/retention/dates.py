"""Until when the content of a message and the evidence about it are kept, as its sender is told: both dates, always."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from consent.store.reading import read_persons
from contracts.identity import Oin
from contracts.retention.terms import Terms, content_until
from hub.rights.erasure.terms import evidence_until
from hub.store.traffic import lapses


def dates_of(connection: Connection, terms: Terms, message: Row[Any]) -> tuple[datetime, datetime | None]:
    """(content, evidence) of a message; of content that is gone, when it went.

    A sender is told the evidence's term after its own involvement: another's would show who is involved. It is kept at
    least so long; ``None`` while that has no end.
    """
    gone = message.lapsed_at or lapses.erased_at(connection, message.message_id)
    ends = lapses.ends_of(connection, message.message_id)
    content = gone or content_until(terms, (message.kind, message.purpose), message.accepted_at, ends)
    if message.person_id is None:
        return content, evidence_until((), message.accepted_at, terms.evidence_years())
    own, root = Oin(message.organisation), lapses.root_of(connection, message.person_id)
    involvements = (i for i in read_persons(connection, [root])[root].facts.involvements if i.organisation == own)
    return content, evidence_until(involvements, message.accepted_at, terms.evidence_years([message.purpose]))
