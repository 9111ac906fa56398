"""Upkeep: ``hub clock accept`` and ``hub key rewrap|rotate-log|retire-log``."""

from typing import TYPE_CHECKING

import click

from hub.commands.common.output import json_option, operator_option, show

if TYPE_CHECKING:
    from hub.commands.common.office import Office
    from hub.ledger.rotation import KeyRotation


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


@click.group(short_help="De hoofdsleutel en de sleutel van het logboek vervangen.")
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


@key.command("rotate-log")
@operator_option
@json_option
def rotate_log(operator: str, as_json: bool) -> None:
    """Maak een nieuwe sleutel voor het bewijslogboek.

    Vanaf nu tekenen beide sleutels, ook als de hub draait. Geef de nieuwe aan uw partners en doe daarna: hub key
    retire-log. Afgebroken? Doe het opnieuw.
    """
    import os

    from hub.commands.common.office import office

    with office() as at:
        old, new = _rotation(at, operator).rotate(os.urandom)
        show({"sleutel": old.vkey, "opvolger": new.vkey}, as_json)


@key.command("retire-log")
@operator_option
@json_option
def retire_log(operator: str, as_json: bool) -> None:
    """Laat de oude sleutel van het bewijslogboek niet meer tekenen. Wat zij tekende, blijft te controleren."""
    from hub.commands.common.office import office

    with office() as at:
        old, new = _rotation(at, operator).retire()
        show({"sleutel": new.vkey, "afgelost": old.vkey}, as_json)


def _rotation(at: "Office", operator: str) -> "KeyRotation":
    import os

    from hub.administration.act import Act
    from hub.administration.installation import LOG_ORIGIN, keys_folder
    from hub.keys.log_keys import LogKeyFiles
    from hub.ledger.evidence import Evidence
    from hub.ledger.rotation import KeyRotation
    from hub.machine.ids import Ids

    act = Act(operator, Evidence(at.key_store, Ids(at.clock, os.urandom)))
    return KeyRotation(LogKeyFiles(keys_folder(at.settings)), at.transactions, act, at.facts[LOG_ORIGIN])
