"""An operator's act: who does it, and its entry in the evidence log, committed together with the change itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from consent.log.ledger import Appended
from contracts import instants
from contracts.errors import Fault, RequestInvalid
from contracts.identity import Oin
from hub.ledger.evidence import Evidence, Fact
from hub.store.locks import Locks
from hub.store.writer import Transaction

#: What every verb of this package needs to hold: nobody decides while the rules change.
RULES: Final = Locks(rules_exclusive=True)
_LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts (``--operator``, or the client id of a caller with scope ``beheer``) and where it is logged.

    ``organisation``: for whom that client acts. A command has none: its operator is typed, a client's is proven by key.
    """

    operator: str
    evidence: Evidence
    organisation: Oin | None = None

    def __post_init__(self) -> None:
        if not self.operator.strip() or len(self.operator) > _LONGEST_NAME or not self.operator.isprintable():
            raise faulty("operator", "LENGTE", f"hier hoort een naam van 1 tot {_LONGEST_NAME} tekens op één regel")

    def log(self, transaction: Transaction, act: str, what: Mapping[str, Any]) -> Appended:
        """Append the entry of this act: ids and codes only, sealed under the system key (AVG art. 5(2))."""
        at = instants.write(transaction.now)
        payload = {"soort": "beheer", "handeling": act, "op": at, "operator": self.operator} | dict(what)
        if self.organisation is not None:
            payload["namens"] = self.organisation
        return self.evidence.append(transaction.connection, [Fact(None, payload)])[0]

    def is_same_operator(self, name: str) -> bool:
        """True when ``name`` is this operator."""
        return same_operator(name, self.operator)


def same_operator(one: str, other: str) -> bool:
    """Whether two names are one operator, however they are written: capitals and blanks make no second person.

    The name that a command was given and the client id of a system are compared alike.
    """
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def faulty(name: str, code: str, reason: str) -> RequestInvalid:
    """One field is wrong; the reason never repeats its value."""
    return RequestInvalid(faults=[Fault(name, code, reason)])
