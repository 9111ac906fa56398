"""The verifier as a command: ``python -m consent.audit --help``. It needs no hub and no database, and no network but
for a log that lies elsewhere (``--url``)."""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final, NoReturn

from consent.verify.report import ADDRESS
from consent.verify.verifier import (
    COULD_NOT_LOOK,
    CouldNotLook,
    Fetch,
    Report,
    folder_fetch,
    read_file,
    read_jwks,
    read_verifiers,
    sought_by,
    verify_any_receipt,
    verify_published,
)

_RECEIPTS: Final = "ontvangstbewijs of vernietigingsverklaring (JSON), of toestemmingsbewijs (JSON, of de brief)"


class _Parser(argparse.ArgumentParser):
    """Says in Dutch that it did not understand, as the rest does; which part, the usage line shows."""

    def error(self, message: str) -> NoReturn:
        named = " ".join(word for word in message.split() if word.startswith("-"))
        self.exit(COULD_NOT_LOOK, f"{self.format_usage()}niet begrepen: {named or 'deze opdracht'} (zie --help)\n")


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = _Parser("python -m consent.audit", description="Controleer bewijs met publieke sleutels.")
    parser.add_argument("--key", action="append", default=[], help="sleutel van het logboek, of een bestand; mag vaker")
    parser.add_argument("--jwks", type=Path, help="JWK-set van de hub, voor de handtekening van een ontvangstbewijs")
    parser.add_argument("--folder", type=Path, help="map met een logboek (checkpoint, tile/...)")
    parser.add_argument("--url", help=f"adres van een logboek; {ADDRESS}")
    parser.add_argument("--token-file", type=Path, help="bestand met een token (scope logboek:lezen), bij --url")
    parser.add_argument(
        "--earlier", type=Path, action="append", default=[], help="eerder bewaard checkpoint; mag vaker"
    )
    parser.add_argument("--receipt", type=Path, help=_RECEIPTS)
    parser.add_argument("--proof", type=Path, help=".tlog-proof die bij het bewijs hoort")
    parser.add_argument("--json", action="store_true", help="antwoord als JSON")
    return parser.parse_args(arguments)


def look(options: argparse.Namespace) -> Report:
    """Look at all that the options name. Raises ``CouldNotLook``."""
    verifiers = [key for text in options.key for key in read_verifiers(text)]
    report = Report()
    if options.folder and options.url:
        raise CouldNotLook("geef --folder of --url, niet allebei")
    if (options.folder or options.url or options.proof) and not verifiers:
        raise CouldNotLook("geef de sleutel van het logboek met --key")
    if (options.jwks or options.proof) and not options.receipt:
        raise CouldNotLook("geef bij --jwks en --proof ook --receipt")
    raw = read_file(options.receipt) if options.receipt else None
    sought = sought_by(raw) if raw is not None and (options.folder or options.url) else None
    if options.folder or options.url:
        earlier = [read_file(path).decode("utf-8", "replace") for path in options.earlier]
        told = _told if sys.stderr.isatty() else None
        with _log(options) as fetch:
            report.merge(verify_published(fetch, verifiers, earlier, told, sought))
    if raw is not None:
        proof = read_file(options.proof).decode("utf-8", "replace") if options.proof else None
        keys = read_jwks(read_file(options.jwks)) if options.jwks else {}
        report.merge(verify_any_receipt(raw, keys, proof, verifiers, sought))
    if not report.looked_at:
        raise CouldNotLook("geef --folder, --url of --receipt")
    return report


def _log(options: argparse.Namespace) -> AbstractContextManager[Fetch]:
    """Where the log lies. Whoever looks at what lies here loads nothing of the network."""
    if not options.url:
        return nullcontext(folder_fetch(options.folder))
    from consent.verify.remote import url_fetch

    return url_fetch(options.url, options.token_file)


def _told(done: int, of: int) -> None:
    """How far a long look is, on a terminal."""
    sys.stderr.write(f"\r{done} van {of}" if done < of else "\r\033[K")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 whole, 1 broken (says where), 2 could not look."""
    options = _arguments(sys.argv[1:] if arguments is None else arguments)
    try:
        report = look(options)
    except CouldNotLook as error:
        answer = {"uitkomst": "niet-gekeken", "reden": str(error)}
        sys.stdout.write(f"{json.dumps(answer)}\n" if options.json else f"niet gekeken: {error}\n")
        return COULD_NOT_LOOK
    sys.stdout.write((json.dumps(report.as_json()) if options.json else report.as_text()) + "\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
