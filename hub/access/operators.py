"""Who is an operator over HTTP: a systeem with scope ``beheer`` for the region's own office (``rol`` ``regio``).

No kind of message about a person goes to or from that role: who makes the rules exchanges nothing under them. For any
other organisation ``beheer`` opens one act, the acceptance of its own agreements, and shows nothing of others.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from contracts.errors import RefusalCode, Refused
from contracts.identity import Oin, Role
from hub.access.caller import Caller, Scope
from hub.store.region import parties
from hub.store.region.access import Asker, mandate_facts, require_active
from hub.store.writer import Transaction

#: Roles of the region's own office.
OFFICE: Final = frozenset({Role.REGIO})


def is_office(connection: Connection, organisation: Oin) -> bool:
    """True for the region's own office."""
    found = parties.organisation_by_oin(connection, organisation)
    return found is not None and found.role in OFFICE


def sees_all(connection: Connection, caller: Caller, at: datetime) -> bool:
    """True for an operator with a token for scope ``beheer``: it must see what there is. Anybody else sees its own."""
    if Scope.BEHEER not in caller.scopes or not is_office(connection, caller.organisation):
        return False
    asker = Asker(caller.organisation, caller.system, Scope.BEHEER, caller.keys)
    return mandate_facts(connection, asker, at).active


def require_operator(transaction: Transaction, asker: Asker) -> None:
    """Inside the deciding transaction. Raises ``TokenInvalid`` once the machtiging ended, and ``Refused``."""
    require_active(transaction.connection, asker, transaction.now)
    if not is_office(transaction.connection, asker.organisation):
        raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Deze handeling is voor het beheer van de regio.")
