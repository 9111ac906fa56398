"""Administration by the real command line on real databases: acts, refusals, entries, and what the gate then reads."""

import json
import os
import re
import threading
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy import Connection, delete, event, func, select, text, update

from consent.keys import SYSTEM_KEY
from consent.log import ledger, sequencer
from consent.log.signer import Signer
from consent.log.tables import ledger_payload, ledger_pending
from contracts.errors import ExchangeError
from contracts.identity import Oin, Role
from hub import cli
from hub.administration import installation
from hub.administration.folder import FolderLock
from hub.commands.common.office import Office, office
from hub.ledger.replay.check import named
from hub.store.region.rules import RulePair, agreement_partners, read_rules
from hub.store.tables import agreement, delivery, ground, mandate, message, organisation, system

GEMEENTE, SOB, KRINGLOOP = (Oin(f"0000009900000000{n}000") for n in (1, 2, 3))
AGREEMENT: dict[str, Any] = {
    "afspraakId": "a1",
    "partijen": [GEMEENTE, SOB],
    "soorten": ["voortgang.gemeld"],
    "doelen": ["verantwoording"],
    "geldigVan": "2020-01-01",
    "geldigTot": None,
    "art26Regeling": "regeling-1",
    "dpiaOp": "2020-01-15",
}
GROUND: dict[str, Any] = {
    "grondslagId": "g1",
    "afspraakId": "a1",
    "basis": "AVG-6-1-e",
    "wettelijkeKaders": ["Pwet"],
    "wet": "Participatiewet",
    "artikel": "7",
    "soorten": ["voortgang.gemeld"],
    "doel": "verantwoording",
    "verstrekkerRol": "ontwikkelbedrijf",
    "ontvangerRol": "gemeente",
    "categorieen": ["identiteit", "leervoortgang"],
    "geldigVan": "2020-01-01",
    "geldigTot": None,
}


@dataclass(frozen=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without a hub; the data folder."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("HUB_ENV", "demo")  # the private server's address may hold its password
    monkeypatch.setenv("HUB_BASE_URL", "https://hub.example")
    if request.param == "postgresql":
        monkeypatch.setenv("HUB_DATABASE_URL", str(request.getfixturevalue("postgres_url")))
    return tmp_path / "var"


@pytest.fixture
def run(empty: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs ``hub`` in this process."""

    def command(*arguments: object) -> Ran:
        with pytest.raises(SystemExit) as end:
            cli.main([str(each) for each in arguments])
        told = capsys.readouterr()
        return Ran(int(end.value.code or 0), told.out, told.err)

    return command


@pytest.fixture
def hub(run: Run) -> Iterator[Office]:
    """A hub that was just made, opened beside the commands."""
    assert run("init").code == 0
    with office() as at:
        yield at


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Any], Path]:
    """Writes a value as a JSON file."""

    def file(value: Any) -> Path:
        path = tmp_path / "form.json"
        path.write_text(json.dumps(value))
        return path

    return file


def _jwks(*keys: Any) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False) for key in keys]}


def _ec(name: str = "k1") -> ECKey:
    return ECKey.import_key(ECKey.generate_key("P-256").as_dict(private=True) | {"kid": name, "alg": "ES256"})


def _region(run: Run, write: Callable[[Any], Path]) -> None:
    """Two organisations, a system with a machtiging, an agreement that both accepted and a confirmed ground."""
    for oin, role in ((GEMEENTE, "gemeente"), (SOB, "ontwikkelbedrijf")):
        run("organisatie", "add", "--oin", oin, "--naam", role, "--rol", role, "--operator", "piet", "--json").json  # noqa: B018
    jwks = write(_jwks(_ec()))
    assert run("systeem", "add", "--name", "werkstap", "--jwks", jwks, "--operator", "piet").code == 0
    scopes = ("--scope", "berichten:versturen", "--scope", "berichten:ontvangen")
    given = ("--organisatie", SOB, "--systeem", "werkstap", *scopes, "--soort", "voortgang.gemeld")
    assert run("machtiging", "add", *given, "--operator", "piet").code == 0
    assert run("afspraak", "add", write(AGREEMENT), "--operator", "piet").code == 0
    for oin in (GEMEENTE, SOB):
        assert run("afspraak", "accept", "a1", "--organisatie", oin, "--operator", "piet").code == 0
    assert run("grondslag", "add", write(GROUND), "--operator", "piet").code == 0
    assert run("grondslag", "bevestig", "g1", "--operator", "klaas").code == 0


def _entries(at: Office) -> list[dict[str, Any]]:
    """The payloads that wait for their place in the log, in order."""
    key = at.key_store.find([SYSTEM_KEY])[SYSTEM_KEY]
    with at.look() as connection:
        ids = connection.scalars(select(ledger_pending.c.entry_id).order_by(ledger_pending.c.id)).all()
        found = [ledger.find(connection, entry_id) for entry_id in ids]
    return [json.loads(one.open(key)) for one in found if one is not None]


def _counts(at: Office) -> list[int]:
    tables = (organisation, system, mandate, agreement, ground, ledger_pending)
    with at.look() as connection:
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_init_makes_a_whole_hub_with_private_files(run: Run, empty: Path) -> None:
    made = run("init", "--json").json
    assert made["logboek"] == "hub.example/bewijslogboek"
    assert made["sleutel"].startswith("hub.example/bewijslogboek+")
    assert not (empty / "init.unfinished").exists()
    keys = [path for path in empty.rglob("*") if path.is_file() and path.suffix in (".key", ".json")]
    assert len(keys) == 6
    assert {oct(path.stat().st_mode & 0o777) for path in keys} == {"0o600"}
    assert oct(empty.stat().st_mode & 0o777) == "0o700"
    assert run("organisatie", "list", "--json").json == {"items": []}


def test_init_refuses_to_overwrite_and_names_what_is_there(run: Run, empty: Path) -> None:
    run("init")
    before = {path: path.read_bytes() for path in (empty / "keys").iterdir()}
    again = run("init")
    assert again.code == 1
    assert "keys" in again.err and "signer.state" in again.err and "tabellen" in again.err
    assert {path: path.read_bytes() for path in (empty / "keys").iterdir()} == before


@pytest.mark.parametrize("lost", ["keys", "signer.state"])
def test_init_refuses_while_a_part_is_there(run: Run, empty: Path, lost: str) -> None:
    run("init")
    (empty / lost).rename(empty.parent / lost)
    assert run("init").code == 1
    assert not (empty / lost).exists()


@pytest.mark.parametrize("step", ["migrate", "create_tables", "initialise", "write"])
def test_an_interrupted_init_is_taken_up_again(
    run: Run, empty: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    owners = {
        "migrate": installation.schema,
        "create_tables": installation.KeyStore,
        "initialise": Signer,
        "write": installation.installation,
    }

    def crash(*_: object) -> None:
        raise RuntimeError("the machine stopped")

    with monkeypatch.context() as patched:
        patched.setattr(owners[step], step, crash)
        with pytest.raises(RuntimeError):
            cli.main(["init"])
    assert run("organisatie", "list").code == 1
    made = run("init", "--json").json
    assert made["schema"]
    assert run("organisatie", "list", "--json").json == {"items": []}
    assert run("init").code == 1


def test_commands_before_init_say_what_to_do(run: Run) -> None:
    refused = run("organisatie", "list")
    assert refused.code == 1 and "hub init" in refused.err
    assert run("migrate").code == 1


def test_serve_refuses_an_old_schema_and_names_the_command(run: Run, hub: Office) -> None:
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    for command in (("serve",), ("organisatie", "list")):
        refused = run(*command)
        assert refused.code == 1 and "hub migrate" in refused.err


def test_serve_refuses_the_master_key_of_another_hub(run: Run, hub: Office) -> None:
    with hub.engine.begin() as connection:
        connection.execute(text("UPDATE installation SET value = 'other' WHERE name = 'master_check'"))
    refused = run("serve")
    assert refused.code == 1 and "hoofdsleutel" in refused.err


def test_beside_a_running_hub_on_sqlite_nobody_serves_or_migrates(run: Run, hub: Office) -> None:
    if hub.settings.on_postgresql:
        assert run("migrate").code == 0
        return
    assert run("serve", "--only", "web").code == 2
    with FolderLock(hub.settings.data_dir):
        for command in ("serve", "migrate"):
            refused = run(command)
            assert refused.code == 1 and "draait al een hub" in refused.err
    assert run("migrate").code == 0


def test_every_act_stands_in_the_log_with_its_operator(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    found = _entries(hub)
    assert [(e["handeling"], e["operator"]) for e in found] == [
        ("organisatie-toegevoegd", "piet"),
        ("organisatie-toegevoegd", "piet"),
        ("systeem-toegevoegd", "piet"),
        ("machtiging-gegeven", "piet"),
        ("afspraak-toegevoegd", "piet"),
        ("afspraak-aanvaard", "piet"),
        ("afspraak-aanvaard", "piet"),
        ("grondslag-toegevoegd", "piet"),
        ("grondslag-bevestigd", "klaas"),
    ]
    assert all(e["v"] == 1 and e["soort"] == "beheer" and e["op"].endswith("Z") for e in found)


def test_the_gate_reads_what_operators_did(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    pair = RulePair(SOB, "werkstap", GEMEENTE)
    now = datetime.now(UTC)
    with hub.look() as connection:
        facts = read_rules(connection, [pair], now)[pair]
        partners = agreement_partners(connection, [SOB, KRINGLOOP])
    assert facts.sender and facts.receiver
    assert (facts.sender.role, facts.sender.active, facts.receiver.role) == (Role.ONTWIKKELBEDRIJF, True, Role.GEMEENTE)
    assert facts.mandate_active and facts.mandate_kinds == {"voortgang.gemeld"} and facts.push_active
    assert [a.in_force(now) for a in facts.agreements] == [True]
    assert [g.in_force(now) for g in facts.grounds] == [True]
    assert [a.id for a in partners[SOB]] == ["a1"] and partners[KRINGLOOP] == ()


def _facts(hub: Office, pair: RulePair, at: datetime | None = None) -> Any:
    with hub.look() as connection:
        return read_rules(connection, [pair], at or datetime.now(UTC))[pair]


def test_ending_bites_at_once(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    pair = RulePair(SOB, "werkstap", GEMEENTE)
    machtiging = run("machtiging", "list", "--json").json["items"][0]["machtigingId"]
    assert run("machtiging", "end", machtiging, "--operator", "piet").code == 0
    assert not _facts(hub, pair).mandate_active
    assert run("grondslag", "end", "g1", "--operator", "piet").code == 0
    assert [g.in_force(datetime.now(UTC)) for g in _facts(hub, pair).grounds] == [False]
    assert run("afspraak", "end", "a1", "--operator", "piet").code == 0
    assert [a.in_force(datetime.now(UTC)) for a in _facts(hub, pair).agreements] == [False]
    assert run("organisatie", "suspend", GEMEENTE, "--operator", "piet").code == 0
    assert not _facts(hub, pair).receiver.active
    for command in (("machtiging", "end", machtiging), ("grondslag", "end", "g1"), ("afspraak", "end", "a1")):
        assert run(*command, "--operator", "piet").code == 1
    assert run("organisatie", "suspend", GEMEENTE, "--operator", "piet").code == 1


def test_a_mandate_ends_with_its_term_its_scope_and_its_system(
    run: Run, hub: Office, write: Callable[[Any], Path]
) -> None:
    _region(run, write)
    pair = RulePair(SOB, "werkstap", GEMEENTE)
    with hub.engine.begin() as connection:
        until = datetime.now(UTC) + timedelta(hours=1)
        connection.execute(update(mandate).values(valid_until=until))
    assert _facts(hub, pair, until - timedelta(microseconds=1)).mandate_active
    assert not _facts(hub, pair, until).mandate_active
    with hub.engine.begin() as connection:
        connection.execute(update(mandate).values(scopes=["berichten:ontvangen"]))
    assert not _facts(hub, pair).mandate_active
    assert _facts(hub, RulePair(GEMEENTE, "x", SOB, "werkstap")).push_active
    assert not _facts(hub, RulePair(SOB, "x", GEMEENTE, "werkstap")).push_active  # no machtiging of the receiver
    with hub.engine.begin() as connection:
        connection.execute(update(system).values(suspended_at=datetime.now(UTC)))
    assert not _facts(hub, RulePair(GEMEENTE, "x", SOB, "werkstap")).push_active


def test_nothing_known_is_nothing_allowed(hub: Office) -> None:
    facts = _facts(hub, RulePair(SOB, "werkstap", GEMEENTE, "werkstap"))
    assert (facts.sender, facts.receiver, facts.agreements, facts.grounds) == (None, None, (), ())
    assert not facts.mandate_active and not facts.push_active and facts.mandate_kinds == frozenset()


def test_many_pairs_cost_no_more_statements_than_one(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    pairs = [RulePair(SOB, f"s{n}", Oin(f"{n:020d}"), "werkstap") for n in range(300)]
    pairs.append(RulePair(SOB, "werkstap", GEMEENTE))
    statements: list[str] = []
    event.listen(hub.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    with hub.look() as connection:
        found = read_rules(connection, pairs, datetime.now(UTC))
    assert len(found) == 301 and found[pairs[-1]].grounds
    assert len([s for s in statements if s.startswith("SELECT")]) <= 5


def test_one_side_alone_accepts_nothing(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    for oin, role in ((GEMEENTE, "gemeente"), (SOB, "ontwikkelbedrijf"), (KRINGLOOP, "kringloop")):
        run("organisatie", "add", "--oin", oin, "--naam", role, "--rol", role, "--operator", "piet")
    run("afspraak", "add", write(AGREEMENT), "--operator", "piet")
    pair = RulePair(SOB, "werkstap", GEMEENTE)

    def in_force() -> bool:
        return bool(_facts(hub, pair).agreements[0].in_force(datetime.now(UTC)))

    assert not in_force()
    assert run("afspraak", "accept", "a1", "--organisatie", SOB, "--operator", "piet").code == 0
    assert not in_force()
    assert run("afspraak", "accept", "a1", "--organisatie", SOB, "--operator", "piet").code == 1  # twice is not both
    assert run("afspraak", "accept", "a1", "--organisatie", KRINGLOOP, "--operator", "piet").code == 1  # no party
    assert not in_force()
    assert run("afspraak", "accept", "a1", "--organisatie", GEMEENTE, "--operator", "piet").code == 0
    assert in_force()


def test_a_ground_is_not_confirmed_before_both_parties_accepted(
    run: Run, hub: Office, write: Callable[[Any], Path]
) -> None:
    """Else it would be shown as working while nothing may be exchanged."""
    _region(run, write)
    run("afspraak", "add", write(AGREEMENT | {"afspraakId": "a9"}), "--operator", "piet")
    added = write(GROUND | {"grondslagId": "g9", "afspraakId": "a9"})
    assert run("grondslag", "add", added, "--operator", "piet").code == 0
    for party in (SOB, GEMEENTE):
        refused = run("grondslag", "bevestig", "g9", "--operator", "klaas")
        assert refused.code == 1 and "aanvaard" in refused.err
        run("afspraak", "accept", "a9", "--organisatie", party, "--operator", "piet")
    assert run("grondslag", "bevestig", "g9", "--operator", "klaas").code == 0
    run("afspraak", "end", "a9", "--operator", "piet")
    assert run("grondslag", "bevestig", "g9", "--operator", "klaas").code == 1


@pytest.mark.parametrize("second", ["piet", "Piet", " piet ", "PIET"])
def test_a_ground_is_confirmed_by_somebody_else(
    run: Run, hub: Office, write: Callable[[Any], Path], second: str
) -> None:
    _region(run, write)
    assert run("grondslag", "add", write(GROUND | {"grondslagId": "g2"}), "--operator", "piet").code == 0
    before = _counts(hub)
    assert run("grondslag", "bevestig", "g2", "--operator", second).code == 1
    assert _counts(hub) == before
    assert run("grondslag", "list", "--json").json["items"][1]["tweedeVaststeller"] is None
    assert run("grondslag", "bevestig", "g2", "--operator", "klaas").code == 0
    assert run("grondslag", "bevestig", "g2", "--operator", "joris").code == 1


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"afspraakId": "a9"}, "afspraakId"),
        ({"soorten": ["kandidaat.voorgedragen"]}, "soorten"),
        ({"doel": "toeleiding"}, "doel"),
        ({"ontvangerRol": "kringloop"}, "ontvangerRol"),
        ({"verstrekkerRol": "gemeente", "ontvangerRol": "ontwikkelbedrijf"}, "soorten"),  # not in the catalogue
        ({"vastgesteldDoor": "iemand"}, "vastgesteldDoor"),
    ],
)
def test_a_ground_stays_within_its_agreement_and_the_catalogue(
    run: Run, hub: Office, write: Callable[[Any], Path], changed: dict[str, Any], place: str
) -> None:
    _region(run, write)
    before = _counts(hub)
    refused = run("grondslag", "add", write(GROUND | {"grondslagId": "g2"} | changed), "--operator", "piet")
    assert refused.code == 2
    assert f"{place}:" in refused.err
    assert _counts(hub) == before


def test_a_repeat_is_refused_and_changes_nothing(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    jwks = write(_jwks(_ec()))
    before = _counts(hub)
    add = ("organisatie", "add", "--oin", SOB, "--naam", "x", "--rol", "mbo", "--operator", "piet")
    assert run(*add).code == 1
    assert run("systeem", "add", "--name", "werkstap", "--jwks", jwks, "--operator", "piet").code == 1
    assert run("afspraak", "add", write(AGREEMENT), "--operator", "piet").code == 1
    assert run("grondslag", "add", write(GROUND), "--operator", "piet").code == 1
    assert _counts(hub) == before


def test_a_refusal_is_one_line_without_what_was_typed(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    secret = "geheim-999990342"
    form = write(AGREEMENT | {"partijen": [secret, secret], "doelen": [secret]})
    refused = run("afspraak", "add", form, "--operator", "p")
    assert refused.code == 2
    assert refused.err.count("\n") == 1 and "partijen[0]" in refused.err and "doelen[0]" in refused.err
    assert secret not in refused.err + refused.out
    (write({}).parent / "form.json").write_text('{"a": 1, "a": 2}')
    assert run("afspraak", "add", write({}).parent / "form.json", "--operator", "p").code == 2
    assert run("organisatie", "add", "--oin", SOB, "--naam", "x", "--rol", "mbo", "--operator", " ").code == 2
    assert _counts(hub) == [0] * 6


def test_an_unlogged_act_does_not_happen(
    run: Run, hub: Office, write: Callable[[Any], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _region(run, write)
    before = _counts(hub)

    def crash(*_: object) -> None:
        raise OSError(28, "No space left on device", "log")

    monkeypatch.setattr("hub.ledger.evidence.append", crash)
    refused = run("afspraak", "end", "a1", "--operator", "piet")
    assert refused.code == 1
    monkeypatch.undo()
    assert _counts(hub) == before
    assert _facts(hub, RulePair(SOB, "werkstap", GEMEENTE)).agreements[0].ended_at is None


def _bad_keys() -> dict[str, Any]:
    good = _ec()
    other = ECKey.import_key(ec.generate_private_key(ec.SECP384R1()))
    modulus = rsa.generate_private_key(65537, 1024).public_key().public_numbers().n
    weak = {"kty": "RSA", "e": "AQAB", "n": urlsafe_b64encode(modulus.to_bytes(128)).rstrip(b"=").decode()}
    return {
        "private": {"keys": [good.as_dict(private=True)]},
        "shared": {"keys": [{"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"}]},
        "curve": _jwks(other),
        "none": {"keys": []},
        "no-set": good.as_dict(private=False),
        "algorithm": {"keys": [good.as_dict(private=False) | {"alg": "HS256"}]},
        "list": [],
        "weak": {"keys": [weak]},
        "use": {"keys": [good.as_dict(private=False) | {"use": "enc"}]},
    }


@pytest.mark.parametrize("case", ["private", "shared", "curve", "none", "no-set", "algorithm", "list", "weak", "use"])
def test_only_public_keys_of_known_kinds_are_registered(
    run: Run, hub: Office, write: Callable[[Any], Path], case: str
) -> None:
    refused = run("systeem", "add", "--name", "werkstap", "--jwks", write(_bad_keys()[case]), "--operator", "piet")
    assert refused.code == 2
    assert _counts(hub)[1] == 0


def test_good_keys_are_registered_and_replaced(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    rsa_key = RSAKey.import_key(rsa.generate_private_key(65537, 2048))
    okp = OKPKey.import_key(ed25519.Ed25519PrivateKey.generate())
    first = _jwks(_ec(), rsa_key, okp)
    assert run("systeem", "add", "--name", "werkstap", "--jwks", write(first), "--operator", "piet").code == 0
    with hub.look() as connection:
        assert connection.scalar(select(system.c.jwks)) == first
    second = _jwks(_ec("k2"))
    assert run("systeem", "rotate", "--name", "werkstap", "--jwks", write(second), "--operator", "piet").code == 0
    with hub.look() as connection:
        assert connection.scalar(select(system.c.jwks)) == second
    assert run("systeem", "rotate", "--name", "ander", "--jwks", write(second), "--operator", "piet").code == 1
    assert [e["handeling"] for e in _entries(hub)] == ["systeem-toegevoegd", "sleutels-vervangen"]


def test_a_mandate_needs_both_sides_and_a_future(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    given = ("machtiging", "add", "--scope", "beheer", "--operator", "piet")
    assert run(*given, "--organisatie", KRINGLOOP, "--systeem", "werkstap").code == 1
    assert run(*given, "--organisatie", SOB, "--systeem", "ander").code == 1
    assert run(*given, "--organisatie", SOB, "--systeem", "werkstap", "--tot", "2020-01-01").code == 2
    both = run(*given, "--scope", "logboek:lezen", "--organisatie", SOB, "--systeem", "werkstap", "--json").json
    assert both["scopes"] == ["beheer", "logboek:lezen"] and both["soorten"] is None
    assert re.fullmatch(r"[0-9a-f]{32}", both["machtigingId"])


def test_two_operators_at_once_confirm_once(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    from hub.administration import agreements

    _region(run, write)
    assert run("grondslag", "add", write(GROUND | {"grondslagId": "g2"}), "--operator", "piet").code == 0
    outcomes: list[str] = []

    def confirm(name: str) -> None:
        try:
            hub.act(name, lambda tx, act: agreements.confirm_ground(tx, act, "g2"))
            outcomes.append("done")
        except ExchangeError as error:
            outcomes.append(type(error).__name__)

    threads = [threading.Thread(target=confirm, args=(name,)) for name in ("klaas", "joris", "anna")]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(outcomes) == ["Conflict", "Conflict", "done"]


def test_lists_are_tables_for_people(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    for group in ("organisatie", "systeem", "machtiging", "afspraak", "grondslag"):
        shown = run(group, "list")
        wide = group in ("afspraak", "grondslag")  # too wide for a table: a line for each value
        assert shown.code == 0 and ("┏" in shown.out) is not wide
        assert all(len(line) <= 160 for line in shown.out.splitlines())
        assert run(group, "list", "--json").json["items"]
    assert len(run("afspraak", "list", "--organisatie", KRINGLOOP, "--json").json["items"]) == 0
    assert len(run("grondslag", "list", "--organisatie", SOB, "--json").json["items"]) == 1


def _sign(hub: Office) -> None:
    """Give all that waits its place and sign it, as the running hub does."""
    with hub.engine.begin() as connection:
        assert sequencer.sequence(connection, 1_000)
    origin = hub.facts[installation.LOG_ORIGIN]
    Signer(installation.signer_state(hub.settings), hub.keys.log_key, origin).sign(hub.engine.begin)


def test_the_log_is_exported_and_verified_by_outsiders(
    run: Run, hub: Office, write: Callable[[Any], Path], tmp_path: Path
) -> None:
    _region(run, write)
    _sign(hub)
    out = tmp_path / "export"
    made = run("ledger", "export", out, "--json").json
    assert made["vermeldingen"] == 9
    told = run("ledger", "verify", "--folder", out, "--key", made["sleutel"], "--json")
    assert told.json["uitkomst"] == "heel" and told.json["logboek"]["grootte"] == 9
    assert run("ledger", "export", out).code == 1  # never into a folder that holds something
    assert run("ledger", "verify", "--folder", out).code == 2
    assert run("ledger", "verify", "--folder", tmp_path / "nothing", "--key", made["sleutel"]).code == 2
    assert run("ledger", "verify").code == 2
    tile = out / "tile" / "0" / "000.p" / "9"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    broken = run("ledger", "verify", "--folder", out, "--key", made["sleutel"], "--json")
    assert broken.code == 1 and "vermelding 0" in broken.out


def _spoil(connection: Connection) -> None:
    row = connection.execute(select(ledger_payload).limit(1)).one()
    changed = bytes([row.ciphertext[0] ^ 1]) + row.ciphertext[1:]
    one = ledger_payload.c.entry_id == row.entry_id
    connection.execute(update(ledger_payload).where(one).values(ciphertext=changed))


def test_the_own_log_is_verified_down_to_its_payloads(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    _region(run, write)
    _sign(hub)
    looked_at = ["logboek", "rijen van het logboek", "inhoud", "vrijgaven", "tabellen"]
    assert run("ledger", "verify", "--db", "--json").json["bekeken"] == looked_at
    with hub.engine.begin() as connection:
        _spoil(connection)
    spoiled = run("ledger", "verify", "--db")
    assert spoiled.code == 1 and "hoort niet bij het blad" in spoiled.out
    with hub.engine.begin() as connection:
        connection.execute(delete(ledger_payload))
    lost = run("ledger", "verify", "--db")
    assert lost.code == 1 and "de inhoud ontbreekt" in lost.out


def test_a_destroyed_key_is_told_apart_from_a_lost_one(run: Run, hub: Office, write: Callable[[Any], Path]) -> None:
    run("organisatie", "add", "--oin", SOB, "--naam", "x", "--rol", "mbo", "--operator", "piet")
    key = hub.key_store.ensure(["bewijs/iemand"])["bewijs/iemand"]
    with hub.engine.begin() as connection:
        ledger.append(connection, [ledger.NewEntry("bewijs/iemand", key, {"v": 1})], lambda: "f" * 32)
    _sign(hub)
    hub.key_store.destroy(["bewijs/iemand"], datetime.now(UTC))
    unnamed = run("ledger", "verify", "--db", "--json")
    assert (unnamed.code, json.loads(unnamed.out)["onleesbaar"]) == (1, 1)  # no entry says that it was erased
    named_by = {"aantal": 1, "vermeldingen": named(["f" * 32])}
    erased = {"v": 1, "soort": "vernietiging", "op": "2026-11-26T10:00:00.000Z"} | named_by
    system = hub.key_store.ensure([SYSTEM_KEY])[SYSTEM_KEY]
    with hub.engine.begin() as connection:
        ledger.append(connection, [ledger.NewEntry(SYSTEM_KEY, system, erased)], lambda: "e" * 32)
    _sign(hub)
    told = run("ledger", "verify", "--db", "--json").json
    assert (told["uitkomst"], told["onleesbaar"]) == ("heel", 1)


def _delivery(number: int, state: str, receiver: Oin) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "delivery_id": f"{number:032d}",
        "seq": number,
        "message_id": f"{number:032d}",
        "organisation": SOB,
        "recipient": receiver,
        "line": "p",
        "kind": "voortgang.gemeld",
        "opens": False,
        "notice": False,
        "overtakes": False,
        "state": state,
        "attempts": 3,
        "next_at": now,
        "ended_at": now,
    }


def test_replay_lets_what_was_buried_wait_again(run: Run, hub: Office) -> None:
    rows = [
        _delivery(1, "begraven", GEMEENTE),
        _delivery(2, "begraven", KRINGLOOP),
        _delivery(3, "onverwerkbaar", GEMEENTE),
        _delivery(4, "bevestigd", GEMEENTE),
    ]
    with hub.engine.begin() as connection:
        for row in rows:
            connection.execute(delivery.insert().values(**row))
        assert connection.scalar(select(func.count()).select_from(message)) == 0

    def states() -> dict[str, tuple[str, bool]]:
        with hub.look() as connection:
            found = connection.execute(select(delivery.c.delivery_id, delivery.c.state, delivery.c.overtakes))
            return {each[0][-1]: (each[1], bool(each[2])) for each in found}

    assert run("replay").code == 2
    assert run("replay", "x", "--begraven").code == 2
    done = run("replay", "--begraven", "--organisatie", GEMEENTE, "--json").json
    assert done == {"opnieuw": [rows[0]["delivery_id"]], "overgeslagen": []}
    partly = run("replay", rows[2]["delivery_id"], rows[3]["delivery_id"], "--json")
    assert partly.code == 1 and "overgeslagen" in partly.err
    done = json.loads(partly.out)
    assert done == {"opnieuw": [rows[2]["delivery_id"]], "overgeslagen": [rows[3]["delivery_id"]]}
    assert states() == {
        "1": ("wachtend", True),
        "2": ("begraven", False),
        "3": ("wachtend", True),
        "4": ("bevestigd", False),
    }
