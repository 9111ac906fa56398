"""``hub serve``: look whether the hub is whole, then let it run."""

import click

from hub.commands.common.output import json_option

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
        installation.require_whole(settings, engine, keys)
    finally:
        engine.dispose()
    if not settings.on_postgresql:
        FolderLock(settings.data_dir).close()  # the worker takes it; this is only to say so before anything starts

    from hub.serving import serve as run

    run(settings, only)
