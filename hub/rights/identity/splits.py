"""Splitting a person off again by two officers: each has its own facts alone, and no BSN joins the two by itself."""

from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import PersonFacts
from consent.store.reading import read_persons
from contracts import instants
from contracts.canonical import canonical
from contracts.errors import NotFound
from contracts.identity import Oin, PersonId
from hub.rights.cases.book import open_cases
from hub.rights.consent.means import Means, entry
from hub.rights.identity import crossed
from hub.rights.identity.asking import SPLIT
from hub.rights.identity.confirming import Matter
from hub.rights.identity.crossed import Crossed, Side
from hub.rights.identity.foresight import Turn, own_flows
from hub.rights.identity.told import Consequence
from hub.rights.notices import Notice
from hub.rights.stopping import Cause, notices_of
from hub.store.persons import identity
from hub.store.traffic import deliveries
from hub.store.writer import Transaction

_NOTICE: Final = "rectificatie.kennisgeving"
#: What receivers are told: it is about another person than their ref names; or it went on what stood of another.
_TOLD: Final = {crossed.UNDER_REF: "verkeerde-persoon", crossed.ON_FACTS: "persoon-gesplitst"}


@dataclass(frozen=True, slots=True)
class Splits:
    """Carries out, or tries, what two officers agreed on."""

    means: Means

    def split(self, tx: Transaction, matter: Matter) -> Consequence:
        """Split the person off, or only tell what would follow."""
        connection, at, trial = tx.connection, matter.at, matter.confirmation.trial
        released = deliveries.released_about(connection, matter.request.root)
        notices: list[tuple[Oin, Oin]] = []
        with connection.begin_nested() as attempt:
            off, rest = self._separate(tx, matter)
            found = crossed.find(tx, released, matter.asked.facts, (off, rest))
            refused = {side.root: self.means.stopper.refused(connection, side.root, at) for side in (off, rest)}
            if trial:
                attempt.rollback()
            else:
                notices = self._carry_out(tx, matter, (off, rest), refused, found)
        refs = identity.own_refs(connection, matter.asker.organisation, matter.asked.members)
        after = {who: side.facts for side in (off, rest) for who in side.persons}
        turns = [Turn(own.ref, matter.asked.facts, after[own.person]) for own in refs]
        flows = own_flows(connection, matter.asker, turns, released, at)
        if trial:
            note = entry(f"{SPLIT}-proef", at, matter.asker) | matter.officers()
            self.means.note(tx, matter.own.person, note)
        stopped = tuple(row for rows in refused.values() for row in rows)
        return Consequence(
            matter, stopped, tuple(flows), tuple(refs), tuple(found), tuple(notices), split_off=off.persons
        )

    def _separate(self, tx: Transaction, matter: Matter) -> tuple[Side, Side]:
        """The one who is split off, and all others, each with its own root, line and facts. Raises ``NotFound``."""
        who, root = str(matter.request.person_id), str(matter.request.root)
        own = identity.namesakes(tx.connection, who, matter.asked.members)
        others = matter.asked.members - own
        if not others:  # one person, known under more handles than one
            raise NotFound
        rest = root if root in others else min(others)
        identity.separate(tx.connection, ((who, own), (rest, others)))
        facts: dict[str, PersonFacts] = {r: found.facts for r, found in _read(tx, who, rest).items()}
        return Side(who, own, facts[who]), Side(rest, others, facts[rest])

    def _carry_out(
        self,
        tx: Transaction,
        matter: Matter,
        sides: tuple[Side, Side],
        refused: dict[str, list[Row[Any]]],
        found: list[Crossed],
    ) -> list[tuple[Oin, Oin]]:
        at, request = matter.at, matter.request
        off, rest = sides
        for side in sides:
            self.means.stopper.stop(tx, refused[side.root], _cause(matter, side), at)
        identity.hold_apart(tx.connection, request.request_id, product(off.persons, rest.persons), at)
        told = {one.row.delivery_id: one.why for one in found}
        identity.finish(tx.connection, request.request_id, matter.done() | {"crossed": told})
        payload = entry(SPLIT, at, matter.asker) | matter.officers()
        payload |= {"afgesplitst": off.root, "leden": sorted(rest.persons), "wortel": rest.root}
        payload |= {"persoon": matter.own.person, "verstrektSha256": digest(told)}
        for who in matter.witnesses:
            self.means.note(tx, who, payload)
        # A crash before the commit: still one person, and the code is not used. After it: two, each with its own.
        self._open_cases(tx, matter, found)
        return self.means.stopper.notifier.tell(tx, _notices(tx, matter, found), at)

    def _open_cases(self, tx: Transaction, matter: Matter, found: list[Crossed]) -> None:
        """Every other verstrekker finds in its zaken what of its own crossed; it weighs whether that is a breach."""
        asked = []
        for sender, root in sorted({(one.row.organisation, one.side.root) for one in found}):
            if sender == matter.asker.organisation:
                continue
            mine = [one.row for one in found if (one.row.organisation, one.side.root) == (sender, root)]
            zaak = {
                "case_id": self.means.new_id(),
                "kind": SPLIT,
                "organisation": sender,
                "verstrekker": sender,
                "person_id": mine[0].person_id,
                "cause": matter.request.request_id,
                "purposes": sorted({row.purpose for row in mine}),
                "messages": [
                    {"berichtId": r.message_id, "ontvanger": r.recipient, "tijdstip": instants.write(r.released_at)}
                    for r in mine
                ],
                "opened_at": matter.at,
                "closed_at": matter.at,
            }
            asked.append(zaak)
        open_cases(self.means.evidence, tx, asked)


def digest(told: dict[str, str]) -> str:
    """What crossed, as the log binds it: SHA-256 over the deliveries and why, in canonical form."""
    return sha256(canonical(told)).hexdigest()


def _notices(tx: Transaction, matter: Matter, found: list[Crossed]) -> list[Notice]:
    """Each receiver is told under the ref by which it has those messages, of the person whom that ref names now."""
    sides = {(Oin(one.row.recipient), one.shown_as.root): one.shown_as.persons for one in found}
    refs = {key: identity.own_refs(tx.connection, key[0], persons) for key, persons in sides.items()}
    groups: dict[tuple[str, str, str], list[Crossed]] = {}
    for one in found:
        known = refs[Oin(one.row.recipient), one.shown_as.root]
        if known:  # nobody has a ref of who was erased, and all that was given of them is to be deleted anyway
            groups.setdefault((one.why, one.shown_as.root, known[0].person), []).append(one)
    notices: list[Notice] = []
    for (why, root, person), ones in groups.items():
        cause = Cause(matter.request.request_id, SPLIT, frozenset(), PersonId(person), root, told=_TOLD[why])
        notices += notices_of([one.row for one in ones], cause, _NOTICE)
    return notices


def _cause(matter: Matter, side: Side) -> Cause:
    return Cause(matter.request.request_id, SPLIT, frozenset(), PersonId(side.root), side.root)


def _read(tx: Transaction, *roots: str) -> dict[str, Any]:
    return dict(read_persons(tx.connection, roots))
