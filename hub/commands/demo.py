"""``hub demo``: play the sample region, and say whether everything went as it must."""

from pathlib import Path

import click

from hub.commands.common.output import json_option, show

_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command(short_help="Speel een voorbeeldregio na, met echte processen.")
@click.option("--once", is_flag=True, help="Stop na het verhaal; anders blijft de hub draaien tot Ctrl-C.")
@click.option("--regio", "folder", type=_FOLDER, help="Een eigen map met een regio, als kopie van de meegeleverde.")
@json_option
def demo(once: bool, folder: Path | None, as_json: bool) -> int:
    """Speel een voorbeeldregio na: de hub en elke partner zijn een eigen proces.

    0: elke verwachte uitkomst is gebeurd; 1: niet, en er staat welke.
    """
    import signal

    from contracts.errors import RequestInvalid
    from hub import settings as environment
    from hub.demo.director import Director
    from hub.demo.house import house
    from hub.demo.processes import ProcessFailed
    from hub.demo.region import SHIPPED, RegionFaulty, read_region
    from hub.demo.telling import conclusion, listener

    # Both ends are the same: nothing is left running. A shell has what it starts in the background ignore SIGINT.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.default_int_handler)
    try:
        region = read_region(folder or SHIPPED)
    except RegionFaulty as error:
        raise RequestInvalid(str(error)) from error
    place = environment.from_process().data_dir.resolve() / "demo"
    with house(place) as home, Director(region, home, listener(as_json, region.organisations())) as director:
        try:
            ending = director.play()
        except ProcessFailed as error:
            raise click.ClickException(str(error)) from error
        if as_json:
            show(ending.as_json(), as_json)
        else:
            click.echo(f"\n{conclusion(ending)}")
        if not once:
            _stay(ending.base, place, as_json)
    return 1 if ending.failed else 0


def _stay(base: str, place: Path, as_json: bool) -> None:
    """Let the hub run until Ctrl-C."""
    import signal

    if not as_json:
        click.echo(f"\nDe hub draait nog op {base}. Kijk bijvoorbeeld naar {base}/v1/openapi.json")
        click.echo(f"De sleutels, de scripts en alles wat elke partner ontving: {place / 'partners'}/<partner>/")
        click.echo(f"De hub zelf: {place / 'hub'} (hub-opdrachten: zet HUB_DATA_DIR op die map). Ctrl-C stopt hem.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        return
