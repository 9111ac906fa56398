"""Promises 1 to 3 at every crash point: whatever port fails, before or after it acted, a repeat makes it whole.

The crash points are not listed here. Each verb runs once with every port recorded; the first and the last use that was
seen are then failed, before and after the port acted, on a fresh history, and the call is made again as a partner
would. A port that was seen and has no handler here is red, and so is a port that no verb was seen to use.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from consent.keys import content_key
from contracts.identity import Oin
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.tables import message, message_key
from tests import erasing
from tests.acceptance.crash_acts import ACTS
from tests.acceptance.crash_life import Life, Verb, handed_out, placed, sent
from tests.partners import Answer
from tests.region import PORTS, Region
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

#: What a caller may be told while a port fails: it was done, or it is not known.
_UNKNOWN: Final = (500, 503)
#: Port → the answers that a call may give whose use of it failed. Every port that is seen must stand here.
HANDLERS: Final[dict[str, tuple[int, ...]]] = {
    "commit": _UNKNOWN,
    "keys.ensure": _UNKNOWN,
    "keys.find": _UNKNOWN,
    "keys.destroy": _UNKNOWN,
    "doorbell.ring": (),  # nobody waits for it: the call succeeds all the same
    "send": (),
}
#: Ports that no verb of a message's life uses, and where they are failed instead.
ELSEWHERE: Final[dict[str, str]] = {}
#: Uses of one port in one push that are failed one by one; behind these the rounds repeat themselves.
_ROUNDS: Final = 1
#: Seconds of waiting after which time is moved on to the next attempt.
_PATIENCE: Final = 0.5
_numbers = itertools.count()
#: The order of ports is the hub's own and the same on each database; what a database does in a crash: test_kill.py.
pytestmark = pytest.mark.parametrize("shared", ["sqlite"], indirect=True, scope="module")


def subscribed(life: Life) -> None:
    placed(life)
    life.region.subscribe(life.guide, life.webhook.url)


def nobody(life: Life) -> None:
    life.guide, life.at = life.region.pair()
    life.bsn = bsn(next(_numbers))


def bsn(number: int) -> str:
    """A test BSN (99999…) that passes the 11-proof."""
    for low in range(number * 11, number * 11 + 11):
        digits = f"99999{low:04d}"
        total = sum(int(d) * w for d, w in zip(digits, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True))
        if total % 11 == 0:
            return digits
    return bsn(number + 500)


# -- what is done -----------------------------------------------------------------------------------------------------
def accept(life: Life) -> Answer:
    return life.region.send(life.at, life.event)


def fetch(life: Life) -> Answer:
    return life.region.call(life.guide, "GET", "/v1/postvak/berichten")


def acknowledge(life: Life) -> Answer:
    return life.region.call(life.guide, "POST", "/v1/postvak/bevestigingen", {"tot": "1"})


def withdraw(life: Life) -> Answer:
    path = f"/v1/toestemmingen/{life.statement}/intrekking"
    return life.region.call(life.at, "POST", path, {"gegevenDoor": "betrokkene"})


def record(life: Life) -> Answer:
    scope = {"ontvangers": [life.guide], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    return life.region.statement(life.at, life.person.refs[life.at], **scope)


def register(life: Life) -> Answer:
    return life.region.call(life.guide, "POST", "/v1/kandidaten", {"bsn": life.bsn})


def erase(life: Life) -> Answer:
    wish = {"omvang": "eigen", "reden": "bezwaar", "kenmerk": "W-1"}
    return life.region.call(life.at, "POST", f"/v1/kandidaten/{life.person.refs[life.at]}/wissing", wish)


# -- what must be so in the end ---------------------------------------------------------------------------------------
def is_one(life: Life) -> None:
    """One message, one identity, one delivery; handed out under the first sequence, and the next one behind it."""
    region = life.region
    assert len(life.rows()) == 1
    found = region.fetch(life.guide)
    assert [(one["id"], one["sequence"]) for one in found] == [(life.event["id"], "1")]
    behind = region.report(life.person, life.at, 2)
    region.send(life.at, behind).expect(202)
    again = region.fetch(life.guide)
    assert [(one["id"], one["sequence"]) for one in again] == [(life.event["id"], "1"), (behind["id"], "2")]


def is_confirmed(life: Life) -> None:
    assert life.state() == "bevestigd"
    behind = life.region.report(life.person, life.at, 2)
    life.region.send(life.at, behind).expect(202)
    assert [(one["id"], one["sequence"]) for one in life.region.fetch(life.guide, after=1)] == [(behind["id"], "2")]


def is_withdrawn(life: Life) -> None:
    """Told once; all answers name the same instant and the same releases."""
    assert life.told and all(one["tijdstip"] == life.told[0]["tijdstip"] for one in life.told)
    assert [len(one["verstrekt"]) for one in life.told] == [1] * len(life.told)
    refused = life.region.send(life.at, life.region.report(life.person, life.at, 2))
    assert (refused.status, refused.code) == (403, "GEEN_GRONDSLAG")
    found = life.region.fetch(life.guide)
    assert [one["sequence"] for one in found] == [str(n) for n in range(1, len(found) + 1)]
    assert all(one["id"] != life.event["id"] for one in found)


def is_recorded(life: Life) -> None:
    """Each answered statement stands whole, and none stands half: there are no more of them than calls."""
    path = f"/v1/toestemmingen?kandidaatRef={life.person.refs[life.at]}"
    listed = [one["id"] for one in life.region.call(life.at, "GET", path).expect(200)["items"]]
    named = {one["id"] for one in life.told}
    assert named <= set(listed) and len(set(listed)) == len(listed)
    others = len([one for one in listed if one not in named])
    assert others <= 1 + life.tries - len(life.told)  # the first is of the history
    for one in named:
        life.region.withdraw(life.at, one)
    life.region.withdraw(life.at, life.statement)


def is_registered(life: Life) -> None:
    assert life.region.register(life.guide, bsn=life.bsn) == life.told[0]["kandidaatRef"]
    assert len({one["kandidaatRef"] for one in life.told}) == 1


def is_erased(life: Life) -> None:
    """One erasure, told alike each time: the key is gone, its sequence is withdrawn, its receiver is asked once."""
    assert life.told and len({one["wissingId"] for one in life.told}) == 1
    assert all(one["vernietigd"] == {"berichten": 1, "sleutels": 1} for one in life.told)
    key = content_key(erasing.who(life.region, life.person.refs[life.at]), Oin(life.at))
    assert life.region.core.key_store.find([key]) == {} and life.region.core.key_store.destroyed([key]) == {key}
    found = [one["type"].removeprefix("nl.doorstroomhub.") for one in life.region.fetch(life.guide)]
    assert found == ["bericht.ingetrokken.v1", "verwijdering.gevraagd.v1"]


def is_pushed(life: Life) -> None:
    """It arrives; every attempt bears the same webhook-id; then it is confirmed."""

    moved = time.monotonic()

    def confirmed() -> bool:
        nonlocal moved
        if time.monotonic() - moved > _PATIENCE:  # seldom: what is released must also have the time to leave
            life.region.advance(60)
            moved = time.monotonic()
        return life.state() == "bevestigd"

    wait_until(confirmed, 20)
    calls = zip(life.webhook.calls(), life.webhook.events(), strict=False)
    assert len({call.id for call, event in calls if event["id"] == life.event["id"]}) == 1
    assert len(life.rows()) == 1


VERBS: Final = {
    "accept": Verb(placed, accept, is_one),
    "fetch": Verb(sent, fetch, is_one),
    "acknowledge": Verb(handed_out, acknowledge, is_confirmed),
    "withdraw": Verb(handed_out, withdraw, is_withdrawn),
    "record": Verb(placed, record, is_recorded),
    "erase": Verb(handed_out, erase, is_erased),
    "register": Verb(nobody, register, is_registered),
    "push": Verb(subscribed, accept, is_pushed, pushes=True),
    **ACTS,
}


# -- the crash points -------------------------------------------------------------------------------------------------
@pytest.fixture
def still(shared: Region) -> Region:
    """Without background work: what is seen is then what the call itself asked."""
    for part in (shared.hub.log_keeper, shared.hub.finisher):
        part.stop()
    keeper: Any = shared.hub.log_keeper
    keeper.wait_for = lambda *_: False  # a `ja` need not wait for a checkpoint that nobody signs
    return shared


def begun(verb: Verb, region: Region, webhook: Webhook) -> Life:
    life = Life(region, webhook)
    verb.begin(life)
    for who in (life.guide, life.at):
        region.token(who)
    if not verb.pushes:
        for part in (region.hub.relay, region.hub.push):
            part.stop()
    region.faults.seen.clear()
    return life


def points(verb: Verb, region: Region, webhook: Webhook) -> Iterator[tuple[str, str, int]]:
    """The first and last use of each port that this verb makes, before and after it acts; told by a run of it."""
    life = begun(verb, region, webhook)
    call(life, verb)
    if verb.pushes:
        verb.holds(life)
    seen = dict(region.faults.seen)
    if not verb.pushes:
        verb.holds(life)
    assert seen.keys() <= HANDLERS.keys(), f"no handler for {seen.keys() - HANDLERS.keys()}"
    for port, uses in sorted(seen.items()):
        if verb.ports is not None and port not in verb.ports:
            continue
        for use in range(_ROUNDS) if verb.pushes else sorted({0, uses - 1}):  # the first, and the last
            yield port, "before", use
            yield port, "after", use


def call(life: Life, verb: Verb) -> Answer:
    life.tries += 1
    answer = verb.act(life)
    if answer.status < 300:
        life.told.append(answer.json if answer.body else None)
    return answer


def fail_at(life: Life, verb: Verb, port: str, when: str, use: int) -> None:
    """Fail there, then do as a partner does that does not know what came of it: the same again."""
    faults = life.region.faults
    faults.arm(port, when, skip=use)
    answer = call(life, verb)
    assert answer.status < 300 or answer.status in HANDLERS[port], f"{port} {when}: {answer.status}"
    if verb.pushes:
        wait_until(lambda: faults.tripped(port, when), 10)
    assert faults.tripped(port, when), f"{port} {when} {use} never came"
    faults.disarm()
    again = call(life, verb)
    done = again.status < 300 or again.status in verb.again
    assert done, f"{port} {when}: {again.status} {again.body[:300]!r}"
    verb.holds(life)


def findings(region: Region) -> list[Any]:
    region.wait_signed()
    with snapshot(region.core.engine) as connection:
        return list(check(connection, region.core.key_store)[0].findings)


_seen: dict[str, set[str]] = {}


# `push` first: its threads are ended for the rest, so that nobody else uses the ports of a call.
@pytest.mark.parametrize("name", ["push", *(name for name in VERBS if name != "push")])
def test_promises_1_to_3_at_every_crash_point(still: Region, webhook: Webhook, name: str) -> None:
    verb = VERBS[name]
    found = list(points(verb, still, webhook))
    assert len(found) >= 2
    _seen.setdefault(name, set()).update(port for port, _, _ in found)
    for port, when, use in found:
        fail_at(begun(verb, still, webhook), verb, port, when, use)
    assert findings(still) == []


def test_every_port_was_seen_or_is_named(still: Region) -> None:
    """Runs last: a port that nobody uses, or one that came and has no handler, is red."""
    seen = set().union(*_seen.values())
    assert seen <= HANDLERS.keys()
    assert seen == HANDLERS.keys() or _seen.keys() != VERBS.keys()  # some verbs were left out of this run
    assert set(PORTS) == HANDLERS.keys() | ELSEWHERE.keys()
    assert not HANDLERS.keys() & ELSEWHERE.keys()


def test_the_control_a_port_without_handler_is_red(
    still: Region, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(HANDLERS, "commit")
    with pytest.raises(AssertionError, match="no handler"):
        list(points(VERBS["register"], still, webhook))


def test_the_control_what_is_done_twice_is_found(still: Region, webhook: Webhook) -> None:
    """A partner that makes a new message of its repeat breaks what holds after ``accept``."""
    verb = VERBS["accept"]
    life = begun(verb, still, webhook)
    call(life, verb)
    still.send(life.at, life.event | {"id": "another"}).expect(202)
    with pytest.raises(AssertionError):
        verb.holds(life)
    with reading(still.core.engine) as connection:
        counts = [connection.scalar(select(func.count()).select_from(t)) for t in (message, message_key)]
    assert counts[0] == counts[1]


def test_the_control_an_act_that_has_two_consequences_is_found(still: Region, webhook: Webhook) -> None:
    """A second beperking beside the first, as a repeat that is not known for one would leave it."""
    verb = VERBS["restrict"]
    life = begun(verb, still, webhook)
    call(life, verb)
    form = {"verstrekkers": [life.at], "grond": "onrechtmatig"}
    still.call(life.at, "PUT", f"/v1/kandidaten/{life.person.refs[life.at]}/beperking", form).expect(200)
    with pytest.raises(ValueError, match="too many values"):
        verb.holds(life)
