"""The shape of a message, told once by its marshmallow schema and used twice.

``json_schema`` writes it as JSON Schema (Draft 2020-12), which is published and which ``fits`` uses compiled;
``explain`` walks the marshmallow schema itself, only to say field by field what is wrong. Both refuse unknown fields.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import jsonschema_rs
from marshmallow import fields

from contracts.errors import Fault
from contracts.identity import Category, Role
from contracts.kinds.base import Kind
from contracts.kinds.fields import ClientCode, Leaf, Trait
from contracts.kinds.objects import DataSchema, Items, Part, trait

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
MAX_FAULTS: Final = 50  # faults told about one message
# A name that the caller made up is repeated only if it can hardly be a value: no long number, blank or first capital.
_NAMEABLE: Final = re.compile(r"[a-z][A-Za-z]{0,39}[0-9]{0,2}")
_UNKNOWN: Final = "onbekend veld"


@dataclass(frozen=True, slots=True)
class Audience:
    """For whom a schema is written: the role of the receiver and the categories that it always gets."""

    role: Role
    needs: frozenset[Category]
    hides_workplace: bool


def json_schema(kind: Kind, receiver: Role | None = None) -> dict[str, Any]:
    """JSON Schema of ``data`` as sent (``None``) or as a receiver of that role may get it."""
    audience = None if receiver is None else Audience(receiver, kind.needed(receiver), kind.results)
    forms = [_object(schema, audience, None) for schema in kind.shapes(receiver)]
    suffix = f":{receiver}" if receiver else ""
    head = {"$schema": DRAFT, "$id": f"urn:doorstroomhub:berichttype:{kind.type}{suffix}", "title": kind.type}
    if not forms:
        return head | {"not": {}}
    return head | (forms[0] if len(forms) == 1 else {"oneOf": forms})


def fits(schema: DataSchema, kind: Kind, event: Mapping[str, Any]) -> bool:
    """True when the whole event has the shape of envelope ``schema`` and ``kind``; compiled at first use."""
    return _compiled(schema, kind).is_valid(event)


def explain(schema: DataSchema, event: Any, path: str = "") -> list[Fault]:
    """What is wrong with the shape of ``event``, field by field, without any value; empty when nothing is."""
    if type(event) is not dict:
        return [Fault(path, "TYPE", "Hier hoort een object")]
    if not event and schema.at_least_one:
        return [Fault(path, "LEEG", "Hier moet ten minste één veld in staan")]
    found = _flatten(schema.validate(event), path, schema)
    return [fault for fault, _ in zip(found, range(MAX_FAULTS), strict=False)]


def category_of(field: fields.Field[Any], inherited: Category | None) -> Category | None:
    """A field's own category, else that of the object around it."""
    return trait(field).category or inherited


def reaches(own: Trait, receiver: Role) -> bool:
    """True when a receiver of that role may get the field at all."""
    return own.roles is None or receiver in own.roles


@cache
def _compiled(schema: DataSchema, kind: Kind) -> jsonschema_rs.Validator:
    # Without a retriever of our own, a `$ref` would be fetched from the network or from disk.
    event = _object(schema, None, None)
    forms = [_object(form, None, None) for form in kind.shapes()]
    event["properties"]["data"] = forms[0] if len(forms) == 1 else {"oneOf": forms}
    return jsonschema_rs.Draft202012Validator(event, validate_formats=True, retriever=_refuse)


def _refuse(_uri: str) -> Any:
    raise ValueError("een schema verwijst nergens naar")


def _object(schema: DataSchema, audience: Audience | None, inherited: Category | None) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    required: list[str] = []
    for name, field in schema.fields.items():
        if audience is not None and not reaches(trait(field), audience.role):
            continue
        category = category_of(field, inherited)
        shape = _value(field, audience, category)
        if shape is None:
            continue
        if category is not None and category is not inherited:
            shape = shape | {"x-categorie": category.value}
        properties[name] = shape
        if field.required and (audience is None or _guaranteed(field, audience, category)):
            required.append(name)
    result: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        result["required"] = required
    if schema.at_least_one:
        result["minProperties"] = 1
    return result


def _value(field: fields.Field[Any], audience: Audience | None, category: Category | None) -> dict[str, Any] | None:
    if isinstance(field, ClientCode) and audience is not None:
        return field.json_for(audience.role)
    if isinstance(field, Leaf):
        return field.json()
    if isinstance(field, Part):
        shape = _object(field.inner, audience, category)
        return shape if shape["properties"] or audience is None else None
    assert isinstance(field, Items)
    item = _value(field.item, audience, category)
    if item is None:
        return None
    shape = {"type": "array", "items": item, "minItems": field.least, "maxItems": field.most}
    return shape | {"uniqueItems": True} if field.unique else shape


def _guaranteed(field: fields.Field[Any], audience: Audience, category: Category | None) -> bool:
    """True when a field that a sender must give always reaches this audience."""
    own = trait(field)
    if not reaches(own, audience.role) or own.rows or (own.workplace and audience.hides_workplace):
        return False
    if isinstance(field, Items):
        return _guaranteed(field.item, audience, category)
    if isinstance(field, Part) and category is None:
        inner = field.inner.fields.values()
        return any(one.required and _guaranteed(one, audience, category_of(one, None)) for one in inner)
    return category is None or category in audience.needs


def _flatten(errors: Any, path: str, known: Any) -> Iterator[Fault]:
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            yield from _flatten(inner, *_step(path, key, known))
    else:
        for text in errors:
            code, _, reason = str(text).partition("|")
            yield Fault(path, code, reason)


def _step(path: str, key: Any, known: Any) -> tuple[str, Any]:
    """The path of ``key`` below ``path``, and what is known of the fields there."""
    if isinstance(key, int):
        return f"{path}[{key}]", known
    if key == "_schema":
        return path, None
    field = known.fields.get(key) if isinstance(known, DataSchema) else None
    name = key if field is not None or _NAMEABLE.fullmatch(str(key)) else _UNKNOWN
    inner = field.item if isinstance(field, Items) else field
    return f"{path}.{name}" if path else name, inner.inner if isinstance(inner, Part) else None
