"""Verbs of the crash tests on what a person may ask, and on recalling: what limits, what frees again, what is undone.

Whatever crashed, there is one act and one consequence of it: never a second beperking, and nobody is told twice.
"""

from collections.abc import Callable
from typing import Any, Final

from tests.acceptance.crash_life import Life, Verb, handed_out
from tests.partners import Answer

_LIFTED: Final = "beperking-opgeheven"


def _path(life: Life, what: str) -> str:
    return f"/v1/kandidaten/{life.person.refs[life.at]}/{what}"


def _done(act: Callable[[Life], Answer]) -> Callable[[Life], None]:
    """A history in which this was done to what the guide had fetched."""

    def begin(life: Life) -> None:
        handed_out(life)
        act(life).expect(200, 202)

    return begin


def _listed(life: Life, what: str) -> dict[str, Any]:
    """The only one that the sender recorded."""
    (found,) = life.region.call(life.at, "GET", _path(life, what)).expect(200)["items"]
    return dict(found)


def _zaken(life: Life) -> list[dict[str, Any]]:
    return list(life.region.call(life.at, "GET", "/v1/zaken?soort=bezwaar").expect(200)["items"])


# -- what is done -----------------------------------------------------------------------------------------------------
def restrict(life: Life) -> Answer:
    form = {"verstrekkers": [life.at], "grond": "juistheid-betwist"}
    return life.region.call(life.at, "PUT", _path(life, "beperking"), form)


def lift(life: Life) -> Answer:
    return life.region.call(life.at, "DELETE", _path(life, "beperking"))


def object_to(life: Life) -> Answer:
    return life.region.call(life.at, "POST", _path(life, "bezwaar"), {"verstrekkers": [life.at], "grond": "reden"})


def weigh(life: Life) -> Answer:
    reply = {"antwoord": "afgewezen", "motivering": "reden"}
    return life.region.call(life.at, "POST", f"/v1/zaken/{life.case_id}/antwoord", reply)


def shield(life: Life) -> Answer:
    form = {"grond": "dreiging", "ontvangers": []}
    return life.region.call(life.at, "PUT", _path(life, "afscherming"), form)


def ask_to_unshield(life: Life) -> Answer:
    return life.region.call(life.at, "POST", _path(life, "afscherming/opheffing"), {"medewerker": "m-1"})


def unshield(life: Life) -> Answer:
    return life.region.call(life.at, "POST", _path(life, "afscherming/opheffing"), {"medewerker": "m-2"})


def recall(life: Life) -> Answer:
    path = f"/v1/berichten/{life.message_id}/terugroeping"
    return life.region.call(life.at, "POST", path, {"reden": "verkeerde-persoon"})


# -- what must be so in the end ---------------------------------------------------------------------------------------
def _told_once(life: Life) -> None:
    """All answers name the same instant and the same releases."""
    assert life.told and all(one["tijdstip"] == life.told[0]["tijdstip"] for one in life.told)
    assert [[each["berichtId"] for each in one["verstrekt"]] for one in life.told] == [[life.message_id]] * len(
        life.told
    )


def _given(life: Life) -> list[dict[str, Any]]:
    """The guide's mailbox from its beginning; its sequences have no gaps."""
    found = life.region.fetch(life.guide)
    assert [one["sequence"] for one in found] == [str(n) for n in range(1, len(found) + 1)]
    return found


def _notices(life: Life, code: str) -> int:
    return sum(one.get("data", {}).get("code") == code for one in _given(life))


def _stands_still(life: Life) -> None:
    refused = life.region.send(life.at, life.region.report(life.person, life.at, 2))
    assert (refused.status, refused.code) == (403, "GEEN_GRONDSLAG")
    assert all(one["id"] != life.event["id"] for one in _given(life))


def _runs(life: Life) -> None:
    behind = life.region.report(life.person, life.at, 2)
    life.region.send(life.at, behind).expect(202)
    assert [one["id"] for one in _given(life)].count(behind["id"]) == 1


def is_restricted(life: Life) -> None:
    _told_once(life)
    assert {one["beperkingId"] for one in life.told} == {_listed(life, "beperking")["id"]}
    assert _listed(life, "beperking")["opgehevenOp"] is None
    assert _notices(life, "beperking") == 1
    _stands_still(life)


def is_lifted(life: Life) -> None:
    assert _listed(life, "beperking")["opgehevenOp"]
    assert _notices(life, _LIFTED) == 1
    _runs(life)


def is_objected_to(life: Life) -> None:
    _told_once(life)
    found = _listed(life, "bezwaar")
    assert {each["bezwaarId"] for one in life.told for each in one["bezwaren"]} == {found["id"]}
    assert found["beslotenOp"] is None and found["grond"] == "reden"
    assert len(_zaken(life)) == 1
    assert _notices(life, "beperking") == 1
    _stands_still(life)


def is_weighed(life: Life) -> None:
    found = _listed(life, "bezwaar")
    assert (found["uitkomst"], found["motivering"]) == ("afgewezen", "reden") and found["beslotenOp"]
    assert _notices(life, _LIFTED) == 1
    _runs(life)


def is_shielded(life: Life) -> None:
    assert life.told and {one["tijdstip"] for one in life.told} == {life.told[0]["tijdstip"]}
    found = _listed(life, "afscherming")
    assert {one["afschermingId"] for one in life.told} == {found["id"]}
    assert found["opheffingGevraagdOp"] is None and found["opgehevenOp"] is None


def is_asked_to_unshield(life: Life) -> None:
    """By one employee: a crash does not make two of one."""
    found = _listed(life, "afscherming")
    assert found["opheffingGevraagdOp"] and found["opgehevenOp"] is None


def is_unshielded(life: Life) -> None:
    assert _listed(life, "afscherming")["opgehevenOp"]


def is_recalled(life: Life) -> None:
    _told_once(life)
    assert {one["terugroepingId"] for one in life.told} == {life.told[0]["terugroepingId"]}
    assert all(one["gestoptBij"] == [life.guide] and one["kennisgevingen"] == 1 for one in life.told)
    assert life.state() == "gestopt"
    found = _given(life)
    assert all(one["id"] != life.event["id"] for one in found)
    assert [one["type"] for one in found].count("nl.doorstroomhub.verwijdering.gevraagd.v1") == 1
    _runs(life)


def _objected_to(life: Life) -> None:
    _done(object_to)(life)
    (asked,) = _zaken(life)
    life.case_id = asked["id"]


def _asked_to_unshield(life: Life) -> None:
    _done(shield)(life)
    ask_to_unshield(life).expect(202)


#: What these use beside the commit, the other verbs use too: it is failed there.
_AT: Final = frozenset({"commit"})
ACTS: Final = {
    "restrict": Verb(handed_out, restrict, is_restricted, ports=_AT),
    "lift": Verb(_done(restrict), lift, is_lifted, again=(404,), ports=_AT),
    "object": Verb(handed_out, object_to, is_objected_to, ports=_AT),
    "weigh": Verb(_objected_to, weigh, is_weighed, again=(409,), ports=_AT),
    "shield": Verb(handed_out, shield, is_shielded, ports=_AT),
    "ask to unshield": Verb(_done(shield), ask_to_unshield, is_asked_to_unshield, again=(409,), ports=_AT),
    "unshield": Verb(_asked_to_unshield, unshield, is_unshielded, again=(404,), ports=_AT),
    "recall": Verb(handed_out, recall, is_recalled, ports=_AT),
}
