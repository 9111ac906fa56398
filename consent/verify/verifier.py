"""The verifier: looks at the evidence with the cable out and with public keys only. Here all of it comes together.

It needs nothing of the hub: consent/log, consent/receipt, contracts and ``cryptography``. It tells what it found and
where:

    a log                     every entry bundle, every tile, the root, the checkpoint's signature, earlier checkpoints
    a receipt of a message    the signature over all of it (RFC 7515 app. F over RFC 8785), and its leaves in the log;
                              so too a statement of destruction, and where it says that they stand
    a receipt of a statement  that it says, byte for byte, what the log holds, and that the log holds it

It cannot know what was written before the last checkpoint that an outsider kept, nor whether what was logged is true.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from consent.log.note import Verifier
from consent.receipt.document import is_receipt
from consent.verify.lineage import lineage
from consent.verify.named import is_destruction_letter, leaf_hashes, read_receipt
from consent.verify.receipt import RECEIPT_TYPE, read_jwks, signature_holds, verify_proof, verify_receipt
from consent.verify.report import BROKEN, COULD_NOT_LOOK, WHOLE, CouldNotLook, Finding, Report
from consent.verify.statement import statement_leaves, verify_statement
from consent.verify.tree import Fetch, Progress, Sought, folder_fetch, verify_log

__all__ = [
    "BROKEN",
    "COULD_NOT_LOOK",
    "RECEIPT_TYPE",
    "WHOLE",
    "CouldNotLook",
    "Fetch",
    "Finding",
    "Progress",
    "Report",
    "Sought",
    "folder_fetch",
    "leaf_hashes",
    "read_file",
    "read_jwks",
    "read_receipt",
    "read_verifier",
    "read_verifiers",
    "signature_holds",
    "sought_by",
    "verifiers_in",
    "verify_any_receipt",
    "verify_log",
    "verify_proof",
    "verify_published",
    "verify_receipt",
    "verify_statement",
]


def verify_published(
    fetch: Fetch,
    verifiers: Sequence[Verifier],
    earlier: Sequence[str] = (),
    progress: Progress | None = None,
    sought: Sought | None = None,
) -> Report:
    """Look at a whole log that was published, in a folder or over HTTP; and say which ones came before and after."""
    report = verify_log(fetch, verifiers, earlier, progress, sought)
    if report.head is not None:
        report.notes += lineage(fetch, report.head)
    return report


def sought_by(raw: bytes) -> Sought:
    """What to look for in a log when this receipt, of either kind, is given beside it. Raises ``CouldNotLook``."""
    _refuse_letter(raw)
    if is_receipt(raw):
        return Sought(frozenset(statement_leaves(raw)))
    try:
        return Sought(frozenset(leaf_hashes(read_receipt(raw))))
    except (ValueError, RecursionError):  # looking at the receipt will tell
        return Sought(frozenset())


def verify_any_receipt(
    raw: bytes,
    keys: Mapping[str, bytes],
    proof: str | None,
    verifiers: Sequence[Verifier],
    log: Sought | None = None,
) -> Report:
    """Look at a receipt of either kind. ``keys``: the hub's receipt keys, for the signature of that of a message.

    ``log``: what a look at a whole log met of ``sought_by`` this receipt. Raises ``CouldNotLook`` when nothing of what
    could show it was given.
    """
    _refuse_letter(raw)
    if proof is not None and not verifiers:
        raise CouldNotLook("geef bij --proof ook de sleutel van het logboek met --key")
    if not is_receipt(raw) and (keys or _is_signed(raw)):
        if not keys and proof is None and log is None:
            raise CouldNotLook(
                "geef bij een ontvangstbewijs of vernietigingsverklaring de JWK-set van de hub, zijn --proof of het"
                " logboek"
            )
        if not keys and not _names_a_leaf(raw):
            raise CouldNotLook("dit antwoord noemt geen blad: geef de JWK-set van de hub, voor zijn handtekening")
        return verify_receipt(raw, keys, proof, verifiers, log)
    if proof is None and log is None:
        raise CouldNotLook("geef bij een toestemmingsbewijs zijn --proof of het logboek, en de --key van het logboek")
    return verify_statement(raw, proof, verifiers, log)


def _refuse_letter(raw: bytes) -> None:
    if is_destruction_letter(raw):
        raise CouldNotLook(
            "de brief van een vernietigingsverklaring is voor mensen; daarin staat niets om te controleren: geef de"
            " JSON, die de hub geeft zonder formaat=brief"
        )


def _names_a_leaf(raw: bytes) -> bool:
    """Whether there is something to look up; of what is malformed, looking at it will tell."""
    try:
        return bool(leaf_hashes(read_receipt(raw)))
    except (ValueError, RecursionError):
        return True


def _is_signed(raw: bytes) -> bool:
    """Whether this is an answer with a signature of its own: then it is not the receipt of a statement."""
    try:
        return "handtekening" in read_receipt(raw)
    except (ValueError, RecursionError):
        return False


def read_verifier(text: str) -> Verifier:
    """A verifier key: its text, or a file with that text or with the hub's answer. Raises ``CouldNotLook``."""
    return read_verifiers(text)[0]


def read_verifiers(text: str) -> list[Verifier]:
    """All that the hub's answer names: the key in use, its successor during a rotation, and earlier ones.

    ``text``: a key, that answer, or the name of a file with either. Raises ``CouldNotLook``.
    """
    if "+" not in text and not text.lstrip().startswith("{"):
        return verifiers_in(read_file(Path(text)), Path(text).name)
    try:
        return _verifiers(text)
    except ValueError as error:
        raise CouldNotLook("dit is geen verificatiesleutel (naam+hash+sleutel)") from error


def verifiers_in(raw: bytes, name: str) -> list[Verifier]:
    """The same, out of what a file of this name holds. Raises ``CouldNotLook``."""
    try:
        return _verifiers(raw.decode("utf-8"))
    except ValueError as error:
        raise CouldNotLook(f"in {name} staat geen sleutel van het logboek (naam+hash+sleutel)") from error


def _verifiers(text: str) -> list[Verifier]:
    """Raises ``ValueError``."""
    found = text.strip()
    if not found.startswith("{"):
        return [Verifier.parse(found)]
    try:
        answer = json.loads(found)
        successor = answer.get("opvolger")
        names = [answer["sleutel"], *([successor] if successor else []), *answer.get("eerdere", [])]
        return [Verifier.parse(name) for name in names]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError("this answer names no key") from error


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises ``CouldNotLook``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CouldNotLook(f"{path.name} is niet te lezen") from error
