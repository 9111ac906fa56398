"""The verifier: looks at the evidence with the cable out and with public keys only.

It needs nothing of the hub: consent/log, contracts/canonical and ``cryptography``. It tells what it found and where:

    a log       every entry bundle, every tile, the root, the checkpoint's signature, earlier checkpoints of this log
    a receipt   the signature over all of it (RFC 7515 app. F over RFC 8785), and that its leaf stands in the log

It cannot know what was written before the last checkpoint that an outsider kept, nor whether what was logged is true.
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.log import merkle
from consent.log.note import Checkpoint, NoteInvalid, Verifier, open_checkpoint
from consent.log.proof import ProofInvalid, TlogProof
from consent.log.tiles import WIDTH, Tile, bundles_of, node_reader, read_bundle, read_tile, tiles_of
from contracts.canonical import canonical

RECEIPT_TYPE: Final = "ontvangstbewijs+jws"
WHOLE, BROKEN, COULD_NOT_LOOK = 0, 1, 2
_ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})  # RFC 8037; RFC 9864 names the curve

#: Gives the bytes at a path below the log's prefix; ``None`` if nothing stands there. May raise ``CouldNotLook``.
Fetch = Callable[[str], bytes | None]
Progress = Callable[[int, int], None]


class CouldNotLook(Exception):
    """Something to look at or with is missing: a file, a folder, a key. It says nothing about the evidence."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong: where, and what (Dutch, for people)."""

    place: str
    reason: str


@dataclass(slots=True)
class Report:
    """What was looked at and what is wrong with it. No findings: whole."""

    looked_at: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    head: Checkpoint | None = None

    def wrong(self, place: str, reason: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(place, reason))

    def merge(self, other: "Report") -> None:
        """Take over what another report says."""
        self.looked_at += other.looked_at
        self.findings += other.findings
        self.head = self.head or other.head

    @property
    def exit_code(self) -> int:
        """0 whole, 1 broken, 2 nothing was looked at."""
        if self.findings:
            return BROKEN
        return WHOLE if self.looked_at else COULD_NOT_LOOK

    def as_text(self) -> str:
        """The report in lines, for people."""
        lines = [f"kapot: {f.place}: {f.reason}" for f in self.findings] or [f"heel: {', '.join(self.looked_at)}"]
        if self.head is not None:
            lines.append(f"logboek {self.head.origin}: {self.head.size} vermeldingen, wortel {self.head.root.hex()}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """The report as the ``--json`` option shows it."""
        head = self.head
        return {
            "uitkomst": ("heel", "kapot", "niet-gekeken")[self.exit_code],
            "bekeken": self.looked_at,
            "bevindingen": [{"plaats": f.place, "reden": f.reason} for f in self.findings],
            "logboek": head and {"oorsprong": head.origin, "grootte": head.size, "wortel": head.root.hex()},
        }


def folder_fetch(folder: Path) -> Fetch:
    """Reads a log that lies in a folder. Raises ``CouldNotLook`` if the folder is not there."""
    if not folder.is_dir():
        raise CouldNotLook("de map bestaat niet")

    def fetch(path: str) -> bytes | None:
        try:
            return (folder / path).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CouldNotLook(f"{path} is niet te lezen") from error

    return fetch


def verify_log(
    fetch: Fetch, verifiers: Sequence[Verifier], earlier: Sequence[str] = (), progress: Progress | None = None
) -> Report:
    """Look at a whole log, and say of each thing that is wrong where it is.

    (1) the checkpoint's signature, (2) every bundle against the leaf hashes, (3) every tile against what lies below
    it, (4) the root, (5) that each earlier checkpoint (a note that somebody kept) is a beginning of this log.
    ``progress`` is told (entries, entries in all). Of all hashes 1 in 256 is held in memory. Raises ``CouldNotLook``
    without checkpoint.
    """
    report = Report(["logboek"])
    raw = fetch("checkpoint")
    if raw is None:
        raise CouldNotLook("er is geen checkpoint")
    head = _open(raw, verifiers, "checkpoint", report)  # (1)
    if head is None:
        return report
    report.head = head
    edges = _verify_tiles(fetch, head.size, report, progress)  # (2), (3)
    root = merkle.root(head.size, node_reader(head.size, lambda tile: edges[tile.level or 0, tile.index]))
    if root != head.root:  # (4)
        report.wrong("checkpoint", "de wortel hoort niet bij de vermeldingen")
    for note in earlier:  # (5)
        report.looked_at.append("eerder checkpoint")
        old = _open(note.encode(), verifiers, "eerder checkpoint", report)
        if old is not None:
            _verify_earlier(fetch, head, old, report)
    return report


def _open(raw: bytes, verifiers: Sequence[Verifier], place: str, report: Report) -> Checkpoint | None:
    try:
        return open_checkpoint(raw.decode("utf-8"), verifiers)
    except UnicodeDecodeError:
        report.wrong(place, "het is geen tekst")
    except NoteInvalid:
        report.wrong(place, "de handtekening klopt niet, of is niet van deze sleutel")
    return None


def _read(fetch: Fetch, tile: Tile, report: Report) -> list[bytes]:
    """Hashes or entries of one tile; an empty list, and a finding, if it is missing or malformed."""
    raw, found = fetch(tile.path), tile
    if raw is None and tile.width < WIDTH:  # a log may drop a partial tile once the full one is there
        found = Tile(tile.level, tile.index)
        raw = fetch(found.path)
    if raw is None:
        report.wrong(tile.path, "ontbreekt")
        return []
    try:
        return (read_bundle(raw, found) if tile.level is None else read_tile(raw, found))[: tile.width]
    except ValueError:
        report.wrong(tile.path, "heeft niet de lengte die erbij hoort")
        return []


_Edges = dict[tuple[int, int], list[bytes]]


def _verify_tiles(fetch: Fetch, size: int, report: Report, progress: Progress | None) -> _Edges:
    """Recompute all hashes upward from the entries, comparing each tile; the hashes from which the root follows."""
    edges: _Edges = {}
    row: list[bytes] = []  # hashes of the level above the one at hand
    for tile in bundles_of(size):
        leaves = [merkle.leaf_hash(entry) for entry in _read(fetch, tile, report)]
        shown = _compare(fetch, Tile(0, tile.index, tile.width), leaves, report)
        _keep(edges, row, Tile(0, tile.index, tile.width), leaves or shown)
        if progress is not None:
            progress(tile.start + tile.width, size)
    below = row
    row = []
    level = 1
    for tile in tiles_of(size):
        if not tile.level:
            continue
        if tile.level != level:
            below, row, level = row, [], tile.level
        hashes = below[tile.start : tile.start + tile.width]
        _compare(fetch, tile, hashes, report)
        _keep(edges, row, tile, hashes)
    return edges


def _keep(edges: _Edges, above: list[bytes], tile: Tile, hashes: list[bytes]) -> None:
    """Keep a full tile's hash for the level above, and a tile of the right edge whole: only those make the root."""
    padded = hashes + [bytes(merkle.HASH_SIZE)] * (tile.width - len(hashes))  # where something is missing: a wrong root
    if tile.width == WIDTH:
        above.append(merkle.perfect_root(padded))
    else:
        edges[tile.level or 0, tile.index] = padded


def _compare(fetch: Fetch, tile: Tile, computed: list[bytes], report: Report) -> list[bytes]:
    """Compare a tile with what was computed from below; the hashes that the tile shows."""
    shown = _read(fetch, tile, report)
    different = [at for at, (mine, theirs) in enumerate(zip(computed, shown, strict=False)) if mine != theirs]
    if different:
        first, more = tile.start + different[0], len(different) - 1
        what = f"vermelding {first}" if tile.level == 0 else f"knoop {first} van niveau {tile.level}"
        report.wrong(tile.path, f"{what} hoort niet bij wat eronder ligt" + (f" (en nog {more})" if more else ""))
    return shown


def _verify_earlier(fetch: Fetch, head: Checkpoint, old: Checkpoint, report: Report) -> None:
    if old.origin != head.origin:
        report.wrong("eerder checkpoint", "het is van een ander logboek")
    elif old.size > head.size:
        report.wrong("eerder checkpoint", "het logboek is korter dan het was")
    else:
        hidden = Report()  # what is wrong with a tile was said already
        wide = {(tile.level, tile.index): tile for tile in tiles_of(head.size)}
        read = node_reader(old.size, lambda tile: _read(fetch, wide[tile.level, tile.index], hidden))
        try:
            same = merkle.root(old.size, read) == old.root
        except ValueError:  # a tile is missing
            same = False
        if not same:
            report.wrong("eerder checkpoint", f"de eerste {old.size} vermeldingen zijn niet meer wat ze waren")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _refuse(_text: str) -> Any:
    raise ValueError("not a number of the profile")


def read_receipt(raw: bytes) -> dict[str, Any]:
    """A receipt from its file. Raises ``ValueError`` for what is not one JSON object without doubles and fractions."""
    text = raw.decode("utf-8")
    value = json.loads(text, object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse)
    if not isinstance(value, dict):
        raise ValueError("a receipt is an object")
    return value


def _unbase64url(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if _base64url(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def read_jwks(raw: bytes) -> dict[str, bytes]:
    """The Ed25519 public keys of a JWK set (RFC 7517, RFC 8037) by ``kid``; other keys are passed over.

    Raises ``CouldNotLook`` if it is no JWK set or holds no such key.
    """
    try:
        keys = json.loads(raw)["keys"]
        found = {
            str(key["kid"]): _unbase64url(key["x"])
            for key in keys
            if key.get("kty") == "OKP" and key.get("crv") == "Ed25519" and "kid" in key
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CouldNotLook("dit is geen JWK-set") from error
    if not found:
        raise CouldNotLook("de JWK-set bevat geen Ed25519-sleutel")
    return found


def signature_holds(receipt: Mapping[str, Any], keys: Mapping[str, bytes], type_: str = RECEIPT_TYPE) -> bool:
    """Whether ``handtekening`` is a detached JWS (RFC 7515 app. F) by one of the keys over the RFC 8785 rest."""
    rest = {name: value for name, value in receipt.items() if name != "handtekening"}
    try:
        protected, payload, encoded = str(receipt["handtekening"]).split(".")
        header, signature = read_receipt(_unbase64url(protected)), _unbase64url(encoded)
        key = Ed25519PublicKey.from_public_bytes(keys[header["kid"]])
        good = header.get("alg") in _ALGORITHMS and header.get("typ") == type_ and "crit" not in header and not payload
        key.verify(signature, f"{protected}.{_base64url(canonical(rest))}".encode("ascii"))
    except (ValueError, KeyError, TypeError, InvalidSignature):  # malformed, unknown key, outside the profile, or wrong
        return False
    return good


def leaf_hashes(receipt: Mapping[str, Any]) -> list[bytes]:
    """Every ``bladHash`` (64 hex digits) of a receipt, or of an answer that holds one or a batch of them."""
    results = receipt.get("resultaten")
    answers = [receipt, *(results if isinstance(results, list) else [])]
    parts = [receipt, *(answer.get("ontvangstbewijs") for answer in answers if isinstance(answer, dict))]
    return [bytes.fromhex(str(part["bladHash"])) for part in parts if isinstance(part, dict) and "bladHash" in part]


def verify_receipt(
    raw: bytes, keys: Mapping[str, bytes], proof: str | None = None, verifiers: Sequence[Verifier] = ()
) -> Report:
    """Look at a receipt: its signature, and (with a ``.tlog-proof``) that a leaf it names stands in the log."""
    report = Report(["handtekening"])
    try:
        receipt = read_receipt(raw)
        leaves = leaf_hashes(receipt)
    except (ValueError, RecursionError):
        report.wrong("ontvangstbewijs", "het is geen geldig JSON-object")
        return report
    if not signature_holds(receipt, keys):
        report.wrong("handtekening", "de handtekening klopt niet, of is niet van deze sleutels")
    if proof is not None:
        report.looked_at.append("bewijs")
        _verify_proof(leaves, proof, verifiers, report)
    return report


def _verify_proof(leaves: Sequence[bytes], text: str, verifiers: Sequence[Verifier], report: Report) -> None:
    try:
        proof = TlogProof.parse(text)
        report.head = open_checkpoint(proof.checkpoint, verifiers)
    except ProofInvalid:
        report.wrong("bewijs", "het bestand is geen tlog-proof")
        return
    except NoteInvalid:
        report.wrong("bewijs: checkpoint", "de handtekening klopt niet, of is niet van deze sleutel")
        return
    if not any(proof.shows(leaf, report.head) for leaf in leaves):
        report.wrong("bewijs", "het blad van dit ontvangstbewijs staat niet op deze plaats in het logboek")


def read_verifier(text: str) -> Verifier:
    """A verifier key: its text, or a file with that text or with the hub's answer. Raises ``CouldNotLook``."""
    try:
        found = (read_file(Path(text)).decode("utf-8") if "+" not in text else text).strip()
        if found.startswith("{"):
            found = json.loads(found)["sleutel"]
        return Verifier.parse(found)
    except (NoteInvalid, ValueError, KeyError, TypeError) as error:
        raise CouldNotLook("dit is geen verificatiesleutel (naam+hash+sleutel)") from error


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises ``CouldNotLook``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error
