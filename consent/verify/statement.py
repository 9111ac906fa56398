"""Looking at the receipt of a statement (`toestemmingsbewijs`): that it says what the log holds, and nothing else.

It needs no key but the log's: the receipt is signed by standing in the log. (1) The document is written anew from the
entries in it and compared byte for byte; (2) each entry with its opening gives a leaf; (3) each leaf stands in the log,
as a ``.tlog-proof`` shows, or the whole log, or both; (4) they stand there in the order that the receipt tells.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from consent.log.note import Checkpoint, Verifier, open_checkpoint
from consent.log.proof import TlogProof
from consent.receipt.account import Account, only_asks
from consent.receipt.document import read
from consent.receipt.dutch import moment
from consent.receipt.evidence import ReceiptInvalid, Shown
from consent.verify.named import Named
from consent.verify.receipt import look_up, verify_proof
from consent.verify.report import Report
from consent.verify.tree import Sought

#: What no look at a receipt can tell.
LIMIT: Final = "of wat is vastgelegd ook zo is gezegd"


def verify_statement(raw: bytes, proof: str | None, verifiers: Sequence[Verifier], log: Sought | None = None) -> Report:
    """Look at a receipt, JSON-LD or letter, with the ``.tlog-proof`` of its statement, a whole log, or both.

    Without either nothing shows that the log holds the statement: the caller gives one.
    """
    report = Report(["toestemmingsbewijs"], limits=[LIMIT])
    if proof is not None:
        report.looked_at.append("bewijs")
    try:
        receipt = read(raw)  # (1)
    except ReceiptInvalid as error:
        report.wrong(error.place, error.reason)
        return report
    _tell_state(receipt.account, None if log is None else log.now, report)
    first, *later = receipt.evidence.entries
    shown = {first: None if proof is None else verify_proof([Named(first.leaf)], proof, verifiers, report)}  # (2), (3)
    for number, entry in enumerate(later, start=2):
        place = f"bewijs van vermelding {number}"
        shown[entry] = verify_proof([Named(entry.leaf)], entry.proof or "", verifiers, report, place)
    if log is not None:
        look_up([Named(entry.leaf) for entry in receipt.evidence.entries], log, report)
    order = _order(first, later)
    proofs = [found for found in (shown[entry] for entry in order) if found is not None]
    places = [log.found[entry.leaf] for entry in order if entry.leaf in log.found] if log is not None else []
    if not _in_order(proofs, verifiers) or any(one >= other for one, other in pairwise(places)):  # (4)
        report.wrong("bewijs", "de vermeldingen staan in het logboek in een andere volgorde")
    return report


def _tell_state(account: Account, now: str | None, report: Report) -> None:
    """How the statement stands: by the receipt itself, and by what lies behind the log, where that was looked at."""
    end = account.ended
    if end is not None:
        report.notes.append(f"deze verklaring geldt niet meer: {end.state} op {moment(end.at)}")
    if now is not None:
        report.notes.append(f"zo staat deze verklaring nu in de hub: {now}")
    elif end is None:
        report.limits.append(
            f"of deze verklaring na {moment(account.known_until)} is ingetrokken of veranderd: dit bewijs is van"
            " daarvoor, en een nee, een stopverzoek en het einde van een andere verklaring staan in geen bewijs van"
            " deze. Vraag de hub hoe zij nu staat, of kijk met `hub ledger verify --db`"
        )


def statement_id(raw: bytes) -> str | None:
    """Of which statement this is the receipt; ``None`` where it does not hold, which looking at it will tell."""
    try:
        return read(raw).account.id
    except ReceiptInvalid:
        return None


def statement_leaves(raw: bytes) -> list[bytes]:
    """The leaves that a receipt names; none where it does not hold, which looking at it will tell."""
    try:
        return [entry.leaf for entry in read(raw).evidence.entries]
    except ReceiptInvalid:
        return []


def _order(first: Shown, later: Sequence[Shown]) -> list[Shown]:
    """The entries as they were written: a request comes before its statement."""
    asked = [entry for entry in later if only_asks(entry)]
    return [*asked, first, *(entry for entry in later if entry not in asked)]


def _in_order(proofs: Sequence[TlogProof], verifiers: Sequence[Verifier]) -> bool:
    """Whether the entries follow each other in the log; after one log was begun anew, indexes of two say nothing."""
    heads: list[Checkpoint] = [open_checkpoint(proof.checkpoint, verifiers) for proof in proofs]
    pairs = zip(zip(proofs, heads, strict=True), zip(proofs[1:], heads[1:], strict=True), strict=False)
    return all(one.index < other.index for (one, old), (other, new) in pairs if old.origin == new.origin)
