"""Who takes part in a race: senders, each with persons of its own, and two receivers, one with a webhook."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

import httpx2

from tests import samples
from tests.acceptance.race_acts import Lane, agree
from tests.live import LiveRegion
from tests.partners import SCOPES, Person
from tests.samples import GEMEENTE, ONTWIKKELBEDRIJF
from tests.unit.delivery.world import wait_until
from tests.webhook import Webhook

_TRIES: Final = 3


class Cast:
    """The parties of a race. Both ontwikkelbedrijven know each person; each person is placed at one sender."""

    def __init__(self, region: LiveRegion, webhook: Webhook, senders: int) -> None:
        self.region, self.webhook, self.strict = region, webhook, True
        self.pushed = region.fresh("ontwikkelbedrijf")
        presented = "kandidaat.voorgedragen"
        region.agree("gemeente-pushed", (GEMEENTE, self.pushed), presented, "toeleiding")
        categories = "identiteit bsn contact opleiding inzetbaarheid"
        terms = ("gemeente-pushed", presented, "toeleiding", "gemeente", "ontwikkelbedrijf", categories)
        region.ground("pushed", terms)
        point = region.employ("contactpunt", scopes=f"{SCOPES} rechten:geheel")
        self.lanes = [Lane(region.fresh("kringloop"), point) for _ in range(senders)]
        for lane in self.lanes:
            agree(region, lane, ONTWIKKELBEDRIJF)
            agree(region, lane, self.pushed)

    def people(self, wanted: Mapping[str, int]) -> None:
        """More persons, until each sender (OIN) has as many as it wants; while nobody else fetches."""
        region = self.region
        missing = {lane.at: wanted.get(lane.at, 0) - len(lane.persons) for lane in self.lanes}
        todo = [lane for lane in self.lanes for _ in range(missing[lane.at])]
        before = len(self.webhook.calls())
        with ThreadPoolExecutor(8) as pool:
            made = list(pool.map(lambda _: self._patiently(), todo))
            refs: dict[str, str] = {}
            while page := region.collect(ONTWIKKELBEDRIJF):
                refs |= {event["id"]: event["subject"] for event in page if "subject" in event}
            people = [Person({ONTWIKKELBEDRIJF: refs[event_id]}, trajectory) for event_id, trajectory in made]
            list(pool.map(lambda one: region.allow_placing(one[1], one[0].at), zip(todo, people, strict=True)))
        wait_until(lambda: len(self.webhook.calls()) - before >= len(made), 600)
        for lane in self.lanes:
            self._place(lane, [person for at, person in zip(todo, people, strict=True) if at is lane])

    def _place(self, lane: Lane, people: list[Person]) -> None:
        region, at = self.region, lane.at
        if not people:
            return
        events = [region.placing(person, at, traject=person.trajectory) for person in people]
        results = region.send_batch(ONTWIKKELBEDRIJF, events)
        assert {one["status"] for one in results} == {"aanvaard"}, results
        given = {event["id"]: event.get("subject", "") for event in region.collect(at)}
        for person, event in zip(people, events, strict=True):
            person.refs[at] = given[event["id"]]
            lane.persons.append(person)

    def _patiently(self) -> tuple[str, str]:
        """Another one where it failed: a hub without its lock may refuse or hang, which nobody holds against it."""
        for _ in range(0 if self.strict else _TRIES):
            with suppress(AssertionError, httpx2.HTTPError):
                return self._presented()
        return self._presented()

    def _presented(self) -> tuple[str, str]:
        region = self.region
        ref = region.register(GEMEENTE)
        trajectory = region.open_trajectory(GEMEENTE, ref)
        data = samples.voorgedragen(ref, traject={"trajectId": trajectory})
        data.pop("reintegratievoorziening")
        data.pop("contactpersoon")
        event = region.event(GEMEENTE, "kandidaat.voorgedragen", ref, data, ontvanger=ONTWIKKELBEDRIJF)
        region.send(GEMEENTE, event).expect(202)
        region.send(GEMEENTE, event | {"ontvanger": self.pushed, "id": event["id"] + "-p"}).expect(202)
        return event["id"], trajectory
