"""From a caller to an act: the systeem's name stands in the log as the operator, with the organisation it acted for.

Every act goes alone through the writer with the lock ``regels`` exclusively: whoever accepts or releases a message
afterwards reads what was changed. A crash before the commit: nothing was done and nobody was answered. After it: it
holds, also if the answer is lost; a repeat is told so by ``Conflict``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from contracts.errors import NotFound, RefusalCode, Refused
from contracts.identity import Oin
from hub.access.operators import is_office, require_operator
from hub.administration import agreements
from hub.administration.act import RULES, Act
from hub.ledger.evidence import Evidence
from hub.store.refusals import not_logged
from hub.store.region.access import Asker, require_active
from hub.store.region.agreements import StoredAgreement, agreement_by_id
from hub.store.writer import Transaction, Writer

Answer = TypeVar("Answer")
#: A verb of ``hub.administration``, with what it is about filled in.
Verb = Callable[[Transaction, Act], Answer]


@dataclass(frozen=True, slots=True)
class Acting:
    """One caller of the API who acts. What it answers comes with the instant at which it was done."""

    asker: Asker
    writer: Writer
    evidence: Evidence

    def operate(self, verb: Verb[Answer], *, take_away: bool = False) -> tuple[Answer, datetime]:
        """An act of an operator of the region; ``take_away``: before all that waits.

        Raises ``TokenInvalid``, ``Refused``, and what the verb raises.
        """

        def work(tx: Transaction) -> Answer:
            require_operator(tx, self.asker)
            return verb(tx, self._act)

        return self._alone(work, urgent=take_away)

    def accept(self, agreement_id: str, party: Oin | None) -> tuple[StoredAgreement, datetime]:
        """Accept an agreement: an organisation for itself, an operator for a party that it names (``party``).

        An agreement between others does not exist for who is no operator: ``NotFound``.
        """

        def work(tx: Transaction) -> StoredAgreement:
            require_active(tx.connection, self.asker, tx.now)
            own = self.asker.organisation
            if not is_office(tx.connection, own):
                if party not in (None, own):
                    raise Refused(RefusalCode.HANDELING_NIET_TOEGESTAAN, "Een organisatie aanvaardt voor zichzelf.")
                found = agreement_by_id(tx.connection, agreement_id)
                if found is None or own not in found.agreement.parties:
                    raise NotFound
            return agreements.accept_agreement(tx, self._act, agreement_id, party or own)

        return self._alone(work)

    @property
    def _act(self) -> Act:
        return Act(self.asker.system, self.evidence, self.asker.organisation)

    def _alone(self, work: Callable[[Transaction], Answer], *, urgent: bool = False) -> tuple[Answer, datetime]:
        """Do it while nobody decides. Raises ``LogUnavailable``."""

        def verb(tx: Transaction, jobs: Sequence[None]) -> list[tuple[Answer, datetime]]:
            return [(work(tx), tx.now) for _ in jobs]

        try:
            done: tuple[Answer, datetime] = self.writer.do(verb, None, RULES, urgent=urgent)
        except SQLAlchemyError as error:  # nobody else writes here meanwhile: what was free cannot be taken
            raise not_logged(error) from error
        return done
