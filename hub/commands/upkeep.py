"""Upkeep: ``hub clock accept`` and ``hub key rewrap``."""

import click

from hub.commands.common.output import json_option, operator_option, show


@click.group(short_help="Zeg dat de tijd klopt na een sprong van de klok.")
def clock() -> None:
    """De klok van de hub. Na een sprong gaat er niets meer uit, tot een beheerder de tijd goedkeurt."""


@clock.command()
@operator_option
@json_option
def accept(operator: str, as_json: bool) -> None:
    """Keur de tijd van nu goed. Kijk eerst of die klopt: met een verkeerde tijd kan iets te lang of te kort gelden."""
    from contracts import instants
    from hub.administration.act import Act
    from hub.commands.common.office import office
    from hub.machine.clock_guard import ACCEPTED
    from hub.store import installation
    from hub.store.writer import Transaction

    def take(transaction: Transaction, act: Act) -> str:
        now = instants.write(transaction.now)
        installation.write(transaction.connection, ACCEPTED, now)
        act.log(transaction, "tijd-goedgekeurd", {})
        return now

    with office() as at:
        show({"goedgekeurd": at.act(operator, take)}, as_json)


@click.group(short_help="De hoofdsleutel vervangen.")
def key() -> None:
    """De sleutels van de hub."""


@key.command()
@json_option
def rewrap(as_json: bool) -> None:
    """Maak een nieuwe hoofdsleutel en zet er alle sleutels onder.

    De hub mag dan niet draaien. Afgebroken? Doe het opnieuw.
    """
    import os

    from hub import settings as environment
    from hub.administration.rewrap import rewrap as run

    show({"sleutels": run(environment.from_process(), os.urandom)}, as_json)
