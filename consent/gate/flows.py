"""The flows that rest on what a person said: of each `ja` in force every confirmed verstrekker, ontvanger and doel."""

from collections.abc import Iterable
from datetime import datetime
from itertools import product

from consent.facts import Choice, ConsentFlow, Statement
from consent.gate.person import awaits_person, grown_at


def consented_flows(statements: Iterable[Statement], at: datetime) -> frozenset[ConsentFlow]:
    """What a stopverzoek at this instant stops, of all statements of a person.

    A later `nee` may have closed a part of it: that is not looked at.
    """
    statements = tuple(statements)
    grown = grown_at(statements)
    return frozenset(
        ConsentFlow(*ends)
        for said in statements
        if _in_force(said, at) and not awaits_person(said, grown, at)
        for ends in product(
            (sender for sender, since in said.confirmed.items() if since <= at),
            said.receivers or (),
            said.purposes or (),
        )
    )


def _in_force(said: Statement, at: datetime) -> bool:
    return (
        said.choice is Choice.YES
        and not said.requested
        and not said.invalid
        and (said.ended_at is None or at < said.ended_at)
        and said.given_at <= at
        and said.valid_until is not None
        and said.valid_from <= at < said.valid_until
    )
