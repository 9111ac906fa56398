"""``hub init`` and ``hub migrate``."""

import click

from hub.commands.common.output import json_option, show


@click.command(short_help="Maak sleutels en tabellen.")
@json_option
def init(as_json: bool) -> None:
    """Maak een nieuwe hub: sleutels (0600), tabellen en een leeg bewijslogboek. Overschrijft nooit iets."""
    import os

    from hub import settings as environment
    from hub.administration.installation import initialise
    from hub.machine.clock import SystemClock

    settings = environment.from_process()
    made = initialise(settings, SystemClock(), os.urandom)
    answer = {"map": str(settings.data_dir), "logboek": made.origin, "sleutel": made.verifier, "schema": made.schema}
    show(answer, as_json)


@click.command(short_help="Breng de tabellen op orde.")
@json_option
def migrate(as_json: bool) -> None:
    """Breng de database naar het schema van deze hub. Op SQLite niet naast een draaiende hub."""
    from hub import settings as environment
    from hub.administration.installation import migrate as run

    before, after = run(environment.from_process())
    show({"van": before, "naar": after}, as_json)
