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
    read_verifiers,
    sought_by,
    verify_any_receipt,
    verify_log,
)


def _arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("python -m consent.audit", description="Controleer bewijs met publieke sleutels.")
    parser.add_argument("--key", action="append", default=[], help="sleutel van het logboek, of een bestand daarmee")
    parser.add_argument("--jwks", type=Path, help="JWK-set van de hub, voor de handtekening van een ontvangstbewijs")
    parser.add_argument("--folder", type=Path, help="map met een logboek (checkpoint, tile/...)")
    parser.add_argument("--earlier", type=Path, action="append", default=[], help="eerder bewaard checkpoint")
    parser.add_argument("--receipt", type=Path, help="ontvangstbewijs of toestemmingsbewijs (JSON, of de brief)")
    parser.add_argument("--proof", type=Path, help=".tlog-proof die bij het bewijs hoort")
    parser.add_argument("--json", action="store_true", help="antwoord als JSON")
    return parser.parse_args(arguments)


def look(options: argparse.Namespace) -> Report:
    """Look at all that the options name. Raises ``CouldNotLook``."""
    verifiers = [key for text in options.key for key in read_verifiers(text)]
    report = Report()
    if (options.folder or options.proof) and not verifiers:
        raise CouldNotLook("geef de sleutel van het logboek met --key")
    if (options.jwks or options.proof) and not options.receipt:
        raise CouldNotLook("geef bij --jwks en --proof ook --receipt")
    raw = read_file(options.receipt) if options.receipt else None
    sought = sought_by(raw) if raw is not None and options.folder else None
    if options.folder:
        earlier = [read_file(path).decode("utf-8", "replace") for path in options.earlier]
        told = _told if sys.stderr.isatty() else None
        report.merge(verify_log(folder_fetch(options.folder), verifiers, earlier, told, sought))
    if raw is not None:
        proof = read_file(options.proof).decode("utf-8", "replace") if options.proof else None
        keys = read_jwks(read_file(options.jwks)) if options.jwks else {}
        report.merge(verify_any_receipt(raw, keys, proof, verifiers, sought))
    if not report.looked_at:
        raise CouldNotLook("geef --folder of --receipt")
    return report


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
