"""The acts that take away, as the race draws them: each takes, says what it took, and afterwards gives back.

An act that answers ``verstrekt`` is done by the sender, in whose answer all its own flows stand. A command has no such
answer: what had left by then is read right behind it, and nothing more may follow.
"""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

from sqlalchemy import Row, select

from contracts import instants
from hub.store.database import reading
from hub.store.tables import delivery, message, message_key
from tests.acceptance.race_desk import Desks
from tests.acceptance.race_verdict import Taken
from tests.live import LiveRegion
from tests.partners import OPERATOR, Person
from tests.samples import ONTWIKKELBEDRIJF

PURPOSE: Final = "trajectbegeleiding"
WISH: Final = {"omvang": "eigen", "reden": "bezwaar", "kenmerk": "race"}
KINDS: Final = "leerwerkplek.geplaatst voortgang.gemeld"


@dataclass(slots=True)
class Lane:
    """One sender, its persons, and the agreement that it has now with each receiver."""

    at: str
    point: str  # the contactpunt of the region
    persons: list[Person] = field(default_factory=list)
    agreements: dict[str, str] = field(default_factory=dict)
    agreed: int = 0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where an act is done: ``given`` is the statement of this round, which ends at ``ends``; ``ids``: its events."""

    region: LiveRegion
    desks: Desks
    lane: Lane
    person: Person
    given: str
    ends: datetime
    ids: list[str]
    chance: Random

    @property
    def at(self) -> str:
        """The sender."""
        return self.lane.at

    @property
    def ref(self) -> str:
        return self.person.refs[self.at]

    @property
    def receivers(self) -> frozenset[str]:
        return frozenset(self.lane.agreements)

    def until(self, instant: datetime) -> float:
        """Seconds until then, by this machine's clock, which is the hub's too."""
        return (instant - datetime.now(UTC)).total_seconds()

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A call of the sender about the person; its answer."""
        url = f"/v1/kandidaten/{self.ref}/{path}"
        return self.region.call(self.at, method, url, body).expect(200, 201, 202, 204)

    def order(self, *arguments: str) -> dict[str, Any]:
        """A command of an operator."""
        return self.desks.run(*arguments, "--operator", OPERATOR)


@dataclass(frozen=True, slots=True)
class Act:
    """One way to take away. ``give_back`` is called when nothing of the round is on its way any more.

    ``prepare``: what is done before the first message, so that the act itself is one call.
    """

    take: Callable[[Stage], Taken]
    give_back: Callable[[Stage, Taken], None] = lambda *_: None
    prepare: Callable[[Stage], None] = lambda _: None
    by_time: bool = False  # it happens by itself, at the end of the statement
    by_command: bool = False
    uses_up: bool = False  # the sender can say nothing more about this person
    weight: int = 3  # how often it is drawn


def _answered(stage: Stage, answer: dict[str, Any]) -> Taken:
    over = time.monotonic()
    told = frozenset((one["berichtId"], one["ontvanger"]) for one in answer["verstrekt"])
    return Taken(instants.parse(answer["tijdstip"]), over, stage.receivers, told)


def _ordered(stage: Stage, at: datetime, receivers: Collection[str]) -> Taken:
    """What an act took away that does not name it, read right behind its commit: nothing may be released any more."""
    over = time.monotonic()
    told = frozenset((row.message_id, row.recipient) for row in rows(stage) if row.released_at is not None)
    return Taken(at, over, frozenset(receivers), told)


def rows(stage: Stage) -> list[Row[Any]]:
    """The deliveries of this round as they are now, each with its event and its person."""
    with reading(stage.region.core.engine) as connection:
        own = (message_key.c.organisation == stage.at) & (message_key.c.system == stage.region.parties[stage.at].system)
        query = (
            select(delivery, message_key.c.event_id, message.c.person_id)
            .join(message_key, message_key.c.message_id == delivery.c.message_id)
            .join(message, message.c.message_id == delivery.c.message_id)
            .where(own, message_key.c.event_id.in_(stage.ids))
        )
        return list(connection.execute(query))


# -- acts of the sender ---------------------------------------------------------------------------------------------
def withdraw(stage: Stage) -> Taken:
    return _answered(stage, stage.region.withdraw(stage.at, stage.given))


def refuse(stage: Stage) -> Taken:
    scope = {"verstrekkers": [stage.at], "doelen": [PURPOSE]}
    return _answered(stage, stage.region.statement(stage.at, stage.ref, keuze="nee", **scope).expect(201))


def stop(stage: Stage) -> Taken:
    return _answered(stage, stage.region.stop_request(stage.at, stage.ref))


def restrict(stage: Stage) -> Taken:
    flows = {"verstrekkers": [stage.at], "grond": "juistheid-betwist"}
    return _answered(stage, stage.call("PUT", "beperking", flows))


def lift(stage: Stage, _: Taken) -> None:
    stage.call("DELETE", "beperking")


def object_to(stage: Stage) -> Taken:
    return _answered(stage, stage.call("POST", "bezwaar", {"verstrekkers": [stage.at], "grond": "reden"}))


def answer(kind: str, **reply: str) -> Callable[[Stage, Taken], None]:
    """The sender answers what it is asked."""

    def give_back(stage: Stage, _: Taken) -> None:
        region, at = stage.region, stage.at
        for one in _open(stage, at, kind):
            region.call(at, "POST", f"/v1/zaken/{one['id']}/antwoord", reply).expect(200)

    return give_back


# -- what ends by itself, or by an operator ---------------------------------------------------------------------------
def expire(stage: Stage) -> Taken:
    seconds = stage.until(stage.ends)
    over = time.monotonic() + seconds  # in this order: who is held up in between says too late, never too early
    time.sleep(max(0.0, seconds))
    return Taken(stage.ends, over, stage.receivers, None)


def end_agreement(stage: Stage) -> Taken:
    receiver = stage.chance.choice(sorted(stage.receivers))
    ended = stage.order("afspraak", "end", stage.lane.agreements[receiver])
    return _ordered(stage, instants.parse(ended["beeindigdOp"]), [receiver])


def renew_agreements(stage: Stage, taken: Taken) -> None:
    for receiver in taken.receivers:
        agree(stage.region, stage.lane, receiver)


def agree(region: LiveRegion, lane: Lane, receiver: str) -> None:
    """The next agreement between the sender and this receiver."""
    lane.agreed += 1
    name = f"{receiver[-9:]}-{lane.at[-9:]}-{lane.agreed}"
    region.agree(name, (receiver, lane.at), KINDS, f"opleiden {PURPOSE}")
    lane.agreements[receiver] = name


def end_mandate(stage: Stage) -> Taken:
    ended = stage.order("machtiging", "end", stage.region.mandates[stage.at])
    return _ordered(stage, instants.parse(ended["beeindigdOp"]), stage.receivers)


def renew_mandate(stage: Stage, _: Taken) -> None:
    stage.region.renew_mandate(stage.at)


def erase(stage: Stage) -> Taken:
    """The key of all that the sender sent about the person is destroyed; its ref names nobody from then on."""
    done = stage.call("POST", "wissing", WISH)
    return _ordered(stage, instants.parse(done["tijdstip"]), stage.receivers)


def ask_whole(stage: Stage) -> None:
    """The person asks to be erased as a whole; the contactpunt carries it out, and only one is still to answer."""
    region, point = stage.region, stage.lane.point
    asked = stage.call("POST", "wissing", WISH | {"omvang": "geheel"})["wissingId"]
    mine = {one["oorzaak"]: one["id"] for one in _open(stage, point, "wissing-verzoek")}
    region.call(point, "POST", f"/v1/zaken/{mine[asked]}/antwoord", {"antwoord": "gehonoreerd"}).expect(200)
    for one in region.call(point, "GET", f"/v1/wissingen/{asked}").expect(200)["verwerkingsverantwoordelijken"]:
        if one["organisatie"] != ONTWIKKELBEDRIJF:
            _erase_part(stage, one["organisatie"], one["zaakId"])


def erase_whole(stage: Stage) -> Taken:
    """The others erase their content: the last one's answer erases the person as a whole.

    The sender is asked last, and only where it has begun to hold something.
    """
    for who in (ONTWIKKELBEDRIJF, stage.at):
        for one in _open(stage, who, "wissing"):
            if one["kandidaatRef"] == stage.person.refs[who]:
                at = instants.parse(_erase_part(stage, who, one["id"])["geslotenOp"])
    return _ordered(stage, at, stage.receivers)


def _open(stage: Stage, who: str, kind: str) -> list[dict[str, Any]]:
    page = stage.region.call(who, "GET", f"/v1/zaken?soort={kind}&open=true").expect(200)
    found: list[dict[str, Any]] = page["items"]
    return found


def _erase_part(stage: Stage, who: str, zaak: str) -> dict[str, Any]:
    answered: dict[str, Any]
    answered = stage.region.call(who, "POST", f"/v1/zaken/{zaak}/antwoord", {"antwoord": "gewist"}).expect(200)
    return answered


ACTS: Final[dict[str, Act]] = {
    "intrekking": Act(withdraw),
    "nee": Act(refuse),
    "stopverzoek": Act(stop, answer("stopverzoek", antwoord="bevestigd")),
    "beperking": Act(restrict, lift),
    "bezwaar": Act(object_to, answer("bezwaar", antwoord="afgewezen", motivering="reden")),
    "verlopen": Act(expire, by_time=True),
    "afspraak": Act(end_agreement, renew_agreements, by_command=True),
    "machtiging": Act(end_mandate, renew_mandate, by_command=True),
    "wissing": Act(erase, uses_up=True, weight=1),
    "wissing-geheel": Act(erase_whole, prepare=ask_whole, uses_up=True, weight=1),
}
