"""The log after a restore: it goes on under its origin only if it provably continues all that was ever signed.

Otherwise a new origin begins (``…/bewijslogboek/2``): a tree of its own, whose entry 0 holds the last checkpoint that
is known of the old one, and behind it, in their order, the entries that were restored. So nothing is signed that
contradicts a checkpoint which somebody keeps. The old tree, as far as it was restored, stays readable in a folder.
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, select

from consent.keys import KeyStore
from consent.log import merkle, proof
from consent.log import reading as log
from consent.log.entry import opening
from consent.log.ledger import find
from consent.log.note import Checkpoint, NoteInvalid, open_checkpoint
from consent.log.sequencer import begin_anew, sequence
from consent.log.signer import LogForked, Signer, StateFile
from consent.log.tables import ledger_entry
from contracts import instants
from hub.administration import installation
from hub.administration.act import Act
from hub.administration.backup import durable
from hub.administration.backup.known import Known, Signed, verifiers
from hub.keys.keyring import Keyring
from hub.ledger.evidence import Fact
from hub.settings import Settings
from hub.store import installation as facts
from hub.store.database import reading
from hub.store.writer import Transaction

#: Name in the table ``installation``: the restore whose entry the log holds, so that it is entered once.
RESTORED: Final = "restored"
_TURN: Final = 4_096  # entries that find their place in one go


@dataclass(frozen=True, slots=True)
class Verdict:
    """Under which origin the log goes on. ``previous``: the last checkpoint of the old one; ``None``: it continues."""

    origin: str
    previous: Signed | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore entered in the log: the last checkpoint of the log that it ended (``None``: it ended none).

    ``lost``: entries that are known to have been signed and were not restored, at least; the tree that was restored may
    differ before its end, too. ``restored_origin``: of that tree. It may be older than the log that ended, when that
    was signed by a hub that was restored from the same backup and is gone. ``again``: acts that took something away
    after the backup, done once more; ``held``: how many a ``ja`` are held, for want of a list that names them all
    (``None``: there was one, or nothing was lost).
    """

    run: str
    old_origin: str | None
    old_size: int | None
    lost: int
    restored_origin: str
    again: int = 0
    held: int | None = None


def judge(connection: Connection, origin: str, known: Known, keys: Keyring) -> Verdict:
    """Decide from the restored tree and from what is known to have been signed. Changes nothing.

    The log continues when something that lies outside the backup says how far it went, and the tree grew out of that
    and of every other checkpoint that is known. Without such a word a later checkpoint may exist: then it must not.
    """
    base, number = installation.lineage(origin)
    signed = [*known.latest, *known.others, _published(connection, origin, keys)]
    last = max(signed, key=lambda each: each.order)
    said = any(each.head.origin == origin for each in known.latest)
    own = [each for each in signed if each.head.origin == origin]
    if said and last.order[0] == number and all(each.verified and _continues(connection, each.head) for each in own):
        return Verdict(origin, None)
    return Verdict(f"{base}/{max(number, last.order[0]) + 1}", last)


def _published(connection: Connection, origin: str, keys: Keyring) -> Signed:
    """The latest checkpoint in the database; `hub init` left the first. Raises ``LogForked`` if it is none."""
    note = log.latest_note(connection) or ""
    try:
        return Signed(note, open_checkpoint(note, verifiers(keys, origin)))
    except NoteInvalid as error:
        raise LogForked("Het laatste checkpoint in de database is niet van dit logboek en deze sleutel") from error


def _continues(connection: Connection, old: Checkpoint) -> bool:
    """True when the tree in the database grew out of this checkpoint."""
    size = log.size(connection)
    if old.size > size:
        return False
    if old.size == 0:
        return True
    read = log.nodes(connection, size)
    head = Checkpoint(old.origin, size, merkle.root(size, read))
    try:
        proof.verify_consistency(old, head, proof.consistency(old.size, size, read))
    except proof.ProofInvalid:
        return False
    return True


def sequence_all(connection: Connection) -> None:
    """Give every waiting entry its place. What the old hub sequenced after the backup it sequenced in this order."""
    while sequence(connection, _TURN) is not None:
        continue


def keep_old(settings: Settings, engine: Engine, origin: str) -> None:
    """Write the tree of the origin that ends as a folder, as far as it was signed; whole, or not at all."""
    final = installation.archive(settings, origin)
    staged = final.with_name(f".{final.name}.new")
    for left in (final, staged):  # of an interrupted run: this origin has not ended yet
        shutil.rmtree(left, ignore_errors=True)
    staged.mkdir(mode=0o700)
    with reading(engine) as connection:
        if log.export(connection, staged) is None:
            staged.rmdir()
            return
    for path in staged.rglob("*"):
        durable.sync(path)
    durable.rename(staged, final)


def outcome(connection: Connection) -> Outcome | None:
    """What the latest restore of this database entered; ``None`` if there was none."""
    told = facts.read(connection, RESTORED)
    if told is None:
        return None
    return Outcome(*json.loads(told))


def write(transaction: Transaction, act: Act, run: str, verdict: Verdict, erased: Sequence[Fact]) -> Outcome:
    """Enter the restore in the log, with what was erased again; a new origin begins its tree in the same transaction.

    A crash before the commit leaves the restored log as it was; after it, only the signature is still to come.
    """
    at, connection, previous = instants.write(transaction.now), transaction.connection, verdict.previous
    restored = log.size(connection)
    origin = facts.read(connection, installation.LOG_ORIGIN) or verdict.origin
    made = Outcome(run, None, None, 0, origin)
    first = None
    if previous is not None:
        payload = {"soort": "logboek-begonnen", "op": at, "oorsprong": verdict.origin, "vorige": previous.note}
        first = act.evidence.append(connection, [Fact(None, payload)])[0]
        made = Outcome(run, previous.head.origin, previous.head.size, max(0, previous.head.size - restored), origin)
    act.evidence.append(connection, erased)
    act.log(transaction, "teruggezet", {"herstel": run, "oorsprong": verdict.origin})
    if first is not None:
        begin_anew(connection, first.entry_id)
    sequence_all(connection)
    facts.write(connection, installation.LOG_ORIGIN, verdict.origin)
    return remember(connection, made)


def remember(connection: Connection, made: Outcome) -> Outcome:
    """Note what the restore did, so that it is not done twice."""
    facts.write(connection, RESTORED, json.dumps(astuple(made)))
    return made


def sign(settings: Settings, engine: Engine, keys: Keyring, origin: str, known: Known) -> str:
    """Sign what is committed, and publish it; the note. Raises ``consent.log.signer.LogForked``.

    A crash at any moment is mended by the next run: the same tree gives the same signature.
    """
    path = installation.signer_state(settings, origin)
    signer = Signer(path, keys.log_keys, origin)
    own = [each for each in known.latest if each.head.origin == origin]
    if own:
        # The signer's memory may be gone, or be older than what the operator named: it must know the latest.
        StateFile(path).write(max(own, key=lambda each: each.order).note)
        signer.sign(engine.begin)
    elif path.exists():
        signer.sign(engine.begin)
    else:
        with engine.begin() as connection:
            signer.initialise(connection)
    with reading(engine) as connection:
        return log.latest_note(connection) or ""


def show_successor(settings: Settings, connection: Connection, store: KeyStore, old_origin: str) -> None:
    """Put the opening of entry 0 beside the log that ended: whoever holds that log can see which one succeeds it.

    ``HMAC-SHA256(opening, "consent-ledger/v1\\n" || inhoud)`` is the data of leaf 0 of the new log; ``inhoud`` holds
    the last checkpoint of the old one. The opening opens this one entry, in which no person occurs.
    """
    folder = installation.archive(settings, old_origin)
    entry_id = connection.scalars(select(ledger_entry.c.entry_id).where(ledger_entry.c.idx == 0)).one()
    stored = find(connection, entry_id)
    if stored is None or not folder.is_dir():
        return
    key = store.find([stored.key_id])[stored.key_id]
    shown = {"inhoud": stored.open(key).decode(), "opening": opening(key, entry_id).hex()}
    durable.replace(folder / installation.SUCCESSOR, json.dumps(shown).encode())


def claim(folder: Path, origin: str, note: str) -> bool:
    """Leave the checkpoint of a new origin beside the keys' backups, so that a later restore knows that it was signed.

    False when nothing can be written there.
    """
    try:
        durable.replace(folder / f"bewijslogboek-{installation.lineage(origin)[1]}.checkpoint", note.encode())
    except OSError:
        return False
    return True
