"""The compiled shape and the explaining shape accept and refuse the same messages."""

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import catalogue, envelope, shape
from contracts.identity import Role
from contracts.kinds.base import Kind
from contracts.kinds.fields import Choice, Matched, Text
from contracts.kinds.objects import DataSchema
from tests import samples
from tests.unit.contracts import strategies

KINDS = [pytest.param(kind, id=kind.name) for kind in catalogue.all_kinds()]
FORMS = [(kind, form) for kind in catalogue.all_kinds() for form in kind.shapes()]
_SETTINGS = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def _compiled(kind: Kind) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(catalogue.json_schema(kind), validate_formats=True)


def _explained(kind: Kind, data: Any) -> bool:
    return not shape.explain(kind.shape(data), data, "data")


@pytest.mark.parametrize(
    ("kind", "form"), [pytest.param(*pair, id=f"{pair[0].name}-{i}") for i, pair in enumerate(FORMS)]
)
def test_both_accept_what_fits(kind: Kind, form: DataSchema) -> None:
    compiled = _compiled(kind)

    @given(strategies.objects(form))
    @settings(_SETTINGS, max_examples=40)
    def check(data: dict[str, Any]) -> None:
        assert compiled.is_valid(data)
        assert _explained(kind, data)

    check()


@pytest.mark.parametrize(
    ("kind", "form"), [pytest.param(*pair, id=f"{pair[0].name}-{i}") for i, pair in enumerate(FORMS)]
)
def test_both_say_the_same_of_what_is_broken_once(kind: Kind, form: DataSchema) -> None:
    if not form.fields:
        assert not _compiled(kind).is_valid({"x": 1})
        assert not _explained(kind, {"x": 1})
        return
    compiled = _compiled(kind)
    refused: list[bool] = []

    @given(strategies.broken(strategies.objects(form)))
    @_SETTINGS
    def check(data: dict[str, Any]) -> None:
        assert compiled.is_valid(data) is _explained(kind, data)
        refused.append(not _explained(kind, data))

    check()
    assert sum(refused) > len(refused) // 3, "the generator hardly breaks anything"


@given(strategies.broken(st.sampled_from(list(samples.valid_events().values()))))
@_SETTINGS
def test_whole_events_broken_once_are_read_alike(event: dict[str, Any]) -> None:
    kind = catalogue.by_type(event["type"]) if isinstance(event.get("type"), str) else None
    if kind is None:
        return
    data = event.get("data")
    faults = shape.explain(envelope._ENVELOPE, event)
    if isinstance(data, dict):
        faults += shape.explain(kind.shape(data), data, "data")
    assert shape.fits(envelope._ENVELOPE, kind, event) is (not faults)


@pytest.mark.parametrize("kind", KINDS)
def test_every_odd_value_in_every_field_at_the_top(kind: Kind) -> None:
    compiled = _compiled(kind)
    for form in kind.shapes():
        sample = next(
            (
                e["data"]
                for e in samples.valid_events().values()
                if e["type"] == kind.type and kind.shape(e["data"]) is form
            ),
            None,
        )
        if sample is None:
            continue
        for name in form.fields:
            for odd in strategies.ODD:
                data = sample | {name: odd}
                assert compiled.is_valid(data) is _explained(kind, data), (name, odd)


def test_a_reader_that_differs_is_found() -> None:
    """Control: with a pattern that marshmallow's own Regexp would take, the two no longer agree."""

    class Loose(Matched):
        def fault(self, value: Any) -> str | None:
            return None if isinstance(value, str) and self.compiled.match(value) else "PATROON|fout"

    class Shape(DataSchema):
        number = Loose("[0-9]{9}$", 9, required=True)

    compiled = jsonschema_rs.Draft202012Validator(shape._object(Shape(), None, None))
    data = {"number": "123456789\n"}
    assert not compiled.is_valid(data)
    assert shape.explain(Shape(), data) == []


@pytest.mark.parametrize("kind", KINDS)
def test_published_schemas_are_valid_draft_2020_12(kind: Kind) -> None:
    for role in (None, *kind.receiver_roles):
        schema = catalogue.json_schema(kind, role)
        assert schema["$schema"] == shape.DRAFT
        jsonschema_rs.meta.validate(schema)


def test_the_schema_for_a_role_leaves_out_what_is_not_for_it() -> None:
    kind = catalogue.by_name("kandidaat.voorgedragen")
    assert kind is not None
    mbo = catalogue.json_schema(kind, Role.MBO)
    assert "reintegratievoorziening" not in mbo["properties"]
    assert "bsn" not in mbo["properties"]["kandidaat"]["properties"]
    assert set(mbo["properties"]["traject"]["properties"]) == {"trajectId"}
    assert "bsn" in catalogue.json_schema(kind, Role.ONTWIKKELBEDRIJF)["properties"]["kandidaat"]["properties"]
    progress = catalogue.by_name("voortgang.gemeld")
    assert progress is not None
    assert set(catalogue.json_schema(progress, Role.GEMEENTE)["properties"]) == {
        "meldingId", "plaatsingId", "periode", "totalen",
    }  # fmt: skip
    assert catalogue.json_schema(progress, Role.KRINGLOOP)["not"] == {}


def test_a_schema_never_fetches() -> None:
    class Pointing(Choice):
        def json(self) -> dict[str, Any]:
            return {"$ref": "https://example.com/x"}

    class Shape(DataSchema):
        field = Pointing("a")

    kind = Kind(name="test.ding", flows=(), schema=Shape())
    with pytest.raises(Exception, match="verwijst nergens naar"):
        shape.fits(envelope._ENVELOPE, kind, {})


def test_text_is_bounded_everywhere() -> None:
    """Strings are bounded in length, arrays in number, numbers in size."""

    def unbounded(schema: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        if schema.get("type") == "string" and "enum" not in schema and "maxLength" not in schema:
            found.append(schema)
        if schema.get("type") == "array" and "maxItems" not in schema:
            found.append(schema)
        if schema.get("type") == "integer" and not {"minimum", "maximum"} <= set(schema):
            found.append(schema)
        if schema.get("type") == "number":
            found.append(schema)
        if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
            found.append(schema)
        for inner in (*schema.get("properties", {}).values(), *schema.get("oneOf", [])):
            found += unbounded(inner)
        return found + (unbounded(schema["items"]) if "items" in schema else [])

    for kind in catalogue.all_kinds():
        assert unbounded(catalogue.json_schema(kind)) == []
    assert unbounded({"type": "string"}), "control"
    assert Text(3).json()["maxLength"] == 3
