"""The command ``hub``. A command's module is imported when that command is asked for, not before."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click

REFUSED: Final = 1
USAGE: Final = 2

#: Command → where it is. One line makes a new command known.
COMMANDS: Final = {
    "init": "hub.commands.installation:init",
    "migrate": "hub.commands.installation:migrate",
    "serve": "hub.commands.serve:serve",
    "organisatie": "hub.commands.parties:organisatie",
    "systeem": "hub.commands.parties:systeem",
    "machtiging": "hub.commands.parties:machtiging",
    "afspraak": "hub.commands.agreements:afspraak",
    "grondslag": "hub.commands.agreements:grondslag",
    "register": "hub.commands.agreements:register",
    "ledger": "hub.commands.ledger:ledger",
    "connector": "hub.commands.connector:connector",
    "demo": "hub.commands.demo:demo",
    "backup": "hub.commands.installation:backup",
    "restore": "hub.commands.installation:restore",
    "replay": "hub.commands.replay:replay",
    "bench": "hub.commands.bench:bench",
    "clock": "hub.commands.upkeep:clock",
    "key": "hub.commands.upkeep:key",
}


class Hub(click.Group):
    """The group of all commands, each found by its place in ``COMMANDS``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found = getattr(import_module(module), name)
        return found if isinstance(found, click.Command) else None


@click.command(cls=Hub, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="doorstroomhub")
def cli() -> None:
    """De uitwisselhub van een regio: berichten langs wet en toestemming, met bewijs."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and end the process: 0 done, 1 refused, 2 not understood. Expected errors are one sentence."""
    from hub.commands.common.dutch import speak_dutch
    from hub.commands.common.failures import sentence

    speak_dutch()
    try:
        code = cli.main(args=arguments, prog_name="hub", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("Afgebroken.", err=True)
        sys.exit(REFUSED)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except Exception as error:
        told = sentence(error)
        if told is None:
            raise
        click.echo(told.text, err=True)
        sys.exit(told.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()
