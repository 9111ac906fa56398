"""All kinds of message by their type, the JSON Schema of each, and the matrix of what a receiver gets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from contracts import shape
from contracts.identity import Category, Role
from contracts.kinds import (
    dagbesteding,
    doorstroom,
    goed_werknemerschap,
    kandidaat,
    kennisgeving,
    leerwerkplek,
    praktijkverklaring,
    traject,
    voortgang,
    werkproces,
)
from contracts.kinds.base import Kind
from contracts.kinds.objects import DataSchema, Items, Part, trait

#: A new subject is a module with ``KINDS``, named here; nothing else changes.
_MODULES: Final = (
    kandidaat,
    leerwerkplek,
    voortgang,
    werkproces,
    praktijkverklaring,
    goed_werknemerschap,
    dagbesteding,
    doorstroom,
    traject,
    kennisgeving,
)

Registry = Mapping[str, Kind]


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of one kind for one receiver role. ``needed``: without its category the message does not go."""

    kind: str
    receiver: Role
    field: str
    category: Category | None
    needed: bool


def registry(kinds: Iterable[Kind]) -> Registry:
    """Kinds by full type; raises ``ValueError`` when two have the same one."""
    by_type: dict[str, Kind] = {}
    for kind in kinds:
        if by_type.setdefault(kind.type, kind) is not kind:
            raise ValueError(f"twee berichttypen heten {kind.type}")
    return MappingProxyType(by_type)


@cache
def standard() -> Registry:
    """The kinds of the catalogue."""
    return registry(kind for module in _MODULES for kind in module.KINDS)


def all_kinds() -> tuple[Kind, ...]:
    """Every kind, in the order of the catalogue."""
    return tuple(standard().values())


def by_type(type_: str) -> Kind | None:
    """The kind with this full type, if there is one."""
    return standard().get(type_)


def by_name(name: str) -> Kind | None:
    """The kind with this full type, or with this short name (``voortgang.gemeld``)."""
    return by_type(name) or next((kind for kind in all_kinds() if kind.name == name), None)


@cache
def closing() -> frozenset[str]:
    """Short names of the kinds that end a traject."""
    return frozenset(kind.name for kind in all_kinds() if kind.closes)


def json_schema(kind: Kind, receiver: Role | None = None) -> dict[str, Any]:
    """JSON Schema (Draft 2020-12) of ``data`` as sent (``None``) or as a receiver of that role may get it."""
    return shape.json_schema(kind, receiver)


def matrix(kind: Kind, receiver: Role) -> list[Cell]:
    """Field by field what a receiver of that role may get of this kind (AVG art. 5(1)(c))."""
    return [
        Cell(kind.name, receiver, path, category, category is None or category in kind.needed(receiver))
        for schema in kind.shapes(receiver)
        for path, category in _leaves(schema, receiver, "", None)
    ]


def _leaves(
    schema: DataSchema, receiver: Role, path: str, inherited: Category | None
) -> Iterator[tuple[str, Category | None]]:
    for name, field in schema.fields.items():
        if not shape.reaches(trait(field), receiver):
            continue
        category = shape.category_of(field, inherited)
        inner = field.item if isinstance(field, Items) else field
        here = f"{path}.{name}" if path else name
        here = f"{here}[]" if isinstance(field, Items) else here
        if isinstance(inner, Part):
            yield from _leaves(inner.inner, receiver, here, category)
        else:
            yield here, category
