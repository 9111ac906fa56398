"""``hub bench``: measure what this hub carries on this machine."""

import click

from hub.commands.common.output import json_option, show_rows


@click.command(short_help="Meet wat de hub op deze machine aankan.")
@click.option("--seconds", type=click.FloatRange(1, 60), default=5.0, show_default=True, help="Duur van elke fase.")
@click.option("--fill", is_flag=True, help="Meet de hub die de omgeving noemt, met wat er al in staat, en vul die.")
@json_option
def bench(seconds: float, fill: bool, as_json: bool) -> None:
    """Meet in één keer wat de hub aankan, als verhoudingen, op een eigen hub in een tijdelijke map.

    Met HUB_DATABASE_URL in die (lege) database, anders op SQLite. Wat gemaakt is, wordt weer opgeruimd. Duurt ongeveer
    zestien keer --seconds en stopt vanzelf.
    """
    import json
    import os
    import secrets

    from hub.bench import report
    from hub.bench.course import Course, Webhook
    from hub.bench.place import place
    from hub.bench.processes import BenchFailed

    webhook = Webhook(dict(os.environ))
    try:
        with place(os.environ, webhook.port, fill=fill) as where:
            course = Course(where, seconds, webhook, lambda phase: click.echo(f"… {phase}", err=True))
            figures = course.run(secrets.token_hex(4))
    except BenchFailed as error:
        raise click.ClickException(str(error)) from error
    finally:
        webhook.stop()
    if as_json:
        click.echo(json.dumps(report.as_json(figures), ensure_ascii=False))
    else:
        show_rows(report.rows(figures), as_json=False)
