"""The published description against the hub itself: valid, complete both ways, and true of every answer it gives.

First each operation is reached with a call that must succeed; then schemathesis draws calls for it, good and bad ones,
by a system of every role, with real ids among the made-up ones. No answer may be a 500, or missing in the description.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import schemathesis
from flask import Flask
from flask_smorest import Api
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from contracts import instants
from contracts.retention.terms import Term, shipped
from hub.intake.endpoint import Endpoint, blueprint
from hub.intake.schemas import Probleem
from hub.rights.retention.again import lapse_all
from tests import officers, samples
from tests.partners import BATCH, EVENT, REGIO
from tests.region import Region
from tests.samples import CERTIFICEERDER, GEMEENTE, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF, WOONZORG
from tests.webhook import Webhook

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATOR, SECOND_OPERATOR = "bureau-een", "bureau-twee"
CALLERS = [GEMEENTE, ONTWIKKELBEDRIJF, MBO, KRINGLOOP, WOONZORG, CERTIFICEERDER, OPERATOR]
#: Drawn per operation, over all roles; the whole file stays within three minutes.
DRAWN = 40


class World:
    """A region in which something of everything has happened, and the ids of it."""

    def __init__(self, region: Region, webhook: Webhook) -> None:
        self.region = region
        self.webhook = webhook
        self.schema = schemathesis.openapi.from_wsgi("/v1/openapi.json", region.app)
        self.operations = {
            op.definition.raw["operationId"]: op for op in (r.ok() for r in self.schema.get_all_operations())
        }
        self.person, self.reports = region.reporting()
        sent = region.send(KRINGLOOP, region.report(self.person)).expect(202)
        self.message = sent["ontvangstbewijs"]["berichtId"]
        self.care = region.candidate()
        ref = self.care.refs[ONTWIKKELBEDRIJF]
        region.consent(ONTWIKKELBEDRIJF, ref, [WOONZORG], "opleiden", "gezondheid", grondslag="AVG-9-2-a")
        region.place(self.care, WOONZORG)
        self.release = region.call(WOONZORG, "POST", "/v1/ontheffingen", self.release_form()).expect(201)["id"]
        stopped = region.reporting()[0]
        region.stop_request(KRINGLOOP, stopped.refs[KRINGLOOP])
        self.case = region.call(ONTWIKKELBEDRIJF, "GET", "/v1/zaken?soort=stopverzoek").expect(200)["items"][-1]["id"]
        self.to_confirm = region.statement(
            KRINGLOOP,
            self.person.refs[KRINGLOOP],
            verstrekkers=[ONTWIKKELBEDRIJF],
            ontvangers=[KRINGLOOP],
            doelen=["opleiden"],
            categorieen=["leervoortgang"],
        ).expect(201)["id"]
        region.call(GEMEENTE, "POST", "/v1/kandidaten", {"lokaalNummer": "opzoeken-1"}).expect(201)
        for name in (OPERATOR, SECOND_OPERATOR):
            region.employ(name)
        self.spare = region.fresh("leerbedrijf")  # of no agreement that the others need
        ref = region.candidate().refs[ONTWIKKELBEDRIJF]
        erased = region.call(ONTWIKKELBEDRIJF, "POST", f"/v1/kandidaten/{ref}/wissing", self.wish_form())
        self.wissing = erased.expect(200)["wissingId"]
        self.emptied()
        region.wait_signed()

    def emptied(self) -> None:
        """Whatever was delivered is emptied, as if its term were over."""
        at_once = {pair: Term(0, "proef") for pair in shipped().content}
        core = self.region.core
        assert lapse_all(core.engine, core.transactions, core.evidence, replace(shipped(), content=at_once))
        self.month = instants.today(self.region.clock.now()).isoformat()[:7]

    def wish_form(self) -> dict[str, Any]:
        return {"omvang": "eigen", "reden": "niet-meer-nodig", "kenmerk": "W-1"}

    def release_form(self) -> dict[str, Any]:
        return {
            "kandidaatRef": self.care.refs[WOONZORG],
            "ontvanger": ONTWIKKELBEDRIJF,
            "onderwerpen": ["deelname"],
            "op": "2026-11-01T09:00:00Z",
            "wijze": "gesprek",
        }

    def statement_form(self) -> dict[str, Any]:
        return {
            "kandidaatRef": self.person.refs[KRINGLOOP],
            "grondslag": "AVG-6-1-a",
            "keuze": "ja",
            "doelen": ["trajectbegeleiding"],
            "categorieen": ["leervoortgang"],
            "verstrekkers": [KRINGLOOP],
            "ontvangers": [ONTWIKKELBEDRIJF],
            "gegevenOp": "2026-11-01T09:00:00Z",
            "geldigTot": "2027-06-01",
            "verklaring": {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"},
            "wijze": "gesprek",
            "gegevenDoor": "betrokkene",
        }

    def ids(self) -> dict[str, list[str]]:
        """Real values of each parameter in a path, of several organisations."""
        return {
            "berichtId": [self.message],
            "toestemmingId": [self.reports, self.to_confirm],
            "zaakId": [self.case],
            "wissingId": [self.wissing],
            "periode": [self.month, "2026-13"],
            "ontheffingId": [self.release],
            "kandidaatRef": [*self.person.refs.values(), *self.care.refs.values()],
            "type": ["voortgang.gemeld", "nl.doorstroomhub.kandidaat.voorgedragen.v1"],
            "naam": ["basisdeel-entree", "crebo-2015"],
            "verklaringId": ["tekst", "verklaring-1"],
            "versie": ["1"],
            "taal": ["nl"],
            "afspraakId": ["bij", "nergens"],
            "grondslagId": ["bij", "nergens"],
            "oin": [self.spare, REGIO[:-1] + "1"],
        }

    def agreement_form(self) -> dict[str, Any]:
        return {
            "afspraakId": "bij",
            "partijen": [GEMEENTE, MBO],
            "soorten": ["voortgang.gemeld"],
            "doelen": ["verantwoording"],
            "geldigVan": "2026-01-01",
            "geldigTot": None,
            "verwerkersovereenkomst": "vo-9",
            "dpiaOp": "2026-01-01",
        }

    def ground_form(self) -> dict[str, Any]:
        return {
            "grondslagId": "bij",
            "afspraakId": "gemeente-ontwikkelbedrijf",
            "basis": "AVG-6-1-e",
            "wettelijkeKaders": ["Pwet"],
            "wet": "Participatiewet",
            "artikel": "7",
            "soorten": ["voortgang.gemeld"],
            "doel": "verantwoording",
            "verstrekkerRol": "ontwikkelbedrijf",
            "ontvangerRol": "gemeente",
            "categorieen": ["leervoortgang"],
            "geldigVan": "2026-01-01",
            "geldigTot": None,
        }

    def asked_form(self) -> dict[str, Any]:
        """A request for consent that nobody answered yet."""
        unanswered = {"keuze", "gegevenOp", "wijze", "gegevenDoor"}
        return {name: v for name, v in self.statement_form().items() if name not in unanswered} | {"gevraagd": True}

    def officer(self, what: str) -> dict[str, Any]:
        """The second step of a join or split of a person of this guide, whose first step was just taken."""
        one, two = ((ONTWIKKELBEDRIJF, self.region.register(ONTWIKKELBEDRIJF)) for _ in range(2))
        if what == officers.SPLIT:
            officers.both(self.region, officers.JOIN, one, two)
        code = officers.ask(self.region, what, one)["code"]
        return _path(kandidaatRef=two[1]) | {"body": {"medewerker": officers.SECOND, "code": code}}

    def asked(self) -> str:
        """The id of such a request."""
        return str(self.region.call(KRINGLOOP, "POST", "/v1/toestemmingen", self.asked_form()).expect(201)["id"])

    def call(self, who: str, case: Case) -> int:
        """Make the call, with the token of an organisation, and hold the answer to the description."""
        case.headers = {**(case.headers or {}), "Authorization": f"Bearer {self.region.token(who)}"}
        response = case.call()
        case.validate_response(response, checks=CHECKS)
        return response.status_code


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    webhook = Webhook()
    region = Region(tmp_path_factory.mktemp("openapi") / "hub", None, [webhook.port])
    yield World(region, webhook)
    region.stop()
    webhook.close()


@pytest.fixture
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn webhook addresses: no name is looked up outside this machine."""
    real = socket.getaddrinfo

    def only_here(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in ("127.0.0.1", "localhost"):
            raise socket.gaierror("unknown here")
        return real(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", only_here)


def document(region: Region) -> dict[str, Any]:
    answer = region.request("GET", "/v1/openapi.json", None, {})
    assert answer.headers["access-control-allow-origin"] == "*"
    found: dict[str, Any] = answer.expect(200)
    return found


# -- the document itself ----------------------------------------------------------------------------------------------
def test_the_description_is_valid_openapi_3_1(world: World) -> None:
    found = document(world.region)
    assert found["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []


def test_control_the_validator_sees_a_fault(world: World) -> None:
    broken = document(world.region)
    del broken["info"]["title"]
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def routes(app: Flask) -> set[tuple[str, str]]:
    """Every (method, path) under /v1 that the application answers."""
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/v1/") and rule.rule != "/v1/openapi.json":
            path = re.sub(r"<(?:[a-z]+:)?([A-Za-z]+)>", r"{\1}", rule.rule.removeprefix("/v1"))
            found |= {(method, path) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    return found


def described(found: dict[str, Any]) -> set[tuple[str, str]]:
    methods = ("get", "post", "put", "delete", "patch")
    return {(m.upper(), path) for path, item in found["paths"].items() for m in item if m in methods}


def test_every_route_is_described_and_the_other_way_round(world: World) -> None:
    assert routes(world.region.app) == described(document(world.region))
    assert len(routes(world.region.app)) > 30


def test_every_operation_is_described_alike(world: World) -> None:
    """An id and a summary of its own, a documented error for bad requests, and problem details for every error."""
    seen = []
    for item in document(world.region)["paths"].values():
        for operation in (one for one in item.values() if isinstance(one, dict)):
            seen.append(operation["operationId"])
            assert operation["summary"] and operation["tags"]
            errors = {s: a for s, a in operation["responses"].items() if s.startswith(("4", "5"))}
            assert {"400", "500"} <= errors.keys()
            assert operation["security"] == [] or {"401", "403"} <= errors.keys()
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in errors.values())
            good = [a for s, a in operation["responses"].items() if s.startswith("2")]
            assert good and all("API-Version" in answer["headers"] for answer in good)
    assert len(set(seen)) == len(seen)


def test_names_on_the_wire_are_lower_camel_case(world: World) -> None:
    """Fields and path parameters: lowerCamelCase, ASCII (API rule; NL GOV ADR 2.2)."""
    found = document(world.region)
    fields = {name for schema in found["components"]["schemas"].values() for name in schema.get("properties", {})}
    parameters = {name for path in found["paths"] for name in re.findall(r"{(.*?)}", path)}
    assert {name for name in fields | parameters if not re.fullmatch("[a-z][a-zA-Z0-9]*", name)} == set()
    segments = {part for path in found["paths"] for part in path.split("/") if part and not part.startswith("{")}
    assert {part for part in segments if not re.fullmatch("[a-z][a-z0-9-]*", part)} == set()
    assert not [path for path in found["paths"] if path.endswith("/")]


def test_the_description_keeps_the_rules_of_nl_gov(world: World) -> None:
    """ADR 2.2: major version in the address and only there, contact, semver, plain methods, problem details, no 422."""
    found = document(world.region)
    info = found["info"]
    assert all(info["contact"][name] for name in ("name", "url", "email")) and info["license"]
    assert re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", info["version"])
    assert [server["url"].rsplit("/", 1)[1] for server in found["servers"]] == ["v1"]
    assert {"status", "title", "detail"} <= found["components"]["schemas"]["Probleem"]["properties"].keys()
    operations = [one for item in found["paths"].values() for one in item.values() if isinstance(one, dict)]
    assert not [one["operationId"] for one in operations if "422" in one["responses"] or "default" in one["responses"]]
    queries = {p["name"] for one in operations for p in one.get("parameters", []) if p["in"] == "query"}
    assert {name for name in queries if not re.fullmatch("[a-z][a-zA-Z0-9]*", name)} == set()


def test_every_answer_bears_the_version_and_the_security_headers(world: World) -> None:
    """NL GOV ADR 2.2: API-Version everywhere, and what keeps an answer from being misused in a browser."""
    region = world.region
    for answer in (
        region.call(GEMEENTE, "GET", "/v1/organisaties"),
        region.call(GEMEENTE, "GET", "/v1/bestaat-niet"),
        region.request("GET", "/v1/zaken", None, {}),
        region.request("GET", "/v1/openapi.json", None, {}),
        region.call(GEMEENTE, "PATCH", "/v1/organisaties"),
    ):
        assert answer.headers["api-version"] == document(region)["info"]["version"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"]
        assert answer.headers["cache-control"]
        assert "frame-ancestors" in answer.headers["content-security-policy"]
        if answer.status >= 400:
            assert answer.headers["content-type"] == "application/problem+json"
            assert set(answer.json) >= {"type", "title", "status", "detail", "instance", "code"}
    assert "allow" in region.call(GEMEENTE, "PATCH", "/v1/organisaties").headers
    empty = region.call(GEMEENTE, "DELETE", "/v1/abonnement")
    assert (empty.status, empty.body) == (204, b"") and "content-type" not in empty.headers


# -- every operation succeeds once ------------------------------------------------------------------------------------
Example = Callable[[World], tuple[str, dict[str, Any]]]


def _path(**parameters: str) -> dict[str, Any]:
    return {"path_parameters": parameters}


def _message(world: World) -> dict[str, Any]:
    return world.region.report(world.person)


def _of_person(world: World) -> dict[str, Any]:
    return _path(kandidaatRef=world.person.refs[KRINGLOOP])


_TEXT = {"verklaringId": "tekst", "versie": "1"}
_ANSWERED = {"gegevenOp": "2026-11-02T09:00:00Z", "wijze": "gesprek", "gegevenDoor": "betrokkene"}
_OWN_FLOWS = {"verstrekkers": [KRINGLOOP]}
_OFFICER = {"medewerker": officers.FIRST, "reden": officers.REASON}
_TRAJECT = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01"}
#: operationId → who calls, and with what. Order matters where one takes away what another needs.
EXAMPLES: dict[str, Example] = {
    "uitwisselafspraken": lambda w: (GEMEENTE, {}),
    "grondslagen": lambda w: (GEMEENTE, {}),
    "organisaties": lambda w: (MBO, {"query": {"limiet": 3}}),
    "berichttypen": lambda w: (MBO, {}),
    "berichttype": lambda w: (MBO, _path(type="voortgang.gemeld")),
    "codelijst": lambda w: (MBO, _path(naam="basisdeel-entree")),
    "verwerkingsregister": lambda w: (KRINGLOOP, {"query": {"limiet": 1}}),
    "bewijslogboek_sleutel": lambda w: (MBO, {}),
    "bewijslogboek_consistentie": lambda w: (MBO, {"query": {"van": 1, "tot": 2}}),
    "bericht_versturen": lambda w: (KRINGLOOP, {"body": _message(w), "media_type": EVENT}),
    "bericht_status": lambda w: (KRINGLOOP, _path(berichtId=w.message)),
    "bericht_ontvangstbewijs": lambda w: (KRINGLOOP, _path(berichtId=w.message)),
    "bericht_bewijs": lambda w: (KRINGLOOP, _path(berichtId=w.message)),
    "vooraf_controle": lambda w: (KRINGLOOP, {"body": _message(w), "media_type": EVENT}),
    "kandidaat_aanmelden": lambda w: (GEMEENTE, {"body": {"bsn": samples.BSN}}),
    "samenvoeging_vragen": lambda w: (KRINGLOOP, _of_person(w) | {"body": _OFFICER}),
    "samenvoegingen": lambda w: (KRINGLOOP, _of_person(w)),
    "samenvoeging_bevestigen": lambda w: (ONTWIKKELBEDRIJF, w.officer(officers.JOIN)),
    "splitsing_vragen": lambda w: (KRINGLOOP, _of_person(w) | {"body": _OFFICER}),
    "splitsingen": lambda w: (KRINGLOOP, _of_person(w)),
    "splitsing_bevestigen": lambda w: (ONTWIKKELBEDRIJF, w.officer(officers.SPLIT)),
    "lokaal_nummer_binden": lambda w: (
        KRINGLOOP,
        _path(kandidaatRef=w.person.refs[KRINGLOOP]) | {"body": {"lokaalNummer": "K-1"}},
    ),
    "kandidaat_opzoeken": lambda w: (GEMEENTE, {"body": {"lokaalNummer": "opzoeken-1"}}),
    "traject_openen": lambda w: (
        ONTWIKKELBEDRIJF,
        _path(kandidaatRef=w.person.refs[ONTWIKKELBEDRIJF]) | {"body": _TRAJECT},
    ),
    "toestemming_vastleggen": lambda w: (KRINGLOOP, {"body": w.statement_form()}),
    "toestemmingen": lambda w: (KRINGLOOP, {"query": {"kandidaatRef": w.person.refs[KRINGLOOP]}}),
    "toestemming": lambda w: (KRINGLOOP, _path(toestemmingId=w.reports)),
    "toestemming_bewijs": lambda w: (KRINGLOOP, _path(toestemmingId=w.reports)),
    "toestemmingsbewijs": lambda w: (KRINGLOOP, _path(toestemmingId=w.reports)),
    "toestemming_bevestigen": lambda w: (ONTWIKKELBEDRIJF, _path(toestemmingId=w.to_confirm)),
    "toestemming_beantwoorden": lambda w: (
        KRINGLOOP,
        _path(toestemmingId=w.asked()) | {"body": _ANSWERED | {"keuze": "ja"}},
    ),
    "toestemming_verlengen": lambda w: (
        KRINGLOOP,
        _path(toestemmingId=w.reports)
        | {"body": _ANSWERED | {"geldigTot": "2027-08-01", "verklaring": w.statement_form()["verklaring"]}},
    ),
    "toestemming_herroepen": lambda w: (KRINGLOOP, _path(toestemmingId=w.asked()) | {"body": {"reden": "verkeerd"}}),
    "toestemming_ongeldig_verklaren": lambda w: (
        KRINGLOOP,
        _path(toestemmingId=w.region.allow_reports(w.person)) | {"body": {"reden": "geen gezag"}},
    ),
    "verklaring_publiceren": lambda w: (KRINGLOOP, _path(**_TEXT, taal="nl") | {"body": {"tekst": "Wij delen."}}),
    "verklaringen": lambda w: (KRINGLOOP, {}),
    "verklaring": lambda w: (KRINGLOOP, _path(**_TEXT, taal="nl")),
    "verklaring_ongeldig_verklaren": lambda w: (
        KRINGLOOP,
        _path(**_TEXT) | {"body": {"reden": "onduidelijk", "proef": True}},
    ),
    "toestemming_intrekken": lambda w: (
        ONTWIKKELBEDRIJF,
        _path(toestemmingId=w.to_confirm) | {"body": {"gegevenDoor": "betrokkene"}},
    ),
    "postvak_berichten": lambda w: (ONTWIKKELBEDRIJF, {"query": {"na": "0", "limiet": 10}}),
    "postvak_bevestigen": lambda w: (ONTWIKKELBEDRIJF, {"body": {"tot": "1"}}),
    "zaken": lambda w: (ONTWIKKELBEDRIJF, {"query": {"open": "true", "soort": "stopverzoek"}}),
    "zaak_beantwoorden": lambda w: (ONTWIKKELBEDRIJF, _path(zaakId=w.case) | {"body": {"antwoord": "opgeheven"}}),
    "ontheffing_vastleggen": lambda w: (WOONZORG, {"body": w.release_form()}),
    "ontheffingen": lambda w: (WOONZORG, {}),
    "ontheffing_intrekken": lambda w: (WOONZORG, _path(ontheffingId=w.release)),
    "abonnement_maken": lambda w: (KRINGLOOP_2, {"body": {"url": w.webhook.url}}),
    "abonnement_zien": lambda w: (KRINGLOOP_2, {}),
    "abonnement_beeindigen": lambda w: (KRINGLOOP_2, {}),
    "stopverzoek": lambda w: (KRINGLOOP, _path(kandidaatRef=w.person.refs[KRINGLOOP])),
    "inzage": lambda w: (KRINGLOOP, _of_person(w) | {"query": {"inhoud": "true", "limiet": 3}}),
    "beperken": lambda w: (KRINGLOOP, _of_person(w) | {"body": _OWN_FLOWS | {"grond": "onrechtmatig"}}),
    "beperkingen": lambda w: (KRINGLOOP, _of_person(w)),
    "beperking_opheffen": lambda w: (KRINGLOOP, _of_person(w)),
    "bezwaar_maken": lambda w: (KRINGLOOP, _of_person(w) | {"body": _OWN_FLOWS | {"grond": "liever niet"}}),
    "bezwaren": lambda w: (KRINGLOOP, _of_person(w)),
    "afschermen": lambda w: (KRINGLOOP, _of_person(w) | {"body": {"grond": "dreiging", "ontvangers": []}}),
    "afschermingen": lambda w: (KRINGLOOP, _of_person(w)),
    "afscherming_opheffen": lambda w: (KRINGLOOP, _of_person(w) | {"body": {"medewerker": "m-1"}}),
    "bericht_terugroepen": lambda w: (KRINGLOOP, _path(berichtId=w.message) | {"body": {"reden": "onjuist"}}),
    "terugroeping_werkblad": lambda w: (KRINGLOOP, _path(berichtId=w.message)),
    "uitwisselafspraak_maken": lambda w: (OPERATOR, {"body": w.agreement_form()}),
    "uitwisselafspraak_aanvaarden": lambda w: (OPERATOR, _path(afspraakId="bij") | {"body": {"organisatie": MBO}}),
    "uitwisselafspraak_beeindigen": lambda w: (OPERATOR, _path(afspraakId="bij")),
    "grondslag_maken": lambda w: (OPERATOR, {"body": w.ground_form()}),
    "grondslag_bevestigen": lambda w: (SECOND_OPERATOR, _path(grondslagId="bij")),
    "grondslag_beeindigen": lambda w: (OPERATOR, _path(grondslagId="bij")),
    "organisatie_schorsen": lambda w: (OPERATOR, _path(oin=w.spare)),
    "wissing": lambda w: (ONTWIKKELBEDRIJF, _path(wissingId=w.wissing)),
    "vernietigingsverklaring": lambda w: (ONTWIKKELBEDRIJF, _path(wissingId=w.wissing)),
    "vernietigingsverklaringen": lambda w: (ONTWIKKELBEDRIJF, {}),
    "maandverklaring": lambda w: (ONTWIKKELBEDRIJF, _path(periode=w.month)),
    "wissing_bewijs": lambda w: (ONTWIKKELBEDRIJF, _path(wissingId=w.wissing)),
    "wissen": lambda w: (KRINGLOOP, _of_person(w) | {"body": w.wish_form()}),
}


def test_each_operation_reaches_a_2xx(world: World) -> None:
    """With an answer that is described, in the described shape."""
    assert EXAMPLES.keys() == world.operations.keys()
    reached = {}
    for name, example in EXAMPLES.items():
        who, given_ = example(world)
        if "body" in given_:
            given_ = {"media_type": "application/json"} | given_
        reached[name] = world.call(who, world.operations[name].Case(**given_))
    assert {name: status for name, status in reached.items() if not 200 <= status < 300} == {}


def test_a_batch_is_described_too(world: World) -> None:
    """The other media type of the same operation."""
    person, _ = world.region.reporting()
    batch = [world.region.report(person), world.region.report(person) | {"type": "nl.doorstroomhub.onbekend.v1"}]
    case = world.operations["bericht_versturen"].Case(body=batch, media_type=BATCH)
    assert world.call(KRINGLOOP, case) == 202


# -- drawn calls ------------------------------------------------------------------------------------------------------
OPERATIONS = list(EXAMPLES)


@pytest.mark.usefixtures("no_names")
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_drawn_call_gets_an_undescribed_answer(world: World, name: str) -> None:
    """Good and bad calls, by every role, with real ids and made-up ones."""
    operation, ids = world.operations[name], world.ids()
    drawn = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        operation.as_strategy(generation_mode=GenerationMode.NEGATIVE) if _has_input(operation) else st.nothing(),
    )

    @settings(max_examples=DRAWN, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=drawn, who=st.sampled_from(CALLERS), real=st.booleans(), which=st.integers(0, 9))
    def run(case: Case, who: str, real: bool, which: int) -> None:
        if real and case.path_parameters:
            case.path_parameters = {k: ids[k][which % len(ids[k])] for k in case.path_parameters}
        if case.query and "wachten" in case.query:
            case.query = {**case.query, "wachten": "0"}  # a poll may wait for half a minute
        if isinstance(case.body, dict) and real and "kandidaatRef" in case.body:
            case.body["kandidaatRef"] = ids["kandidaatRef"][which % len(ids["kandidaatRef"])]
        if name == "vooraf_controle":
            world.region.advance(1)  # else most are asked too often
        world.call(who, case)

    run()


def _has_input(operation: Any) -> bool:
    return bool(operation.path_parameters or operation.query or operation.body)


MESSAGES = [
    ("kandidaat.voorgedragen", GEMEENTE),
    ("voortgang.gemeld", KRINGLOOP),
    ("leerwerkplek.geplaatst", ONTWIKKELBEDRIJF),
]


@pytest.mark.parametrize("path", ["bericht_versturen", "vooraf_controle"])
def test_no_altered_message_gets_an_undescribed_answer(world: World, path: str) -> None:
    """Drawn events are rarely whole; these are whole ones with a few places replaced by anything."""
    operation = world.operations[path]
    finite = st.floats(allow_nan=False, allow_infinity=False)  # the client's own JSON knows no others
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | finite | st.text(max_size=30),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=10), below, max_size=3),
        max_leaves=5,
    )
    events = list(samples.valid_events().values())

    @settings(max_examples=3 * DRAWN, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), base=st.sampled_from(events), who=st.sampled_from(CALLERS), own=st.booleans())
    def run(data: st.DataObject, base: dict[str, Any], who: str, own: bool) -> None:
        event = json.loads(json.dumps(base))
        event["source"] = world.region.parties[who].source
        if own and who in world.person.refs:
            event["subject"] = world.person.refs[who]
        for _ in range(data.draw(st.integers(0, 2))):
            part = data.draw(st.sampled_from([event, event["data"]])) if isinstance(event.get("data"), dict) else event
            part[data.draw(st.sampled_from(sorted(part)))] = data.draw(anything)
        if path == "vooraf_controle":
            world.region.advance(1)
        world.call(who, operation.Case(body=event, media_type=EVENT))

    run()


# -- controls ---------------------------------------------------------------------------------------------------------
def test_control_an_undescribed_answer_is_seen() -> None:
    """A route that answers a 500, and one that answers a status that it does not describe, are both caught."""

    def teapot() -> tuple[dict[str, Any], int]:
        return {}, 418

    def broken() -> tuple[dict[str, Any], int]:
        return {}, 500

    for view in (teapot, broken):
        endpoint = Endpoint(method="GET", path="/proef", view=view, summary="Proef", public=True, out=Probleem)
        app = Flask("proef")
        app.config.update(API_TITLE="Proef", API_VERSION="1", OPENAPI_VERSION="3.1.0")
        api = Api(app)
        api.DEFAULT_ERROR_RESPONSE_NAME = None  # as the hub: no answer is described by default
        api.register_blueprint(blueprint("proef", "Proef", [endpoint]))
        schema = schemathesis.openapi.from_dict(api.spec.to_dict())
        schema.app = app
        (operation,) = [r.ok() for r in schema.get_all_operations()]
        case = operation.Case()
        response = app.test_client().get("/v1/proef")
        with pytest.raises(FailureGroup):
            case.validate_response(response, checks=CHECKS)
