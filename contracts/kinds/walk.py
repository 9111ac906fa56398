"""Walks through a message along its schema: rules, the kandidaatRef, placements."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from contracts.errors import Fault
from contracts.kinds.fields import Leaf, Ref, RuleContext
from contracts.kinds.objects import DataSchema, Items, Part

PLACEMENT = "plaatsingId"


def faults(schema: DataSchema, data: Mapping[str, Any], context: RuleContext, path: str = "data") -> list[Fault]:
    """What breaks the rule of a field or of an object inside; ``data`` must have the shape of ``schema``."""
    found: list[Fault] = []
    _object_faults(schema, data, context, path, found)
    return found


def fault(path: str, text: str) -> Fault:
    """A fault from the form ``CODE|reason``."""
    code, _, reason = text.partition("|")
    return Fault(path, code, reason)


def _object_faults(
    schema: DataSchema, data: Mapping[str, Any], context: RuleContext, path: str, found: list[Fault]
) -> None:
    own = schema.rule(data, context)
    if own is not None:
        found.append(fault(path, own))
    known = schema.fields
    for name, value in data.items():
        field = known[name]
        if isinstance(field, Leaf):
            text = field.rule(value, context)
            if text is not None:
                found.append(fault(f"{path}.{name}", text))
        elif isinstance(field, Part):
            _object_faults(field.inner, value, context, f"{path}.{name}", found)
        elif isinstance(field, Items):
            _item_faults(field.item, value, context, f"{path}.{name}", found)


def _item_faults(item: Leaf | Part, values: list[Any], context: RuleContext, path: str, found: list[Fault]) -> None:
    for index, value in enumerate(values):
        if isinstance(item, Part):
            _object_faults(item.inner, value, context, f"{path}[{index}]", found)
        else:
            text = item.rule(value, context)
            if text is not None:
                found.append(fault(f"{path}[{index}]", text))


def replace_refs(schema: DataSchema, data: Mapping[str, Any], ref: str) -> dict[str, Any]:
    """A copy in which every kandidaatRef, at any depth, is ``ref``; parts that can hold none are shared."""
    held = _holding_refs(schema)
    return {name: _replaced(schema.fields[name], value, ref) if name in held else value for name, value in data.items()}


@cache
def _holding_refs(schema: DataSchema) -> frozenset[str]:
    return frozenset(name for name, field in schema.fields.items() if _can_hold_ref(field))


def _can_hold_ref(field: Any) -> bool:
    inner = field.item if isinstance(field, Items) else field
    return bool(_holding_refs(inner.inner)) if isinstance(inner, Part) else isinstance(inner, Ref)


def _replaced(field: Any, value: Any, ref: str) -> Any:
    if isinstance(field, Ref):
        return ref
    if isinstance(field, Part):
        return replace_refs(field.inner, value, ref)
    if isinstance(field, Items):
        return [_replaced(field.item, item, ref) for item in value]
    return value


def placements(value: Any) -> Iterator[str]:
    """Every ``plaatsingId`` in a message, at any depth."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name == PLACEMENT and isinstance(inner, str):
                yield inner
            else:
                yield from placements(inner)
    elif isinstance(value, list):
        for item in value:
            yield from placements(item)


def objects(
    schema: DataSchema, data: Mapping[str, Any], path: str, wanted: type[DataSchema]
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each object of the ``wanted`` schema inside, with its path."""
    if isinstance(schema, wanted):
        yield path, data
    for name, value in data.items():
        field = schema.fields[name]
        if isinstance(field, Part):
            yield from objects(field.inner, value, f"{path}.{name}", wanted)
        elif isinstance(field, Items) and isinstance(field.item, Part):
            for index, item in enumerate(value):
                yield from objects(field.item.inner, item, f"{path}.{name}[{index}]", wanted)
