"""The erasure list: whose keys were destroyed, kept outside the database, so that no restore brings anybody back.

A handle is random. It is a person's handle, which stands for every key of that person; ``inhoud/`` and that handle
(``content_of``), for every content key, while the evidence stays until its term; or the id of one key
(``consent.keys.content_key``, ``evidence_key``), which stands for that key alone.

The order of an erasure: this list, durable; then the key. A crash between the two leaves a person on the list whose
key the erasure destroys when it is done again; the other way about, a restore could revive somebody nobody remembers.
"""

from typing import Final

from hub.keys.handle_list import HandleList
from hub.keys.handle_list import ListBroken as ListBroken

_CONTENT: Final = "inhoud/"


class ErasureList(HandleList):
    """The erasure list in one file."""

    name = "wislijst"
    longest = 80


def content_of(person: str) -> str:
    """The line that stands for all content about a person."""
    return f"{_CONTENT}{person}"


def person_of(line: str) -> str | None:
    """Whom a line names as a whole; ``None``: it names one key."""
    rest = line.removeprefix(_CONTENT)
    return None if "/" in rest else rest


def organisation_of(line: str) -> tuple[str, str] | None:
    """(person, organisation) of a line that names one content key."""
    person, _, organisation = line.removeprefix(_CONTENT).partition("/")
    return (person, organisation) if line.startswith(_CONTENT) and organisation else None
