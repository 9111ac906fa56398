"""The race: messages on their way against the acts that take away, over HTTP, with a mailbox, a webhook and commands.

A round is a fresh statement of one person, several messages under it, and one act at a random moment: withdrawal,
``nee``, stopverzoek, beperking, bezwaar, the end of the statement's term, of an agreement or of a machtiging, erasure
of the sender's own content or of the person as a whole. It races accepting, pushing and fetching, and on its own course
also a retry (the webhook answers 500) or a replay (a delivery that was given up). What a leak is: ``race_verdict``.

Eight senders run plain rounds; a few more run those that wait for a retry or a burial, which costs seconds.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

import httpx2
from sqlalchemy import func, select

from consent.log.tables import ledger_pending
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.tables import attempt, delivery, message
from tests.acceptance.race_acts import ACTS, PURPOSE, Act, Lane, Stage, rows
from tests.acceptance.race_course import AT_REST, PLAIN, POLL, REPLAY, RETRY, Course, Moment, OutOfTime, paces
from tests.acceptance.race_desk import Desks
from tests.acceptance.race_heard import Delays, Heard, Pace
from tests.acceptance.race_people import Cast
from tests.acceptance.race_verdict import Accepted, Result, Round, judge
from tests.live import LiveRegion
from tests.partners import BATCH, OPERATOR, Person, stamp
from tests.samples import ONTWIKKELBEDRIJF
from tests.webhook import Webhook

#: Senders of plain rounds, and of those with a retry or a replay; and the share of the latter: one in so many.
SENDERS, PATIENT_SENDERS, PATIENT_SHARE = 8, 6, 6
DESKS: Final = 3
#: Rounds of one person, about: its records grow with each.
_ROUNDS_EACH: Final = 25
_TERM: Final = timedelta(days=100)


@dataclass(frozen=True, slots=True)
class Plan:
    """What was drawn for one round."""

    act: str
    course: str


@dataclass(slots=True)
class Runner:
    """One sender at work. ``beside``: its threads for the act and for a command."""

    lane: Lane
    courses: Sequence[str]
    chance: Random
    beside: ThreadPoolExecutor
    paces: dict[str, Pace] = field(default_factory=paces)
    saying: Pace = field(default_factory=lambda: Pace(0.3))  # to record a statement


class Race:
    """One region with its racers. ``strict``: any answer that is not as the API says ends the run."""

    def __init__(self, region: LiveRegion, webhook: Webhook) -> None:
        self.region, self.webhook, self.strict = region, webhook, True
        self.cast = Cast(region, webhook, SENDERS + PATIENT_SENDERS)
        region.start()
        region.subscribe(self.cast.pushed, webhook.url)
        self.rounds: list[Round] = []
        self.heard: Heard | None = None
        self._delays: Delays | None = None
        self._desks: Desks | None = None
        self._done = threading.Event()
        self._organised = 0

    def swap(self, program: Sequence[str]) -> None:
        """Go on with another hub on the same data; what it answers is no longer held against it."""
        self.region.end()
        self.region.program, self.strict, self.cast.strict = program, False, False
        self.region.start()

    # -- the racers ---------------------------------------------------------------------------------------------------
    def run(self, count: int, seed: int, acts: Sequence[str] = tuple(ACTS)) -> Result:
        """So many rounds, spread over the senders; the verdict on these."""
        self.rounds = []
        runners = self._runners(seed)
        plans = _plans(runners, count, acts)
        self.cast.people({runner.lane.at: _persons(plans[runner.lane.at]) for runner in runners})
        self.heard = Heard(self.webhook, self.cast.pushed)
        with self._beside(), ThreadPoolExecutor(len(runners)) as pool:
            work = [pool.submit(self._run, runner, plans[runner.lane.at]) for runner in runners]
            try:
                for one in work:
                    one.result()
            finally:
                self._done.set()  # one failed: the others need not go on
            time.sleep(0.0 if self.strict else 3.0)  # without the lock something may leave behind its end
        self._look_up()
        return self.verdict()

    def _runners(self, seed: int) -> list[Runner]:
        made = []
        for number, lane in enumerate(self.cast.lanes):
            courses = (PLAIN,) if number < SENDERS else (RETRY, REPLAY)
            made.append(Runner(lane, courses, Random(f"{seed}/{number}"), ThreadPoolExecutor(2)))
        return made

    @contextmanager
    def _beside(self) -> Iterator[None]:
        """The operators, the owner of the mailbox, and who measures the machine."""
        self._done.clear()
        helpers = [threading.Thread(target=self._pull), threading.Thread(target=self._organise)]
        self._desks = Desks(self.region.environment, DESKS)
        try:
            with Delays(self.webhook.port) as self._delays:
                for helper in helpers:
                    helper.start()
                try:
                    yield
                finally:
                    self._done.set()
                    for helper in helpers:
                        helper.join()
        finally:
            self._desks.close()

    def _run(self, runner: Runner, plans: Sequence[Plan]) -> None:
        """One sender: its rounds one after the other."""
        with runner.beside:
            for plan in plans:
                if self._done.is_set():
                    return
                person = runner.lane.persons.pop(0)
                try:
                    self._round(runner, person, plan)
                except (AssertionError, httpx2.HTTPError):
                    if self.strict:
                        raise
                finally:
                    if not ACTS[plan.act].uses_up:
                        runner.lane.persons.append(person)

    def _round(self, runner: Runner, person: Person, plan: Plan) -> None:
        act, chance = ACTS[plan.act], runner.chance
        done = Round(plan.act, plan.course)
        self.rounds.append(done)
        lead = runner.paces[plan.course].seconds * chance.uniform(0.9, 1.4)
        stage, events = self._stage(runner, person, act, lead)
        act.prepare(stage)
        if act.by_time:
            time.sleep(max(0.0, stage.until(stage.ends) - lead))
        assert self.heard is not None
        course = Course(stage, self.heard, self.cast.pushed, plan.course, stage.ids[: chance.randint(1, 2)])
        try:
            self._meet(runner, act, course, events, done)
            self._settle(stage)
        finally:  # also where, without the lock, a round did not come to its end: the next one needs it all
            if done.taken is not None:
                act.give_back(stage, done.taken)

    def _meet(self, runner: Runner, act: Act, course: Course, events: Sequence[dict[str, Any]], done: Round) -> None:
        """Messages and the act, each from its own side."""
        stage, chance, sent = course.stage, runner.chance, len(course.first)
        course.prepare(done)
        began = time.monotonic()
        self._offer(stage, events[:sent], done)
        beside = course.bring()
        moment = Moment(act, course, began, runner.paces[course.name])
        answer = runner.beside.submit(moment.take)
        other = runner.beside.submit(beside, chance.uniform(0.0, 0.06))
        try:
            moment.wait_to_offer()
            while rest := events[sent:-1]:
                some = chance.randint(1, len(rest))
                self._offer(stage, rest[:some], done)
                sent += some
                moment.wait_between()
        finally:
            done.taken = answer.result()
        other.result()
        if chance.random() < 0.3:  # and one when it is certainly over
            self._offer(stage, events[-1:], done)

    def _stage(self, runner: Runner, person: Person, act: Act, lead: float) -> tuple[Stage, list[dict[str, Any]]]:
        """The statement of this round, and the events that it may let through."""
        region, at, chance = self.region, runner.lane.at, runner.chance
        if act.by_time:  # else an older `ja` that is still in force would go on to let it through
            region.statement(at, person.refs[at], keuze="nee", verstrekkers=[at], doelen=[PURPOSE]).expect(201)
        events = [region.report(person, at, n) for n in range(chance.randint(4, 6))]
        began = time.monotonic()
        term = timedelta(seconds=1.3 * runner.saying.seconds + lead) if act.by_time else _TERM
        ends = datetime.now(UTC) + term
        to = [ONTWIKKELBEDRIJF, self.cast.pushed]
        given = region.consent(at, person.refs[at], to, PURPOSE, "leervoortgang", geldigTot=stamp(ends))
        runner.saying.learn(time.monotonic() - began)
        assert self._desks is not None
        ids = [event["id"] for event in events]
        return Stage(region, self._desks, runner.lane, person, given, ends, ids, chance), events

    def _settle(self, stage: Stage) -> None:
        """Until nothing of this round is on its way: what is given back must not let it through."""
        until, pause = time.monotonic() + (60.0 if self.strict else 5.0), POLL
        while any(row.state not in AT_REST for row in rows(stage)):
            if time.monotonic() > until:
                raise OutOfTime("what was taken away does not come to rest")
            time.sleep(pause)
            pause = min(2 * pause, 0.4)

    # -- messages -----------------------------------------------------------------------------------------------------
    def _offer(self, stage: Stage, events: Sequence[dict[str, Any]], done: Round) -> None:
        """Send these, alone or as a batch, and note what was accepted."""
        begun = time.monotonic()
        if len(events) == 1:
            answer = self.region.send(stage.at, events[0])
            receipt = answer.json["ontvangstbewijs"] if answer.status == 202 else None
            self._note(done, events[0]["id"], _accepted(receipt, begun), answer.code)
            return
        answer = self.region.call(stage.at, "POST", "/v1/berichten", list(events), BATCH)
        if answer.status != 202:
            for event in events:
                self._note(done, event["id"], None, answer.code)
            return
        for event, one in zip(events, answer.json["resultaten"], strict=True):
            receipt = one["ontvangstbewijs"] if one["status"] == "aanvaard" else None
            self._note(done, event["id"], _accepted(receipt, begun), one.get("probleem", {}).get("code"))

    def _note(self, done: Round, event_id: str, accepted: Accepted | None, code: str | None) -> None:
        """Only a clear yes and a clear no count; after any other answer nobody can say what should have happened."""
        if accepted is not None:
            done.accepted[event_id] = accepted
        elif code == "GEEN_GRONDSLAG" or (code == "TOKEN_ONGELDIG" and done.act == "machtiging"):
            done.refused.add(event_id)
        else:
            assert not self.strict, code

    def _pull(self) -> None:
        """The mailbox's owner: fetches at odd moments, acknowledges now and then, so that some are given twice."""
        chance, seen = Random("pull"), 0
        while not self._done.is_set():
            with suppress(*(() if self.strict else (AssertionError, httpx2.HTTPError))):
                asked = time.monotonic()
                page = self.region.fetch(ONTWIKKELBEDRIJF, after=seen)
                assert self.heard is not None
                self.heard.fetched(page, ONTWIKKELBEDRIJF, asked)
                if page and chance.random() < 0.5:
                    seen = int(page[-1]["sequence"])
                    self.region.acknowledge(ONTWIKKELBEDRIJF, seen)
            time.sleep(chance.uniform(0.0, 0.1))

    def _organise(self) -> None:
        """An operator at work beside it all: commands that change the rules and have nothing to do with any round."""
        while not self._done.wait(2.0):
            self._organised += 1
            who = ["--oin", f"00000099{800_000_000 + self._organised:012d}", "--naam", "Proef", "--rol", "kringloop"]
            assert self._desks is not None
            self._desks.run("organisatie", "add", *who, "--operator", OPERATOR)

    # -- the verdict --------------------------------------------------------------------------------------------------
    def _look_up(self) -> None:
        """What the hub itself noted of every round, now that all is over."""
        at: dict[str, list[tuple[str, datetime]]] = defaultdict(list)
        stopped: dict[str, set[str]] = defaultdict(set)
        senders = [lane.at for lane in self.cast.lanes]
        to_message = (delivery.c.message_id == message.c.message_id) & message.c.organisation.in_(senders)
        with reading(self.region.core.engine) as connection:
            tried = select(message.c.event_id, delivery.c.recipient, attempt.c.at)
            for row in connection.execute(
                tried.join(delivery, to_message).join(attempt, attempt.c.delivery_id == delivery.c.delivery_id)
            ):
                at[row.event_id].append((row.recipient, row.at))
            ended = select(message.c.event_id, delivery.c.recipient).join(delivery, to_message)
            states = [State.STOPPED.value, State.ERASED.value]
            for row in connection.execute(ended.where(delivery.c.state.in_(states))):
                stopped[row.event_id].add(row.recipient)
        for one in self.rounds:
            one.attempts = [(i, who, when) for i in one.ids for who, when in at[i]]
            one.stopped = {(i, who) for i in one.ids for who in stopped[i]}

    def findings(self) -> list[Any]:
        """What the replay of the log finds wrong with all of it: each release is decided again, from the log alone."""
        until = time.monotonic() + 60.0
        while self._unwritten():
            assert time.monotonic() < until, "the log is not written in time"
            time.sleep(POLL)
        with snapshot(self.region.core.engine) as connection:
            return list(check(connection, self.region.core.key_store)[0].findings)

    def _unwritten(self) -> int:
        with reading(self.region.core.engine) as connection:
            return connection.scalar(select(func.count()).select_from(ledger_pending)) or 0

    def verdict(self, earlier: float = 0.0) -> Result:
        """The verdict on the last run. ``earlier``: as if each act had been so many seconds before: a control."""
        assert self.heard is not None and self._delays is not None and self._desks is not None
        rounds = [replace(one, taken=one.taken.earlier(earlier)) if one.taken else one for one in self.rounds]
        found = judge(rounds, self.heard.arrivals, self._delays.around)
        found.commands, found.longest_delay = self._desks.commands, self._delays.longest
        return found


def _plans(runners: Sequence[Runner], count: int, acts: Sequence[str]) -> dict[str, list[Plan]]:
    """What each sender (OIN) is to do; drawn before, so that it is known how many persons it needs."""
    patient = [runner for runner in runners if runner.courses != (PLAIN,)]
    plain = [runner for runner in runners if runner.courses == (PLAIN,)]
    slow = count // PATIENT_SHARE
    plans: dict[str, list[Plan]] = {}
    for some, rounds in ((plain, count - slow), (patient, slow)):
        for number, one in enumerate(some):
            share = len(range(number, rounds, len(some)))
            drawn = one.chance.choices(acts, [ACTS[act].weight for act in acts], k=share)
            plans[one.lane.at] = [Plan(act, one.chance.choice(one.courses)) for act in drawn]
    return plans


def _persons(plans: Sequence[Plan]) -> int:
    """How many persons a sender needs for these rounds."""
    return 2 + len(plans) // _ROUNDS_EACH + sum(ACTS[plan.act].uses_up for plan in plans)


def _accepted(receipt: Mapping[str, Any] | None, begun: float) -> Accepted | None:
    if receipt is None:
        return None
    to = frozenset(one["ontvanger"] for one in receipt["besluiten"] if one["uitkomst"] != "tegengehouden")
    return Accepted(receipt["berichtId"], to, begun)
