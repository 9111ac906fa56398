"""Hypothesis strategies made from the fields themselves, and ways to break a valid message once."""

import copy
from datetime import date
from typing import Any

from hypothesis import strategies as st
from marshmallow import fields

from contracts.kinds.fields import ID_PATTERN, REF_PATTERN, BirthDate, Choice, Day, Leaf, Matched, Text, Whole
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import VOORLETTERS

_DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)
#: Long patterns, from which Hypothesis would draw too many characters.
_EXAMPLES = {
    "[0-9a-f]{64}": ["0" * 64, "9f" * 32],
    ID_PATTERN: ["a", "a.b:c_d-1", "A" * 64],
    REF_PATTERN: ["a" * 26, "2" * 26],
    VOORLETTERS: ["S", "S.J.", "Th. B", "É"],
}

#: Values that belong nowhere or nearly fit; each was once taken by one reader and refused by another.
ODD: tuple[Any, ...] = (
    None, True, 1, -1, 10**12, "", " ", "x", "123456789\n", "\n", "١٢٣٤٥٦٧٨٩", "１２３４５６７８９", "2026-02-30",
    "20260101", "2026-01-01T00:00:00Z", "2026-W01-1", "B1-K1-W1\n", "b1-k1-w1", "P0-K1-W1", "7,5", "07.5", "7.", "1e3",
    "A" * 300, "a\u202eb", "a\u0085b", "a\u2028b", "\ufeffa", " a", "a ", "\xa0a", "0" * 64, "g" * 64, [], ["x"],
    [None], {}, {"x": 1}, {"datum": "2001-02-29"}, {"jaar": 1990, "maand": 13}, {"jaar": True}, {"onbekend": False},
    {"onbekend": 1}, {"maand": 1}, {"kandidaatRef": "a"}, "É.", "a.b.", "Á1",
)  # fmt: skip


def values(field: fields.Field[Any]) -> st.SearchStrategy[Any]:
    """Values that have the shape of a field."""
    if isinstance(field, Part):
        return objects(field.inner)
    if isinstance(field, Items):
        item = values(field.item)
        unique_by = (lambda value: value) if field.unique else None
        most = 1 if isinstance(field.item, Part) else 3
        return st.lists(item, min_size=field.least, max_size=min(field.most, most), unique_by=unique_by)
    assert isinstance(field, Leaf)
    return _leaf(field)


def _leaf(field: Leaf) -> st.SearchStrategy[Any]:
    match field:
        case Day():
            return _DAYS
        case Choice():
            return st.sampled_from(field.codes)
        case Whole():
            return st.integers(field.least, field.most)
        case BirthDate():
            year, month = st.integers(1900, 2199), st.integers(1, 12)
            return st.one_of(
                st.fixed_dictionaries({"datum": _DAYS}),
                st.fixed_dictionaries({"jaar": year, "maand": month}),
                st.fixed_dictionaries({"jaar": year}),
                st.just({"onbekend": True}),
            )
        case Text():
            return st.sampled_from(["a", "é", "Ab 1", "x-y", "ß" * field.longest])
        case Matched() if field.pattern in _EXAMPLES:
            return st.sampled_from(_EXAMPLES[field.pattern])
        case Matched():
            shaped = st.from_regex(field.compiled, fullmatch=True)
            return shaped.filter(lambda value: field.fault(value) is None)
    return st.just({})


def objects(schema: DataSchema) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that have the shape of a schema, with any choice of optional fields."""
    required = {name: values(field) for name, field in schema.fields.items() if field.required}
    optional = {name: values(field) for name, field in schema.fields.items() if not field.required}
    made = st.fixed_dictionaries(required, optional=optional)
    return made.filter(bool) if schema.at_least_one else made


@st.composite
def broken(draw: st.DrawFn, valid: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """A valid object in which one thing was changed: a field left out, added, or given an odd value."""
    made = copy.deepcopy(draw(valid))
    spots = list(_spots(made))
    container, key = draw(st.sampled_from(spots))
    if isinstance(container, dict):
        match draw(st.sampled_from(["leave out", "add", "replace"])):
            case "leave out":
                del container[key]
            case "add":
                container[
                    draw(st.sampled_from(["onbekend", "bsn", "naam", "plaatsingId", "é", "periode", "totalen"]))
                ] = 1
            case _:
                container[key] = draw(st.sampled_from(ODD))
    elif draw(st.booleans()):
        container[key] = draw(st.sampled_from(ODD))
    else:
        container.extend(container * draw(st.sampled_from([1, 70])))
    return made


def _spots(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            yield value, key
            yield from _spots(value[key])
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield value, index
            yield from _spots(item)
