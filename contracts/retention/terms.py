"""Terms per kind and doel: days that content is kept after its last delivery ended, years that evidence is kept. Pure.

A file of terms (JSON) is ``{naam, versie, inhoud: [{soort, doel, dagen, reden}], bewijs: [{doel, jaren, reden}]}``. The
one beside this module names every kind and doel; an operator's own file replaces what it names and leaves the rest.
"""

from calendar import monthrange
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import MAXYEAR, datetime, timedelta
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from contracts import catalogue
from contracts.errors import JsonInvalid
from contracts.identity import Purpose
from contracts.strict_json import loads

#: What could not be delivered goes so many days after it was accepted, whatever its term; and warnings before that.
UNDELIVERABLE_DAYS: Final = 90
WARNING_DAYS: Final = (30, 60, 80)
_MOST_DAYS: Final = 3_650
_MOST_YEARS: Final = 100
_LONGEST_REASON: Final = 400
_FILE: Final = "bewaartermijnen.json"


class TermsInvalid(Exception):
    """A file of terms that cannot be used. Its text names the place, and repeats no value."""


@dataclass(frozen=True, slots=True)
class Term:
    """How long (days of content, years of evidence), and why."""

    length: int
    reason: str


@dataclass(frozen=True, slots=True)
class Terms:
    """Every term that holds: of content by (kind, doel), of evidence by doel."""

    content: Mapping[tuple[str, Purpose], Term]
    evidence: Mapping[Purpose, Term]

    def content_days(self, kind: str, purpose: str) -> int:
        """Days that content is kept after its last delivery ended. A kind of an older catalogue has the longest."""
        own = self.content.get((kind, Purpose(purpose)))
        return own.length if own is not None else max(term.length for term in self.content.values())

    def evidence_years(self, purposes: Iterable[str] = ()) -> int:
        """Years that evidence for these doelen is kept; the longest counts, and that of the rights always."""
        return max(self.evidence[Purpose(each)].length for each in {Purpose.RECHTEN, *purposes})

    def for_purposes(self, purposes: Collection[str] | None) -> tuple[int, int]:
        """(days of content, years of evidence) at most, for what is sent for these doelen (``None``: for any)."""
        wanted = set(Purpose) if purposes is None else set(map(Purpose, purposes))
        days = [term.length for (_, purpose), term in self.content.items() if purpose in wanted]
        longest = max(days, default=self.idle.days)
        return longest, self.evidence_years(wanted)

    @property
    def shortest(self) -> timedelta:
        """Before this age no content can be past its term, nor is anything warned of."""
        return timedelta(days=min(WARNING_DAYS[0], *(term.length for term in self.content.values())))

    @property
    def idle(self) -> timedelta:
        """How long after its last involvement an organisation may still put things right under its own key."""
        return timedelta(days=max(term.length for term in self.content.values()))


@cache
def shipped() -> Terms:
    """The terms that hold where an operator says nothing else."""
    text = resources.files(__package__).joinpath(_FILE).read_bytes()
    return _read(text, Terms({}, {}))


def load(path: Path | None) -> Terms:
    """The shipped terms with what the operator's file replaces. Raises ``TermsInvalid``, ``OSError``."""
    return shipped() if path is None else _read(path.read_bytes(), shipped())


def _read(raw: bytes, base: Terms) -> Terms:
    try:
        document = loads(raw)
    except JsonInvalid:
        raise TermsInvalid("het bestand is geen geldige JSON in UTF-8") from None
    _keys(document, "het bestand", {"naam", "versie", "inhoud", "bewijs"}, optional={"naam", "versie"})
    content = {
        (_kind(one, place), _purpose(one, place)): _term(one, place, "dagen", _MOST_DAYS)
        for place, one in _rows(document, "inhoud", {"soort", "doel", "dagen", "reden"})
    }
    evidence = {
        _purpose(one, place): _term(one, place, "jaren", _MOST_YEARS)
        for place, one in _rows(document, "bewijs", {"doel", "jaren", "reden"})
    }
    return Terms({**base.content, **content}, {**base.evidence, **evidence})


def _rows(document: Mapping[str, Any], name: str, keys: set[str]) -> list[tuple[str, Mapping[str, Any]]]:
    found = document[name]
    if not isinstance(found, list):
        raise TermsInvalid(f"{name}: hier hoort een lijst")
    rows = [(f"{name}[{number}]", one) for number, one in enumerate(found)]
    seen: set[tuple[Any, Any]] = set()
    for place, one in rows:
        _keys(one, place, keys)
        key = str(one.get("soort")), str(one["doel"])
        if key in seen:
            raise TermsInvalid(f"{place}: deze termijn staat er al")
        seen.add(key)
    return rows


def _keys(value: Any, place: str, keys: set[str], optional: Iterable[str] = ()) -> None:
    if not isinstance(value, dict):
        raise TermsInvalid(f"{place}: hier hoort een object")
    missing = sorted(keys - set(optional) - value.keys())
    if missing:
        raise TermsInvalid(f"{place}: {missing[0]} ontbreekt")
    if value.keys() - keys:
        raise TermsInvalid(f"{place}: hier staat een veld te veel")


def _purpose(one: Mapping[str, Any], place: str) -> Purpose:
    try:
        return Purpose(one["doel"])
    except ValueError:
        raise TermsInvalid(f"{place}.doel: dit doel bestaat niet") from None


def _kind(one: Mapping[str, Any], place: str) -> str:
    kind = next((kind for kind in catalogue.all_kinds() if kind.name == one["soort"]), None)
    if kind is None:
        raise TermsInvalid(f"{place}.soort: deze soort staat niet in de catalogus")
    if _purpose(one, place) not in kind.purposes:
        raise TermsInvalid(f"{place}.doel: dit doel hoort niet bij deze soort")
    return kind.name


def _term(one: Mapping[str, Any], place: str, name: str, most: int) -> Term:
    length, reason = one[name], one["reden"]
    if type(length) is not int or not 1 <= length <= most:
        raise TermsInvalid(f"{place}.{name}: hier hoort een geheel getal van 1 tot en met {most}")
    if not isinstance(reason, str) or not reason.strip() or len(reason) > _LONGEST_REASON:
        raise TermsInvalid(f"{place}.reden: hier hoort een reden van 1 tot en met {_LONGEST_REASON} tekens")
    return Term(length, reason)


def content_until(terms: Terms, sent: tuple[str, str], accepted: datetime, ends: Iterable[datetime | None]) -> datetime:
    """Until when the content of one message is kept.

    ``sent``: its (kind, doel); ``ends``: when each of its deliveries ended, ``None`` for one that has not: such a
    message goes 90 days after it was accepted.
    """
    found = list(ends)
    known = [end for end in found if end is not None]
    if len(known) < len(found):
        return accepted + timedelta(days=UNDELIVERABLE_DAYS)
    return max(known, default=accepted) + timedelta(days=terms.content_days(*sent))


def years_after(instant: datetime, years: int) -> datetime:
    """The same moment so many years later; of 29 February, on the 28th where there is none.

    Behind the end of the calendar it is that end: a traject may be planned until 9999.
    """
    year = instant.year + years
    if year > MAXYEAR:
        return datetime.max.replace(tzinfo=instant.tzinfo)
    return instant.replace(year=year, day=min(instant.day, monthrange(year, instant.month)[1]))
