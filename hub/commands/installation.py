"""``hub init``, ``hub migrate``, ``hub backup`` and ``hub restore``."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.common.output import json_option, operator_option, show

if TYPE_CHECKING:
    from hub.administration.backup.restore import Restored
    from hub.administration.backup.stores import Told

_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)


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


@click.command(short_help="Maak een backup; gegevens en sleutels apart.")
@click.argument("data", metavar="MAP", type=_FOLDER)
@click.option("--sleutels", "keys", type=_FOLDER, required=True, help="Een andere map, voor de sleutels.")
@json_option
def backup(data: Path, keys: Path, as_json: bool) -> int:
    """Maak een backup: de gegevens in MAP, de sleutels in een andere map. De hub mag draaien.

    Backups die ouder zijn dan 30 dagen worden uit beide mappen verwijderd: wie gewist is, is dan uit geen backup meer
    te lezen, en wat zijn bewaartermijn voorbij is, staat er niet meer in. Staat de klok niet vast, dan wordt er geen
    verwijderd. Bewaar de twee mappen niet bij elkaar.

    Kon iets niet worden verwijderd? Dan is de backup wel gemaakt, en eindigt dit met 1.
    """
    import os

    from hub import settings as environment
    from hub.administration.backup.manifest import Part
    from hub.administration.backup.save import back_up
    from hub.commands.common.failures import sentence
    from hub.machine.clock import SystemClock

    settings = environment.from_process()
    with _progress() as told:
        made = back_up(settings, {Part.DATA: data, Part.KEYS: keys}, SystemClock(), os.urandom, told)
    answer = {
        "backup": made.backup,
        "gegevens": str(made.data),
        "sleutels": str(made.keys),
        "logboek": made.origin,
        "klokStaatVast": made.settled,
        "verwijderd": sorted(made.cleaned.removed),
        "nietHerkend": sorted(made.cleaned.unknown),
        "nietVerwijderd": [str(each.filename) for each in made.cleaned.stuck],
    }
    show(answer, as_json)
    if not made.settled:
        click.echo(_CLOCK, err=True)
    stuck = [each for each in map(sentence, made.cleaned.stuck) if each is not None]
    if stuck:
        click.echo("\n".join([_STUCK, *(each.text for each in stuck)]), err=True)
    return max((each.exit_code for each in stuck), default=0)


_CLOCK = """\
Let op: het staat niet vast dat de klok goed staat. Daarom is er geen oude backup verwijderd. Klopt de tijd? Keur die
dan goed met hub clock accept, en maak nog een backup."""


_STUCK = "De backup is gemaakt. Dit kon niet worden opgeruimd; haal het zelf weg als het ouder is dan 30 dagen:"


@click.command(short_help="Zet een backup terug, wis opnieuw en controleer.")
@click.argument("data", metavar="[MAP]", type=_FOLDER, required=False)
@click.option("--sleutels", "keys", type=_FOLDER, help="De map met de sleutels van deze backup.")
@click.option("--ter-plaatse", "here", is_flag=True, help="De database is al teruggezet, buiten de hub om.")
@click.option("--checkpoint", "checkpoints", type=_FILE, multiple=True, help="Het laatste checkpoint dat bekend is.")
@click.option("--wislijst", "erasures", type=_FILE, multiple=True, help="Een wislijst die elders bewaard is.")
@click.option("--intrekkingenlijst", "taken", type=_FILE, multiple=True, help="De laatste intrekkingenlijst.")
@click.option(
    "--intrekkingen-bekend", "nothing_taken", is_flag=True, help="Er is niets ingetrokken buiten die lijsten."
)
@operator_option
@json_option
def restore(as_json: bool, operator: str, **given: Any) -> int:
    """Zet een backup terug waar nog geen hub staat. De hub draait niet.

    MAP is een backup, of de map waarin `hub backup` ze zet: dan wordt de nieuwste teruggezet. Is die van na nu, dan
    wordt er niets teruggezet: noem dan de backup zelf.

    Wie na de backup is gewist, wordt opnieuw gewist; wat na de backup is ingetrokken, wordt opnieuw ingetrokken. Is er
    geen intrekkingenlijst die dat vertelt, dan staat elke ja op te-bevestigen tot zijn verstrekker hem bevestigt.

    Staat niet vast dat het logboek na de backup niet verder ging, dan begint een nieuw logboek (…/bewijslogboek/2). Dat
    het niet verder ging, blijkt uit signer.state in de map van de hub of uit --checkpoint. Aan het eind wordt alles
    gecontroleerd: 0 heel, 1 kapot. Afgebroken? Doe hetzelfde opnieuw.
    """
    import os

    from hub import settings as environment
    from hub.administration.backup.known import Named
    from hub.administration.backup.restore import Tools, finish_here
    from hub.administration.backup.restore import restore as run
    from hub.machine.clock import SystemClock

    data, keys, here = given["data"], given["keys"], given["here"]
    if here == bool(data) or bool(data) != bool(keys):
        raise click.UsageError("geef MAP en --sleutels, of --ter-plaatse")
    named = Named(given["checkpoints"], given["erasures"], given["taken"], given["nothing_taken"])
    with _progress() as told:
        tools = Tools(environment.from_process(), SystemClock(), os.urandom, told)
        done = finish_here(tools, operator, named) if here else run(tools, operator, data, keys, named)
    warnings = [] if given["erasures"] else [_FORGOTTEN]
    if done.outcome.held is not None:
        warnings.append(_HELD.format(held=done.outcome.held))
    _show(done, warnings, as_json)
    return done.report.exit_code


def _show(done: "Restored", warnings: list[str], as_json: bool) -> None:
    outcome = done.outcome
    ended = {"oorsprong": outcome.old_origin, "grootte": outcome.old_size, "minstensVerloren": outcome.lost}
    answer = {
        "herstel": outcome.run,
        "logboek": done.origin,
        "sleutel": done.verifier,
        "beeindigdLogboek": None if outcome.old_origin is None else ended,
        "wislijst": done.erased,
        "opnieuwVernietigd": done.destroyed,
        "opnieuwIngetrokken": outcome.again,
        "aangehouden": outcome.held,
        "checkpointBijSleutels": done.claimed,
    }
    if as_json:
        told = [" ".join(each.split()) for each in warnings]
        show(answer | {"letOp": told, "controle": done.report.as_json()}, True)
        return
    show(answer, False)
    click.echo(done.report.as_text())
    for each in warnings:
        click.echo(f"Let op: {each}", err=True)


_FORGOTTEN = """\
wie na deze backup is gewist, staat misschien alleen op de laatste wislijst (erasures.list in de map van de hub).
Er is geen --wislijst genoemd. Is er nog een latere wislijst? Zet de backup dan opnieuw terug en noem die."""


_HELD = """\
de hub weet niet wat er na deze backup is ingetrokken, geweigerd, beperkt of teruggeroepen. Daarom opent geen ja van
voor het herstel nog iets; wat toen gold, staat op te-bevestigen ({held}). Een verstrekker bevestigt een ja opnieuw als
de persoon erbij blijft (POST /v1/toestemmingen/{{id}}/bevestiging, zonder inhoud). Ontheffingen zijn beëindigd. Vraag
alle partijen welke beperkingen, bezwaren, afschermingen en terugroepingen zij na de backup vastlegden, en laat die
opnieuw vastleggen. Is er nog een intrekkingenlijst (intrekkingen.list in de map van de hub)? Zet de backup dan opnieuw
terug en noem die."""


@contextmanager
def _progress() -> Iterator["Told"]:
    """Progress on a terminal, nothing elsewhere."""
    shown = sys.stderr.isatty()

    def told(what: str, done: int, of: int) -> None:
        if shown:
            click.echo(f"\r\033[K{what}: {done} van {of}", nl=False, err=True)

    yield told
    if shown:
        click.echo("\r\033[K", nl=False, err=True)
