"""The few marks that a letter needs. Every value is escaped here, and nowhere else."""

from collections.abc import Iterable, Sequence
from html import escape


def enumerated(names: Iterable[str]) -> str:
    """``a, b en c``."""
    *first, last = [*names] or [""]
    return f"{', '.join(first)} en {last}" if first else last


def capital(text: str) -> str:
    """With a capital first letter."""
    return text[:1].upper() + text[1:]


def quoted(text: str) -> str:
    """What somebody wrote, as the end of a sentence: with one stop, its own where it has one."""
    said = text.strip()
    return f"“{said}”" + ("" if said.endswith((".", "!", "?", "…")) else ".")


def p(text: str) -> str:
    """A paragraph."""
    return f"<p>{escape(text)}</p>"


def listed(items: Iterable[str]) -> str:
    """A list."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def table(head: Sequence[str], rows: Iterable[Sequence[Sequence[str]]]) -> str:
    """Rows of cells, each a few short paragraphs."""
    top = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return f'<table class="w{len(head)}"><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>'


def _cell(told: Sequence[str]) -> str:
    return f"<td>{''.join(map(p, told))}</td>"
