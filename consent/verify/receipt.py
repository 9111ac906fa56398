"""Looking at the receipt of a message (`ontvangstbewijs`) or another signed answer: the signature over all of it, and
the leaves in the log that it names."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent.log.note import NoteInvalid, Verifier, open_checkpoint
from consent.log.proof import ProofInvalid, TlogProof
from consent.verify.lineage import first_of
from consent.verify.named import Named, named_leaves, read_receipt
from consent.verify.report import CouldNotLook, Report
from consent.verify.tree import Sought, not_ours
from contracts.canonical import canonical

RECEIPT_TYPE: Final = "ontvangstbewijs+jws"
#: What was looked at when the leaves of a receipt were looked up in a log.
IN_LOG: Final = "blad in het logboek"
#: What a look cannot tell: without the hub's receipt keys, with a single proof for a batch, without any, and so on.
UNSIGNED: Final = "of de hub dit antwoord zo gaf: zonder JWK-set is de handtekening niet bekeken"
OTHERS: Final = "of de andere bladen van dit antwoord in het logboek staan: het bewijs toont er één"
NO_LEAF: Final = "of dit antwoord in het logboek staat: het noemt geen blad"
NO_LOG: Final = "of dit antwoord in het logboek staat: geef --proof, --folder of --url, en de --key van het logboek"
NOT_OPENED: Final = "of dit bewijs in het logboek staat: dat ging met deze sleutel niet open"
_ALGORITHMS: Final = frozenset({"EdDSA", "Ed25519"})  # RFC 8037; RFC 9864 names the curve


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


def verify_receipt(
    raw: bytes,
    keys: Mapping[str, bytes],
    proof: str | None = None,
    verifiers: Sequence[Verifier] = (),
    log: Sought | None = None,
) -> Report:
    """Look at a receipt or another signed answer: its signature (with the hub's receipt ``keys``), and its leaves.

    With a ``.tlog-proof``, that a leaf it names stands in the log; with what a look at a whole log met, that all do.
    Where it names their places too, that they stand there.
    """
    report = Report(["handtekening"] if keys else [], limits=[] if keys else [UNSIGNED])
    try:
        receipt = read_receipt(raw)
    except (ValueError, RecursionError):
        return _unread(report, "ontvangstbewijs", "het is geen geldig JSON-object")
    try:
        named = named_leaves(receipt)
    except ValueError:
        return _unread(report, "blad", "wat dit antwoord van zijn blad noemt, is niet heel")
    if keys and not signature_holds(receipt, keys):
        report.wrong("handtekening", "de handtekening klopt niet, of is niet van deze sleutels")
    if not named:  # no proof and no log can show an answer that names nothing of it
        report.limits.append(NO_LEAF)
        return report
    if proof is None and log is None:
        report.limits.append(NO_LOG)
    if proof is not None:
        report.looked_at.append("bewijs")
        verify_proof(named, proof, verifiers, report)
        if log is None and len(named) > 1:
            report.limits.append(OTHERS)
    if log is not None:
        look_up(named, log, report)
    return report


def _unread(report: Report, place: str, reason: str) -> Report:
    report.looked_at = report.looked_at or ["ontvangstbewijs"]
    report.wrong(place, reason)
    return report


def look_up(named: Sequence[Named], log: Sought, report: Report) -> None:
    """Look whether every leaf of a receipt was met in the log that was read; of one that was not, nothing is said."""
    if not log.origin:
        report.limits.append(NOT_OPENED)
        return
    report.looked_at.append(IN_LOG)
    for number, one in enumerate(named, start=1):
        place = IN_LOG if len(named) == 1 else f"{IN_LOG}: {number} van {len(named)}"
        index = log.found.get(one.leaf)
        if index is None:
            report.wrong(place, "het staat niet in het logboek dat is gegeven")
        else:
            _compare(one, index, log.origin, place, report)


def _compare(one: Named, index: int, origin: str, place: str, report: Report) -> None:
    """Whether a leaf that stands at this index stands where the answer says; one that says nothing is no worse."""
    if one.origin is None or one.index is None:
        return
    if first_of(one.origin) != first_of(origin):
        report.wrong(place, "het antwoord noemt een ander logboek")
    elif one.origin != origin:  # a log that began anew holds what stood in the one before it, at other places
        limit = f"of het ook in {one.origin} staat, dat dit antwoord noemt: gekeken is in {origin}"
        report.limits += [] if limit in report.limits else [limit]
    elif one.index != index:
        report.wrong(place, f"het staat daar als vermelding {index}; het antwoord noemt een andere")


def verify_proof(
    named: Sequence[Named], text: str, verifiers: Sequence[Verifier], report: Report, place: str = "bewijs"
) -> TlogProof | None:
    """Look whether a ``.tlog-proof`` shows one of the leaves in the log; the proof, if it does."""
    try:
        proof = TlogProof.parse(text)
    except ProofInvalid:
        report.wrong(place, "het bestand is geen tlog-proof")
        return None
    try:
        head = open_checkpoint(proof.checkpoint, verifiers)
    except NoteInvalid:
        report.wrong(f"{place}: checkpoint", not_ours(proof.checkpoint, verifiers))
        return None
    report.head = report.head or head
    shown = next((one for one in named if proof.shows(one.leaf, head)), None)
    if shown is None:
        report.wrong(place, "het blad van dit bewijs staat niet op deze plaats in het logboek")
        return None
    _compare(shown, proof.index, head.origin, place, report)
    return proof
