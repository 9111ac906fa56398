"""The log tells who lifted an afscherming: one employee who wrote the other's part into the table is found."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from consent.store.tables import person, shield
from consent.verify.report import Finding
from hub.ledger.replay.against.shields import Shields, require_lifters
from hub.ledger.replay.check import check
from hub.store.database import snapshot
from tests.officers import JOIN, both
from tests.partners import Answer
from tests.region import Region, region_on
from tests.samples import KRINGLOOP, MBO, ONTWIKKELBEDRIJF, WOONZORG


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("afschermingen")) as made:
        yield made


@dataclass(frozen=True)
class Hidden:
    """Somebody whom the workplace and the ontwikkelbedrijf know."""

    region: Region
    refs: dict[str, str]

    def shield(self, *receivers: str, who: str = KRINGLOOP, reason: str = "dreiging") -> str:
        form = {"grond": reason, "ontvangers": list(receivers)}
        return str(self._call("PUT", who, "afscherming", form).expect(200)["afschermingId"])

    def lift(self, employee: str, *receivers: str, who: str = KRINGLOOP) -> Answer:
        form = {"medewerker": employee} | ({"ontvangers": list(receivers)} if receivers else {})
        return self._call("POST", who, "afscherming/opheffing", form)

    def _call(self, method: str, who: str, what: str, form: dict[str, Any]) -> Answer:
        return self.region.call(who, method, f"/v1/kandidaten/{self.refs[who]}/{what}", form)


@pytest.fixture
def hidden(region: Region) -> Hidden:
    known, _ = region.reporting()
    return Hidden(region, known.refs)


def look(region: Region) -> list[Finding]:
    region.wait_signed()
    with snapshot(region.core.engine) as connection:
        return check(connection, region.core.key_store)[0].findings


def by_hand(region: Region, shield_id: str, **values: Any) -> None:
    with region.core.engine.begin() as connection:
        assert connection.execute(update(shield).where(shield.c.shield_id == shield_id).values(values)).rowcount == 1


def test_what_two_employees_do_is_no_finding(region: Region, hidden: Hidden) -> None:
    """The control: narrowed by one, widened and lifted by two, asked anew for something else, of joined persons."""
    hidden.shield(MBO, WOONZORG)
    hidden.shield(MBO)
    hidden.shield(MBO, reason="geheim-adres")
    assert [hidden.lift(who, WOONZORG).status for who in ("m-1", "m-1", "m-2")] == [202, 409, 200]
    assert [hidden.lift(*asked).status for asked in (("m-1",), ("m-2", ONTWIKKELBEDRIJF), ("m-3",))] == [202] * 3
    assert hidden.lift("M-3").status == 409  # capitals make no second person
    assert hidden.lift("m-1").status == 200
    hidden.shield(who=ONTWIKKELBEDRIJF)
    hidden.shield()
    one, other = (region.candidate() for _ in range(2))
    first, second = (Hidden(region, who.refs) for who in (one, other))
    first.shield(MBO, WOONZORG, who=ONTWIKKELBEDRIJF)
    both(region, JOIN, *((ONTWIKKELBEDRIJF, who.refs[ONTWIKKELBEDRIJF]) for who in (one, other)))
    second.shield(MBO, who=ONTWIKKELBEDRIJF)
    assert [second.lift(who, who=ONTWIKKELBEDRIJF).status for who in ("m-1", "m-2")] == [202, 200]
    assert look(region) == []


Course = Callable[[Hidden, Callable[..., None]], None]


def _asked_by_nobody(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    edit(lift_asked_by="m-9", lift_asked_at=datetime.now(UTC))
    who.lift("m-1")


def _asked_by_oneself(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    assert who.lift("m-1").status == 202
    edit(lift_asked_by="m-9")
    who.lift("m-1")


def _asked_for_less(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    assert who.lift("m-1", MBO).status == 202
    edit(lift_for=None)
    who.lift("m-2")


def _asked_for_fewer(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    assert who.lift("m-1", MBO).status == 202
    edit(lift_for=[MBO, WOONZORG])
    who.lift("m-2", MBO, WOONZORG)


def _narrowed_from_more(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    edit(receivers=[MBO, WOONZORG])
    form = {"grond": "dreiging", "ontvangers": [MBO]}
    who.region.call(KRINGLOOP, "PUT", f"/v1/kandidaten/{who.refs[KRINGLOOP]}/afscherming", form)


def _of_another(who: Hidden, edit: Callable[..., None]) -> None:
    who.shield()
    edit(recorder=ONTWIKKELBEDRIJF)
    for employee in ("m-1", "m-2"):
        who.lift(employee, who=ONTWIKKELBEDRIJF)


COURSES: dict[str, tuple[Course, list[str]]] = {
    "nobody asked": (_asked_by_nobody, ["waar de eerste medewerker niet om vroeg"]),
    "one alone": (_asked_by_oneself, ["waarvan de eerste medewerker een ander was"]),
    "asked for one receiver": (_asked_for_less, ["waar de eerste medewerker niet om vroeg"]),
    "asked for fewer": (
        _asked_for_fewer,
        ["waar de eerste medewerker niet om vroeg", "meer ontvangers dan twee medewerkers wilden"],
    ),
    "narrowed from more": (_narrowed_from_more, ["meer ontvangers dan twee medewerkers wilden"]),
    "of another": (_of_another, ["die een ander vastlegde"] * 2),
}


@pytest.mark.parametrize("restored", [True, False])
@pytest.mark.parametrize("name", COURSES)
def test_what_one_employee_does_alone_is_found(region: Region, hidden: Hidden, name: str, restored: bool) -> None:
    """Also when the table is put back as it was; and nothing is found of the same calls without the other hand."""
    course, reasons = COURSES[name]
    control, _ = region.reporting()
    before = look(region)
    course(Hidden(region, control.refs), lambda **_: None)
    assert look(region) == before

    was: dict[str, Any] = {}

    def edit(**values: Any) -> None:
        (row,) = hidden_rows(region, hidden)
        was.update({"shield_id": row.shield_id} | {column: getattr(row, column) for column in values})
        by_hand(region, row.shield_id, **values)

    course(hidden, edit)
    if restored:
        by_hand(region, **was)
    found = [one for one in look(region) if one not in before]
    told = [one.reason for one in found if one.place.startswith("vermelding ")]
    assert len(told) == len(reasons)
    assert all(reason in one for reason, one in zip(reasons, told, strict=True))
    tables = {one.place for one in found if not one.place.startswith("vermelding ")}
    if restored:
        assert not tables
    elif name == "narrowed from more":  # whom it names is of the facts of the person
        assert tables
    else:
        assert tables == {f"shield {was['shield_id']}"}


def hidden_rows(region: Region, hidden: Hidden) -> list[Any]:
    path = f"/v1/kandidaten/{hidden.refs[KRINGLOOP]}/afscherming"
    ids = [one["id"] for one in region.call(KRINGLOOP, "GET", path).expect(200)["items"]]
    with snapshot(region.core.engine) as connection:
        return list(connection.execute(select(shield).where(shield.c.shield_id.in_(ids))).all())


OTHER: dict[str, Any] = {
    "person_id": "another",
    "recorder": MBO,
    "reason": "geheim-adres",
    "lift_asked_by": "m-9",
    "lift_asked_at": timedelta(milliseconds=1),
    "lift_for": [MBO],
    "lifted_by": "m-9",
}


@pytest.mark.parametrize("course", ["stands", "asked", "asked for one", "lifted"])
@pytest.mark.parametrize("column", OTHER)
def test_a_column_that_was_changed_by_hand_is_found(region: Region, hidden: Hidden, column: str, course: str) -> None:
    shield_id = hidden.shield()
    if course != "stands":
        hidden.lift("m-1", *([WOONZORG] if course == "asked for one" else []))
    if course == "lifted":
        hidden.lift("m-2")
    before = look(region)
    same = shield.c.shield_id == shield_id
    with region.core.engine.connect() as connection, connection.begin() as attempt:
        row = connection.execute(select(shield).where(same)).one()
        value = OTHER[column]
        if column == "lift_asked_at":
            value = (row.lift_asked_at or row.at) + value
        elif column == "person_id":
            value = connection.scalar(select(person.c.person_id).where(person.c.person_id != row.person_id).limit(1))
        connection.execute(update(shield).where(same).values({column: value}))
        report, _ = check(connection, region.core.key_store)
        attempt.rollback()
    assert f"shield {shield_id}" in {one.place for one in report.findings if one not in before}
    assert look(region) == before


AT = "2026-11-22T10:00:00.000Z"
SAID: dict[str, Any] = {"op": AT, "organisatie": KRINGLOOP, "systeem": "s", "afschermingId": "a"}
ADDED = SAID | {"soort": "afscherming", "grond": "dreiging", "ontvangers": [MBO]}
ASKED = SAID | {"soort": "afscherming-opheffing-gevraagd", "medewerker": "m-1"}
LIFTED = SAID | {"soort": "afscherming-opgeheven", "medewerker": "m-2", "eersteMedewerker": "m-1"}
REPLACED = SAID | {"soort": "afscherming-opgeheven", "van": AT}
NEXT = ADDED | {"afschermingId": "b", "vervangt": "a"}
MORE = NEXT | {"ontvangers": [MBO, WOONZORG]}


WHO = frozenset({"p", "q"})  # a person, and one joined with it


@pytest.mark.parametrize(
    ("entries", "wrong"),
    [
        ([ADDED, ASKED, LIFTED], None),
        ([ADDED, REPLACED, NEXT], None),
        ([ADDED, ASKED | {"ontvangers": [WOONZORG]}, LIFTED | {"ontvangers": [WOONZORG]}, MORE], None),
        (
            [ADDED, ASKED, ASKED | {"medewerker": "m-2"}, LIFTED | {"medewerker": "m-1", "eersteMedewerker": "m-2"}],
            None,
        ),
        ([ADDED, ASKED, ASKED | {"medewerker": "m-2"}, LIFTED], "een ander was"),
        ([ADDED, ASKED, LIFTED | {"medewerker": "M-1"}], "door één"),
        ([ADDED, LIFTED], "niet om vroeg"),
        ([ADDED, ASKED | {"afschermingId": "b"}], "niet kent"),
        ([ADDED, ASKED, LIFTED, LIFTED], "al was opgeheven"),
        ([ADDED, ASKED | {"organisatie": MBO}], "een ander vastlegde"),
        ([ADDED, NEXT], "niet is opgeheven"),
        ([ADDED, REPLACED, MORE], "meer ontvangers"),
        ([ADDED, ASKED | {"ontvangers": [WOONZORG]}, REPLACED, MORE], "meer ontvangers"),
    ],
)
def test_two_employees_and_no_other_way(entries: list[dict[str, Any]], wrong: str | None) -> None:
    shields = Shields()
    *before, last = [shields.hear(said, "vermelding 1", WHO) for said in entries]
    assert not any(before)
    assert last is None if wrong is None else wrong in str(last)


def test_what_was_lifted_for_another_that_never_came_is_found() -> None:
    """Whose own entries cannot be read may have had it there; that others were erased excuses nothing."""
    shields = Shields()
    for place, said in enumerate((ADDED, REPLACED)):
        assert shields.hear(said, f"vermelding {place}", WHO) is None
    found: list[tuple[str, str]] = []
    require_lifters(shields, {"q"}, lambda *one: found.append(one))
    assert not found
    require_lifters(shields, {"een ander"}, lambda *one: found.append(one))
    assert [place for place, _ in found] == ["vermelding 1"]
    shields.hear(NEXT, "vermelding 2", WHO)
    require_lifters(shields, set(), lambda *one: found.append(one))
    assert len(found) == 1
