"""The keys of who is done with somebody go after its last involvement, the evidence years later; it is shown."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select

from consent.keys import evidence_key
from consent.log import reading as log
from consent.verify import verifier
from contracts import instants
from hub.administration import installation
from hub.keys.erasure_list import ErasureList
from hub.rights.erasure.destroying import Eraser
from hub.rights.retention.sweeper import Swept
from hub.store.database import reading
from hub.store.tables import erasure
from tests.partners import Person
from tests.region import Region
from tests.retaining import DAY, Case, ageing, findings, sweep
from tests.samples import GEMEENTE


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def region(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    with ageing(request, tmp_path_factory.mktemp("bewaren")) as made:
        yield made


# -- b: the key of an organisation that is done -----------------------------------------------------------------------
def ending(region: Region, days: int) -> Case:
    """Somebody whose traject has an end."""
    guide, at = region.pair()
    ref = region.register(guide)
    last = instants.today(region.clock.now() + days * DAY)
    form = {"opdrachtgever": GEMEENTE, "wettelijkKader": "Pwet", "van": "2026-10-01", "tot": last.isoformat()}
    trajectory = region.call(guide, "POST", f"/v1/kandidaten/{ref}/trajecten", form).expect(201)["trajectId"]
    person = Person({guide: ref}, str(trajectory), guide)
    region.place(person, at)
    region.allow_reports(person, at)
    return Case(region, person, at)


def ended(region: Region, case: Case) -> datetime:
    """When the last involvement of ``at`` ends."""
    form = region.call(case.at, "GET", f"/v1/berichten/{next(iter(case.events))}").expect(200)
    until = instants.parse(form["bewijsTot"])
    return until.replace(year=until.year - 5)


def test_the_key_of_who_is_done_goes_after_its_last_involvement_and_evidence_at_its_own_term(region: Region) -> None:
    case = ending(region, 20)
    given = case.report()
    region.collect(case.guide)
    handle, key, ref = case.handle, case.key, case.person.refs[case.at]
    end = ended(region, case)
    proof_until = instants.parse(case.status(given)["bewijsTot"])
    with case.exactly(end + 30 * DAY, -1):
        sweep(region)
    assert not case.holds(given) and region.core.key_store.find([key])
    case.advance_to(end + 30 * DAY, 60)
    with patch.object(Eraser, "finish_soon"):  # a crash right behind the commit
        sweep(region)
    assert region.core.key_store.find([key]) and any("niet afgemaakt" in reason for _, reason in findings(region))
    region.hub.sweeper._tools.eraser.finish()  # as at the next start
    assert not region.core.key_store.find([key]) and key in ErasureList(installation.erasures(region.settings)).read()
    assert region.fate(case.at, given) == {case.guide: "gewist"} and findings(region) == []
    assert region.call(case.at, "POST", f"/v1/kandidaten/{ref}/stopverzoek").status == 404
    with reading(region.core.engine) as connection:
        rows = connection.execute(select(erasure).where(erasure.c.person_id == handle)).all()
    assert {row.organisation for row in rows} == {case.at, case.guide} and {row.reason for row in rows} == {
        "bewaartermijn"
    }
    _statement(case, given, key)
    # -- d: the evidence, years later
    sweep(region)
    with case.exactly(proof_until, -1):
        sweep(region)
    name = evidence_key(handle)
    assert region.core.key_store.find([name])
    case.advance_to(proof_until, 60)
    swept = sweep(region)
    assert swept.persons >= 1 and not region.core.key_store.find([name])
    assert handle in ErasureList(installation.erasures(region.settings)).read() and findings(region) == []
    month = instants.today(region.clock.now()).isoformat()[:7]
    region.wait_signed()
    told = region.call(case.at, "GET", f"/v1/vernietigingsverklaringen/{month}").expect(200)
    assert told["vernietigd"] == {"berichten": 0, "onbestelbaar": 0, "sleutels": 0, "bewijzen": 1}
    assert sweep(region) == Swept(0, 0, 0, 0)


def _statement(case: Case, given: str, key: str) -> None:
    """What the controller is shown of it, and nobody else."""
    region = case.region
    region.wait_signed()
    listed = region.call(case.at, "GET", "/v1/vernietigingsverklaringen").expect(200)["items"]
    assert [sum(one[name] for one in listed) for name in ("berichten", "sleutels", "bewijzen")] == [1, 1, 0]
    shown = [region.call(case.at, "GET", f"/v1/vernietigingsverklaringen/{m['periode']}").expect(200) for m in listed]
    assert [one for each in shown for one in each["berichten"]] == [given]
    assert [one for each in shown for one in each["sleutels"]] == [sha256(key.encode()).hexdigest()]
    kinds = [one for each in shown for one in each["soorten"]]
    assert kinds == [{"soort": "voortgang.gemeld", "doel": "trajectbegeleiding", "berichten": 1, "dagen": 30}]
    places = {one["vermelding"]: one["bladHash"] for each in shown for one in each["vermeldingen"]}
    assert len(places) == 2
    for each in shown:
        assert _in_log(region, each) == [int(one["vermelding"]) for one in each["vermeldingen"]]
    page = region.call(case.at, "GET", f"/v1/vernietigingsverklaringen/{listed[0]['periode']}?formaat=brief")
    assert page.headers["content-type"].startswith("text/html") and "Verklaring van vernietiging" in page.body.decode()
    query = f"van={date.fromisoformat(listed[-1]['periode'] + '-01') + timedelta(days=40)}"
    assert region.call(case.at, "GET", f"/v1/vernietigingsverklaringen?{query}").expect(200)["items"] == []
    stranger = region.fresh("kringloop")
    assert region.call(stranger, "GET", "/v1/vernietigingsverklaringen").expect(200)["items"] == []
    for month in (listed[0]["periode"], "2026-13", "x"):
        assert region.call(stranger, "GET", f"/v1/vernietigingsverklaringen/{month}").status == 404
    assert json.dumps(shown).count(case.person.refs[case.at]) == 0


def _in_log(region: Region, shown: dict[str, Any]) -> list[int]:
    """Where the verifier meets the entries of a statement as whole."""
    keys = verifier.read_jwks(region.request("GET", "/.well-known/jwks.json", None, {}).body)
    published = region.request("GET", "/v1/bewijslogboek/sleutel", None, {}).expect(200)["sleutel"]
    ours = verifier.read_verifiers(published)
    raw = json.dumps(shown).encode()
    sought = verifier.sought_by(raw)
    with reading(region.core.engine) as connection:
        verifier.verify_log(partial(log.fetch, connection), ours, sought=sought)
    assert verifier.verify_any_receipt(raw, keys, None, ours, sought).findings == []
    return [sought.found[leaf] for leaf in verifier.leaf_hashes(shown)]
