"""Promise 2: what was taken away is taken away: from what waits, from what is tried again, from what is fetched again.

Withdrawal, refusal, stop, expiry, ended agreement or machtiging, suspension (by command and over HTTP), each against a
message that waits, one that the mailbox gave before, one whose webhook failed, and one that was given up.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from contracts.identity import Oin
from hub.administration.replay import buried_ids, replay_some
from hub.delivery.states import State
from hub.store.database import reading
from hub.store.tables import delivery
from tests import samples
from tests.partners import Person, stamp
from tests.region import Region
from tests.samples import MBO
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

TERM = timedelta(minutes=10)
GIVEN_UP = timedelta(days=4)  # a push is tried for three days


@dataclass(frozen=True)
class Case:
    """Somebody about whom the workplace ``at`` may report to ``guide``, two fresh parties, until it is taken away."""

    region: Region
    person: Person
    at: str
    statement: str
    ends: datetime

    @property
    def guide(self) -> str:
        return self.person.guide

    @property
    def agreement(self) -> str:
        return f"{self.guide}-{self.at}"

    def send(self) -> tuple[str, str]:
        """A report; its event id and berichtId."""
        event = self.region.report(self.person, self.at)
        receipt = self.region.send(self.at, event).expect(202)["ontvangstbewijs"]
        return event["id"], receipt["berichtId"]

    def state(self, message_id: str) -> State:
        with reading(self.region.hub.engine) as connection:
            return State(connection.scalars(select(delivery.c.state).where(delivery.c.message_id == message_id)).one())

    def fetched(self) -> dict[str, dict[str, Any]]:
        """The whole mailbox of the guide from its beginning, by sequence."""
        return {event["sequence"]: event for event in self.region.fetch(self.guide)}

    def retry(self, after: timedelta = timedelta(seconds=30)) -> None:
        """The time of the next push comes."""
        self.region.advance(after.total_seconds())
        self.region.hub.relay.nudge([Oin(self.guide)])

    def replay(self) -> None:
        """The operator lets wait again all that was given up for the guide."""
        with reading(self.region.hub.engine) as connection:
            wanted = buried_ids(connection, Oin(self.guide))
        replay_some(self.region.core.transactions, wanted)
        self.region.hub.relay.nudge([Oin(self.guide)])


def prepare(region: Region, term: timedelta = TERM) -> Case:
    guide, at = region.pair()
    ends = region.clock.now() + term
    person, statement = region.reporting(guide, at, geldigTot=stamp(ends))
    return Case(region, person, at, statement, ends)


@pytest.fixture
def case(shared: Region) -> Case:
    return prepare(shared)


def withdraw(case: Case) -> dict[str, Any] | None:
    return case.region.withdraw(case.at, case.statement)


def refuse(case: Case) -> dict[str, Any] | None:
    scope = {"verstrekkers": [case.at], "doelen": ["trajectbegeleiding"]}
    answer = case.region.statement(case.at, case.person.refs[case.at], keuze="nee", **scope).expect(201)
    return dict(answer)


def refuse_all(case: Case) -> dict[str, Any] | None:
    """A general ``nee``: nothing named at all, recorded by the receiver."""
    ref = case.person.refs[case.guide]
    answer = case.region.statement(case.guide, ref, keuze="nee", verstrekkers=None, geldigTot=None).expect(201)
    return dict(answer)


def stop(case: Case) -> dict[str, Any] | None:
    return case.region.stop_request(case.at, case.person.refs[case.at])


def expire(case: Case) -> dict[str, Any] | None:
    case.region.advance((case.ends - case.region.clock.now()).total_seconds())
    return None


def end_agreement(case: Case) -> dict[str, Any] | None:
    case.region.end_agreement(case.agreement)
    return None


def end_mandate(case: Case) -> dict[str, Any] | None:
    case.region.end_mandate(case.at)
    return None


def suspend(case: Case) -> dict[str, Any] | None:
    case.region.suspend(case.at)
    return None


def operator(region: Region) -> str:
    """A systeem of the region's office."""
    return "bureau" if "bureau" in region.parties else region.employ("bureau")


def end_agreement_over_http(case: Case) -> dict[str, Any] | None:
    path = f"/v1/uitwisselafspraken/{case.agreement}/beeindiging"
    case.region.call(operator(case.region), "POST", path).expect(200)
    return None


def suspend_over_http(case: Case) -> dict[str, Any] | None:
    case.region.call(operator(case.region), "POST", f"/v1/organisaties/{case.at}/schorsing").expect(200)
    return None


Ending = Callable[[Case], dict[str, Any] | None]
ENDINGS = [withdraw, refuse, refuse_all, stop, expire, end_agreement, end_mandate, suspend]
ENDINGS += [end_agreement_over_http, suspend_over_http]


def leave(case: Case) -> dict[str, Any] | None:
    """The control: nothing is taken away."""
    return None


def told(answer: dict[str, Any] | None) -> set[str]:
    return set() if answer is None else {one["berichtId"] for one in answer["verstrekt"]}


@pytest.mark.parametrize("ending", [*ENDINGS, leave])
def test_promise_2_what_waits_is_stopped(case: Case, ending: Ending) -> None:
    event_id, message_id = case.send()
    answer = ending(case)
    found = {event["id"] for event in case.fetched().values()}
    if ending is leave:
        assert event_id in found and case.state(message_id) is State.DELIVERED
        return
    assert event_id not in found
    assert case.state(message_id) is State.STOPPED
    assert message_id not in told(answer)
    assert answer is None or answer["gestopt"] == (0 if ending is refuse_all else 1)  # nothing reached that one


@pytest.mark.parametrize("ending", [*ENDINGS, leave])
def test_promise_2_a_fetch_again_gives_nothing_of_it(case: Case, ending: Ending) -> None:
    event_id, message_id = case.send()
    (first,) = case.fetched().values()
    assert first["id"] == event_id and first["data"]
    answer = ending(case)
    again = case.fetched()[first["sequence"]]
    if ending is leave:
        assert again == first
        return
    assert again["type"] == "nl.doorstroomhub.bericht.ingetrokken.v1"
    assert set(again) == {"specversion", "id", "source", "type", "sequence"} and again["id"] != event_id
    assert case.state(message_id) is State.STOPPED
    assert answer is None or message_id in told(answer)


@pytest.mark.parametrize("ending", [*ENDINGS, leave])
def test_promise_2_a_push_is_not_tried_again(case: Case, webhook: Webhook, ending: Ending) -> None:
    message_id, event_id = failed_push(case, webhook)
    answer = ending(case)
    webhook.status = 200
    case.retry()
    expected = State.CONFIRMED if ending is leave else State.STOPPED
    wait_until(lambda: case.state(message_id) is expected)
    assert tries(webhook, event_id) == (2 if ending is leave else 1)
    assert answer is None or message_id in told(answer)  # the first try had left


@pytest.mark.parametrize("ending", [*ENDINGS, leave])
def test_promise_2_what_was_given_up_is_not_sent_when_replayed(
    shared: Region, webhook: Webhook, ending: Ending
) -> None:
    case = prepare(shared, GIVEN_UP + TERM)  # the `ja` outlives the tries
    message_id, event_id = failed_push(case, webhook)
    case.retry(GIVEN_UP)
    wait_until(lambda: case.state(message_id) is State.BURIED)
    before = tries(webhook, event_id)
    answer = ending(case)
    webhook.status = 200
    case.replay()
    expected = State.CONFIRMED if ending is leave else State.STOPPED
    wait_until(lambda: case.state(message_id) is expected)
    assert tries(webhook, event_id) == before + (1 if ending is leave else 0)
    assert answer is None or message_id in told(answer)  # the first try had left


def failed_push(case: Case, webhook: Webhook) -> tuple[str, str]:
    """A report whose first try met a broken webhook; its berichtId and event id."""
    webhook.status = 500
    case.region.subscribe(case.guide, webhook.url)
    event_id, message_id = case.send()
    wait_until(lambda: case.state(message_id) is State.WAITING and tries(webhook, event_id) == 1)
    return message_id, event_id


def tries(webhook: Webhook, event_id: str) -> int:
    return sum(event["id"] == event_id for event in webhook.events())


@pytest.mark.parametrize(
    "ending", [end_agreement, end_mandate, suspend, expire, withdraw, end_agreement_over_http, suspend_over_http]
)
def test_promise_2_nothing_new_is_accepted_either(case: Case, ending: Ending) -> None:
    case.send()  # the control: before it, something is
    ending(case)
    answer = case.region.send(case.at, case.region.report(case.person, case.at))
    assert answer.status in (401, 403)


def test_promise_2_a_push_stops_when_the_subscribers_machtiging_ends(case: Case, webhook: Webhook) -> None:
    message_id, event_id = failed_push(case, webhook)
    case.region.end_mandate(case.guide)
    webhook.status = 200
    case.retry()
    wait_until(lambda: case.state(message_id) is State.STOPPED)
    assert tries(webhook, event_id) == 1


def test_promise_2_expiry_is_at_its_instant(region: Region) -> None:
    case = prepare(region)
    _, message_id = case.send()
    region.clock.frozen = case.ends - timedelta(milliseconds=1)
    (first,) = case.fetched().values()
    assert first["data"] and case.state(message_id) is State.DELIVERED
    region.clock.frozen = case.ends
    (again,) = case.fetched().values()
    assert "data" not in again and case.state(message_id) is State.STOPPED


def test_promise_2_a_ja_in_the_future_is_none(case: Case) -> None:
    withdraw(case)
    later = datetime.fromtimestamp(case.region.seconds(), UTC) + timedelta(minutes=1)
    scope = {"ontvangers": [case.guide], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    assert case.region.statement(case.at, case.person.refs[case.at], gegevenOp=stamp(later), **scope).status == 400
    assert case.region.send(case.at, case.region.report(case.person, case.at)).code == "GEEN_GRONDSLAG"


def test_promise_2_a_later_ja_opens_it_again_for_new_messages_only(case: Case) -> None:
    _, stopped = case.send()
    withdraw(case)
    case.region.allow_reports(case.person, case.at)
    event_id, fresh = case.send()
    assert [event["id"] for event in case.fetched().values()] == [event_id]
    assert (case.state(stopped), case.state(fresh)) == (State.STOPPED, State.DELIVERED)


def test_promise_2_every_receiver_under_the_record_is_told_what_it_had(case: Case) -> None:
    event_id, message_id = case.send()
    case.region.collect(case.guide)
    answer = case.region.withdraw(case.at, case.statement)
    assert told(answer) == {message_id} and answer["gestopt"] == 0 and answer["kennisgevingen"] == 1
    (notice,) = case.region.collect(case.guide)
    assert notice["type"] == "nl.doorstroomhub.grondslag.vervallen.v1"
    assert [one["id"] for one in notice["data"]["berichten"]] == [event_id]
    assert notice["data"]["kandidaatRef"] == notice["subject"] == case.person.refs[case.guide]
    again = case.region.withdraw(case.at, case.statement)  # a repeat tells the same again
    assert {**again, "handtekening": ""} == {**answer, "handtekening": ""}


def test_promise_2_each_organisation_is_answered_its_own_part_only(case: Case) -> None:
    """The own flow of the ontwikkelbedrijf to the MBO stops too; the kringloop hears nothing of it."""
    region, guide, ref = case.region, case.guide, case.person.refs[case.guide]
    region.agree(f"{guide}-mbo", (guide, MBO), "kandidaat.voorgedragen", "toeleiding")
    region.consent(guide, ref, [MBO], "toeleiding", "identiteit contact inzetbaarheid opleiding")
    presented = samples.voorgedragen(ref, traject={"trajectId": case.person.trajectory})
    event = region.event(guide, "kandidaat.voorgedragen", ref, presented, ontvanger=MBO, doel="toeleiding")
    region.send(guide, event).expect(202)
    assert region.collect(MBO)[-1]["id"] == event["id"]
    case.send()
    region.collect(guide)
    answer = stop(case)
    assert answer is not None
    assert MBO not in str(answer) and {one["ontvanger"] for one in answer["verstrekt"]} == {guide, case.at}
    mine = region.call(guide, "GET", "/v1/zaken").expect(200)["items"]
    assert MBO in str(mine)  # it finds its own part in its zaken
