"""The lines of the list of what was taken away: ids, codes and organisations; nothing by which a person is known.

ingetrokken/<statement>/<by>                                     so herroepen, ongeldig: a statement that ended
gesloten/<statement>/<cause>                                     a ``ja`` that a ``nee`` or a stopverzoek closed
ontheffing/<id>                                                  a release from secrecy that was withdrawn
tekst/<organisation>/<digest of id and version>                  a text that proved wrong
beperking/<id>/<person>/<by>/<senders>/<receivers>/<purpose>/<reason>     so bezwaar, without a reason
afscherming/<id>/<person>/<by>/<receivers>/<reason>
terugroeping/<id>/<message>/<by>/<receivers>/<reason>
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

CLOSED: Final = "gesloten"
SECRECY: Final = "ontheffing"
TEXT: Final = "tekst"
RESTRICTION: Final = "beperking"
OBJECTION: Final = "bezwaar"
SHIELD: Final = "afscherming"
RECALL: Final = "terugroeping"
_ALL: Final = "-"  # no receiver or purpose is named: all of them


@dataclass(frozen=True, slots=True)
class Line:
    """One line, taken apart: what sort of act, the id of what it took away or made, and the rest."""

    act: str
    id: str
    rest: tuple[str, ...]

    @classmethod
    def read(cls, line: str) -> "Line":
        """A line of the list. Every one of them has an act and an id."""
        act, key, *rest = line.split("/")
        return cls(act, key, tuple(rest))

    def write(self) -> str:
        """As it stands on the list."""
        return "/".join((self.act, self.id, *self.rest))


def ended(how: str, statement_id: str, by: str) -> str:
    """A statement ended: ``how`` is the status that it has since."""
    return Line(how, statement_id, (by,)).write()


def closed(statement_ids: Iterable[str], cause: str) -> list[str]:
    """Each ``ja`` that a ``nee`` or a stop (``cause``) closed."""
    return [Line(CLOSED, each, (cause,)).write() for each in sorted(statement_ids)]


def secrecy(release_id: str) -> str:
    """A release from secrecy was withdrawn."""
    return Line(SECRECY, release_id, ()).write()


def text(organisation: str, notice_id: str, version: str) -> str:
    """A version of a text proved wrong. Its id is an organisation's own words, so it is known by its digest."""
    return Line(TEXT, organisation, (sha256(f"{notice_id}\n{version}".encode()).hexdigest(),)).write()


#: Senders, receivers and doel; ``None``: all.
_Flows = tuple[Iterable[str], Iterable[str] | None, str | None]


def limited(act: str, key: str, about: Sequence[str], flows: _Flows) -> str:
    """A beperking or a bezwaar. ``about``: the person, who recorded it, and the reason where it is a code."""
    (person, by, *reason), (senders, receivers, purpose) = about, flows
    named = (person, by, several(senders), several(receivers), purpose or _ALL)
    return Line(act, key, (*named, *reason)).write()


def chosen(act: str, key: str, about: Sequence[str], receivers: Iterable[str] | None) -> str:
    """An afscherming or a recall. ``about``: the person or the message, who recorded it, and the reason."""
    what, by, reason = about
    return Line(act, key, (what, by, several(receivers), reason)).write()


def several(codes: Iterable[str] | None) -> str:
    """Several codes in one place; ``None``: all there are."""
    return _ALL if codes is None else ".".join(sorted(codes))


def apart(codes: str) -> frozenset[str] | None:
    """The other way about."""
    return None if codes == _ALL else frozenset(filter(None, codes.split(".")))
