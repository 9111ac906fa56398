"""The one way in which commands show something: a JSON object with ``--json``, else a table or lines for people."""

import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])
Rows = Sequence[Mapping[str, Any]]

_PIPE_WIDTH = 160  # columns, where there is no terminal to ask


def json_option(command: Command) -> Command:
    """``--json``, as the parameter ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Antwoord als JSON.")(command)


def operator_option(command: Command) -> Command:
    """``--operator NAAM``, as the parameter ``operator``: who does this stands in the evidence log."""
    option = click.option("--operator", required=True, metavar="NAAM", help="Wie dit doet; komt in het bewijslogboek.")
    return option(command)


def show_rows(rows: Rows, as_json: bool) -> None:
    """A list: ``{"items": [...]}``, or a table with a column for each key; where that is too wide, a line for each."""
    if as_json:
        _write_json({"items": list(rows)})
        return
    if not rows:
        click.echo("Er is niets.")
        return
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else _PIPE_WIDTH
    if _needs(rows) > width:
        for number, row in enumerate(rows):
            if number:
                click.echo()
            show({name: value for name, value in row.items() if value not in (None, [], {})}, False)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_text(value) for value in row.values()))
    Console(width=width, markup=False, highlight=False).print(table)


def _needs(rows: Rows) -> int:
    """Columns of a screen that a table of these takes with every value on one line."""
    widths = (max(len(name), *(len(_text(row[name])) for row in rows)) for name in rows[0])
    return sum(width + 3 for width in widths) + 1


def show(value: Mapping[str, Any], as_json: bool) -> None:
    """One thing: an object, or a line for each key."""
    if as_json:
        _write_json(value)
        return
    width = max(len(name) for name in value)
    for name, each in value.items():
        click.echo(f"{name:<{width}}  {_text(each)}")


def _write_json(value: Mapping[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))


def _text(value: Any) -> str:
    if value is None or value in ([], (), {}):
        return "–"
    if isinstance(value, bool):
        return "ja" if value else "nee"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(each)}" for name, each in value.items())
    return str(value)
