"""The replay as a whole: opens every entry, decides every release again, and compares the end with the tables.

An operator's act over HTTP must have been allowed where it stands. A command's operator is typed: of it nothing is
asked but that a grondslag has two.

It cannot know what was written, and then rewritten together with the log, before the last checkpoint that an outsider
kept; nor by which systeem a push went; nor whether a delivery was buried, or lay in the hub unreadable; nor what was
never logged and left no row.
"""

import hashlib
import heapq
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Final

from sqlalchemy import Connection

from consent.keys import SYSTEM_KEY, KeyStore, evidence_key
from consent.verify.report import Report
from contracts.identity import PersonId
from hub.ledger.replay.against.acts import Acts, compare_acts
from hub.ledger.replay.against.bound.marks import Marks, compare_marks
from hub.ledger.replay.against.cases import Cases, compare_cases
from hub.ledger.replay.against.cells import Careful
from hub.ledger.replay.against.deliveries import compare_deliveries
from hub.ledger.replay.against.erasures import compare_erasures
from hub.ledger.replay.against.shields import Shields, require_lifters
from hub.ledger.replay.against.subscriptions import Subscriptions, compare_subscriptions
from hub.ledger.replay.against.tables import compare
from hub.ledger.replay.entries import Opened, entries
from hub.ledger.replay.identity import Identities
from hub.ledger.replay.looks import looked
from hub.ledger.replay.persons import Persons
from hub.ledger.replay.region import Region
from hub.ledger.replay.shelf import Shelf
from hub.ledger.replay.traffic import Traffic

#: What no replay can find, told with every report.
UNKNOWN: Final = (
    "langs welk systeem een bericht is gepusht, of een levering terecht is begraven of als onleesbaar gestopt,"
    " en wat nooit is vastgelegd en ook geen rij naliet"
)
#: So many places one finding names, so that it stays small.
_PLACES: Final = 10


def named(entry_ids: Iterable[str]) -> str:
    """How an erase entry names the entries that can no longer be read: SHA-256 over their sorted ids."""
    return hashlib.sha256("\n".join(sorted(entry_ids)).encode()).hexdigest()


@dataclass(slots=True)
class _Replay:
    report: Report
    region: Region = field(default_factory=Region)
    persons: Persons = field(default_factory=Persons)
    identities: Identities = field(init=False)
    traffic: Traffic = field(init=False)
    subscriptions: Subscriptions = field(init=False)
    cases: Cases = field(default_factory=Cases)
    acts: Acts = field(default_factory=Acts)
    marks: Marks = field(default_factory=Marks)
    shields: Shields = field(default_factory=Shields)
    # key id, entry id → its number among those that cannot be read, and where it stands
    unreadable: Shelf[tuple[int, str]] = field(default_factory=Shelf)
    unread: int = 0  # how many of those
    erasures: Shelf[str] = field(default_factory=Shelf)  # names of entries that can no longer be read → since when

    def __post_init__(self) -> None:
        self.traffic = Traffic(self.region, self.persons)
        self.identities = Identities(self.persons)
        self.subscriptions = Subscriptions(self.region)

    def hear(self, entry: Opened) -> None:
        """Take in one entry."""
        if entry.fault is not None:
            self.report.wrong(entry.place, entry.fault)
        elif entry.payload is None:
            self.unreadable[f"{entry.key_id}\n{entry.entry_id}"] = (self.unread, entry.place)
            self.unread += 1
        else:
            try:
                wrong = self._said(entry, entry.payload)
            except (KeyError, TypeError, ValueError):
                wrong = "de inhoud is niet van een vorm die dit logboek kent"
            if wrong is not None:
                self.report.wrong(entry.place, wrong)

    def _said(self, entry: Opened, said: dict[str, Any]) -> str | None:
        person = None if entry.key_id == SYSTEM_KEY else str(entry.key_id).partition("/")[2]
        self.acts.hear(person, entry.entry_id, said)
        self.marks.hear(person, entry.entry_id, said)
        if person is not None:
            self.persons.meet(person)
        match said["soort"]:
            case "beheer":
                return self.region.hear(said)
            case "vernietiging":
                self.erasures[said["vermeldingen"]] = said["op"]
            case "besluit":
                self.traffic.decided(person, said)
            case "vrijgave":
                self.persons.named(str(person), said["ontvanger"], said)
                return self.traffic.release(person, said, entry.place)
            case "stop":
                self.traffic.stop(said)
            case "bevestiging":
                return self.traffic.acknowledge(said)
            case "bewaartermijn":
                return self.traffic.lapse(said, entry.entry_id)
            case "kennisgeving":
                self.traffic.notices[said["berichtId"]] = said["ontvanger"]
            case "wissing-verzoek" | "wissing-gevraagd" | "wissing-afgerond":
                self.persons.ask(said)
            case "abonnement" | "abonnement-beeindigd":
                return self.subscriptions.hear(said)
            case "zaak":
                self.cases.open(person, said)
            case "zaak-gesloten":
                self.cases.close(said)
            case _ if person is not None:
                return self._of_person(person, said, entry.place)
        return None

    def _of_person(self, person: str, said: dict[str, Any], place: str) -> str | None:
        if said["soort"] == "registratie":
            self.persons.named(person, said["organisatie"], said)
        match said["soort"]:
            case "samenvoeging" if "anderKenmerkVan" in said:
                self.persons.same_as[said["met"]] = said["anderKenmerkVan"]
                self.persons.join(self.persons.get(person).root, said["met"])
                self.persons.named(said["met"], said["ontvanger"], said)
            case "samenvoeging" if "berichtId" in said:
                return self.identities.by_bsn(person, said["met"])
            case "registratie" if "met" in said:
                return self.identities.by_bsn(said["met"], person)
            case "samenvoeging" | "splitsing":
                return self.identities.carried_out(said, all_read=self._read(*said["leden"], said.get("afgesplitst")))
            case "samenvoeging-gevraagd" | "splitsing-gevraagd":
                self.identities.asked(person, said)
            case "traject-beeindigd":
                self.persons.close(person, said)
            case "terugroeping":
                self.persons.recall(person, said)
                self.traffic.recall(said)
            case "wissing":
                self.persons.erase(person, said)
            case "inzage":
                return looked(self.region, self.persons, person, said)
            case "afscherming" | "afscherming-opheffing-gevraagd" | "afscherming-opgeheven":
                self.persons.hear(person, said)
                return self.shields.hear(said, place, self.persons.group(person))
            case "zaak-beantwoord":
                self.cases.close(said)
                self.persons.hear(person, said)
            case _:
                self.persons.hear(person, said)
        return None

    def _read(self, *handles: str | None) -> bool:
        """Whether all that was said of these persons up to here could be read."""
        keys = [evidence_key(PersonId(who)) for who in handles if who is not None]
        return not any(self.unreadable.any_under(f"{key}\n") for key in keys)

    def close(self) -> int:
        """What cannot be read must be named; the number of entries that are rightly unreadable."""
        for key_id, told in groupby(self.unreadable.unseen(), key=lambda one: one[0].partition("\n")[0]):
            ones = list(told)
            if self.erasures.get(named(key.partition("\n")[2] for key, _ in ones)) is None:
                where = _under_one_key([place for _, place in ones])
                self.report.wrong(where, "onleesbaar, en door geen vernietiging genoemd")
            self.traffic.erased.add(key_id.partition("/")[2])
        return self.unread


def _under_one_key(places: Collection[tuple[int, str]]) -> str:
    """How many there are, and where the first stand in the log."""
    first = ", ".join(place for _, place in heapq.nsmallest(_PLACES, places))
    more = f" en nog {len(places) - _PLACES}" if len(places) > _PLACES else ""
    return f"{len(places)} vermeldingen onder één sleutel: {first}{more}"


def check(connection: Connection, keys: KeyStore, progress: Callable[[int], None] | None = None) -> tuple[Report, int]:
    """The findings, and how many entries are unreadable because a key was destroyed.

    ``connection`` must show one state throughout (a snapshot). ``progress`` is told how many entries were looked at.
    """
    replay = _Replay(Report(["inhoud", "vrijgaven", "tabellen"], limits=[UNKNOWN]))
    for entry in entries(connection, keys, progress):
        replay.hear(entry)
    erased = replay.close()
    _compare(connection, keys, replay)
    return replay.report, erased


def _compare(connection: Connection, keys: KeyStore, replay: _Replay) -> None:
    """All that was told against all that stands there."""
    traffic, wrong = replay.traffic, replay.report.wrong
    careful = Careful(connection, wrong)
    careful.read_all()
    require_lifters(replay.shields, traffic.erased, wrong)
    careful.attempt("handelingen", lambda: compare_acts(connection, replay.acts, traffic.erased, careful))
    compare(connection, replay.identities, traffic, careful)
    for name, step in (
        ("abonnementen", lambda: compare_subscriptions(connection, replay.subscriptions, wrong)),
        ("leveringen", lambda: compare_deliveries(connection, traffic, wrong)),
        ("zaken", lambda: compare_cases(connection, replay.cases, traffic.erased, wrong)),
        ("wissingen", lambda: compare_erasures(connection, keys, replay.persons, traffic, wrong)),
    ):
        careful.attempt(name, step)
    compare_marks(connection, keys, replay.marks, traffic, careful)
