"""The verifier's look at the log's own tables: what tiles, which are assembled from them, do not show.

Everything that the hub ever signed (a folder shows its last checkpoint only), entries that have no checkpoint yet, rows
too many, rows without a partner. It reads each row once, in order, and holds no more of the log than one hash in 256.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from consent.log import reading
from consent.log.merkle import Frontier, leaf_hash, perfect_root
from consent.log.note import Checkpoint, NoteInvalid, Verifier, open_note
from consent.log.tables import checkpoint, ledger_entry, ledger_node, ledger_payload, ledger_pending
from consent.log.tiles import HEIGHT, WIDTH
from consent.verify.tree import not_ours
from consent.verify.verifier import Fetch, Progress, Report

_PAGE: Final = 4_096  # rows in one statement


@contextmanager
def settled(connection: Connection) -> Iterator[None]:
    """All that is read in the block is of one moment, beside a hub that goes on. First in its transaction.

    On SQLite text that is no UTF-8 reads as text that fits nothing, and is found as what it is: its columns keep
    whatever bytes somebody puts in, and the driver would refuse the whole look. PostgreSQL lets no such bytes in.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield
        return
    driver: Any = connection.connection.driver_connection
    before, driver.text_factory = driver.text_factory, lambda raw: raw.decode("utf-8", "replace")
    try:
        yield
    finally:
        driver.text_factory = before


def table_fetch(connection: Connection) -> Fetch:
    """Reads the signed log out of its tables for ``verify_log``. A tile of which a row is missing is not there."""

    def fetch(path: str) -> bytes | None:
        try:
            return reading.fetch(connection, path)
        except (reading.LogBroken, NoteInvalid):
            return None

    return fetch


def check_rows(connection: Connection, verifiers: Sequence[Verifier], progress: Progress | None = None) -> Report:
    """The findings on all rows of the log, each named by its table and key.

    ``verifiers`` are all keys of this log, earlier ones too: a signature line of any other is a finding, for nobody
    else signs in these tables. ``progress`` is told (entries, entries in all).
    """
    report = Report(["rijen van het logboek"])
    size = reading.size(connection)
    heads = _Heads(connection, verifiers, report)
    tree = _Tree(connection, report)
    heads.compare(tree.edge)
    for rows in _pages(connection):
        for row in rows:
            if row.idx != tree.edge.size:
                report.wrong(f"ledger_entry {row.idx}", f"hier hoort vermelding {tree.edge.size}")
                return report  # nothing after it stands where it says
            tree.add(leaf_hash(row.commitment))
            heads.compare(tree.edge)
        if progress is not None:
            progress(tree.edge.size, size)
    heads.end(tree.edge.size)
    tree.end()
    _partners(connection, report)
    return report


def _pages(connection: Connection) -> Iterator[Sequence[Row[Any, Any]]]:
    last, query = None, select(ledger_entry.c.idx, ledger_entry.c.commitment).order_by(ledger_entry.c.idx).limit(_PAGE)
    while rows := connection.execute(query if last is None else query.where(ledger_entry.c.idx > last)).all():
        yield rows
        last = rows[-1].idx


class _Heads:
    """Every checkpoint that was ever published, each held against the tree when that has its size."""

    def __init__(self, connection: Connection, verifiers: Sequence[Verifier], report: Report) -> None:
        self._verifiers = verifiers
        self._report = report
        self._rows = iter(
            connection.execute(select(checkpoint).order_by(checkpoint.c.size).execution_options(yield_per=_PAGE))
        )
        self._next = next(self._rows, None)

    def compare(self, edge: Frontier) -> None:
        """Look at the checkpoint of the tree's present size, if there is one."""
        while self._next is not None and self._next.size <= edge.size:
            place = f"checkpoint {self._next.size}"
            head = self._open(place, self._next.note)
            if head is not None and head.size != self._next.size:
                self._report.wrong(place, "staat onder een andere omvang dan de eigen")
            elif head is not None and (self._next.size != edge.size or head.root != edge.root()):
                self._report.wrong(place, "de wortel hoort niet bij de vermeldingen")
            self._next = next(self._rows, None)

    def end(self, size: int) -> None:
        """What is left covers more than there is."""
        while self._next is not None:
            self._report.wrong(f"checkpoint {self._next.size}", f"het logboek heeft maar {size} vermeldingen")
            self._next = next(self._rows, None)

    def _open(self, place: str, note: str) -> Checkpoint | None:
        try:
            opened = open_note(note, self._verifiers)
            head = Checkpoint.parse(opened.text)
        except NoteInvalid:
            self._report.wrong(place, not_ours(note, self._verifiers))
            return None
        if opened.lines != len(opened.signers) or head.text != opened.text or head.origin != opened.signers[0].name:
            self._report.wrong(place, "er staat iets in dat dit logboek niet schreef")
            return None
        return head


class _Tree:
    """The tree of the entries as they come, and every stored node held against it."""

    def __init__(self, connection: Connection, report: Report) -> None:
        self.edge = Frontier()
        self._report = report
        self._stored = {(row.level, row.n): bytes(row.hash) for row in connection.execute(select(ledger_node))}
        self._rows: list[list[bytes]] = [[] for _ in range(64 // HEIGHT + 1)]
        self._full = [0] * len(self._rows)

    def add(self, leaf: bytes) -> None:
        """Add the next leaf; each tile that it makes full must have its row."""
        self.edge.add(leaf)
        level, hash_ = 0, leaf
        self._rows[0].append(hash_)
        while len(self._rows[level]) == WIDTH:
            hash_ = perfect_root(self._rows[level])
            self._rows[level].clear()
            n, self._full[level] = self._full[level], self._full[level] + 1
            level += 1
            if self._stored.pop((level, n), None) != hash_:
                self._report.wrong(f"ledger_node {level}/{n}", "ontbreekt, of hoort niet bij wat eronder ligt")
            self._rows[level].append(hash_)

    def end(self) -> None:
        """Rows that no tile made."""
        for level, n in sorted(self._stored):
            self._report.wrong(f"ledger_node {level}/{n}", "hoort hier niet")


def _partners(connection: Connection, report: Report) -> None:
    """No entry stands twice, and every payload and every entry that waits has its other half."""
    payloads, entries = ledger_payload.c.entry_id, (ledger_entry.c.entry_id, ledger_pending.c.entry_id)
    for waits in _lonely(connection, ledger_pending, payloads):
        report.wrong(f"ledger_pending {waits}", "de inhoud ontbreekt")
    for twice in connection.scalars(select(entries[1]).where(entries[1].in_(select(entries[0])))):
        report.wrong(f"ledger_pending {twice}", "staat al in het logboek")
    nowhere = select(payloads).where(
        ~select(1).where(entries[0] == payloads).exists(), ~select(1).where(entries[1] == payloads).exists()
    )
    for alone in connection.scalars(nowhere.order_by(payloads).limit(_PAGE)):
        report.wrong(f"ledger_payload {alone}", "hoort bij geen vermelding")


def _lonely(connection: Connection, table: Table, partner: Any) -> Sequence[str]:
    missing = select(table.c.entry_id).where(~select(1).where(partner == table.c.entry_id).exists())
    return connection.scalars(missing.order_by(table.c.entry_id).limit(_PAGE)).all()
