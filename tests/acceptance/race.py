"""The race between messages and withdrawals over HTTP: eight senders, a mailbox, a webhook, and a command beside them.

A round is a fresh statement of one person, several messages under it, and its withdrawal at a random moment. A leak is
a message that arrived somewhere and does not stand in ``verstrekt`` of that withdrawal's answer.
"""

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests import samples
from tests.live import ROOT, LiveRegion
from tests.partners import BATCH, Person
from tests.samples import GEMEENTE, ONTWIKKELBEDRIJF
from tests.unit.delivery.world import Answer as Hooked
from tests.unit.delivery.world import Call, wait_until
from tests.webhook import Webhook

SENDERS = 8
KIND = "nl.doorstroomhub.voortgang.gemeld.v1"


@dataclass
class Round:
    """What one round did: event id → berichtId of what was accepted, and what its withdrawal answered."""

    accepted: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    told: set[tuple[str, str]] = field(default_factory=set)  # (berichtId, receiver)
    stopped: int = 0


@dataclass(frozen=True)
class Result:
    """``mixed``: rounds in which something was stopped and something arrived."""

    rounds: int
    mixed: int
    leaks: tuple[str, ...]
    arrived: int
    commands: int


class Race:
    """One region with its racers. ``strict``: any answer that is not as the API says ends the run."""

    def __init__(self, region: LiveRegion, webhook: Webhook, persons: int) -> None:
        self.region, self.webhook, self.strict = region, webhook, True
        self.rounds: list[Round] = []
        self.mailbox: list[str] = []
        self.arrived: set[str] = set()  # event ids, at either receiver
        self._news = threading.Condition()
        webhook.script = self._heard
        self.commands = 0
        self._done = threading.Event()
        self.pushed = region.fresh("ontwikkelbedrijf")
        self.senders = [region.fresh("kringloop") for _ in range(SENDERS)]
        self._agree()
        region.start()
        region.subscribe(self.pushed, webhook.url)
        self.persons = self._people(persons)

    def _agree(self) -> None:
        region = self.region
        presented = "kandidaat.voorgedragen"
        region.agree("gemeente-pushed", (GEMEENTE, self.pushed), presented, "toeleiding")
        categories = "identiteit bsn contact opleiding inzetbaarheid"
        terms = ("gemeente-pushed", presented, "toeleiding", "gemeente", "ontwikkelbedrijf", categories)
        region.ground("pushed", terms)
        for at in self.senders:
            kinds = "leerwerkplek.geplaatst voortgang.gemeld"
            region.agree(f"pulled-{at}", (ONTWIKKELBEDRIJF, at), kinds, "opleiden trajectbegeleiding")
            region.agree(f"pushed-{at}", (self.pushed, at), kinds, "trajectbegeleiding")

    def _people(self, each: int) -> dict[str, list[Person]]:
        """Persons whom the gemeente presented to both ontwikkelbedrijven, each placed at one workplace."""
        region = self.region
        found: dict[str, list[Person]] = {at: [] for at in self.senders}
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: self._presented(), range(each * len(self.senders))))
            refs = {event["id"]: event["subject"] for event in region.collect(ONTWIKKELBEDRIJF)}
            people = [Person({ONTWIKKELBEDRIJF: refs[event_id]}, trajectory) for event_id, trajectory in made]
            for place, person in enumerate(people):
                found[self.senders[place % len(self.senders)]].append(person)
            todo = [(person, at) for at, mine in found.items() for person in mine]
            list(pool.map(lambda one: region.allow_placing(*one), todo))
        wait_until(lambda: len(self.webhook.calls()) >= len(made), 60)
        for at, mine in found.items():
            events = [region.placing(person, at, traject=person.trajectory) for person in mine]
            results = region.send_batch(ONTWIKKELBEDRIJF, events)
            assert {one["status"] for one in results} == {"aanvaard"}, results
            given = {event["id"]: event["subject"] for event in region.collect(at)}
            for person, event in zip(mine, events, strict=True):
                person.refs[at] = given[event["id"]]
        return found

    def _presented(self) -> tuple[str, str]:
        region = self.region
        ref = region.register(GEMEENTE)
        trajectory = region.open_trajectory(GEMEENTE, ref)
        data = samples.voorgedragen(ref, traject={"trajectId": trajectory})
        data.pop("reintegratievoorziening")
        data.pop("contactpersoon")
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
        region.send(GEMEENTE, event).expect(202)
        region.send(GEMEENTE, event | {"ontvanger": self.pushed, "id": event["id"] + "-p"}).expect(202)
        return event["id"], trajectory

    def swap(self, program: Sequence[str]) -> None:
        """Go on with another hub on the same data; what it answers is no longer held against it."""
        self.region.end()
        self.region.program, self.strict = program, False
        self.region.start()

    # -- the racers ---------------------------------------------------------------------------------------------------
    def run(self, rounds: int, seed: int) -> Result:
        """Run so many rounds, spread over the senders; the leaks of all."""
        self._done.clear()
        helpers = [threading.Thread(target=run) for run in (self._pull, self._command)]
        for helper in helpers:
            helper.start()
        try:
            with ThreadPoolExecutor(len(self.senders)) as pool:
                shares = [len(range(n, rounds, len(self.senders))) for n in range(len(self.senders))]
                work = [
                    pool.submit(self._send, at, share, random.Random(f"{seed}/{at}"))
                    for at, share in zip(self.senders, shares, strict=True)
                ]
                for one in work:
                    one.result()
            self._quiet()
        finally:
            self._done.set()
            for helper in helpers:
                helper.join()
        return self._judge()

    def _send(self, at: str, share: int, chance: random.Random) -> None:
        """One sender: its rounds one after the other, each with its own withdrawer."""
        with ThreadPoolExecutor(1) as beside:
            for number in range(share):
                person = self.persons[at][number % len(self.persons[at])]
                try:
                    self.rounds.append(self._round(at, person, chance, beside))
                except (AssertionError, httpx2.HTTPError):
                    if self.strict:
                        raise

    def _round(self, at: str, person: Person, chance: random.Random, beside: ThreadPoolExecutor) -> Round:
        region, done = self.region, Round()
        to = [ONTWIKKELBEDRIJF, self.pushed]
        given = region.consent(at, person.refs[at], to, "trajectbegeleiding", "leervoortgang")
        events = [region.report(person, at, n) for n in range(chance.randint(3, 5))]
        first = chance.randint(1, 2)
        self._offer(at, events[:first], done)
        # The random point: sometimes at once, mostly about when the first message arrives and others are on their way.
        early, pause, head_start = chance.random() < 0.25, chance.uniform(0.0, 0.03), chance.random() < 0.5
        begun = [event["id"] for event in events[:first]]

        def withdraw() -> dict[str, Any]:
            if not early:
                self._wait_for(begun)
            time.sleep(pause)
            return region.withdraw(at, given)

        answer: Future[dict[str, Any]] = beside.submit(withdraw)
        if head_start and not early:
            self._wait_for(begun)
        while rest := events[first:]:
            some = chance.randint(1, len(rest))
            self._offer(at, rest[:some], done)
            first += some
        found = answer.result()
        done.told = {(one["berichtId"], one["ontvanger"]) for one in found["verstrekt"]}
        done.stopped = found["gestopt"]
        return done

    def _wait_for(self, ids: Sequence[str]) -> None:
        """Until one of these arrived somewhere, at most a second."""
        with self._news:
            self._news.wait_for(lambda: not self.arrived.isdisjoint(ids), 1.0)

    def _came(self, ids: Iterable[str]) -> None:
        with self._news:
            self.arrived.update(ids)
            self._news.notify_all()

    def _heard(self, call: Call) -> Hooked:
        with suppress(json.JSONDecodeError):  # a hub that is stopped may break off in the middle
            self._came([json.loads(call.body)["id"]])
        return Hooked(200)

    def _offer(self, at: str, events: Sequence[dict[str, Any]], done: Round) -> None:
        """Send these, alone or as a batch, and note what was accepted."""
        if len(events) == 1:
            answer = self.region.send(at, events[0])
            accepted = answer.json["ontvangstbewijs"]["berichtId"] if answer.status == 202 else None
            self._note(done, events[0]["id"], accepted, answer.code)
            return
        answer = self.region.call(at, "POST", "/v1/berichten", list(events), BATCH)
        if answer.status != 202:
            assert not self.strict, answer.body
            return
        for event, one in zip(events, answer.json["resultaten"], strict=True):
            accepted = one["ontvangstbewijs"]["berichtId"] if one["status"] == "aanvaard" else None
            self._note(done, event["id"], accepted, one.get("probleem", {}).get("code"))

    def _note(self, done: Round, event_id: str, accepted: str | None, code: str | None) -> None:
        """Only a clear yes and a clear no count; after any other answer nobody can say what should have happened."""
        if accepted is not None:
            done.accepted[event_id] = accepted
        elif code == "GEEN_GRONDSLAG":
            done.refused.add(event_id)
        else:
            assert not self.strict, code

    def _pull(self) -> None:
        """The mailbox's owner: fetches at odd moments, acknowledges now and then, so that some are given twice."""
        chance, seen = random.Random("pull"), 0
        while not self._done.is_set():
            with suppress(*(() if self.strict else (AssertionError, httpx2.HTTPError))):
                page = self.region.fetch(ONTWIKKELBEDRIJF, after=seen)
                found = [event["id"] for event in page if event["type"] == KIND]
                self.mailbox += found
                self._came(found)
                if page and chance.random() < 0.5:
                    seen = int(page[-1]["sequence"])
                    self.region.acknowledge(ONTWIKKELBEDRIJF, seen)
            time.sleep(chance.uniform(0.0, 0.1))

    def _command(self) -> None:
        """An operator at work: commands that change the rules, one after the other, each a process of its own."""
        while not self._done.is_set():
            oin = f"00000099{800_000_000 + self.commands:012d}"
            command = ["organisatie", "add", "--oin", oin, "--naam", "Proef", "--rol", "kringloop", "--operator", "jan"]
            ran = subprocess.run(
                [sys.executable, "-m", "hub.cli", *command],
                cwd=ROOT,
                env=self.region.environment | {"PATH": "/usr/bin:/bin"},
                capture_output=True,
                timeout=120,
            )
            assert ran.returncode == 0 or not self.strict, ran.stderr[-500:]
            self.commands += 1
            self._done.wait(4.0)

    def _quiet(self) -> None:
        """Until the webhook has heard nothing new for a while: what could still leave has left."""
        before = -1
        while before != len(self.webhook.calls()) + len(self.mailbox):
            before = len(self.webhook.calls()) + len(self.mailbox)
            time.sleep(3.0)

    # -- the verdict --------------------------------------------------------------------------------------------------
    def _judge(self) -> Result:
        pushed = {event["id"] for event in self.webhook.events() if event["type"] == KIND}
        arrived = {(event_id, ONTWIKKELBEDRIJF) for event_id in self.mailbox} | {(i, self.pushed) for i in pushed}
        leaks = [leak for one in self.rounds for leak in self._leaks(one, arrived)]
        mixed = sum(bool(one.stopped and self._seen(one, arrived)) for one in self.rounds)
        return Result(len(self.rounds), mixed, tuple(leaks), len(arrived), self.commands)

    def _seen(self, one: Round, arrived: set[tuple[str, str]]) -> list[tuple[str, str]]:
        ids: Iterable[str] = [*one.accepted, *one.refused]
        return [(i, who) for i in ids for who in (ONTWIKKELBEDRIJF, self.pushed) if (i, who) in arrived]

    def _leaks(self, one: Round, arrived: set[tuple[str, str]]) -> list[str]:
        return [
            f"{event_id} at {who}"
            for event_id, who in self._seen(one, arrived)
            if (one.accepted.get(event_id, ""), who) not in one.told
        ]
