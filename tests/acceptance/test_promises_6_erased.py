"""Promise 6: with the key the payload is gone, here and in every copy; every proof still verifies."""

import hmac
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select

from consent import audit
from consent.keys import content_key, evidence_key, person_key
from consent.log.tables import ledger_payload
from consent.verify.rows import check_rows, table_fetch
from consent.verify.verifier import verify_log
from contracts.identity import Oin, PersonId
from hub.delivery.states import State
from hub.keys.sealing import SealBroken, unseal
from hub.ledger.replay.check import check
from hub.ledger.replay.entries import entries
from hub.store.database import reading, snapshot
from hub.store.tables import delivery, local_number, message, person_bsn
from tests.erasing import erase, who
from tests.partners import Person
from tests.region import Region
from tests.samples import BSN


class Case:
    """A report that was given once and one that waits, and the person behind them."""

    def __init__(self, region: Region) -> None:
        self.region = region
        self.guide, self.at = region.pair()
        self.person, self.statement = region.reporting(self.guide, self.at)
        self.given, self.given_id = self._send()
        region.fetch(self.guide)
        self.waiting, self.waiting_id = self._send()
        region.wait_signed()

    def _send(self) -> tuple[dict[str, Any], str]:
        event = self.region.report(self.person, self.at)
        return event, self.region.send(self.at, event).expect(202)["ontvangstbewijs"]["berichtId"]

    @property
    def handle(self) -> PersonId:
        with reading(self.region.core.engine) as connection:
            query = select(message.c.person_id).where(message.c.message_id == self.given_id)
            return PersonId(connection.scalars(query).one())

    def body(self) -> bytes:
        with reading(self.region.core.engine) as connection:
            query = select(message.c.body).where(message.c.message_id == self.given_id)
            return bytes(connection.scalars(query).one())

    def erase(self, organisation: str | None = None, *, evidence: bool = False) -> None:
        """Erase the content of one organisation about the person, or all of it; the evidence too."""
        erase(self.region, self.handle, organisation, evidence=evidence)

    def state(self, message_id: str) -> State:
        with reading(self.region.core.engine) as connection:
            return State(connection.scalars(select(delivery.c.state).where(delivery.c.message_id == message_id)).one())


@pytest.fixture
def case(shared: Region) -> Case:
    return Case(shared)


def test_promise_6_a_repeat_of_an_erased_message_answers_410(case: Case) -> None:
    assert case.region.send(case.at, case.given).expect(202)["herhaling"] is True  # the control
    case.erase(case.at)
    for event in (case.given, case.waiting, case.given | {"data": case.given["data"] | {"uren": "1.0"}}):
        answer = case.region.send(case.at, event)
        assert (answer.status, answer.code) == (410, "BERICHT_VERVALLEN")


def test_promise_6_nothing_of_it_is_given_any_more(case: Case) -> None:
    case.erase(case.at)
    found = case.region.fetch(case.guide)
    assert case.waiting["id"] not in [event["id"] for event in found]
    assert [set(event) & {"data", "subject"} for event in found] == [set()]
    assert {case.state(case.given_id), case.state(case.waiting_id)} == {State.ERASED}
    assert case.region.fate(case.at, case.given_id) == {case.guide: "gewist"}


def test_promise_6_the_payload_is_unreadable_and_a_copy_of_the_data_does_not_bring_it_back(case: Case) -> None:
    name = content_key(case.handle, Oin(case.at))
    key, sealed = case.region.core.key_store.find([name])[name], case.body()
    aad = f"bericht/{case.given_id}".encode()
    assert json.loads(unseal(key, sealed, aad))["id"] == case.given["id"]  # the control: with its key it opens
    case.erase(case.at)
    assert case.region.core.key_store.find([name]) == {}
    folder = case.region.settings.data_dir
    if not case.region.settings.on_postgresql:
        traces = [path.name for path in folder.glob("keys.db*") if name.encode() in path.read_bytes()]
        assert all(part.startswith("keys.db") for part in traces)  # its name is remembered as destroyed
        wrapped = [path.name for path in Path(folder).glob("keys.db*") if key in path.read_bytes()]
        assert wrapped == []


def test_promise_6_the_evidence_is_unreadable_and_every_proof_still_verifies(case: Case, tmp_path: Path) -> None:
    region, name = case.region, evidence_key(case.handle)
    receipt = region.call(case.at, "GET", f"/v1/berichten/{case.given_id}/ontvangstbewijs")
    assert receipt.status == 200  # what the sender kept
    with snapshot(region.core.engine) as connection:
        sealed = connection.scalars(select(ledger_payload.c.key_id).where(ledger_payload.c.key_id == name)).all()
        report, erased = check(connection, region.core.key_store)
    assert len(sealed) > 3 and report.exit_code == 0
    case.erase(evidence=True)
    with snapshot(region.core.engine) as connection:
        again, gone = check(connection, region.core.key_store)
    assert gone - erased == len(sealed) + 1 and again.exit_code == 0  # unreadable, and nothing else is wrong
    proof = region.call(case.at, "GET", f"/v1/berichten/{case.given_id}/bewijs").body
    assert _audit(region, receipt.body, proof, tmp_path) == 0
    assert _audit(region, receipt.body, proof.replace(b"index ", b"index 1"), tmp_path) == 1  # the control
    other = region.call(case.at, "GET", f"/v1/berichten/{case.waiting_id}/bewijs").body
    assert _audit(region, receipt.body, other, tmp_path) == 1


def test_promise_6_what_was_given_before_can_still_be_acknowledged(case: Case) -> None:
    case.erase(evidence=True)
    case.region.acknowledge(case.guide, 1)
    assert "1" not in [event["sequence"] for event in case.region.fetch(case.guide)]


def _audit(region: Region, receipt: bytes, proof: bytes, folder: Path) -> int:
    """The public verifier on files, with the hub's public keys alone."""
    files = {"receipt": receipt, "proof": proof}
    files["jwks"] = region.request("GET", "/.well-known/jwks.json", None, {}).body
    for name, content in files.items():
        (folder / name).write_bytes(content)
    key = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).body.decode().strip()
    options = [part for name in files for part in (f"--{name}", str(folder / name))]
    return audit.main([*options, "--key", key, "--json"])


# -- what a thief of everything finds ---------------------------------------------------------------------------------
NAME, NUMBER = "Kwartelkoning", "Roerdomp-41"


def marked(region: Region) -> Person:
    """Somebody whose name and number lie in this hub: in an opening message, and as the guide's own number."""
    guide, at = region.pair()
    person = region.candidate(guide, bsn=BSN, lokaalNummer=NUMBER)
    region.allow_placing(person, at)
    event = region.placing(person, at)
    event["data"]["kandidaat"]["roepnaam"] = NAME
    region.send(guide, event).expect(202)
    (given,) = region.collect(at)
    assert given["data"]["kandidaat"]["roepnaam"] == NAME
    person.refs[at] = given["subject"]
    region.allow_reports(person, at)
    region.send(at, region.report(person, at)).expect(202)
    return person


def loot(region: Region) -> bytes:
    """All that opens with the database, the master key and the key store together, and what the index keys confirm."""
    core = region.core
    with core.key_store._engine.connect() as connection:
        keys = core.key_store.find(connection.scalars(select(person_key.c.key_id)).all())
    found: list[bytes] = []
    with reading(core.engine) as connection:
        places = [
            (f"{kind}/{row.message_id}".encode(), sealed)
            for row in connection.execute(select(message))
            for kind, sealed in (("bericht", row.body), ("ontvangstbewijs", row.receipt))
        ]
        numbers = connection.execute(select(local_number)).all()
        places += [(f"lokaal-nummer/{row.person_id}".encode(), row.sealed) for row in numbers]
        for aad, sealed in places:
            for key in keys.values():
                with suppress(SealBroken):
                    found.append(unseal(key, sealed, aad))
        found += [json.dumps(e.payload).encode() for e in entries(connection, core.key_store) if e.payload is not None]
        index = core.keyring.bsn_index(BSN)
        indexes = [
            *connection.scalars(select(person_bsn.c.bsn_index)),
            *connection.scalars(select(message.c.bsn_index)),
        ]
        if index in indexes:
            found.append(BSN.encode())
        guesses = {
            hmac.digest(core.keyring.local_number_key, f"{party}/{NUMBER}".encode(), "sha256")
            for party in region.parties
        }
        if guesses & {row.number_index for row in numbers}:
            found.append(NUMBER.encode())
    return b"\n".join(found)


@pytest.mark.parametrize("scope", ["eigen", "geheel"])
def test_promise_6_whoever_steals_everything_reads_nothing_of_it(shared: Region, scope: str) -> None:
    """The database, the master key, the key store and the index key: no body, no name, no number, no BSN."""
    region = shared
    with region.core.engine.begin() as connection:  # of the other tests nothing counts here
        connection.execute(delete(person_bsn))
    person = marked(region)
    guide = person.guide
    before = loot(region)
    assert all(word.encode() in before for word in (NAME, NUMBER, BSN))  # the control
    erase(region, who(region, person.refs[guide]), guide if scope == "eigen" else None)
    after = loot(region)
    assert [word for word in (NAME, NUMBER, BSN) if word.encode() in after] == []
    region.wait_signed()
    verifiers = region.core.keyring.log_keys().verifiers(region.hub.log_origin)
    with reading(region.core.engine) as connection:
        whole = verify_log(table_fetch(connection), verifiers, ())
        whole.merge(check_rows(connection, verifiers))
        whole.merge(check(connection, region.core.key_store)[0])
    assert whole.findings == [], whole.as_text()


def test_promise_6_a_ref_without_keys_is_answered_like_nobody(case: Case) -> None:
    """The key is destroyed and the done mark not yet written, as after a crash: nothing is said and nothing breaks."""
    person: Person = case.person
    keys = [evidence_key(case.handle), content_key(case.handle, Oin(case.at))]
    case.region.core.key_store.destroy(keys, case.region.clock.now())
    answer = case.region.send(case.at, case.region.report(person, case.at))
    nobody = case.region.send(case.at, case.region.report(Person({case.at: "q" * 26}, ""), case.at))
    assert (answer.status, answer.code) == (nobody.status, nobody.code) == (403, "GEEN_GRONDSLAG")
