"""Who is who, decided without a database: what crossed, which own flows would stop, codes, the replay of officers."""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from consent.facts import Choice, Involvement, Party, PersonFacts, RuleFacts, Statement
from contracts.agreement import Agreement
from contracts.identity import Category, KandidaatRef, LegalBasis, LegalFramework, Oin, Purpose, Role
from hub.keys.codes import READ, code_index, new_code
from hub.ledger.replay.identity import Identities
from hub.ledger.replay.persons import Persons
from hub.rights.identity.crossed import ON_FACTS, UNDER_REF, Circumstances, Side, why_crossed
from hub.rights.identity.foresight import Turn, foreseen
from hub.store.region.rules import RulePair
from tests.samples import KRINGLOOP, ONTWIKKELBEDRIJF

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


def crossed(
    own: PersonFacts = FACTS,
    joined: PersonFacts = FACTS,
    used: str = "a",
    known: str = "ab",
    went: Went = Went(),
) -> str | None:
    then = Circumstances(RULES, frozenset(used), frozenset(known), joined)
    return why_crossed(went, Side("a", frozenset("a"), own), then)  # type: ignore[arg-type]


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


# -- own flows --------------------------------------------------------------------------------------------------------
def turn(then: PersonFacts, now: PersonFacts = FACTS) -> list[tuple[str, str, str, bool]]:
    rules = {RulePair(WORK, "s-1", GUIDE): RULES, RulePair(WORK, "s-2", GUIDE): RULES}
    flows = foreseen(Turn(KandidaatRef("r" * 26), now, then), rules, [AGREEMENT], LATER)
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
