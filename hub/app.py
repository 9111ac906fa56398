"""The web application: every route of the hub on one frame that sizes, authenticates, describes and answers alike."""

from collections.abc import Iterable
from threading import BoundedSemaphore
from typing import Final

from flask import Flask, Response

from hub.access import routes as access_routes
from hub.access.authenticate import Authenticator
from hub.intake import problems, reading
from hub.intake.context import HUB, Hub
from hub.intake.endpoint import AUTHENTICATOR, Endpoint, blueprint
from hub.reference import health_routes, log_routes, openapi
from hub.reference import routes as reference_routes
from hub.reference.processing import routes as processing_routes

#: NL GOV API Design Rules 2.2, /core/transport/security-headers.
_HEADERS: Final = {
    "API-Version": openapi.API_VERSION,
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

#: One subject of the API: its tag, what it is about, and its calls.
Subject = tuple[str, str, Iterable[Endpoint]]

SUBJECTS: Final[tuple[Subject, ...]] = (
    ("naslag", "Afspraken, grondslagen, organisaties, berichttypen en codelijsten", reference_routes.ENDPOINTS),
    ("verwerkingsregister", "Wat de eigen organisatie verwerkt", processing_routes.ENDPOINTS),
    ("bewijslogboek", "Het bewijslogboek controleren", log_routes.ENDPOINTS),
)


def make_app(hub: Hub, subjects: Iterable[Subject] = ()) -> Flask:
    """The WSGI application of ``hub``; ``subjects`` come beside those that every hub has."""
    app = Flask("hub", static_folder=None)
    app.url_map.merge_slashes = False  # a path has one spelling; anything else is 404
    app.extensions[HUB] = hub
    app.extensions[AUTHENTICATOR] = Authenticator(hub.keyring.token_public, hub.settings.base_url, hub.clock)
    app.extensions[reading.DRAINS] = BoundedSemaphore(max(1, hub.settings.threads // 8))
    problems.register(app)
    app.before_request(reading.bound_size)
    app.after_request(_complete)
    blueprints = [blueprint(*subject) for subject in (*SUBJECTS, *subjects)]
    for each in blueprints:
        app.register_blueprint(each)
    access_routes.add(app, hub)
    log_routes.add(app, hub)
    health_routes.add(app)
    openapi.publish(app, hub.settings.base_url, blueprints)
    return app


def _complete(answer: Response) -> Response:
    """The headers of every answer. What a view set itself (a cache of the evidence log) stays."""
    for name, value in _HEADERS.items():
        answer.headers.setdefault(name, value)
    if answer.status_code >= 400:
        reading.drain()
    return answer
