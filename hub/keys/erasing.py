"""What a line of the erasure list stands for, and doing it: first the list, then the keys.

Erasure and restore both come through here, so that what is destroyed once is destroyed again in the same way.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import groupby

from consent.keys import KeyStore, content_key
from contracts.identity import Oin, PersonId
from hub.keys.erasure_list import content_of, person_of
from hub.keys.handle_list import HandleList


def lines(persons: Collection[str], organisation: Oin | None, *, evidence: bool) -> list[str]:
    """The lines that name one organisation's content about these persons, everybody's, or ``evidence`` and all."""
    if organisation is not None:
        return sorted(content_key(PersonId(person), organisation) for person in persons)
    return sorted(persons) if evidence else sorted(content_of(person) for person in persons)


def remember(target: HandleList, erased: Mapping[str, datetime]) -> None:
    """Put on a list of this hub what others name. Durable when it returns; repeating it is harmless."""
    known = target.read()
    missing = sorted((at, handle) for handle, at in erased.items() if handle not in known)
    for at, group in groupby(missing, key=lambda each: each[0]):
        target.append([handle for _, handle in group], at)


def keys_of(store: KeyStore, erased: Mapping[str, datetime]) -> dict[str, datetime]:
    """Ids of the keys that must be gone, each with the instant of its erasure."""
    wanted: dict[str, datetime] = {}
    persons: dict[str, tuple[datetime, bool]] = {}
    for line, at in erased.items():
        person = person_of(line)
        if person is None:
            wanted[line] = at
        elif line == person or person not in persons:  # all of a person says more than all content
            persons[person] = at, line == person
    for key_id in store.of_persons(persons) if persons else ():
        kind, person, *_ = key_id.split("/")
        at, whole = persons[person]
        if whole or kind == "inhoud":
            wanted.setdefault(key_id, at)
    return wanted


def destroy(store: KeyStore, wanted: Mapping[str, datetime]) -> None:
    """Destroy these keys, as of the instant of their erasure. Repeating it is harmless."""
    ordered = sorted((at, key_id) for key_id, at in wanted.items())
    for at, group in groupby(ordered, key=lambda each: each[0]):
        store.destroy([key_id for _, key_id in group], at)
