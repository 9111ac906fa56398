"""Signs the head of the log, and never a fork of it.

The signer's own memory is a small file outside the database: the last note it signed. It signs only what is committed
and what grew out of that note, so a database that was restored to yesterday, or changed by hand, gets no signature.

    1. read the committed tree, prove it grew out of the last signed and the last published checkpoint
    2. sign, write the state file (temporary file, fsync, rename, fsync of the folder)
    3. publish: insert the checkpoint, by compare-and-swap on its size

The keys are read anew for each signature, so that a rotation needs no restart: while it lasts, two keys sign.

A crash before 2 ends leaves nothing; between 2 and 3 the next run finds the note in the file and publishes that very
note; after 3 there is nothing to do. Ed25519 is deterministic, so a repeat is the same signature.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, insert, select

from consent.log import merkle, proof, reading
from consent.log.note import Checkpoint, LogKeys, NoteInvalid, Verifier, open_checkpoint, sign
from consent.log.sequencer import SIGNER_LOCK, only_one
from consent.log.tables import checkpoint


class LogForked(Exception):
    """The tree is not a continuation of what was signed before: it was restored to an older state, or changed.

    Nothing is signed. The way on is a new origin (an operator's explicit act), never a second history under this one.
    """


class SignerNotInitialised(Exception):
    """There is no state file. Only the explicit command makes one: a lost file must not look like a new log."""


class SignerInitialised(Exception):
    """There is a state file already; it is never overwritten by a new beginning."""


class StateFile:
    """The last note that was signed, durable once ``write`` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str | None:
        """The note, or ``None`` if there is no file."""
        try:
            return self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def write(self, note: str) -> None:
        """Replace the note. A crash at any moment leaves the old note or the new one, whole."""
        fresh = self._path.with_name(f".{self._path.name}.new")
        fresh.unlink(missing_ok=True)  # one that a crash left behind keeps the mode that it was made with
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self._path)
        folder = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Signer:
    """Signs checkpoints of one log. ``origin`` is also the name of its keys.

    ``keys``: one key for good, or what gives the keys of the moment. One signer at a time: ``sign`` holds a lock of its
    own, but two signers with two state files would not know of each other.
    """

    def __init__(self, state_file: Path, keys: Ed25519PrivateKey | Callable[[], LogKeys], origin: str) -> None:
        self._state = StateFile(state_file)
        self._origin = origin
        self._given = keys

    def _keys(self) -> LogKeys:
        return LogKeys((self._given,)) if isinstance(self._given, Ed25519PrivateKey) else self._given()

    @property
    def verifier(self) -> Verifier:
        """The public key by which everybody can check this log; during a rotation the old one."""
        return self._keys().signers(self._origin)[0].verifier

    def initialise(self, connection: Connection) -> Checkpoint:
        """Begin to sign this log, explicitly: sign the committed tree as it is (an empty one too) and publish that.

        Raises ``SignerInitialised`` if there is a state file, ``LogForked`` if the log bears a checkpoint that is not
        of this key or that the tree does not continue.
        """
        only_one(connection, SIGNER_LOCK)
        if self._state.read() is not None:
            raise SignerInitialised("Van dit logboek staat er al een geheugen van de ondertekenaar (signer.state)")
        head = self._head(connection, [self._published(connection)])
        note = sign(head.text, self._keys().signers(self._origin))
        self._state.write(note)
        self.publish(connection, note)
        return head

    def require_continued(self, connection: Connection) -> None:
        """Look whether the log continues all that was signed, and sign nothing. Raises ``LogForked``."""
        state = self._state.read()
        self._head(connection, [None if state is None else self._open(state), self._published(connection)])

    def sign(self, begin: Callable[[], AbstractContextManager[Connection]]) -> Checkpoint | None:
        """Sign and publish what was committed since; the new checkpoint, or ``None`` if there was nothing new.

        ``begin`` opens a transaction that commits when its block ends (``Engine.begin``); it is called at most twice.
        Raises ``LogForked``, ``SignerNotInitialised``, ``LogBroken``.
        """
        with begin() as connection:
            note = self.prepare(connection)
        if note is None:
            return None
        # A crash here: the state file holds the note, and the next run publishes it unchanged.
        with begin() as connection:
            self.publish(connection, note)
        return self._open(note)

    def prepare(self, connection: Connection) -> str | None:
        """Steps 1 and 2: a signed note that is safe in the state file and still to be published; ``None``: nothing new.

        The transaction must have written nothing before: what it would see of itself is not committed.
        """
        only_one(connection, SIGNER_LOCK)
        state = self._state.read()
        if state is None:
            raise SignerNotInitialised(
                "Het geheugen van de ondertekenaar (signer.state) is er niet: hub restore --ter-plaatse"
            )
        last, published = self._open(state), self._published(connection)
        head = self._head(connection, [last, published])
        if head.size > last.size:
            state = sign(head.text, self._keys().signers(self._origin))
            self._state.write(state)
        return state if published is None or published.size < head.size else None

    def publish(self, connection: Connection, note: str) -> bool:
        """Step 3: insert the checkpoint unless one of its size or a larger one was published; whether it was inserted.

        Raises ``LogForked`` if another checkpoint of its size was published.
        """
        only_one(connection, SIGNER_LOCK)
        head = self._open(note)
        published = self._published(connection)
        if published is None or published.size < head.size:
            connection.execute(insert(checkpoint).values(size=head.size, note=note))
            return True
        if published.size == head.size and published != head:
            raise LogForked("In het logboek staat een ander checkpoint van deze grootte")
        return False

    def _open(self, note: str) -> Checkpoint:
        """A checkpoint of this log. Raises ``LogForked`` if it is of another key, another origin or malformed.

        One by a key that was retired meanwhile is still of this log: it must be continued as any other.
        """
        try:
            return open_checkpoint(note, self._keys().verifiers(self._origin))
        except NoteInvalid as error:
            raise LogForked("Een checkpoint is niet van de sleutel van dit logboek") from error

    def _published(self, connection: Connection) -> Checkpoint | None:
        row = connection.execute(select(checkpoint).order_by(checkpoint.c.size.desc()).limit(1)).one_or_none()
        if row is None:
            return None
        head = self._open(row.note)
        if head.size != row.size:  # the note is what counts; a row that lies about it was changed by hand
            raise LogForked("Een checkpoint staat onder een andere grootte dan de zijne")
        return head

    def _head(self, connection: Connection, anchors: list[Checkpoint | None]) -> Checkpoint:
        """The head of the committed tree, proven to continue each anchor. Raises ``LogForked``."""
        size = reading.size(connection)
        read = reading.nodes(connection, size)
        head = Checkpoint(self._origin, size, merkle.root(size, read))
        for anchor in {a for a in anchors if a is not None}:
            if anchor.size > size:
                raise LogForked("Het logboek is korter dan wat is getekend")
            if anchor.size == 0:
                continue  # every tree continues the empty one
            try:
                proof.verify_consistency(anchor, head, proof.consistency(anchor.size, size, read))
            except proof.ProofInvalid as error:
                raise LogForked("Het logboek gaat niet verder op wat is getekend") from error
        return head
