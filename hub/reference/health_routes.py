"""Whether the hub lives, and whether each of its parts can do its work. Open to all: they tell of nobody."""

from collections.abc import Callable

import structlog
from flask import Flask, Response

from hub.intake.context import hub
from hub.intake.endpoint import json_response


def add(app: Flask) -> None:
    """Add both routes."""
    app.add_url_rule("/health/live", "health_live", _live, methods=["GET"])
    app.add_url_rule("/health/ready", "health_ready", _ready, methods=["GET"])


def _live() -> Response:
    """Answering is the proof."""
    return json_response({"status": "levend"})


def _ready() -> Response:
    """200 when every part is ready; else 503 with the parts that are not."""
    failing = sorted(part for part, check in hub().readiness.items() if not _can(part, check))
    if failing:
        return json_response({"status": "niet gereed", "nietGereed": failing}, 503)
    return json_response({"status": "gereed", "nietGereed": []})


def _can(part: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a part that cannot even be asked is not ready
        structlog.get_logger().warning("part cannot be asked", part=part, exc_info=error)
        return False
