"""Words and ids that people fill in, beside messages: a BSN in them is refused, and never repeated."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from marshmallow import Schema, ValidationError, fields

import hub
from contracts.errors import RequestInvalid
from hub.administration import forms
from hub.delivery.routes import Bevestigd
from hub.intake.message_schemas import Gebeurtenis
from hub.intake.problems import faults
from hub.rights import schemas
from hub.rights.consent.texts import schemas as texts
from hub.rights.erasure import schemas as erasure
from hub.rights.identity import schemas as joins
from hub.rights.limits import schemas as limits

BSN = "999990342"
IN_WORDS = f"Zie dossier {BSN[:4]}.{BSN[4:6]}.{BSN[6:]} bij ons."
WORDS: list[tuple[type[Schema], str]] = [
    (Bevestigd, "reden"),
    (limits.NieuwBezwaar, "grond"),
    (schemas.NieuweToestemming, "bevoegdheid"),
    (schemas.Intrekking, "reden"),
    (schemas.Redenering, "reden"),
    (schemas.Antwoord, "grond"),
    (schemas.Antwoord, "motivering"),
    (texts.NieuweVerklaring, "tekst"),
    (joins.NieuweSamenvoeging, "reden"),
    (joins.NieuweSplitsing, "reden"),
]
IDS: list[tuple[type[Schema], str]] = [
    (schemas.Verklaring, "id"),
    (schemas.Verklaring, "versie"),
    (limits.Opheffing, "medewerker"),
    (joins.NieuweSamenvoeging, "medewerker"),
    (joins.SplitsingBevestiging, "medewerker"),
    (erasure.NieuweWissing, "kenmerk"),
]


def found(schema: type[Schema], given: dict[str, object], name: str) -> set[str]:
    try:
        schema().load(given)
    except ValidationError as error:
        told = faults(error)
        assert all(BSN not in one.reason for one in told)
        return {one.code for one in told if one.name == name}
    return set()


@pytest.mark.parametrize(("schema", "name"), WORDS, ids=[f"{s.__name__}-{n}" for s, n in WORDS])
def test_words_are_scanned(schema: type[Schema], name: str) -> None:
    assert found(schema, {name: IN_WORDS}, name) == {"BSN_IN_TEKST"}
    assert found(schema, {name: "Zie dossier 2026-00123 bij ons."}, name) == set()


@pytest.mark.parametrize(("schema", "name"), IDS, ids=[f"{s.__name__}-{n}" for s, n in IDS])
def test_ids_are_no_bsn(schema: type[Schema], name: str) -> None:
    assert found(schema, {name: BSN}, name) == {"BSN_IN_KENMERK"}
    assert found(schema, {name: f"m{BSN}"}, name) == set()


def test_an_own_number_may_be_one_for_it_is_sealed() -> None:
    assert found(schemas.Kandidaat, {"lokaalNummer": BSN}, "lokaalNummer") == set()


def test_a_system_is_not_named_after_one() -> None:
    with pytest.raises(RequestInvalid) as refused:
        forms.system_name(BSN)
    assert [fault.code for fault in refused.value.faults] == ["BSN_IN_KENMERK"]


#: What may be a bare BSN: a BSN, an own number (sealed), a sequence (checked against those that were given out), and
#: an address (checked by a handshake).
MAY = {"Kandidaat.bsn", "Kandidaat.lokaalNummer", "LokaalNummer.lokaalNummer"}
MAY |= {"Bevestiging.tot", "Bevestigd.sequence", "Abonnement.url"}


def bodies() -> Iterator[type[Schema]]:
    """The body of every call."""
    for found in pkgutil.walk_packages(hub.__path__, "hub."):
        if found.name.endswith("routes"):
            for endpoint in getattr(importlib.import_module(found.name), "ENDPOINTS", ()):
                for body in (endpoint.body, *(endpoint.media or {}).values()):
                    if isinstance(body, type) and body is not Gebeurtenis:  # messages have a test of their own
                        yield body


def takers(schema: type[Schema]) -> Iterator[str]:
    """The fields that take a bare BSN."""
    for name, field in schema().fields.items():
        inner = field.inner if isinstance(field, fields.List) else field
        if isinstance(inner, fields.Nested):
            yield from takers(type(inner.schema))
            continue
        try:
            inner.deserialize(BSN)
        except ValidationError:
            continue
        yield f"{schema.__name__}.{name}"


def test_no_field_of_any_call_takes_a_bare_bsn_but_those_that_may() -> None:
    """Also of a form that is added later: the lists above do not know it."""
    every = set(bodies())
    assert len(every) > 20
    assert {name for body in every for name in takers(body)} == MAY
