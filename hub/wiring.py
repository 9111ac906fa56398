"""Builds the hub from its settings; nothing else does. Reading order: ``build`` (parts), ``Hub.start`` (threads).

The core comes first (``hub/core.py``: database, keys, clock), then what decides (accept, release), then what carries
(relay, push, mailbox), last the web application. Nothing is built at import.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Protocol, TypeVar

import structlog
from flask import Flask
from sqlalchemy import Engine, text

from consent.keys import KeyStore
from consent.log.signer import Signer
from contracts import catalogue
from contracts.identity import Oin
from contracts.retention.terms import Terms
from hub.administration import installation
from hub.administration.online import routes as operator_routes
from hub.app import make_app
from hub.core import Core
from hub.delivery import routes as mailbox_routes
from hub.delivery.doorbell import Doorbell, open_doorbell
from hub.delivery.mailbox import Bell, Mailbox
from hub.delivery.prepare import Preparer
from hub.delivery.push import Parts, Push
from hub.delivery.relay import Observer, Relay
from hub.delivery.release import Releaser
from hub.delivery.webhook import subscription_routes
from hub.delivery.webhook.address_guard import AddressGuard
from hub.delivery.webhook.outcomes import Recorder
from hub.delivery.webhook.send import NewSender, Sender
from hub.gate.dry_run import Allowance, DryRun
from hub.gate.person_work import PersonWork
from hub.intake import dry_run_routes
from hub.intake import routes as message_routes
from hub.intake.accept import Accepter
from hub.keys.erasure_list import ErasureList
from hub.keys.keyring import Keyring
from hub.ledger.evidence import Evidence
from hub.ledger.keeper import LogKeeper, LogParts
from hub.machine.clock import boot
from hub.machine.clock_guard import ClockGuard
from hub.ports import Clock, NewId, Random
from hub.rights import candidate_routes, statement_routes
from hub.rights.candidates import Candidates
from hub.rights.cases import routes as case_routes
from hub.rights.cases.answering import Cases, Decider
from hub.rights.closing.closer import Closer
from hub.rights.consent import act_routes
from hub.rights.consent.means import STOP, Means
from hub.rights.consent.stops import StopAnswers
from hub.rights.consent.texts import routes as text_routes
from hub.rights.erasure import routes as erasure_routes
from hub.rights.erasure.content import Tools
from hub.rights.erasure.destroying import Eraser, Finisher
from hub.rights.erasure.erasures import Erasures
from hub.rights.identity import routes as identity_routes
from hub.rights.identity.room import Identity
from hub.rights.inzage import routes as inzage_routes
from hub.rights.inzage.asking import Inzages
from hub.rights.limits import routes as limit_routes
from hub.rights.limits.objections import OBJECTION
from hub.rights.limits.room import Limits
from hub.rights.notices import Notifier
from hub.rights.recall import routes as recall_routes
from hub.rights.recall.recalls import Recalls
from hub.rights.receipts import routes as receipt_routes
from hub.rights.retention import routes as retention_routes
from hub.rights.retention import sweeper as retention
from hub.rights.statements import Statements
from hub.rights.stopping import Stopper
from hub.rights.taken.book import Taken
from hub.settings import Environment, Settings
from hub.store.database import reading
from hub.store.traffic.queues import Queues
from hub.store.writer import Transactions, Writer
from hub.telemetry import Metrics, build_metrics


class Part(Protocol):
    """Something with threads of its own."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Finish what is under way."""


_Kind = TypeVar("_Kind", bound=Means)


@dataclass(frozen=True, slots=True)
class Hub:
    """Every part of a running hub."""

    settings: Settings
    engine: Engine
    transactions: Transactions
    writer: Writer
    clock: Clock
    new_id: NewId
    random: Random
    keyring: Keyring
    key_store: KeyStore
    evidence: Evidence
    log_origin: str
    log_archives: Mapping[str, Path]
    accepter: Accepter
    candidates: Candidates
    statements: Statements
    cases: Cases
    limits: Limits
    identity: Identity
    recalls: Recalls
    erasures: Erasures
    inzages: Inzages
    dry_run: DryRun
    releaser: Releaser
    mailbox: Mailbox
    relay: Relay
    push: Push
    new_sender: NewSender
    log_keeper: LogKeeper
    finisher: Finisher
    sweeper: retention.Sweeper
    terms: Terms
    doorbell: Doorbell
    metrics: Metrics
    readiness: Mapping[str, Callable[[], bool]]

    def start(self, only: str | None = None) -> None:
        """Begin to write, to sign and to send; with ``only`` just that part, and the writer that each of them needs."""
        for part in self._parts(only):
            part.start()

    def stop(self, only: str | None = None) -> None:
        """Finish what is under way. What was not done is found again at the next start."""
        for part in reversed(self._parts(only)):
            part.stop()
        self.doorbell.close()
        self.engine.dispose()

    def _parts(self, only: str | None) -> tuple[Part, ...]:
        parts: dict[str, Part] = {"sequencer": self.log_keeper, "relay": self.relay, "worker": self.push}
        chosen = [part for name, part in parts.items() if only in (None, name)]
        # Who may have begun an erasure, or starts for all of them, finishes it.
        kept = [self.finisher] if only in (None, "web", "sequencer") else []
        # One process has the turn to look what is past its term.
        swept = [self.sweeper] if only in (None, "sequencer") else []
        return (self.writer, *kept, *chosen, *swept)

    def app(self) -> Flask:
        """The web application."""
        subjects = (
            (
                "berichten",
                "Berichten aanbieden en volgen",
                (*message_routes.ENDPOINTS, *dry_run_routes.ENDPOINTS, *recall_routes.ENDPOINTS),
            ),
            ("kandidaten", "Kandidaten aanmelden en trajecten openen", candidate_routes.ENDPOINTS),
            ("personen", "Personen samenvoegen en splitsen, door twee medewerkers", identity_routes.ENDPOINTS),
            (
                "toestemmingen",
                "Toestemmingen vastleggen, bevestigen en intrekken",
                (*statement_routes.ENDPOINTS, *act_routes.ENDPOINTS, *receipt_routes.ENDPOINTS),
            ),
            ("verklaringen", "Teksten publiceren waarop iemand ja zegt", text_routes.ENDPOINTS),
            ("zaken", "Zaken beantwoorden en ontheffingen vastleggen", case_routes.ENDPOINTS),
            ("beperkingen", "Stromen beperken, bezwaar maken, afschermen", limit_routes.ENDPOINTS),
            ("wissingen", "Gegevens wissen, en laten zien dat het is gebeurd", erasure_routes.ENDPOINTS),
            ("vernietigingsverklaringen", "Wat na zijn bewaartermijn is vernietigd", retention_routes.ENDPOINTS),
            ("inzage", "Laten zien wat er met gegevens van een kandidaat gebeurt", inzage_routes.ENDPOINTS),
            ("postvak", "Eigen berichten ophalen en bevestigen", mailbox_routes.ENDPOINTS),
            ("abonnement", "Berichten laten bezorgen in plaats van ophalen", subscription_routes.ENDPOINTS),
            ("beheer", "Afspraken, grondslagen en organisaties beheren", operator_routes.ENDPOINTS),
        )
        app = make_app(self, subjects)
        app.extensions[subscription_routes.NEW_SENDER] = self.new_sender
        app.extensions[subscription_routes.HANDSHAKES] = BoundedSemaphore(max(1, self.settings.threads // 8))
        return app


def build(core: Core) -> Hub:
    """All parts on one core."""
    settings, engine, clock = core.settings, core.engine, core.clock
    origin = core.facts[installation.LOG_ORIGIN]
    metrics = _metrics(engine, clock)
    observer = Telling(metrics)
    writer = Writer(core.transactions)
    doorbell = open_doorbell(settings.broker_url)
    relay = Relay(engine, writer, doorbell, clock, observer)
    bell = Bell(most=max(1, settings.threads // 4))
    clock_guard = ClockGuard(clock, core.look, boot())
    releaser = Releaser(core.key_store, core.evidence, core.new_id, core.random, clock_guard, metrics)
    carried = _Carried(bell, relay)
    work = PersonWork(writer, core.look)
    means = _means(Means, core, work, carried)
    limits, erasures = Limits(means), Erasures(Tools(means, _eraser(core, writer)))
    push_parts = _push_parts(core, writer, releaser, doorbell, observer)
    push = Push(push_parts)
    signer = Signer(installation.signer_state(settings, origin), core.keyring.log_keys, origin)
    log_keeper = LogKeeper(LogParts(engine, writer, signer, clock, clock_guard), observer.trouble)
    return Hub(
        settings=settings,
        engine=engine,
        transactions=core.transactions,
        writer=writer,
        clock=clock,
        new_id=core.new_id,
        random=core.random,
        keyring=core.keyring,
        key_store=core.key_store,
        evidence=core.evidence,
        log_origin=origin,
        log_archives=installation.archives(settings, origin),
        accepter=_accepter(core, writer, carried, metrics, Closer(means)),
        candidates=Candidates(writer, work, core.keyring, core.key_store, core.evidence, core.new_id, core.random),
        statements=_means(Statements, core, work, carried),
        cases=Cases(work, core.key_store, core.evidence, core.random, _deciders(limits, erasures)),
        limits=limits,
        identity=Identity(means, core.keyring.identity_code_key),
        recalls=Recalls(means),
        erasures=erasures,
        inzages=Inzages(means),
        dry_run=DryRun(writer, core.look, core.evidence, Allowance(clock)),
        releaser=releaser,
        mailbox=Mailbox(releaser, writer, core.look, clock, bell, core.key_store, core.evidence, core.random),
        relay=relay,
        push=push,
        new_sender=push_parts.new_sender,
        log_keeper=log_keeper,
        finisher=Finisher(erasures.tools.eraser),
        sweeper=_sweeper(core, erasures.tools.eraser, (clock_guard, metrics)),
        terms=core.terms,
        doorbell=doorbell,
        metrics=metrics,
        readiness={
            "database": lambda: _answers(engine),
            "sleutels": core.key_store.check_value,
            "klok": clock_guard.trusted,
            **_alive(writer, log_keeper, relay, push),
        },
    )


def _metrics(engine: Engine, clock: Clock) -> Metrics:
    made = build_metrics(kind.name for kind in catalogue.all_kinds())
    made.registry.register(Queues(engine, clock))
    return made


def _alive(writer: Writer, log_keeper: LogKeeper, relay: Relay, push: Push) -> dict[str, Callable[[], bool]]:
    return {"schrijver": writer.alive, "logboek": log_keeper.alive, "doorgifte": relay.alive, "bezorging": push.alive}


def _accepter(core: Core, writer: Writer, carried: "_Carried", metrics: Metrics, closer: Closer) -> Accepter:
    return Accepter(
        writer=writer,
        look=core.look,
        key_store=core.key_store,
        evidence=core.evidence,
        new_id=core.new_id,
        random=core.random,
        ring=carried.ring,
        bsn_index=core.keyring.bsn_index,
        metrics=metrics,
        conclude=closer.conclude,
    )


def _eraser(core: Core, writer: Writer) -> Eraser:
    listed = ErasureList(installation.erasures(core.settings))
    return Eraser(core.engine, writer, core.look, core.key_store, core.evidence, listed, core.random)


def _sweeper(core: Core, eraser: Eraser, watched: tuple[ClockGuard, Metrics]) -> retention.Sweeper:
    parts = eraser.writer, core.look, eraser, core.terms, core.clock, watched[0], core.new_id, watched[1]
    return retention.Sweeper(retention.Tools(*parts))


def _deciders(limits: Limits, erasures: Erasures) -> dict[str, Decider]:
    return {STOP: StopAnswers(), OBJECTION: limits.objections, **erasures.deciders}


def _means(kind: type[_Kind], core: Core, work: PersonWork, carried: "_Carried") -> _Kind:
    notifier = Notifier(core.key_store, core.evidence, core.new_id, core.random, carried.ring)
    stopper = Stopper(core.key_store, core.evidence, notifier)
    taken = Taken(installation.taken(core.settings))
    taken.begin(core.clock.now())
    return kind(work, stopper, core.key_store, core.evidence, core.new_id, core.random, core.terms, taken)


@dataclass(frozen=True, slots=True)
class _Carried:
    """Who hears, after a commit, for whom something waits."""

    bell: Bell
    relay: Relay

    def ring(self, recipients: frozenset[Oin]) -> None:
        self.bell.ring(recipients)
        self.relay.nudge(recipients)


def _push_parts(core: Core, writer: Writer, releaser: Releaser, doorbell: Doorbell, observer: Observer) -> Parts:
    settings, clock = core.settings, core.clock
    guard = address_guard(settings)
    tls = ssl.create_default_context()
    return Parts(
        engine=core.engine,
        writer=writer,
        preparer=Preparer(releaser, writer, core.look, clock, core.keyring.webhook_key),
        recorder=Recorder(core.evidence, core.random),
        doorbell=doorbell,
        new_sender=lambda: Sender(guard, clock, tls),
        clock=clock,
        new_id=core.new_id,
        observer=observer,
    )


def address_guard(settings: Settings) -> AddressGuard:
    """Where webhooks may go."""
    allowed = frozenset((target.host, target.port) for target in settings.webhook_toegestaan)
    return AddressGuard(allowed, demo=settings.env is Environment.DEMO)


def _answers(engine: Engine) -> bool:
    with reading(engine) as connection:
        return bool(connection.execute(text("SELECT 1")).scalar_one() == 1)


@dataclass(frozen=True, slots=True)
class Telling:
    """Counts and logs what the carriers meet; ids, codes and classes only."""

    metrics: Metrics

    def sent(self, outcome: str, seconds: float) -> None:
        self.metrics.send.add(channel="push", outcome=outcome)
        self.metrics.send_seconds.observe(seconds, channel="push", outcome=outcome)

    def buried(self, reason: str) -> None:
        self.metrics.bury.add()
        structlog.get_logger().error("buried", code=reason)

    def trouble(self, part: str, error: str) -> None:
        structlog.get_logger().warning("trouble", part=part, code=error)
