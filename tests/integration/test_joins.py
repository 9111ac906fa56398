"""Two officers join two persons: all facts of both count at once, in one line, and nobody can fish for other refs."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select

from contracts.identity import Oin
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.store.database import reading, snapshot
from hub.store.persons import people
from hub.store.tables import delivery, identity_request
from tests import samples
from tests.officers import FIRST, JOIN, SECOND, ask, asks, both, confirm, listed, lost_roots
from tests.partners import Person
from tests.region import Region, region_on
from tests.samples import GEMEENTE, GEMEENTE_2
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

GENERAL_NO = {"keuze": "nee", "verstrekkers": None, "geldigTot": None}
NOT_FOUND = (404, "NIET_GEVONDEN")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, webhook: Webhook
) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("samen"), [webhook.port]) as made:
        yield made
        with snapshot(made.core.engine) as connection:
            report, _ = check(connection, made.core.key_store)
            lost = lost_roots(connection)
    assert report.findings == []  # whatever the tests did, the log tells the same
    assert lost == []


@dataclass(frozen=True)
class Twice:
    """Somebody whom ``guide`` registered twice: ``one`` is placed at the workplace ``at``, ``two`` is nowhere yet."""

    region: Region
    one: Person
    two: Person
    at: str

    @property
    def guide(self) -> str:
        return self.one.guide

    @property
    def first(self) -> tuple[str, str]:
        return self.guide, self.one.refs[self.guide]

    @property
    def second(self) -> tuple[str, str]:
        return self.guide, self.two.refs[self.guide]

    def placing(self, person: Person) -> dict[str, Any]:
        """``leerwerkplek.geplaatst`` that names its traject: joined, the person has more than one."""
        return self.region.placing(person, self.at, traject=person.trajectory)

    def place(self) -> str:
        """A second placement of ``one``, which waits at the workplace; its berichtId."""
        event = self.placing(self.one)
        return str(self.region.send(self.guide, event).expect(202)["ontvangstbewijs"]["berichtId"])

    def reports(self, person: Person | None = None) -> tuple[int, str | None]:
        answer = self.region.send(self.at, self.region.report(person or self.one, self.at))
        return answer.status, answer.code

    def fate(self, message_id: str) -> str:
        return self.region.fate(self.guide, message_id)[self.at]

    def refuse(self) -> None:
        """What was said to who registered the second one: a general `nee`."""
        self.region.statement(*self.second, **GENERAL_NO).expect(201)


@pytest.fixture
def twice(region: Region) -> Twice:
    guide, at = region.pair()
    one, _ = region.reporting(guide, at)
    return Twice(region, one, region.candidate(guide), at)


def roots(region: Region, *refs: tuple[str, str]) -> list[str]:
    with reading(region.core.engine) as connection:
        found = people.resolve(connection, [(Oin(who), ref) for who, ref in refs])
    return [found[Oin(who), ref].root for who, ref in refs]


# -- what follows -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("refused", [True, False])
def test_the_preview_tells_what_would_follow_and_changes_nothing(twice: Twice, refused: bool) -> None:
    waiting = twice.place()
    if refused:
        twice.refuse()
    code = ask(twice.region, JOIN, twice.first)["code"]
    told = confirm(twice.region, JOIN, twice.second, code, proef=True).expect(200)
    assert told["proef"] and told["handtekening"] and not told["bsnVerschilt"]
    assert told["gestopt"] == ([{"berichtId": waiting, "ontvanger": twice.at}] if refused else [])
    flows = {(f["kandidaatRef"], f["verstrekker"], f["ontvanger"], f["doel"]): f["stopt"] for f in told["stromen"]}
    one = twice.first[1]
    assert flows[one, twice.guide, twice.at, "opleiden"] is refused
    assert {ref for ref, *_ in flows} == {one}  # the second one has no flow that is open
    assert sorted(told["kandidaatRefs"]) == sorted([one, twice.second[1]])
    assert twice.fate(waiting) == "wachtend" and twice.reports() == (202, None)
    assert len(set(roots(twice.region, twice.first, twice.second))) == 2
    # the code is not used by it, and what it told comes true
    done = confirm(twice.region, JOIN, twice.second, code).expect(200)
    assert {**done, "proef": True, "tijdstip": "", "handtekening": ""} == {**told, "tijdstip": "", "handtekening": ""}
    assert twice.fate(waiting) == ("gestopt" if refused else "wachtend")


def test_a_flow_of_which_it_was_sent_something_stands_in_the_preview(twice: Twice) -> None:
    assert twice.reports() == (202, None)
    twice.region.collect(twice.guide)
    twice.refuse()
    code = ask(twice.region, JOIN, twice.first)["code"]
    told = confirm(twice.region, JOIN, twice.second, code, proef=True).expect(200)
    stops = [f["stopt"] for f in told["stromen"] if f["verstrekker"] == twice.at]
    assert stops == [True]


@pytest.mark.parametrize(
    "limit",
    ["nee", "stopverzoek", "beperking", "bezwaar", "afscherming", None],
)
def test_what_stands_of_either_counts_for_both_from_the_commit(twice: Twice, limit: str | None) -> None:
    region, (who, ref) = twice.region, twice.second
    forms: dict[str, tuple[str, str, Any]] = {
        "stopverzoek": ("POST", "stopverzoek", None),
        "beperking": ("PUT", "beperking", {"verstrekkers": [who], "grond": "onrechtmatig"}),
        "bezwaar": ("POST", "bezwaar", {"verstrekkers": [who], "grond": "liever niet"}),
        "afscherming": ("PUT", "afscherming", {"grond": "dreiging", "ontvangers": []}),
    }
    if limit == "nee":
        twice.refuse()
    elif limit is not None:
        method, path, form = forms[limit]
        region.call(who, method, f"/v1/kandidaten/{ref}/{path}", form).expect(200, 201)
    waiting = twice.place()
    told = both(region, JOIN, twice.first, twice.second)
    stops = {f["verstrekker"]: f["stopt"] for f in told["stromen"]}
    assert stops[who] is (limit is not None)
    goes = limit in (None, "afscherming")  # which takes out of it only where the person is
    assert twice.fate(waiting) == ("wachtend" if goes else "gestopt")
    assert region.send(who, twice.placing(twice.one)).status == (202 if goes else 403)
    given = region.collect(twice.at)
    assert ["contact" in event["data"] for event in given] == ([limit is None] * 2 if goes else [])
    assert roots(region, twice.first)[0] == roots(region, twice.second)[0]


def test_what_was_allowed_for_one_is_allowed_for_both_and_each_keeps_its_ref(twice: Twice) -> None:
    region = twice.region
    assert region.send(twice.guide, twice.placing(twice.two)).status == 403
    both(region, JOIN, twice.first, twice.second)
    for person in (twice.one, twice.two):
        region.send(twice.guide, twice.placing(person)).expect(202)
    subjects = {event["subject"] for event in region.collect(twice.at)}
    assert subjects == {twice.one.refs[twice.at]}  # one person, whom the workplace knows already
    assert twice.reports() == (202, None)
    for ref in (twice.first[1], twice.second[1]):
        found = region.call(twice.guide, "GET", f"/v1/toestemmingen?kandidaatRef={ref}").expect(200)["items"]
        assert len(found) == 1  # the one `ja` of the guide, by either ref


def test_two_organisations_join_by_a_code_and_neither_learns_the_others_ref(twice: Twice) -> None:
    region = twice.region
    theirs = GEMEENTE, region.register(GEMEENTE)
    asked = ask(region, JOIN, theirs)
    told = confirm(region, JOIN, twice.first, asked["code"], medewerker=FIRST).expect(200)  # a code of another house
    assert theirs[1] not in str(told) and told["kandidaatRefs"] == [twice.first[1]]
    assert roots(region, theirs)[0] == roots(region, twice.first)[0]
    (mine,), (others,) = listed(region, JOIN, theirs), listed(region, JOIN, twice.first)
    assert (mine["status"], mine["medewerker"], mine["tweedeMedewerker"]) == ("uitgevoerd", FIRST, None)
    assert (others["status"], others["medewerker"], others["tweedeMedewerker"]) == ("uitgevoerd", None, FIRST)
    assert mine["reden"] and others["reden"] is None
    assert twice.first[1] not in str(mine) and theirs[1] not in str(others)


def test_different_bsns_are_told_before_it_is_too_late(region: Region) -> None:
    guide, _ = region.pair()
    mine = guide, region.register(guide, bsn=samples.BSN)
    for bsn, differs in ((samples.BSN, False), (samples.OTHER_BSN, True)):
        other = GEMEENTE_2, region.register(GEMEENTE_2, bsn=bsn)
        code = ask(region, JOIN, other)["code"]
        assert confirm(region, JOIN, mine, code, proef=True).expect(200)["bsnVerschilt"] is differs


def test_messages_of_both_go_on_in_one_line_in_the_order_of_acceptance(twice: Twice, webhook: Webhook) -> None:
    region = twice.region
    region.place(twice.two, twice.at)
    region.allow_reports(twice.two, twice.at)
    region.collect(twice.guide)
    webhook.status = 500
    region.subscribe(twice.guide, webhook.url)
    sent = [region.report(one, twice.at, n) for n in (1, 2) for one in (twice.two, twice.one)]
    for event in sent:
        region.send(twice.at, event).expect(202)
    ids = [event["id"] for event in sent]
    wait_until(lambda: set(ids[:2]) <= {event["id"] for event in webhook.events()}, 20)  # the heads of two lines
    both(region, JOIN, twice.first, twice.second)
    with reading(region.core.engine) as connection:
        open_lines = select(delivery.c.line).where(
            delivery.c.recipient == twice.guide, delivery.c.state.in_([State.WAITING.value, State.RELEASED.value])
        )
        assert set(connection.scalars(open_lines)) == {roots(region, twice.first)[0]}
    wait_until(lambda: _idle(region, twice.guide), 20)
    before = len(webhook.events())
    webhook.status = 200
    region.advance(900)  # past every pause, once: a second jump would end the leases of what is on its way
    region.hub.relay.nudge([Oin(twice.guide)])
    wait_until(lambda: {event["id"] for event in webhook.events()[before:]} == set(ids), 30)
    assert list(dict.fromkeys(event["id"] for event in webhook.events()[before:])) == ids


def _idle(region: Region, who: str) -> bool:
    with reading(region.core.engine) as connection:
        query = select(delivery.c.delivery_id).where(
            delivery.c.recipient == who, delivery.c.state == State.RELEASED.value
        )
        return connection.execute(query).first() is None


# -- who may, and what nobody can find out ----------------------------------------------------------------------------
def told(answer: Any) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


def test_it_takes_two_officers(twice: Twice) -> None:
    code = ask(twice.region, JOIN, twice.first)["code"]
    for same in (FIRST, FIRST.upper()):
        again = confirm(twice.region, JOIN, twice.second, code, medewerker=same)
        assert told(again) == (409, "STAAT_ONGELIJK")
    assert told(confirm(twice.region, JOIN, twice.second, code, medewerker=FIRST, proef=True)) == (
        409,
        "STAAT_ONGELIJK",
    )
    assert len(set(roots(twice.region, twice.first, twice.second))) == 2
    confirm(twice.region, JOIN, twice.second, code, medewerker=SECOND).expect(200)


def test_a_code_is_of_use_once_in_time_and_for_this_alone(twice: Twice) -> None:
    region = twice.region
    stranger = GEMEENTE, region.register(GEMEENTE)
    code = ask(region, JOIN, twice.first)["code"]
    for second, given in (
        (twice.second, "2222-2222-2222"),
        ((twice.guide, "a" * 26), code),
        ((twice.guide, stranger[1]), code),
    ):
        assert told(confirm(region, JOIN, second, given)) == NOT_FOUND
    assert told(confirm(region, "splitsingen", twice.second, code)) == NOT_FOUND
    confirm(region, JOIN, twice.second, code).expect(200)
    assert told(confirm(region, JOIN, twice.second, code)) == NOT_FOUND
    assert told(confirm(region, JOIN, stranger, code)) == NOT_FOUND
    late = ask(region, JOIN, twice.first)["code"]
    region.advance(3_600)
    assert told(confirm(region, JOIN, stranger, late)) == NOT_FOUND
    assert [one["status"] for one in listed(region, JOIN, twice.first)] == ["uitgevoerd", "verlopen"]


def test_who_knows_both_may_say_which_one_is_meant(twice: Twice) -> None:
    region, third = twice.region, (twice.guide, twice.region.register(twice.guide))
    asked = ask(region, JOIN, twice.first, kandidaatRef=twice.second[1])
    assert told(confirm(region, JOIN, third, asked["code"])) == NOT_FOUND
    region.advance(7_200)  # a colleague may be there only tomorrow
    confirm(region, JOIN, twice.second, asked["code"]).expect(200)
    for ref, code in ((twice.second[1], 409), ("a" * 26, 404), (region.register(GEMEENTE), 404)):
        assert asks(region, JOIN, twice.first, kandidaatRef=ref).status == code


def test_a_ref_that_is_not_ones_own_asks_nothing(twice: Twice) -> None:
    for ref in ("a" * 26, twice.region.register(GEMEENTE)):
        assert told(asks(twice.region, JOIN, (twice.guide, ref))) == NOT_FOUND
        assert told(twice.region.call(twice.guide, "GET", f"/v1/kandidaten/{ref}/{JOIN}")) == NOT_FOUND


def recalled(twice: Twice, message_id: str) -> None:
    form = {"reden": "verkeerde-ontvanger"}
    twice.region.call(twice.guide, "POST", f"/v1/berichten/{message_id}/terugroeping", form).expect(200)


def suspended(twice: Twice, message_id: str) -> None:
    twice.region.suspend(twice.at)


def mandate_ended(twice: Twice, message_id: str) -> None:
    twice.region.end_mandate(twice.at)


@pytest.mark.parametrize("undo", [recalled, suspended, mandate_ended, None])
def test_who_asked_must_still_be_there(region: Region, undo: Callable[[Twice, str], None] | None) -> None:
    """The workplace only learned of the person, by a message: it speaks for them as long as it is involved."""
    guide, at = region.pair()
    one = region.candidate(guide)
    region.allow_placing(one, at)
    message_id = region.send(guide, region.placing(one, at)).expect(202)["ontvangstbewijs"]["berichtId"]
    one.refs[at] = region.collect(at)[-1]["subject"]
    twice = Twice(region, one, region.candidate(guide), at)
    code = ask(region, JOIN, (at, one.refs[at]))["code"]
    if undo is not None:
        undo(twice, message_id)
    expected = (200, None) if undo is None else NOT_FOUND
    assert told(confirm(region, JOIN, twice.second, code)) == expected
    if undo is recalled:
        assert told(asks(region, JOIN, (at, one.refs[at]))) == NOT_FOUND


# -- at once ----------------------------------------------------------------------------------------------------------
def test_a_code_that_two_use_at_once_joins_once(region: Region) -> None:
    guide, _ = region.pair()
    for _ in range(5):
        asked, *others = ((guide, region.register(guide)) for _ in range(3))
        code = ask(region, JOIN, asked)["code"]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda one, code=code: confirm(region, JOIN, one, code), others))  # type: ignore[misc]
        assert sorted(answer.status for answer in answers) == [200, 404]
        (won,) = [one for one, answer in zip(others, answers, strict=True) if answer.status == 200]
        (lost,) = set(others) - {won}
        assert roots(region, won) == roots(region, asked) != roots(region, lost)


def test_crosswise_joins_at_once_end_as_one_person(region: Region) -> None:
    """A with B and B with C, at the same time: whichever comes last looks again."""
    guide, _ = region.pair()
    for _ in range(5):
        a, b, c = ((guide, region.register(guide)) for _ in range(3))
        todo = [(b, ask(region, JOIN, a)["code"]), (c, ask(region, JOIN, b)["code"])]
        with ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(lambda one: confirm(region, JOIN, *one), todo))
        assert [answer.status for answer in answers] == [200, 200]
        assert len(set(roots(region, a, b, c))) == 1


def test_nothing_that_the_other_forbids_is_released_after_the_join(region: Region) -> None:
    """Accepting, fetching and joining race: what is released at all was released before the join."""
    guide, at = region.pair()
    stopped = went = 0
    for turn in range(4):
        one, _ = region.reporting(guide, at)
        scene = Twice(region, one, region.candidate(guide), at)
        scene.refuse()
        asked = ask(region, JOIN, scene.first)
        sent: list[str] = []
        begun = threading.Event()

        def offer(scene: Twice = scene, sent: list[str] = sent, turn: int = turn, begun: Any = begun) -> None:
            for number in range(8):
                answer = region.send(at, region.report(scene.one, at, number))
                sent += [answer.json["ontvangstbewijs"]["berichtId"]] if answer.status == 202 else []
                if number == turn % 2:
                    region.fetch(guide)
                if number == 2 + turn:
                    begun.set()

        def join(scene: Twice = scene, code: str = asked["code"], begun: Any = begun) -> Any:
            begun.wait(20)
            return confirm(region, JOIN, scene.second, code)

        with ThreadPoolExecutor(2) as pool:
            racing, joined = pool.submit(offer), pool.submit(join)
            racing.result()
            assert joined.result().status == 200
        assert scene.reports() == (403, "GEEN_GRONDSLAG")
        region.collect(guide)
        with reading(region.core.engine) as connection:
            rows = connection.execute(select(delivery).where(delivery.c.message_id.in_(sent))).all()
            of_it = identity_request.c.request_id == asked["samenvoegingId"]
            done_at = connection.scalars(select(identity_request.c.done_at).where(of_it)).one()
        assert all(row.released_at is None or row.released_at <= done_at for row in rows)
        assert all(row.state == State.STOPPED for row in rows if row.released_at is None)
        stopped += sum(row.released_at is None for row in rows)
        went += sum(row.released_at is not None for row in rows)
    assert went and stopped  # else they did not race
