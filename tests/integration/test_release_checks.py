"""Each check on the way out carries weight: one behaviour for each, and without the check that behaviour is gone.

``consent.decision`` has its own mutation test; this is the same for what stands around it: ``hub/delivery/release.py``,
``hub/delivery/prepare.py`` and ``Scene.instant`` of ``hub/gate/judge.py``. A check is taken out of the source itself: a
condition is forced to no, a call is left out. A condition that is added later and has no behaviour here is red.
"""

import ast
import inspect
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any, Final

import pytest
from sqlalchemy import select, update

from consent.keys import content_key
from contracts import instants
from contracts.identity import Oin, PersonId
from hub.delivery import prepare, release
from hub.delivery.prepare import NotReleased
from hub.delivery.release import MAILBOX, Held
from hub.delivery.states import StateError
from hub.gate import judge
from hub.machine.clock_guard import ACCEPTED
from hub.store import installation
from hub.store.database import reading
from hub.store.locks import Locks
from hub.store.persons import people
from hub.store.tables import delivery, message
from hub.store.traffic import deliveries
from hub.store.writer import single
from tests import samples
from tests.partners import Person
from tests.region import Region, region_on
from tests.unit.delivery.world import Answer, wait_until
from tests.webhook import Webhook

NOTICE: Final = "bericht.ingetrokken"
#: Seconds that is waited for what must not come.
_SILENCE: Final = 1.0


@dataclass
class Scene:
    """A region, with a webhook to which it may push."""

    region: Region
    webhook: Webhook


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    webhook = Webhook()
    with region_on(request, tmp_path_factory.mktemp("vrijgave"), [webhook.port]) as region:
        yield Scene(region, webhook)
    webhook.close()


@pytest.fixture(autouse=True)
def _as_it_was(scene: Scene) -> Iterator[None]:
    """A behaviour that failed leaves a clock that stands still, or an endpoint that hangs, to nobody."""
    yield
    scene.region.clock.frozen = None
    scene.webhook.script, scene.webhook.status = None, 200


def waiting(region: Region) -> tuple[str, str, Person, str, str]:
    """Two fresh parties and a report that waits for the guide: (guide, workplace, person, statement, event id)."""
    guide, at = region.pair()
    person, statement = region.reporting(guide, at)
    event = region.report(person, at)
    region.send(at, event).expect(202)
    return guide, at, person, statement, event["id"]


def delivery_of(region: Region, event_id: str) -> Any:
    with reading(region.core.engine) as connection:
        query = select(delivery).join(message, message.c.message_id == delivery.c.message_id)
        return connection.execute(query.where(message.c.event_id == event_id)).one()


def given(region: Region, who: str) -> list[str]:
    """The ids of what the mailbox gives now."""
    return [event["id"] for event in region.fetch(who)]


def who_was_told_of_the_end_is_out(scene: Scene) -> None:
    """The release of a closing message ends its receiver's involvement, with that commit."""
    region = scene.region
    guide, at, person, _, _ = waiting(region)
    name, kind = f"einde-{guide}", "traject.beeindigd"
    region.agree(name, (guide, at), kind, "trajectbegeleiding")
    region.ground(name, (name, kind, "trajectbegeleiding", "ontwikkelbedrijf", "kringloop", "inzetbaarheid"))
    today = instants.today(region.clock.now()).isoformat()
    data = samples.beeindigd(person.trajectory, per=today)
    region.send(guide, region.event(guide, kind, person.refs[guide], data)).expect(202)
    assert region.send(at, region.report(person, at)).status == 202
    assert region.fetch(at)[-1]["data"]["reden"] == "beeindigd"
    assert region.send(at, region.report(person, at)).status == 403


def narrow_then_wide(region: Region) -> tuple[str, str, Callable[[], None], dict[str, Any]]:
    """A placement under a narrow statement; and what widens it. (guide, workplace, widen, event)."""
    guide, at = region.pair()
    person = region.candidate(guide)
    region.consent(guide, person.refs[guide], [at], "opleiden", "identiteit leervoortgang")

    def widen() -> None:
        region.allow_placing(person, at)

    return guide, at, widen, region.placing(person, at)


# -- the behaviours ---------------------------------------------------------------------------------------------------
def fetched_again_never_more(scene: Scene) -> None:
    """A statement that widens later adds nothing to what was given once."""
    region = scene.region
    guide, at, widen, event = narrow_then_wide(region)
    region.send(guide, event).expect(202)
    (first,) = region.fetch(at)
    assert "naam" in first["data"]["contact"] and "telefoon" not in first["data"]["contact"]
    widen()
    (again,) = region.fetch(at)
    assert again["data"] == first["data"]


def pushed_again_never_more(scene: Scene) -> None:
    region, webhook = scene.region, scene.webhook
    guide, at, widen, event = narrow_then_wide(region)
    webhook.status = 500
    region.subscribe(at, webhook.url)
    region.send(guide, event).expect(202)

    def mine() -> list[dict[str, Any]]:
        return [one for one in webhook.events() if one["id"] == event["id"]]

    wait_until(lambda: len(mine()) == 1)
    widen()
    webhook.status = 200
    region.advance(120)
    wait_until(lambda: len(mine()) == 2)
    first, again = mine()
    assert "telefoon" not in first["data"]["contact"] and again["data"] == first["data"]


def a_jumped_clock_stops_the_mailbox(scene: Scene) -> None:
    region = scene.region
    guide, _, _, _, event_id = waiting(region)
    assert given(region, guide) == [event_id]  # control: on a good clock
    later = region.clock.now() + timedelta(hours=2)
    with stands(region, later):
        answer = region.call(guide, "GET", "/v1/postvak/berichten")
        assert (answer.status, answer.code) == (503, "NIET_BESCHIKBAAR")
    assert given(region, guide) == [event_id]


def a_jumped_clock_stops_the_push(scene: Scene) -> None:
    region, webhook = scene.region, scene.webhook
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    region.subscribe(guide, webhook.url)
    event = region.report(person, at)
    given(region, guide)  # the guard has seen a good clock
    with stands(region, region.clock.now() + timedelta(hours=2)) as later:
        region.send(at, event).expect(202)
        threading.Event().wait(_SILENCE)
        assert event["id"] not in [one["id"] for one in webhook.events()]
        accept_the_time(region, later)
        region.advance(120)
        region.clock.frozen = later + timedelta(seconds=120)  # both clocks go on, else no wait ever ends
        wait_until(lambda: event["id"] in [one["id"] for one in webhook.events()], 20)
    accept_the_time(region, region.clock.now())


def a_suspended_organisation_gets_no_notice(scene: Scene) -> None:
    region, webhook = scene.region, scene.webhook
    guide, at, _, statement, event_id = waiting(region)
    assert given(region, guide) == [event_id]
    region.acknowledge(guide, 1)
    webhook.status = 500
    region.subscribe(guide, webhook.url)
    assert region.withdraw(at, statement)["kennisgevingen"] == 1
    before = len(webhook.calls())
    wait_until(lambda: len(notices(webhook, before)) == 1)  # control: it would go
    region.suspend(guide)
    webhook.status = 200
    region.advance(120)
    threading.Event().wait(_SILENCE)
    assert len(notices(webhook, before)) == 1


def what_another_holds_is_not_released(scene: Scene) -> None:
    """While a worker sends it, its lease is that worker's: nobody else may release it, nor anybody after it ended."""
    region, webhook = scene.region, scene.webhook
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    arrived, go_on = threading.Event(), threading.Event()

    def hold(_call: Any) -> Answer:
        arrived.set()
        go_on.wait(10)
        return Answer(200)

    webhook.script = hold
    region.subscribe(guide, webhook.url)
    event = region.report(person, at)
    try:
        region.send(at, event).expect(202)
        assert arrived.wait(10)
        held = delivery_of(region, event["id"])
        preparer: Any = region.hub.push._parts.preparer
        assert preparer.release([held.delivery_id], "of-somebody-else") == [NotReleased(held.delivery_id, "not-ours")]
        assert delivery_of(region, event["id"]).attempts == held.attempts == 1
    finally:
        go_on.set()
    wait_until(lambda: delivery_of(region, event["id"]).state == "bevestigd")


def what_is_done_is_not_released(scene: Scene) -> None:
    region = scene.region
    guide, _, _, _, event_id = waiting(region)
    given(region, guide)
    region.acknowledge(guide, 1)
    row = delivery_of(region, event_id)
    assert row.state == "bevestigd"
    lease = {"lease_token": "a-token", "lease_until": region.clock.now() + timedelta(minutes=1)}
    region.operate(lambda tx, _: tx.connection.execute(change(row.delivery_id, **lease)))
    preparer: Any = region.hub.push._parts.preparer
    assert preparer.release([row.delivery_id], "a-token") == [NotReleased(row.delivery_id, "not-ours")]


def what_is_fetched_is_not_pushed(scene: Scene) -> None:
    """A worker that holds a delivery whose recipient has no subscription any more leaves it to the mailbox."""
    region = scene.region
    guide, _, _, _, event_id = waiting(region)
    row = delivery_of(region, event_id)
    until = region.clock.now() + timedelta(minutes=1)
    lease = {"lease_token": "mine", "lease_until": until}
    region.operate(lambda tx, _: tx.connection.execute(change(row.delivery_id, **lease)))
    preparer: Any = region.hub.push._parts.preparer
    assert preparer.release([row.delivery_id], "mine") == [NotReleased(row.delivery_id, "mailbox")]
    region.operate(lambda tx, _: tx.connection.execute(change(row.delivery_id, lease_token=None, lease_until=None)))
    assert given(region, guide) == [event_id]


def a_clock_set_back_revives_nothing(scene: Scene) -> None:
    """Two minutes are no jump for the guard; what was withdrawn a minute ago is withdrawn still."""
    region = scene.region
    guide, at, person, statement, _ = waiting(region)
    region.advance(300)
    region.send(at, region.report(person, at, 2)).expect(202)  # control: while it stands
    region.withdraw(at, statement)
    region.token(at)
    with stands(region, region.clock.now() - timedelta(minutes=2)):
        answer = region.send(at, region.report(person, at, 3))
        assert (answer.status, answer.code) == (403, "GEEN_GRONDSLAG")
    assert guide


def without_the_persons_lock_nothing_goes(scene: Scene) -> None:
    region = scene.region
    _, _, _, _, event_id = waiting(region)
    row = delivery_of(region, event_id)
    with reading(region.core.engine) as connection:
        needed = region.hub.releaser.locks(connection, deliveries.seen(connection, [row.delivery_id]).values())
    assert needed.shared and not needed.exclusive

    def free(tx: Any, held: Locks) -> Any:
        rows = list(deliveries.by_id(tx.connection, [row.delivery_id]).values())
        (outcome,) = region.hub.releaser.free(tx, rows, MAILBOX, held)
        return outcome

    other = Locks(shared=frozenset({"somebody-else"}))
    outcome = single(region.core.transactions, lambda tx: free(tx, other), other)
    assert isinstance(outcome, Held) and outcome.reason == "opnieuw"
    assert delivery_of(region, event_id).state == "wachtend"
    assert not isinstance(single(region.core.transactions, lambda tx: free(tx, needed), needed), Held)  # control


def what_does_not_open_is_buried(scene: Scene) -> None:
    region = scene.region
    guide, at, person, _, event_id = waiting(region)
    behind = region.report(person, at, 2)
    region.send(at, behind).expect(202)
    spoil = update(message).where(message.c.event_id == event_id).values(body=b"not what was sealed")
    region.operate(lambda tx, _: tx.connection.execute(spoil))
    assert given(region, guide) == [behind["id"]]
    row = delivery_of(region, event_id)
    assert (row.state, row.reason) == ("begraven", "onleesbaar")


def without_its_key_nothing_goes(scene: Scene) -> None:
    region = scene.region
    guide, at, person, _, event_id = waiting(region)
    with reading(region.core.engine) as connection:
        known = people.resolve(connection, [(Oin(at), person.refs[at])])  # type: ignore[list-item]
    who = PersonId(next(iter(known.values())).person)
    region.core.key_store.destroy([content_key(who, Oin(at))], region.clock.now())
    assert given(region, guide) == []
    assert delivery_of(region, event_id).state == "gewist"


def what_ended_meanwhile_is_stopped(scene: Scene) -> None:
    """By the clock alone; nobody withdrew."""
    region = scene.region
    guide, at = region.pair()
    person = region.candidate(guide)
    region.place(person, at)
    soon = region.clock.now() + timedelta(seconds=60)
    region.allow_reports(person, at, geldigTot=instants.write(soon))
    event = region.report(person, at)
    region.send(at, event).expect(202)
    region.advance(61)
    assert given(region, guide) == []
    assert delivery_of(region, event["id"]).state == "gestopt"


def a_notice_goes_though_consent_ended(scene: Scene) -> None:
    region = scene.region
    guide, at, _, statement, event_id = waiting(region)
    assert given(region, guide) == [event_id]
    region.acknowledge(guide, 1)
    region.withdraw(at, statement)
    told = region.fetch(guide, after=1)
    assert len(told) == 1 and NOTICE not in told[0]["type"] and "data" in told[0]


# -- their control ----------------------------------------------------------------------------------------------------
@contextmanager
def stands(region: Region, at: datetime) -> Iterator[datetime]:
    """The clock stands still at another hour, while time itself goes on."""
    region.clock.frozen = at
    try:
        yield at
    finally:
        region.clock.frozen = None


def accept_the_time(region: Region, at: datetime) -> None:
    """As ``hub clock accept`` does."""
    region.operate(lambda tx, act: installation.write(tx.connection, ACCEPTED, instants.write(at)))


def change(delivery_id: str, **values: Any) -> Any:
    return update(delivery).where(delivery.c.delivery_id == delivery_id).values(**values)


def notices(webhook: Webhook, after: int) -> list[dict[str, Any]]:
    return [one for one in webhook.events()[after:] if "voortgang" not in one["type"]]


@dataclass(frozen=True)
class Cut:
    """One check: where it stands, what of the source is forced to no or left out, and what is gone without it."""

    module: ModuleType
    function: str  # "Class.name" or "name"
    text: str  # the condition, or the statement, as ``ast.unparse`` writes it
    behaviours: tuple[Callable[[Scene], None], ...]

    @property
    def says(self) -> str:
        return f"{self.function}: {self.text}"


CUTS: Final = (
    Cut(release, "Releaser.free", "self.clock_guard.check(tx.now)", (a_jumped_clock_stops_the_mailbox,)),
    Cut(release, "Releaser.free", "self.clock_guard.check(tx.now)", (a_jumped_clock_stops_the_push,)),
    Cut(
        release,
        "_Work._one",
        "row.line not in self.locks.shared | self.locks.exclusive",
        (without_the_persons_lock_nothing_goes,),
    ),
    Cut(release, "_Work._unreadable", "erased", (without_its_key_nothing_goes,)),
    Cut(release, "_Work._one", "message is None", (what_does_not_open_is_buried,)),
    Cut(release, "_Work._one", "row.notice", (a_notice_goes_though_consent_ended,)),
    Cut(
        release,
        "_Work._one",
        "not judgement.allowed or judgement.view is None",
        (what_ended_meanwhile_is_stopped,),
    ),
    Cut(
        release,
        "_Work._notice",
        "not notice_allowed(rules.receiver, given=True)",
        (a_suspended_organisation_gets_no_notice,),
    ),
    Cut(
        release,
        "_Work._one",
        "message.kind.closes and row.released_at is None",
        (who_was_told_of_the_end_is_out,),
    ),
    Cut(
        judge,
        "Judgement.never_more",
        "return replace(self, decision=replace(self.decision, allowed=allowed))",
        (fetched_again_never_more, pushed_again_never_more),
    ),
    Cut(
        prepare,
        "_not_ours",
        "row is None or row.state not in (State.WAITING, State.RELEASED)",
        (what_is_done_is_not_released,),
    ),
    Cut(
        prepare,
        "_not_ours",
        "row.lease_token != token or row.lease_until is None or row.lease_until <= now",
        (what_another_holds_is_not_released,),
    ),
    Cut(
        prepare,
        "_not_ours",
        "row.url is None or (row.push_kinds is not None and row.kind not in row.push_kinds)",
        (what_is_fetched_is_not_pushed,),
    ),
    Cut(judge, "Scene.instant", "return max(self.now, self.record(root).latest)", (a_clock_set_back_revives_nothing,)),
)
#: What is put in the place of a statement that a cut takes out; any other is left out.
INSTEAD: Final = {
    "return replace(self, decision=replace(self.decision, allowed=allowed))": "return self",
    "return max(self.now, self.record(root).latest)": "return self.now",
}
#: Conditions of these functions that decide nothing alone, or whose behaviour stands in another file.
ELSEWHERE: Final = {
    "_Work._one: row.line in self.moved or (row.root != row.line and row.root is not None)": "test_race.py: joins",
    "_Work._one: row.opens and Category.BSN in judgement.decision.allowed": "test_promises_4_order.py: joins",
    "_Work._one: other is not None and (not {other, row.root} <= self.locks.exclusive)": "test_race.py: joins",
    "_Work._one: other is not None": "what joins: test_promises_4_order.py",
    "_Work._one: row.opens": "what opens: every placement",
    "_Work._notice: not rules.push_active": "test_machtiging.py",
    "_Work._notice: row.released_at is None": "one leaf of a notice, however often: test_replay.py",
    "Judgement.never_more: revealed is None or self.view is None or (not self.allowed)": "there is nothing to cap",
    "Judgement.never_more: self.view.required <= allowed": "cut as the statement under it",
}
BEHAVIOURS: Final = tuple(dict.fromkeys(b for cut in CUTS for b in cut.behaviours))
PAIRS: Final = [(cut, behaviour) for cut in CUTS for behaviour in cut.behaviours]


def source_of(module: ModuleType, function: str) -> tuple[Any, str, ast.FunctionDef]:
    """(where it hangs, its name, its tree)."""
    *within, name = function.split(".")
    owner: Any = getattr(module, within[0]) if within else module
    found = ast.parse(textwrap.dedent(inspect.getsource(getattr(owner, name)))).body[0]
    assert isinstance(found, ast.FunctionDef)
    return owner, name, found


def conditions(function: ast.FunctionDef) -> Iterator[ast.If]:
    return (node for node in ast.walk(function) if isinstance(node, ast.If))


def cut_out(patch: pytest.MonkeyPatch, cut: Cut) -> None:
    """Take one check out of the running code."""
    owner, name, tree = source_of(cut.module, cut.function)
    taken = 0
    for node in conditions(tree):
        if ast.unparse(node.test) == cut.text:
            node.test, taken = ast.copy_location(ast.Constant(False), node.test), taken + 1
    for node in ast.walk(tree):
        for place, one in enumerate(node.body if isinstance(node, ast.FunctionDef | ast.If) else ()):
            if ast.unparse(one) == cut.text:
                node.body[place] = ast.parse(INSTEAD.get(cut.text, "pass")).body[0]
                taken += 1
    assert taken == 1, f"{cut.says} stands there {taken} times"
    made: dict[str, Any] = {}
    module = ast.fix_missing_locations(ast.Module([tree], []))
    exec(compile(module, f"without {cut.text}", "exec"), cut.module.__dict__, made)
    patch.setattr(owner, name, made[name])


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_it_is_so(scene: Scene, behaviour: Callable[[Scene], None]) -> None:
    assert behaviour(scene) is None  # it raises where it is not so


@pytest.mark.parametrize(("cut", "behaviour"), PAIRS, ids=lambda one: getattr(one, "__name__", None))
def test_without_the_check_it_is_not_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, cut: Cut, behaviour: Callable[[Scene], None]
) -> None:
    cut_out(monkeypatch, cut)
    # Behind some checks the code relies on them, and breaks without: that too is a behaviour that is gone.
    with pytest.raises((AssertionError, StateError, TypeError, AttributeError)):
        behaviour(scene)


def test_every_condition_has_its_behaviour() -> None:
    there: set[str] = set()
    for module, function in {(cut.module, cut.function) for cut in CUTS if cut.function != "Releaser.free"}:
        there |= {f"{function}: {ast.unparse(node.test)}" for node in conditions(source_of(module, function)[2])}
    named = {cut.says for cut in CUTS if cut.text not in INSTEAD and cut.function != "Releaser.free"}
    assert there == named | ELSEWHERE.keys()
    assert not named & ELSEWHERE.keys()
