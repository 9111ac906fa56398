"""Beperking, bezwaar and afscherming: each against everything that a message can be at, and who may do what."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from consent.store.tables import involvement, restriction
from contracts.identity import Oin
from hub.administration.replay import buried_ids, replay_some
from hub.delivery.states import State
from hub.ledger.replay.check import check
from hub.rights.limits.objections import a_month_after
from hub.store.database import reading
from hub.store.persons import limits
from hub.store.tables import delivery
from tests import samples
from tests.partners import Answer, Person, stamp
from tests.region import Region, region_on
from tests.samples import GEMEENTE, GEMEENTE_2, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

NOBODY = "a" * 26
VOORDRACHT = "identiteit bsn contact opleiding inzetbaarheid"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, webhook: Webhook
) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("grens"), [webhook.port]) as made:
        yield made


@dataclass(frozen=True)
class Case:
    """Somebody about whom the workplace ``at`` may report to ``guide``, two fresh parties."""

    region: Region
    webhook: Webhook
    person: Person
    at: str

    @property
    def guide(self) -> str:
        return self.person.guide

    def ref(self, who: str) -> str:
        return self.person.refs[who]

    def send(self) -> tuple[str, str]:
        """A report; its event id and berichtId."""
        event = self.region.report(self.person, self.at)
        receipt = self.region.send(self.at, event).expect(202)["ontvangstbewijs"]
        return event["id"], receipt["berichtId"]

    def refused(self) -> tuple[int, str | None]:
        """How a report of now is answered."""
        answer = self.region.send(self.at, self.region.report(self.person, self.at))
        return answer.status, answer.code

    def state(self, message_id: str) -> State:
        with reading(self.region.hub.engine) as connection:
            return State(connection.scalars(select(delivery.c.state).where(delivery.c.message_id == message_id)).one())

    def tries(self, event_id: str) -> int:
        return sum(event["id"] == event_id for event in self.webhook.events())

    def failed_push(self) -> tuple[str, str]:
        """A report whose first try met a broken webhook."""
        self.webhook.status = 500
        self.region.subscribe(self.guide, self.webhook.url)
        event_id, message_id = self.send()
        wait_until(lambda: self.state(message_id) is State.WAITING and self.tries(event_id) == 1)
        return event_id, message_id

    def retry(self, seconds: float = 30) -> None:
        self.region.advance(seconds)
        self.region.hub.relay.nudge([Oin(self.guide)])

    def buried(self) -> tuple[str, str]:
        """A report that was given up after three days of failing."""
        event_id, message_id = self.failed_push()
        self.retry(4 * 86_400)
        wait_until(lambda: self.state(message_id) is State.BURIED)
        return event_id, message_id

    def replay(self) -> list[str]:
        with reading(self.region.hub.engine) as connection:
            wanted = buried_ids(connection, Oin(self.guide))
        return replay_some(self.region.core.transactions, wanted)

    def notices(self) -> list[dict[str, Any]]:
        """What the guide is told, and acknowledges."""
        return [event for event in self.region.collect(self.guide) if "data" in event and "zaakId" in event["data"]]

    def cases(self, who: str, kind: str, *, is_open: bool | None = None) -> list[dict[str, Any]]:
        query = f"soort={kind}" + ("" if is_open is None else f"&open={str(is_open).lower()}")
        items = self.region.call(who, "GET", f"/v1/zaken?{query}").expect(200)["items"]
        return [one for one in items if one["kandidaatRef"] == self.ref(who)]

    def answer(self, who: str, zaak: str, **form: str) -> Answer:
        return self.region.call(who, "POST", f"/v1/zaken/{zaak}/antwoord", form)


@pytest.fixture
def case(region: Region, webhook: Webhook) -> Case:
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    return Case(region, webhook, person, at)


def restrict(case: Case) -> dict[str, Any]:
    """By the verstrekker."""
    form = {"verstrekkers": [case.at], "grond": "juistheid-betwist"}
    return dict(case.region.call(case.at, "PUT", f"/v1/kandidaten/{case.ref(case.at)}/beperking", form).expect(200))


def restrict_as_receiver(case: Case) -> dict[str, Any]:
    form = {"verstrekkers": [case.at], "ontvangers": [case.guide], "grond": "onrechtmatig"}
    path = f"/v1/kandidaten/{case.ref(case.guide)}/beperking"
    return dict(case.region.call(case.guide, "PUT", path, form).expect(200))


def restrict_purpose(case: Case) -> dict[str, Any]:
    form = {"verstrekkers": [case.at], "doel": "trajectbegeleiding", "grond": "rechtsvordering"}
    return dict(case.region.call(case.at, "PUT", f"/v1/kandidaten/{case.ref(case.at)}/beperking", form).expect(200))


def object_to(case: Case) -> dict[str, Any]:
    form = {"verstrekkers": [case.at], "grond": "Mijn begeleider kent mijn buurman."}
    return dict(case.region.call(case.at, "POST", f"/v1/kandidaten/{case.ref(case.at)}/bezwaar", form).expect(200))


def leave(case: Case) -> dict[str, Any] | None:
    """The control: nothing is limited."""
    return None


Block = Callable[[Case], dict[str, Any] | None]
BLOCKS: list[Block] = [restrict, restrict_as_receiver, restrict_purpose, object_to]


def stopped(block: Block) -> int:
    """How many stopped messages who limits is told of: its own, not what was on its way to it."""
    return 0 if block is restrict_as_receiver else 1


# -- at once, everywhere ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("block", [*BLOCKS, leave])
def test_nothing_new_is_accepted(case: Case, block: Block) -> None:
    block(case)
    assert case.refused() == ((202, None) if block is leave else (403, "GEEN_GRONDSLAG"))


@pytest.mark.parametrize("block", [*BLOCKS, leave])
def test_what_waits_is_stopped(case: Case, block: Block) -> None:
    event_id, message_id = case.send()
    answer = block(case)
    found = {event["id"] for event in case.region.fetch(case.guide)}
    assert (event_id in found) is (block is leave)
    assert case.state(message_id) is (State.DELIVERED if block is leave else State.STOPPED)
    assert answer is None or (answer["gestopt"], answer["verstrekt"]) == (stopped(block), [])


@pytest.mark.parametrize("block", [*BLOCKS, leave])
def test_what_the_mailbox_gave_is_not_given_again(case: Case, block: Block) -> None:
    event_id, message_id = case.send()
    (first,) = case.region.fetch(case.guide)
    answer = block(case)
    again = next(event for event in case.region.fetch(case.guide) if event["sequence"] == first["sequence"])
    if block is leave:
        assert again == first
        return
    assert again["type"] == "nl.doorstroomhub.bericht.ingetrokken.v1" and again["id"] != event_id
    assert answer is not None and [one["berichtId"] for one in answer["verstrekt"]] == [message_id]


@pytest.mark.parametrize("block", [*BLOCKS, leave])
def test_a_push_is_not_tried_again(case: Case, block: Block) -> None:
    event_id, message_id = case.failed_push()
    answer = block(case)
    case.webhook.status = 200
    case.retry()
    expected = State.CONFIRMED if block is leave else State.STOPPED
    wait_until(lambda: case.state(message_id) is expected)
    assert case.tries(event_id) == (2 if block is leave else 1)
    assert answer is None or answer["gestopt"] == stopped(block)


@pytest.mark.parametrize("block", [restrict, object_to, leave])
def test_what_was_buried_is_not_replayed(case: Case, block: Block) -> None:
    event_id, message_id = case.buried()
    block(case)
    before = case.tries(event_id)
    case.webhook.status = 200
    assert len(case.replay()) == 1
    case.region.hub.relay.nudge([Oin(case.guide)])
    expected = State.CONFIRMED if block is leave else State.STOPPED
    wait_until(lambda: case.state(message_id) is expected)
    assert case.tries(event_id) - before == (1 if block is leave else 0)


def test_a_flow_that_is_not_named_goes_on(case: Case) -> None:
    """Another doel, another receiver, the other way round: none of it stands still."""
    for form in (
        {"verstrekkers": [case.at], "doel": "opleiden", "grond": "onrechtmatig"},
        {"verstrekkers": [case.at], "ontvangers": [KRINGLOOP_2], "grond": "onrechtmatig"},
    ):
        case.region.call(case.at, "PUT", f"/v1/kandidaten/{case.ref(case.at)}/beperking", form).expect(200)
    assert case.refused() == (202, None)
    restrict(case)
    assert case.region.send(case.guide, case.region.placing(case.person, case.at)).status == 202


def test_an_involvement_that_is_still_to_begin_shows_nothing(case: Case) -> None:
    """A traject may be opened with a later start: until then the organisation is none of those involved."""
    region, guide, ref = case.region, case.guide, case.ref(case.guide)
    given = region.allow_placing(case.person, case.at, geldigTot=stamp(region.clock.now() + timedelta(days=30)))
    calls = (
        f"/v1/toestemmingen/{given}",
        f"/v1/toestemmingen?kandidaatRef={ref}",
        f"/v1/kandidaten/{ref}/beperking",
        f"/v1/kandidaten/{ref}/afscherming",
    )
    seen = [region.call(guide, "GET", path).status for path in calls]
    own = (involvement.c.organisation == guide) & involvement.c.opened_by.is_(None)
    with region.core.engine.begin() as connection:
        (before,) = connection.scalars(select(involvement.c.valid_from).where(own)).all()
        later = region.clock.now() + timedelta(days=2)
        connection.execute(update(involvement).where(own).values(valid_from=later))
    try:
        unseen = [region.call(guide, "GET", path).status for path in calls]
        listed = region.call(guide, "GET", "/v1/toestemmingen").expect(200)["items"]
        flow = {"verstrekkers": [guide], "ontvangers": [case.at], "grond": "juistheid-betwist"}
        region.call(case.at, "PUT", f"/v1/kandidaten/{case.ref(case.at)}/beperking", flow).expect(200)
        told = region.call(guide, "GET", "/v1/zaken?soort=beperking").expect(200)["items"]
    finally:
        with region.core.engine.begin() as connection:
            connection.execute(update(involvement).where(own).values(valid_from=before))
    assert (seen, unseen) == ([200] * 4, [404] * 4)
    assert given not in [one["id"] for one in listed] and told == []
    # the control: of who takes part the statement is listed
    assert given in [one["id"] for one in region.call(guide, "GET", "/v1/toestemmingen").expect(200)["items"]]


# -- notices, tracked until closed ------------------------------------------------------------------------------------
@pytest.mark.parametrize("block", BLOCKS)
def test_receivers_are_told_and_their_answers_tracked(case: Case, block: Block) -> None:
    event_id, message_id = case.send()
    case.region.collect(case.guide)
    answer = block(case)
    assert answer is not None and answer["handtekening"] and answer["kennisgevingen"] == 1
    assert [one["berichtId"] for one in answer["verstrekt"]] == [message_id]
    (notice,) = case.notices()
    assert notice["type"] == "nl.doorstroomhub.grondslag.vervallen.v1" and notice["data"]["code"] == "beperking"
    assert [one["id"] for one in notice["data"]["berichten"]] == [event_id]
    # the verstrekker sees that it is open, under an id of its own
    (open_one,) = case.cases(case.at, "grondslag.vervallen", is_open=True)
    (asked,) = case.cases(case.guide, "grondslag.vervallen", is_open=True)
    assert asked["id"] == notice["data"]["zaakId"] and open_one["id"] != asked["id"]
    assert (open_one["gevraagd"], open_one["verstrekker"]) == (case.guide, case.at)
    assert case.answer(case.at, open_one["id"], antwoord="gestopt").status == 404  # only who is asked answers
    assert case.answer(case.at, asked["id"], antwoord="gestopt").status == 404
    case.answer(case.guide, asked["id"], antwoord="behouden-eigen-grondslag", grond="AVG 6(1)(c)").expect(200)
    assert case.cases(case.at, "grondslag.vervallen", is_open=True) == []
    (closed,) = case.cases(case.at, "grondslag.vervallen", is_open=False)
    assert (closed["antwoord"], closed["toelichting"]) == ("behouden-eigen-grondslag", "AVG 6(1)(c)")


@pytest.mark.parametrize("block", BLOCKS)
def test_a_repeat_tells_the_same_again(case: Case, block: Block) -> None:
    case.send()
    case.region.collect(case.guide)
    case.send()
    first, again = block(case), block(case)
    assert first is not None and again is not None
    assert (first["gestopt"], len(first["verstrekt"]), first["kennisgevingen"]) == (stopped(block), 1, 1)
    assert {**again, "handtekening": ""} == {**first, "handtekening": ""}
    assert len(case.notices()) == 1


def test_the_verstrekker_is_told_what_its_receiver_restricted(case: Case) -> None:
    case.send()
    restrict_as_receiver(case)
    (told,) = case.cases(case.at, "beperking")
    assert told["geslotenOp"] and told["verstrekker"] == case.at and told["oorzaak"] is None
    assert case.answer(case.at, told["id"], antwoord="gestopt").status == 400  # it only tells


# -- beperking ends ---------------------------------------------------------------------------------------------------
def path_of(case: Case, who: str, what: str = "beperking") -> str:
    return f"/v1/kandidaten/{case.ref(who)}/{what}"


def test_who_recorded_a_beperking_lifts_it(case: Case) -> None:
    _, before = case.send()
    case.region.collect(case.guide)
    _, stopped = case.send()
    restrict(case)
    case.notices()
    assert case.region.call(case.guide, "DELETE", path_of(case, case.guide)).status == 404  # not its own
    assert case.refused() == (403, "GEEN_GRONDSLAG")
    (asked,) = case.cases(case.guide, "grondslag.vervallen", is_open=True)
    case.region.call(case.at, "DELETE", path_of(case, case.at)).expect(204)
    assert case.refused() == (202, None)
    assert case.state(stopped) is State.STOPPED  # what was stopped stays stopped
    told = [n for n in case.notices() if n["data"]["code"] == "beperking-opgeheven"]
    assert len(told) == 1 and len(told[0]["data"]["berichten"]) == 1
    (lifted,) = [one for one in case.cases(case.guide, "grondslag.vervallen") if one["id"] == told[0]["data"]["zaakId"]]
    assert lifted["geslotenOp"]  # nothing is asked
    assert case.cases(case.guide, "grondslag.vervallen", is_open=True) == []  # and what was asked is so no longer
    assert case.answer(case.guide, asked["id"], antwoord="gestopt").status == 409
    assert case.region.call(case.at, "DELETE", path_of(case, case.at)).status == 404
    (found,) = case.region.call(case.at, "GET", path_of(case, case.at)).expect(200)["items"]
    assert found["grond"] == "juistheid-betwist" and found["opgehevenOp"]
    assert before


def test_lifting_one_frees_only_what_no_other_holds(case: Case) -> None:
    case.send()
    case.region.collect(case.guide)
    first, _ = restrict(case), restrict_as_receiver(case)
    case.notices()
    path = f"{path_of(case, case.at)}?id={first['beperkingId']}"
    case.region.call(case.at, "DELETE", path).expect(204)
    assert case.refused() == (403, "GEEN_GRONDSLAG") and case.notices() == []
    case.region.call(case.guide, "DELETE", path_of(case, case.guide)).expect(204)
    assert case.refused() == (202, None)
    assert [n["data"]["code"] for n in case.notices()] == ["beperking-opgeheven"]


def test_a_narrower_beperking_beside_it_frees_nothing(case: Case) -> None:
    restrict(case)
    form = {"verstrekkers": [case.at], "doel": "opleiden", "grond": "juistheid-betwist"}
    case.region.call(case.at, "PUT", path_of(case, case.at), form).expect(200)
    assert case.refused() == (403, "GEEN_GRONDSLAG")
    assert len(case.region.call(case.at, "GET", path_of(case, case.at)).expect(200)["items"]) == 2


# -- bezwaar: a month, an outcome, a motivation -----------------------------------------------------------------------
def test_a_rejected_bezwaar_needs_a_motivation_and_lets_the_flow_run(case: Case) -> None:
    case.send()
    case.region.collect(case.guide)
    filed = object_to(case)
    case.notices()
    (asked,) = case.cases(case.at, "bezwaar", is_open=True)
    assert len(case.cases(case.guide, "grondslag.vervallen", is_open=True)) == 1
    (part,) = filed["bezwaren"]
    assert part["verstrekker"] == case.at and part["uiterlijkOp"] == asked["uiterlijkOp"]
    assert asked["bezwaar"] == {"verstrekkers": [case.at], "grond": "Mijn begeleider kent mijn buurman."}
    answer = case.answer(case.at, asked["id"], antwoord="afgewezen")
    assert (answer.status, answer.json["velden"][0]["naam"]) == (400, "motivering")
    assert case.refused() == (403, "GEEN_GRONDSLAG")
    case.answer(case.at, asked["id"], antwoord="afgewezen", motivering="De taak weegt zwaarder.").expect(200)
    assert case.refused() == (202, None)
    assert [n["data"]["code"] for n in case.notices()] == ["beperking-opgeheven"]
    assert case.cases(case.guide, "grondslag.vervallen", is_open=True) == []
    (known,) = case.region.call(case.at, "GET", path_of(case, case.at, "bezwaar")).expect(200)["items"]
    assert (known["uitkomst"], known["motivering"]) == ("afgewezen", "De taak weegt zwaarder.")
    assert case.answer(case.at, asked["id"], antwoord="gehonoreerd").status == 409


def test_a_bezwaar_is_weighed_by_each_verstrekker_for_itself(case: Case) -> None:
    """The receiver brings it against two verstrekkers; each has its own zaak, and neither can answer the other's."""
    form = {"verstrekkers": [case.at, KRINGLOOP], "ontvangers": [case.guide], "grond": "x"}
    filed = case.region.call(case.guide, "POST", path_of(case, case.guide, "bezwaar"), form).expect(200)
    assert {one["verstrekker"] for one in filed["bezwaren"]} == {case.at, KRINGLOOP}
    assert case.refused() == (403, "GEEN_GRONDSLAG")
    (asked,) = case.cases(case.at, "bezwaar")
    for who in (case.guide, KRINGLOOP):
        assert case.answer(who, asked["id"], antwoord="gehonoreerd").status == 404
    for wrong in ("bevestigd", "gestopt"):
        assert case.answer(case.at, asked["id"], antwoord=wrong).status == 400
    case.answer(case.at, asked["id"], antwoord="afgewezen", motivering="nodig").expect(200)
    assert case.refused() == (202, None)


def presented(region: Region, guide: str) -> Callable[[], Answer]:
    """A gemeente that presents somebody to ``guide`` on a grondslag of its own; sends one at each call."""
    name = f"voordracht-{guide}"
    region.ground(
        name, (f"gemeente-{guide}", "kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf", VOORDRACHT)
    )
    ref = region.register(GEMEENTE)
    trajectory = region.open_trajectory(GEMEENTE, ref)
    data = samples.voorgedragen(ref)
    data["traject"]["trajectId"] = trajectory

    def present() -> Answer:
        return region.send(GEMEENTE, region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=guide))

    present.ref = ref  # type: ignore[attr-defined]
    return present


@pytest.mark.parametrize("outcome", ["gehonoreerd", "afgewezen"])
def test_an_upheld_bezwaar_closes_the_grondslag_for_good(case: Case, outcome: str) -> None:
    region, guide = case.region, case.guide
    present = presented(region, guide)
    present().expect(202)
    region.collect(guide)
    ref: str = present.ref  # type: ignore[attr-defined]
    form = {"verstrekkers": [GEMEENTE], "doel": "toeleiding", "grond": "Ik doe dit liever zelf."}
    region.call(GEMEENTE, "POST", f"/v1/kandidaten/{ref}/bezwaar", form).expect(200)
    assert present().code == "GEEN_GRONDSLAG"
    assert [n["data"]["code"] for n in case.notices()] == ["beperking"]
    asked = [
        one
        for one in region.call(GEMEENTE, "GET", "/v1/zaken?soort=bezwaar&open=true").expect(200)["items"]
        if one["kandidaatRef"] == ref
    ]
    answer = {"antwoord": outcome, "motivering": "Afgewogen."}
    region.call(GEMEENTE, "POST", f"/v1/zaken/{asked[0]['id']}/antwoord", answer).expect(200)
    codes = [n["data"]["code"] for n in case.notices()]
    if outcome == "afgewezen":
        assert present().status == 202 and codes == ["beperking-opgeheven"]
        return
    assert codes == ["bezwaar"] and present().code == "GEEN_GRONDSLAG"
    # a new grondslag of the same flow reopens nothing either
    again = (f"gemeente-{guide}", "kandidaat.voorgedragen", "toeleiding", "gemeente", "ontwikkelbedrijf", VOORDRACHT)
    region.ground(f"opnieuw-{guide}", again)
    assert present().code == "GEEN_GRONDSLAG"


def test_an_upheld_bezwaar_leaves_what_rests_on_consent(case: Case) -> None:
    """It closes a grondslag; whoever said yes may go on saying yes."""
    case.send()
    case.region.collect(case.guide)
    object_to(case)
    case.notices()
    (asked,) = case.cases(case.at, "bezwaar")
    case.answer(case.at, asked["id"], antwoord="gehonoreerd").expect(200)
    assert [n["data"]["code"] for n in case.notices()] == ["beperking-opgeheven"]
    assert case.refused() == (202, None)
    ref = case.person.refs[case.at]
    seen = case.region.call(case.at, "GET", f"/v1/kandidaten/{ref}/inzage?limiet=100").expect(200)
    told = {one["code"]: one["grondslagen"][0]["artikel"] for one in seen["berichten"] if "code" in one}
    assert told == {"beperking": "18", "beperking-opgeheven": "18"}  # not a withdrawal of consent
    assert {one["code"] for one in seen["zaken"] if "code" in one} == told.keys()


def test_a_month_is_a_month() -> None:
    at = datetime(2027, 1, 31, 10, tzinfo=UTC)
    assert a_month_after(at) == datetime(2027, 2, 28, 10, tzinfo=UTC)
    assert a_month_after(datetime(2026, 12, 5, tzinfo=UTC)) == datetime(2027, 1, 5, tzinfo=UTC)


# -- who may ----------------------------------------------------------------------------------------------------------
def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code


LIMITING = [("PUT", "beperking", "onrechtmatig"), ("POST", "bezwaar", "reden")]


@pytest.mark.parametrize(("method", "what", "reason"), LIMITING)
def test_only_own_flows(case: Case, method: str, what: str, reason: str) -> None:
    """Another's flows, or own ones together with another's: a fact about the caller, so the code is exact."""
    region = case.region
    for flows in (
        {"verstrekkers": [case.guide]},
        {"verstrekkers": [case.at, case.guide]},
        {"verstrekkers": [case.guide], "ontvangers": [case.at, KRINGLOOP]},
        {"verstrekkers": [KRINGLOOP], "ontvangers": [KRINGLOOP_2]},
    ):
        for ref in (case.ref(case.at), NOBODY):
            answer = region.call(case.at, method, f"/v1/kandidaten/{ref}/{what}", flows | {"grond": reason})
            assert told(answer) == (403, "HANDELING_NIET_TOEGESTAAN")
    unknown = {"verstrekkers": ["00000099000000077000"], "ontvangers": [case.at], "grond": reason}
    for ref in (case.ref(case.at), NOBODY):
        assert region.call(case.at, method, f"/v1/kandidaten/{ref}/{what}", unknown).status == 400
    assert case.refused() == (202, None)


def acts(who: str) -> list[tuple[str, str, dict[str, Any] | None]]:
    """Every act on a person, as ``who`` does it on flows of its own."""
    own = {"verstrekkers": [who]}
    return [
        ("PUT", "beperking", own | {"grond": "onrechtmatig"}),
        ("DELETE", "beperking", None),
        ("GET", "beperking", None),
        ("POST", "bezwaar", own | {"grond": "reden"}),
        ("GET", "bezwaar", None),
        ("PUT", "afscherming", {"grond": "dreiging", "ontvangers": []}),
        ("GET", "afscherming", None),
        ("POST", "afscherming/opheffing", {"medewerker": "m-1"}),
    ]


def test_who_is_not_involved_learns_nothing(case: Case) -> None:
    """Nobody's ref, another's ref, a ref of one's own with no involvement: one answer to the last byte."""
    region = case.region
    registered = region.register(GEMEENTE_2)
    for method, what, form in acts(GEMEENTE_2):
        bodies = set()
        for ref in (NOBODY, case.ref(case.at), registered):
            answer = region.call(GEMEENTE_2, method, f"/v1/kandidaten/{ref}/{what}", form)
            assert told(answer) == (404, "NIET_GEVONDEN"), (method, what)
            bodies.add(answer.body.replace(answer.json["instance"].encode(), b""))
        assert len(bodies) == 1, (method, what)
    assert case.refused() == (202, None)


def test_the_scope_is_asked(case: Case) -> None:
    party = case.region.parties[case.at]
    party.limit("berichten:versturen toestemmingen:lezen")
    for method, what, form in acts(case.at):
        answer = case.region.call(case.at, method, path_of(case, case.at, what), form)
        assert (answer.status == 200) if method == "GET" else (answer.code == "SCOPE_ONTBREEKT")
    party.limit("")
    assert case.refused() == (202, None)


# -- afscherming ------------------------------------------------------------------------------------------------------
WHEREABOUTS = {"leerbedrijf", "contact"}


def shield(case: Case, *receivers: str, who: str | None = None, reason: str = "dreiging") -> Answer:
    who = who or case.guide
    form = {"grond": reason, "ontvangers": list(receivers)}
    return case.region.call(who, "PUT", path_of(case, who, "afscherming"), form)


def lift(case: Case, employee: str, *receivers: str) -> Answer:
    form = {"medewerker": employee} | ({"ontvangers": list(receivers)} if receivers else {})
    return case.region.call(case.guide, "POST", path_of(case, case.guide, "afscherming/opheffing"), form)


def at_school(case: Case) -> None:
    """The school may be told of placements; it is not where the person is placed."""
    region, guide = case.region, case.guide
    region.agree(f"{guide}-mbo", (guide, MBO), "leerwerkplek.geplaatst", "opleiden")
    categories = "identiteit contact leervoortgang inzetbaarheid"
    region.consent(guide, case.ref(guide), [MBO], "opleiden", categories)


def places(case: Case) -> str:
    """The school is told of the placement; the berichtId."""
    data = samples.geplaatst(case.ref(case.guide), plaatsing=f"plaatsing-{case.at[-6:]}")
    event = case.region.event(case.guide, "leerwerkplek.geplaatst", case.ref(case.guide), data, ontvanger=MBO)
    sent = case.region.send(case.guide, event).expect(202)
    return str(sent["ontvangstbewijs"]["berichtId"])


def arrived(case: Case) -> dict[str, Any]:
    return dict(case.region.collect(MBO)[-1]["data"])


def test_whereabouts_reach_only_who_is_named(case: Case) -> None:
    at_school(case)
    places(case)
    assert arrived(case).keys() >= WHEREABOUTS  # the control
    shield(case, GEMEENTE).expect(200)
    places(case)
    found = arrived(case)
    assert not WHEREABOUTS & found.keys() and "Kim" not in str(found) and found["kandidaat"]
    shield(case).expect(200)  # narrower: at once
    assert told(shield(case, MBO)) == (409, "STAAT_ONGELIJK")  # wider: two employees
    assert lift(case, "m-1", MBO).status == 202
    places(case)
    assert not WHEREABOUTS & arrived(case).keys()
    assert lift(case, "m-2", MBO).status == 200
    places(case)
    assert arrived(case).keys() >= WHEREABOUTS


def test_what_waits_loses_the_whereabouts_at_once(case: Case) -> None:
    at_school(case)
    message = places(case)
    answer = shield(case).expect(200)
    assert answer["handtekening"] and answer["gestopt"] == 0
    assert not WHEREABOUTS & arrived(case).keys()
    assert case.region.fate(case.guide, message) == {MBO: "bevestigd"}


def test_who_has_the_whereabouts_already_is_named(case: Case) -> None:
    at_school(case)
    message = places(case)
    arrived(case)
    answer = shield(case, case.at).expect(200)
    assert [(one["berichtId"], one["ontvanger"]) for one in answer["verstrekt"]] == [(message, MBO)]
    assert answer["kennisgevingen"] == 0  # a notice would say that somebody is in hiding
    again = shield(case, case.at).expect(200)
    assert {**again, "handtekening": ""} == {**answer, "handtekening": ""}


def test_what_was_kept_once_is_kept_in_every_later_attempt(case: Case) -> None:
    """Given without whereabouts and not acknowledged; after the lifting it comes again, with no more than before."""
    at_school(case)
    case.region.collect(MBO)
    shield(case).expect(200)
    places(case)
    (first,) = case.region.fetch(MBO)[-1:]
    assert lift(case, "m-1").status == 202 and lift(case, "m-2").status == 200
    (again,) = case.region.fetch(MBO)[-1:]
    assert again == first and not WHEREABOUTS & again["data"].keys()
    case.region.collect(MBO)
    places(case)
    assert arrived(case).keys() >= WHEREABOUTS  # a new message bears them again


def test_lifting_takes_two_employees(case: Case) -> None:
    at_school(case)
    shield(case).expect(200)
    assert lift(case, "m-1").status == 202
    assert told(lift(case, "m-1")) == (409, "STAAT_ONGELIJK")
    (found,) = case.region.call(case.guide, "GET", path_of(case, case.guide, "afscherming")).expect(200)["items"]
    assert found["opheffingGevraagdOp"] and found["opgehevenOp"] is None
    places(case)
    assert not WHEREABOUTS & arrived(case).keys()
    assert lift(case, "m-2").json == {"status": "opgeheven"}
    assert told(lift(case, "m-3")) == (404, "NIET_GEVONDEN")
    assert case.region.call(case.guide, "POST", path_of(case, case.guide, "afscherming/opheffing"), {}).status == 400


def test_another_organisation_does_not_lift_it(case: Case) -> None:
    """Each involved organisation may shield; two shields leave only whom both name."""
    at_school(case)
    shield(case, MBO, who=case.at).expect(200)
    shield(case).expect(200)
    for employee in ("m-1", "m-2"):
        lift(case, employee)
    places(case)
    assert arrived(case).keys() >= WHEREABOUTS
    form = {"grond": "geheim-adres", "ontvangers": []}
    case.region.call(case.at, "PUT", path_of(case, case.at, "afscherming"), form).expect(200)
    for employee in ("m-1", "m-2"):
        assert told(lift(case, employee)) == (404, "NIET_GEVONDEN")
    places(case)
    assert not WHEREABOUTS & arrived(case).keys()


def test_while_shielded_a_ja_names_one_receiver(case: Case) -> None:
    at_school(case)
    scope = {"ontvangers": [MBO, ONTWIKKELBEDRIJF], "doelen": ["opleiden"], "categorieen": ["contact"]}
    ref = case.ref(case.guide)
    assert case.region.statement(case.guide, ref, **scope).status == 201  # the control
    shield(case).expect(200)
    answer = case.region.statement(case.guide, ref, **scope)
    assert (answer.status, answer.json["velden"][0]["naam"]) == (400, "ontvangers")
    assert case.region.statement(case.guide, ref, **(scope | {"ontvangers": [MBO]})).status == 201
    # a refusal is never hindered
    assert case.region.statement(case.guide, ref, **(scope | {"keuze": "nee"})).status == 201


def test_while_shielded_only_a_ja_with_one_receiver_is_confirmed(case: Case) -> None:
    """It was recorded by a receiver before the shield; the verstrekker confirms after it."""
    region, ref = case.region, case.ref(case.guide)
    scope = {"verstrekkers": [case.at], "doelen": ["opleiden"], "categorieen": ["contact"]}

    def asked(*receivers: str) -> str:
        return str(region.statement(case.guide, ref, **scope, ontvangers=list(receivers)).expect(201)["id"])

    def confirm(statement: str) -> Answer:
        return region.call(case.at, "POST", f"/v1/toestemmingen/{statement}/bevestiging")

    before, wide, narrow = asked(MBO, case.guide), asked(MBO, case.guide), asked(MBO)
    confirm(before).expect(200)
    shield(case).expect(200)
    answer = confirm(wide)
    (field,) = answer.json["velden"]
    assert (answer.status, field["naam"], field["code"]) == (400, "ontvangers", "AFGESCHERMD")
    assert "per ontvanger een nieuwe verklaring" in field["reden"]
    found = region.call(case.at, "GET", f"/v1/toestemmingen/{wide}").expect(200)
    assert (found["status"], found["bevestigd"]) == ("te-bevestigen", [])
    assert confirm(narrow).expect(200)["status"] == "gegeven"  # the control
    confirm(before).expect(200)  # a repeat puts nothing in force
    for employee in ("m-1", "m-2"):
        lift(case, employee)
    assert confirm(wide).expect(200)["status"] == "gegeven"


# -- a crash at the commit --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("block", "write"), [(restrict, "add_restriction"), (object_to, "add_objection")])
def test_a_crash_at_the_commit_leaves_all_of_it_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: Block, write: str, when: str
) -> None:
    webhook = Webhook()
    own = Region(tmp_path, None, [webhook.port])
    try:
        guide, at = own.pair()
        person, _ = own.reporting(guide, at)
        case = Case(own, webhook, person, at)
        case.send()
        own.collect(guide)
        case.send()
        for part in (own.hub.log_keeper, own.hub.relay, own.hub.push):
            part.stop()  # so that no other commit meets the fault
        add = getattr(limits, write)

        def armed(*given: Any) -> None:
            own.faults.arm("commit", when)
            add(*given)

        with monkeypatch.context() as patch, pytest.raises(AssertionError, match="500"):
            patch.setattr(limits, write, armed)
            block(case)
        own.faults.disarm()
        events = own.fetch(guide, after=1)
        assert [("code" in event["data"]) for event in events] == ([False] if when == "before" else [True])
        answer = block(case)  # asked again, it is done, or told again
        assert answer is not None and len(answer["verstrekt"]) == (2 if when == "before" else 1)
        assert case.refused() == (403, "GEEN_GRONDSLAG")
    finally:
        own.stop()
        webhook.close()


# -- the log ----------------------------------------------------------------------------------------------------------
def test_the_log_tells_all_of_it(case: Case) -> None:
    """Replayed, the log of every test before this one gives the tables as they stand, and every release its ground."""
    region = case.region
    restrict(case)
    region.call(case.at, "DELETE", path_of(case, case.at)).expect(204)
    region.wait_signed()
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        report, _ = check(connection, region.core.key_store)
        connection.execute(update(restriction).values(ended_at=None))
        changed, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert report.findings == []
    assert changed.findings  # the control
