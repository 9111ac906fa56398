"""What every part of a hub stands on: its database, its keys, its clock and its chance."""

import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine

from consent.keys import KeyStore, open_key_engine
from contracts.retention.terms import Terms
from hub.administration import installation
from hub.keys.keyring import Keyring
from hub.ledger.evidence import Evidence
from hub.machine.clock import SystemClock
from hub.machine.ids import Ids
from hub.ports import Clock, NewId, Random
from hub.settings import Settings
from hub.store.database import glance, is_sqlite, open_engine
from hub.store.locks import Turnstile
from hub.store.writer import Transactions


@dataclass(frozen=True, slots=True)
class Core:
    """Database, keys and time: what commands need too."""

    settings: Settings
    engine: Engine
    transactions: Transactions
    facts: Mapping[str, str]  # fixed at `hub init`
    keyring: Keyring
    key_store: KeyStore
    clock: Clock
    new_id: NewId
    random: Random
    terms: Terms

    @property
    def evidence(self) -> Evidence:
        """The log, to append to."""
        return Evidence(self.key_store, self.new_id)

    def look(self) -> AbstractContextManager[Connection]:
        """A look outside the gate's locks; never decide on what it shows."""
        return glance(self.engine)


def open_core(settings: Settings, clock: Clock | None = None) -> Core:
    """Open the database and the keys of an installation. Raises what ``installation.require_whole`` raises."""
    clock = clock or SystemClock()
    ring = installation.load_keyring(settings)
    engine = open_engine(settings.database_url)
    facts = installation.require_whole(settings, engine, ring)
    turnstile = Turnstile(settings.data_dir) if is_sqlite(engine) else None
    return Core(
        settings=settings,
        engine=engine,
        transactions=Transactions(engine, clock, turnstile),
        facts=facts,
        keyring=ring,
        key_store=KeyStore(open_key_engine(settings.keys_url), ring.master, os.urandom),
        clock=clock,
        new_id=Ids(clock, os.urandom),
        random=os.urandom,
        terms=settings.terms,
    )
