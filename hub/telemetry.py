"""What the hub tells about itself: JSON log lines on stderr and Prometheus metrics; never a body, name, BSN or token.

Design promise 9. A log line is an *event* (a fixed text) with values under keys of one closed list; what stands under
any other key is dropped and counted. Text of other libraries may quote what they handle: their template passes, its
arguments never. Of an error only its type and place pass, because its text may repeat a value.
"""

import io
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, TextIO, cast
from wsgiref.simple_server import WSGIServer

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from structlog.typing import EventDict

from contracts.errors import ExchangeError, RefusalCode
from contracts.identity import is_bsn
from contracts.retention.terms import WARNING_DAYS

#: The only keys that a log line may have. Identifiers are the hub's own random ones, never a kandidaatRef.
ALLOWED_KEYS: Final = frozenset(
    {
        *("event", "level", "timestamp", "dropped", "logger", "template", "exception", "frames", "thread", "process"),
        *(
            "accepted",
            "address",
            "attempt",
            "batch",
            "bytes",
            "channel",
            "code",
            "command",
            "conflicts",
            "count",
            "deliveries",
        ),
        *("delivery_id", "duration_ms", "host", "kind", "limit", "message_id", "method", "migration", "organisation"),
        *("outcome", "part", "pid", "port", "queue", "refused", "retry_in_s", "role", "route", "scope", "sequence"),
        *("setting", "signal", "size", "state", "status", "step", "system", "trace_id", "version", "wait_ms"),
        *("worker", "workers", "days"),
    }
)
#: Libraries whose own records are routed through here; below WARNING they tell of payloads and parameters.
FOREIGN: Final = (
    *("granian", "_granian", "kombu", "amqp", "sqlalchemy", "alembic"),
    *("httpx2", "httpcore2", "werkzeug", "flask"),
)
_DIGITS: Final = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
_TOKEN: Final = re.compile(r"eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*")
_LONGEST: Final = 300  # characters of one text
_MASK: Final = "***"


def masked(text: str) -> str:
    """``text`` without what looks like a BSN or a token, cut at 300 characters. The second line of defence."""
    text = _TOKEN.sub(_MASK, text)
    text = _DIGITS.sub(lambda found: _MASK if is_bsn(found.group()) else found.group(), text)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """The structlog processor that lets only the listed keys pass, and only plain values under them."""
    kept = {key: _plain(value) for key, value in event.items() if key in ALLOWED_KEYS}
    dropped = len(event) - len(kept)
    return kept | {"dropped": dropped} if dropped else kept


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return _MASK if isinstance(value, int) and is_bsn(str(value)) else value
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value if isinstance(each, str | int)][:20]
    return type(value).__name__  # an object may hold anything: only its type passes


def tell_error(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Replaces ``exc_info`` by the error's type, its causes' types and the places it came through."""
    info = event.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        event["exception"] = _types(error)
        event["frames"] = _frames(error.__traceback__)
    return event


def _types(error: BaseException) -> list[str]:
    names: list[str] = []
    following: BaseException | None = error
    while following is not None and len(names) < 5:
        names.append(type(following).__name__)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return names


def _frames(traceback: TracebackType | None) -> list[str]:
    places: list[str] = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        places.append(f"{'/'.join(code.co_filename.split('/')[-3:])}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return places[-12:]


class _Forgiving(io.TextIOBase):
    """Loses what it cannot write."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what can be written."""
        with suppress(OSError, ValueError):  # ValueError: closed
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def forgiving(stream: TextIO) -> TextIO:
    """A stream for log lines: a full disk behind it, or a reader that is gone, must end no thread and no request."""
    return cast(TextIO, _Forgiving(stream))


def configure_logging(level: str, stream: TextIO | None = None) -> None:
    """Sends every log line of this process, also of libraries, as redacted JSON to ``stream`` (default stderr)."""
    target = forgiving(stream or sys.stderr)
    number = logging.getLevelNamesMapping()[level]
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, *_chain()],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=target),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [ForeignHandler(target)]
    root.setLevel(logging.WARNING)
    for name in FOREIGN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(max(number, logging.WARNING))
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # the default prints the arguments of a record that cannot be formatted
    sys.excepthook = _tell_uncaught
    threading.excepthook = lambda args: _tell_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


def _chain() -> list[Callable[..., Any]]:
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    return [stamp, tell_error, redact, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _tell_uncaught(_kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None) -> None:
    structlog.get_logger().error("uncaught error", exc_info=error)


#: That we allow more threads than there are cores is meant: most of them wait, and how many may is bounded.
_MEANT: Final = "Configuration allows spawning up to"


class ForeignHandler(logging.Handler):
    """Writes a record of another library as one redacted line: its logger, its template, never its arguments."""

    def __init__(self, stream: TextIO | None = None) -> None:
        super().__init__()
        self._stream = forgiving(stream or sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == "_granian" and str(record.msg).startswith(_MEANT):
            return
        event: Any = {"event": "library", "level": record.levelname.lower(), "logger": record.name}
        # Without arguments the text may have been formatted already, values and all; the server's own holds none.
        if isinstance(record.msg, str) and (record.args or record.name == "_granian"):
            event["template"] = record.msg
        if record.exc_info:
            event["exc_info"] = record.exc_info
        for step in _chain():
            event = step(None, record.levelname.lower(), event)
        self._stream.write(f"{event}\n")
        self._stream.flush()


def granian_log_config() -> dict[str, Any]:
    """The ``log_dictconfig`` for granian, whose supervisor and workers set up logging themselves."""
    through = {"handlers": ["hub"], "level": "WARNING", "propagate": False}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"hub": {"()": "hub.telemetry.ForeignHandler"}},
        "loggers": {"_granian": dict(through), "granian.access": dict(through)},
    }


_OTHER: Final = "overig"
_OUTCOMES: Final = frozenset(
    {
        *("aanvaard", "geweigerd", "conflict", "herhaling"),
        *("toegestaan", "gedeeltelijk", "tegengehouden"),
        *("vrijgegeven", "gestopt", "gewist", "opnieuw", "postvak", "onleesbaar"),
        *("bevestigd", "verwerkt", "onverwerkbaar"),
        *("verbinding", "tijd", "tls", "adres", "protocol", "omleiding", "fout", "te-laat", "vervallen-abonnement"),
        *("http-429", "http-502", "http-503", "http-504", "http-4xx", "http-5xx"),
    }
)
#: The code of a decision that refuses nothing.
NO_CODE: Final = "geen"
_CHANNELS: Final = frozenset({"push", "postvak"})
_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 30.0)


def _codes() -> frozenset[str]:
    """Every code of the error tree and of the gate."""
    codes = {NO_CODE, *(each.value for each in RefusalCode)}
    pending: list[type[ExchangeError]] = [ExchangeError]
    while pending:
        cls = pending.pop()
        pending += cls.__subclasses__()
        codes |= {cls.code} if hasattr(cls, "code") else set()
    return frozenset(codes)


@dataclass(frozen=True, slots=True)
class _Closed:
    """A label whose value outside the closed set becomes ``overig``: no value of a caller becomes a label."""

    labels: Mapping[str, frozenset[str]]

    def keep(self, given: Mapping[str, str]) -> dict[str, str]:
        return {name: given[name] if given.get(name) in allowed else _OTHER for name, allowed in self.labels.items()}


@dataclass(frozen=True, slots=True)
class Counted:
    """A counter; every label is optional and from its closed set."""

    counter: Counter
    closed: _Closed

    def add(self, amount: int = 1, /, **labels: str) -> None:
        """Adds ``amount`` (0 or more)."""
        child = self.counter.labels(**self.closed.keep(labels)) if self.closed.labels else self.counter
        child.inc(amount)


@dataclass(frozen=True, slots=True)
class Timed:
    """A histogram of seconds; every label is optional and from its closed set."""

    histogram: Histogram
    closed: _Closed

    def observe(self, seconds: float, /, **labels: str) -> None:
        """Notes one duration in seconds."""
        child = self.histogram.labels(**self.closed.keep(labels)) if self.closed.labels else self.histogram
        child.observe(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """One counter per verb of the hub, and the three durations that its promises speak of."""

    registry: CollectorRegistry = field(repr=False)
    accept: Counted  # kind, outcome
    decide: Counted  # kind, outcome, code
    release: Counted  # kind, outcome
    send: Counted  # channel, outcome
    acknowledge: Counted  # outcome
    withdraw: Counted
    erase: Counted
    bury: Counted
    lapse: Counted
    warn: Counted  # days
    accept_seconds: Timed
    send_seconds: Timed  # channel, outcome
    withdraw_seconds: Timed


def build_metrics(kinds: Iterable[str]) -> Metrics:
    """A fresh registry with all metrics. ``kinds``: short names of all message kinds, the closed set of ``kind``."""
    closed = {
        "kind": frozenset(kinds),
        "outcome": _OUTCOMES,
        "code": _codes(),
        "channel": _CHANNELS,
        "days": frozenset(map(str, WARNING_DAYS)),
    }
    registry = CollectorRegistry()

    def counted(verb: str, text: str, *labels: str) -> Counted:
        counter = Counter(f"hub_{verb}", text, labels, registry=registry)
        return Counted(counter, _Closed({name: closed[name] for name in labels}))

    def timed(verb: str, text: str, *labels: str) -> Timed:
        histogram = Histogram(f"hub_{verb}_seconds", text, labels, buckets=_SECONDS, registry=registry)
        return Timed(histogram, _Closed({name: closed[name] for name in labels}))

    return Metrics(
        registry=registry,
        accept=counted("accept", "Messages offered", "kind", "outcome"),
        decide=counted("decide", "Decisions of the gate", "kind", "outcome", "code"),
        release=counted("release", "Second decisions, just before sending", "kind", "outcome"),
        send=counted("send", "Attempts to hand over", "channel", "outcome"),
        acknowledge=counted("acknowledge", "Acknowledgements", "outcome"),
        withdraw=counted("withdraw", "Withdrawals, refusals, stops, restrictions, objections and shields"),
        erase=counted("erase", "Wissingen asked for"),
        bury=counted("bury", "Deliveries given up and kept"),
        lapse=counted("lapse", "Messages emptied because their term was over"),
        warn=counted("warn", "Messages that nobody fetched, as they pass 30, 60 and 80 days", "days"),
        accept_seconds=timed("accept", "From request to commit"),
        send_seconds=timed("send", "From first byte to answer", "channel", "outcome"),
        withdraw_seconds=timed("withdraw", "From request to commit of a withdrawal"),
    )


@dataclass(frozen=True, slots=True)
class MetricsServer:
    """The metrics over HTTP, on a port of their own. ``port`` is the port that it got."""

    server: WSGIServer
    thread: threading.Thread

    @property
    def port(self) -> int:
        """The port on which it listens."""
        return int(self.server.server_port)

    def close(self) -> None:
        """Stops listening; returns when its thread has ended."""
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(timeout=5)


def serve_metrics(metrics: Metrics, host: str, port: int) -> MetricsServer:
    """Answers ``GET /metrics`` on ``host:port`` (0: any free port). Raises ``OSError`` when the port is taken."""
    server, thread = start_http_server(port, addr=host, registry=metrics.registry)
    return MetricsServer(server, thread)
