"""One test over every connector's examples, both directions, apart from what the loss report names."""

from dataclasses import replace
from typing import Any

import pytest

from connectors import registry
from connectors._template.translate import Template
from connectors.examples import Example, differences, folder, load
from contracts.errors import NotFound

EXAMPLES = [example for connector in registry.all_connectors() for example in load(connector, folder(connector))]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.connector.name}-{e.name}")
def test_example(example: Example) -> None:
    assert differences(example) == []


@pytest.mark.parametrize("connector", registry.all_connectors(), ids=lambda c: c.name)
def test_every_mapping_has_an_example_and_every_connector_a_page(connector: Any) -> None:
    shown = {e.case["mapping"] for e in EXAMPLES if e.connector.name == connector.name}
    assert shown == set(connector.shipped())
    page = (folder(connector).parent / "README.md").read_text("utf-8")
    assert all(f"`{name}`" in page for name in connector.shipped())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: f"{e.connector.name}-{e.name}")
def test_control_a_changed_example_is_seen(example: Example) -> None:
    changed = [dict(event, subject="zzzzyyyyxxxxwwwwvvvvuuuu22") for event in example.events]
    assert differences(replace(example, events=changed)) != []
    assert differences(replace(example, native=example.native.replace(b"PL-7", b"PL-8"))) != []


def test_the_template_fails_until_it_is_filled_in() -> None:
    (example,) = load(Template(), folder(Template()))
    assert any("verplicht" in line for line in differences(example))
    more = [
        {"veld": "Wanneer", "naar": "datum", "type": "datum"},
        {"veld": "Taak", "naar": "werkprocesCode"},
        {"veld": "Omvang", "naar": "deel"},
        {"veld": "Hoe", "naar": "beheersing", "type": "code", "codes": {"met hulp": "met-hulp"}},
    ]
    filled = {**example.mapping, "velden": [*example.mapping["velden"], *more]}
    assert differences(replace(example, mapping=filled)) == []


def test_find_knows_every_connector_by_name() -> None:
    for connector in registry.all_connectors():
        assert registry.find(connector.name).name == connector.name
    with pytest.raises(NotFound):
        registry.find("template")
