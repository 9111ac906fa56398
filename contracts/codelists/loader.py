"""Code lists: which codes were valid on a day, and where that is known from.

A list is a JSON file beside this module: ``{naam, versie, bron, licentie, geldigVan, geldigTot, waarden}`` with
``waarden: [{code, omschrijving, geldigVan?, geldigTot?, ...}]``; validity is half-open and a value without dates has
those of its list. A newer state of a list is a newer file with the same ``naam``; both stay, each with its validity.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeList:
    """One state of a list. ``values`` by code; ``document`` is the file as published."""

    name: str
    version: str
    valid_from: date
    valid_until: date | None
    values: Mapping[str, Mapping[str, Any]]
    document: Mapping[str, Any]

    def has(self, code: str, on: date) -> bool:
        """True when the code was valid on that day."""
        value = self.values.get(code)
        if value is None:
            return False
        since = date.fromisoformat(value["geldigVan"]) if "geldigVan" in value else self.valid_from
        until = date.fromisoformat(value["geldigTot"]) if value.get("geldigTot") else self.valid_until
        return since <= on and (until is None or on < until)


@cache
def _files() -> tuple[CodeList, ...]:
    folder = resources.files(__package__)
    found = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".json")), key=lambda one: one.name)
    return tuple(_read(json.loads(entry.read_text(encoding="utf-8"))) for entry in found)


def _read(document: Mapping[str, Any]) -> CodeList:
    until = document["geldigTot"]
    return CodeList(
        name=document["naam"],
        version=document["versie"],
        valid_from=date.fromisoformat(document["geldigVan"]),
        valid_until=date.fromisoformat(until) if until else None,
        values={value["code"]: value for value in document["waarden"]},
        document=document,
    )


def names() -> tuple[str, ...]:
    """The names of all lists."""
    return tuple(sorted({one.name for one in _files()}))


def states(name: str) -> tuple[CodeList, ...]:
    """Every state of a list, oldest first; empty when there is no such list."""
    return tuple(sorted((one for one in _files() if one.name == name), key=lambda one: one.valid_from))


def load(name: str) -> CodeList | None:
    """The newest state of a list."""
    found = states(name)
    return found[-1] if found else None


def known(name: str, code: str, on: date) -> bool:
    """True when some state of the list holds the code as valid on that day."""
    return any(one.has(code, on) for one in states(name))
