"""What the parties of a region and its operators do, over the wire: the verbs of every acceptance test.

``Partners`` knows no server: ``tests.region.Region`` runs the hub in this process, ``tests.live.LiveRegion`` does not.
"""

import json
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from joserfc import jwt
from joserfc.jwk import OKPKey

from contracts.identity import Oin
from hub.administration import agreements, forms, parties
from hub.administration.act import RULES, Act
from hub.core import Core
from hub.settings import Settings
from hub.store.region.parties import organisation_by_oin
from hub.store.writer import Transaction, single
from tests import samples
from tests.samples import CERTIFICEERDER, GEMEENTE, GEMEENTE_2, KRINGLOOP, KRINGLOOP_2, MBO, ONTWIKKELBEDRIJF, WOONZORG

EVENT: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
JSON: Final = "application/json"
SCOPES: Final = (
    "berichten:versturen berichten:ontvangen kandidaten:beheren toestemmingen:lezen toestemmingen:beheren logboek:lezen"
)
#: Who stands in a region, and in which role.
PARTIES: Final = {
    GEMEENTE: "gemeente",
    GEMEENTE_2: "gemeente",
    ONTWIKKELBEDRIJF: "ontwikkelbedrijf",
    MBO: "mbo",
    KRINGLOOP: "kringloop",
    KRINGLOOP_2: "kringloop",
    WOONZORG: "woonzorg",
    CERTIFICEERDER: "certificeerder",
}
#: id → (parties, kinds, purposes). The certificeerder has none.
AGREEMENTS: Final[dict[str, tuple[tuple[str, str], str, str]]] = {
    "gemeente-ontwikkelbedrijf": (
        (GEMEENTE, ONTWIKKELBEDRIJF),
        "kandidaat.voorgedragen voortgang.gemeld doorstroom.gemeld",
        "toeleiding verantwoording doorstroom",
    ),
    "ontwikkelbedrijf-kringloop": (
        (ONTWIKKELBEDRIJF, KRINGLOOP),
        "leerwerkplek.geplaatst voortgang.gemeld",
        "opleiden trajectbegeleiding",
    ),
    "ontwikkelbedrijf-kringloop-2": (
        (ONTWIKKELBEDRIJF, KRINGLOOP_2),
        "leerwerkplek.geplaatst voortgang.gemeld",
        "opleiden trajectbegeleiding",
    ),
    "ontwikkelbedrijf-woonzorg": (
        (ONTWIKKELBEDRIJF, WOONZORG),
        "leerwerkplek.geplaatst dagbesteding.deelname-gemeld",
        "opleiden dagbesteding",
    ),
    "ontwikkelbedrijf-mbo": (
        (ONTWIKKELBEDRIJF, MBO),
        "kandidaat.voorgedragen voortgang.gemeld werkproces.beoordeeld praktijkverklaring.aangevraagd"
        " praktijkverklaring.besloten",
        "toeleiding trajectbegeleiding opleiden certificeren",
    ),
}
#: id → (agreement, kinds, purpose, sender's role, receiver's role, categories)
GROUNDS: Final = {
    "voordracht": (
        "gemeente-ontwikkelbedrijf",
        "kandidaat.voorgedragen",
        "toeleiding",
        "gemeente",
        "ontwikkelbedrijf",
        "identiteit bsn contact opleiding inzetbaarheid",
    ),
}
OPERATOR, SECOND_OPERATOR = "jan", "piet"
#: The region's own office: no party to any agreement. ``Partners.employ`` gives it systems with scope ``beheer``.
REGIO: Final = "00000099000000009900"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response, read to its end. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str | None:
        """The code of a problem."""
        found = self.json.get("code") if self.body else None
        return None if found is None else str(found)

    def expect(self, *statuses: int) -> Any:
        """The JSON of an answer that must have one of these statuses."""
        assert self.status in statuses, f"{self.status} {self.body[:600]!r}"
        return self.json if self.body else None


@dataclass(frozen=True, slots=True)
class Person:
    """A candidate: each organisation's own ref, and the traject that ``guide`` (an ontwikkelbedrijf) opened."""

    refs: dict[str, str]
    trajectory: str
    guide: str = ONTWIKKELBEDRIJF


@dataclass(slots=True)
class Party:
    """An organisation as a partner's own program knows it: its OIN, its systeem and its key."""

    oin: str
    role: str
    system: str
    key: OKPKey
    token: str = ""
    token_until: float = 0.0
    scope: str = ""  # what it asks for; nothing said: all that its mandate gives

    def limit(self, scope: str) -> None:
        """From now on ask for no more than this."""
        self.scope, self.token_until = scope, 0.0

    @property
    def source(self) -> str:
        return f"urn:nld:oin:{self.oin}:systeem:{self.system}"


class Partners:
    """What organisations and operators do, over whatever ``call`` speaks to. Organisations are named by their OIN."""

    def __init__(self, settings: Settings, core: Core) -> None:
        self.settings = settings
        self.core = core
        self.parties: dict[str, Party] = {}
        self.mandates: dict[str, str] = {}

    # -- the wire -----------------------------------------------------------------------------------------------------
    def request(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        """One HTTP request."""
        raise NotImplementedError

    def seconds(self) -> float:
        """Now, as the partners' clocks have it (seconds since 1970)."""
        return time.time()

    def call(self, who: str, method: str, path: str, body: Any = None, media: str = JSON) -> Answer:
        """One call with the organisation's token; a ``bytes`` body goes as it is."""
        raw = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token(who)}"} | ({} if raw is None else {"Content-Type": media})
        return self.request(method, path, raw, headers)

    def token(self, who: str) -> str:
        """The organisation's access token; asked anew before it ends."""
        party = self.parties[who]
        if self.seconds() > party.token_until:
            now = int(self.seconds())
            claims = {"iss": party.system, "sub": party.system, "aud": self.settings.base_url}
            claims |= {"exp": now + 120, "jti": uuid.uuid4().hex}
            assertion = jwt.encode({"alg": "Ed25519", "kid": "1"}, claims, party.key, algorithms=["Ed25519"])
            form = (
                "grant_type=client_credentials&client_assertion_type="
                f"urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
                + (f"&scope={party.scope.replace(' ', '+')}" if party.scope else "")
            )
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            found = self.request("POST", "/oauth/token", form.encode(), headers).expect(200)
            party.token, party.token_until = found["access_token"], now + found["expires_in"] - 60
        return party.token

    # -- operators ----------------------------------------------------------------------------------------------------
    def operate(self, verb: Callable[..., Any], *args: Any, operator: str = OPERATOR) -> Any:
        """One command of an operator: a single short transaction, beside a running hub."""
        act = Act(operator, self.core.evidence)
        return single(self.core.transactions, lambda tx: verb(tx, act, *args), RULES)

    def populate(self, extra: Mapping[str, str] | None = None) -> None:
        """All parties, their systems and mandates, and what they agreed. ``extra``: OIN → role of more parties."""

        def work(tx: Transaction) -> None:
            for oin, role in (PARTIES | dict(extra or {})).items():
                self._join(tx, oin, role)
            for name, (ends, kinds, purposes) in AGREEMENTS.items():
                self._agree(tx, name, ends, kinds.split(), purposes.split())
            for name, terms in GROUNDS.items():
                self._ground(tx, name, terms)

        single(self.core.transactions, work, RULES)

    def agree(self, name: str, ends: tuple[str, str], kinds: str, purposes: str) -> None:
        """One more agreement, accepted by both."""
        single(self.core.transactions, lambda tx: self._agree(tx, name, ends, kinds.split(), purposes.split()), RULES)

    def ground(self, name: str, terms: tuple[str, str, str, str, str, str]) -> None:
        """One more ground, confirmed; ``terms`` as in ``GROUNDS``."""
        single(self.core.transactions, lambda tx: self._ground(tx, name, terms), RULES)

    def end_agreement(self, name: str) -> None:
        self.operate(agreements.end_agreement, name)

    def end_mandate(self, who: str) -> None:
        self.operate(parties.end_mandate, self.mandates[who])

    def renew_mandate(self, who: str) -> None:
        """Another machtiging for the same systeem; its next call asks a new token."""
        single(self.core.transactions, lambda tx: self._mandate(tx, who, self.parties[who]), RULES)
        self.parties[who].token_until = 0.0

    def suspend(self, who: str) -> None:
        self.operate(parties.suspend_organisation, Oin(who))

    def employ(self, system: str, oin: str = REGIO, role: str = "regio", scopes: str = "beheer") -> str:
        """One more systeem of an organisation, which is made when it is not there yet; by its name it calls."""

        def work(tx: Transaction) -> None:
            if organisation_by_oin(tx.connection, Oin(oin)) is None:
                self._found(tx, oin, role)
            self._equip(tx, system, Party(oin, role, system, OKPKey.generate_key("Ed25519")), scopes)

        single(self.core.transactions, work, RULES)
        return system

    def _join(self, tx: Transaction, oin: str, role: str) -> None:
        self._found(tx, oin, role)
        self._equip(tx, oin, Party(oin, role, f"systeem-{oin[-6:]}", OKPKey.generate_key("Ed25519")), SCOPES)

    def _found(self, tx: Transaction, oin: str, role: str) -> None:
        new = forms.organisation({"oin": oin, "naam": f"{role} {oin[-4:]}", "rol": role})
        parties.add_organisation(tx, Act(OPERATOR, self.core.evidence), new)

    def _equip(self, tx: Transaction, who: str, party: Party, scopes: str) -> None:
        """Its systeem with its key, and the machtiging by which it acts."""
        act = Act(OPERATOR, self.core.evidence)
        public = dict(party.key.as_dict(private=False), alg="Ed25519", kid="1", use="sig")
        parties.add_system(tx, act, party.system, {"keys": [public]})
        self._mandate(tx, who, party, scopes)
        self.parties[who] = party

    def _mandate(self, tx: Transaction, who: str, party: Party, scopes: str = SCOPES) -> None:
        mandate = {"organisatie": party.oin, "systeem": party.system, "scopes": scopes.split()}
        self.mandates[who] = parties.add_mandate(tx, Act(OPERATOR, self.core.evidence), forms.mandate(mandate)).id

    def _agree(self, tx: Transaction, name: str, ends: tuple[str, str], kinds: list[str], purposes: list[str]) -> None:
        act = Act(OPERATOR, self.core.evidence)
        form = {
            "afspraakId": name,
            "partijen": list(ends),
            "soorten": kinds,
            "doelen": purposes,
            "dpiaOp": "2026-01-05",
        }
        term = {"geldigVan": "2026-01-01", "geldigTot": "2028-01-01", "verwerkersovereenkomst": "vo-1"}
        agreements.add_agreement(tx, act, forms.agreement(form | term, date(2026, 11, 22)))
        for end in ends:
            agreements.accept_agreement(tx, act, name, Oin(end))

    def _ground(self, tx: Transaction, name: str, terms: tuple[str, str, str, str, str, str]) -> None:
        agreement, kinds, purpose, sender, receiver, categories = terms
        form = {
            "grondslagId": name,
            "afspraakId": agreement,
            "basis": "AVG-6-1-e",
            "wettelijkeKaders": ["Pwet"],
            "wet": "Participatiewet",
            "artikel": "7",
            "soorten": kinds.split(),
            "doel": purpose,
            "verstrekkerRol": sender,
            "ontvangerRol": receiver,
            "categorieen": categories.split(),
            "geldigVan": "2026-01-01",
            "geldigTot": "2028-01-01",
        }
        agreements.add_ground(tx, Act(OPERATOR, self.core.evidence), forms.ground(form, OPERATOR))
        agreements.confirm_ground(tx, Act(SECOND_OPERATOR, self.core.evidence), name)

    # -- organisations ------------------------------------------------------------------------------------------------
    def register(self, who: str, **known: str) -> str:
        """Register somebody; the organisation's own ref."""
        return str(self.call(who, "POST", "/v1/kandidaten", known).expect(200, 201)["kandidaatRef"])

    def open_trajectory(self, who: str, ref: str, client: str = GEMEENTE, law: str = "Pwet") -> str:
        form = {"opdrachtgever": client, "wettelijkKader": law, "van": "2026-10-01"}
        return str(self.call(who, "POST", f"/v1/kandidaten/{ref}/trajecten", form).expect(201)["trajectId"])

    def event(self, who: str, kind: str, ref: str | None, data: Mapping[str, Any], **extra: Any) -> dict[str, Any]:
        """A message of this organisation with an id of its own, unless ``id`` says otherwise."""
        named = {"id": uuid.uuid4().hex} | extra
        return samples.event(kind, self.parties[who].source, ref, dict(data), **named)

    def send(self, who: str, event: Mapping[str, Any]) -> Answer:
        return self.call(who, "POST", "/v1/berichten", event, EVENT)

    def send_batch(self, who: str, events: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The ``resultaten`` of a batch."""
        answer = self.call(who, "POST", "/v1/berichten", list(events), BATCH).expect(202)
        return list(answer["resultaten"])

    def fate(self, who: str, message_id: str) -> dict[str, str]:
        """Receiver → state of one accepted message."""
        found = self.call(who, "GET", f"/v1/berichten/{message_id}").expect(200)
        return {one["ontvanger"]: one["status"] for one in found["afleveringen"]}

    def fetch(self, who: str, after: int = 0, limit: int = 500, wait: int = 0) -> list[dict[str, Any]]:
        """What the mailbox gives after a sequence, oldest first."""
        query = f"/v1/postvak/berichten?na={after}&limiet={limit}&wachten={wait}"
        found: list[dict[str, Any]] = self.call(who, "GET", query).expect(200)
        return found

    def acknowledge(self, who: str, through: int | str) -> None:
        self.call(who, "POST", "/v1/postvak/bevestigingen", {"tot": str(through)}).expect(204)

    def collect(self, who: str) -> list[dict[str, Any]]:
        """Fetch whatever is new and acknowledge it."""
        found = self.fetch(who)
        if found:
            self.acknowledge(who, found[-1]["sequence"])
        return found

    def statement(self, who: str, ref: str, **terms: Any) -> Answer:
        """Record a statement. ``terms`` replace those of a ``ja`` of the person; ``None`` leaves one out."""
        now = datetime.fromtimestamp(self.seconds(), UTC)
        form = {
            "kandidaatRef": ref,
            "grondslag": "AVG-6-1-a",
            "keuze": "ja",
            "verstrekkers": [who],
            "gegevenOp": stamp(now),
            "geldigTot": stamp(now + timedelta(days=200)),
            "verklaring": {"id": "verklaring-1", "versie": "1", "sha256": "0" * 64, "taal": "nl"},
            "wijze": "gesprek",
            "gegevenDoor": "betrokkene",
        }
        return self.call(who, "POST", "/v1/toestemmingen", {k: v for k, v in (form | terms).items() if v is not None})

    def consent(self, who: str, ref: str, to: Iterable[str], purpose: str, categories: str, **terms: Any) -> str:
        """A ``ja`` for a flow of the recorder's own; its id."""
        scope = {"ontvangers": list(to), "doelen": [purpose], "categorieen": categories.split()}
        return str(self.statement(who, ref, **(scope | terms)).expect(201)["id"])

    def withdraw(self, who: str, statement: str) -> dict[str, Any]:
        """The answer of a withdrawal: ``tijdstip, gestopt, verstrekt, kennisgevingen, handtekening``."""
        path = f"/v1/toestemmingen/{statement}/intrekking"
        return dict(self.call(who, "POST", path, {"gegevenDoor": "betrokkene"}).expect(200))

    def stop_request(self, who: str, ref: str) -> dict[str, Any]:
        return dict(self.call(who, "POST", f"/v1/kandidaten/{ref}/stopverzoek").expect(200, 201))

    def subscribe(self, who: str, url: str, kinds: Collection[str] | None = None) -> str:
        """Push instead of pull; the secret of the signatures."""
        form = {"url": url} | ({} if kinds is None else {"soorten": sorted(kinds)})
        return str(self.call(who, "PUT", "/v1/abonnement", form).expect(200, 201)["geheim"])

    # -- a candidate on the way ---------------------------------------------------------------------------------------
    def fresh(self, role: str) -> str:
        """One more organisation; its OIN."""
        oin = f"00000099{900_000_000 + (len(self.parties) + 100) * 1_000:012d}"
        single(self.core.transactions, lambda tx: self._join(tx, oin, role), RULES)
        return oin

    def pair(self) -> tuple[str, str]:
        """A fresh ontwikkelbedrijf and a fresh kringloop that agreed; nobody else's tests touch them."""
        guide, at = self.fresh("ontwikkelbedrijf"), self.fresh("kringloop")
        self.agree(f"gemeente-{guide}", (GEMEENTE, guide), "kandidaat.voorgedragen", "toeleiding")
        kinds = "leerwerkplek.geplaatst voortgang.gemeld"
        self.agree(f"{guide}-{at}", (guide, at), kinds, "opleiden trajectbegeleiding")
        return guide, at

    def candidate(self, guide: str = ONTWIKKELBEDRIJF, **known: str) -> Person:
        """Somebody whom the ontwikkelbedrijf registered and for whom it opened a traject."""
        ref = self.register(guide, **known)
        return Person({guide: ref}, self.open_trajectory(guide, ref), guide)

    def allow_placing(self, person: Person, at: str = KRINGLOOP, **terms: Any) -> str:
        """Consent to be placed at a workplace; its id."""
        categories = "identiteit contact leervoortgang inzetbaarheid"
        return self.consent(person.guide, person.refs[person.guide], [at], "opleiden", categories, **terms)

    def place(self, person: Person, at: str = KRINGLOOP) -> str:
        """Consent, then ``leerwerkplek.geplaatst`` by the ontwikkelbedrijf; the workplace fetches it. The statement."""
        given = self.allow_placing(person, at)
        self.send(person.guide, self.placing(person, at)).expect(202)
        person.refs[at] = self.collect(at)[-1]["subject"]
        return given

    def placing(self, person: Person, at: str = KRINGLOOP, **extra: Any) -> dict[str, Any]:
        """``leerwerkplek.geplaatst`` about this person, an opening message."""
        ref = person.refs[person.guide]
        data = samples.geplaatst(ref, plaatsing=f"plaatsing-{at[-6:]}")
        return self.event(person.guide, "leerwerkplek.geplaatst", ref, data, ontvanger=at, **extra)

    def reporting(self, guide: str = ONTWIKKELBEDRIJF, at: str = KRINGLOOP, **terms: Any) -> tuple[Person, str]:
        """Somebody placed at a workplace, with the consent by which it may report to the ontwikkelbedrijf."""
        person = self.candidate(guide)
        self.place(person, at)
        return person, self.allow_reports(person, at, **terms)

    def allow_reports(self, person: Person, at: str = KRINGLOOP, **terms: Any) -> str:
        """Consent for reports of the workplace to the ontwikkelbedrijf; its id."""
        return self.consent(at, person.refs[at], [person.guide], "trajectbegeleiding", "leervoortgang", **terms)

    def report(self, person: Person, at: str = KRINGLOOP, number: int = 1, **extra: Any) -> dict[str, Any]:
        """``voortgang.gemeld`` of the workplace about this person."""
        data = samples.voortgang(plaatsing=f"plaatsing-{at[-6:]}", meldingId=f"melding-{number}")
        named = {"doel": "trajectbegeleiding"} | extra
        return self.event(at, "voortgang.gemeld", person.refs[at], data, **named)


def stamp(at: datetime) -> str:
    """An instant as the wire writes it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
