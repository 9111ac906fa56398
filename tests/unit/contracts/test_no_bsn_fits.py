"""No field that a sender fills takes a bare BSN, but the one that is meant for it; whatever the field is called."""

from collections.abc import Iterator

import pytest

from contracts import catalogue, shape
from contracts.envelope import Envelope
from contracts.identity import is_bsn
from contracts.kinds.fields import Bsn, FreeText, Ident, Leaf, Matched, RuleContext, Trait, leerbedrijf_id, telephone
from contracts.kinds.objects import DataSchema, Items, Part
from tests import samples
from tests.unit.contracts.test_kind_rules import TODAY, faults_of

BSNS = ("999990342", "999991772", "012345672", "123456782")
WRITTEN = tuple(
    form.format(*bsn) for bsn in BSNS for form in ("{}{}{}{}{}{}{}{}{}", "{}{}{}{} {}{} {}{}{}", "{}{}{}-{}{}{}-{}{}{}")
)
KINDS = [pytest.param(kind, id=kind.name) for kind in catalogue.all_kinds() if not kind.by_hub]
TELEPHONE = telephone(Trait())
DIALLED = (
    *("0612345678", "06-12345678", "06 12 34 56 78", "010-1234567", "0101234567", "0343 123456", "088-1234567"),
    *("0800-1234", "0900 12345678"[:9], "08001234567", "14 010", "14 0343", "+31612345678", "+31 6 12345678"),
    *("+32 9 123 45 67", "0032 9 123 45 67", "+49 2821 123456", "+491512345678901"),
)


def leaves(schema: DataSchema, path: str = "") -> Iterator[tuple[str, Leaf]]:
    for name, field in schema.fields.items():
        inner = field.item if isinstance(field, Items) else field
        if isinstance(inner, Part):
            yield from leaves(inner.inner, f"{path}{name}.")
        else:
            assert isinstance(inner, Leaf)
            yield f"{path}{name}", inner


def takes(field: Leaf, value: str) -> bool:
    return field.fault(value) is None and field.rule(value, RuleContext(TODAY)) is None


def test_the_numbers_of_this_test_pass_the_11_proef() -> None:
    assert all(map(is_bsn, BSNS))


@pytest.mark.parametrize("kind", KINDS)
def test_a_bare_bsn_fits_in_no_field_but_its_own(kind: catalogue.Kind) -> None:
    for form in kind.shapes():
        for name, field in leaves(form):
            # Of an id only the bare number is looked at: 2026-00123 is nine digits too.
            written = BSNS if isinstance(field, Ident) else WRITTEN
            taken = [value for value in written if takes(field, value)]
            assert taken == (list(BSNS) if isinstance(field, Bsn) else []), name


def test_control_a_field_of_nine_digits_is_found() -> None:
    assert takes(Matched("[0-9]{9}", 9), BSNS[0])
    assert takes(Matched(r"\+?[0-9](?:[ -]?[0-9]){5,14}", 31), WRITTEN[1])


def test_nor_in_an_attribute_of_the_event_that_travels() -> None:
    # `id` and `traject` are ids, which a rule of the envelope looks at; `type` is one of the catalogue; `dataschema`
    # and `tracestate` never travel.
    apart = {"id", "traject", "type", "dataschema", "tracestate", "data"}
    for name, field in leaves(Envelope()):
        assert name in apart or not any(takes(field, value) for value in WRITTEN), name
    for name in ("id", "traject"):
        assert faults_of("voortgang", samples.voortgang(), **{name: BSNS[0]}) == {(name, "BSN_IN_KENMERK")}


@pytest.mark.parametrize("number", DIALLED)
def test_a_telephone_number_as_people_write_it_fits(number: str) -> None:
    assert TELEPHONE.fault(number) is None


@pytest.mark.parametrize(
    "number", [*WRITTEN, "+999990342", "0012345672", "061234567", "06123456789", "12345678", "+31 6123456", "0-"]
)
def test_no_other_number_does(number: str) -> None:
    assert TELEPHONE.fault(number) is not None


def test_both_shapes_say_the_same_of_telephone_and_leerbedrijf() -> None:
    for value, name in [(v, "PATROON") for v in WRITTEN] + [(v, None) for v in DIALLED]:
        data = samples.geplaatst()
        data["contact"] = data["contact"] | {"telefoon": value}
        event = samples.valid_events()["geplaatst"] | {"data": data}
        kind = catalogue.by_type(event["type"])
        assert kind is not None
        expected = {("data.contact.telefoon", "PATROON")} if name else set()
        assert faults_of("geplaatst", data) == expected
        assert shape.fits(Envelope(), kind, event) is not bool(name)


@pytest.mark.parametrize("real", ["100077736", "100438765"])
def test_a_leerbedrijf_that_sbb_numbered_fits(real: str) -> None:
    assert leerbedrijf_id().fault(real) is None


def test_free_text_keeps_every_trait_but_the_roles() -> None:
    given = Trait(workplace=True, location=True, rows=False)
    kept = FreeText(20, trait=given).trait
    assert (kept.workplace, kept.location, kept.rows) == (True, True, False)
    assert FreeText(20, trait=Trait(rows=True)).trait.location is False
