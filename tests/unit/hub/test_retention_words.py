"""How long what is kept, as people are told it: one term for the rest, and each doel that is kept longer by name."""

from dataclasses import replace

from consent.receipt.terms import PURPOSES
from contracts.identity import Purpose
from contracts.retention.terms import Term, Terms, shipped
from hub.reference.retention import Kept, retention
from hub.rights.retention.letter import letter


def evidence(terms: Terms) -> list[Kept]:
    return [one for one in retention(terms) if one.what == "bewijs"]


def test_evidence_is_told_for_the_rest_and_for_what_is_kept_longer() -> None:
    """The same years as a receipt or the register tells for one doel."""
    rest, longer = evidence(shipped())
    assert (rest.years, longer.years) == (5, 7)
    assert "tot 5 jaar" in rest.words and "7" not in rest.words
    assert "tot 7 jaar" in longer.words and PURPOSES[Purpose.CERTIFICEREN].words in longer.words
    for purpose in Purpose:
        (one,) = [k for k in retention(shipped(), "kandidaat.voorgedragen", purpose) if k.what == "bewijs"]
        named = PURPOSES[purpose].words in longer.words
        assert one.years == (longer if named else rest).years


def test_terms_of_an_operator_are_told_as_they_are() -> None:
    own = shipped().evidence
    none = replace(shipped(), evidence=dict.fromkeys(own, Term(6, "gelijk")))
    assert [one.years for one in evidence(none)] == [6]
    two = replace(shipped(), evidence=own | {Purpose.OPLEIDEN: Term(10, "langer")})
    assert [one.years for one in evidence(two)] == [5, 7, 10]


def test_the_statement_of_destruction_promises_of_backups_what_is_done_and_no_more() -> None:
    """`hub backup` removes what is older than 30 days when it makes the next one; copies elsewhere nobody knows of."""
    said = {
        "naam": "Voorbeeld",
        "organisatie": "00000099000000003000",
        "van": "2026-10-31T23:00:00.000Z",
        "tot": "2026-11-30T23:00:00.000Z",
        "vernietigd": {"berichten": 1, "onbestelbaar": 0, "sleutels": 0, "bewijzen": 0},
        "afgesloten": True,
        "soorten": [],
        "vermeldingen": [],
        "oorsprong": "hub.example.nl/bewijslogboek",
        "handtekening": "x",
    }
    told = letter(said)
    assert "ruimt de hub hem op als hij een nieuwe maakt" in told and "hooguit 30 dagen" not in told
