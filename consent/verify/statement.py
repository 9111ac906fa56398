"""Looking at the receipt of a statement (`toestemmingsbewijs`): that it says what the log holds, and nothing else.

It needs no key but the log's: the receipt is signed by standing in the log. (1) The document is written anew from the
entries in it and compared byte for byte; (2) each entry with its opening gives a leaf; (3) each leaf stands in the log.
"""

from collections.abc import Sequence

from consent.log.note import Checkpoint, Verifier, open_checkpoint
from consent.log.proof import TlogProof
from consent.receipt.account import only_asks
from consent.receipt.document import read
from consent.receipt.evidence import ReceiptInvalid
from consent.verify.receipt import verify_proof
from consent.verify.report import Report

#: What no look at a receipt can tell.
LIMITS = (
    "of de toestemming later nog is veranderd of ingetrokken",
    "of wat is vastgelegd ook zo is gezegd",
)


def verify_statement(raw: bytes, proof: str, verifiers: Sequence[Verifier]) -> Report:
    """Look at a receipt, JSON-LD or letter, with the ``.tlog-proof`` of its statement."""
    report = Report(["toestemmingsbewijs", "bewijs"], limits=list(LIMITS))
    try:
        receipt = read(raw)  # (1)
    except ReceiptInvalid as error:
        report.wrong(error.place, error.reason)
        return report
    first, *later = receipt.evidence.entries
    shown = [verify_proof([first.leaf], proof, verifiers, report)]  # (2), (3)
    for number, entry in enumerate(later, start=2):
        place = f"bewijs van vermelding {number}"
        shown.append(verify_proof([entry.leaf], entry.proof or "", verifiers, report, place))
    asked = [only_asks(entry) for entry in later]
    order = [proof for proof, before in zip(shown[1:], asked, strict=True) if before]
    order += [shown[0], *(proof for proof, before in zip(shown[1:], asked, strict=True) if not before)]
    if not _in_order([proof for proof in order if proof is not None], verifiers):
        report.wrong("bewijs", "de vermeldingen staan in het logboek in een andere volgorde")
    return report


def _in_order(proofs: Sequence[TlogProof], verifiers: Sequence[Verifier]) -> bool:
    """Whether the entries follow each other in the log; after one log was begun anew, indexes of two say nothing."""
    heads: list[Checkpoint] = [open_checkpoint(proof.checkpoint, verifiers) for proof in proofs]
    pairs = zip(zip(proofs, heads, strict=True), zip(proofs[1:], heads[1:], strict=True), strict=False)
    return all(one.index < other.index for (one, old), (other, new) in pairs if old.origin == new.origin)
