"""The verifier as a command: ``python -m consent.audit --help``. It needs no hub, no database and no network."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from consent.verify.verifier import (
    COULD_NOT_LOOK,
    CouldNotLook,
    Report,
    folder_fetch,
    read_file,
    read_jwks,
    read_verifier,
    verify_log,
    verify_receipt,
)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m consent.audit", description="Controleer bewijs met publieke sleutels.")
    parser.add_argument("--key", action="append", default=[], help="sleutel van het logboek, of een bestand daarmee")
    parser.add_argument("--jwks", type=Path, help="JWK-set van de hub (voor ontvangstbewijzen)")
    parser.add_argument("--folder", type=Path, help="map met een logboek (checkpoint, tile/...)")
    parser.add_argument("--earlier", type=Path, action="append", default=[], help="eerder bewaard checkpoint")
    parser.add_argument("--receipt", type=Path, help="ontvangstbewijs (JSON)")
    parser.add_argument("--proof", type=Path, help=".tlog-proof bij het ontvangstbewijs")
    parser.add_argument("--json", action="store_true", help="antwoord als JSON")
    return parser.parse_args(arguments)


def look(options: argparse.Namespace) -> Report:
    """Look at all that the options name. Raises ``CouldNotLook``."""
    verifiers = [read_verifier(text) for text in options.key]
    report = Report()
    if (options.folder or options.proof) and not verifiers:
        raise CouldNotLook("geef de sleutel van het logboek met --key")
    if bool(options.receipt) != bool(options.jwks) or (options.proof and not options.receipt):
        raise CouldNotLook("geef --receipt samen met --jwks, en --proof samen met --receipt")
    if options.folder:
        earlier = [read_file(path).decode("utf-8", "replace") for path in options.earlier]
        report.merge(verify_log(folder_fetch(options.folder), verifiers, earlier))
    if options.receipt:
        proof = read_file(options.proof).decode("utf-8", "replace") if options.proof else None
        report.merge(verify_receipt(read_file(options.receipt), read_jwks(read_file(options.jwks)), proof, verifiers))
    if not report.looked_at:
        raise CouldNotLook("geef --folder of --receipt")
    return report


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
