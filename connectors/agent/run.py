"""A file to the hub, and the mailbox to files: what a partner's agent does all day.

Sending the same file twice, or half of it and then the whole, gives each message once: the ids come from the lines
themselves, the state file remembers what the hub has taken, and the hub knows a repeat when the state file is lost.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from connectors.agent.client import Client, Outcome
from connectors.agent.handover import Delivery, Inbox
from connectors.agent.ports import Ports
from connectors.agent.state import State
from connectors.agent.transport import as_json
from connectors.check import checked
from connectors.port import Connector, Draft, Event, LineFault, LossReport, Partner, Place
from contracts.identity import KandidaatRef

BATCH: Final = 100  # messages in one call
BATCH_BYTES: Final = 8 * 2**20  # well under what the hub takes
Progress = Callable[[int, int], None]  # messages done, messages in all


@dataclass(frozen=True, slots=True)
class Route:
    """A connector with the mapping that it uses."""

    connector: Connector
    mapping: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LineOutcome:
    """What became of one line that could be translated. ``earlier``: the hub had taken it before."""

    place: Place
    id: str
    status: str
    code: str | None = None
    earlier: bool = False


@dataclass(frozen=True, slots=True)
class SendReport:
    """A whole file: the lines that were offered, the lines that could not be, and what the translation lost."""

    lines: tuple[LineOutcome, ...]
    faults: tuple[LineFault, ...]
    loss: LossReport

    @property
    def complete(self) -> bool:
        """True when every line is with the hub."""
        return not self.faults and all(line.status == "aanvaard" for line in self.lines)


@dataclass(frozen=True, slots=True)
class FetchReport:
    """One page of the mailbox: sequences handed over, and per untranslated message why it went over as JSON."""

    handed_over: tuple[str, ...]
    untranslated: tuple[LineFault, ...]


class Agent:
    """Carries files between a partner's system and the hub."""

    def __init__(self, client: Client, state: State, ports: Ports, id_key: bytes) -> None:
        self._client = client
        self._state = state
        self._ports = ports
        self._partner = Partner(client.identity.source, state.id_key(id_key), self.resolve, state.local)

    def resolve(self, own_number: str) -> KandidaatRef | None:
        """The koppeltabel, and the hub where the table does not know the number yet."""
        ref = self._state.resolve(own_number)
        if ref is None:
            ref = self._client.people.find(own_number)
            if ref is not None and self._state.local(ref) is None:
                self._state.link(own_number, ref)
        return ref

    def bind(self, own_number: str, ref: KandidaatRef) -> None:
        """Give a person that came in by a message the partner's own number: at the hub, then in the koppeltabel."""
        self._client.people.bind_number(ref, own_number)
        self._state.link(own_number, ref)

    def send_file(self, native: bytes, route: Route, today: date, progress: Progress | None = None) -> SendReport:
        """Translate a file and offer its messages in batches. Raises ``AgentError``; then simply run it again."""
        reading = checked(route.connector.read(native, route.mapping, self._partner), today)
        lines: list[LineOutcome] = []
        for batch in _batches(reading.messages):
            lines.extend(self._offer(batch))
            if progress is not None:
                progress(len(lines), len(reading.messages))
        return SendReport(tuple(lines), reading.faults, reading.loss)

    def fetch(self, inbox: Inbox, routes: Mapping[str, Route], fallback: Route, wait: float = 0.0) -> FetchReport:
        """Hand over one page of the mailbox and acknowledge it. ``routes``: full type -> the partner's own form.

        What has no route, or cannot be written in the partner's form, is handed over by ``fallback`` (canonical JSON).
        """
        inbox.recover()
        handed = self._state.sequence()
        if handed is not None and handed != self._state.acknowledged():
            # A crash between handing over and acknowledging: the hub still has to hear it.
            self._acknowledge(handed)
        page = self._client.mailbox(after=handed, limit=BATCH, wait=wait)
        fresh = [event for event in page.events if handed is None or int(event["sequence"]) > int(handed)]
        if not fresh:
            return FetchReport((), ())
        first, last = str(fresh[0]["sequence"]), str(fresh[-1]["sequence"])
        files, faults = self._files(fresh, f"{int(first):012d}-{int(last):012d}", routes, fallback)
        inbox.hand_over(Delivery(f"postvak-{last}", files, last), self._ports.clock())
        self._acknowledge(last)
        return FetchReport(tuple(str(event["sequence"]) for event in fresh), faults)

    def _acknowledge(self, sequence: str) -> None:
        self._client.acknowledge(sequence)
        # A crash here: it is acknowledged again, which does no harm.
        self._state.mark_acknowledged(sequence)

    def _offer(self, batch: Sequence[Draft]) -> list[LineOutcome]:
        digests = [hashlib.sha256(as_json(draft.event)).hexdigest() for draft in batch]
        pairs = list(zip(batch, digests, strict=True))
        known = [self._state.sent(str(draft.event["id"])) == digest for draft, digest in pairs]
        fresh = [draft.event for draft, earlier in zip(batch, known, strict=True) if not earlier]
        outcomes = {outcome.id: outcome for outcome in (self._client.send_batch(fresh) if fresh else ())}
        # A crash here: the hub has them and the state does not know it; they are offered again and are repeats.
        taken = [
            (str(draft.event["id"]), digest)
            for draft, digest in pairs
            if (found := outcomes.get(str(draft.event["id"]))) is not None and found.accepted
        ]
        self._state.mark_sent(taken)
        return [_line(draft, outcomes.get(str(draft.event["id"]))) for draft in batch]

    def _files(
        self, events: Sequence[Event], name: str, routes: Mapping[str, Route], fallback: Route
    ) -> tuple[dict[str, bytes], tuple[LineFault, ...]]:
        """The files of one page, each named by its range of sequences and its mapping."""
        groups: dict[str, list[Event]] = {}
        rest: list[Event] = []
        for event in events:
            kind = str(event.get("type"))
            (groups.setdefault(kind, []) if kind in routes else rest).append(event)
        files: dict[str, bytes] = {}
        faults: list[LineFault] = []
        for number, (kind, group) in enumerate(sorted(groups.items())):
            route = routes[kind]
            written = route.connector.write(group, route.mapping, self._partner)
            faults.extend(written.faults)
            rest.extend(event for position, event in enumerate(group) if position not in set(written.carried))
            if written.carried:
                files[f"{name}-{number}{route.connector.suffix}"] = written.native
        if rest:
            rest.sort(key=lambda event: int(event["sequence"]))
            written = fallback.connector.write(rest, fallback.mapping, self._partner)
            if len(written.carried) != len(rest):  # nothing is acknowledged that was not handed over
                raise ValueError("de laatste route moet elk bericht kunnen schrijven: neem json-rest, canoniek")
            files[f"{name}{fallback.connector.suffix}"] = written.native
        return files, tuple(faults)


def _line(draft: Draft, outcome: Outcome | None) -> LineOutcome:
    """``None``: the state knew that the hub had taken exactly this."""
    name = str(draft.event["id"])
    if outcome is None:
        return LineOutcome(draft.place, name, "aanvaard", earlier=True)
    return LineOutcome(draft.place, name, outcome.status, outcome.code, outcome.body.get("herhaling") is True)


def _batches(drafts: Sequence[Draft]) -> list[list[Draft]]:
    """In order, at most ``BATCH`` messages and ``BATCH_BYTES`` each."""
    batches: list[list[Draft]] = []
    size = 0
    for draft in drafts:
        length = len(as_json(draft.event)) + 1
        if not batches or len(batches[-1]) >= BATCH or size + length > BATCH_BYTES:
            batches.append([])
            size = 0
        batches[-1].append(draft)
        size += length
    return batches
