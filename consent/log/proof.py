"""Proofs about the tree, their verification, and the file that carries one to somebody offline.

Pure. Making: RFC 9162 §2.1.3.1 and §2.1.4.1. Verifying: §2.1.3.2 and §2.1.4.2. File: c2sp.org/tlog-proof@v1.
"""

import hmac
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from consent.log.merkle import HASH_SIZE, NodeReader, node_hash, range_hash, split
from consent.log.note import Checkpoint, Verifier, base64_strict, decimal, open_checkpoint

_HEADER: Final = "c2sp.org/tlog-proof@v1"
_MAX_PATH: Final = 63  # hashes


class ProofInvalid(ValueError):
    """This proof does not show what it claims, or is malformed."""


def inclusion(index: int, size: int, read: NodeReader) -> list[bytes]:
    """The path from leaf ``index`` to the root over ``size`` leaves: the leaf's sibling first (RFC 9162 §2.1.3.1)."""
    if not 0 <= index < size:
        raise ValueError("a proof of inclusion needs 0 <= index < size")
    path: list[bytes] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + split(stop - start)
        if index < middle:
            path.append(range_hash(middle, stop, read))
            stop = middle
        else:
            path.append(range_hash(start, middle, read))
            start = middle
    return path[::-1]


def consistency(old: int, new: int, read: NodeReader) -> list[bytes]:
    """The proof that the first ``old`` of ``new`` leaves are the old tree (RFC 9162 §2.1.4.1); empty if equal."""
    if not 0 < old <= new:
        raise ValueError("a proof of consistency needs 0 < old <= new")
    path: list[bytes] = []
    start, stop = 0, new
    while old != stop:
        middle = start + split(stop - start)
        if old <= middle:
            path.append(range_hash(middle, stop, read))
            stop = middle
        else:
            path.append(range_hash(start, middle, read))
            start = middle
    if start > 0:  # the old tree is not itself one of the complete subtrees on the left edge
        path.append(range_hash(start, stop, read))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, path: Sequence[bytes], size: int, root: bytes) -> None:
    """Check that a leaf hash stands at ``index`` under ``root`` (RFC 9162 §2.1.3.2). Raises ``ProofInvalid``."""
    if len(leaf) != HASH_SIZE or any(len(h) != HASH_SIZE for h in path):
        raise ProofInvalid("a hash is not 32 bytes")
    if not 0 <= index < size:  # step 1
        raise ProofInvalid("the index lies outside the tree")
    fn, sn, r = index, size - 1, leaf  # steps 2, 3
    for p in path:  # step 4
        if sn == 0:
            raise ProofInvalid("the proof is too long")
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:  # step 5
        raise ProofInvalid("the proof is too short")
    if not hmac.compare_digest(r, root):
        raise ProofInvalid("the leaf does not stand at this index under this root")


def verify_consistency(old: Checkpoint, new: Checkpoint, path: Sequence[bytes]) -> None:
    """Check that the old tree is the beginning of the new one (RFC 9162 §2.1.4.2). Raises ``ProofInvalid``.

    Only sizes and roots are looked at: whether both are of one origin is the caller's question.
    """
    if any(len(h) != HASH_SIZE for h in path):
        raise ProofInvalid("a hash is not 32 bytes")
    if not 0 < old.size <= new.size:
        raise ProofInvalid("consistency is shown from a tree that is not empty to one that is not smaller")
    if old.size == new.size:
        if path or not hmac.compare_digest(old.root, new.root):
            raise ProofInvalid("two trees of one size differ, or the proof is not empty")
        return
    if not path:  # step 1
        raise ProofInvalid("the proof is empty")
    whole = old.size & (old.size - 1) == 0  # step 2: the old root is itself a node of the new tree
    _climb(old, new, [old.root, *path] if whole else path)


def _climb(old: Checkpoint, new: Checkpoint, hashes: Sequence[bytes]) -> None:
    fn, sn = old.size - 1, new.size - 1  # step 3
    while fn & 1:  # step 4
        fn, sn = fn >> 1, sn >> 1
    fr = sr = hashes[0]  # step 5
    for c in hashes[1:]:  # step 6
        if sn == 0:
            raise ProofInvalid("the proof is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    if sn != 0:  # step 7
        raise ProofInvalid("the proof is too short")
    if not hmac.compare_digest(fr, old.root) or not hmac.compare_digest(sr, new.root):
        raise ProofInvalid("the old tree is not the beginning of the new one")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a ``.tlog-proof`` file holds: index, path, the checkpoint word for word. ``extra`` is not authenticated."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    def write(self) -> str:
        """The text of the file."""
        lines = [_HEADER]
        if self.extra is not None:
            lines.append(f"extra {b64encode(self.extra).decode('ascii')}")
        lines.append(f"index {self.index}")
        lines.extend(b64encode(h).decode("ascii") for h in self.path)
        return "\n".join(lines) + "\n\n" + self.checkpoint

    @classmethod
    def parse(cls, text: str) -> "TlogProof":
        """A proof from its file. Raises ``ProofInvalid`` if it is malformed; whether it holds, ``verify`` says."""
        head, blank, note = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != _HEADER or not lines:
            raise ProofInvalid("this is not a tlog-proof")
        try:
            extra = base64_strict(lines.pop(0).removeprefix("extra ")) if lines[0].startswith("extra ") else None
            if not lines or not lines[0].startswith("index "):
                raise ProofInvalid("a tlog-proof names no index")
            index = decimal(lines.pop(0).removeprefix("index "))
            path = tuple(base64_strict(line) for line in lines)
        except ValueError as error:
            raise ProofInvalid("a line of a tlog-proof is malformed") from error
        if len(path) > _MAX_PATH or any(len(h) != HASH_SIZE for h in path):
            raise ProofInvalid("a tlog-proof has too many hashes, or one that is not 32 bytes")
        return cls(index, path, note, extra)

    def verify(self, leaf: bytes, verifiers: Sequence[Verifier]) -> Checkpoint:
        """Check signature and inclusion of a leaf hash; the checkpoint under which it stands.

        Raises ``NoteInvalid`` (the checkpoint is not of a trusted log) or ``ProofInvalid``.
        """
        head = open_checkpoint(self.checkpoint, verifiers)
        verify_inclusion(leaf, self.index, self.path, head.size, head.root)
        return head

    def shows(self, leaf: bytes, head: Checkpoint) -> bool:
        """Whether a leaf hash stands at this index under a checkpoint that was opened already."""
        try:
            verify_inclusion(leaf, self.index, self.path, head.size, head.root)
        except ProofInvalid:
            return False
        return True
