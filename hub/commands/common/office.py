"""What a command works with: the hub's database and keys, opened for one command beside a running hub."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine

from consent.keys import KeyStore
from hub import settings as environment
from hub.administration import installation
from hub.administration.act import RULES, Act
from hub.keys.keyring import Keyring
from hub.ledger.evidence import Evidence
from hub.machine.clock import SystemClock
from hub.machine.ids import Ids
from hub.settings import Settings
from hub.store import database
from hub.store.locks import Turnstile
from hub.store.writer import Transaction, Transactions, single

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Office:
    """An opened hub. ``facts``: what was fixed at ``hub init``."""

    settings: Settings
    engine: Engine
    transactions: Transactions
    keys: Keyring
    key_store: KeyStore
    clock: SystemClock
    facts: dict[str, str]

    def act(self, operator: str, verb: Callable[[Transaction, Act], Answer]) -> Answer:
        """Let an operator do something, in one transaction that nobody else decides beside."""
        act = Act(operator, Evidence(self.key_store, Ids(self.clock, os.urandom)))
        return single(self.transactions, lambda transaction: verb(transaction, act), RULES)

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection for lists."""
        with database.reading(self.engine) as connection:
            yield connection


@contextmanager
def office() -> Iterator[Office]:
    """The hub that the environment names. Raises what ``hub.commands.common.failures`` knows."""
    settings = environment.from_process()
    keys = installation.load_keyring(settings)
    engine = database.open_engine(settings.database_url)
    turnstile = None if settings.on_postgresql else Turnstile(settings.data_dir)
    clock = SystemClock()
    try:
        facts = installation.require_whole(settings, engine, keys)
        with installation.key_store(settings, keys, os.urandom) as store:
            yield Office(settings, engine, Transactions(engine, clock, turnstile), keys, store, clock, facts)
    finally:
        engine.dispose()
        if turnstile is not None:
            turnstile.close()
