"""What a leak is: the verdict on a race, from what partners saw and noted. Pure: nothing here asks the hub.

Whatever was taken away, by whichever act, these five are leaks. Only ``LATE`` knows an allowance.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

#: It arrived and is not among what had left when it was taken away (``verstrekt``, where the act answers that).
UNTOLD: Final = "niet-verteld"
#: Its first byte arrived later than the hub may still let it leave, and than the machine may have held it up.
LATE: Final = "te-laat"
#: A fetch that began when it was over gave it.
FETCHED: Final = "opgehaald"
#: A request that began when it was over was accepted.
LET_IN: Final = "aanvaard"
#: The hub's own record has an attempt after the instant that the hub gives for the act.
RELEASED: Final = "vrijgegeven"
WHYS: Final = (UNTOLD, LATE, FETCHED, LET_IN, RELEASED)

#: An instant as the wire gives it stands for a whole millisecond.
TICK: Final = timedelta(milliseconds=1)
#: Seconds within which the first byte of what was released must have left.
LEAVE_WITHIN: Final = 2.0
#: Shares of the rounds, of all and of each act, in which something arrived and something was stopped; else: void.
MIXED, MIXED_EACH = 0.3, 0.1


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message at a receiver, noted at this monotonic second. ``asked``: when the fetch that gave it began."""

    event_id: str
    who: str
    at: float
    asked: float | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What an act took away.

    ``at``: its instant by the hub's clock. ``over``: a monotonic second by which it had certainly happened.
    ``receivers``: from whom. ``told``: (berichtId, receiver) of what had left by then; ``None`` where an act has no
    commit that could tell it.
    """

    at: datetime
    over: float
    receivers: frozenset[str]
    told: frozenset[tuple[str, str]] | None

    def earlier(self, seconds: float) -> "Taken":
        """The same act, had it been so much earlier."""
        return replace(self, at=self.at - timedelta(seconds=seconds), over=self.over - seconds)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A 202: its berichtId, the receivers to whom it goes, and the monotonic second at which its request began."""

    message_id: str
    receivers: frozenset[str]
    begun: float


@dataclass(slots=True)
class Round:
    """What one round did. ``course``: what else befell its messages. Keys are event ids.

    ``attempts`` and ``stopped`` are the hub's own record of it, read when all was over: (event id, receiver, instant),
    and (event id, receiver).
    """

    act: str
    course: str
    accepted: dict[str, Accepted] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    taken: Taken | None = None
    failing: tuple[str, str] | None = None  # (event id, receiver) of the push that was made to fail
    failures: int = 0  # and how often, before the act
    attempts: list[tuple[str, str, datetime]] = field(default_factory=list)
    stopped: set[tuple[str, str]] = field(default_factory=set)

    @property
    def ids(self) -> list[str]:
        return [*self.accepted, *self.refused]


@dataclass(frozen=True, slots=True)
class Leak:
    """One message that got through, where, after which act, and by which of the five it is known."""

    act: str
    course: str
    why: str
    event_id: str
    who: str


@dataclass(slots=True)
class Result:
    """``rounds`` and ``mixed`` per act; mixed: something was stopped and something arrived.

    ``courses``: rounds of each. ``went`` and ``held``: of these, the retries and replays that got through before the
    act, and that it stopped. ``again``, ``recalled``: what the mailbox gave twice, and what it gave and then took back.
    """

    rounds: Counter[str] = field(default_factory=Counter)
    mixed: Counter[str] = field(default_factory=Counter)
    courses: Counter[str] = field(default_factory=Counter)
    went: Counter[str] = field(default_factory=Counter)
    held: Counter[str] = field(default_factory=Counter)
    again: int = 0
    recalled: int = 0
    leaks: tuple[Leak, ...] = ()
    arrived: int = 0
    commands: int = 0
    longest_delay: float = 0.0

    @property
    def void(self) -> list[str]:
        """Why this run proves nothing; empty when it does."""
        found = [
            f"{act}: {self.mixed[act]} of {count} rounds are mixed"
            for act, count in sorted(self.rounds.items())
            if self.mixed[act] < MIXED_EACH * count
        ]
        for course in sorted(self.went.keys() | self.held.keys()):
            least = MIXED_EACH * self.courses[course]
            if min(self.went[course], self.held[course]) < least:
                found.append(f"{course}: {self.went[course]} went and {self.held[course]} were stopped")
        if self.mixed.total() < MIXED * self.rounds.total():
            found.append(f"{self.mixed.total()} of {self.rounds.total()} rounds are mixed")
        return found

    def text(self) -> str:
        """One line: rounds, mixed per act, arrived, leaks."""
        acts = ", ".join(f"{act} {self.mixed[act]}/{self.rounds[act]}" for act in sorted(self.rounds))
        courses = ", ".join(self._course(course) for course in sorted(self.courses))
        found = f"{self.rounds.total()} rounds ({courses}), {self.mixed.total()} mixed, {self.arrived} arrived"
        fetched = f"{self.again} fetched again, {self.recalled} taken back"
        delay = f"{self.commands} commands, longest delay {self.longest_delay:.2f} s"
        by = Counter((leak.act, leak.why) for leak in self.leaks)
        leaks = ", ".join(f"{act} {why} {count}" for (act, why), count in sorted(by.items()))
        told = f"{found}, {fetched}, {delay}, {len(self.leaks)} leaks; mixed per act: {acts}"
        return told + (f"; leaks: {leaks}" if by else "")

    def _course(self, course: str) -> str:
        told = f"{course} {self.courses[course]}"
        tried = self.went[course] + self.held[course]
        return f"{told}: {self.went[course]} went, {self.held[course]} stopped" if tried else told


def judge(rounds: Iterable[Round], arrivals: Iterable[Arrival], delay: Callable[[float], float]) -> Result:
    """The verdict. ``delay``: seconds that the machine may have held up what was noted at that second."""
    came: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        came[arrival.event_id].append(arrival)
    found, leaks = Result(), list[Leak]()
    for one in rounds:
        found.rounds[one.act] += 1
        found.courses[one.course] += 1
        found.mixed[one.act] += is_mixed(one, came)
        _count(found, one, came)
        leaks += leaks_of(one, came, delay)
    found.leaks = tuple(leaks)
    found.arrived = len({(each.event_id, each.who) for some in came.values() for each in some})
    return found


def _count(found: Result, one: Round, came: Mapping[str, list[Arrival]]) -> None:
    """How retries, replays and fetches of this round fared."""
    if one.failing is not None:
        event_id, who = one.failing
        if sum(each.who == who for each in came.get(event_id, [])) > one.failures:
            found.went[one.course] += 1
        elif one.failing in one.stopped:
            found.held[one.course] += 1
    for event_id in one.ids:
        fetched = Counter(each.who for each in came.get(event_id, []) if each.asked is not None)
        found.again += sum(times > 1 for times in fetched.values())
        found.recalled += sum((event_id, who) in one.stopped for who in fetched)


def is_mixed(one: Round, came: Mapping[str, list[Arrival]]) -> bool:
    """True when, of what the act could take away, something arrived and something was stopped on its way."""
    receivers = one.taken.receivers if one.taken is not None else frozenset()
    there = {(each.event_id, each.who) for i in one.ids for each in came.get(i, []) if each.who in receivers}
    return bool(there) and any(pair not in there and pair[1] in receivers for pair in one.stopped)


def leaks_of(one: Round, came: Mapping[str, list[Arrival]], delay: Callable[[float], float]) -> list[Leak]:
    """Each leak of a round, once."""
    taken = one.taken
    if taken is None:
        return []
    found: dict[tuple[str, str, str], None] = {}
    for arrival in (each for i in one.ids for each in came.get(i, [])):
        if arrival.who in taken.receivers:
            found |= {(why, arrival.event_id, arrival.who): None for why in _whys(one, taken, arrival, delay)}
    for event_id, accepted in one.accepted.items():
        if accepted.begun > taken.over:
            found |= {(LET_IN, event_id, who): None for who in accepted.receivers & taken.receivers}
    for event_id, who, at in one.attempts:
        if who in taken.receivers and at >= taken.at + TICK:
            found[RELEASED, event_id, who] = None
    return [Leak(one.act, one.course, *each) for each in found]


def _whys(one: Round, taken: Taken, arrival: Arrival, delay: Callable[[float], float]) -> list[str]:
    accepted = one.accepted.get(arrival.event_id)
    whys = []
    if taken.told is not None and (accepted is None or (accepted.message_id, arrival.who) not in taken.told):
        whys.append(UNTOLD)
    if arrival.asked is not None and arrival.asked > taken.over:
        whys.append(FETCHED)
    if arrival.asked is None and arrival.at > taken.over + LEAVE_WITHIN + delay(arrival.at):
        whys.append(LATE)
    return whys
