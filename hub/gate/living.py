"""Whose key was destroyed is nobody from that moment on, also while the mark of the erasure is still to come."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from consent.keys import KeyDestroyed, KeyStore, content_key
from contracts.identity import Oin
from hub.ledger.evidence import key_of
from hub.store.persons.people import Known

T = TypeVar("T")
#: A ref, and whose it is.
Ref = tuple[Oin, str]


def among_the_living(known: Mapping[Ref, Known], act: Callable[[Mapping[Ref, Known]], T]) -> T:
    """Act with all whom the refs name; each who turns out to be erased is left out, as if the ref named nobody.

    ``act`` raises ``KeyDestroyed`` before it writes anything.
    """
    while True:
        try:
            return act(known)
        except KeyDestroyed as error:
            left = {ref: one for ref, one in known.items() if not error.key_ids & _names(one, ref[0])}
            if len(left) == len(known):
                raise  # the key of nobody here
            known = left


def living(key_store: KeyStore, known: Known | None, organisation: Oin) -> Known | None:
    """Whom an organisation knows, unless a key of what it knows of this person was destroyed."""
    return None if known is None or key_store.destroyed(_names(known, organisation)) else known


def _names(known: Known, organisation: Oin) -> set[str]:
    return {key_of(known.person), content_key(known.person, organisation)}
