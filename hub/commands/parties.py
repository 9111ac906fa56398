"""``hub organisatie``, ``hub systeem`` and ``hub machtiging``."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.common.output import json_option, operator_option, show, show_rows

if TYPE_CHECKING:
    from hub.store.region.parties import Mandate, Organisation, System

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(short_help="Organisaties: toevoegen, tonen, schorsen.")
def organisatie() -> None:
    """De organisaties van de regio."""


@organisatie.command("add")
@click.option("--oin", required=True, help="OIN, 20 cijfers.")
@click.option("--naam", required=True)
@click.option("--rol", required=True, help="gemeente, ontwikkelbedrijf, mbo, kringloop, woonzorg, …")
@click.option("--rechtsvorm")
@operator_option
@json_option
def organisatie_add(oin: str, naam: str, rol: str, rechtsvorm: str | None, operator: str, as_json: bool) -> None:
    """Voeg een organisatie toe."""
    from hub.administration import forms, parties
    from hub.commands.common.office import office

    new = forms.organisation({"oin": oin, "naam": naam, "rol": rol, "rechtsvorm": rechtsvorm})
    with office() as at:
        show(_organisation(at.act(operator, lambda tx, act: parties.add_organisation(tx, act, new))), as_json)


@organisatie.command("list")
@json_option
def organisatie_list(as_json: bool) -> None:
    """Toon de organisaties."""
    from hub.commands.common.office import office
    from hub.store.region.parties import all_organisations

    with office() as at, at.look() as connection:
        show_rows([_organisation(one) for one in all_organisations(connection)], as_json)


@organisatie.command("suspend")
@click.argument("oin", required=False)
@click.option("--oin", "option", help="Hetzelfde als het argument.")
@operator_option
@json_option
def organisatie_suspend(oin: str | None, option: str | None, operator: str, as_json: bool) -> None:
    """Schors een organisatie: er gaat niets meer van en naar haar."""
    from hub.administration import forms, parties
    from hub.commands.common.office import office

    whom = forms.oin_of(_one(oin, option, "OIN"))
    with office() as at:
        show(_organisation(at.act(operator, lambda tx, act: parties.suspend_organisation(tx, act, whom))), as_json)


@click.group(short_help="Systemen en hun sleutels.")
def systeem() -> None:
    """De systemen die namens organisaties met de hub spreken."""


@systeem.command("add")
@click.option("--name", required=True, help="Naam (client id): kleine letters, cijfers en -.")
@click.option("--jwks", required=True, type=_FILE, help="JWK-set met de publieke sleutels.")
@operator_option
@json_option
def systeem_add(name: str, jwks: Path, operator: str, as_json: bool) -> None:
    """Voeg een systeem toe met zijn publieke sleutels."""
    from hub.administration import parties
    from hub.commands.common.office import office

    keys = _key_file(jwks)
    with office() as at:
        show(_system(at.act(operator, lambda tx, act: parties.add_system(tx, act, name, keys))), as_json)


@systeem.command("rotate")
@click.option("--name", required=True)
@click.option("--jwks", required=True, type=_FILE, help="JWK-set die de oude vervangt.")
@operator_option
@json_option
def systeem_rotate(name: str, jwks: Path, operator: str, as_json: bool) -> None:
    """Vervang de sleutels van een systeem."""
    from hub.administration import parties
    from hub.commands.common.office import office

    keys = _key_file(jwks)
    with office() as at:
        show(_system(at.act(operator, lambda tx, act: parties.rotate_keys(tx, act, name, keys))), as_json)


@systeem.command("list")
@json_option
def systeem_list(as_json: bool) -> None:
    """Toon de systemen."""
    from hub.commands.common.office import office
    from hub.store.region.parties import all_systems

    with office() as at, at.look() as connection:
        show_rows([_system(one) for one in all_systems(connection)], as_json)


@click.group(short_help="Machtigingen: welk systeem werkt voor wie.")
def machtiging() -> None:
    """Welk systeem voor welke organisatie mag werken, en waarvoor."""


@machtiging.command("add")
@click.option("--organisatie", "oin", required=True, help="OIN van de organisatie.")
@click.option("--systeem", "system", required=True, help="Naam van het systeem.")
@click.option("--scope", "scopes", multiple=True, required=True, help="Mag vaker; of met spaties ertussen.")
@click.option("--soort", "kinds", multiple=True, help="Alleen deze berichttypen. Mag vaker; weggelaten is alle.")
@click.option("--tot", help="Tot dit moment (jjjj-mm-dd of RFC 3339).")
@operator_option
@json_option
def machtiging_add(operator: str, as_json: bool, **given: Any) -> None:
    """Laat een systeem voor een organisatie werken."""
    from hub.administration import forms, parties
    from hub.commands.common.office import office

    kinds = _words(given["kinds"])
    new = forms.mandate(
        {
            "organisatie": given["oin"],
            "systeem": given["system"],
            "scopes": _words(given["scopes"]),
            "soorten": kinds or None,
            "tot": given["tot"],
        }
    )
    with office() as at:
        show(_mandate(at.act(operator, lambda tx, act: parties.add_mandate(tx, act, new))), as_json)


@machtiging.command("end")
@click.argument("machtiging_id")
@operator_option
@json_option
def machtiging_end(machtiging_id: str, operator: str, as_json: bool) -> None:
    """Beëindig een machtiging; dat werkt meteen."""
    from hub.administration import parties
    from hub.commands.common.office import office

    with office() as at:
        show(_mandate(at.act(operator, lambda tx, act: parties.end_mandate(tx, act, machtiging_id))), as_json)


@machtiging.command("list")
@click.option("--organisatie", "oin", help="Alleen van deze organisatie (OIN).")
@click.option("--systeem", "system", help="Alleen van dit systeem.")
@json_option
def machtiging_list(oin: str | None, system: str | None, as_json: bool) -> None:
    """Toon de machtigingen, ook beëindigde."""
    from hub.administration import forms
    from hub.commands.common.office import office
    from hub.store.region.parties import mandates_of

    whom = None if oin is None else forms.oin_of(oin)
    with office() as at, at.look() as connection:
        show_rows([_mandate(one) for one in mandates_of(connection, whom, system)], as_json)


def _one(first: str | None, second: str | None, name: str) -> str:
    if (found := first or second) is None or (first and second):
        raise click.UsageError(f"geef één {name}")
    return found


def _words(given: tuple[str, ...]) -> list[str]:
    return [word for each in given for word in each.replace(",", " ").split()]


def _key_file(path: Path) -> Mapping[str, Any]:
    """The JWK set in a file, seen to be usable before anything is opened."""
    from hub.administration.act import faulty
    from hub.administration.parties import key_set
    from hub.commands.common.files import read_json

    value = read_json(path)
    if not isinstance(value, dict):
        raise faulty("jwks", "GEEN_OBJECT", 'hier hoort een JWK-set: {"keys": [...]}')
    return key_set(value)


def _organisation(one: "Organisation") -> dict[str, Any]:
    from hub.commands.common.wire import instant

    return {
        "oin": one.oin,
        "naam": one.name,
        "rol": one.role.value,
        "rechtsvorm": one.legal_form,
        "toegevoegdOp": instant(one.added_at),
        "geschorstOp": instant(one.suspended_at),
    }


def _system(one: "System") -> dict[str, Any]:
    from hub.commands.common.wire import instant

    return {
        "naam": one.name,
        "sleutels": [str(key.get("kid") or key.get("kty")) for key in one.jwks["keys"]],
        "toegevoegdOp": instant(one.added_at),
    }


def _mandate(one: "Mandate") -> dict[str, Any]:
    from hub.commands.common.wire import instant

    return {
        "machtigingId": one.id,
        "organisatie": one.organisation,
        "systeem": one.system,
        "scopes": sorted(one.scopes),
        "soorten": None if one.kinds is None else sorted(one.kinds),
        "tot": instant(one.valid_until),
        "beeindigdOp": instant(one.ended_at),
    }
