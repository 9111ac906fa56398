"""What the entries of one statement say, read out of their payloads: the statement, and what became of it.

Pure. Nothing here comes from anywhere but the proven bytes, so two readers of one receipt read the same, years apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from consent.receipt.evidence import VERSION, Evidence, ReceiptInvalid, Shown
from consent.receipt.principal import ref_binding
from contracts import instants
from contracts.errors import JsonInvalid
from contracts.identity import Category, LegalBasis, Oin, Purpose
from contracts.strict_json import loads


class State(StrEnum):
    """What happened to a statement (ISO/IEC TS 27560 event state). Withdrawn: by the person; revoked: by another."""

    REQUESTED = "gevraagd"
    GIVEN = "gegeven"
    RENEWED = "vernieuwd"
    REFUSED = "geweigerd"
    PART_CONFIRMED = "deel-bevestigd"
    PART_LAPSED = "deel-vervallen"
    PERSON_CONFIRMED = "zelf-bevestigd"
    WITHDRAWN = "ingetrokken"
    REVOKED = "herroepen"
    EXPIRED = "verlopen"
    INVALIDATED = "ongeldig"


#: What a person says (`keuze`).
YES, NO = "ja", "nee"
#: The `soort` of a statement's own entry, and of one that only asks for it.
STATEMENT: Final = "toestemming"
REQUEST: Final = "toestemming-gevraagd"
#: The `soort` of an entry that tells of an end without naming who saw to it; `als` says which end.
ENDED: Final = "toestemming-beeindigd"
#: The `soort` of every other entry that a receipt may show beside the statement's own, and what it tells.
LATER: Final[Mapping[str, State]] = {
    REQUEST: State.REQUESTED,
    "bevestiging-toestemming": State.PART_CONFIRMED,
    "bevestiging-vervallen": State.PART_LAPSED,
    "bevestiging-betrokkene": State.PERSON_CONFIRMED,
    "intrekking": State.WITHDRAWN,
    "herroeping": State.REVOKED,
    "ongeldigverklaring": State.INVALIDATED,
}
ENDS: Final = frozenset({State.WITHDRAWN, State.REVOKED, State.INVALIDATED})


def later_state(payload: Mapping[str, Any]) -> State | None:
    """What another entry tells of the statement; ``None``: nothing that a receipt shows."""
    if payload.get("soort") != ENDED:
        return LATER.get(str(payload.get("soort")))
    return next((state for state in ENDS if state == payload.get("als")), None)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: when, who saw to it (``None``: not shown), and in whose name (`gegevenDoor`)."""

    state: State
    at: datetime
    by: Oin | None = None
    given_by: str | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The text that the person was shown."""

    id: str
    version: str
    sha256: str
    language: str


@dataclass(frozen=True, slots=True)
class Said:
    """The answer: which, when, how, by whom (`gegevenDoor`); ``sixteen_at``: when a minor turns 16."""

    choice: str
    at: datetime
    manner: str
    by: str
    sixteen_at: datetime | None


@dataclass(frozen=True, slots=True)
class Account:
    """One statement. In a refusal each of the four scopes may be ``None``: all. ``names``: as they were then.

    ``said``: ``None`` as long as it is only asked for.
    """

    id: str
    receipt_id: str  # the leaf hash of the statement's entry, in hexadecimal
    recorder: Oin
    recorded_at: datetime
    basis: LegalBasis
    said: Said | None
    purposes: tuple[Purpose, ...] | None
    categories: tuple[Category, ...] | None
    senders: tuple[Oin, ...] | None
    receivers: tuple[Oin, ...] | None
    valid_from: datetime
    valid_until: datetime | None
    notice: Notice
    asked_by: Oin | None
    renews: str | None  # the id of the statement that it renews
    names: Mapping[Oin, str]
    ref: tuple[Oin, str] | None  # an organisation and its own ref for the person
    events: tuple[Event, ...]
    kept: tuple[int, int] | None = None  # days of content, years of evidence; ``None``: of before they were told
    version: int = VERSION  # of the words of its letter

    def parties(self) -> list[Oin]:
        """Every organisation that the receipt names, in a fixed order."""
        events = [e.by for e in self.events if e.by is not None]
        asked = [] if self.asked_by is None else [self.asked_by]
        return sorted({self.recorder, *(self.senders or ()), *(self.receivers or ()), *asked, *events})

    def name(self, organisation: Oin) -> str:
        """Its name as it was registered when the statement was recorded."""
        return self.names.get(organisation, organisation)

    @property
    def says_yes(self) -> bool:
        """A ``ja``; neither a ``nee`` nor a question."""
        return self.choice == YES

    @property
    def choice(self) -> str | None:
        """`ja`, `nee`, or ``None`` as long as it is only asked for."""
        return None if self.said is None else self.said.choice

    @property
    def confirmed(self) -> frozenset[Oin]:
        """The verstrekkers whose part was in force at the last, in the order of the log."""
        found: set[Oin] = set()
        for event in self.events:
            if event.by is not None and event.state is State.PART_CONFIRMED:
                found.add(event.by)
            elif event.by is not None and event.state is State.PART_LAPSED:
                found.discard(event.by)
        return frozenset(found)

    @property
    def known_until(self) -> datetime:
        """The newest instant at which an act that the receipt tells of was logged: it knows of nothing later."""
        return max(self.recorded_at, *(e.at for e in self.events if e.state is not State.EXPIRED))

    @property
    def ended(self) -> Event | None:
        """The event that ended it, if one did before its term."""
        return next((e for e in self.events if e.state in ENDS), None)


def read(evidence: Evidence) -> Account:
    """What the evidence says. Raises ``ReceiptInvalid`` for a payload that is not of a statement."""
    first, *rest = evidence.entries
    try:
        stated = _members(first)
        if stated["soort"] not in (STATEMENT, REQUEST):
            raise ValueError("not an entry of a statement")
        others = [_members(entry) for entry in rest]
        if any(later_state(o) is None or o["toestemmingId"] != stated["toestemmingId"] for o in others):
            raise ValueError("an entry of something else")
        account = _account(stated, others, first.leaf.hex(), _ref(evidence, [stated, *others]))
        return replace(account, version=evidence.version)
    except ReceiptInvalid:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, JsonInvalid) as error:
        raise ReceiptInvalid("bewijs", "een vermelding is niet die van een toestemming") from error


def only_asks(entry: Shown) -> bool:
    """Whether an entry of a receipt that was read is the request that went before the answer."""
    return bool(_members(entry)["soort"] == REQUEST)


def _members(entry: Shown) -> dict[str, Any]:
    value = loads(entry.payload.encode())
    if not isinstance(value, dict):
        raise TypeError("a payload is an object")
    return value


def _ref(evidence: Evidence, payloads: list[dict[str, Any]]) -> tuple[Oin, str] | None:
    """The ref that is shown, once its binding was found in one of the entries."""
    who = evidence.principal
    if who is None:
        return None
    binding = ref_binding(who.opening, who.ref)
    if all(payload.get("betrokkene", {}).get(who.organisation) != binding for payload in payloads):
        raise ReceiptInvalid("bewijs: betrokkene", "deze kandidaatRef hoort niet bij deze toestemming")
    return who.organisation, who.ref


def _account(
    stated: Mapping[str, Any], later: list[dict[str, Any]], receipt_id: str, ref: tuple[Oin, str] | None
) -> Account:
    notice = stated["verklaring"]
    until = stated["geldigTot"]
    asked = stated.get("gevraagdDoor")
    return Account(
        id=str(stated["toestemmingId"]),
        receipt_id=receipt_id,
        recorder=Oin(stated["organisatie"]),
        recorded_at=instants.parse(stated["op"]),
        basis=LegalBasis(stated["grondslag"]),
        said=_said(stated) if stated["soort"] == STATEMENT else None,
        purposes=_scope(stated, "doelen", Purpose),
        categories=_scope(stated, "categorieen", Category),
        senders=_scope(stated, "verstrekkers", Oin),
        receivers=_scope(stated, "ontvangers", Oin),
        valid_from=instants.parse(stated["geldigVan"]),
        valid_until=None if until is None else instants.parse(until),
        notice=Notice(notice["id"], notice["versie"], notice["sha256"], notice["taal"]),
        asked_by=None if asked is None else Oin(asked),
        renews=stated.get("vernieuwt"),
        names={Oin(oin): str(name) for oin, name in stated.get("namen", {}).items()},
        ref=ref,
        events=tuple(_events(stated, later)),
        kept=_kept(stated),
    )


def _said(stated: Mapping[str, Any]) -> Said:
    birthday = stated.get("zestienOp")
    if stated["keuze"] not in (YES, NO):
        raise ValueError("neither yes nor no")
    return Said(
        choice=stated["keuze"],
        at=instants.parse(stated["gegevenOp"]),
        manner=str(stated["wijze"]),
        by=str(stated["gegevenDoor"]),
        sixteen_at=None if birthday is None else instants.parse(birthday),
    )


def _kept(stated: Mapping[str, Any]) -> tuple[int, int] | None:
    told = stated.get("bewaartermijnen")
    return None if told is None else (int(told["inhoudDagen"]), int(told["bewijsJaren"]))


def _scope(stated: Mapping[str, Any], name: str, make: Any) -> tuple[Any, ...] | None:
    return tuple(make(value) for value in stated[name]) if name in stated else None


def _events(stated: Mapping[str, Any], others: list[dict[str, Any]]) -> list[Event]:
    """In the order of the log, which is that of the acts; last the end of the term, where nothing ended it before."""
    told = [_event(payload) for payload in others]
    events = [event for event in told if event.state is State.REQUESTED]
    recorder, recorded = Oin(stated["organisatie"]), instants.parse(stated["op"])
    if stated["soort"] == REQUEST:
        events.append(Event(State.REQUESTED, recorded, recorder))
    else:
        answer = State.RENEWED if "vernieuwt" in stated else State.GIVEN
        answer = answer if stated["keuze"] == YES else State.REFUSED
        events.append(Event(answer, instants.parse(stated["gegevenOp"]), recorder, str(stated["gegevenDoor"])))
    events += [Event(State.PART_CONFIRMED, recorded, Oin(sender)) for sender in stated.get("bevestigd", ())]
    events += [event for event in told if event.state is not State.REQUESTED]
    until = None if stated["geldigTot"] is None else instants.parse(stated["geldigTot"])
    if until is not None and not any(event.state in ENDS and event.at <= until for event in events):
        events.append(Event(State.EXPIRED, until))
    return events


def _event(payload: Mapping[str, Any]) -> Event:
    state, by = later_state(payload), payload.get("organisatie")
    if state is None:
        raise ValueError("an entry of something else")
    at = instants.parse(payload.get("zelfBevestigdOp", payload["op"]))
    return Event(state, at, None if by is None else Oin(by), payload.get("gegevenDoor"))
