"""A receiver gets its part and no more: by category, by row, by detail, and never that a placement is one of care."""

import copy
import json
from datetime import date
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import catalogue, envelope
from contracts.envelope import Message, Source
from contracts.identity import Category, KandidaatRef, Oin, Purpose, Role
from contracts.kinds.base import Kind
from contracts.kinds.objects import DataSchema
from contracts.minimise import Context, View, address, minimise, placement_ids, view
from tests import samples
from tests.unit.contracts import strategies

TODAY = date.fromisoformat(samples.TODAY)
EVENTS = samples.valid_events()
C = Category


def message(name: str, data: dict[str, Any] | None = None) -> Message:
    event = EVENTS[name] if data is None else EVENTS[name] | {"data": data}
    return envelope.read(samples.raw(event), TODAY)


def seen(name: str, sender: Role, receiver: Role, data: dict[str, Any] | None = None, **context: Any) -> View:
    found = view(message(name, data), Context(sender, receiver, **context))
    assert found is not None
    return found


def names(value: Any) -> set[str]:
    """Every field name at any depth."""
    if isinstance(value, dict):
        return set(value).union(*(names(inner) for inner in value.values()))
    return set().union(*(names(item) for item in value)) if isinstance(value, list) else set()


def test_a_school_does_not_learn_of_a_benefit_nor_of_a_bsn() -> None:
    found = seen("voorgedragen", Role.ONTWIKKELBEDRIJF, Role.MBO)
    assert not names(found.data) & {"bsn", "opdrachtgever", "wettelijkKader", "reintegratievoorziening"}
    assert found.required == {C.IDENTITEIT}
    assert found.optional == {C.CONTACT, C.OPLEIDING, C.INZETBAARHEID, C.MEDEWERKER, C.BSN}
    gone = minimise(found, message("voorgedragen").kind, found.required | found.optional - {C.BSN})
    assert gone.left_out == {C.BSN}  # the sender is told


def test_an_ontwikkelbedrijf_gets_the_bsn_only_when_it_is_allowed() -> None:
    found = seen("voorgedragen", Role.GEMEENTE, Role.ONTWIKKELBEDRIJF)
    kind = message("voorgedragen").kind
    assert C.BSN in found.optional
    everything = found.required | found.optional
    assert minimise(found, kind, everything).data["kandidaat"]["bsn"] == samples.BSN
    assert "bsn" not in minimise(found, kind, everything - {C.BSN}).data["kandidaat"]


def test_optional_categories_go_and_needed_ones_may_not() -> None:
    found = seen("geplaatst", Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP)
    kind = message("geplaatst").kind
    assert found.required == {C.IDENTITEIT, C.LEERVOORTGANG}
    assert found.optional == {C.CONTACT, C.INZETBAARHEID, C.MEDEWERKER}
    least = minimise(found, kind, found.required)
    assert least.left_out == found.optional
    assert not names(least.data) & {"contact", "werkafspraken", "maxUrenPerDag", "telefoon"}
    some = minimise(found, kind, found.required | {C.CONTACT})
    assert set(some.data["contact"]) == {"telefoon", "bereikbaar"}
    for needed in found.required:
        with pytest.raises(ValueError, match="noodzakelijke"):
            minimise(found, kind, (found.required | found.optional) - {needed})
    assert EVENTS["geplaatst"]["data"] == samples.geplaatst(), "nothing is changed in place"


def test_a_gemeente_gets_the_totals_of_a_period_and_of_a_decision_the_fact() -> None:
    totals = seen("voortgang-periode", Role.ONTWIKKELBEDRIJF, Role.GEMEENTE)
    assert set(totals.data) == {"meldingId", "plaatsingId", "periode", "totalen"}
    assert view(message("voortgang"), Context(Role.ONTWIKKELBEDRIJF, Role.GEMEENTE)) is None
    assert view(message("voortgang-periode"), Context(Role.ONTWIKKELBEDRIJF, Role.MBO)) is None
    fact = seen("besloten", Role.MBO, Role.GEMEENTE)
    assert set(fact.data) == {"aanvraagId", "besluit", "datum"}
    assert set(seen("besloten", Role.MBO, Role.ONTWIKKELBEDRIJF).data) == set(samples.besloten())


def test_a_role_that_no_flow_names_gets_nothing() -> None:
    for name in EVENTS:
        kind = message(name).kind
        for role in set(Role) - kind.receiver_roles:
            assert view(message(name), Context(next(iter(kind.sender_roles)), role)) is None


def test_a_workplace_gets_its_own_rows_only() -> None:
    rows = [
        {"code": "B1-K1-W1", "plaatsingId": "plaatsing-1"},
        {"code": "B1-K1-W2", "plaatsingId": "plaatsing-2"},
        {"code": "B1-K1-W3", "plaatsingId": "plaatsing-3"},
        {"code": "P1-K1-W1"},
    ]
    data = samples.geplaatst(werkproces=rows)
    found = seen(
        "geplaatst",
        Role.ONTWIKKELBEDRIJF,
        Role.KRINGLOOP,
        data,
        own_placements=frozenset({"plaatsing-3", "plaatsing-9"}),
    )
    assert [row["code"] for row in found.data["werkproces"]] == ["B1-K1-W1", "B1-K1-W3", "P1-K1-W1"]
    assert len(seen("geplaatst", Role.ONTWIKKELBEDRIJF, Role.MBO, data).data["werkproces"]) == 4
    others = samples.geplaatst(werkproces=rows[1:2])
    assert "werkproces" not in seen("geplaatst", Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP, others).data


def test_everything_from_or_to_woonzorg_is_also_health_data() -> None:
    assert C.GEZONDHEID in seen("geplaatst", Role.ONTWIKKELBEDRIJF, Role.WOONZORG).required
    assert C.GEZONDHEID in seen("deelname", Role.WOONZORG, Role.ONTWIKKELBEDRIJF).required
    assert C.GEZONDHEID not in seen("deelname", Role.KRINGLOOP, Role.ONTWIKKELBEDRIJF).required
    assert C.GEZONDHEID in seen("voortgang", Role.WOONZORG, Role.ONTWIKKELBEDRIJF).required
    assert C.GEZONDHEID not in seen("voortgang", Role.KRINGLOOP, Role.ONTWIKKELBEDRIJF).required


def test_a_placement_at_woonzorg_is_health_data_to_others_too() -> None:
    care = frozenset({"plaatsing-1"})
    for receiver in (Role.MBO, Role.GEMEENTE):
        assert C.GEZONDHEID in seen("geplaatst", Role.ONTWIKKELBEDRIJF, receiver, care_placements=care).required
        assert C.GEZONDHEID not in seen("geplaatst", Role.ONTWIKKELBEDRIJF, receiver).required
    assert C.GEZONDHEID in seen("voortgang", Role.KRINGLOOP, Role.ONTWIKKELBEDRIJF, care_placements=care).required


@pytest.mark.parametrize("name", ["beoordeeld", "aangevraagd", "voortgang"])
def test_results_from_woonzorg_are_passed_on_without_the_workplace(name: str) -> None:
    care = frozenset({"plaatsing-1"})
    found = seen(name, Role.ONTWIKKELBEDRIJF, Role.MBO, care_placements=care)
    assert C.GEZONDHEID not in found.required | found.optional
    assert not names(found.data) & {"leerbedrijfId", "praktijkopleider", "leerbedrijf", "contact"}
    text = json.dumps(found.data)
    assert "100077736" not in text
    assert "Kim Voorbeeld" not in text
    open_ = seen(name, Role.ONTWIKKELBEDRIJF, Role.MBO, care_placements=frozenset({"plaatsing-2"}))
    assert open_.data == EVENTS[name]["data"], "control: elsewhere the workplace may be named"


def test_a_result_without_a_placement_may_be_one_of_care() -> None:
    care = frozenset({"plaatsing-7"})
    for name, data in (("beoordeeld", samples.beoordeeld(None)), ("aangevraagd", samples.aangevraagd(plaatsing=None))):
        hidden = seen(name, Role.ONTWIKKELBEDRIJF, Role.MBO, data, care_placements=care)
        assert not names(hidden.data) & {"leerbedrijfId", "praktijkopleider"}
        assert "praktijkopleider" in names(seen(name, Role.ONTWIKKELBEDRIJF, Role.MBO, data).data)


def test_in_one_request_only_the_rows_of_care_hide_their_workplace() -> None:
    row = samples.aangevraagd()["werkprocessen"][0]
    data = samples.aangevraagd(werkprocessen=[row, row | {"code": "B1-K1-W2", "plaatsingId": "plaatsing-2"}])
    found = seen("aangevraagd", Role.ONTWIKKELBEDRIJF, Role.MBO, data, care_placements=frozenset({"plaatsing-2"}))
    first, second = found.data["werkprocessen"]
    assert "praktijkopleider" in first["beoordeling"]
    assert "praktijkopleider" not in second["beoordeling"]
    assert found.data["leerbedrijfId"] == "100077736"


def test_every_ref_inside_becomes_the_receivers_own() -> None:
    for name in ("voorgedragen", "geplaatst", "aangevraagd"):
        found = message(name)
        sent = address(found.kind, found.data, KandidaatRef(samples.OTHER_REF))
        assert samples.REF not in json.dumps(sent)
        assert json.dumps(sent) == json.dumps(found.data).replace(samples.REF, samples.OTHER_REF)
        assert samples.REF in json.dumps(found.data), "nothing is changed in place"


def test_placements_are_found_at_any_depth() -> None:
    assert placement_ids(message("geplaatst").kind, samples.geplaatst()) == {"plaatsing-1"}
    data = samples.aangevraagd()
    data["werkprocessen"][0]["tussenresultaten"][0]["plaatsingId"] = "plaatsing-5"
    assert placement_ids(message("aangevraagd").kind, data) == {"plaatsing-1", "plaatsing-5"}
    assert placement_ids(message("besloten").kind, samples.besloten()) == frozenset()


def test_a_message_without_a_needed_field_still_needs_its_category() -> None:
    """Empty means no: a presentation without a name is about somebody all the same."""
    bare = {"voordrachtId": "v", "kandidaat": {"kandidaatRef": samples.REF}}
    found = seen("voorgedragen", Role.GEMEENTE, Role.ONTWIKKELBEDRIJF, bare)
    assert found.required == {C.IDENTITEIT}
    with pytest.raises(ValueError, match="noodzakelijke"):
        minimise(found, message("voorgedragen").kind, frozenset())


@pytest.mark.parametrize("reason", ["uitstroom", "verhuisd", "overgedragen", "gestopt", "overleden"])
@pytest.mark.parametrize("role", sorted(set(Role) - {Role.REGIO}))
def test_only_the_opdrachtgever_learns_why_a_traject_ended(role: Role, reason: str) -> None:
    """It has a use for the reason as a gemeente or an ontwikkelbedrijf; nobody else ever gets it."""
    data = samples.beeindigd(reden=reason)
    told = role in {Role.GEMEENTE, Role.ONTWIKKELBEDRIJF}
    own = seen("beeindigd", Role.ONTWIKKELBEDRIJF, role, data, client=True)
    other = seen("beeindigd", Role.ONTWIKKELBEDRIJF, role, data)
    assert own.data == data | ({} if told else {"reden": "beeindigd"})
    assert other.data == data | {"reden": "beeindigd"}
    published = catalogue.json_schema(message("beeindigd").kind, role)["properties"]["reden"]["enum"]
    assert (reason in published) is told and "beeindigd" in published


def _made(kind: Kind, data: dict[str, Any]) -> Message:
    purpose = sorted(kind.purposes)[0]
    return Message("i", Source(Oin(samples.MBO), "s"), kind, None, Purpose(purpose), None, None, data, {})


_FORMS = [
    pytest.param(kind, form, role, id=f"{kind.name}-{number}-{role}")
    for kind in catalogue.all_kinds()
    for role in sorted(kind.receiver_roles)
    for number, form in enumerate(kind.shapes(role))
]


@pytest.mark.parametrize(("kind", "form", "role"), _FORMS)
def test_what_goes_out_always_fits_the_schema_of_its_receiver(kind: Kind, form: DataSchema, role: Role) -> None:
    published = jsonschema_rs.Draft202012Validator(catalogue.json_schema(kind, role), validate_formats=True)

    @given(st.data())
    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def check(data: st.DataObject) -> None:
        payload = data.draw(strategies.objects(form))
        before = copy.deepcopy(payload)
        ids = [*sorted(placement_ids(kind, payload)), "elders"]
        some = st.frozensets(st.sampled_from(ids))
        sender = data.draw(st.sampled_from(sorted(kind.sender_roles)))
        context = Context(sender, role, data.draw(some), data.draw(some), client=data.draw(st.booleans()))
        found = view(_made(kind, payload), context)
        if found is None:
            return
        assert found.required
        assert not found.required & found.optional
        allowed = found.required | data.draw(st.frozensets(st.sampled_from(sorted(Category))))
        out = minimise(found, kind, allowed)
        assert published.is_valid(out.data)
        assert out.left_out == found.optional - allowed
        again = view(_made(kind, dict(out.data)), context)
        assert again is not None
        assert not (again.required | again.optional) - allowed - kind.needed(role)
        assert payload == before

    check()


def test_the_matrix_names_every_field_of_the_schema_of_a_role() -> None:
    kind = message("geplaatst").kind
    cells = {cell.field: cell for cell in catalogue.matrix(kind, Role.KRINGLOOP)}
    assert cells["contact.telefoon"].category is C.CONTACT
    assert not cells["contact.telefoon"].needed
    assert cells["kandidaat.roepnaam"].category is C.IDENTITEIT
    assert cells["kandidaat.roepnaam"].needed
    assert "contact.telefoon" not in {cell.field for cell in catalogue.matrix(kind, Role.GEMEENTE)}
    assert cells["werkproces[].code"].category is C.LEERVOORTGANG


#: The categories of the catalogue, per kind; each field's category must be one of its kind's.
CATEGORIES = {
    "kandidaat.voorgedragen": {C.IDENTITEIT, C.CONTACT, C.OPLEIDING, C.INZETBAARHEID, C.MEDEWERKER, C.BSN},
    "leerwerkplek.geplaatst": {C.IDENTITEIT, C.CONTACT, C.LEERVOORTGANG, C.INZETBAARHEID, C.MEDEWERKER},
    "voortgang.gemeld": {C.LEERVOORTGANG},
    "werkproces.beoordeeld": {C.BEOORDELING, C.MEDEWERKER},
    "praktijkverklaring.aangevraagd": {C.IDENTITEIT, C.OPLEIDING, C.LEERVOORTGANG, C.BEOORDELING, C.MEDEWERKER},
    "praktijkverklaring.besloten": {C.BEOORDELING, C.MEDEWERKER},
    "goed-werknemerschap.aangevraagd": {C.BEOORDELING},
    "goed-werknemerschap.uitgereikt": {C.BEOORDELING},
    "dagbesteding.deelname-gemeld": {C.LEERVOORTGANG},
    "traject.beeindigd": {C.INZETBAARHEID},
    "doorstroom.gemeld": {C.OPLEIDING, C.INZETBAARHEID, C.UITKERING},
}


def test_categories_are_those_of_the_catalogue() -> None:
    for kind in catalogue.all_kinds():
        if kind.by_hub:
            continue
        cells = [cell for role in kind.receiver_roles for cell in catalogue.matrix(kind, role)]
        assert {cell.category for cell in cells} - {None} == CATEGORIES[kind.name], kind.name
        bare = {cell.field.split(".")[-1] for cell in cells if cell.category is None}
        assert all(name in {"kandidaatRef", "trajectId"} or name.endswith("Id") for name in bare), bare
