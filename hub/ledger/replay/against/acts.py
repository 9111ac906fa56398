"""Whatever else the log tells of an act: who recorded it, through which systeem, how, on which text, how it ended.

The gate decides on none of it, so that ``PersonFacts`` do not hold it; but receipts, inzage and accounts rest on it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, select

from consent.facts import StatementStatus
from consent.store import tables as facts
from hub.ledger.replay.against.rows import Wrong, every, pages, place, place_of, plain, stream
from hub.ledger.replay.shelf import Shelf
from hub.store import tables as hub

_TABLES: Final = (
    *(hub.trajectory, facts.statement, facts.stop, facts.secrecy_release),
    *(facts.restriction, facts.objection, facts.shield, facts.notice_text, facts.stop_flow, facts.stop_answer),
    hub.recall,
)
#: Of a row that names no person: by which column of which other table it is about one.
_ABOUT: Final = {
    facts.stop_flow: facts.stop.c.stop_id,
    facts.stop_answer: facts.stop.c.stop_id,
    hub.recall: hub.message.c.message_id,
}
_ENDS: Final = {"intrekking": StatementStatus.WITHDRAWN, "herroeping": StatementStatus.REVOKED}


def _shelf() -> Shelf[dict[str, Any]]:
    return Shelf(dict, dict)


@dataclass(slots=True)
class Acts:
    """By table and key of a row: what each column that the log tells of must hold."""

    told: Shelf[dict[str, Any]] = field(default_factory=_shelf)
    languages: dict[tuple[str, ...], set[str]] = field(default_factory=lambda: defaultdict(set))  # of a text's version

    def hear(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """Take in one entry. What tells of no row of these tables is passed over."""
        match said["soort"]:
            case "traject-geopend":
                self._trajectory(person, said)
            case "toestemming-gevraagd" | "toestemming":
                self._statement(person, entry_id, said)
            case "intrekking" | "herroeping" as how:
                end = {"ended_at": said["op"], "ended_as": _ENDS[how].value, "ended_by": said["organisatie"]}
                self._tell(facts.statement, [said["toestemmingId"]], end)
            case "ongeldigverklaring":
                self._tell(facts.statement, [said["toestemmingId"]], {"invalid_at": said["op"]})
            case "stopverzoek":
                self._tell(facts.stop, [said["stopId"]], _recorded(person, said) | {"at": said["op"]})
                for flow in (one for one in said["gevraagd"] if not isinstance(one, str)):
                    self._tell(facts.stop_flow, _flow(said["stopId"], flow), dict.fromkeys(("answer", "at")))
            case "ontheffing":
                released = {"person_id": person, "manner": said["wijze"], "recorded_at": said["op"]}
                self._tell(facts.secrecy_release, [said["ontheffingId"]], released)
            case "beperking":
                restricted = _recorded(person, said) | {"reason": said["grond"]}
                self._tell(facts.restriction, [said["beperkingId"]], restricted)
            case "bezwaar":
                self._tell(facts.objection, [said["bezwaarId"]], _recorded(person, said) | {"decided_at": None})
            case "zaak-beantwoord" if said["zaak"] == "bezwaar":
                self._tell(facts.objection, [said["oorzaak"]], {"decided_at": said["op"]})
            case "terugroeping":
                named = {"message_id": said["berichtId"], "organisation": said["organisatie"], "at": said["op"]}
                named |= {"reason": said["reden"], "receivers": said["ontvangers"], "stopped": said["gestopt"]}
                self._tell(hub.recall, [said["terugroepingId"]], named | {"discovered_at": said["ontdektOp"]})
            case "zaak-beantwoord" if said["zaak"] == "stopverzoek":
                self._answered(said)
            case "afscherming" | "afscherming-opheffing-gevraagd" | "afscherming-opgeheven":
                self._tell(facts.shield, [said["afschermingId"]], _shielded(person, said))
            case "verklaring-gepubliceerd" | "verklaring-ongeldig":
                self._text(said)

    def _trajectory(self, person: str | None, said: Mapping[str, Any]) -> None:
        opened = {"person_id": person, "client": said["opdrachtgever"], "framework": said["wettelijkKader"]}
        opened |= {"valid_from": said["van"], "valid_until": said.get("tot"), "opened_by": said["organisatie"]}
        self._tell(hub.trajectory, [said["trajectId"]], opened)

    def _statement(self, person: str | None, entry_id: str, said: Mapping[str, Any]) -> None:
        """What was said, or asked for; the answer to a request leaves who asked, when, and through which systeem."""
        at, key = said["op"], [said["toestemmingId"]]
        first = _recorded(person, said) | {"system": said["systeem"], "renews": said.get("vernieuwt")}
        first |= {"asked_at": None if "keuze" in said else at}
        first |= dict.fromkeys(("ended_at", "ended_as", "ended_by", "invalid_at"))
        if self.told.get(place(facts.statement, key)) is None:
            self._tell(facts.statement, key, first)
        spoken = {"recorded_at": at, "entry_id": entry_id, "notice": said["verklaring"]}
        names = {"asked_by": "gevraagdDoor", "manner": "wijze", "given_by": "gegevenDoor", "sixteen_at": "zestienOp"}
        self._tell(facts.statement, key, spoken | {column: said.get(name) for column, name in names.items()})

    def _answered(self, said: Mapping[str, Any]) -> None:
        """A flow that a stop stopped; as older entries have it, all flows of a verstrekker."""
        answer = {"answer": said["antwoord"], "at": said["op"]}
        if "stroom" in said:
            self._tell(facts.stop_flow, _flow(said["oorzaak"], said["stroom"]), answer)
        else:
            self._tell(facts.stop_answer, [said["oorzaak"], said["organisatie"]], answer)

    def _text(self, said: Mapping[str, Any]) -> None:
        """A text of a notice, published in one language, and found wrong in all of them."""
        named = said["verklaring"]
        version = said["organisatie"], named["id"], named["versie"]
        if said["soort"] == "verklaring-gepubliceerd":
            self.languages[version].add(named["taal"])
            text = {"text": named["sha256"], "sha256": named["sha256"], "published_at": said["op"], "invalid_at": None}
            self._tell(facts.notice_text, [*version, named["taal"]], text)
            return
        for language in self.languages[version]:
            self._tell(facts.notice_text, [*version, language], {"invalid_at": said["op"]})

    def _tell(self, table: Table, key: Iterable[str], columns: dict[str, Any]) -> None:
        where = place(table, key)
        self.told[where] = (self.told.get(where) or {}) | columns


def compare_acts(connection: Connection, acts: Acts, erased: set[str], wrong: Wrong) -> None:
    """Of those whose evidence is gone (``erased``: handles) the log tells nothing."""
    for table in _TABLES:
        for rows in _rows(connection, table):
            by_place = {place_of(table, row): row for row in rows}
            told = acts.told.see(by_place)
            for where, row in by_place.items():
                if where not in told:
                    if row._mapping.get("person_id") not in erased:
                        wrong(where, "het logboek weet hier niet van")
                    continue
                other = [name for name, value in told[where].items() if value != _shown(row, name)]
                if other:
                    wrong(where, f"de tabel is anders dan het logboek zegt: {', '.join(other)}")
    for where, _ in acts.told.unseen():
        wrong(where, "het logboek kent dit, de tabel niet")


def _rows(connection: Connection, table: Table) -> Iterator[Any]:
    """All rows: some at a time, where one column tells them apart; else they are few."""
    first, *more = table.primary_key
    if table in _ABOUT:
        of = _ABOUT[table]
        about = select(table, of.table.c.person_id).outerjoin_from(table, of.table, of == table.c[of.name])
        for row in stream(connection, about):
            yield [row]
    elif more:
        yield every(connection, table)
    else:
        yield from pages(connection, table, first)


def _shown(row: Row[Any], column: str) -> Any:
    """What a row holds, as the log has it: of a text its digest."""
    value = row._mapping[column]
    return sha256(value.encode()).hexdigest() if column == "text" else plain(value)


def _flow(stop_id: str, flow: Mapping[str, str]) -> list[str]:
    """The key of its row: what it does not name is empty."""
    return [stop_id, flow["verstrekker"], flow.get("ontvanger", ""), flow.get("doel", "")]


def _recorded(person: str | None, said: Mapping[str, Any]) -> dict[str, Any]:
    return {"person_id": person, "recorder": said["organisatie"]}


def _shielded(person: str | None, said: Mapping[str, Any]) -> dict[str, Any]:
    """An afscherming, or a step of the two employees who lift it; one that a narrower one replaces nobody lifts."""
    match said["soort"]:
        case "afscherming":
            steps = dict.fromkeys(("lift_asked_by", "lift_asked_at", "lift_for", "lifted_by"))
            return _recorded(person, said) | {"reason": said["grond"]} | steps
        case "afscherming-opgeheven":
            return {"lifted_by": said.get("medewerker")}
        case _:
            asked = {"lift_asked_by": said["medewerker"], "lift_asked_at": said["op"]}
            return asked | {"lift_for": said.get("ontvangers")}
