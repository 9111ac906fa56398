"""The command line by itself: which commands there are, what an error says, how little is loaded before one runs."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from contracts.errors import Conflict, Fault, JsonInvalid, RequestInvalid
from hub import cli
from hub.commands.common.failures import sentence
from hub.settings import SettingsInvalid

#: Command → its subcommands, as the wire fixes them.
FIXED = {
    "init": (),
    "migrate": (),
    "serve": (),
    "organisatie": ("add", "list", "suspend"),
    "systeem": ("add", "rotate"),
    "machtiging": ("add", "end"),
    "afspraak": ("add", "accept", "end"),
    "grondslag": ("add", "bevestig", "end"),
    "ledger": ("verify", "export"),
    "connector": ("list", "try"),
    "replay": (),
    "backup": (),
    "restore": (),
}
#: The acts of administration: who does them is logged, so nobody does them without a name.
ACTS = [
    ("organisatie", "add"),
    ("organisatie", "suspend"),
    ("systeem", "add"),
    ("systeem", "rotate"),
    ("machtiging", "add"),
    ("machtiging", "end"),
    ("afspraak", "add"),
    ("afspraak", "accept"),
    ("afspraak", "end"),
    ("grondslag", "add"),
    ("grondslag", "bevestig"),
    ("grondslag", "end"),
    ("restore",),
]


def _command(*names: str) -> click.Command:
    context = click.Context(cli.cli)
    found: click.Command | None = cli.cli
    for name in names:
        assert isinstance(found, click.Group)
        found = found.get_command(context, name)
    assert found is not None
    return found


def _leaves(command: click.Command) -> list[click.Command]:
    if not isinstance(command, click.Group):
        return [command]
    context = click.Context(command)
    below = [command.get_command(context, name) for name in command.list_commands(context)]
    return [leaf for each in below if each is not None for leaf in _leaves(each)]


@pytest.mark.parametrize("name", FIXED)
def test_every_fixed_command_is_there(name: str) -> None:
    command = _command(name)
    assert not FIXED[name] or set(FIXED[name]) <= set(getattr(command, "commands", {}))


def test_every_command_answers_in_json_where_it_is_asked() -> None:
    leaves = _leaves(cli.cli)
    assert len(leaves) > len(FIXED)
    assert [leaf.name for leaf in leaves if "--json" not in {o for p in leaf.params for o in p.opts}] == []


@pytest.mark.parametrize("names", ACTS, ids=" ".join)
def test_an_act_needs_the_name_of_its_operator(names: tuple[str, str]) -> None:
    operator = next(p for p in _command(*names).params if "--operator" in p.opts)
    assert operator.required


@pytest.mark.parametrize("held", [b"", b"onzin\n", b"\xff\xfe", b"a+b\n"])
def test_a_file_that_holds_no_key_of_the_log_is_said_to_hold_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], held: bytes
) -> None:
    """It can be read; and what is in it is neither shown nor taken for the name of another file."""
    (tmp_path / "vkey").write_bytes(held)
    with pytest.raises(SystemExit) as end:
        cli.main(["ledger", "verify", "--folder", str(tmp_path), "--key", str(tmp_path / "vkey")])
    told = "niet gekeken: in vkey staat geen sleutel van het logboek (naam+hash+sleutel)\n"
    assert (end.value.code, capsys.readouterr().err) == (2, told)


def test_what_may_be_given_more_than_once_says_so() -> None:
    options = [p for p in _command("ledger", "verify").params if isinstance(p, click.Option) and p.multiple]
    assert {p.name for p in options} == {"keys", "earlier"}
    assert [p.name for p in options if not str(p.help).endswith("Mag vaker.")] == []


def test_help_loads_no_library_that_only_work_needs() -> None:
    heavy = ("sqlalchemy", "flask", "cryptography", "marshmallow", "alembic", "rich.table", "httpx2", "kombu")
    code = (
        "import sys\nfrom hub import cli\n"
        "try:\n    cli.main(['--help'])\nexcept SystemExit as end:\n    assert end.code == 0\n"
        f"sys.exit(' '.join(m for m in {heavy!r} if m in sys.modules) or 0)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr.strip()) == (0, "")
    assert "organisatie" in ran.stdout


def test_a_wrong_field_is_named_and_means_not_understood() -> None:
    told = sentence(RequestInvalid(faults=[Fault("partijen[1]", "GEEN_OIN", "geen geldig OIN")]))
    assert told is not None
    assert (told.text, told.exit_code) == ("Het verzoek klopt niet: partijen[1]: geen geldig OIN", 2)


@pytest.mark.parametrize(
    ("error", "code"),
    [(Conflict("Deze organisatie staat er al"), 1), (JsonInvalid(), 2), (SettingsInvalid("HUB_PORT is wrong."), 2)],
)
def test_an_expected_error_is_one_line(error: Exception, code: int) -> None:
    told = sentence(error)
    assert told is not None
    assert told.exit_code == code
    assert told.text and "\n" not in told.text


def test_a_fault_of_ours_is_not_told_as_an_expected_error() -> None:
    assert sentence(KeyError("x")) is None


def test_an_unknown_setting_stops_a_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HUB_POORT", "8080")
    with pytest.raises(SystemExit) as end:
        cli.main(["organisatie", "list"])
    assert end.value.code == 2
    assert "HUB_POORT" in capsys.readouterr().err


def test_a_database_error_tells_its_kind_and_no_row() -> None:
    from sqlalchemy.exc import IntegrityError

    told = sentence(IntegrityError("INSERT", {"name": "Jansen"}, Exception("Key (name)=(Jansen) already exists")))
    assert told is not None
    assert "Jansen" not in told.text and "IntegrityError" in told.text
