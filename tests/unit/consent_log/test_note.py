"""Signed notes and checkpoints: every case in which a note must be refused, and the few in which it may not be."""

from base64 import b64encode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.log.note import Checkpoint, LogKeys, NoteInvalid, NoteKey, Verifier, open_checkpoint, open_note, sign

TEXT = "hub.example/log\n7\n" + b64encode(bytes(32)).decode() + "\n"


def _key(name: str, seed: int) -> NoteKey:
    return NoteKey(name, Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


OURS, OTHER, NEXT = _key("hub.example/log", 1), _key("witness.example/w", 2), _key("hub.example/log", 3)
NOTE = sign(TEXT, [OURS])
LINE = NOTE.rpartition("\n\n")[2]


def test_a_note_opens_for_its_key_and_is_always_the_same() -> None:
    opened = open_note(NOTE, [OURS.verifier])
    assert (opened.text, opened.signers) == (TEXT, (OURS.verifier,))
    assert sign(TEXT, [OURS]) == NOTE


def test_a_verifier_key_comes_back() -> None:
    assert Verifier.parse(OURS.verifier.vkey) == OURS.verifier
    assert OURS.verifier.vkey.startswith("hub.example/log+")


def test_the_example_of_the_specification_is_well_formed() -> None:
    """The text of c2sp.org/signed-note has an empty line in it: the last one parts text and signatures."""
    text = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n"
    assert open_note(sign(text, [OURS]), [OURS.verifier]).text == text


def test_two_signatures_and_unknown_keys() -> None:
    note = sign(TEXT, [OTHER, OURS, NEXT])
    assert open_note(note, [OURS.verifier, NEXT.verifier]).signers == (OURS.verifier, NEXT.verifier)
    assert open_note(note, [NEXT.verifier]).signers == (NEXT.verifier,)
    assert open_note(note + LINE, [OURS.verifier]).signers == (OURS.verifier,)  # one line twice counts once


def test_sixteen_signatures_are_accepted_and_a_hundred_and_one_are_not() -> None:
    many = [_key(f"witness.example/{n}", n) for n in range(1, 17)]
    assert len(open_note(sign(TEXT, many), [key.verifier for key in many]).signers) == 16
    with pytest.raises(NoteInvalid):
        open_note(sign(TEXT, many * 6 + many[:5]), [key.verifier for key in many])


def test_a_wrong_signature_of_a_known_key_rejects_the_whole_note() -> None:
    forged = "\u2014 witness.example/w " + b64encode(OTHER.verifier.key_id + bytes(64)).decode() + "\n"
    assert open_note(NOTE + forged, [OURS.verifier]).signers == (OURS.verifier,)
    with pytest.raises(NoteInvalid):
        open_note(NOTE + forged, [OURS.verifier, OTHER.verifier])


@pytest.mark.parametrize("verifiers", [[], [OTHER.verifier], [NEXT.verifier]])
def test_a_note_without_a_trusted_signature_is_refused(verifiers: list[Verifier]) -> None:
    with pytest.raises(NoteInvalid):
        open_note(NOTE, verifiers)


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        NOTE[:-1],  # no newline at the end
        NOTE.replace("\n\n", "\n"),
        "\n\n" + LINE,
        NOTE.replace("\u2014 ", "- "),
        NOTE.replace("\u2014 ", "\u2014"),
        NOTE + "\u2014  " + LINE[3:],
        NOTE + "\u2014 a+b AAAAAAAA\n",
        NOTE + "\u2014 name AAAA\n",  # three bytes: no key id
        NOTE + "\u2014 name AAAAAAA\n",
        NOTE + "\u2014 name AAAAAAB=\n",  # not the canonical spelling
        NOTE + "\n",
        NOTE.replace("7", "7\x00"),
        NOTE.replace("7", "7\r"),
        NOTE.replace("7", "8"),
        NOTE + "\u2014 name " + "A" * 1_000_000 + "\n",
    ],
)
def test_a_malformed_or_changed_note_is_refused(note: str) -> None:
    with pytest.raises(NoteInvalid):
        open_note(note, [OURS.verifier])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "hub.example/log",
        OURS.verifier.vkey[:-4],
        OURS.verifier.vkey.replace("hub", "hab"),
        "+" + OURS.verifier.vkey.partition("+")[2],
        OURS.verifier.vkey.replace("hub", "h b"),
        "hub.example/log+00000000+" + b64encode(b"\x01" + OURS.verifier.public).decode(),
        "hub.example/log+" + OURS.verifier.key_id.hex() + "+" + b64encode(b"\x02" + OURS.verifier.public).decode(),
    ],
)
def test_a_malformed_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteInvalid):
        Verifier.parse(vkey)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb"])
def test_a_key_name_with_a_space_or_plus_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="key name"):
        _key(name, 1)


@pytest.mark.parametrize("text", ["no newline", "control\x01\n"])
def test_such_a_text_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="text"):
        sign(text, [OURS])


def test_a_checkpoint_comes_back_and_extension_lines_are_passed_over() -> None:
    head = Checkpoint("hub.example/log", 7, bytes(32))
    assert head.text == TEXT
    assert open_checkpoint(NOTE, [OURS.verifier]) == head
    assert open_checkpoint(sign(TEXT + "extension\n", [OURS]), [OURS.verifier]) == head


@pytest.mark.parametrize(
    "text",
    [
        "hub.example/log\n7\n",
        "hub.example/log\n07\n" + TEXT.split("\n")[2] + "\n",
        "hub.example/log\n-7\n" + TEXT.split("\n")[2] + "\n",
        f"hub.example/log\n{2**63}\n" + TEXT.split("\n")[2] + "\n",
        "hub.example/log\n7\nAAAA\n",
        "hub.example/log\n7\n" + b64encode(bytes(33)).decode() + "\n",
        TEXT + "\nx\n",
        "\n" + TEXT,
    ],
)
def test_a_malformed_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign(text, [OURS]), [OURS.verifier])


def test_a_witness_alone_or_another_log_makes_no_checkpoint() -> None:
    with pytest.raises(NoteInvalid):
        open_checkpoint(sign(TEXT, [OTHER]), [OURS.verifier, OTHER.verifier])


def test_the_keys_of_a_log_sign_together_and_are_all_known() -> None:
    old, new, retired = (Ed25519PrivateKey.generate() for _ in range(3))
    keys = LogKeys((old, new), (retired.public_key().public_bytes_raw(),))
    note = sign("hub.example/log\n1\n", keys.signers("hub.example/log"))
    opened = open_note(note, keys.verifiers("hub.example/log"))
    assert [signer.vkey for signer in opened.signers] == [v.vkey for v in keys.verifiers("hub.example/log")[:2]]
    assert opened.lines == 2
    with pytest.raises(ValueError, match="a key that signs"):
        LogKeys(())
