"""Restoring a hub: the files and tables of a backup, or a database that was put back by other means.

    look at every byte of the backup → put it back (``place``) → erase again (``erased``) → settle the log (``settle``)
    → take away again what was taken away since, or hold what may have been (``taken``) → empty again what is past its
    term (``lapse_all``) → verify all of it

Until the last step the data folder bears a mark: no hub starts on it, and the same command goes on where it was cut
off. Never beside a running hub: on SQLite the lock on the data folder tells, on PostgreSQL any other connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, func, select, text

from consent.keys import KeyStore
from consent.verify.report import Finding, Report
from consent.verify.rows import check_rows, settled, table_fetch
from consent.verify.verifier import folder_fetch, verify_log
from contracts import instants
from hub.administration import installation
from hub.administration.act import Act
from hub.administration.backup import durable, erased, place, settle
from hub.administration.backup.known import Known, Named, gather, verifiers
from hub.administration.backup.manifest import BackupRefused
from hub.administration.backup.mark import Mark, Marks
from hub.administration.backup.stores import Told
from hub.administration.folder import FolderBusy, FolderLock
from hub.gate.person_work import PersonWork
from hub.keys.erasing import remember
from hub.keys.erasure_list import ErasureList
from hub.keys.keyring import Keyring
from hub.keys.taken_list import TakenList
from hub.ledger.evidence import Evidence
from hub.ledger.replay.check import check
from hub.machine.ids import Ids
from hub.ports import Clock, Random
from hub.rights.consent.means import Means
from hub.rights.notices import Notifier
from hub.rights.retention.again import lapse_all
from hub.rights.stopping import Stopper
from hub.rights.taken.again import hold_all, take_again
from hub.rights.taken.book import Taken
from hub.settings import Settings
from hub.store import installation as facts
from hub.store.database import open_engine, reading, snapshot
from hub.store.locks import LOG, Locks, Turnstile
from hub.store.migrations import schema
from hub.store.tables import message
from hub.store.writer import Transaction, Transactions, Writer, single

_ALL: Final = Locks(exclusive=frozenset({LOG}), rules_exclusive=True)
_PATIENCE: Final = 50  # tenths of a second that a connection which was closed may take to be gone
_OTHERS: Final = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid <> pg_backend_pid() AND usename IS NOT NULL"  # of another role the type is not shown
    " AND coalesce(backend_type, 'client backend') = 'client backend'"
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What a restore works with besides the settings."""

    settings: Settings
    clock: Clock
    random: Random
    told: Told


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. ``erased``: how many stand on the erasure list; ``destroyed``: keys of theirs that came back.

    ``claimed``: whether the new origin's checkpoint now lies beside the keys' backups; ``None``: there is no such one.
    """

    origin: str
    verifier: str
    outcome: settle.Outcome
    erased: int
    destroyed: int
    claimed: bool | None
    report: Report


def restore(tools: Tools, operator: str, data: Path, keys: Path, named: Named) -> Restored:
    """Put a backup back where there is no hub. Raises ``BackupRefused``, ``AlreadyThere``, ``FolderBusy``."""
    settings = tools.settings
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with FolderLock(settings.data_dir):
        backup = place.open_backup(settings, data, keys, tools.told, tools.clock.now())
        known = gather(settings, backup.keyring, backup.about_data.origin, named, (backup.keys, backup.about_keys))
        marks = Marks(installation.restoring(settings))
        mark = marks.read()
        if mark is None:
            place.refuse_existing(settings, backup)
            mark = marks.write(Mark(backup.about_data.backup))
        elif mark.run != backup.about_data.backup:
            raise BackupRefused(
                f"Het herstel van backup {mark.run} is niet afgemaakt. Maak dat eerst af, of leeg de map"
            )
        # A crash anywhere from here leaves the mark, and the next run goes on; what was put back is not put back twice.
        if not mark.placed:
            _place(tools, backup, known, marks, mark)
        return _finish(tools, operator, known, marks, backup.keys.parent)


def finish_here(tools: Tools, operator: str, named: Named) -> Restored:
    """Do what belongs after a restore to a database that was put back by other means, where it stands."""
    settings = tools.settings
    if not installation.keys_folder(settings).is_dir():
        raise installation.NotInitialised("Hier staat nog geen hub. Zet eerst een backup terug")
    with FolderLock(settings.data_dir):
        ring = installation.load_keyring(settings)
        marks = Marks(installation.restoring(settings))
        mark = marks.read() or Mark(Ids(tools.clock, tools.random)(), placed=True)
        if not mark.placed:
            raise BackupRefused(f"Het herstel van backup {mark.run} is niet afgemaakt. Noem die backup")
        with _alone(tools) as (engine, _), reading(engine) as connection:
            if schema.version(connection) is None:
                raise installation.NotInitialised("In deze database staat geen hub")
            origin = facts.read_all(connection)[installation.LOG_ORIGIN]
        known = gather(settings, ring, origin, named, None)
        marks.write(mark)
        return _finish(tools, operator, known, marks, None)


def _place(tools: Tools, backup: place.Backup, known: Known, marks: Marks, mark: Mark) -> None:
    settings = tools.settings
    place.place_keys(settings, backup, tools.told)
    erased.remember(ErasureList(installation.erasures(settings)), known.erased)
    with installation.key_store(settings, backup.keyring, tools.random) as store:
        if not store.check_value():
            raise BackupRefused("De sleutels van personen horen niet bij de hoofdsleutel van deze backup")
        mark = _erase(store, known, marks, mark)
    place.place_data(settings, backup, tools.told)
    marks.write(replace(mark, placed=True))


def _erase(store: KeyStore, known: Known, marks: Marks, mark: Mark) -> Mark:
    """Destroy what the list names; which of it still lived is remembered first, because the log must name it."""
    wanted = erased.keys_of(store, known.erased)
    mark = marks.add_destroyed(mark, set(store.find(wanted)))
    erased.destroy(store, wanted)
    return mark


@contextmanager
def _alone(tools: Tools) -> Iterator[tuple[Engine, Transactions]]:
    """The data, once nobody else is at work in it. Raises ``FolderBusy``."""
    settings = tools.settings
    engine = open_engine(settings.database_url)
    turnstile = None if settings.on_postgresql else Turnstile(settings.data_dir)
    try:
        if settings.on_postgresql:
            _require_alone(engine)
        yield engine, Transactions(engine, tools.clock, turnstile)
    finally:
        engine.dispose()
        if turnstile is not None:
            turnstile.close()


def _require_alone(engine: Engine) -> None:
    for _ in range(_PATIENCE):
        with reading(engine) as connection:
            if not connection.scalar(_OTHERS):
                return
            connection.execute(text("SELECT pg_sleep(0.1)"))
    raise FolderBusy("Er zijn nog andere verbindingen met de database; zet eerst alle delen van de hub stil")


@dataclass(frozen=True, slots=True)
class _Open:
    """A hub whose tables stand, opened to be finished."""

    engine: Engine
    transactions: Transactions
    store: KeyStore
    ring: Keyring

    def facts(self) -> dict[str, str]:
        """What the database says of the installation."""
        with reading(self.engine) as connection:
            return facts.read_all(connection)


def _finish(tools: Tools, operator: str, known: Known, marks: Marks, beside: Path | None) -> Restored:
    """What comes once the tables stand; every step may be done again. ``beside``: where the keys' backups lie."""
    settings = tools.settings
    ring = installation.load_keyring(settings)
    mark = marks.require()
    with _alone(tools) as (engine, transactions), installation.key_store(settings, ring, tools.random) as store:
        schema.migrate(engine)
        here = _Open(engine, transactions, store, ring)
        if here.facts().get(installation.MASTER_CHECK) != ring.check_value or not store.check_value():
            raise installation.NotInitialised("De hoofdsleutel hoort niet bij deze database")
        with reading(engine) as connection:
            known = replace(known, erased=erased.begun(connection) | known.erased)
        erased.remember(ErasureList(installation.erasures(settings)), known.erased)
        mark = _erase(store, known, marks, mark)
        outcome = _enter(tools, here, operator, known, mark)
        _keep_list(settings, known, outcome, tools.clock.now())
        lapse_all(engine, transactions, Evidence(store, Ids(tools.clock, tools.random)), settings.terms)
        single(transactions, lambda tx: settle.sequence_all(tx.connection), _ALL)
        origin = here.facts()[installation.LOG_ORIGIN]
        note = settle.sign(settings, engine, ring, origin, known)
        claimed = None
        if outcome.old_origin is not None:
            with reading(engine) as connection:
                settle.show_successor(settings, connection, store, outcome.restored_origin)
            claimed = None if beside is None else settle.claim(beside, origin, note)
        report = _verify(tools, here, origin, known)
    # The hub may start from here. What is broken is told by the report; keeping the mark would not mend it.
    marks.remove()
    vkey = verifiers(ring, origin)[0].vkey
    return Restored(origin, vkey, outcome, len(known.erased), len(mark.destroyed), claimed, report)


def _enter(tools: Tools, here: _Open, operator: str, known: Known, mark: Mark) -> settle.Outcome:
    """Mark whom the list names, settle the origin of the log and enter the restore in it; once for each run."""
    with reading(here.engine) as connection:
        done = settle.outcome(connection)
    if done is not None and done.run == mark.run:
        return done
    origin = here.facts()[installation.LOG_ORIGIN]
    single(here.transactions, lambda tx: settle.sequence_all(tx.connection), _ALL)
    with reading(here.engine) as connection:
        verdict = settle.judge(connection, origin, known, here.ring)
    if verdict.previous is not None:
        settle.keep_old(tools.settings, here.engine, origin)
    act = Act(operator, Evidence(here.store, Ids(tools.clock, tools.random)))

    def write(transaction: Transaction) -> settle.Outcome:
        again = erased.readable(here.store, erased.mark_rows(transaction.connection, known.erased))
        gone = again + erased.facts(transaction.connection, here.store, transaction.now)
        made = settle.write(transaction, act, mark.run, verdict, gone)
        return _take_away(tools, here, known, transaction, made)

    return single(here.transactions, write, _ALL)


def _take_away(
    tools: Tools, here: _Open, known: Known, transaction: Transaction, made: settle.Outcome
) -> settle.Outcome:
    """What was taken away after the state that was put back, once more; what may have been and no list tells is held.

    Within the transaction that enters the restore: no hub ever starts on a ``ja`` that was withdrawn.
    """
    means = _means(tools, here)
    at = known.made_at or _state_of(transaction.connection)
    again = take_again(means, transaction, known.taken.acts)
    # Also where the log did not go on: what was answered and not signed yet is in no checkpoint.
    held = None if known.taken.whole(at) else hold_all(means, transaction)
    return settle.remember(transaction.connection, replace(made, again=again, held=held))


def _state_of(connection: Connection) -> datetime:
    """Since when this database may be as it is now, where it was put back by other means: it was so at the last
    message that it took."""
    last: datetime | None = connection.scalar(select(func.max(message.c.accepted_at)))
    return last or instants.parse(str(facts.read(connection, installation.BEGUN_AT)))


def _means(tools: Tools, here: _Open) -> Means:
    """What the verbs on what people said work with, where no hub runs: nobody waits to be rung."""
    evidence = Evidence(here.store, Ids(tools.clock, tools.random))
    notifier = Notifier(here.store, evidence, evidence.new_id, tools.random, lambda _: None)
    work = PersonWork(Writer(here.transactions), lambda: reading(here.engine))
    stopper = Stopper(here.store, evidence, notifier)
    listed = Taken(installation.taken(tools.settings))
    return Means(work, stopper, here.store, evidence, evidence.new_id, tools.random, tools.settings.terms, listed)


def _keep_list(settings: Settings, known: Known, made: settle.Outcome, at: datetime) -> None:
    """This hub's own list from here: all that is known, and since when. Where something is held, it begins anew."""
    since = known.taken.whole_since or known.taken.own_since or at
    path = installation.taken(settings)
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    listed = TakenList(fresh)
    listed.begin(since if made.held is None else at)
    remember(listed, known.taken.acts)
    durable.rename(fresh, path)


def _verify(tools: Tools, here: _Open, origin: str, known: Known) -> Report:
    """The whole log as it now is, what lies behind it, and the log of the origin before it."""
    earlier = [each.note for each in known.latest if each.head.origin == origin]
    told, keys = partial(tools.told, "logboek"), verifiers(here.ring, origin)
    with snapshot(here.engine) as connection, settled(connection):
        report = verify_log(table_fetch(connection), keys, earlier, told)
        report.merge(check_rows(connection, keys, told))
        report.merge(check(connection, here.store)[0])
    for name, folder in installation.archives(tools.settings, origin).items():
        old = verify_log(folder_fetch(folder), verifiers(here.ring, name), (), told)
        report.looked_at.append(folder.name)
        report.findings += [Finding(f"{folder.name}: {each.place}", each.reason) for each in old.findings]
    return report
