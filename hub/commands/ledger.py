"""``hub ledger``: verify the log and receipts, export the log. Exit 0 whole, 1 broken, 2 could not look."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hub.commands.common.output import json_option, show

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from consent.log.note import Verifier
    from consent.verify.verifier import Fetch, Report, Sought
    from hub.commands.common.office import Office

_COULD_NOT_LOOK = 2
#: What is counted. After a wissing it may well be 0: the content of messages goes first, their evidence at its term.
_MEANS = {
    "onleesbaar": "vermeldingen van het logboek, omdat een bewijssleutel is vernietigd (een wissing vernietigt eerst"
    " alleen de inhoud van berichten; het bewijs blijft tot zijn termijn)"
}
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)

_RECEIPTS = "Ontvangstbewijs of vernietigingsverklaring (JSON), of toestemmingsbewijs (JSON, of de brief)."


@click.group(short_help="Het bewijslogboek controleren en uitvoeren.")
def ledger() -> None:
    """Het bewijslogboek: controleren en uitvoeren."""


@ledger.command("verify")
@click.option("--folder", type=_FOLDER, help="Map met een logboek (checkpoint, tile/…).")
@click.option("--url", help="Adres van een logboek; het eindigt op /bewijslogboek.")
@click.option("--token-file", type=_FILE, help="Bestand met een token (scope logboek:lezen), bij --url.")
@click.option("--db", is_flag=True, help="Het logboek in de database van deze hub, met de inhoud erachter.")
@click.option("--receipt", type=_FILE, help=_RECEIPTS)
@click.option("--proof", type=_FILE, help="De .tlog-proof die bij het bewijs hoort.")
@click.option("--earlier", type=_FILE, multiple=True, help="Een eerder bewaard checkpoint. Mag vaker.")
@click.option(
    "--key", "keys", multiple=True, help="Sleutel van het logboek of JWK-set, of een bestand daarmee. Mag vaker."
)
@json_option
def verify(as_json: bool, **given: Any) -> int:
    """Controleer een logboek, een bewijs, of beide. 0 heel, 1 kapot (zegt waar), 2 kon niet kijken."""
    from consent.verify.verifier import CouldNotLook
    from hub.commands.common.failures import sentence

    try:
        report, more = _look(given)
    except CouldNotLook as error:
        return _not_looked(str(error), as_json)
    except Exception as error:
        told = sentence(error)
        if told is None:
            raise
        return _not_looked(told.text, as_json)
    if as_json:
        show(report.as_json() | more, True)
    else:
        click.echo(report.as_text())
        for name, value in more.items():
            click.echo(f"{name}: {value} {_MEANS[name]}")
    return report.exit_code


def _not_looked(reason: str, as_json: bool) -> int:
    if as_json:
        show({"uitkomst": "niet-gekeken", "reden": reason}, True)
    else:
        click.echo(f"niet gekeken: {reason}", err=True)
    return _COULD_NOT_LOOK


def _look(given: dict[str, Any]) -> tuple["Report", dict[str, Any]]:
    """Look at all that the options name; more than the report says only of the own database."""
    from consent.verify.verifier import (
        CouldNotLook,
        Report,
        folder_fetch,
        sought_by,
        verify_any_receipt,
        verify_log,
        verify_published,
    )

    if sum(map(bool, (given["folder"], given["url"], given["db"]))) > 1:
        raise CouldNotLook("geef één van --folder, --url en --db")
    if not any(given[name] for name in ("folder", "url", "db", "receipt")):
        raise CouldNotLook("geef --folder, --url, --db of --receipt")
    verifiers, jwks = _keys(given["keys"])
    earlier = [_bytes(path).decode("utf-8", "replace") for path in given["earlier"]]
    receipt = _bytes(given["receipt"]) if given["receipt"] else None
    with_log = any(given[name] for name in ("folder", "url", "db"))
    sought = sought_by(receipt) if receipt is not None and with_log else None
    report, more = Report(), dict[str, Any]()

    looker = verify_log if given["db"] else verify_published

    def whole(fetch: "Fetch", with_keys: "list[Verifier]") -> "Report":
        if not with_keys:
            raise CouldNotLook("geef de sleutel van het logboek met --key")
        with _Progress() as told:
            return looker(fetch, with_keys, earlier, told, sought)

    if given["folder"]:
        report.merge(whole(folder_fetch(given["folder"]), verifiers))
    if given["url"]:
        from consent.verify.remote import url_fetch

        with url_fetch(given["url"], given["token_file"]) as fetch:
            report.merge(whole(fetch, verifiers))
    if given["db"]:
        more, own = _look_at_own(report, verifiers, whole, None if receipt is None else (receipt, sought))
        verifiers = verifiers or own  # a receipt holds proofs of its own
    if receipt is not None:
        proof = _bytes(given["proof"]).decode("utf-8", "replace") if given["proof"] else None
        report.merge(verify_any_receipt(receipt, jwks, proof, verifiers, sought))
    return report, more


def _look_at_own(
    report: "Report",
    verifiers: "list[Verifier]",
    whole: Callable[["Fetch", "list[Verifier]"], "Report"],
    receipt: "tuple[bytes, Sought | None] | None",
) -> "tuple[dict[str, Any], list[Verifier]]":
    """The log of this hub's database, and whether its payloads open. Its own key serves where none was given.

    Of a ``receipt`` that is given beside it: how its statement stands now. What it gives beside what was counted: the
    keys of this log and of those before it, which may have been the log when the receipt was given.
    """
    from consent.verify.rows import check_rows, settled, table_fetch
    from hub.commands.common.office import office
    from hub.ledger.replay.check import check
    from hub.store.database import snapshot

    with _set_aside(), office() as at, snapshot(at.engine) as connection, settled(connection):
        report.merge(whole(table_fetch(connection), verifiers or own_verifiers(at)))
        with _Progress() as told:
            report.merge(check_rows(connection, own_verifiers(at), told))
        of = report.head.size if report.head is not None else 0
        with _Progress() as told:
            shown = None if told is None else lambda seen: told(min(seen, of), of)
            payloads, unreadable = check(connection, at.key_store, shown)
        report.merge(payloads)
        if receipt is not None and receipt[1] is not None:
            receipt[1].now = _standing(connection, receipt[0], at.clock.now())
        return {"onleesbaar": unreadable}, _lasting_verifiers(at)


@contextmanager
def _set_aside() -> Iterator[None]:
    """What is there by now stays till the end: the collector need not look through it while a long log is read."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _standing(connection: "Connection", raw: bytes, now: "datetime") -> str | None:
    """How the statement of a receipt stands in the tables; ``None``: it is the receipt of something else."""
    from consent.receipt.dutch import moment
    from consent.store import records
    from consent.store.standing import standings
    from consent.verify.statement import statement_id

    key = statement_id(raw)
    if key is None:
        return None
    row = records.find_statement(connection, key)
    if row is None:
        return "onbekend: de persoon is gewist, of de verklaring is van na een backup die is teruggezet"
    stands = standings(connection, records.Overseer(now), [row])[key]
    ended = row.ended_at or row.invalid_at
    if ended is not None:
        return f"{stands.status.value} op {moment(ended)}"
    shut = stands.closed
    if shut is None:
        return stands.status.value
    how = "gesloten" if stands.whole else "voor een deel gesloten"
    return f"{stands.status.value}, maar {how}: {shut.how} op {moment(shut.at)}"


def own_verifiers(at: "Office") -> "list[Verifier]":
    """The public keys of this hub's own log; the first is the one in use."""
    from hub.administration.installation import LOG_ORIGIN

    return at.keys.log_keys().verifiers(at.facts[LOG_ORIGIN])


def _lasting_verifiers(at: "Office") -> "list[Verifier]":
    """As ``own_verifiers``, and so of the logs that ended with a restore: what they proved still holds."""
    from hub.administration.installation import LOG_ORIGIN, ancestors

    origin = at.facts[LOG_ORIGIN]
    return [key for each in (origin, *ancestors(origin)) for key in at.keys.log_keys().verifiers(each)]


def _keys(given: tuple[str, ...]) -> tuple["list[Verifier]", dict[str, bytes]]:
    """The log's keys and the receipt keys among what was given: text, or a file that holds it."""
    from consent.verify.verifier import read_jwks, read_verifiers, verifiers_in

    verifiers: list[Verifier] = []
    jwks: dict[str, bytes] = {}
    for text in given:
        itself = text.lstrip().startswith("{") or "+" in text
        raw = text.encode() if itself else _bytes(Path(text))
        if raw.lstrip().startswith(b"{") and b'"sleutel"' not in raw:
            jwks |= read_jwks(raw)
        else:  # a key, or the hub's answer that names its keys
            verifiers += read_verifiers(text) if itself else verifiers_in(raw, Path(text).name)
    return verifiers, jwks


def _bytes(path: Path) -> bytes:
    from consent.verify.verifier import CouldNotLook

    try:
        return path.read_bytes()
    except OSError as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error


class _Progress:
    """Progress on a terminal, nothing elsewhere."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __enter__(self) -> Callable[[int, int], None] | None:
        if not self._shown:
            return None

        def told(done: int, of: int) -> None:
            click.echo(f"\r{done} van {of}", nl=False, err=True)

        return told

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\033[K", nl=False, err=True)


@ledger.command("export")
@click.argument("folder", metavar="MAP", type=_FOLDER)
@json_option
def export(folder: Path, as_json: bool) -> None:
    """Schrijf het getekende logboek als map met tegels, en noem zijn sleutel. Er staan geen persoonsgegevens in."""
    from consent.log import reading as log
    from contracts.errors import Conflict
    from hub.commands.common.office import office

    if folder.exists() and any(folder.iterdir()):
        raise Conflict("Deze map is niet leeg; er is niets veranderd")
    with office() as at, at.look() as connection, _Progress() as told:
        size = log.export(connection, folder, told)
        if size is None:
            raise Conflict("Er is nog geen checkpoint om uit te voeren")
        show({"map": str(folder), "vermeldingen": size, "sleutel": own_verifiers(at)[0].vkey}, as_json)
