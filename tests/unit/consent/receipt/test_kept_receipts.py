"""Receipts that were given out once, kept in a folder: whatever changes in this project, they must stay checkable.

``samples/v1`` was written by version 1, and so on. If a test here fails because the words of the letter or a term of
the JSON-LD changed: the change belongs in a new version beside those, never in one of them: see
``consent.receipt.evidence``.
"""

from pathlib import Path

import pytest

from consent.receipt import document
from consent.receipt.evidence import VERSION
from consent.verify import verifier

KEPT = Path(__file__).parent / "samples"
NAMES = ("ja", "ingetrokken", "nee", "gevraagd")
#: A `ja` that no verstrekker has confirmed any more has words of its own since version 5.
LAPSED = "vervallen"
KEEPS = [(name, version) for version in range(1, VERSION + 1) for name in (*NAMES, *([LAPSED] if version > 4 else []))]


@pytest.mark.parametrize(("name", "version"), KEEPS)
@pytest.mark.parametrize("suffix", ["json", "html"])
def test_a_kept_receipt_is_whole(name: str, suffix: str, version: int) -> None:
    folder = KEPT / f"v{version}"
    raw = (folder / f"{name}.{suffix}").read_bytes()
    key = verifier.read_verifier(str(folder / "log.vkey"))
    report = verifier.verify_statement(raw, (folder / f"{name}.tlog-proof").read_text(), [key])
    assert (report.findings, report.exit_code) == ([], verifier.WHOLE)
    other = verifier.verify_statement(raw.replace(b"2027", b"2028", 1), "", [key])  # the control
    assert other.exit_code == verifier.BROKEN


def test_every_version_that_was_ever_given_out_is_kept() -> None:
    assert sorted(folder.name for folder in KEPT.iterdir()) == [f"v{n}" for n in range(1, VERSION + 1)]
    for name, version in KEEPS:
        for suffix, form in (("json", document.DPV), ("html", document.LETTER)):
            read = document.read((KEPT / f"v{version}" / f"{name}.{suffix}").read_bytes())
            assert (read.form, read.evidence.version) == (form, version)
