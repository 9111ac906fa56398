"""``hub afspraak`` and ``hub grondslag``, and ``hub register``, which is made of both."""

from pathlib import Path

import click

from hub.commands.common.output import json_option, operator_option, show, show_rows

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="Uitwisselafspraken tussen twee organisaties.")
def afspraak() -> None:
    """Uitwisselafspraken: toevoegen, aanvaarden, beëindigen, tonen."""


@afspraak.command("add")
@click.argument("file", type=_FILE)
@operator_option
@json_option
def afspraak_add(file: Path, operator: str, as_json: bool) -> None:
    """Voeg een afspraak toe uit een JSON-bestand. Zij werkt pas als beide partijen haar aanvaarden."""
    from contracts import instants
    from hub.administration import agreements, forms
    from hub.commands.common import wire
    from hub.commands.common.files import read_json
    from hub.commands.common.office import office

    with office() as at:
        new = forms.agreement(read_json(file), instants.today(at.clock.now()))
        show(wire.agreement(at.act(operator, lambda tx, act: agreements.add_agreement(tx, act, new))), as_json)


@afspraak.command("accept")
@click.argument("afspraak_id")
@click.option("--organisatie", "oin", required=True, help="OIN van de partij die aanvaardt.")
@operator_option
@json_option
def afspraak_accept(afspraak_id: str, oin: str, operator: str, as_json: bool) -> None:
    """Leg vast dat een partij de afspraak aanvaardt."""
    from hub.administration import agreements, forms
    from hub.commands.common import wire
    from hub.commands.common.office import office

    party = forms.oin_of(oin)
    with office() as at:
        show(
            wire.agreement(at.act(operator, lambda tx, act: agreements.accept_agreement(tx, act, afspraak_id, party))),
            as_json,
        )


@afspraak.command("end")
@click.argument("afspraak_id")
@operator_option
@json_option
def afspraak_end(afspraak_id: str, operator: str, as_json: bool) -> None:
    """Beëindig een afspraak; wat nog wacht, gaat niet meer."""
    from hub.administration import agreements
    from hub.commands.common import wire
    from hub.commands.common.office import office

    with office() as at:
        show(wire.agreement(at.act(operator, lambda tx, act: agreements.end_agreement(tx, act, afspraak_id))), as_json)


@afspraak.command("list")
@click.option("--organisatie", "oin", help="Alleen van deze organisatie (OIN).")
@json_option
def afspraak_list(oin: str | None, as_json: bool) -> None:
    """Toon de afspraken, ook beëindigde."""
    from hub.administration import forms
    from hub.commands.common import wire
    from hub.commands.common.office import office
    from hub.store.region.agreements import all_agreements

    party = None if oin is None else forms.oin_of(oin)
    with office() as at, at.look() as connection:
        show_rows([wire.agreement(one) for one in all_agreements(connection, party)], as_json)


@click.group(short_help="Grondslagen bij een afspraak.")
def grondslag() -> None:
    """Grondslagen: toevoegen, bevestigen door een ander, beëindigen, tonen."""


@grondslag.command("add")
@click.argument("file", type=_FILE)
@operator_option
@json_option
def grondslag_add(file: Path, operator: str, as_json: bool) -> None:
    """Voeg een grondslag toe uit een JSON-bestand. Zij werkt pas als een ander haar bevestigt."""
    from hub.administration import agreements, forms
    from hub.commands.common import wire
    from hub.commands.common.files import read_json
    from hub.commands.common.office import office

    new = forms.ground(read_json(file), operator)
    with office() as at:
        show(wire.ground(at.act(operator, lambda tx, act: agreements.add_ground(tx, act, new))), as_json)


@grondslag.command("bevestig")
@click.argument("grondslag_id")
@operator_option
@json_option
def grondslag_bevestig(grondslag_id: str, operator: str, as_json: bool) -> None:
    """Bevestig een grondslag die een ander vaststelde."""
    from hub.administration import agreements
    from hub.commands.common import wire
    from hub.commands.common.office import office

    with office() as at:
        show(wire.ground(at.act(operator, lambda tx, act: agreements.confirm_ground(tx, act, grondslag_id))), as_json)


@grondslag.command("end")
@click.argument("grondslag_id")
@operator_option
@json_option
def grondslag_end(grondslag_id: str, operator: str, as_json: bool) -> None:
    """Beëindig een grondslag."""
    from hub.administration import agreements
    from hub.commands.common import wire
    from hub.commands.common.office import office

    with office() as at:
        show(wire.ground(at.act(operator, lambda tx, act: agreements.end_ground(tx, act, grondslag_id))), as_json)


@grondslag.command("list")
@click.option("--organisatie", "oin", help="Alleen bij afspraken van deze organisatie (OIN).")
@json_option
def grondslag_list(oin: str | None, as_json: bool) -> None:
    """Toon de grondslagen, ook beëindigde."""
    from hub.administration import forms
    from hub.commands.common import wire
    from hub.commands.common.office import office
    from hub.store.region.agreements import all_grounds

    party = None if oin is None else forms.oin_of(oin)
    with office() as at, at.look() as connection:
        show_rows([wire.ground(one) for one in all_grounds(connection, party)], as_json)


@click.command()
@click.option("--organisatie", "oin", help="Alleen wat de hub voor deze organisatie (OIN) doet.")
@json_option
def register(oin: str | None, as_json: bool) -> None:
    """Toon het register van de hub als verwerker (AVG art. 30 lid 2), gemaakt uit wat nu is afgesproken."""
    from hub.administration import forms
    from hub.commands.common.office import office
    from hub.reference.processing.register import of_hub
    from hub.reference.processing.rows import brief
    from hub.store.region.parties import organisation_by_oin

    party = None if oin is None else forms.oin_of(oin)
    with office() as at, at.look() as connection:
        if party is not None and organisation_by_oin(connection, party) is None:
            raise click.BadParameter("deze hub kent die organisatie niet", param_hint="--organisatie")
        rows = of_hub(connection, party, (at.settings.terms, at.clock.now()), at.settings.base_url)
        show_rows(rows if as_json else [brief(row) for row in rows], as_json)
