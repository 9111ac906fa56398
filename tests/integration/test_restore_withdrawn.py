"""Restoring yesterday's state never lets a consent that was withdrawn since open anything, with or without the list."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from consent.log.reading import latest_note
from consent.store.tables import shield as shields
from hub.administration import installation
from hub.administration.backup import restore, save, settle, stores
from hub.administration.backup.known import Named
from hub.administration.backup.manifest import BackupRefused, Part
from hub.keys.taken_list import TakenList, acts, begun
from hub.rights.taken.lines import Line, apart, chosen, limited, several
from hub.settings import Settings
from hub.store.database import glance, open_engine
from tests.partners import Person
from tests.region import Region, settings_for
from tests.samples import GEMEENTE
from tests.servers import PostgresServer

OPERATOR = "Beheerder Een"
TEXT = "U mag ja zeggen, en later nee."


def quiet(_what: str, _done: int, _of: int) -> None:
    """Progress that nobody looks at."""


@dataclass
class Case:
    """A region of which a backup was made with a message that waits; then something was taken away."""

    region: Region
    folder: Path
    new_url: Callable[[], str | None]
    guide: str = ""
    at: str = ""
    person: Person | None = None
    given: str = ""
    waits: str = ""
    made: save.Saved | None = None

    @property
    def who(self) -> Person:
        assert self.person is not None
        return self.person

    @property
    def listed(self) -> Path:
        return installation.taken(self.region.settings)

    def back_up(self) -> save.Saved:
        roots = {Part.DATA: self.folder / "data-backups", Part.KEYS: self.folder / "key-backups"}
        self.region.wait_signed()
        return save.back_up(self.region.settings, roots, self.region.clock, os.urandom, quiet)

    def restored(self, *lists: Path, name: str = "restored", **named: Any) -> restore.Restored:
        """Put the backup back elsewhere, and let the region go on there."""
        self.region.wait_signed()
        self.region.stop()
        assert self.made is not None
        target = settings_for(self.folder / name, self.new_url(), 18080)
        tools = restore.Tools(target, self.region.clock, os.urandom, quiet)
        done = restore.restore(tools, OPERATOR, self.made.data, self.made.keys, Named(taken=lists, **named))
        self.region.go_on(target)
        return done

    def ref(self, who: str) -> str:
        return self.who.refs[who]

    def status(self) -> str:
        path = f"/v1/toestemmingen/{self.given}"
        return str(self.region.call(self.at, "GET", path).expect(200)["status"])

    def arrives(self) -> list[str]:
        """Kinds of what the guide can fetch now about the person; notices among them."""
        found = self.region.fetch(self.guide)
        return [event["type"].removeprefix("nl.doorstroomhub.") for event in found]

    def new_report(self) -> int:
        return self.region.send(self.at, self.region.report(self.who, self.at, 9)).status


on_sqlite = pytest.mark.parametrize("case", ["sqlite"], indirect=True)  # where the database makes no difference


@pytest.fixture(params=["sqlite", "postgresql"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    made: list[str] = []

    def new_url() -> str | None:
        if request.param == "sqlite":
            return None
        server: PostgresServer = request.getfixturevalue("postgres_server")
        made.append(server.create())
        return server.url_for(made[-1])

    one = Case(Region(tmp_path / "hub", new_url()), tmp_path, new_url)
    region = one.region
    one.guide, one.at = region.pair()
    region.call(one.at, "PUT", "/v1/verklaringen/verklaring-2/1/nl", {"tekst": TEXT}).expect(200, 201)
    one.person = region.candidate(one.guide)
    region.place(one.person, one.at)
    notice = {"id": "verklaring-2", "versie": "1", "sha256": sha256(TEXT.encode()).hexdigest(), "taal": "nl"}
    one.given = region.allow_reports(one.person, one.at, verklaring=notice)
    answer = region.send(one.at, region.report(one.person, one.at)).expect(202)
    one.waits = answer["ontvangstbewijs"]["berichtId"]
    one.made = one.back_up()
    yield one
    region.stop()
    for name in made:
        request.getfixturevalue("postgres_server").drop(name)


def withdraw(case: Case) -> None:
    case.region.withdraw(case.at, case.given)


def act(verb: str, body: dict[str, Any] | None) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        case.region.call(case.at, "POST", f"/v1/toestemmingen/{case.given}/{verb}", body).expect(200)

    return do


def refuse(case: Case) -> None:
    scope = {"keuze": "nee", "ontvangers": [case.guide], "doelen": ["trajectbegeleiding"], "verstrekkers": [case.at]}
    case.region.statement(case.at, case.ref(case.at), **scope).expect(201)


def stop(case: Case) -> None:
    case.region.stop_request(case.guide, case.ref(case.guide))


def invalid_text(case: Case) -> None:
    path = "/v1/verklaringen/verklaring-2/1/ongeldigverklaring"
    assert case.region.call(case.at, "POST", path, {"reden": "onjuist"}).expect(200)["toestemmingen"] == 1


def limit(verb: str, what: str, form: dict[str, Any]) -> Callable[[Case], None]:
    def do(case: Case) -> None:
        flows = {"verstrekkers": [case.at]} | form
        case.region.call(case.at, verb, f"/v1/kandidaten/{case.ref(case.at)}/{what}", flows).expect(200)

    return do


def recall(case: Case) -> None:
    form = {"reden": "verkeerde-ontvanger"}
    case.region.call(case.at, "POST", f"/v1/berichten/{case.waits}/terugroeping", form).expect(200)


ACTS: dict[str, tuple[Callable[[Case], None], str]] = {
    "intrekking": (withdraw, "ingetrokken"),
    "herroeping": (act("herroeping", {"reden": "verkeerd"}), "herroepen"),
    "ongeldigverklaring": (act("ongeldigverklaring", {"reden": "geen gezag"}), "ongeldig"),
    "nee": (refuse, "te-bevestigen"),
    "stopverzoek": (stop, "te-bevestigen"),
    "tekst": (invalid_text, "ongeldig"),
    "beperking": (limit("PUT", "beperking", {"grond": "onrechtmatig", "doel": "trajectbegeleiding"}), "gegeven"),
    "bezwaar": (limit("POST", "bezwaar", {"grond": "Ik wil dit niet."}), "gegeven"),
    "terugroeping": (recall, "gegeven"),
}


EVERY = [("sqlite", what) for what in ACTS] + [("postgresql", what) for what in ("intrekking", "nee", "beperking")]


@pytest.mark.parametrize(("case", "what"), EVERY, indirect=["case"])
def test_what_the_list_tells_is_taken_away_again(case: Case, what: str) -> None:
    """Nothing that waits leaves, nothing new is let in, and log and tables tell the same."""
    do, status = ACTS[what]
    do(case)
    done = case.restored(case.listed)
    assert done.report.exit_code == 0, done.report.as_text()
    assert done.outcome.held is None and done.outcome.again >= 1
    assert case.status() == status
    assert "voortgang.gemeld.v1" not in case.arrives()
    assert case.new_report() == (202 if what == "terugroeping" else 403)
    assert case.region.fate(case.at, case.waits)[case.guide] == "gestopt"


def test_without_the_list_no_consent_of_before_opens_anything_until_it_is_confirmed(case: Case) -> None:
    withdraw(case)
    done = case.restored()
    assert done.report.exit_code == 0, done.report.as_text()
    assert done.outcome.held == 2 and done.outcome.again == 0  # to be placed, and to be reported about
    assert case.status() == "te-bevestigen" and case.new_report() == 403
    assert "voortgang.gemeld.v1" not in case.arrives()
    path = f"/v1/toestemmingen/{case.given}/toestemmingsbewijs?formaat=brief"
    case.region.wait_signed()
    receipt = case.region.call(case.at, "GET", path).body.decode()
    assert "Let op. Dit geldt nu niet." in receipt and "Dit geldt van" not in receipt
    confirmed = case.region.call(case.at, "POST", f"/v1/toestemmingen/{case.given}/bevestiging").expect(200)
    assert confirmed["status"] == "gegeven" and case.new_report() == 202  # the way on, for who still says yes
    case.region.wait_signed()
    receipt = case.region.call(case.at, "GET", path).body.decode()
    assert "Let op." not in receipt and "Dit geldt van" in receipt


@on_sqlite
def test_the_control_that_nothing_was_taken_away(case: Case) -> None:
    """Who knows that, says so: then all goes on as it was. So a test above fails for what was taken away alone."""
    done = case.restored(nothing_taken=True)
    assert done.report.exit_code == 0 and done.outcome.held is None
    assert case.status() == "gegeven" and case.arrives() == ["voortgang.gemeld.v1"]


@on_sqlite
def test_a_list_that_begins_after_the_backup_does_not_know_all(case: Case) -> None:
    late = case.folder / "late.list"
    TakenList(late).begin(case.region.clock.now())
    TakenList(late).add(["ontheffing/0000"], case.region.clock.now())
    withdraw(case)
    assert case.restored(late).outcome.held == 2
    assert case.status() == "te-bevestigen"


def test_where_the_hub_stood_its_own_list_is_known(case: Case) -> None:
    """Put back in place by other means: on SQLite one machine wrote all of it. On PostgreSQL others may have."""
    withdraw(case)
    settings, made = case.region.settings, case.made
    assert made is not None
    case.region.wait_signed()
    case.region.stop()
    _yesterday(settings, made)
    done = restore.finish_here(restore.Tools(settings, case.region.clock, os.urandom, quiet), OPERATOR, Named())
    assert done.report.exit_code == 0, done.report.as_text()
    case.region.go_on(settings)
    assert case.status() == "ingetrokken" and done.outcome.again == 1
    assert done.outcome.held == (1 if settings.on_postgresql else None)
    assert case.new_report() == 403


def _yesterday(settings: Settings, made: save.Saved) -> None:
    store = stores.stores(settings)[Part.DATA]
    if store.postgresql:
        engine = open_engine(settings.database_url)
        with engine.begin() as connection:
            for name in store._tables():
                connection.exec_driver_sql(f'DROP TABLE IF EXISTS "{name}" CASCADE')
        engine.dispose()
    else:
        for end in ("", "-wal", "-shm"):
            store.path.with_name(store.path.name + end).unlink(missing_ok=True)
    store.load(made.data / store.file, lambda _: None, quiet)


def test_what_was_taken_away_again_is_so_once_and_a_later_restore_asks_nothing_twice(case: Case) -> None:
    """After a first restore the person says yes again; a second one, of a newer backup, leaves that alone."""
    stop(case)
    limit("PUT", "beperking", {"grond": "onrechtmatig", "doel": "opleiden"})(case)
    assert case.restored(case.listed).outcome.again == 3  # two consents, one beperking
    case.region.call(case.at, "POST", f"/v1/toestemmingen/{case.given}/bevestiging").expect(200)
    case.made = case.back_up()
    done = case.restored(case.listed, name="again")
    assert done.report.exit_code == 0 and (done.outcome.again, done.outcome.held) == (0, None)
    assert case.status() == "gegeven"
    items = case.region.call(case.at, "GET", f"/v1/kandidaten/{case.ref(case.at)}/beperking").expect(200)["items"]
    assert len(items) == 1


@on_sqlite
def test_a_withdrawal_of_what_the_backup_does_not_hold_closes_the_older_consent(case: Case) -> None:
    """Withdrawing a later ``ja`` closes those before it; of the later one the restored state knows nothing."""
    case.region.withdraw(case.at, case.region.allow_reports(case.who, case.at))
    assert case.new_report() == 403
    done = case.restored(case.listed)
    assert done.report.exit_code == 0 and (done.outcome.again, done.outcome.held) == (1, None)
    assert case.status() == "te-bevestigen" and case.new_report() == 403
    assert "voortgang.gemeld.v1" not in case.arrives()


@on_sqlite
def test_of_several_lists_the_latest_beginning_counts(case: Case) -> None:
    """Each machine keeps its own: what one of them took away before its list began stands on none."""
    other = TakenList(case.folder / "other.list")
    other.begin(case.region.clock.now())
    withdraw(case)
    assert case.restored(case.listed, other.path).outcome.held == 1


@on_sqlite
def test_what_was_answered_before_it_was_signed_may_be_gone_too(case: Case) -> None:
    """By all checkpoints the log did not go on after the backup; a signer that was behind had signed none since."""
    last = case.folder / "last.checkpoint"
    with glance(case.region.core.engine) as connection:
        last.write_text(latest_note(connection) or "", encoding="utf-8")
    withdraw(case)
    done = case.restored(checkpoints=[last])
    assert done.report.exit_code == 0 and done.outcome.old_origin is None
    assert done.outcome.held == 2 and case.new_report() == 403


@on_sqlite
def test_what_was_said_in_the_same_millisecond_is_held(case: Case) -> None:
    """The list tells whole milliseconds, the database parts of them: this ``ja`` is 0.9 ms younger than its line."""
    clock = case.region.clock
    clock.frozen = clock.now().replace(microsecond=500_900) + timedelta(seconds=1)
    case.given = case.region.allow_reports(case.who, case.at)
    case.made = case.back_up()
    refuse(case)
    clock.ahead, clock.frozen = 5.0, None
    assert case.restored(case.listed).outcome.again == 2
    assert case.status() == "te-bevestigen" and case.new_report() == 403


@on_sqlite
def test_who_was_left_out_of_an_afscherming_stays_so(case: Case) -> None:
    """Lifted by two and made anew for another: nobody that either of the two left out may know it again."""

    def shield(*receivers: str) -> dict[str, Any]:
        form = {"grond": "dreiging", "ontvangers": list(receivers)}
        path = f"/v1/kandidaten/{case.ref(case.at)}/afscherming"
        made: dict[str, Any] = case.region.call(case.at, "PUT", path, form).expect(200)
        return made

    shield(case.guide)
    case.made = case.back_up()
    path = f"/v1/kandidaten/{case.ref(case.at)}/afscherming/opheffing"
    for who, status in (("m-1", (200, 202)), ("m-2", (200,))):
        case.region.call(case.at, "POST", path, {"medewerker": who}).expect(*status)
    shield(GEMEENTE)
    done = case.restored(case.listed)
    assert done.report.exit_code == 0 and done.outcome.again == 1
    with glance(case.region.core.engine) as connection:
        standing = connection.execute(select(shields.c.receivers).where(shields.c.lifted_at.is_(None))).all()
    assert [row.receivers for row in standing] == [[]]


@on_sqlite
def test_a_restore_that_was_cut_off_takes_away_what_it_should(case: Case) -> None:
    withdraw(case)
    with patch.object(settle, "sign", side_effect=OSError("power")), pytest.raises(OSError, match="power"):
        case.restored(case.listed)
    done = case.restored(case.listed)
    assert done.report.exit_code == 0 and done.outcome.again == 1 and case.status() == "ingetrokken"
    kept = TakenList(installation.taken(case.region.settings)).read()
    assert kept == TakenList(case.listed).read() and begun(kept) is not None


@on_sqlite
def test_a_list_after_a_hold_says_that_it_does_not_know_what_came_before(case: Case) -> None:
    before = case.region.clock.now()
    case.restored()
    since = begun(TakenList(installation.taken(case.region.settings)).read())
    assert since is not None and since > before.replace(microsecond=0)


@on_sqlite
def test_a_damaged_list_stops_the_restore(case: Case) -> None:
    withdraw(case)
    raw = bytearray(case.listed.read_bytes())
    raw[5] ^= 1
    broken = case.folder / "broken.list"
    broken.write_bytes(raw)
    with pytest.raises(BackupRefused, match="intrekkingenlijst"):
        case.restored(broken)
    with pytest.raises(BackupRefused, match="er niet"):
        case.restored(case.folder / "nowhere.list")
    case.restored(case.listed)


@on_sqlite
def test_the_list_travels_with_the_keys_of_a_backup(case: Case) -> None:
    withdraw(case)
    younger = case.back_up()
    assert (younger.keys / save.TAKEN).read_bytes() == case.listed.read_bytes()
    done = case.restored()  # the older data; beside it lie the younger keys
    assert done.outcome.again == 1 and case.status() == "ingetrokken"
    assert done.outcome.held == 1  # that list ends with the younger backup, so more may have been taken away


@on_sqlite
def test_a_withdrawal_that_cannot_be_remembered_is_not_told(case: Case) -> None:
    """A full disk: 503, and the statement stands. What is told to be withdrawn no restore forgets."""
    with patch("hub.keys.handle_list.os.fsync", side_effect=OSError(28, "No space left on device")):
        answer = case.region.call(
            case.at, "POST", f"/v1/toestemmingen/{case.given}/intrekking", {"gegevenDoor": "betrokkene"}
        )
    assert (answer.status, answer.code) == (503, "LOG_NIET_BESCHIKBAAR")
    assert case.status() == "gegeven"
    withdraw(case)
    assert case.status() == "ingetrokken"


def test_the_line_is_durable_before_the_commit(case: Case) -> None:
    """At the commit of a withdrawal the list names it already."""
    dialect: Any = case.region.core.engine.dialect
    commit, seen = dialect.do_commit, []
    ended = f"SELECT count(*) FROM statement WHERE statement_id = '{case.given}' AND ended_at IS NOT NULL"

    def look(connection: Any) -> None:
        cursor = connection.cursor()
        if cursor.execute(ended).fetchone()[0]:
            seen.append(any(case.given in line for line in TakenList(case.listed).read()))
        cursor.close()
        commit(connection)

    dialect.do_commit = look
    withdraw(case)
    assert seen[0]


@on_sqlite
def test_no_name_and_no_words_stand_on_the_list(case: Case) -> None:
    for do in (limit("POST", "bezwaar", {"grond": "Ik wil dit niet."}), invalid_text, stop, withdraw):
        do(case)
    text = case.listed.read_text()
    refs = set(case.who.refs.values())
    assert len(acts(TakenList(case.listed).read())) >= 3
    assert not [word for word in ("verklaring-2", "wil", *refs) if word in text]


def test_lines_are_read_as_they_were_written() -> None:
    senders = ["00000099000000001000", "00000099000000003000"]
    line = limited("beperking", "1", ("p", "00000099000000001000", "onrechtmatig"), (senders, None, None))
    assert Line.read(line).write() == line
    assert [apart(each) for each in Line.read(line).rest[2:5]] == [frozenset(senders), None, None]
    assert apart(several([])) == frozenset()
    assert replace(Line.read(line), act="bezwaar").act == "bezwaar"


def test_a_recall_may_name_as_many_as_there_are(tmp_path: Path) -> None:
    """One line for a thousand receivers."""
    among = sorted(f"00000099{number:012d}" for number in range(1_000))
    line = chosen("terugroeping", "1", ("m", among[0], "verkeerde-ontvanger"), among)
    TakenList(tmp_path / "a.list").append([line], datetime(2026, 1, 1, tzinfo=UTC))
    (kept,) = TakenList(tmp_path / "a.list").read()
    assert apart(Line.read(kept).rest[2]) == frozenset(among)
