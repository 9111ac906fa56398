"""The Merkle tree of RFC 6962 §2.1 (the same in RFC 9162 §2.1): hashes, and how a range splits into complete subtrees.

Pure. A *node* is ``(level, n)``: the root of the complete subtree over leaves ``[n * 2**level, (n + 1) * 2**level)``.
"""

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

HASH_SIZE: Final = 32  # bytes
EMPTY_ROOT: Final = sha256(b"").digest()  # MTH({})

#: Gives the hash of the complete subtree ``(level, n)``.
NodeReader = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    """The hash of one leaf: ``SHA256(0x00 || data)``."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: ``SHA256(0x01 || left || right)``."""
    return sha256(b"\x01" + left + right).digest()


def split(size: int) -> int:
    """Where a tree of ``size`` > 1 leaves splits: the largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def complete_subtrees(start: int, stop: int) -> Iterable[tuple[int, int]]:
    """The nodes that cover ``[start, stop)`` from left to right, as RFC 6962 groups them.

    ``start`` must be a multiple of the largest power of two that is not above ``stop - start``: every range that a
    proof asks for is.
    """
    while start < stop:
        level = (stop - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def fold(hashes: Sequence[bytes]) -> bytes:
    """The root of a ragged range from its complete subtrees, left to right (largest first)."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


def range_hash(start: int, stop: int, read: NodeReader) -> bytes:
    """``MTH(D[start:stop])`` from complete subtrees."""
    return fold([read(level, n) for level, n in complete_subtrees(start, stop)])


def root(size: int, read: NodeReader) -> bytes:
    """The root of the tree over the first ``size`` leaves."""
    return range_hash(0, size, read)


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """The root over a power-of-two number of equal subtrees."""
    row = list(hashes)
    if not row or len(row) & (len(row) - 1):
        raise ValueError("a perfect tree has a power of two of leaves")
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


class Frontier:
    """The right edge of a growing tree: adds leaves one by one in O(log n) memory and gives the root at any moment."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        self._edge: list[bytes] = []  # complete subtrees, largest first, one for each set bit of size

    def add(self, leaf: bytes) -> None:
        """Add the hash of the next leaf."""
        self._edge.append(leaf)
        carry = self.size
        while carry & 1:
            right = self._edge.pop()
            self._edge.append(node_hash(self._edge.pop(), right))
            carry >>= 1
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves added so far."""
        return fold(self._edge)
