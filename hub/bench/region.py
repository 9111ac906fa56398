"""The region of a measurement: an ontwikkelbedrijf, a kringloop, people placed there, and what each consented to.

Parties and the agreement are made as an operator would, all else over HTTP as a partner would. The message that is
measured is ``voortgang.gemeld`` of the kringloop, on consent, with every field that the kind has.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import ECKey

from contracts import instants
from contracts.errors import Conflict
from contracts.identity import Oin
from hub.access.caller import Scope
from hub.administration import agreements, forms, parties
from hub.administration.act import RULES, Act
from hub.bench.load import http as request
from hub.bench.processes import BenchFailed
from hub.core import Core
from hub.store.writer import Transaction, single

SENDER: Final = Oin("00000099000000091000")  # the kringloop
RECEIVER: Final = Oin("00000099000000092000")  # the ontwikkelbedrijf
CLIENT: Final = Oin("00000099000000093000")  # the gemeente for which it works
EVENT: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
_OPERATOR: Final = "meting"
_ASSERTION: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody placed at the kringloop: its ref there, and the statement on which its reports go out."""

    ref: str
    statement: str


class Partner:
    """One party's system: a token and one connection. ``call`` raises ``BenchFailed`` for any other status."""

    def __init__(self, base_url: str, port: int, system: str, key: ECKey) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._base_url = base_url
        self.system = system
        self._key = key
        self.token = ""

    def log_in(self, now: datetime, jti: str) -> None:
        """Get a token (RFC 7523)."""
        at = int(now.timestamp())
        claims = {"iss": self.system, "sub": self.system, "aud": self._base_url, "exp": at + 120, "jti": jti}
        assertion = jwt.encode({"alg": "ES256"}, claims, self._key)
        form = f"grant_type=client_credentials&client_assertion_type={_ASSERTION}&client_assertion={assertion}"
        self._connection.request("POST", "/oauth/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
        self.token = json.loads(self._read(200)[0])["access_token"]

    def call(self, method: str, target: str, body: object = None, media: str = "application/json") -> Any:
        """One call; the JSON of its answer, ``None`` when it has none."""
        raw = self.raw(method, target, body, media)[0]
        return json.loads(raw) if raw else None

    def raw(self, method: str, target: str, body: object = None, media: str = "application/json") -> tuple[bytes, str]:
        """One call; its answer as bytes, and the sequence to go on from where that was told."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({} if body is None else {"Content-Type": media})
        text = None if body is None else json.dumps(body)
        try:
            self._connection.request(method, target, text, headers)
            return self._read(200, 201, 202, 204)
        except ConnectionError:  # closed by the server while it was idle: what was sent now was never read
            self._connection.close()
            self._connection.request(method, target, text, headers)
            return self._read(200, 201, 202, 204)

    def _read(self, *wanted: int) -> tuple[bytes, str]:
        answer = self._connection.getresponse()
        raw = answer.read()
        if answer.status not in wanted:
            raise BenchFailed(f"the hub answered {answer.status}: {raw[:300].decode(errors='replace')}")
        return raw, answer.headers.get("Postvak-Volgende", "0")


@dataclass(frozen=True, slots=True)
class Region:
    """Both partners and the people between them."""

    sender: Partner
    receiver: Partner
    persons: tuple[Person, ...]
    now: datetime

    def single(self, port: int, prefix: str, persons: int) -> list[list[str]]:
        """Requests with one message each, one for each person."""
        bodies = [_texts(self._event(prefix, person)) for person in self.persons[:persons]]
        return [request(port, "/v1/berichten", self.sender.token, EVENT, body) for body in bodies]

    def batch(self, port: int, prefix: str, size: int) -> list[str]:
        """One request with ``size`` messages, about as many people as there are."""
        events = [self._event(prefix, self.persons[n % len(self.persons)]) for n in range(size)]
        return request(port, "/v1/berichten", self.sender.token, BATCH, _texts(events))

    def _event(self, prefix: str, person: Person) -> dict[str, Any]:
        return {
            "specversion": "1.0",
            "id": prefix + _ID,
            "source": f"urn:nld:oin:{SENDER}:systeem:{self.sender.system}",
            "type": "nl.doorstroomhub.voortgang.gemeld.v1",
            "subject": person.ref,
            "time": instants.write(self.now),
            "datacontenttype": "application/json",
            "doel": "trajectbegeleiding",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "data": _report((self.now - timedelta(days=2)).date().isoformat()),
        }


_ID: Final = "\x00"  # where the load generator puts a fresh number


def _texts(value: object) -> list[str]:
    return json.dumps(value, ensure_ascii=False).split(json.dumps(_ID)[1:-1])


def _report(day: str) -> dict[str, Any]:
    return {
        "meldingId": "melding-2026-00001",
        "plaatsingId": "meting-plaatsing",
        "leerdoelId": "leerdoel-000017",
        "werkopdracht": {"id": "opdracht-000231", "titel": "Kleding sorteren en de winkelvoorraad aanvullen"},
        "kwalificatie": {"dossier": "23110", "crebo": "25251", "naam": "Assistent dienstverlening en zorg"},
        "werkprocesCode": "B1-K1-W1",
        "deel": "geheel",
        "beheersing": "met-hulp",
        "datum": day,
        "beoordelaarRol": "werkleiding",
        "uren": "7.5",
        "bijzonderheid": "geen",
    }


def prepare(core: Core, run: str) -> dict[Oin, tuple[str, ECKey]]:
    """As an operator: both parties, a system for each with a key of this run, and the agreement between them."""
    systems = {oin: (f"meting-{run}-{oin[-5:]}", ECKey.generate_key("P-256")) for oin in (SENDER, RECEIVER)}
    roles = {SENDER: "kringloop", RECEIVER: "ontwikkelbedrijf"}
    scopes = [scope.value for scope in Scope if scope.value.startswith(("berichten", "kandidaten", "toestemmingen"))]
    for oin, (name, key) in systems.items():
        jwk = {"alg": "ES256", "use": "sig"} | dict(key.as_dict(private=False))
        organisation = forms.organisation({"oin": oin, "naam": f"Meting {roles[oin]}", "rol": roles[oin]})
        mandate = forms.mandate({"organisatie": oin, "systeem": name, "scopes": scopes})
        _once(core, lambda tx, act, new=organisation: parties.add_organisation(tx, act, new))
        _once(core, lambda tx, act, name=name, jwk=jwk: parties.add_system(tx, act, name, {"keys": [jwk]}))
        _once(core, lambda tx, act, new=mandate: parties.add_mandate(tx, act, new))
    client = forms.organisation({"oin": CLIENT, "naam": "Meting gemeente", "rol": "gemeente"})
    _once(core, lambda tx, act: parties.add_organisation(tx, act, client))
    today = core.clock.now().date()
    for form in (
        _agreement(
            (SENDER, RECEIVER), ["leerwerkplek.geplaatst", "voortgang.gemeld"], ["opleiden", "trajectbegeleiding"]
        ),
        _agreement((CLIENT, RECEIVER), ["doorstroom.gemeld"], ["doorstroom"]),
    ):
        dates = {"geldigVan": today.replace(day=1).isoformat(), "geldigTot": f"{today.year + 1}-12-31"}
        made = forms.agreement(form | dates | {"dpiaOp": dates["geldigVan"]}, today)
        _once(core, lambda tx, act, made=made: agreements.add_agreement(tx, act, made))
        for oin in form["partijen"]:
            name = form["afspraakId"]
            _once(core, lambda tx, act, oin=oin, name=name: agreements.accept_agreement(tx, act, name, oin))
    return systems


def _once(core: Core, verb: Any) -> None:
    """What an earlier measurement left here is used again."""
    act = Act(_OPERATOR, core.evidence)

    def work(tx: Transaction) -> None:
        try:
            verb(tx, act)
        except Conflict:
            return

    single(core.transactions, work, RULES)


def _agreement(both: tuple[Oin, Oin], kinds: list[str], purposes: list[str]) -> dict[str, Any]:
    return {
        "afspraakId": f"meting-{both[0][-5:]}",
        "partijen": list(both),
        "soorten": kinds,
        "doelen": purposes,
        "verwerkersovereenkomst": "meting",
    }


def populate(partners: Mapping[Oin, Partner], people: int, now: datetime, run: str) -> Region:
    """As the partners: people registered, placed, and asked for their consent on both sides."""
    sender, receiver = partners[SENDER], partners[RECEIVER]
    given = instants.write(now - timedelta(seconds=5))
    placed = []
    for number in range(people):
        ref = receiver.call("POST", "/v1/kandidaten", {})["kandidaatRef"]
        traject = {
            "opdrachtgever": CLIENT,
            "wettelijkKader": "Pwet",
            "van": (now - timedelta(days=30)).date().isoformat(),
        }
        receiver.call("POST", f"/v1/kandidaten/{ref}/trajecten", traject)
        wide = ["identiteit", "contact", "leervoortgang", "inzetbaarheid"]
        receiver.call("POST", "/v1/toestemmingen", _statement(ref, "opleiden", wide, (RECEIVER, SENDER), given, now))
        placed.append(_placement(f"{run}-{number}", receiver.system, ref, now))
    for start in range(0, people, 100):
        told = receiver.call("POST", "/v1/berichten", placed[start : start + 100], BATCH)
        if any(one["status"] != "aanvaard" for one in told["resultaten"]):
            raise BenchFailed("a placement was not accepted")
    refs = _placements(sender, people)
    flow = (SENDER, RECEIVER)
    persons = []
    for ref in refs:
        form = _statement(ref, "trajectbegeleiding", ["leervoortgang"], flow, given, now)
        persons.append(Person(ref, sender.call("POST", "/v1/toestemmingen", form)["id"]))
    return Region(sender, receiver, tuple(persons), now)


def _placements(sender: Partner, people: int) -> list[str]:
    refs: list[str] = []
    while len(refs) < people:
        raw, through = sender.raw("GET", "/v1/postvak/berichten?limiet=100&wachten=5")
        found = [event["subject"] for event in json.loads(raw) if "subject" in event]
        if not found:
            raise BenchFailed("the placements did not arrive")
        refs += found
        sender.call("POST", "/v1/postvak/bevestigingen", {"tot": through})
    return refs


def _statement(
    ref: str, purpose: str, categories: list[str], flow: tuple[Oin, Oin], given: str, now: datetime
) -> dict[str, Any]:
    return {
        "kandidaatRef": ref,
        "grondslag": "AVG-6-1-a",
        "keuze": "ja",
        "doelen": [purpose],
        "categorieen": categories,
        "verstrekkers": [flow[0]],
        "ontvangers": [flow[1]],
        "gegevenOp": given,
        "geldigTot": (now + timedelta(days=100)).date().isoformat(),
        "verklaring": {"id": "meting", "versie": "1", "sha256": "0" * 64, "taal": "nl"},
        "wijze": "gesprek",
        "gegevenDoor": "betrokkene",
    }


def _placement(id_: str, system: str, ref: str, now: datetime) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": f"plaatsing-{id_}",
        "source": f"urn:nld:oin:{RECEIVER}:systeem:{system}",
        "type": "nl.doorstroomhub.leerwerkplek.geplaatst.v1",
        "subject": ref,
        "ontvanger": SENDER,
        "data": {
            "plaatsingId": "meting-plaatsing",
            "kandidaat": {"kandidaatRef": ref, "roepnaam": "Sam"},
            "leerbedrijf": {"leerbedrijfId": "100077736"},
            "soort": "extern",
            "kwalificatie": {"dossier": "23110", "crebo": "25251", "naam": "Assistent dienstverlening en zorg"},
            "werkproces": [{"code": "B1-K1-W1", "deel": "geheel"}],
            "periode": {
                "van": (now - timedelta(days=20)).date().isoformat(),
                "tot": (now + timedelta(days=90)).date().isoformat(),
            },
            "uren": "24",
            "status": "getekend",
            "contact": {"functie": "jobcoach", "telefoon": "0101234567"},
        },
    }


def push_to(receiver: Partner, url: str) -> None:
    """Have the receiver's messages pushed to ``url`` from now on."""
    receiver.call("PUT", "/v1/abonnement", {"url": url})


def pull_again(receiver: Partner) -> None:
    """End the push."""
    receiver.call("DELETE", "/v1/abonnement")
