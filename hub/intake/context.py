"""What a view may reach: the hub that it serves, and the caller of this request. The HTTP side's only two globals."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol, cast

from flask import current_app, g
from sqlalchemy import Engine

from consent.keys import KeyStore
from contracts.errors import ScopeMissing
from contracts.retention.terms import Terms
from hub.access.caller import Caller, Scope
from hub.delivery.mailbox import Mailbox
from hub.gate.dry_run import DryRun
from hub.intake.accept import Accepter
from hub.keys.keyring import Keyring
from hub.ledger.evidence import Evidence
from hub.ledger.keeper import LogKeeper
from hub.ports import Clock, NewId, Random
from hub.rights.candidates import Candidates
from hub.rights.cases.answering import Cases
from hub.rights.erasure.erasures import Erasures
from hub.rights.identity.room import Identity
from hub.rights.inzage.asking import Inzages
from hub.rights.limits.room import Limits
from hub.rights.recall.recalls import Recalls
from hub.rights.statements import Statements
from hub.store.region.access import Asker
from hub.store.writer import Writer
from hub.telemetry import Metrics

HUB = "hub"  # name in ``app.extensions``


class Settings(Protocol):
    """The settings that the HTTP side reads."""

    @property
    def base_url(self) -> str:
        """The public address of this hub, without a slash at the end; also the issuer of its tokens."""

    @property
    def threads(self) -> int:
        """Requests that one worker handles at a time."""


class Hub(Protocol):
    """The parts of the hub that views use; ``wiring`` builds the real one."""

    @property
    def settings(self) -> Settings: ...
    @property
    def engine(self) -> Engine: ...
    @property
    def writer(self) -> Writer: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def new_id(self) -> NewId: ...
    @property
    def random(self) -> Random: ...
    @property
    def keyring(self) -> Keyring: ...
    @property
    def key_store(self) -> KeyStore: ...
    @property
    def evidence(self) -> Evidence: ...
    @property
    def accepter(self) -> Accepter: ...
    @property
    def dry_run(self) -> DryRun: ...
    @property
    def mailbox(self) -> Mailbox: ...
    @property
    def candidates(self) -> Candidates: ...
    @property
    def statements(self) -> Statements: ...
    @property
    def cases(self) -> Cases: ...
    @property
    def limits(self) -> Limits: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def recalls(self) -> Recalls: ...
    @property
    def erasures(self) -> Erasures: ...
    @property
    def terms(self) -> Terms: ...
    @property
    def inzages(self) -> Inzages: ...
    @property
    def log_keeper(self) -> LogKeeper: ...
    @property
    def metrics(self) -> Metrics: ...
    @property
    def log_origin(self) -> str:
        """Origin of the evidence log: its address without scheme, such as ``hub.example.nl/bewijslogboek``."""

    @property
    def log_archives(self) -> Mapping[str, Path]:
        """Origins that ended when a restore began another one, each with the folder in which its log lies."""

    @property
    def readiness(self) -> Mapping[str, Callable[[], bool]]:
        """Per part of the hub (a plain name) whether it can do its work now."""


def hub() -> Hub:
    """The hub that this application serves."""
    return cast(Hub, current_app.extensions[HUB])


def asker() -> Asker:
    """The caller as one whose machtiging the deciding transaction asks for."""
    return Asker(caller().organisation, caller().system, g.scope, caller().keys, caller().scopes)


def need(scope: Scope) -> None:
    """From here the request acts under this scope, of those that let it in. Raises ``ScopeMissing``."""
    if scope not in caller().scopes:
        raise ScopeMissing
    g.scope = scope


def caller() -> Caller:
    """The caller of this request; only in views behind a token."""
    return cast(Caller, g.caller)
