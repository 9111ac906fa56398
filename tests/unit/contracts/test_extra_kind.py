"""A new kind is a schema and a line in a list: read, view, minimise and publish take it without change."""

from datetime import date
from typing import Any

import jsonschema_rs
import pytest

from contracts import catalogue, envelope
from contracts.errors import KindUnknown, MessageInvalid
from contracts.identity import Category, Purpose, Role
from contracts.kinds.base import LB, MBO, SOB, SOC_K, Flow, Kind
from contracts.kinds.fields import Choice, Day, FreeText, Ident, Trait, Whole
from contracts.kinds.objects import DataSchema, Items, Part
from contracts.kinds.parts import LEERVOORTGANG, VerstrekenPeriode
from contracts.minimise import Context, minimise, view
from tests import samples

TODAY = date.fromisoformat(samples.TODAY)


class Criterium(DataSchema):
    code = Ident(required=True)
    huidig = Whole(1, 5, required=True)
    doel = Whole(1, 5, required=True)


class Volwassenheid(DataSchema):
    """About no person: how far a region is."""

    metingId = Ident(required=True)
    datum = Day(required=True)
    criteria = Items(Part(Criterium), 18, required=True)


class Leerdoel(DataSchema):
    id = Ident(required=True)
    plaatsingId = Ident()
    streefdatum = Day(planned=True)


class Pop(DataSchema):
    """With rows of several placements."""

    popId = Ident(required=True)
    periode = Part(VerstrekenPeriode, trait=LEERVOORTGANG)
    leerdoel = Items(Part(Leerdoel), 60, required=True, trait=Trait(Category.LEERVOORTGANG, rows=True))


class Vraag(DataSchema):
    """With free text."""

    code = Choice("overleg spoed", required=True, trait=Trait(Category.CONTACT))
    tekst = FreeText(280, trait=Trait(Category.CONTACT))


REGION = Kind(
    name="volwassenheid.gemeld",
    flows=(Flow(frozenset(Role), frozenset(Role), frozenset({Purpose.STUURINFORMATIE})),),
    schema=Volwassenheid(),
    about_person=False,
)
PLAN = Kind(
    name="pop.vastgesteld",
    flows=(Flow(SOB, MBO | SOC_K | LB, frozenset({Purpose.TRAJECTBEGELEIDING, Purpose.OPLEIDEN})),),
    schema=Pop(),
    needs=frozenset({Category.LEERVOORTGANG}),
)
QUESTION = Kind(
    name="vraag.gesteld",
    flows=(Flow(SOB | MBO | SOC_K, SOB | MBO | SOC_K, frozenset({Purpose.TRAJECTBEGELEIDING})),),
    schema=Vraag(),
    needs=frozenset({Category.CONTACT}),
)
KINDS = catalogue.registry((*catalogue.all_kinds(), REGION, PLAN, QUESTION))


def read(kind: Kind, subject: str | None, data: dict[str, Any], **extra: Any) -> envelope.Message:
    event = samples.event(kind.type, samples.ONTWIKKELBEDRIJF, subject, data, **extra)
    return envelope.read(samples.raw(event), TODAY, KINDS)


def test_a_kind_about_no_person_needs_no_subject_and_takes_none() -> None:
    data = {"metingId": "m-1", "datum": "2026-11-01", "criteria": [{"code": "P1", "huidig": 2, "doel": 4}]}
    message = read(REGION, None, data)
    assert message.subject is None
    assert message.purpose is Purpose.STUURINFORMATIE
    found = view(message, Context(Role.WOONZORG, Role.GEMEENTE))
    assert found is not None
    assert (found.data, found.required, found.optional) == (data, frozenset(), frozenset())
    assert minimise(found, REGION, frozenset()).data == data
    assert "subject" not in envelope.outbound(message, found.data, None, 1)
    assert envelope.reopen(message.canonical(), KINDS) == message
    with pytest.raises(MessageInvalid):
        read(REGION, samples.REF, data)
    with pytest.raises(MessageInvalid):
        read(REGION, None, data | {"datum": "2027-01-01"})


def test_it_exists_only_where_it_is_registered() -> None:
    event = samples.event(REGION.type, samples.MBO, None, {})
    with pytest.raises(KindUnknown):
        envelope.read(samples.raw(event), TODAY)
    with pytest.raises(ValueError, match="twee berichttypen"):
        catalogue.registry((REGION, Kind(name=REGION.name, flows=(), schema=Vraag())))


def test_each_workplace_gets_its_own_rows_of_a_plan() -> None:
    rows = [{"id": "a", "plaatsingId": "p-1"}, {"id": "b", "plaatsingId": "p-2"}, {"id": "c"}]
    message = read(PLAN, samples.REF, {"popId": "pop-1", "leerdoel": rows}, doel="opleiden")
    for placements, ids in (({"p-1"}, ["a"]), ({"p-1", "p-2"}, ["a", "b"])):
        found = view(message, Context(Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP, frozenset(placements)))
        assert found is not None
        assert [row["id"] for row in found.data["leerdoel"]] == ids
        schema = catalogue.json_schema(PLAN, Role.KRINGLOOP)
        assert jsonschema_rs.Draft202012Validator(schema).is_valid(found.data)
    school = view(message, Context(Role.ONTWIKKELBEDRIJF, Role.MBO))
    assert school is not None
    assert len(school.data["leerdoel"]) == 3
    assert view(message, Context(Role.ONTWIKKELBEDRIJF, Role.KRINGLOOP, frozenset({"p-9"}))) is None


def test_free_text_never_reaches_a_workplace_or_a_gemeente_and_never_holds_a_bsn() -> None:
    message = read(QUESTION, samples.REF, {"code": "overleg", "tekst": "Kan dit morgen?"})
    for role, expected in ((Role.MBO, {"code", "tekst"}), (Role.KRINGLOOP, {"code"})):
        found = view(message, Context(Role.ONTWIKKELBEDRIJF, role))
        assert found is not None
        assert set(found.data) == expected
        assert set(catalogue.json_schema(QUESTION, role)["properties"]) == expected
    with pytest.raises(MessageInvalid) as caught:
        read(QUESTION, samples.REF, {"code": "overleg", "tekst": "Het gaat om 9999 90 342"})
    assert [fault.code for fault in caught.value.faults] == ["BSN_IN_TEKST"]


class Verslag(DataSchema):
    verslagId = Ident(required=True)
    plaatsingId = Ident()
    beheersing = Choice("zelfstandig", required=True, trait=LEERVOORTGANG)
    leerbedrijf = Ident(required=True, trait=Trait(Category.LEERVOORTGANG, workplace=True))


def test_a_workplace_that_a_sender_must_name_may_be_missing_at_the_receiver() -> None:
    kind = Kind(
        name="verslag.gemaakt",
        flows=(Flow(SOB, MBO, frozenset({Purpose.OPLEIDEN})),),
        schema=Verslag(),
        needs=frozenset({Category.LEERVOORTGANG}),
        results=True,
    )
    event = samples.event(
        kind.type,
        samples.ONTWIKKELBEDRIJF,
        samples.REF,
        {"verslagId": "v", "plaatsingId": "p-1", "beheersing": "zelfstandig", "leerbedrijf": "zorghuis"},
    )
    message = envelope.read(samples.raw(event), TODAY, catalogue.registry((kind,)))
    found = view(message, Context(Role.ONTWIKKELBEDRIJF, Role.MBO, frozenset(), frozenset({"p-1"})))
    assert found is not None
    assert set(found.data) == {"verslagId", "plaatsingId", "beheersing"}
    assert jsonschema_rs.Draft202012Validator(catalogue.json_schema(kind, Role.MBO)).is_valid(found.data)
    assert "leerbedrijf" in catalogue.json_schema(kind)["required"]
