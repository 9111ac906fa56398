"""Who is who, decided without a database: what crossed, which own flows would stop, codes, the replay of officers."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

import pytest

from consent.endings import Ended, close, tell
from consent.facts import Choice, Involvement, Party, PersonFacts, RuleFacts, SecrecyRelease, Statement
from contracts.agreement import Agreement
from contracts.identity import Category, KandidaatRef, LegalBasis, LegalFramework, Oin, Purpose, Role, SecrecySubject
from hub.keys.codes import READ, code_index, new_code
from hub.ledger.replay.identity import Identities
from hub.ledger.replay.persons import Persons
from hub.rights.identity.crossed import ON_FACTS, UNDER_REF, Circumstances, Side, why_crossed
from hub.rights.identity.foresight import Turn, foreseen
from hub.store.region.rules import RulePair
from tests.samples import KRINGLOOP, ONTWIKKELBEDRIJF, WOONZORG

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
GUIDE, WORK = Oin(ONTWIKKELBEDRIJF), Oin(KRINGLOOP)
KINDS, PURPOSES = frozenset({"voortgang.gemeld"}), frozenset({Purpose.TRAJECTBEGELEIDING})
AGREEMENT = Agreement(
    "a", frozenset({GUIDE, WORK}), KINDS, PURPOSES, NOW - timedelta(days=9), None, {GUIDE: NOW, WORK: NOW}
)
RULES = RuleFacts(
    sender=Party(WORK, Role.KRINGLOOP, active=True),
    receiver=Party(GUIDE, Role.ONTWIKKELBEDRIJF, active=True),
    mandate_active=True,
    mandate_kinds=None,
    push_active=True,
    agreements=(AGREEMENT,),
)
YES = Statement(
    id="ja",
    basis=LegalBasis.CONSENT,
    choice=Choice.YES,
    purposes=PURPOSES,
    categories=frozenset({Category.LEERVOORTGANG}),
    senders=frozenset({WORK}),
    receivers=frozenset({GUIDE}),
    given_at=NOW,
    valid_from=NOW,
    valid_until=NOW + timedelta(days=9),
    confirmed={WORK: NOW},
)
NO = replace(YES, id="nee", choice=Choice.NO, given_at=NOW + timedelta(hours=1), confirmed={})
INVOLVED = tuple(Involvement(who, "t", LegalFramework.PWET, NOW, None) for who in (GUIDE, WORK))
FACTS = PersonFacts(known=True, involvements=INVOLVED, statements=(YES,))
SILENT = replace(FACTS, statements=())
LATER = NOW + timedelta(hours=2)

# what a woonzorg organisation says of somebody also needs an ontheffing geheimhouding, beside the explicit yes
CARE, DAYS = Oin(WOONZORG), Purpose.DAGBESTEDING
CARE_AGREEMENT = replace(
    AGREEMENT,
    parties=frozenset({GUIDE, CARE}),
    kinds=frozenset({"dagbesteding.deelname-gemeld"}),
    purposes=frozenset({DAYS}),
    accepted={GUIDE: NOW, CARE: NOW},
)
CARE_RULES = replace(RULES, sender=Party(CARE, Role.WOONZORG, active=True), agreements=(CARE_AGREEMENT,))
CARE_YES = replace(YES, purposes=frozenset({DAYS}), senders=frozenset({CARE}), confirmed={CARE: NOW})
HEALTH_YES = replace(
    CARE_YES, id="ja-9", basis=LegalBasis.EXPLICIT_CONSENT, categories=frozenset({Category.GEZONDHEID})
)
CARE_FACTS = PersonFacts(
    known=True,
    involvements=tuple(replace(one, organisation=who) for one, who in zip(INVOLVED, (GUIDE, CARE), strict=True)),
    statements=(CARE_YES, HEALTH_YES),
    secrecy_releases=(SecrecyRelease("o", CARE, GUIDE, frozenset({SecrecySubject.DEELNAME}), NOW),),
)
SECRET = replace(CARE_FACTS, secrecy_releases=())

# what goes the other way: the guide closes a traject, and the workplace is told
ENDING_RULES = replace(
    RULES,
    sender=RULES.receiver,
    receiver=RULES.sender,
    agreements=(replace(AGREEMENT, kinds=frozenset({"traject.beeindigd"})),),
)
ENDING_FACTS = replace(
    FACTS,
    statements=(
        replace(
            YES,
            categories=frozenset({Category.INZETBAARHEID}),
            senders=frozenset({GUIDE}),
            receivers=frozenset({WORK}),
            confirmed={GUIDE: NOW},
        ),
    ),
)
ELSEWHERE = replace(ENDING_FACTS, involvements=tuple(replace(one, trajectory="u") for one in INVOLVED))


@dataclass(frozen=True)
class Went:
    """A release, as far as it is looked at."""

    organisation: str = WORK
    recipient: str = GUIDE
    kind: str = "voortgang.gemeld"
    purpose: str = "trajectbegeleiding"
    revealed: list[str] = field(default_factory=lambda: ["leervoortgang"])
    trajectory_id: str | None = None
    released_at: datetime = NOW + timedelta(minutes=1)
    accepted_at: datetime = NOW


REPORTED = Went(CARE, GUIDE, "dagbesteding.deelname-gemeld", "dagbesteding", ["gezondheid", "leervoortgang"])
ENDED = Went(GUIDE, WORK, "traject.beeindigd", revealed=["inzetbaarheid"], trajectory_id="t")


def crossed(
    own: PersonFacts = FACTS,
    joined: PersonFacts = FACTS,
    used: str = "a",
    known: str = "ab",
    went: Went = Went(),
    invalidated: Mapping[str, datetime] = MappingProxyType({}),
) -> str | None:
    rules = {CARE: CARE_RULES, WORK: RULES, GUIDE: ENDING_RULES}[Oin(went.organisation)]
    leaders = frozenset({GUIDE}) if went.trajectory_id == "t" else frozenset[Oin]()
    then = Circumstances(rules, leaders, frozenset(used), frozenset(known), joined, invalidated)
    return why_crossed(went, Side("a", frozenset("a"), own), then)  # type: ignore[arg-type]


def test_what_proved_invalid_after_it_went_accounts_for_it_still() -> None:
    """Also where a ``ja`` of the other person would have covered it."""
    doubted = replace(FACTS, statements=(replace(YES, invalid=True),))
    joined = replace(FACTS, statements=(*doubted.statements, replace(YES, id="ja-2")))
    assert crossed(doubted, joined, invalidated={YES.id: LATER}) is None
    assert crossed(doubted, joined, invalidated={YES.id: NOW}) == ON_FACTS  # by then it was known: only the other did


# -- what crossed -----------------------------------------------------------------------------------------------------
def test_what_its_own_person_accounts_for_did_not_cross() -> None:
    assert crossed() is None
    assert crossed(known="a", used="") is None
    assert crossed(known="") is None  # an earlier split told of it


def test_what_the_receiver_has_under_the_ref_of_the_other_crossed() -> None:
    assert crossed(known="b") == UNDER_REF
    assert crossed(known="b", used="b", own=SILENT) == UNDER_REF


def test_what_used_a_statement_of_the_other_crossed() -> None:
    assert crossed(used="ab") == crossed(used="b") == ON_FACTS


def test_what_only_the_others_facts_covered_crossed_though_no_statement_says_so() -> None:
    """An involvement of the other one, for example: no release notes on which it rested."""
    alone = replace(FACTS, involvements=INVOLVED[:1])
    assert crossed(own=alone, used="") == ON_FACTS
    assert crossed(own=SILENT, used="") == ON_FACTS
    # what neither covers any more, something else took away: the split has no part in it
    assert crossed(own=SILENT, joined=SILENT, used="") is None


def test_it_is_held_against_what_stood_when_it_went() -> None:
    after = replace(FACTS, statements=(YES, NO))
    assert crossed(own=after, joined=after) is None
    late = Went(released_at=LATER)
    assert crossed(own=after, joined=replace(FACTS, statements=(YES, NO)), went=late) is None  # it had other grounds
    assert crossed(own=after, joined=FACTS, went=late) == ON_FACTS


def test_what_woonzorg_said_on_the_others_ontheffing_crossed() -> None:
    assert crossed(CARE_FACTS, CARE_FACTS, went=REPORTED) is None
    assert crossed(SECRET, CARE_FACTS, went=REPORTED) == ON_FACTS
    assert crossed(replace(CARE_FACTS, statements=()), CARE_FACTS, went=REPORTED) == ON_FACTS
    assert crossed(SECRET, SECRET, went=REPORTED) is None  # the control: without it nothing had gone


def ended(facts: PersonFacts, at: datetime = NOW, told: datetime = ENDED.released_at) -> PersonFacts:
    """The traject t of a person, closed ``at`` and told to the workplace."""
    closed = close(facts, Ended("m", "t", None, at, at + timedelta(hours=9)))
    return tell(closed, "t", WORK, told)


def test_that_a_traject_ended_crossed_where_it_was_of_the_other() -> None:
    both = replace(ENDING_FACTS, involvements=INVOLVED + ELSEWHERE.involvements)
    assert crossed(ended(ENDING_FACTS), ended(both), went=ENDED) is None
    assert crossed(ELSEWHERE, ended(both), went=ENDED) == ON_FACTS
    # who may not end it had not sent it: the control on who leads
    assert crossed(SILENT, ended(both), went=replace(ENDED, trajectory_id="u")) is None


def test_what_was_accepted_before_a_traject_closed_crossed_though_it_went_after() -> None:
    late = Went(released_at=LATER)
    over = ended(FACTS, NOW + timedelta(minutes=9), NOW + timedelta(hours=1))
    assert crossed(over, over, went=late) is None
    assert crossed(replace(over, statements=()), over, went=late) == ON_FACTS
    after = replace(late, accepted_at=NOW + timedelta(minutes=10))
    assert crossed(replace(over, statements=()), over, went=after) is None  # the control: it had not gone


def test_what_went_before_a_traject_closed_or_a_death_was_reported_is_held_against_what_stood_then() -> None:
    since = ended(FACTS, NOW + timedelta(hours=1), LATER)
    assert crossed(replace(since, statements=()), since) == ON_FACTS
    dead = replace(FACTS, deceased=True)
    assert crossed(dead, dead) is None
    assert crossed(replace(dead, statements=()), dead) == ON_FACTS


# -- own flows --------------------------------------------------------------------------------------------------------
def turn(then: PersonFacts, now: PersonFacts = FACTS) -> list[tuple[str, str, str, bool]]:
    rules = {RulePair(WORK, "s-1", GUIDE): RULES, RulePair(WORK, "s-2", GUIDE): RULES}
    flows = foreseen(Turn(KandidaatRef("r" * 26), now, then), rules, [AGREEMENT], {}, LATER)
    return [(flow.sender, flow.receiver, flow.purpose.value, flow.stops) for flow in flows]


def test_a_flow_is_told_once_with_a_yes_or_a_no() -> None:
    flow = (WORK, GUIDE, "trajectbegeleiding")
    assert turn(FACTS) == [(*flow, False)]
    assert turn(replace(FACTS, statements=(YES, NO))) == [(*flow, True)]
    assert turn(SILENT) == [(*flow, True)]


def test_a_flow_that_is_not_open_now_is_not_told() -> None:
    """Nor what the other's yes would open: that would tell who is involved with the other."""
    assert turn(FACTS, now=SILENT) == []
    assert turn(FACTS, now=PersonFacts()) == []


def test_a_flow_of_woonzorg_is_told_as_any_other() -> None:
    flow = (CARE, GUIDE, "dagbesteding")
    found = []
    for now, then in ((CARE_FACTS, CARE_FACTS), (CARE_FACTS, SECRET), (SECRET, CARE_FACTS)):
        told = Turn(KandidaatRef("r" * 26), now, then)
        flows = foreseen(told, {RulePair(CARE, "s", GUIDE): CARE_RULES}, [CARE_AGREEMENT], {}, LATER)
        found.append([((one.sender, one.receiver, one.purpose.value), one.stops) for one in flows])
    assert found == [[(flow, False)], [(flow, True)], []]


@pytest.mark.parametrize(
    ("then", "leader", "told"),
    [
        (ENDING_FACTS, GUIDE, [False]),
        (ELSEWHERE, GUIDE, [True]),  # of another traject there is no word of who may end it
        (replace(ENDING_FACTS, deceased=True), GUIDE, [False]),  # that it is over is told of the dead, too
        (ENDING_FACTS, WORK, []),
    ],
)
def test_that_a_traject_may_be_ended_is_told(then: PersonFacts, leader: Oin, told: list[bool]) -> None:
    turn = Turn(KandidaatRef("r" * 26), ENDING_FACTS, then)
    rules = {RulePair(GUIDE, "s", WORK): ENDING_RULES}
    led = {"t": frozenset({leader})}
    assert [one.stops for one in foreseen(turn, rules, ENDING_RULES.agreements, led, LATER)] == told


# -- codes ------------------------------------------------------------------------------------------------------------
def test_codes_can_be_told_by_telephone_and_not_guessed() -> None:
    codes = [new_code(lambda size, n=n: bytes((n * 7 + i * 13) % 256 for i in range(size))) for n in range(256)]  # type: ignore[misc]
    assert all(READ.fullmatch(code) for code in codes) and not set("01lo") & set("".join(codes))
    letters = Counter(new_code(lambda size, n=n: bytes([n] * size))[0] for n in range(256))  # type: ignore[misc]
    assert len(letters) == 32 and set(letters.values()) == {8}  # 12 letters of 32, each as likely: 60 bits
    assert code_index(b"k" * 32, codes[0]) != code_index(b"j" * 32, codes[0])


# -- the replay -------------------------------------------------------------------------------------------------------
ASKED = {
    "soort": "samenvoeging-gevraagd",
    "op": "2026-11-24T10:00:00.000Z",
    "organisatie": GUIDE,
    "systeem": "s",
    "medewerker": "m-1",
    "verzoekId": "v",
    "geldigTot": "2026-11-24T11:00:00.000Z",
    "code": "00",
}
JOINED = {
    "soort": "samenvoeging",
    "op": "2026-11-24T10:30:00.000Z",
    "organisatie": GUIDE,
    "systeem": "s",
    "verzoekId": "v",
    "medewerker": "m-2",
    "eersteOrganisatie": GUIDE,
    "eersteMedewerker": "m-1",
    "leden": ["a", "b"],
    "wortel": "a",
    "persoon": "b",
}
SPLIT = {
    **JOINED,
    "soort": "splitsing",
    "verzoekId": "w",
    "afgesplitst": "b",
    "leden": ["a"],
    "persoon": "a",
    "verstrektSha256": "0",
}


def played(*entries: dict[str, Any], ask: dict[str, Any] | None = None, all_read: bool = True) -> list[str | None]:
    identities = Identities(Persons())
    identities.asked("a", {**ASKED, **(ask or {})})
    identities.asked("b", {**ASKED, "soort": "splitsing-gevraagd", "verzoekId": "w"})
    return [identities.carried_out(one, all_read=all_read) for one in entries]


def test_the_replay_of_two_officers() -> None:
    assert played(JOINED, JOINED, SPLIT, SPLIT) == [None] * 4  # each person's own entry says the same


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"medewerker": "m-1"}, "door één"),
        ({"medewerker": "M-1"}, "door één"),
        ({"eersteMedewerker": "m-3"}, "een ander was"),
        ({"eersteOrganisatie": WORK}, "een ander was"),
        ({"verzoekId": "x"}, "niet om vroeg"),
        ({"verzoekId": "w"}, "niet om vroeg"),
        ({"op": "2026-11-24T11:00:00.000Z"}, "verlopen"),
    ],
)
def test_the_replay_finds_what_two_officers_did_not_do(change: dict[str, Any], says: str) -> None:
    (wrong,) = played({**JOINED, **change})
    assert wrong is not None and says in wrong


def test_the_replay_finds_another_person_than_was_named() -> None:
    assert played(JOINED, ask={"met": "b"}) == [None]
    assert "een ander dan gevraagd" in str(played(JOINED, ask={"met": "c"})[0])


def test_the_replay_finds_a_request_that_was_carried_out_twice() -> None:
    assert "twee keer" in str(played(JOINED, {**JOINED, "op": "2026-11-24T10:40:00.000Z"})[1])


def test_the_replay_misses_no_first_officer_whose_entry_cannot_be_read() -> None:
    """The person about whom it was asked may have been erased since; then nothing is held against the second."""
    assert played({**JOINED, "verzoekId": "x"}, all_read=False) == [None]
    assert "door één" in str(played({**JOINED, "medewerker": "m-1"}, all_read=False)[0])


def test_the_replay_finds_a_bsn_that_joins_whom_officers_split() -> None:
    persons = Persons()
    identities = Identities(persons)
    for who, kind, request in (("a", "samenvoeging", "v"), ("b", "splitsing", "w"), ("a", "samenvoeging", "u")):
        identities.asked(who, {**ASKED, "soort": f"{kind}-gevraagd", "verzoekId": request})
    assert identities.by_bsn("a", "b") is None and persons.get("b").root == "a"
    assert identities.carried_out(SPLIT, all_read=True) is None
    assert (persons.get("a").root, persons.get("b").root) == ("a", "b")
    again = Identities(persons, dict(identities.requests), dict(identities.done), dict(identities.apart))
    assert "splitsten" in str(again.by_bsn("a", "b"))
    persons.split("b", "a", ["a"])
    # two officers may; and then a BSN may again
    assert identities.carried_out({**JOINED, "verzoekId": "u"}, all_read=True) is None
    assert identities.by_bsn("a", "b") is None
