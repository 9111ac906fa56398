"""Two codes of employees are soon made up: who only receives joins and splits nobody by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.officers import JOIN, SPLIT, ask, both, confirm
from tests.partners import Answer
from tests.region import Region
from tests.samples import BSN, GEMEENTE, OTHER_BSN

NOT_FOUND = (404, "NIET_GEVONDEN")


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Region]:
    folder: Path = tmp_path_factory.mktemp("alleen")
    made = Region(folder)
    yield made
    made.stop()


def told(answer: Answer) -> tuple[int, str | None]:
    return answer.status, answer.code if answer.status >= 400 else None


def test_a_workplace_does_not_split_off_the_nee_that_stops_its_reports(region: Region) -> None:
    guide, at = region.pair()
    one, _ = region.reporting(guide, at)
    registered, second, mine = (guide, one.refs[guide]), (guide, region.register(guide)), (at, one.refs[at])
    both(region, JOIN, registered, second)
    region.open_trajectory(*second)
    region.statement(*second, keuze="nee", verstrekkers=None, geldigTot=None).expect(201)
    report = region.report(one, at)
    for trial in (True, False):  # not even to see whether there is somebody to split off
        assert told(confirm(region, SPLIT, mine, ask(region, SPLIT, mine)["code"], proef=trial)) == NOT_FOUND
    assert told(region.send(at, report)) == (403, "GEEN_GRONDSLAG")
    confirm(region, SPLIT, registered, ask(region, SPLIT, mine)["code"]).expect(200)  # the control: with the guide
    assert told(region.send(at, report)) == (202, None)


def test_a_workplace_does_not_bring_one_guide_the_reports_about_anothers_candidate(region: Region) -> None:
    guide, at = region.pair()
    other = region.fresh("ontwikkelbedrijf")
    region.agree(f"gemeente-{other}", (GEMEENTE, other), "kandidaat.voorgedragen", "toeleiding")
    kinds = "leerwerkplek.geplaatst voortgang.gemeld"
    region.agree(f"{other}-{at}", (other, at), kinds, "opleiden trajectbegeleiding")
    (one, _), (two, _) = region.reporting(guide, at), region.reporting(other, at)
    mine, theirs = (at, one.refs[at]), (at, two.refs[at])

    def receivers(number: int) -> set[str]:
        sent = region.send(at, region.report(one, at, number)).expect(202)["ontvangstbewijs"]
        return {decision["ontvanger"] for decision in sent["besluiten"]}

    for trial in (True, False):
        assert told(confirm(region, JOIN, theirs, ask(region, JOIN, mine)["code"], proef=trial)) == NOT_FOUND
    assert receivers(1) == {guide}
    confirm(region, JOIN, theirs, ask(region, JOIN, (guide, one.refs[guide]))["code"]).expect(200)
    assert receivers(2) == {guide, other}


@pytest.mark.parametrize("guess", [BSN, OTHER_BSN])
def test_nobody_tries_a_guessed_bsn_on_somebody_elses_registration(region: Region, guess: str) -> None:
    guide, _ = region.pair()
    mine, theirs = (guide, region.register(guide)), (GEMEENTE, region.register(GEMEENTE, bsn=BSN))
    both(region, JOIN, theirs, mine)
    tried = (guide, region.register(guide, bsn=guess))
    code = ask(region, JOIN, mine)["code"]
    assert not confirm(region, JOIN, tried, code, proef=True).expect(200)["bsnVerschilt"]
    code = ask(region, JOIN, theirs)["code"]  # the control: with who registered it
    assert confirm(region, JOIN, tried, code, proef=True).expect(200)["bsnVerschilt"] is (guess != BSN)
