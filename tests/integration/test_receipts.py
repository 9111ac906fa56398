"""Receipts of statements out of a whole hub, on both databases, checked with nothing but the log's public key."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update

from consent.keys import evidence_key
from consent.log.tables import ledger_payload
from consent.receipt import document
from consent.receipt.account import State
from consent.store.tables import person, statement
from consent.verify import verifier
from contracts import instants
from contracts.identity import Oin, PersonId
from hub import cli
from hub.store.persons import people
from tests import samples
from tests.partners import Answer, Person, stamp
from tests.region import Region, region_on
from tests.samples import BSN, GEMEENTE, KRINGLOOP, MBO, ONTWIKKELBEDRIJF, WOONZORG

FORMS = ("dpv", "brief")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with region_on(request, tmp_path_factory.mktemp("bewijs")) as made:
        yield made


def ask(region: Region, who: str, given: str, form: str | None = None) -> Answer:
    query = "" if form is None else f"?formaat={form}"
    return region.call(who, "GET", f"/v1/toestemmingen/{given}/toestemmingsbewijs{query}")


def checked(region: Region, who: str, given: str, form: str = "dpv") -> document.Receipt:
    """The receipt, found whole by the offline verifier with the published key and the statement's proof."""
    region.wait_signed()
    return whole(region, who, given, form)


def whole(region: Region, who: str, given: str, form: str = "dpv") -> document.Receipt:
    answer = ask(region, who, given, form)
    assert answer.status == 200, answer.body
    proof = region.call(who, "GET", f"/v1/toestemmingen/{given}/bewijs").body.decode()
    report = verifier.verify_statement(answer.body, proof, [key_of(region)])
    assert (report.findings, report.exit_code) == ([], verifier.WHOLE)
    changed = bytearray(answer.body)
    changed[len(changed) // 2] ^= 1  # the control
    assert verifier.verify_statement(bytes(changed), proof, [key_of(region)]).exit_code == verifier.BROKEN
    return document.read(answer.body)


def key_of(region: Region) -> verifier.Verifier:
    published = region.call(ONTWIKKELBEDRIJF, "GET", "/v1/bewijslogboek/sleutel").expect(200)["sleutel"]
    return verifier.read_verifier(published)


def row_of(region: Region, given: str) -> Any:
    with region.core.engine.connect() as connection:
        return connection.execute(statement.select().where(statement.c.statement_id == given)).one()


def shared(region: Region, confirm: bool = False) -> tuple[Person, str]:
    """A ``ja`` that the ontwikkelbedrijf recorded, for its own reports and for those of the kringloop."""
    someone = region.candidate()
    region.place(someone)
    given = region.consent(
        ONTWIKKELBEDRIJF,
        someone.refs[ONTWIKKELBEDRIJF],
        [MBO],
        "trajectbegeleiding",
        "leervoortgang",
        verstrekkers=[ONTWIKKELBEDRIJF, KRINGLOOP],
    )
    if confirm:
        region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/bevestiging").expect(200)
    return someone, given


@pytest.mark.parametrize("form", FORMS)
def test_a_receipt_is_whole_and_says_what_was_recorded(region: Region, form: str) -> None:
    someone, given = shared(region)
    found = checked(region, ONTWIKKELBEDRIJF, given, form)
    account, row = found.account, row_of(region, given)
    assert found.form == form
    assert (account.id, account.recorder, account.choice) == (given, ONTWIKKELBEDRIJF, "ja")
    assert account.ref == (ONTWIKKELBEDRIJF, someone.refs[ONTWIKKELBEDRIJF])
    assert set(account.senders or ()) == {ONTWIKKELBEDRIJF, KRINGLOOP}
    assert account.names[ONTWIKKELBEDRIJF] == "ontwikkelbedrijf 3000"
    assert account.names[MBO] == "mbo 4000"
    assert account.notice.sha256 == row.notice["sha256"]
    assert account.valid_until == row.valid_until.replace(microsecond=row.valid_until.microsecond // 1000 * 1000)
    assert account.events[0].state is State.GIVEN


def test_media_types_and_headers(region: Region) -> None:
    _, given = shared(region)
    region.wait_signed()
    linked, letter = ask(region, ONTWIKKELBEDRIJF, given), ask(region, ONTWIKKELBEDRIJF, given, "brief")
    assert linked.headers["content-type"] == "application/ld+json"
    assert letter.headers["content-type"] == "text/html; charset=utf-8"
    assert letter.headers["content-security-policy"].startswith("default-src 'none'; style-src 'sha256-")
    assert linked.body == ask(region, ONTWIKKELBEDRIJF, given, "dpv").body  # the same bytes every time
    refused = ask(region, ONTWIKKELBEDRIJF, given, "kantara")
    assert (refused.status, refused.code) == (400, "VERZOEK_ONGELDIG")


def test_each_organisation_finds_its_own_ref_and_no_other(region: Region) -> None:
    someone, given = shared(region)
    own, other = someone.refs[ONTWIKKELBEDRIJF], someone.refs[KRINGLOOP]
    region.wait_signed()
    before = ask(region, KRINGLOOP, given)
    assert own.encode() not in before.body
    assert document.read(before.body).account.ref == (KRINGLOOP, other)  # it was involved when this was recorded
    receipts = [checked(region, who, given) for who in (ONTWIKKELBEDRIJF, KRINGLOOP)]
    assert len({each.account.receipt_id for each in receipts}) == 1  # one leaf, one proof
    assert other.encode() not in ask(region, ONTWIKKELBEDRIJF, given).body


def test_who_became_involved_later_finds_its_ref_once_it_confirmed(region: Region) -> None:
    """What the log binds at the recording shows no difference between a known and an unknown verstrekker."""
    someone = region.candidate()
    ref = someone.refs[ONTWIKKELBEDRIJF]
    scope = {"doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"], "ontvangers": [MBO]}
    named = {"verstrekkers": [ONTWIKKELBEDRIJF, KRINGLOOP]}
    given = region.statement(ONTWIKKELBEDRIJF, ref, **scope, **named).expect(201)["id"]
    region.place(someone)
    region.wait_signed()
    assert ask(region, KRINGLOOP, given).status == 200
    assert checked(region, KRINGLOOP, given).account.ref is None
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/bevestiging").expect(200)
    found = checked(region, KRINGLOOP, given)
    assert found.account.ref == (KRINGLOOP, someone.refs[KRINGLOOP])
    assert [e.by for e in found.account.events if e.state is State.PART_CONFIRMED] == [ONTWIKKELBEDRIJF, KRINGLOOP]


def test_after_two_persons_were_joined_the_receipt_names_the_ref_that_was_bound(region: Region) -> None:
    """The statement was recorded for the person as the ontwikkelbedrijf knew it; the entry cannot change."""
    someone = region.candidate(bsn=BSN)
    own = someone.refs[ONTWIKKELBEDRIJF]
    given = region.consent(ONTWIKKELBEDRIJF, own, [MBO], "trajectbegeleiding", "leervoortgang")
    theirs = region.register(GEMEENTE, bsn=BSN)
    data = samples.voorgedragen(theirs, bsn=BSN)
    data["traject"]["trajectId"] = region.open_trajectory(GEMEENTE, theirs)
    event = region.event(GEMEENTE, "kandidaat.voorgedragen", theirs, data, ontvanger=ONTWIKKELBEDRIJF)
    region.send(GEMEENTE, event).expect(202)
    region.collect(ONTWIKKELBEDRIJF)
    with region.core.engine.connect() as connection:
        refs = [(Oin(ONTWIKKELBEDRIJF), own), (Oin(GEMEENTE), theirs)]
        assert len({known.root for known in people.resolve(connection, refs).values()}) == 1
    assert checked(region, ONTWIKKELBEDRIJF, given).account.ref == (ONTWIKKELBEDRIJF, own)
    region.wait_signed()
    assert ask(region, GEMEENTE, given).status == 404  # joined, but neither its recorder nor a verstrekker


@pytest.mark.parametrize("form", FORMS)
def test_a_withdrawal_stands_in_the_receipt_but_not_who_saw_to_it(region: Region, form: str) -> None:
    """The kringloop is involved, and that is nobody's to learn from a receipt of a statement that does not name it."""
    someone = region.candidate()
    region.place(someone)
    ref = someone.refs[ONTWIKKELBEDRIJF]
    given = region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "trajectbegeleiding", "leervoortgang")
    reason = {"gegevenDoor": "betrokkene", "reden": "een reden die niemand anders aangaat"}
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/intrekking", reason).expect(200)
    found = checked(region, ONTWIKKELBEDRIJF, given, form)
    end = found.account.ended
    assert end is not None
    assert (end.state, end.by, end.given_by) == (State.WITHDRAWN, None, "betrokkene")
    assert end.at == row_of(region, given).ended_at.replace(microsecond=end.at.microsecond)
    raw = ask(region, ONTWIKKELBEDRIJF, given, form).body
    for hidden in (KRINGLOOP, region.parties[KRINGLOOP].system, "reden"):
        assert hidden.encode() not in raw
    assert sum(each.state is State.WITHDRAWN for each in found.account.events) == 1


def test_a_withdrawal_by_the_recorder_is_told_once(region: Region) -> None:
    _, given = shared(region)
    region.withdraw(ONTWIKKELBEDRIJF, given)
    events = checked(region, ONTWIKKELBEDRIJF, given).account.events
    assert [(e.state, e.by) for e in events if e.state is State.WITHDRAWN] == [(State.WITHDRAWN, ONTWIKKELBEDRIJF)]
    assert all(e.state is not State.EXPIRED for e in events)


def said(region: Region, **terms: Any) -> dict[str, Any]:
    """How and when somebody says something now."""
    now = datetime.fromtimestamp(region.seconds(), UTC)
    return {"gegevenOp": stamp(now), "wijze": "gesprek", "gegevenDoor": "betrokkene"} | terms


def act(region: Region, given: str, verb: str, body: Any, who: str = ONTWIKKELBEDRIJF) -> Any:
    return region.call(who, "POST", f"/v1/toestemmingen/{given}/{verb}", body).expect(200, 201)


def kinds(found: document.Receipt) -> list[State]:
    return [event.state for event in found.account.events if event.state is not State.PART_CONFIRMED]


@pytest.mark.parametrize("form", FORMS)
def test_a_request_and_its_answer(region: Region, form: str) -> None:
    ref = region.candidate().refs[ONTWIKKELBEDRIJF]
    scope = {"ontvangers": [MBO], "doelen": ["trajectbegeleiding"], "categorieen": ["leervoortgang"]}
    left_out = dict.fromkeys(("keuze", "gegevenOp", "wijze", "gegevenDoor"))
    asked = region.statement(ONTWIKKELBEDRIJF, ref, gevraagd=True, **(left_out | scope)).expect(201)["id"]
    found = checked(region, ONTWIKKELBEDRIJF, asked, form)
    assert (found.account.choice, kinds(found)) == (None, [State.REQUESTED, State.EXPIRED])
    act(region, asked, "antwoord", said(region, keuze="ja"))
    found = checked(region, ONTWIKKELBEDRIJF, asked, form)
    assert (found.account.choice, kinds(found)) == ("ja", [State.REQUESTED, State.GIVEN, State.EXPIRED])
    assert found.account.ref == (ONTWIKKELBEDRIJF, ref)


@pytest.mark.parametrize("form", FORMS)
def test_a_renewal(region: Region, form: str) -> None:
    _, given = shared(region)
    until = stamp(datetime.fromtimestamp(region.seconds(), UTC) + timedelta(days=300))
    notice = {"id": "verklaring-1", "versie": "2", "sha256": "1" * 64, "taal": "nl"}
    renewed = act(region, given, "verlenging", said(region, geldigTot=until, verklaring=notice))["id"]
    found = checked(region, ONTWIKKELBEDRIJF, renewed, form)
    assert (found.account.renews, kinds(found)) == (given, [State.RENEWED, State.EXPIRED])
    assert found.account.notice.version == "2"


@pytest.mark.parametrize(("verb", "state"), [("herroeping", State.REVOKED), ("ongeldigverklaring", State.INVALIDATED)])
def test_revoked_and_invalid_are_not_withdrawn(region: Region, verb: str, state: State) -> None:
    _, given = shared(region, confirm=True)
    act(region, given, verb, {"reden": "verkeerd vastgelegd"})
    region.wait_signed()
    assert b"reden" not in ask(region, KRINGLOOP, given).body  # not even its hash, which would tell a short text
    for who in (ONTWIKKELBEDRIJF, KRINGLOOP):
        found = checked(region, who, given)
        assert kinds(found) == [State.GIVEN, state]
        assert found.account.ended is not None
        assert found.account.ended.by == ONTWIKKELBEDRIJF


def of_a_minor(region: Region, **terms: Any) -> tuple[Person, str, str]:
    """Somebody placed at the kringloop who turned 16 since a parent said yes; that day."""
    someone = region.candidate()
    region.place(someone)
    now = datetime.fromtimestamp(region.seconds(), UTC)
    day = instants.today(now - timedelta(days=1)).isoformat()
    parent = {"gegevenDoor": "ouder-met-gezag", "bevoegdheid": "gezagsregister", "zestienOp": day}
    parent["gegevenOp"] = stamp(now - timedelta(days=3))
    ref = someone.refs[ONTWIKKELBEDRIJF]
    given = region.consent(ONTWIKKELBEDRIJF, ref, [MBO], "trajectbegeleiding", "leervoortgang", **(parent | terms))
    return someone, given, day


def test_at_sixteen_the_person_confirms(region: Region) -> None:
    _, given, day = of_a_minor(region)
    now = datetime.fromtimestamp(region.seconds(), UTC)
    act(region, given, "bevestiging", {"gegevenDoor": "betrokkene", "op": stamp(now)})
    found = checked(region, ONTWIKKELBEDRIJF, given, "brief")
    assert kinds(found) == [State.GIVEN, State.PERSON_CONFIRMED, State.EXPIRED]
    assert found.account.said is not None
    assert found.account.said.by == "ouder-met-gezag"
    assert found.account.said.sixteen_at == instants.start_of(date.fromisoformat(day))


def test_what_a_verstrekker_noted_before_it_confirmed_shows_it_to_no_other(region: Region) -> None:
    """That the kringloop is involved with the person already, the recorder must not learn from this."""
    _, given, _ = of_a_minor(region, verstrekkers=[ONTWIKKELBEDRIJF, KRINGLOOP])
    said_now = {"gegevenDoor": "betrokkene", "op": stamp(datetime.fromtimestamp(region.seconds(), UTC))}
    act(region, given, "bevestiging", said_now, KRINGLOOP)
    own, other = checked(region, KRINGLOOP, given), checked(region, ONTWIKKELBEDRIJF, given)
    assert (State.PERSON_CONFIRMED in kinds(own), State.PERSON_CONFIRMED in kinds(other)) == (True, False)
    region.call(KRINGLOOP, "POST", f"/v1/toestemmingen/{given}/bevestiging").expect(200)
    assert State.PERSON_CONFIRMED in kinds(checked(region, ONTWIKKELBEDRIJF, given))


def test_a_refusal_and_its_letter(region: Region) -> None:
    someone = region.candidate()
    ref = someone.refs[ONTWIKKELBEDRIJF]
    general = {"keuze": "nee", "verstrekkers": None, "geldigTot": None}
    given = region.statement(ONTWIKKELBEDRIJF, ref, **general).expect(201)["id"]
    found = checked(region, ONTWIKKELBEDRIJF, given, "brief")
    assert (found.account.choice, found.account.purposes, found.account.valid_until) == ("nee", None, None)


def test_there_is_none_until_the_checkpoint_is_there(tmp_path: Path) -> None:
    made = Region(tmp_path)
    try:
        someone = made.candidate()
        made.hub.log_keeper.stop()
        ref = someone.refs[ONTWIKKELBEDRIJF]
        given = made.consent(ONTWIKKELBEDRIJF, ref, [MBO], "trajectbegeleiding", "leervoortgang")
        for path in ("toestemmingsbewijs", "toestemmingsbewijs?formaat=brief", "bewijs"):
            waiting = made.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{given}/{path}")
            assert (waiting.status, waiting.code, waiting.headers["retry-after"]) == (404, "NIET_GEVONDEN", "1")
        made.wait_signed()
        assert ask(made, ONTWIKKELBEDRIJF, given).status == 200
        made.withdraw(ONTWIKKELBEDRIJF, given)  # not proven yet, so no receipt may say that it still stands
        waiting = ask(made, ONTWIKKELBEDRIJF, given)
        assert (waiting.status, waiting.headers["retry-after"]) == (404, "1")
        checked(made, ONTWIKKELBEDRIJF, given)
    finally:
        made.stop()


def test_others_learn_nothing(region: Region) -> None:
    """Not named, not involved, and no such statement: one answer, without a hint to come back."""
    _, given = shared(region)
    region.wait_signed()
    unknown = region.call(MBO, "GET", "/v1/toestemmingen/0192f000000070008000000000000000/toestemmingsbewijs")
    for who in (MBO, WOONZORG):
        refused = ask(region, who, given)
        assert (refused.status, refused.code) == (404, "NIET_GEVONDEN")
        assert "retry-after" not in refused.headers
        assert refused.json | {"instance": ""} == unknown.json | {"instance": ""}
    named = region.consent(
        ONTWIKKELBEDRIJF,
        region.candidate().refs[ONTWIKKELBEDRIJF],
        [MBO],
        "trajectbegeleiding",
        "leervoortgang",
        verstrekkers=[ONTWIKKELBEDRIJF, WOONZORG],
    )
    region.wait_signed()
    assert ask(region, WOONZORG, named).status == 404  # named, but not involved with this person


def test_of_an_erased_person_there_is_none(region: Region) -> None:
    for erase in (_key, _mark):
        _, given = shared(region)
        region.wait_signed()
        assert ask(region, ONTWIKKELBEDRIJF, given).status == 200
        erase(region, row_of(region, given).person_id)
        refused = ask(region, ONTWIKKELBEDRIJF, given)
        assert (refused.status, refused.code) == (404, "NIET_GEVONDEN")
        assert "retry-after" not in refused.headers


def _key(region: Region, who: str) -> None:
    """The key is destroyed first: that moment alone."""
    region.core.key_store.destroy([evidence_key(PersonId(who))], region.clock.now())


def _mark(region: Region, who: str) -> None:
    now: datetime = region.clock.now()
    with region.core.engine.begin() as connection:
        connection.execute(update(person).where(person.c.person_id == who).values(erased_at=now))


def test_the_command_checks_it_with_the_key_alone(
    region: Region, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`hub ledger verify` on two files: 0 whole, 1 broken, 2 could not look; no database and no JWK set is needed."""
    _, given = shared(region, confirm=True)
    region.wait_signed()
    proof = tmp_path / "bewijs.tlog-proof"
    proof.write_bytes(region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{given}/bewijs").body)

    def command(*arguments: object) -> tuple[Any, dict[str, Any]]:
        with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as end:
            patch.setenv("HUB_DATA_DIR", str(tmp_path / "nothing-here"))
            cli.main(["ledger", "verify", *map(str, arguments), "--json"])
        return end.value.code or 0, json.loads(capsys.readouterr().out)

    for form in FORMS:
        path = tmp_path / f"bewijs.{form}"
        path.write_bytes(raw := ask(region, ONTWIKKELBEDRIJF, given, form).body)
        files = ("--receipt", path, "--proof", proof, "--key", key_of(region).vkey)
        code, told = command(*files)
        assert (code, told["uitkomst"], told["bekeken"]) == (0, "heel", ["toestemmingsbewijs", "bewijs"])
        path.write_bytes(raw.replace(b"ontwikkelbedrijf 3000", b"ontwikkelbedrijf 3001", 1))
        code, told = command(*files)
        assert (code, told["uitkomst"]) == (1, "kapot")
        assert command(*files[:4])[0] == command(*files[:2], *files[4:])[0] == 2


def test_a_kept_receipt_outlives_the_erasure(region: Region) -> None:
    """The person's own copy still proves what was said; nothing of it lies in the hub any more."""
    _, given = shared(region)
    region.wait_signed()
    raw = ask(region, ONTWIKKELBEDRIJF, given, "brief").body
    proof = region.call(ONTWIKKELBEDRIJF, "GET", f"/v1/toestemmingen/{given}/bewijs").body.decode()
    _key(region, row_of(region, given).person_id)
    assert verifier.verify_statement(raw, proof, [key_of(region)]).exit_code == verifier.WHOLE


def test_an_entry_that_was_tampered_with_gives_no_receipt(region: Region) -> None:
    """Neither for the statement that it is about, nor for one of the same person: it may be the one that ended it."""
    for tamper in ("change", "remove"):
        someone, given = shared(region)
        other = region.allow_placing(someone)
        region.wait_signed()
        entry = row_of(region, given).entry_id
        assert ask(region, ONTWIKKELBEDRIJF, other).status == 200
        with region.core.engine.begin() as connection:
            where = ledger_payload.c.entry_id == entry
            if tamper == "change":
                connection.execute(update(ledger_payload).where(where).values(ciphertext=b"\x00" * 64))
            else:
                connection.execute(delete(ledger_payload).where(where))
        for one in (given, other) if tamper == "change" else (given,):
            refused = ask(region, ONTWIKKELBEDRIJF, one)
            assert (refused.status, refused.code) == (503, "LOG_NIET_BESCHIKBAAR")


def test_receipts_while_the_log_grows(region: Region) -> None:
    """Each proof is under the checkpoint of its own moment; together they hold."""
    _, given = shared(region, confirm=True)
    region.wait_signed()
    done = threading.Event()

    def others() -> None:
        while not done.is_set():
            region.candidate()

    thread = threading.Thread(target=others)
    thread.start()
    try:
        for _ in range(10):
            whole(region, ONTWIKKELBEDRIJF, given)
    finally:
        done.set()
        thread.join()
