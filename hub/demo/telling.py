"""Telling the story: to people, line by line as it happens, with colours where there is a terminal."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.rule import Rule
from rich.table import Table

from hub.demo.story import Beat, Ending

Names = Mapping[str, str]

_GONE: Final = {"grondslag.vervallen": "kennisgeving: de grondslag is vervallen"}


class Silent:
    """Tells nothing while it goes; the ending says it all."""

    def chapter(self, title: str) -> None:
        """A chapter begins."""

    def beat(self, beat: Beat) -> None:
        """Something was done."""


class Lines:
    """Plain lines. ``names``: OIN → organisation."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._number = -1

    def chapter(self, title: str) -> None:
        """A chapter begins."""
        self._number += 1
        click.echo(f"\n{self._number}. {title}")

    def beat(self, beat: Beat) -> None:
        """Something was done."""
        click.echo(f"  {'goed' if beat.went_well else 'FOUT'}  {beat.who}: {beat.what}")
        for line in (*details(beat.seen, self._names), *(f"NIET ZOALS VERWACHT: {each}" for each in beat.differences)):
            click.echo(f"          {line}")


class Colours:
    """The same for a terminal, by rich."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._console = Console(highlight=False)
        self._number = -1

    def chapter(self, title: str) -> None:
        """A chapter begins."""
        self._number += 1
        self._console.print()
        self._console.print(Rule(f"[bold]{self._number}. {escape(title)}[/bold]", align="left", style="cyan"))

    def beat(self, beat: Beat) -> None:
        """Something was done."""
        lines = Table.grid(padding=(0, 1))  # a long line goes on below its own beginning
        mark = "[green]✓[/green]" if beat.went_well else "[bold red]✗[/bold red]"
        lines.add_row(mark, f"[bold]{escape(beat.who)}[/bold] {escape(beat.what)}")
        for line in details(beat.seen, self._names):
            lines.add_row("", f"[dim]{escape(line)}[/dim]")
        for each in beat.differences:
            lines.add_row("", f"[red]niet zoals verwacht: {escape(each)}[/red]")
        self._console.print(lines)


def listener(as_json: bool, names: Names) -> Silent | Lines | Colours:
    """Who tells it: nobody, a pipe or a terminal."""
    if as_json:
        return Silent()
    return Colours(names) if sys.stdout.isatty() else Lines(names)


def conclusion(ending: Ending) -> str:
    """The last words."""
    failed = ending.failed
    if not failed:
        return f"Alle {len(ending.beats)} verwachte uitkomsten zijn gebeurd, in {ending.seconds:.1f} seconden."
    names = "\n".join(f"  - {beat.who}: {beat.what}\n      {'; '.join(beat.differences)}" for _, beat in failed)
    return f"{len(failed)} van de {len(ending.beats)} verwachte uitkomsten zijn niet gebeurd:\n{names}"


def details(seen: Mapping[str, Any], names: Names) -> Iterator[str]:
    """What is worth telling of what was seen."""
    for tell in (_decisions, _file, _received, _withdrawn, _log):
        yield from tell(seen, names)


def _decisions(seen: Mapping[str, Any], names: Names) -> Iterator[str]:
    yield from (f"ontbreekt: {each}" for each in seen.get("watOntbreekt") or ())
    if seen.get("status") == "geweigerd" and not seen.get("besluiten"):
        yield f"geweigerd: {seen.get('code')}"
    for each in seen.get("besluiten") or ():
        parts = [each["uitkomst"]]
        parts += [each["code"]] if each.get("code") else []
        parts += [f"weggelaten: {', '.join(each['weggelaten'])}"] if each.get("weggelaten") else []
        yield f"aan {names.get(each['ontvanger'], '?')}: {'; '.join(parts)}"


def _file(seen: Mapping[str, Any], _names: Names) -> Iterator[str]:
    lines = seen.get("regels") or ()
    if lines:
        taken = [str(each["regel"]) for each in lines if each["status"] == "aanvaard"]
        yield f"aanvaard: regel {', '.join(taken)}" if taken else "geen regel is aanvaard"
        yield from (f"regel {each['regel']}: {each['code']}" for each in lines if each["status"] != "aanvaard")
    yield from (each["zin"] for each in seen.get("fouten") or ())
    left = [each["veld"] for each in seen.get("verlies") or () if each["soort"] == "niet-overgenomen"]
    if left:
        yield f"niet overgenomen uit het bestand: {', '.join(left)}"


def _received(seen: Mapping[str, Any], _names: Names) -> Iterator[str]:
    for each in seen.get("ontvangen") or ():
        yield f"ontvangen: {_GONE.get(each['soort'], each['soort'])}"


def _withdrawn(seen: Mapping[str, Any], names: Names) -> Iterator[str]:
    if "gestopt" in seen:
        yield f"gestopt: {seen['gestopt']}; kennisgevingen: {seen.get('kennisgevingen')}"
        for each in seen.get("verstrekt", ()):
            yield f"al verstrekt: {each['berichtId']} aan {names.get(each['ontvanger'], '?')}, {each['tijdstip']}"


def _log(seen: Mapping[str, Any], _names: Names) -> Iterator[str]:
    if isinstance(log := seen.get("logboek"), Mapping):
        yield f"{log['oorsprong']}: {log['grootte']} vermeldingen, wortel {log['wortel'][:16]}…"
    yield from (f"{each['plaats']}: {each['reden']}" for each in seen.get("bevindingen") or ())

