"""Proofs against naive recomputation, every way a proof can be wrong, and the file that carries one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from consent.log import merkle, proof
from consent.log.note import Checkpoint, NoteInvalid, NoteKey, sign
from consent.log.proof import ProofInvalid, TlogProof
from tests.unit.consent_log.log_room import hashes, naive_root, reader

LEAVES = hashes(700)
KEY = NoteKey("hub.example/log", Ed25519PrivateKey.from_private_bytes(b"\x01" * 32))
sizes = st.integers(1, len(LEAVES))


def _head(size: int) -> Checkpoint:
    return Checkpoint("hub.example/log", size, naive_root(LEAVES[:size]))


def _proof(index: int, size: int) -> TlogProof:
    path = tuple(proof.inclusion(index, size, reader(LEAVES[:size])))
    return TlogProof(index, path, sign(_head(size).text, [KEY]))


def _naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH(m, D[n]) by the text of RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*_naive_path(index, leaves[:k]), naive_root(leaves[k:])]
    return [*_naive_path(index - k, leaves[k:]), naive_root(leaves[:k])]


@given(size=sizes)
def test_root_is_the_naive_root(size: int) -> None:
    frontier = merkle.Frontier()
    for leaf in LEAVES[:size]:
        frontier.add(leaf)
    assert merkle.root(size, reader(LEAVES[:size])) == frontier.root() == naive_root(LEAVES[:size])


@given(size=sizes, data=st.data())
def test_inclusion_is_the_naive_path_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = proof.inclusion(index, size, reader(LEAVES[:size]))
    assert path == _naive_path(index, LEAVES[:size])
    proof.verify_inclusion(LEAVES[index], index, path, size, _head(size).root)


@given(new=sizes, data=st.data())
def test_consistency_verifies_for_every_beginning(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    proof.verify_consistency(_head(old), _head(new), proof.consistency(old, new, reader(LEAVES[:new])))


@given(size=st.integers(2, len(LEAVES)), data=st.data())
def test_a_wrong_inclusion_proof_is_refused(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = proof.inclusion(index, size, reader(LEAVES[:size]))
    root = _head(size).root
    at = data.draw(st.integers(0, len(path) - 1))
    flipped = [*path[:at], bytes([path[at][0] ^ 1]) + path[at][1:], *path[at + 1 :]]
    other = data.draw(st.integers(0, size - 1).filter(lambda n: n != index))
    for leaf, place, steps, leaves in (
        (LEAVES[other], index, path, size),
        (LEAVES[index], other, path, size),
        (LEAVES[index], index, flipped, size),
        (LEAVES[index], index, path[:-1], size),
        (LEAVES[index], index, [*path, path[0]], size),
        (LEAVES[index], index, path, index),  # the index outside the tree
        (LEAVES[index][:-1], index, path, size),
    ):
        with pytest.raises(ProofInvalid):
            proof.verify_inclusion(leaf, place, steps, leaves, root)


@given(new=st.integers(3, len(LEAVES)), data=st.data())
def test_a_wrong_consistency_proof_is_refused(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    path = proof.consistency(old, new, reader(LEAVES[:new]))
    forked = [*LEAVES[: old - 1], merkle.leaf_hash(b"another"), *LEAVES[old:new]]
    fork = Checkpoint("hub.example/log", new, naive_root(forked))
    for before, after, steps in (
        (_head(old), fork, path),
        (_head(old), fork, proof.consistency(old, new, reader(forked))),
        (Checkpoint("x", old, naive_root(forked[:old])), _head(new), path),
        (_head(old), _head(new), path[:-1]),
        (_head(old), _head(new), [*path, path[-1]]),
        (_head(old), _head(new), []),
        (_head(new), _head(old), path),
        (Checkpoint("x", 0, merkle.EMPTY_ROOT), _head(new), []),
    ):
        with pytest.raises(ProofInvalid):
            proof.verify_consistency(before, after, steps)


def test_two_trees_of_one_size_are_consistent_only_if_equal() -> None:
    proof.verify_consistency(_head(5), _head(5), [])
    with pytest.raises(ProofInvalid):
        proof.verify_consistency(_head(5), Checkpoint("x", 5, bytes(32)), [])
    with pytest.raises(ProofInvalid):
        proof.verify_consistency(_head(5), _head(5), [bytes(32)])


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_no_proof_is_made_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="index"):
        proof.inclusion(index, size, reader(LEAVES))


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3)])
def test_no_consistency_is_made_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="old"):
        proof.consistency(old, new, reader(LEAVES))


@pytest.mark.parametrize("extra", [None, b"", b"anything"])
@pytest.mark.parametrize(("index", "size"), [(0, 1), (4, 7), (699, 700)])
def test_a_proof_file_comes_back_and_verifies(index: int, size: int, extra: bytes | None) -> None:
    made = _proof(index, size)
    made = TlogProof(made.index, made.path, made.checkpoint, extra)
    read = TlogProof.parse(made.write())
    assert read == made
    assert read.verify(LEAVES[index], [KEY.verifier]) == _head(size)
    assert read.shows(LEAVES[index], _head(size))


def test_a_proof_for_another_entry_is_refused() -> None:
    with pytest.raises(ProofInvalid):
        _proof(4, 7).verify(LEAVES[5], [KEY.verifier])
    assert not _proof(4, 7).shows(LEAVES[5], _head(7))


def test_every_changed_byte_of_a_proof_file_is_refused() -> None:
    raw = _proof(4, 7).write().encode()
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        with pytest.raises((ProofInvalid, NoteInvalid, UnicodeDecodeError)):
            TlogProof.parse(changed.decode()).verify(LEAVES[4], [KEY.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "c2sp.org/tlog-proof@v1\n",
        "c2sp.org/tlog-proof@v1\n\nnote",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex -1\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex \u0661\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra !\nindex 1\n\nnote",
        "c2sp.org/tlog-proof@v1\nextra YQ==\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1\nYQ==\n\nnote",
        "c2sp.org/tlog-proof@v1\nindex 1" + f"\n{'A' * 43}=" * 64 + "\n\nnote",
    ],
)
def test_a_malformed_proof_file_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid):
        TlogProof.parse(text)
