"""Between the destruction of somebody's keys and the mark of it, this person is nobody: the same answer everywhere."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select

from consent.keys import content_key, evidence_key
from contracts.identity import Oin, PersonId
from hub.store.database import reading
from hub.store.persons import people
from hub.store.tables import person_ref
from tests.officers import JOIN, SPLIT, both, confirm
from tests.officers import ask as first_asks
from tests.partners import EVENT, Answer, Person
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, GEMEENTE_2, KRINGLOOP, ONTWIKKELBEDRIJF


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("venster")) as made:
        yield made


def who(region: Region, ref: str) -> PersonId:
    with reading(region.core.engine) as connection:
        return PersonId(connection.scalars(select(person_ref.c.person_id).where(person_ref.c.ref == ref)).one())


def destroy(region: Region, *names: str) -> None:
    region.core.key_store.destroy(names, region.clock.now())


def destroy_all(region: Region, ref: str) -> None:
    destroy(region, *region.core.key_store.of_persons([who(region, ref)]))


def ask(region: Region, person: Person) -> tuple[Answer, Answer]:
    """The same message, sent and only asked about."""
    event = region.report(person)
    asked = region.call(KRINGLOOP, "POST", "/v1/vooraf-controles", event, EVENT)
    return region.send(KRINGLOOP, event), asked


def without_its_time(answer: Answer) -> dict[str, Any]:
    return {name: value for name, value in answer.json.items() if name not in ("handtekening", "instance", "tijdstip")}


@pytest.mark.parametrize("which", ["all", "evidence", "content"])
def test_sending_and_asking_answer_alike(region: Region, which: str) -> None:
    person, _ = region.reporting()
    sent, asked = ask(region, person)
    assert (sent.status, asked.json["uitkomst"]) == (202, "toegestaan")  # the control
    ref = person.refs[KRINGLOOP]
    if which == "all":
        destroy_all(region, ref)
    else:
        one = who(region, ref)
        destroy(region, evidence_key(one) if which == "evidence" else content_key(one, Oin(KRINGLOOP)))
    nobody = Person({KRINGLOOP: "a" * 26}, "", ONTWIKKELBEDRIJF)
    sent, asked = ask(region, person)
    unknown, asked_unknown = ask(region, nobody)
    assert (sent.status, sent.code) == (403, "GEEN_GRONDSLAG") and sent.code == unknown.code
    assert (asked.status, asked.json["uitkomst"]) == (200, "tegengehouden")
    assert without_its_time(asked) == without_its_time(asked_unknown)


def test_asking_makes_no_key_of_what_would_go_out(region: Region) -> None:
    """A question keeps nothing: also no key under which the message would have been sealed."""
    person, _ = region.reporting()
    name = content_key(who(region, person.refs[KRINGLOOP]), Oin(KRINGLOOP))
    assert region.call(KRINGLOOP, "POST", "/v1/vooraf-controles", region.report(person), EVENT).status == 200
    assert region.core.key_store.find([name]) == {}
    region.send(KRINGLOOP, region.report(person)).expect(202)  # the control: sending makes it
    assert set(region.core.key_store.find([name])) == {name}


@pytest.mark.parametrize(("by", "new"), [(GEMEENTE_2, {"lokaalNummer": "V-2"}), (GEMEENTE, {})])
def test_who_was_just_erased_is_registered_anew(region: Region, by: str, new: dict[str, str]) -> None:
    """With another own number, or with none, the same BSN is somebody unknown."""
    known = {"bsn": BSN, "lokaalNummer": "V-1"}
    before = region.register(by, **known)
    assert region.call(by, "POST", "/v1/kandidaten", known).status == 200  # the control: a repeat
    destroy_all(region, before)
    again = {"bsn": BSN} | new
    answer = region.call(by, "POST", "/v1/kandidaten", again)
    assert answer.status == 201 and answer.json["kandidaatRef"] != before
    assert region.call(by, "POST", "/v1/kandidaten", again).json == answer.json
    assert region.call(by, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "V-1"}).status == 404


def test_the_number_of_who_was_just_erased_is_free(region: Region) -> None:
    before = region.register(GEMEENTE, lokaalNummer="W-1")
    other = region.register(GEMEENTE, lokaalNummer="W-2")
    path = f"/v1/kandidaten/{other}/lokaal-nummer"
    assert region.call(GEMEENTE, "PUT", path, {"lokaalNummer": "W-1"}).status == 409  # the control: it is taken
    destroy_all(region, before)
    assert region.call(GEMEENTE, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "W-1"}).status == 404
    assert region.call(GEMEENTE, "PUT", path, {"lokaalNummer": "W-1"}).status == 204
    assert region.call(GEMEENTE, "POST", "/v1/kandidaten/opzoeken", {"lokaalNummer": "W-1"}).json == {
        "kandidaatRef": other
    }


@pytest.mark.parametrize("what", [JOIN, SPLIT])
@pytest.mark.parametrize("erased", [0, 1])
def test_who_was_just_erased_is_joined_and_split_no_more(region: Region, what: str, erased: int) -> None:
    first, second = ((GEMEENTE, region.register(GEMEENTE)) for _ in range(2))
    if what == SPLIT:
        both(region, JOIN, first, second)
    code = first_asks(region, what, first)["code"]
    assert confirm(region, what, second, code, proef=True).status == 200  # the control
    destroy_all(region, (first, second)[erased][1])
    for trial in (True, False):
        answer = confirm(region, what, second, code, proef=trial)
        assert (answer.status, answer.code) == (404, "NIET_GEVONDEN")


def test_who_was_joined_with_somebody_who_is_gone_is_split_off_and_lives_on(region: Region) -> None:
    """Joined wrongly with one whose keys are gone, a person would be nobody for good."""
    gone, alive = ((GEMEENTE, region.register(GEMEENTE)) for _ in range(2))
    both(region, JOIN, gone, alive)
    destroy_all(region, gone[1])
    both(region, SPLIT, alive, alive)
    with reading(region.core.engine) as connection:
        known = people.resolve(connection, [(Oin(GEMEENTE), alive[1])])[Oin(GEMEENTE), alive[1]]  # type: ignore[index]
    assert known.root == known.person
    region.open_trajectory(*alive)
