"""The forms of statements: who may say what for whom and for how long; every fault named, no value repeated."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent.facts import Choice
from contracts import instants
from contracts.errors import RequestInvalid
from hub.rights import forms

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    "kandidaatRef": "a" * 26,
    "grondslag": "AVG-6-1-a",
    "keuze": "ja",
    "doelen": ["opleiden"],
    "categorieen": ["leervoortgang"],
    "verstrekkers": ["00000099000000005000"],
    "ontvangers": ["00000099000000003000"],
    "gegevenOp": AT,
    "geldigTot": AT + timedelta(days=300),
    "verklaring": {"id": "v", "versie": "1", "sha256": "0" * 64, "taal": "nl"},
    "wijze": "gesprek",
    "gegevenDoor": "betrokkene",
}
PARENT = {"gegevenDoor": "ouder-met-gezag", "bevoegdheid": "gezagsregister", "zestienOp": date(2027, 3, 14)}
ASKED = ("keuze", "gegevenOp", "wijze", "gegevenDoor")


def form(**changed: Any) -> dict[str, Any]:
    return {name: value for name, value in (GIVEN | changed).items() if value is not None}


def faults(read: Any, *given_: Any) -> dict[str, str]:
    with pytest.raises(RequestInvalid) as refused:
        read(*given_)
    return {fault.name: fault.code for fault in refused.value.faults}


def test_a_parent_speaks_until_the_day_on_which_the_person_is_16() -> None:
    new = forms.new_statement(form(**PARENT))
    assert new.statement.parental and new.statement.sixteen_at == datetime(2027, 3, 13, 23, tzinfo=UTC)
    guardian = forms.new_statement(form(**(PARENT | {"gegevenDoor": "voogd"})))
    assert not guardian.statement.parental and guardian.statement.sixteen_at == new.statement.sixteen_at


@pytest.mark.parametrize("who", ["ouder-met-gezag", "voogd"])
def test_who_speaks_for_a_child_says_when_it_is_16(who: str) -> None:
    assert faults(forms.new_statement, form(gegevenDoor=who)) == {"bevoegdheid": "VERPLICHT", "zestienOp": "VERPLICHT"}


@pytest.mark.parametrize("who", ["curator", "mentor", "gemachtigde"])
def test_who_speaks_for_a_grown_up_shows_authority_and_no_birthday(who: str) -> None:
    assert faults(forms.new_statement, form(gegevenDoor=who)) == {"bevoegdheid": "VERPLICHT"}
    said = {"gegevenDoor": who, "bevoegdheid": "beschikking", "zestienOp": date(2027, 3, 14)}
    assert faults(forms.new_statement, form(**said)) == {"zestienOp": "NIET_PASSEND"}
    assert forms.new_statement(form(**(said | {"zestienOp": None}))).statement.sixteen_at is None


@pytest.mark.parametrize(
    ("day", "fault"),
    [
        (date(2026, 11, 22), "AL_ZESTIEN"),  # on that day from its first minute
        (date(2010, 1, 1), "AL_ZESTIEN"),
        (date(2026, 11, 23), None),
        (date(2042, 11, 22), None),  # born today
        (date(2042, 11, 23), "TE_LAAT"),
        (date(9999, 12, 31), "TE_LAAT"),
    ],
)
def test_the_day_on_which_somebody_is_16(day: date, fault: str | None) -> None:
    told = form(**(PARENT | {"zestienOp": day}))
    if fault is None:
        assert forms.new_statement(told).statement.sixteen_at == instants.start_of(day)
    else:
        assert faults(forms.new_statement, told) == {"zestienOp": fault}


def test_the_day_is_that_of_the_netherlands() -> None:
    """At 23:30 UTC it is the next day there: who is 16 on that day speaks for themselves."""
    late = {"gegevenOp": datetime(2026, 11, 22, 23, 30, tzinfo=UTC), "zestienOp": date(2026, 11, 23)}
    assert faults(forms.new_statement, form(**(PARENT | late))) == {"zestienOp": "AL_ZESTIEN"}


@given(st.datetimes(timezones=st.just(UTC)), st.dates(date(1, 1, 2)))
def test_no_instant_and_no_day_breaks_the_form(at: datetime, day: date) -> None:
    """A fault or a statement, never anything else; of a parent's statement the person is under 16 when it is given."""
    until = forms.a_year_after(at)
    try:
        new = forms.new_statement(form(**(PARENT | {"gegevenOp": at, "geldigTot": until, "zestienOp": day})))
    except RequestInvalid as refused:
        assert all(fault.reason and str(day) not in fault.reason for fault in refused.faults)
    else:
        assert new.statement.sixteen_at is not None and new.statement.sixteen_at > at


def test_a_request_is_asked_for_and_not_said() -> None:
    asked = forms.new_request(form(**dict.fromkeys(ASKED)), AT)
    assert asked.said is None and asked.statement.requested
    assert (asked.statement.given_at, asked.statement.valid_from) == (AT, AT)
    later = forms.new_request(form(**dict.fromkeys(ASKED), geldigVan=AT + timedelta(days=3)), AT)
    assert later.statement.valid_from == AT + timedelta(days=3)


@pytest.mark.parametrize("name", ["doelen", "categorieen", "verstrekkers", "ontvangers", "geldigTot"])
def test_a_request_names_all_that_a_ja_names(name: str) -> None:
    assert faults(forms.new_request, form(**dict.fromkeys(ASKED), **{name: None}), AT) == {name: "VERPLICHT"}


def test_an_answer_needs_what_a_statement_needs() -> None:
    choice, said = forms.answer(form(keuze="nee", **PARENT))
    assert choice is Choice.NO and said.sixteen_at is not None
    assert faults(forms.answer, form(gegevenDoor="voogd")) == {"bevoegdheid": "VERPLICHT", "zestienOp": "VERPLICHT"}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ({"geldigTot": AT}, {"geldigTot": "VOLGORDE"}),
        ({"geldigTot": AT - timedelta(microseconds=1)}, {"geldigTot": "VOLGORDE"}),
        ({"geldigTot": AT + timedelta(days=366)}, {"geldigTot": "TE_LANG"}),
        ({"geldigVan": AT + timedelta(days=400), "geldigTot": AT + timedelta(days=500)}, {"geldigTot": "TE_LANG"}),
        ({"gegevenDoor": "mentor"}, {"bevoegdheid": "VERPLICHT"}),
    ],
)
def test_a_renewal_has_a_term_like_any(terms: dict[str, Any], expected: dict[str, str]) -> None:
    assert faults(forms.renewal, form(**terms)) == expected
    assert forms.renewal(form()).valid_from == AT
