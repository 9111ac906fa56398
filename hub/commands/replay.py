"""``hub replay``: let buried messages wait again; the gate decides anew before anything leaves."""

import click

from hub.commands.common.output import json_option, show


@click.command(short_help="Bied begraven berichten opnieuw aan.")
@click.argument("delivery_ids", metavar="[BEZORGING]...", nargs=-1)
@click.option("--begraven", "buried", is_flag=True, help="Alles wat begraven is.")
@click.option("--organisatie", "oin", help="Met --begraven: alleen voor deze ontvanger (OIN).")
@json_option
def replay(delivery_ids: tuple[str, ...], buried: bool, oin: str | None, as_json: bool) -> None:
    """Laat begraven of onverwerkbare bezorgingen opnieuw wachten. De poort beslist opnieuw over elk."""
    from contracts.errors import Conflict
    from hub.administration import forms
    from hub.administration.replay import buried_ids, replay_some
    from hub.commands.common.office import office

    if bool(delivery_ids) == buried or (oin is not None and not buried):
        raise click.UsageError("geef bezorgingen, of --begraven (met --organisatie voor één ontvanger)")
    receiver = None if oin is None else forms.oin_of(oin)
    with office() as at:
        if buried:
            with at.look() as connection:
                wanted = buried_ids(connection, receiver)
        else:
            wanted = list(delivery_ids)
        done = replay_some(at.transactions, wanted)
    left = sorted(set(wanted) - set(done))
    show({"opnieuw": done, "overgeslagen": left}, as_json)
    if left and not buried:
        raise Conflict("Wat is overgeslagen, bestaat niet of is niet begraven of onverwerkbaar")
