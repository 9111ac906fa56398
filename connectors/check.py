"""A reading against the contracts, before anything is sent: each fault named by line and by the partner's own field.

The hub checks again; this is so that somebody at the partner sees the line to mend and not a path in JSON.
"""

import json
from dataclasses import replace
from datetime import date

from connectors.port import Draft, LineFault, Place, Reading
from contracts.envelope import read
from contracts.errors import CallerError, Fault


def checked(reading: Reading, today: date) -> Reading:
    """The reading with every message that the contracts refuse turned into faults. ``today``: Europe/Amsterdam."""
    good: list[Draft] = []
    faults = list(reading.faults)
    for draft in reading.messages:
        found = _faults(draft, today)
        faults.extend(found)
        if not found:
            good.append(draft)
    faults.sort(key=lambda fault: fault.place.number or 0)
    return replace(reading, messages=tuple(good), faults=tuple(faults))


def _faults(draft: Draft, today: date) -> list[LineFault]:
    try:
        read(json.dumps(draft.event, ensure_ascii=False, separators=(",", ":")).encode(), today)
    except CallerError as error:
        found = error.faults or (Fault("", error.code, error.detail or error.title),)
    else:
        return []
    return [LineFault(_place(draft, fault.name), fault.code, _sentence(fault.reason)) for fault in found]


def _place(draft: Draft, path: str) -> Place:
    """The partner's own field for a canonical path; the path itself when no field of the partner lies behind it."""
    own = path
    while own and own not in draft.origins:
        own = own.rpartition(".")[0]
    return replace(draft.place, field=draft.origins.get(own) or path or None)


def _sentence(reason: str) -> str:
    """As the end of a sentence: small letter first, no full stop."""
    return f"{reason[:1].lower()}{reason[1:]}".rstrip(".")
