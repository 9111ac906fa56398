"""The JSON-LD: every mandatory field of ISO/IEC TS 27560 is there, says what the log says, and needs no network."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from consent.receipt import document, dpv, terms
from consent.receipt.account import LATER, State
from contracts.identity import Category, LegalBasis, Purpose
from hub.rights.schemas import GIVEN_BY, MANNERS
from tests.unit.consent.receipt.receipt_room import (
    CONFIRMED,
    ID,
    NAMES,
    OTHER,
    OWN,
    RECEIVER,
    REF,
    WITHDRAWN,
    case,
    event,
    eventful,
    plain,
    statement,
)


def receipt(made: Any) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(document.write("dpv", made.evidence))
    return read


def record(made: Any) -> dict[str, Any]:
    found: dict[str, Any] = receipt(made)["dpv:hasRecordOfActivity"]
    return found


def states(made: Any) -> list[tuple[str, str]]:
    return [(one["@type"][0], one["dpv:isIndicatedAtTime"]) for one in record(made)["dpv:hasConsentStatus"]]


def test_header_and_receipt_fields() -> None:
    made = plain()
    found = receipt(made)
    assert found["@type"] == "dpv:ConsentReceipt"
    assert found["dct:conformsTo"] == "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"  # schema version
    assert found["dpv:hasIdentifier"] == made.evidence.entries[0].leaf.hex()  # receipt id: its leaf in the log
    inner = found["dpv:hasRecordOfActivity"]
    assert inner["@type"] == "dpv:ConsentRecord"
    assert inner["dpv:hasIdentifier"] == ID  # record id
    assert inner["dpv:hasDataSubject"]["dct:identifier"] == REF  # pii principal id
    assert found["dct:created"] == inner["dct:created"] == "2026-11-22T13:58:00.000Z"


def test_processing_fields() -> None:
    inner = record(plain())
    process = inner["dpv:hasProcess"]
    assert inner["dpv:hasNotice"] == {
        "@id": "urn:doorstroomhub:verklaring:sha256:" + "5" * 64,
        "@type": "dpv:ConsentNotice",
        "dct:identifier": "verklaring-b1",
        "schema:version": "2",
        "hub:sha256": "5" * 64,
        "dct:language": "nl",
    }
    assert [one["dct:identifier"] for one in process["dpv:hasPurpose"]] == ["opleiden", "trajectbegeleiding"]
    assert [one["skos:broader"] for one in process["dpv:hasPersonalData"]] == ["pd:Contact", "pd:Identifying"]
    assert inner["dpv:hasDataController"] == [f"urn:nld:oin:{OWN}", f"urn:nld:oin:{OTHER}"]
    assert process["dpv:hasRecipient"] == [f"urn:nld:oin:{RECEIVER}"]
    assert inner["dpv:hasLegalBasis"] == "eu-gdpr:A6-1-a"
    assert (inner["dpv:hasJurisdiction"], inner["dpv:hasApplicableLaw"]) == ("loc:NL", "eu-gdpr:GDPR")
    location, duration = process["dpv:hasStorageCondition"]
    assert (location["@type"], location["dpv:hasJurisdiction"]) == ("dpv:StorageLocation", "loc:NL")
    for place in (location, process["dpv:hasDataProcessingCondition"]):  # the law of the parties, not a place on earth
        assert "Waar hun systemen staan, weet de hub niet." in place["dct:description"]
    assert duration["dpv:hasDuration"] == {"@type": "dpv:UntilTimeDuration", "rdf:value": "2027-06-21T22:00:00.000Z"}
    assert inner["dpv:hasConsentControl"]["@type"] == "dpv:WithdrawConsent"
    assert {"eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A17", "eu-gdpr:A77"} <= {
        right["@type"][1] for right in inner["dpv:hasRight"]
    }
    for field in ("dpv:hasDataSource", "dpv:hasProcessing", "dpv:hasDataProcessingCondition", "dpv:hasRule"):
        assert process[field], field  # what the GDPR profile makes mandatory beside


def test_party_and_event_fields() -> None:
    inner = record(plain())
    entities = {one["dpv:hasIdentifier"]: one for one in inner["dpv:hasEntity"]}
    assert set(entities) >= {OWN, OTHER, RECEIVER}
    for oin, name in NAMES.items():
        assert entities[oin]["dpv:hasName"] == name
        assert entities[oin]["dpv:hasAddress"]
        assert entities[oin]["dpv:hasContact"]
    assert "dpv:DataController" in entities[OWN]["@type"]
    assert "dpv:Recipient" in entities[RECEIVER]["@type"]
    assert inner["dpv:hasAuthority"] in entities
    given = inner["dpv:hasConsentStatus"][0]
    assert given == {
        "@type": ["dpv:ConsentGiven", "dpv:ExpressedConsent"],
        "dct:identifier": "gegeven",
        "dpv:isIndicatedAtTime": "2026-11-22T13:50:00.000Z",
        "dpv:hasDuration": {"@type": "dpv:UntilTimeDuration", "rdf:value": "2027-06-21T22:00:00.000Z"},
        "dpv:isIndicatedBy": "dpv:DataSubject",
        "dpv:isImplementedByEntity": f"urn:nld:oin:{OWN}",
        "schema:validFrom": "2026-11-22T13:50:00.000Z",
        "dpv:hasIndicationMethod": "hub:wijze:gesprek",
    }
    for one in record(eventful())["dpv:hasConsentStatus"]:
        assert {"@type", "dpv:isIndicatedAtTime", "dpv:hasDuration", "dpv:isIndicatedBy"} <= one.keys()


TERM = "2027-06-21T22:00:00.000Z"
AT = "2026-11-22T13:50:00.000Z"
LATER_AT = "2027-02-01T09:30:00.000Z"


@pytest.mark.parametrize(
    ("payloads", "told"),
    [
        ((statement(),), [("dpv:ConsentGiven", AT), ("dpv:ConsentExpired", TERM)]),
        ((statement(vernieuwt="f" * 32),), [("dpv:RenewedConsentGiven", AT), ("dpv:ConsentExpired", TERM)]),
        ((statement(keuze="nee"),), [("dpv:ConsentRefused", AT), ("dpv:ConsentExpired", TERM)]),
        ((statement(keuze="nee", geldigTot=None),), [("dpv:ConsentRefused", AT)]),
        ((statement(), WITHDRAWN), [("dpv:ConsentGiven", AT), ("dpv:ConsentWithdrawn", LATER_AT)]),
        (
            (statement(), event("intrekking", LATER_AT, organisatie=OWN, gegevenDoor="betrokkene")),
            [("dpv:ConsentGiven", AT), ("dpv:ConsentWithdrawn", LATER_AT)],
        ),
        (
            (statement(), event("herroeping", LATER_AT, organisatie=OWN)),
            [("dpv:ConsentGiven", AT), ("dpv:ConsentRevoked", LATER_AT)],
        ),
        (
            (statement(), event("ongeldigverklaring", LATER_AT, organisatie=OWN)),
            [("dpv:ConsentGiven", AT), ("dpv:ConsentInvalidated", LATER_AT)],
        ),
        (
            (statement(soort="toestemming-gevraagd", keuze=None, gegevenOp=None, wijze=None, gegevenDoor=None),),
            [("dpv:ConsentRequested", "2026-11-22T13:58:00.000Z"), ("dpv:ConsentExpired", TERM)],
        ),
        (
            (statement(), event("intrekking", "2027-07-01T00:00:00.000Z", organisatie=OWN)),  # after its term
            [
                ("dpv:ConsentGiven", AT),
                ("dpv:ConsentWithdrawn", "2027-07-01T00:00:00.000Z"),
                ("dpv:ConsentExpired", TERM),
            ],
        ),
    ],
)
def test_each_state_is_told_with_its_time(payloads: tuple[dict[str, Any], ...], told: list[tuple[str, str]]) -> None:
    found = [one for one in states(case(*payloads)) if one[0] != "hub:toestand:deel-bevestigd"]
    assert found == told


def test_who_spoke_is_told_apart() -> None:
    """Withdrawn: the person, or who spoke for it; revoked and invalidated: an organisation (DPV 2, consent states)."""

    def spoke(*payloads: dict[str, Any]) -> str:
        return str(record(case(*payloads))["dpv:hasConsentStatus"][-1]["dpv:isIndicatedBy"])

    no_part = statement(bevestigd=[], geldigTot=None)
    assert spoke(no_part, WITHDRAWN) == "dpv:DataSubject"
    assert spoke(no_part, WITHDRAWN | {"gegevenDoor": "voogd"}) == "dpv:GuardianOfDataSubject"
    assert spoke(no_part, event("herroeping", LATER_AT, organisatie=OWN)) == f"urn:nld:oin:{OWN}"
    assert spoke(no_part, event("ongeldigverklaring", LATER_AT, organisatie=OWN)) == f"urn:nld:oin:{OWN}"
    assert spoke(no_part, CONFIRMED) == f"urn:nld:oin:{OTHER}"
    assert (
        spoke(statement(bevestigd=[], gegevenDoor="ouder-met-gezag")) == "dpv:ParentOfDataSubject"
    )  # who set the term


def test_explicit_consent_names_its_article_and_its_special_categories() -> None:
    inner = record(case(statement(grondslag="AVG-9-2-a", categorieen=["gezondheid"])))
    assert inner["dpv:hasLegalBasis"] == "eu-gdpr:A9-2-a"
    assert inner["dpv:hasProcess"]["dpv:hasPersonalData"][0]["@type"] == "dpv:SpecialCategoryPersonalData"
    assert inner["dpv:hasConsentStatus"][0]["@type"] == ["dpv:ConsentGiven", "dpv:ExplicitlyExpressedConsent"]


def test_a_general_refusal_is_about_all() -> None:
    left_out = dict.fromkeys(("doelen", "categorieen", "verstrekkers", "ontvangers", "bevestigd", "geldigTot"))
    inner = record(case(statement(keuze="nee", **left_out)))
    process = inner["dpv:hasProcess"]
    for scope in (process["dpv:hasPurpose"], process["dpv:hasPersonalData"]):
        assert scope == [{"@id": "hub:alles", "dct:title": "alles"}]
    assert inner["dpv:hasDataController"] == process["dpv:hasRecipient"] == ["hub:alles"]
    assert process["dpv:hasRule"]["@type"] == "dpv:Prohibition"
    assert inner["dpv:hasConsentStatus"][0]["dpv:hasDuration"]["@type"] == "dpv:UntilEventDuration"


def test_a_minor_and_a_renewal_are_told() -> None:
    inner = record(case(statement(gegevenDoor="voogd", zestienOp="2027-02-28T23:00:00.000Z", vernieuwt="f" * 32)))
    assert inner["dpv:hasDataSubject"]["hub:zestienOp"] == "2027-02-28T23:00:00.000Z"
    assert inner["dct:replaces"] == "urn:doorstroomhub:toestemming:" + "f" * 32
    own = event("bevestiging-betrokkene", LATER_AT, organisatie=OWN, zelfBevestigdOp="2027-03-02T10:00:00.000Z")
    told = [one for one in states(case(statement(zestienOp="2027-02-28T23:00:00.000Z"), own)) if "zelf" in one[0]]
    assert told == [("hub:toestand:zelf-bevestigd", "2027-03-02T10:00:00.000Z")]


def test_without_a_bound_ref_the_person_is_that_of_the_record() -> None:
    subject = record(case(statement()))["dpv:hasDataSubject"]
    assert subject == {"@id": f"urn:doorstroomhub:toestemming:{ID}:betrokkene", "@type": "dpv:DataSubject"}


def test_a_name_that_was_not_logged_is_the_oin() -> None:
    entities = record(case(statement(namen=None)))["dpv:hasEntity"]
    assert {one["dpv:hasName"] for one in entities} >= {OWN, OTHER, RECEIVER}


# -- JSON-LD ----------------------------------------------------------------------------------------------------------
def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, inner
            if name not in ("@context", "bewijs"):
                yield from _members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner)


def test_it_is_linked_data_that_fetches_nothing() -> None:
    """Every name and every concept is a keyword or begins with a prefix that the document itself explains."""
    for made in (plain(), eventful()):
        found = receipt(made)
        context = found["@context"]
        assert isinstance(context, dict)
        assert all(isinstance(value, (str, dict)) for value in context.values())  # no context is loaded from anywhere
        prefixes = {name for name, value in context.items() if isinstance(value, str)}
        assert all(context[name].endswith(("#", "/", ":")) for name in prefixes)
        for name, value in _members(found):
            assert name.startswith("@") or name == "bewijs" or name.partition(":")[0] in prefixes, name
            typed = context.get(name, {}).get("@type") if isinstance(context.get(name), dict) else None
            for one in value if isinstance(value, list) else [value]:
                if typed == "@id" or name == "@type":
                    assert one.partition(":")[0] in prefixes | {"urn", "https"}, one
                if typed == "xsd:dateTime":
                    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", one)
    assert context["bewijs"]["@type"] == "@json"


def test_concepts_have_an_iri_of_their_own_and_a_broader_one_of_dpv() -> None:
    assert dpv.CONTEXT["hub"] == "urn:doorstroomhub:begrip:"
    for one in (*terms.PURPOSES.values(), *terms.CATEGORIES.values(), *terms.GIVEN_BY.values()):
        assert re.fullmatch("(dpv|pd):[A-Z][A-Za-z]+", one.dpv)


def test_the_tables_know_every_code() -> None:
    assert set(terms.PURPOSES) == set(Purpose)
    assert set(terms.CATEGORIES) == set(Category)
    assert set(terms.BASES) == {LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT}
    assert set(terms.STATES) == set(State)
    assert set(LATER.values()) <= set(State)
    assert set(terms.GIVEN_BY) == set(GIVEN_BY)
    assert set(terms.MANNERS) == set(MANNERS)
