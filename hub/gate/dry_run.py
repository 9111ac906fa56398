"""“Mag dit?”: the gate in dry run. Stores and sends nothing of the message; that it was asked is logged."""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Row

from consent.decision import Decision, Outcome, Step, outward_steps
from consent.facts import ALWAYS
from consent.gate.weighing import AGE
from consent.keys import KeyDestroyed, content_key
from consent.store import records
from consent.store.closures import Closure, closures
from contracts.envelope import Message
from contracts.errors import MessageInvalid, RefusalCode
from contracts.identity import Category, Oin
from hub.gate.living import Ref, among_the_living
from hub.gate.recipients import Decided, decide_all
from hub.ledger.evidence import Evidence, Fact, asked
from hub.ports import Clock
from hub.store.locks import Locks
from hub.store.persons import people
from hub.store.persons.people import Known
from hub.store.writer import Transaction, Writer

#: What is told where no recipient was named and none may have it: the same whoever the person is, or is not.
_NOBODY: Final = (
    *(Step(name, True, None, "") for name in ("organisaties", "soort", "afspraak")),
    Step("grondslag", False, RefusalCode.GEEN_GRONDSLAG, ""),
    Step("logboek", True, None, ""),
)
_CATEGORY: Final = "categorie:"
_NEAR: Final = "bijna"
_CLOSE: Final = frozenset({"nee", "ingetrokken"})


@dataclass(frozen=True, slots=True)
class Explained:
    """How one statement bears on one category: ``geldt``, ``nee``, ``ingetrokken``, or ``bijna`` with what differs.

    ``gesloten``: a ``ja`` that stands, and that the later word ``by`` closes.
    """

    statement: str
    category: Category
    effect: str
    differs: tuple[str, ...]
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """The gate's answer, as the caller may know it. ``named``: the message names its one recipient.

    As with sending: of a recipient that was not named, a refusal is not told.
    """

    named: bool
    decisions: tuple[tuple[Oin, Decision], ...]
    exact: RefusalCode | None
    at: datetime

    @property
    def told(self) -> tuple[tuple[Oin, Decision], ...]:
        """The decisions that may be told."""
        return tuple((r, d) for r, d in self.decisions if self.named or d.outcome is not Outcome.STOPPED)

    @property
    def outcome(self) -> Outcome:
        """The best that one recipient gets."""
        found = {decision.outcome for _, decision in self.told}
        return next((o for o in (Outcome.ALLOWED, Outcome.PARTIAL) if o in found), Outcome.STOPPED)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The ladder in outward terms: checks 4 to 6 are one, ``grondslag``."""
        if self.told:
            return outward_steps(self.told[0][1])
        return _NOBODY if self.exact is None else (Step("afspraak", False, self.exact, ""),)


@dataclass(slots=True)
class Allowance:
    """How often an organisation may ask: ``burst`` at once, and then ``per_second``. In memory, of this process."""

    clock: Clock
    burst: float = 60.0
    per_second: float = 1.0
    _left: dict[Oin, tuple[float, float]] = field(default_factory=dict)  # tokens, at which monotonic second
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, organisation: Oin) -> float:
        """Take one; 0 when there was one, else the seconds until there is."""
        with self._lock:
            now = self.clock.monotonic()
            left, since = self._left.get(organisation, (self.burst, now))
            left = min(self.burst, left + (now - since) * self.per_second)
            short = max(0.0, 1.0 - left)
            self._left[organisation] = (left if short else left - 1.0, now)
            return short / self.per_second


@dataclass(frozen=True, slots=True)
class DryRun:
    """Asks the gate on facts as they are now, in the same way as ``accept`` does."""

    writer: Writer
    look: Callable[[], AbstractContextManager[Connection]]
    evidence: Evidence
    allowance: Allowance

    def ask(self, message: Message) -> Checked:
        """Raises ``MessageInvalid`` where accepting would."""
        return self.writer.do(self.decide, message, Locks())

    def decide(self, tx: Transaction, items: Sequence[Message]) -> list[Checked | MessageInvalid]:
        """The decisions, and one entry in the log per question."""
        refs = [(m.source.organisation, m.subject) for m in items if m.subject is not None]
        known = people.resolve(tx.connection, refs)
        return among_the_living(known, lambda alive: self._logged(tx, items, alive))

    def _logged(
        self, tx: Transaction, items: Sequence[Message], known: Mapping[Ref, Known]
    ) -> list[Checked | MessageInvalid]:
        found = decide_all(tx, items, known)
        self._refuse_the_erased([d for d in found if isinstance(d, Decided)])
        facts = [
            Fact(
                d.known.person if d.known is not None else None,
                asked(d.message, d.at, [(r, j.decision) for r, j in d.judgements]),
            )
            for d in found
            if isinstance(d, Decided)
        ]
        self.evidence.append(tx.connection, facts)
        return [_checked(d) if isinstance(d, Decided) else d for d in found]

    def _refuse_the_erased(self, found: Sequence[Decided]) -> None:
        """Sending asks for the key of what goes out; a question makes none, so it must ask whether it was destroyed."""
        going = {content_key(d.known.person, d.message.source.organisation) for d in found if d.known and d.going}
        if gone := self.evidence.key_store.destroyed(going):
            raise KeyDestroyed(frozenset(gone))

    def explain(self, checked: Checked, recorder: Oin) -> list[Explained]:
        """What statements that ``recorder`` itself recorded mean for the answer; of any other it learns nothing here.

        Only where the recipient was named: who else was considered would tell who is involved.
        """
        found = [e for _, decision in checked.decisions for e in _explained(decision)] if checked.named else []
        with self.look() as connection:
            own = _recorded_by(connection, recorder, {e.statement for e in found})
            seer, roots = records.Seer(recorder, checked.at), {row.root for row in own.values()}
            grown = records.grown_at(connection, seer, roots)
            receivers = {receiver for receiver, _ in checked.decisions}
            about = records.statements_about(connection, seer, roots)
            mine = [r for r in about if r.recorder == recorder and receivers & set(r.receivers or ())]
            closed = closures(connection, seer, mine)
        told = [e for e in found if e.statement in own and _may_know(e, own[e.statement], grown)]
        return told + [c for e in told for c in _closes(e, mine, closed)]


def _checked(d: Decided) -> Checked:
    return Checked(d.message.recipient is not None, tuple((r, j.decision) for r, j in d.judgements), d.exact, d.at)


def _explained(decision: Decision) -> Iterator[Explained]:
    """The statements that the steps of the gate name, such as ``bijna:toestemming:<id>:doel+geldigheid``."""
    for step in decision.steps:
        if not step.name.startswith(_CATEGORY):
            continue
        before, named, after = step.reason.partition("toestemming:")
        if named:
            statement, _, aspects = after.partition(":")
            effect = before.rstrip(":") or "geldt"
            differs = tuple(aspects.split("+")) if effect == _NEAR else ()
            yield Explained(statement, Category(step.name.removeprefix(_CATEGORY)), effect, differs)


def _closes(one: Explained, mine: Sequence[Row[Any]], closed: Mapping[str, Sequence[Closure]]) -> Iterator[Explained]:
    """The own ``ja`` of this category that still stands, and opens nothing because of this later word."""
    for row in mine:
        by = {closure.statement for closure in closed.get(row.statement_id, ())}
        if one.effect in _CLOSE and one.statement in by and one.category in (row.categories or ()):
            yield Explained(row.statement_id, one.category, "gesloten", (), one.statement)


def _recorded_by(connection: Connection, recorder: Oin, ids: Collection[str]) -> dict[str, Row[Any]]:
    rows = {statement_id: records.find_statement(connection, statement_id) for statement_id in ids}
    return {key: row for key, row in rows.items() if row is not None and row.recorder == recorder}


def _may_know(one: Explained, row: Row[Any], grown: Mapping[str, datetime]) -> bool:
    """That a `ja` was said too young only who sees a statement of a parent or guardian; else it is not explained.

    So it is too when a `nee` that another organisation recorded closes it: no explanation tells which of these it is.
    """
    return AGE not in one.differs or row.given_at < grown.get(row.root, ALWAYS)
