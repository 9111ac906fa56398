"""Promise 9: what must not be told is not told, by our own lines, those of libraries, errors or metrics."""

import io
import json
import logging
import ssl
import sys
import threading
import urllib.request
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpcore2
import pytest
import structlog

from hub.delivery import push
from hub.delivery.release import MAILBOX, UNREADABLE
from hub.delivery.webhook.address_guard import AddressRefused
from hub.delivery.webhook.send import Outcome, Retry, outcome_of, reason_of
from hub.telemetry import build_metrics, configure_logging, granian_log_config, masked, serve_metrics

CANARY = "kanarie-7f3a"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Logging configured at DEBUG onto a buffer; put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions)
    configure_logging("DEBUG", stream)
    yield stream
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions = before
    logging.captureWarnings(False)
    structlog.reset_defaults()


def read(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_its_listed_keys(lines: io.StringIO) -> None:
    structlog.get_logger().info("message accepted", kind="voortgang.gemeld", count=3, duration_ms=1.5)
    (line,) = read(lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "message accepted",
        "level": "info",
        "kind": "voortgang.gemeld",
        "count": 3,
        "duration_ms": 1.5,
    }


@pytest.mark.parametrize(
    "key",
    ["bsn", "naam", "data", "body", "token", "authorization", "subject", "url", "reden", "lokaalNummer", "anything"],
)
def test_a_key_that_is_not_listed_does_not_pass(lines: io.StringIO, key: str) -> None:
    structlog.get_logger().warning("something", **{key: CANARY})
    assert CANARY not in lines.getvalue()
    assert read(lines)[0]["dropped"] == 1


def test_a_structure_or_object_under_a_listed_key_does_not_pass(lines: io.StringIO) -> None:
    structlog.get_logger().info("something", part={"naam": CANARY}, state=ValueError(CANARY), step=[{"a": CANARY}, "b"])
    assert CANARY not in lines.getvalue()
    assert read(lines)[0]["part"] == "dict" and read(lines)[0]["step"] == ["b"]


def test_what_looks_like_a_bsn_or_a_token_is_masked_also_under_a_listed_key(lines: io.StringIO) -> None:
    token = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJrcmluZ2xvb3AifQ.c2lnbmF0dXJl"
    structlog.get_logger().info("something", part=f"a 999990342 {token}", count=999991772)
    text = lines.getvalue()
    assert "999990342" not in text and "999991772" not in text and token[:12] not in text


def test_masking_leaves_other_numbers_alone() -> None:
    assert masked("oin 00000099999990342000, nummer 123456789") == "oin 00000099999990342000, nummer 123456789"
    assert len(masked("x" * 5000)) < 400


def test_an_error_tells_its_type_and_place_but_not_its_text(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as cause:
            raise ValueError(CANARY) from cause
    except ValueError:
        structlog.get_logger().exception("it failed")
    (line,) = read(lines)
    assert line["exception"] == ["ValueError", "KeyError"]
    assert "test_telemetry.py" in line["frames"][-1]
    assert CANARY not in lines.getvalue()


def test_an_uncaught_error_is_told_without_its_text(lines: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise RuntimeError(CANARY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    sys.excepthook(RuntimeError, RuntimeError(CANARY), None)
    assert [line["exception"] for line in read(lines)] == [["RuntimeError"], ["RuntimeError"]]
    assert CANARY not in lines.getvalue() + capsys.readouterr().err


@pytest.mark.parametrize(
    "name", ["kombu.connection", "sqlalchemy.engine.Engine", "granian.access", "amqp", "an.unknown.one"]
)
def test_a_library_tells_its_template_and_never_its_arguments(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).warning("could not reach %s", CANARY)
    logging.getLogger(name).error(f"formatted already: {CANARY}")
    first, second = read(lines)
    assert first["logger"] == name and first["template"] == "could not reach %s"
    assert "template" not in second
    assert CANARY not in lines.getvalue()


@pytest.mark.parametrize("name", ["kombu", "sqlalchemy.engine.Engine", "httpx2", "amqp"])
def test_a_library_is_silent_below_warning_even_at_debug(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).debug("parameters %s", CANARY)
    logging.getLogger(name).info("parameters %s", CANARY)
    assert lines.getvalue() == ""


def test_a_record_that_cannot_be_formatted_prints_nothing(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("kombu").warning("%d", CANARY)
    assert CANARY not in lines.getvalue() + capsys.readouterr().err


def test_warnings_come_as_lines_without_their_text(lines: io.StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(CANARY, UserWarning, stacklevel=1)
    assert read(lines)[0]["logger"] == "py.warnings" and CANARY not in lines.getvalue()


def test_the_level_is_obeyed(lines: io.StringIO) -> None:
    configure_logging("ERROR", lines)
    structlog.get_logger().warning("not this")
    structlog.get_logger().error("but this")
    assert [line["event"] for line in read(lines)] == ["but this"]


def test_the_configuration_for_granian_routes_its_loggers_through_us() -> None:
    config = granian_log_config()
    assert set(config["loggers"]) == {"_granian", "granian.access"}
    assert config["handlers"]["hub"]["()"] == "hub.telemetry.ForeignHandler"


def test_a_label_outside_its_closed_set_becomes_overig() -> None:
    metrics = build_metrics(["voortgang.gemeld"])
    metrics.accept.add(kind="voortgang.gemeld", outcome="aanvaard")
    metrics.accept.add(2, kind=CANARY, outcome=CANARY)
    metrics.decide.add(kind="voortgang.gemeld", outcome="tegengehouden", code="GEEN_GRONDSLAG")
    metrics.send_seconds.observe(0.2, channel=CANARY)
    read_value = metrics.registry.get_sample_value
    assert read_value("hub_accept_total", {"kind": "voortgang.gemeld", "outcome": "aanvaard"}) == 1
    assert read_value("hub_accept_total", {"kind": "overig", "outcome": "overig"}) == 2
    refused = {"kind": "voortgang.gemeld", "outcome": "tegengehouden", "code": "GEEN_GRONDSLAG"}
    assert read_value("hub_decide_total", refused) == 1
    assert CANARY not in str(list(metrics.registry.collect()))


STATUSES = [(status, outcome_of(status, None, datetime.now(UTC))) for status in (200, 307, 404, 410, 429, 500, 503)]
FAILURES = [httpcore2.ConnectError(), TimeoutError(), ssl.SSLError(), AddressRefused("x", "y"), ValueError()]


@pytest.mark.parametrize(
    "outcome",
    [*(outcome for _, outcome in STATUSES), *(Retry(reason_of(each)) for each in FAILURES), Retry("te-laat")],
    ids=repr,
)
def test_how_an_attempt_ended_is_told_apart(outcome: Outcome) -> None:
    metrics = build_metrics([])
    metrics.send.add(channel="push", outcome=push.outcome_name(outcome))
    value = metrics.registry.get_sample_value
    assert value("hub_send_total", {"channel": "push", "outcome": push.outcome_name(outcome)}) == 1
    assert value("hub_send_total", {"channel": "push", "outcome": "overig"}) is None


@pytest.mark.parametrize("outcome", ["vrijgegeven", "gestopt", "gewist", "opnieuw", MAILBOX, UNREADABLE])
def test_how_a_release_ended_is_told_apart(outcome: str) -> None:
    metrics = build_metrics(["voortgang.gemeld"])
    metrics.release.add(kind="voortgang.gemeld", outcome=outcome)
    labels = {"kind": "voortgang.gemeld", "outcome": outcome}
    assert metrics.registry.get_sample_value("hub_release_total", labels) == 1


def test_there_is_a_counter_for_every_verb_of_the_hub() -> None:
    names = {family.name for family in build_metrics([]).registry.collect()}
    verbs = ["accept", "decide", "release", "send", "acknowledge", "withdraw", "bury"]
    assert {f"hub_{verb}" for verb in verbs} <= names


def test_two_registries_do_not_know_each_other() -> None:
    first, second = build_metrics([]), build_metrics([])
    first.withdraw.add()
    assert first.registry.get_sample_value("hub_withdraw_total") == 1
    assert second.registry.get_sample_value("hub_withdraw_total") == 0


def test_the_metrics_are_served_on_their_own_port_until_closed() -> None:
    metrics = build_metrics([])
    metrics.withdraw.add(4)
    server = serve_metrics(metrics, "127.0.0.1", 0)
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
            assert "hub_withdraw_total 4.0" in answer.read().decode()
    finally:
        server.close()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5)
