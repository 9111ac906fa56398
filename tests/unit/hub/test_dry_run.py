"""“Mag dit?”: what a dry run tells, to whom, how often; and that it leaves nothing behind but its entry in the log."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from consent.decision import Decision, Outcome, Step
from contracts.errors import RefusalCode
from contracts.identity import Oin
from hub.access.tokens import Grant, issue
from hub.gate.dry_run import Allowance, Checked
from tests import samples
from tests.partners import EVENT, SCOPES, Answer, Person
from tests.region import Region
from tests.samples import CERTIFICEERDER, GEMEENTE, KRINGLOOP, KRINGLOOP_2, ONTWIKKELBEDRIJF

LADDER = ["organisaties", "soort", "afspraak", "grondslag", "logboek"]
PATH = "/v1/vooraf-controles"
AT = datetime(2026, 11, 26, tzinfo=UTC)


class Hand:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Any:
        raise AssertionError("an allowance is counted in monotonic time")

    def monotonic(self) -> float:
        return self.seconds


# -- how often --------------------------------------------------------------------------------------------------------
def test_an_allowance_gives_its_burst_and_then_its_rate() -> None:
    clock = Hand()
    allowance = Allowance(clock, burst=3, per_second=0.5)
    one, other = Oin(GEMEENTE), Oin(KRINGLOOP)
    assert [allowance.take(one) for _ in range(4)] == [0, 0, 0, 2.0]
    assert allowance.take(other) == 0  # each organisation has its own
    clock.seconds = 1.0
    assert allowance.take(one) == 1.0  # asking in vain costs nothing
    clock.seconds = 2.0
    assert allowance.take(one) == 0
    assert allowance.take(one) == 2.0


def test_an_allowance_never_grows_beyond_its_burst() -> None:
    clock = Hand()
    allowance = Allowance(clock, burst=2, per_second=1)
    allowance.take(Oin(GEMEENTE))
    clock.seconds = 10_000.0
    assert [allowance.take(Oin(GEMEENTE)) > 0 for _ in range(3)] == [False, False, True]


# -- what is told -----------------------------------------------------------------------------------------------------
def decision(outcome: Outcome, code: RefusalCode | None = None) -> Decision:
    names = ("organisaties", "soort", "afspraak", "betrokkenheid", "categorieen", "bsn", "logboek")
    failed = {"categorieen"} if code is not None else set()
    steps = tuple(Step(n, n not in failed, code if n in failed else None, "geheim") for n in names)
    return Decision(outcome, code, frozenset(), frozenset(), {}, steps)


def test_of_a_recipient_that_was_not_named_a_refusal_is_not_told() -> None:
    refused = (Oin(KRINGLOOP), decision(Outcome.STOPPED, RefusalCode.GEEN_GRONDSLAG))
    allowed = (Oin(ONTWIKKELBEDRIJF), decision(Outcome.ALLOWED))
    assert Checked(False, (refused, allowed), None, AT).told == (allowed,)
    assert Checked(True, (refused,), None, AT).told == (refused,)
    assert Checked(False, (refused,), None, AT).steps == Checked(False, (), None, AT).steps
    assert Checked(False, (refused,), None, AT).outcome is Outcome.STOPPED
    assert Checked(False, (refused, allowed), None, AT).outcome is Outcome.ALLOWED


def test_no_step_that_is_told_bears_an_inner_reason() -> None:
    refused = (Oin(KRINGLOOP), decision(Outcome.STOPPED, RefusalCode.GEEN_GRONDSLAG))
    for checked in (Checked(True, (refused,), None, AT),):
        assert [step.reason for step in checked.steps] == [""] * len(LADDER)


# -- over the wire ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    made = Region(tmp_path_factory.mktemp("mag-dit") / "hub")
    yield made
    made.stop()


@pytest.fixture(autouse=True)
def _time_passes(region: Region) -> None:
    """So that no test is refused for what another asked."""
    region.advance(30)


def ask(region: Region, who: str, event: dict[str, Any], scopes: str = SCOPES) -> Answer:
    """A question with a token of exactly these scopes."""
    party = region.parties[who]
    grant = Grant(party.system, Oin(who), frozenset(scopes.split()))
    token = issue(region.hub.keyring.token_key, region.settings.base_url, grant, region.clock.now(), uuid.uuid4().hex)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": EVENT}
    return region.request("POST", PATH, samples.raw(event), headers)


def steps(answer: dict[str, Any]) -> dict[str, str | None]:
    return {step["naam"]: step["code"] for step in answer["stappen"]}


def kept(region: Region) -> dict[str, int]:
    tables = ("message", "message_key", "delivery", "placement", "involvement", "ledger_payload")
    with region.core.engine.connect() as connection:
        return {t: connection.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables}


def test_what_would_go_is_told_and_not_sent(region: Region) -> None:
    person, statement = region.reporting()
    before = kept(region)
    answer = ask(region, KRINGLOOP, region.report(person)).expect(200)
    assert answer["uitkomst"] == "toegestaan" and answer["watOntbreekt"] == []
    assert steps(answer) == dict.fromkeys(LADDER)
    assert all(step["geslaagd"] for step in answer["stappen"])
    assert [(b["ontvanger"], b["uitkomst"]) for b in answer["besluiten"]] == [(ONTWIKKELBEDRIJF, "toegestaan")]
    assert kept(region) == before | {"ledger_payload": before["ledger_payload"] + 1}
    assert not [e for e in region.fetch(ONTWIKKELBEDRIJF) if e["type"].endswith("voortgang.gemeld.v1")]
    named = ask(region, KRINGLOOP, region.report(person, ontvanger=ONTWIKKELBEDRIJF)).expect(200)
    assert {one["toestemmingId"] for one in named["toelichting"]} == {statement}
    assert {one["werking"] for one in named["toelichting"]} == {"geldt"}


def test_the_answer_is_that_of_sending(region: Region) -> None:
    """The same facts, the same gate: what is told beforehand is what happens."""
    person = region.candidate()
    region.place(person)
    for grant in (False, True):
        if grant:
            region.allow_reports(person)
        event = region.report(person, ontvanger=ONTWIKKELBEDRIJF)
        told = ask(region, KRINGLOOP, event).expect(200)
        sent = region.send(KRINGLOOP, event)
        assert (sent.status == 202) == (told["uitkomst"] != "tegengehouden") == grant
        decided = sent.json["ontvangstbewijs"]["besluiten"] if grant else sent.json["besluiten"]
        assert told["besluiten"] == decided


def test_data_may_be_left_out(region: Region) -> None:
    person, _ = region.reporting()
    event = {k: v for k, v in region.report(person).items() if k != "data"}
    assert ask(region, KRINGLOOP, event).expect(200)["uitkomst"] == "toegestaan"
    assert ask(region, KRINGLOOP, event | {"subject": samples.REF}).expect(200)["uitkomst"] == "tegengehouden"


def test_what_concerns_the_caller_is_exact(region: Region) -> None:
    """And the step about the person is then left out: it would tell what is none of the caller's business."""
    person = region.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    to_stranger = region.event(
        ONTWIKKELBEDRIJF, "goed-werknemerschap.aangevraagd", ref, samples.gw_aangevraagd(), ontvanger=CERTIFICEERDER
    )
    answer = ask(region, ONTWIKKELBEDRIJF, to_stranger).expect(200)
    assert steps(answer)["afspraak"] == "AFSPRAAK_ONTBREEKT" and "grondslag" not in steps(answer)
    assert answer["watOntbreekt"] == ["Tussen u en deze ontvanger is geen uitwisselafspraak van kracht."]
    own_kind = region.event(
        GEMEENTE, "dagbesteding.deelname-gemeld", ref, samples.deelname(), ontvanger=ONTWIKKELBEDRIJF
    )
    assert steps(ask(region, GEMEENTE, own_kind).expect(200))["soort"] == "SOORT_NIET_TOEGESTAAN"
    nobody = region.event(CERTIFICEERDER, "voortgang.gemeld", ref, samples.voortgang(), doel="trajectbegeleiding")
    assert steps(ask(region, CERTIFICEERDER, nobody).expect(200)) == {"afspraak": "GEEN_ONTVANGER"}


def test_a_refusal_about_the_person_is_one_shape(region: Region) -> None:
    """Asked without the scope to see statements: unknown, never asked, refused and withdrawn are one answer."""
    asked = region.candidate()
    refused = region.candidate()
    ref = refused.refs[ONTWIKKELBEDRIJF]
    region.statement(ONTWIKKELBEDRIJF, ref, keuze="nee", verstrekkers=None, geldigTot=None).expect(201)
    found = set()
    for one in (samples.REF, asked.refs[ONTWIKKELBEDRIJF], ref):
        event = region.event(
            ONTWIKKELBEDRIJF, "leerwerkplek.geplaatst", one, samples.geplaatst(one), ontvanger=KRINGLOOP
        )
        answer = ask(region, ONTWIKKELBEDRIJF, event, "berichten:versturen")
        found.add(answer.body)
    (body,) = found
    told = json.loads(body)
    assert told["uitkomst"] == "tegengehouden" and "toelichting" not in told
    assert steps(told) == dict.fromkeys(LADDER) | {"grondslag": "GEEN_GRONDSLAG"}
    assert told["watOntbreekt"] == ["Er is geen grondslag of toestemming om dit over deze persoon te delen."]


def nearly(region: Region) -> Person:
    """Placed, with a statement of the kringloop for another doel than it reports for."""
    person = region.candidate()
    region.place(person)
    region.consent(KRINGLOOP, person.refs[KRINGLOOP], [ONTWIKKELBEDRIJF], "opleiden", "leervoortgang")
    return person


def test_own_statements_are_explained_with_the_scope_to_see_them(region: Region) -> None:
    person = nearly(region)
    event = region.report(person, ontvanger=ONTWIKKELBEDRIJF)
    answer = ask(region, KRINGLOOP, event).expect(200)
    near = [one for one in answer["toelichting"] if one["categorie"] == "leervoortgang"]
    assert [(one["werking"], one["verschilt"]) for one in near] == [("bijna", ["doel"])]
    assert "toelichting" not in ask(region, KRINGLOOP, event, "berichten:versturen").expect(200)
    unnamed = ask(region, KRINGLOOP, region.report(person)).expect(200)
    assert unnamed["toelichting"] == []


def test_a_statement_of_another_is_never_explained(region: Region) -> None:
    """The ontwikkelbedrijf recorded the `nee`: the kringloop is told that it may not, and no more."""
    person, own = region.reporting()
    ref = person.refs[ONTWIKKELBEDRIJF]
    no = region.statement(ONTWIKKELBEDRIJF, ref, keuze="nee", verstrekkers=None, geldigTot=None).expect(201)["id"]
    answer = ask(region, KRINGLOOP, region.report(person, ontvanger=ONTWIKKELBEDRIJF))
    assert answer.expect(200)["uitkomst"] == "tegengehouden"
    assert no not in answer.body.decode()
    assert {one["toestemmingId"] for one in answer.json["toelichting"]} <= {own}


def test_own_refusal_is_explained(region: Region) -> None:
    person, yes = region.reporting()
    ref = person.refs[KRINGLOOP]
    no = region.statement(KRINGLOOP, ref, keuze="nee", verstrekkers=None, geldigTot=None).expect(201)["id"]
    answer = ask(region, KRINGLOOP, region.report(person, ontvanger=ONTWIKKELBEDRIJF)).expect(200)
    assert {(one["toestemmingId"], one["werking"]) for one in answer["toelichting"]} == {(no, "nee"), (yes, "gesloten")}
    assert {one["door"] for one in answer["toelichting"]} == {None, no}


def test_another_may_not_be_asked_for(region: Region) -> None:
    person, _ = region.reporting()
    answer = ask(region, KRINGLOOP_2, region.report(person))
    assert (answer.status, answer.code) == (403, "AFZENDER_ONGELIJK")


def test_asking_too_often_is_429_with_retry_after(tmp_path: Any) -> None:
    """One organisation's questions do not use up another's; and time gives it back."""
    region = Region(tmp_path / "hub")
    event = region.event(KRINGLOOP, "voortgang.gemeld", samples.REF, samples.voortgang(), doel="trajectbegeleiding")
    answers = [ask(region, KRINGLOOP, event) for _ in range(90)]
    refused = [a for a in answers if a.status == 429]
    assert answers[0].status == 200 and refused
    assert {a.code for a in refused} == {"TE_VEEL"}
    assert all(int(a.headers["retry-after"]) >= 1 for a in refused)
    other = region.event(KRINGLOOP_2, "voortgang.gemeld", samples.REF, samples.voortgang(), doel="trajectbegeleiding")
    assert ask(region, KRINGLOOP_2, other).status == 200
    region.advance(5)
    assert ask(region, KRINGLOOP, event).status == 200
    region.stop()
