"""``hub serve``: look whether the hub is whole, then let it run."""

import errno
import socket
import sys
from typing import TYPE_CHECKING

import click

from hub.commands.common.output import json_option

if TYPE_CHECKING:
    from hub.settings import Settings

_PARTS = ("web", "relay", "worker", "sequencer", "exporter")


@click.command(short_help="Laat de hub draaien.")
@click.option("--only", type=click.Choice(_PARTS), help="Alleen dit deel; kan alleen op PostgreSQL.")
@json_option
def serve(only: str | None, as_json: bool) -> None:
    """Laat de hub draaien: web, logboek en bezorging. Stopt met SIGTERM of Ctrl-C. Het logboek is altijd JSON."""
    from hub import settings as environment
    from hub.administration import installation
    from hub.administration.folder import FolderLock
    from hub.store.database import open_engine

    settings = environment.from_process()
    if only is not None and not settings.on_postgresql:
        raise click.UsageError("--only kan alleen op PostgreSQL; op SQLite draait de hub als één geheel.")
    keys = installation.load_keyring(settings)
    engine = open_engine(settings.database_url)
    try:
        facts = installation.require_whole(settings, engine, keys)
        installation.require_continued(settings, engine, keys, facts[installation.LOG_ORIGIN])
    finally:
        engine.dispose()
    if not settings.on_postgresql:
        FolderLock(settings.data_dir).close()  # the worker takes it; this is only to say so before anything starts

    if only in (None, "web"):
        _require_free(settings.host, settings.port, "HUB_PORT")
    if settings.workers == 1 or only not in (None, "web"):
        _require_free(settings.host, settings.metrics_port, "HUB_METRICS_PORT")

    from hub.serving import serve as run

    if sys.stdout.isatty():
        click.echo(_listens(settings, only))
    run(settings, only)


def _listens(settings: "Settings", only: str | None) -> str:
    """Where it will listen, for who sees it start; the log says ``started`` once it does."""
    metrics = f"cijfers op http://{settings.host}:{settings.metrics_port}/metrics"
    if only not in (None, "web"):
        return f"Het deel {only} start; {metrics}. Stoppen: Ctrl-C."
    web = f"De hub start en luistert dan op http://{settings.host}:{settings.port}"
    return f"{web} (voor partners: {settings.base_url}); {metrics}. Stoppen: Ctrl-C."


def _require_free(host: str, port: int, name: str) -> None:
    """The web server shares its port with whoever shares it too: a second hub would take half of the first's calls."""
    from hub.settings import SettingsInvalid

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise SettingsInvalid(f"Op poort {port} luistert al iets; kies een andere met {name}.") from None
        raise SettingsInvalid(f"Op HUB_HOST met poort {port} ({name}) kan deze machine niet luisteren.") from None
