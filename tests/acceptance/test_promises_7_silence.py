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
from consent.store.tables import involvement
from consent.store.tables import person as person_table
from contracts.identity import Oin, PersonId
from hub.store.database import reading
from hub.store.persons import people
from tests import samples
from tests.officers import JOIN, SPLIT, ask, asks, both, confirm
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
    rows: tuple[int, ...]  # how many of them each of those that select gave


@contextmanager
def counted(region: Region) -> Iterator[tuple[list[str], list[int]]]:
    """Every statement that the hub's database and the key store are asked, and the rows that each SELECT gives."""
    found: list[str] = []
    rows: list[int] = []

    def note(connection: Any, _cursor: Any, statement: str, given: Any, _ctx: Any, _many: bool) -> None:
        found.append(statement)
        if statement.lstrip().startswith("SELECT"):
            cursor = connection.connection.cursor()
            cursor.execute(f"SELECT count(*) FROM ({statement}) AS counted", given)
            rows.append(cursor.fetchone()[0])
            cursor.close()

    engines = (region.core.engine, region.core.key_store._engine)
    for engine in engines:
        listening.listen(engine, "before_cursor_execute", note)
    try:
        yield found, rows
    finally:
        for engine in engines:
            listening.remove(engine, "before_cursor_execute", note)


def observe(region: Region, call: Callable[[], Answer]) -> Seen:
    with counted(region) as (statements, rows):
        answer = call()
    body = {name: value for name, value in answer.json.items() if name != "instance"}
    return Seen(answer.status, dict(answer.headers), body, tuple(statements), tuple(rows))


@pytest.fixture(scope="module")
def still(shared: Region) -> Region:
    """The shared region without its own background work, which would be counted too."""
    for part in (shared.hub.log_keeper, shared.hub.finisher, shared.hub.sweeper, shared.hub.relay, shared.hub.push):
        part.stop()
    keeper: Any = shared.hub.log_keeper
    keeper.wait_for = lambda *_: False  # a `ja` need not wait for a checkpoint that nobody signs
    return shared


@pytest.fixture
def quiet(still: Region) -> Region:
    """The same, in which nobody has to ask a token in the middle of what is observed."""
    for who in still.parties:
        still.token(who)
    return still


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


def outsider(region: Region) -> tuple[Person, str]:
    """Somebody whom an ontwikkelbedrijf knows and in whose traject it takes part no more; and who still does."""
    guide, at = region.pair()
    person, _ = region.reporting(guide, at)
    over = update(involvement).where(involvement.c.organisation == guide).values(valid_until=region.clock.now())
    region.operate(lambda tx, _act: tx.connection.execute(over))
    for who in (guide, at):
        region.token(who)
    return person, at


def say_much(region: Region, person: Person, at: str) -> None:
    """Others say a lot about a person: consents, refusals, a beperking, a bezwaar, and messages that wait."""
    ref = person.refs[at]
    for number in range(6):
        region.consent(at, ref, [ONTWIKKELBEDRIJF], "trajectbegeleiding", "leervoortgang")
        region.statement(at, ref, keuze="nee", ontvangers=[WOONZORG]).expect(201)
        region.send(at, region.report(person, at, number=number))
    flow = {"verstrekkers": [at], "ontvangers": [GEMEENTE]}
    region.call(at, "PUT", f"/v1/kandidaten/{ref}/beperking", flow | {"grond": "onrechtmatig"}).expect(200)
    region.call(at, "POST", f"/v1/kandidaten/{ref}/bezwaar", flow | {"grond": "Liever niet."}).expect(200)


def knocks(region: Region, person: Person, who: str) -> dict[str, Seen]:
    """What somebody may try of whom it has a ref."""
    ref, flow = person.refs[who], {"verstrekkers": [who], "grond": "onrechtmatig"}
    shield = {"grond": "dreiging", "ontvangers": [KRINGLOOP]}
    calls: dict[str, tuple[str, str, Any]] = {
        "beperking": ("PUT", f"/v1/kandidaten/{ref}/beperking", flow),
        "beperking opheffen": ("DELETE", f"/v1/kandidaten/{ref}/beperking", None),
        "bezwaar": ("POST", f"/v1/kandidaten/{ref}/bezwaar", flow),
        "afscherming": ("PUT", f"/v1/kandidaten/{ref}/afscherming", shield),
        "stopverzoek": ("POST", f"/v1/kandidaten/{ref}/stopverzoek", None),
        "nee": ("POST", "/v1/toestemmingen", REFUSAL | SOON | {"kandidaatRef": ref}),
    }
    event = region.placing(Person({person.guide: ref}, "", person.guide), KRINGLOOP)
    seen = {name: observe(region, lambda call=call: region.call(who, *call)) for name, call in calls.items()}  # type: ignore[misc]
    for path in ("/v1/berichten", "/v1/vooraf-controles"):
        seen[path] = observe(region, lambda path=path: region.call(who, "POST", path, event, EVENT))  # type: ignore[misc]
    return seen


def test_promise_7_what_others_said_does_not_show_in_what_an_outsiders_refusal_costs(quiet: Region) -> None:
    """As many statements and as many rows, however much others said; who takes part is the control."""
    person, at = outsider(quiet)
    report = quiet.report(person, at)
    little = knocks(quiet, person, person.guide), observe(quiet, lambda: quiet.send(at, report))
    say_much(quiet, person, at)
    much = knocks(quiet, person, person.guide), observe(quiet, lambda: quiet.send(at, report))
    assert [one.status for one in much[0].values()] == [404] * 6 + [403, 200]
    for name, seen in little[0].items():
        assert much[0][name] == seen, name
    assert much[1].rows != little[1].rows


#: Calls with a ref in the path; each is 404 for whatever it may not name.
CALLS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "stopverzoek": ("POST", "/v1/kandidaten/{}/stopverzoek", None),
    "wissing": ("POST", "/v1/kandidaten/{}/wissing", {"omvang": "eigen", "reden": "bezwaar", "kenmerk": "W-1"}),
    "lokaal-nummer": ("PUT", "/v1/kandidaten/{}/lokaal-nummer", {"lokaalNummer": "n-1"}),
    "inzage": ("GET", "/v1/kandidaten/{}/inzage", None),
    "inzage als brief": ("GET", "/v1/kandidaten/{}/inzage?formaat=brief", None),
    "traject": (
        "POST",
        "/v1/kandidaten/{}/trajecten",
        {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"},
    ),
    "samenvoeging": ("POST", "/v1/kandidaten/{}/samenvoegingen", {"medewerker": "m-1", "reden": "dubbel"}),
    "splitsing": ("POST", "/v1/kandidaten/{}/splitsingen", {"medewerker": "m-1", "reden": "twee mensen"}),
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


def officers_refs(quiet: Region) -> tuple[dict[str, tuple[str, str]], str]:
    """A second officer's (ref, code) by what is wrong with it, and the ref with which each code is of use."""
    guide = ONTWIKKELBEDRIJF
    first, second = quiet.register(guide), quiet.register(guide)
    erased = quiet.candidate()
    erase(quiet, guide, erased.refs[guide])
    used, late, good = (ask(quiet, JOIN, (guide, first))["code"] for _ in range(3))
    confirm(quiet, JOIN, (guide, quiet.register(guide)), used).expect(200)
    quiet.advance(3_601)
    for who in quiet.parties:  # not in the middle of what is observed
        quiet.token(who)
    fresh = ask(quiet, JOIN, (guide, first))["code"]
    return {
        "never asked": (second, "2222-2222-2222"),
        "used": (second, used),
        "late": (second, late),
        "unknown": ("z" * 26, fresh),
        "foreign": (quiet.register(GEMEENTE), fresh),
        "erased": (erased.refs[guide], fresh),
        "nothing right": ("z" * 26, good),
        "for a split": (second, ask(quiet, SPLIT, (guide, first))["code"]),
    }, fresh


def test_promise_7_a_code_or_ref_that_is_not_right_is_not_found_by_one_path(quiet: Region) -> None:
    wrong, fresh = officers_refs(quiet)

    def call(ref: str, code: str) -> Answer:
        return confirm(quiet, JOIN, (ONTWIKKELBEDRIJF, ref), code, proef=True)

    seen = {reason: observe(quiet, lambda one=one: call(*one)) for reason, one in wrong.items()}  # type: ignore[misc]
    assert (seen["never asked"].status, seen["never asked"].body["code"]) == (404, "NIET_GEVONDEN")
    assert_alike(seen)
    right = observe(quiet, lambda: call(wrong["used"][0], fresh))  # the control
    assert right.status == 200
    with pytest.raises(AssertionError):
        assert_alike({"never asked": seen["never asked"], "right": right})


def test_promise_7_asking_to_split_costs_and_says_the_same_for_who_is_joined_and_who_is_not(quiet: Region) -> None:
    guide = ONTWIKKELBEDRIJF
    alone, one, two = (quiet.register(guide) for _ in range(3))
    both(quiet, JOIN, (guide, one), (guide, two))
    seen = {
        name: observe(quiet, lambda r=ref: asks(quiet, SPLIT, (guide, r))) for name, ref in (("a", alone), ("j", one))
    }  # type: ignore[misc]
    assert seen["a"].status == seen["j"].status == 201
    assert seen["a"].body.keys() == seen["j"].body.keys() and seen["a"].statements == seen["j"].statements


_FLOWS = {"verstrekkers": [ONTWIKKELBEDRIJF]}
#: More of them, tried for one whose content was erased: method, the last part of the path, the body.
LIMITS: list[tuple[str, str, dict[str, Any] | None]] = [
    ("PUT", "beperking", _FLOWS | {"grond": "onrechtmatig"}),
    ("GET", "beperking", None),
    ("DELETE", "beperking", None),
    ("POST", "bezwaar", _FLOWS | {"grond": "liever niet"}),
    ("GET", "bezwaar", None),
    ("PUT", "afscherming", {"grond": "dreiging", "ontvangers": []}),
    ("GET", "afscherming", None),
    ("POST", "afscherming/opheffing", {"medewerker": "m-1"}),
]


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


def test_promise_7_a_foreign_zaak_and_one_of_who_was_erased_are_not_found_by_one_path(quiet: Region) -> None:
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
    assert_alike(seen)


def test_promise_7_who_was_erased_is_nobody_on_every_route(quiet: Region) -> None:
    """An own erasure, by the hub's own verb: afterwards every call with that ref ends as one with a made-up ref."""
    person = quiet.candidate()
    ref = person.refs[ONTWIKKELBEDRIJF]
    quiet.allow_placing(person)
    wish = {"omvang": "eigen", "reden": "bezwaar", "kenmerk": "W-1"}
    done = quiet.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/wissing", wish).expect(200)
    calls = [(method, path, form) for name, (method, path, form) in CALLS.items() if name != "wissing"]
    calls += [("GET", "/v1/toestemmingen?kandidaatRef={}", None)]
    calls += [(method, f"/v1/kandidaten/{{}}/{name}", form) for method, name, form in LIMITS]
    quiet.token(ONTWIKKELBEDRIJF)
    for method, path, form in calls:
        seen = {
            reason: observe(
                quiet, lambda r=one, m=method, p=path, f=form: quiet.call(ONTWIKKELBEDRIJF, m, p.format(r), f)
            )  # type: ignore[misc]
            for reason, one in {"never asked": "z" * 26, "erased": ref}.items()
        }
        assert (seen["erased"].status, seen["erased"].body["code"]) == (404, "NIET_GEVONDEN"), path
        assert_alike(seen)
    for path in ("/v1/berichten", "/v1/vooraf-controles"):
        seen = {
            reason: observe(
                quiet,
                lambda r=one, p=path: quiet.call(ONTWIKKELBEDRIJF, "POST", p, place(quiet, r), EVENT),  # type: ignore[misc]
            )
            for reason, one in {"never asked": "z" * 26, "erased": ref}.items()
        }
        assert_alike(seen)
    quiet.token(KRINGLOOP)
    path = f"/v1/wissingen/{done['wissingId']}"
    for tail in ("", "/bewijs", "/vernietigingsverklaring"):
        seen = {
            reason: observe(quiet, lambda p=one + tail: quiet.call(KRINGLOOP, "GET", p))  # type: ignore[misc]
            for reason, one in {"never asked": f"/v1/wissingen/{'0' * 32}", "foreign": path}.items()
        }
        assert (seen["foreign"].status, seen["foreign"].body["code"]) == (404, "NIET_GEVONDEN")
        assert_alike(seen)


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
