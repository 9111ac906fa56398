"""Joining two persons by two officers: from its commit both refs stay valid and all facts of both count."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from consent.facts import PersonFacts
from consent.store.reading import read_persons
from contracts.errors import Conflict
from contracts.identity import Oin, PersonId
from hub.rights.consent.means import Means, entry
from hub.rights.identity.asking import JOIN
from hub.rights.identity.confirming import Matter
from hub.rights.identity.foresight import Turn, own_flows
from hub.rights.identity.told import Consequence
from hub.rights.stopping import Cause
from hub.store.persons import identity, people
from hub.store.traffic import deliveries
from hub.store.writer import Transaction


@dataclass(frozen=True, slots=True)
class Joins:
    """Carries out, or tries, what two officers agreed on."""

    means: Means

    def join(self, tx: Transaction, matter: Matter) -> Consequence:
        """Join the two persons, or only tell what would follow. Raises ``Conflict`` for who are one already."""
        kept, merged = matter.request.root, matter.own.root
        if kept == merged:
            raise Conflict("Dit is al één persoon.")
        released = [r for root in (kept, merged) for r in deliveries.released_about(tx.connection, root)]
        # Of the two officers' own registrations alone: by those of others a guessed BSN could be tried (promise 7).
        known = {str(matter.request.organisation), str(matter.asker.organisation)}
        differs = people.bsns_differ(tx.connection, matter.asked.members, matter.named.members, known)
        with tx.connection.begin_nested() as attempt:
            people.join_roots(tx.connection, kept=kept, merged=merged)
            identity.let_together(tx.connection, matter.asked.members, matter.named.members, matter.at)
            refused = self.means.stopper.refused(tx.connection, kept, matter.at)
            joined = read_persons(tx.connection, [kept])[kept].facts
            if matter.confirmation.trial:
                attempt.rollback()
            else:
                self._carry_out(tx, matter, refused)
        asker = matter.asker
        flows = own_flows(tx.connection, asker, self._turns(tx, matter, joined), released, matter.at)
        if matter.confirmation.trial:
            # What an officer looks at is logged too: it tells, in yes and no, what stands of somebody.
            self.means.note(tx, matter.own.person, entry(f"{JOIN}-proef", matter.at, asker) | matter.officers())
        everybody = matter.asked.members | matter.named.members
        refs = identity.own_refs(tx.connection, asker.organisation, everybody)
        return Consequence(matter, tuple(refused), tuple(flows), tuple(refs), bsn_differs=differs)

    def _carry_out(self, tx: Transaction, matter: Matter, refused: list[Row[Any]]) -> None:
        at, request = matter.at, matter.request
        cause = Cause(request.request_id, JOIN, frozenset(), PersonId(request.person_id), request.root)
        self.means.stopper.stop(tx, refused, cause, at)
        identity.finish(tx.connection, request.request_id, matter.done())
        everybody = sorted(matter.asked.members | matter.named.members)
        payload = entry(JOIN, at, matter.asker) | matter.officers()
        payload |= {"leden": everybody, "wortel": request.root, "persoon": matter.own.person}
        for who in matter.witnesses:
            self.means.note(tx, who, payload)
        # A crash before the commit: two persons, and the code is not used. After it: one, and what they forbid is
        # stopped.

    def _turns(self, tx: Transaction, matter: Matter, joined: PersonFacts) -> list[Turn]:
        """The own refs on either side, with what counts for each before and after."""
        own: Oin = matter.asker.organisation
        sides = ((matter.asked.members, matter.asked.facts), (matter.named.members, matter.named.facts))
        return [
            Turn(ref.ref, facts, joined)
            for persons, facts in sides
            for ref in identity.own_refs(tx.connection, own, persons)
        ]
