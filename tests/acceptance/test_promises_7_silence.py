"""Promise 7: an outsider learns nothing about a person, neither from the answer nor from what it cost.

Time is measured as work: the statements that the database is asked, one by one and in order, are the same for a ref
that names nobody as for somebody who was refused. Bodies are equal but for their own ``instance``.
"""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event as listening
from sqlalchemy import update

from consent.keys import content_key, evidence_key
from consent.store.tables import person as person_table
from contracts.identity import Oin, PersonId
from hub.store.database import reading
from hub.store.persons import people
from tests import samples
from tests.partners import EVENT, Answer, Partners, Person, stamp
from tests.region import Region
from tests.samples import GEMEENTE, KRINGLOOP, ONTWIKKELBEDRIJF, WOONZORG

Refs = dict[str, str]


@dataclass(frozen=True)
class Seen:
    """What an outsider sees of one call, and what it cost."""

    status: int
    headers: dict[str, str]
    body: Any
    statements: tuple[str, ...]


@contextmanager
def counted(region: Region) -> Iterator[list[str]]:
    """Every statement that the hub's database and the key store are asked."""
    found: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, _p: Any, _ctx: Any, _many: bool) -> None:
        found.append(statement)

    engines = (region.core.engine, region.core.key_store._engine)
    for engine in engines:
        listening.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        for engine in engines:
            listening.remove(engine, "before_cursor_execute", note)


def observe(region: Region, call: Callable[[], Answer]) -> Seen:
    with counted(region) as statements:
        answer = call()
    body = {name: value for name, value in answer.json.items() if name != "instance"}
    return Seen(answer.status, dict(answer.headers), body, tuple(statements))


@pytest.fixture(scope="module")
def quiet(shared: Region) -> Region:
    """The shared region without its own background work, which would be counted too."""
    for part in (shared.hub.log_keeper, shared.hub.relay, shared.hub.push):
        part.stop()
    keeper: Any = shared.hub.log_keeper
    keeper.wait_for = lambda *_: False  # a `ja` need not wait for a checkpoint that nobody signs
    return shared


def person_id(region: Region, who: str, ref: str) -> PersonId:
    with reading(region.hub.engine) as connection:
        found = people.resolve(connection, [(Oin(who), ref)])  # type: ignore[list-item]
    return next(iter(found.values())).person


def erase(region: Region, who: str, ref: str) -> None:
    """What an erasure leaves: the mark, and no key."""
    person = person_id(region, who, ref)
    at = region.clock.now()

    def mark(tx: Any, _act: Any) -> None:
        tx.connection.execute(update(person_table).where(person_table.c.person_id == person).values(erased_at=at))

    region.operate(mark)
    region.core.key_store.destroy([evidence_key(person), content_key(person, Oin(who))], at)


def placing_refs(region: Region) -> Refs:
    """Refs of the ontwikkelbedrijf, by the reason why it may not place them at the kringloop."""
    allow, guide = region.allow_placing, ONTWIKKELBEDRIJF
    refs = {"unknown": secrets.token_hex(13).translate(str.maketrans("0189", "abcd"))}
    refs["foreign"] = region.register(GEMEENTE)
    refs["not involved"] = region.register(guide)
    people = {
        name: region.candidate() for name in ("never asked", "refused", "withdrawn", "expired", "stopped", "erased")
    }
    scope = {"verstrekkers": None, "geldigTot": None}
    region.statement(guide, people["refused"].refs[guide], keuze="nee", **scope).expect(201)
    region.withdraw(guide, allow(people["withdrawn"]))
    soon = region.clock.now() + timedelta(seconds=30)
    allow(people["expired"], geldigTot=stamp(soon))
    region.advance(31)
    allow(people["stopped"])
    region.stop_request(guide, people["stopped"].refs[guide])
    erase(region, guide, people["erased"].refs[guide])
    return refs | {name: one.refs[guide] for name, one in people.items()}


def cared_for(region: Region) -> str:
    """Somebody placed at a woonzorg organisation; its ref for them."""
    person = region.candidate()
    given = person.refs[ONTWIKKELBEDRIJF]
    region.consent(ONTWIKKELBEDRIJF, given, [WOONZORG], "opleiden", "gezondheid", grondslag="AVG-9-2-a")
    region.place(person, WOONZORG)
    return person.refs[WOONZORG]


def place(region: Partners, ref: str, **extra: Any) -> dict[str, Any]:
    return region.placing(Person({ONTWIKKELBEDRIJF: ref}, ""), **extra)


def assert_alike(seen: dict[str, Seen]) -> None:
    """One answer, one path."""
    first = seen["never asked"]
    for reason, other in seen.items():
        assert other.status == first.status, reason
        assert other.body == first.body, reason
        assert other.headers == first.headers, reason
        assert other.statements == first.statements, reason


@pytest.mark.parametrize("path", ["/v1/berichten", "/v1/vooraf-controles"])
def test_promise_7_a_refused_message_says_and_costs_the_same_whatever_the_reason(quiet: Region, path: str) -> None:
    refs = placing_refs(quiet)
    assert len(refs) == 9
    quiet.parties[ONTWIKKELBEDRIJF].limit("berichten:versturen")  # with toestemmingen:lezen it sees its own records
    quiet.token(ONTWIKKELBEDRIJF)
    seen = {
        reason: observe(quiet, lambda ref=ref: quiet.call(ONTWIKKELBEDRIJF, "POST", path, place(quiet, ref), EVENT))  # type: ignore[misc]
        for reason, ref in refs.items()
    }
    quiet.parties[ONTWIKKELBEDRIJF].limit("")
    assert len(seen["never asked"].statements) > 5
    assert_alike(seen)


def test_promise_7_the_control_an_allowed_message_differs(quiet: Region) -> None:
    person = quiet.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    refused = observe(quiet, lambda: quiet.send(ONTWIKKELBEDRIJF, place(quiet, ref)))
    quiet.allow_placing(person)
    allowed = observe(quiet, lambda: quiet.send(ONTWIKKELBEDRIJF, place(quiet, ref)))
    assert (refused.status, allowed.status) == (403, 202)
    assert refused.statements != allowed.statements
    with pytest.raises(AssertionError):
        assert_alike({"never asked": refused, "allowed": allowed})


def test_promise_7_without_a_named_recipient_it_is_the_same_again(quiet: Region) -> None:
    refs: Refs = {"unknown": "q" * 26, "foreign": quiet.register(ONTWIKKELBEDRIJF)}
    for reason in ("never asked", "refused", "withdrawn"):
        person = quiet.candidate()
        quiet.place(person)
        refs[reason] = person.refs[KRINGLOOP]
        if reason == "refused":
            form = {"keuze": "nee", "verstrekkers": None, "geldigTot": None}
            quiet.statement(KRINGLOOP, refs[reason], **form).expect(201)
        if reason == "withdrawn":
            quiet.withdraw(KRINGLOOP, quiet.allow_reports(person))

    def report(ref: str) -> Answer:
        return quiet.send(KRINGLOOP, quiet.report(Person({KRINGLOOP: ref}, "")))

    seen = {reason: observe(quiet, lambda ref=ref: report(ref)) for reason, ref in refs.items()}  # type: ignore[misc]
    assert seen["never asked"].status == 403 and seen["never asked"].body["code"] == "GEEN_GRONDSLAG"
    assert "besluiten" not in seen["never asked"].body
    assert_alike(seen)


#: Calls with a ref in the path; each is 404 for whatever it may not name.
CALLS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "stopverzoek": ("POST", "/v1/kandidaten/{}/stopverzoek", None),
    "lokaal-nummer": ("PUT", "/v1/kandidaten/{}/lokaal-nummer", {"lokaalNummer": "n-1"}),
    "inzage": ("GET", "/v1/kandidaten/{}/inzage", None),
    "inzage als brief": ("GET", "/v1/kandidaten/{}/inzage?formaat=brief", None),
    "traject": (
        "POST",
        "/v1/kandidaten/{}/trajecten",
        {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"},
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_promise_7_a_ref_that_may_not_be_named_is_not_found_by_one_path(quiet: Region, name: str) -> None:
    method, path, form = CALLS[name]
    erased = quiet.candidate()
    erase(quiet, ONTWIKKELBEDRIJF, erased.refs[ONTWIKKELBEDRIJF])
    refs = {
        "never asked": "z" * 26,  # nobody at all
        "foreign": quiet.register(GEMEENTE),
        "erased": erased.refs[ONTWIKKELBEDRIJF],
    }
    seen = {
        reason: observe(quiet, lambda ref=ref: quiet.call(ONTWIKKELBEDRIJF, method, path.format(ref), form))  # type: ignore[misc]
        for reason, ref in refs.items()
    }
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    assert_alike(seen)


def test_promise_7_inzage_of_whom_one_only_registered_is_not_found_by_one_path(quiet: Region) -> None:
    """Its own ref, but it was never involved: as if there were nobody."""
    refs = {"never asked": "z" * 26, "not involved": quiet.register(ONTWIKKELBEDRIJF)}
    involved = quiet.candidate().refs[ONTWIKKELBEDRIJF]

    def ask(ref: str) -> Answer:
        return quiet.call(ONTWIKKELBEDRIJF, "GET", f"/v1/kandidaten/{ref}/inzage")

    seen = {reason: observe(quiet, lambda ref=ref: ask(ref)) for reason, ref in refs.items()}  # type: ignore[misc]
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    first, other = seen["never asked"], seen["not involved"]
    assert (first.status, first.body, first.headers) == (other.status, other.body, other.headers)
    assert len(first.statements) <= len(other.statements) <= len(first.statements) + 5  # the facts of somebody
    assert ask(involved).status == 200


#: Calls that bear a ref in their body or query: who calls, how, and the body; ``{}`` in the path is the ref.
SOON = {"geldigTot": "2027-01-01T00:00:00Z"}
STATEMENT = {
    "grondslag": "AVG-6-1-a",
    "keuze": "ja",
    "verstrekkers": [ONTWIKKELBEDRIJF],
    "ontvangers": [KRINGLOOP],
    "doelen": ["opleiden"],
    "categorieen": ["identiteit"],
    "gegevenOp": "2026-11-01T09:00:00Z",
    "verklaring": {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"},
    "wijze": "gesprek",
    "gegevenDoor": "betrokkene",
}
REFUSAL = {name: value for name, value in STATEMENT.items() if name != "verstrekkers"} | {"keuze": "nee"}
RELEASE = {"ontvanger": ONTWIKKELBEDRIJF, "onderwerpen": ["deelname"], "op": "2026-11-01T09:00:00Z", "wijze": "gesprek"}
NAMED: dict[str, tuple[str, str, str, dict[str, Any] | None]] = {
    "ja": (ONTWIKKELBEDRIJF, "POST", "/v1/toestemmingen", STATEMENT | SOON),
    "nee": (ONTWIKKELBEDRIJF, "POST", "/v1/toestemmingen", REFUSAL | SOON),
    "ontheffing": (WOONZORG, "POST", "/v1/ontheffingen", RELEASE),
    "list": (ONTWIKKELBEDRIJF, "GET", "/v1/toestemmingen?kandidaatRef={}", None),
}


@pytest.mark.parametrize("name", NAMED)
def test_promise_7_a_ref_in_a_form_or_a_query_is_not_found_by_one_path(quiet: Region, name: str) -> None:
    who, method, path, form = NAMED[name]
    erased = cared_for(quiet) if who == WOONZORG else quiet.candidate().refs[who]
    erase(quiet, who, erased)
    refs = {"never asked": "z" * 26, "foreign": quiet.register(GEMEENTE), "erased": erased}
    quiet.token(who)

    def call(ref: str) -> Answer:
        return quiet.call(who, method, path.format(ref), None if form is None else form | {"kandidaatRef": ref})

    seen = {reason: observe(quiet, lambda ref=ref: call(ref)) for reason, ref in refs.items()}  # type: ignore[misc]
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    assert_alike(seen)


def test_promise_7_the_control_a_ref_of_ones_own_differs(quiet: Region) -> None:
    """Each of those calls goes through for somebody whom the caller knows: it is the ref that they answer to."""
    person = quiet.candidate()
    refs = {ONTWIKKELBEDRIJF: person.refs[ONTWIKKELBEDRIJF], WOONZORG: cared_for(quiet)}
    for name, (who, method, path, form) in NAMED.items():
        quiet.token(who)

        def call(ref: str, who: str = who, method: str = method, path: str = path, form: Any = form) -> Answer:
            return quiet.call(who, method, path.format(ref), form and form | {"kandidaatRef": ref})

        own = observe(quiet, lambda ref=refs[who], call=call: call(ref))  # type: ignore[misc]
        gone = observe(quiet, lambda call=call: call("z" * 26))  # type: ignore[misc]
        assert own.status in (200, 201), name
        with pytest.raises(AssertionError):
            assert_alike({"never asked": gone, "own": own})


def test_promise_7_a_foreign_release_from_secrecy_is_not_found_by_one_path(quiet: Region) -> None:
    cared = {name: cared_for(quiet) for name in ("foreign", "erased")}
    made = {
        name: quiet.call(WOONZORG, "POST", "/v1/ontheffingen", RELEASE | {"kandidaatRef": ref}).expect(201)["id"]
        for name, ref in cared.items()
    }
    ids = {"never asked": "0" * 32, "foreign": made["foreign"], "erased": made["erased"]}
    erase(quiet, WOONZORG, cared["erased"])
    who = {"never asked": WOONZORG, "foreign": KRINGLOOP, "erased": WOONZORG}
    seen = {
        reason: observe(
            quiet,
            lambda r=reason, i=found: quiet.call(who[r], "POST", f"/v1/ontheffingen/{i}/intrekking"),  # type: ignore[misc]
        )
        for reason, found in ids.items()
    }
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    assert_alike(seen)


def test_promise_7_a_foreign_zaak_is_not_found(quiet: Region) -> None:
    """The work differs for who lost the person's keys: a case of its own is found, and undone. The answer does not."""
    cases: dict[str, str] = {"never asked": "0" * 32}
    for reason in ("foreign", "erased"):
        person, _ = quiet.reporting()
        quiet.stop_request(KRINGLOOP, person.refs[KRINGLOOP])
        before = set(cases.values())
        listed = quiet.call(ONTWIKKELBEDRIJF, "GET", "/v1/zaken?soort=stopverzoek&open=true").expect(200)["items"]
        mine = [
            one for one in listed if one["id"] not in before and one["kandidaatRef"] == person.refs[ONTWIKKELBEDRIJF]
        ]
        cases[reason] = mine[-1]["id"]
        if reason == "erased":
            erase(quiet, ONTWIKKELBEDRIJF, person.refs[ONTWIKKELBEDRIJF])
    who = {"never asked": ONTWIKKELBEDRIJF, "foreign": GEMEENTE, "erased": ONTWIKKELBEDRIJF}
    for one in set(who.values()):
        quiet.token(one)
    seen = {
        reason: observe(
            quiet,
            lambda r=reason, i=found: quiet.call(  # type: ignore[misc]
                who[r], "POST", f"/v1/zaken/{i}/antwoord", {"antwoord": "opgeheven"}
            ),
        )
        for reason, found in cases.items()
    }
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    first = seen["never asked"]
    assert all((o.status, o.body, o.headers) == (first.status, first.body, first.headers) for o in seen.values())
    assert_alike({reason: one for reason, one in seen.items() if reason != "erased"})


def test_promise_7_a_foreign_statement_is_not_found_by_one_path(quiet: Region) -> None:
    person = quiet.candidate()
    foreign = quiet.allow_placing(person)
    for call, form in (("intrekking", {"gegevenDoor": "betrokkene"}), ("bevestiging", None)):
        seen: dict[str, Seen] = {}
        for reason, found in (("never asked", "0" * 32), ("foreign", foreign)):
            path = f"/v1/toestemmingen/{found}/{call}"
            seen[reason] = observe(quiet, lambda p=path, f=form: quiet.call(KRINGLOOP, "POST", p, f))  # type: ignore[misc]
        assert seen["never asked"].status == 404
        assert_alike(seen)
    assert quiet.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{foreign}").status == 200  # it is there


def test_promise_7_registering_tells_nothing_of_what_others_did(quiet: Region) -> None:
    quiet.register(GEMEENTE, bsn=samples.BSN)
    known = quiet.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"bsn": samples.BSN})
    new = quiet.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"bsn": samples.OTHER_BSN})
    again = quiet.call(ONTWIKKELBEDRIJF, "POST", "/v1/kandidaten", {"bsn": samples.BSN})
    assert (known.status, new.status, again.status) == (201, 201, 200)
    assert set(known.json) == set(new.json) == {"kandidaatRef"}
