"""The port every format implements: native bytes ⇄ canonical CloudEvents, with a report of what was lost on the way.

A connector is pure: bytes and values in, bytes and values out. Who the partner is, how its own numbers are looked up
and the key of its message ids are passed in as a ``Partner``; time never enters a translation.

The port wraps every foreign error: a subclass writes ``_read`` and ``_write``; the public ``read`` and ``write`` only
ever raise ``ExchangeError``. What is wrong inside one line is not raised but returned, so that the good lines go on.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeVar

from contracts.errors import ExchangeError, Fault, RequestInvalid, TooLarge, Unexpected
from contracts.identity import KandidaatRef

Event = Mapping[str, Any]  # a canonical CloudEvent, as it goes over the wire
Resolve = Callable[[str], KandidaatRef | None]  # the partner's own number -> its kandidaatRef (koppeltabel)
Local = Callable[[KandidaatRef], str | None]  # and back

MAX_NATIVE = 32 * 2**20  # bytes of one native file, before anything of it is looked at
_T = TypeVar("_T")


class MappingInvalid(RequestInvalid):
    """The mapping file itself is wrong: the one who manages the mapping can mend it."""

    title = "De mapping klopt niet"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the native file: a line (or item) counted from 1, and the partner's own name of the field."""

    number: int | None = None
    field: str | None = None
    unit: str = "regel"

    def __str__(self) -> str:
        parts = [f"{self.unit} {self.number}"] if self.number is not None else []
        if self.field is not None:
            parts.append(f"veld {self.field}")
        return ", ".join(parts) or "het bestand"


@dataclass(frozen=True, slots=True)
class LineFault:
    """Why a line (or, without a number, the file) was not translated. Never repeats what stood there."""

    place: Place
    code: str
    reason: str

    def sentence(self) -> str:
        """For people: ``Regel 3, veld Datum: dit is geen datum (dd-mm-jjjj).``"""
        where = str(self.place)
        end = "" if self.reason.endswith(("?", ".")) else "."
        return f"{where[0].upper()}{where[1:]}: {self.reason}{end}"

    def fault(self) -> Fault:
        """The same as a fault of the contracts, for an answer that lists fields."""
        return Fault(str(self.place), self.code, self.reason)


class LossKind(StrEnum):
    """What became of something that does not appear unchanged on the other side."""

    DROPPED = "niet-overgenomen"  # a native field that the mapping does not carry
    FILLED = "ingevuld"  # a value that did not stand there: a constant or a default
    UNCARRIED = "niet-weergegeven"  # a canonical field that the native form has no place for
    CHANGED = "aangepast"  # carried, in another form: spaces taken off, line ends made equal


@dataclass(frozen=True, slots=True)
class Loss:
    """One field that was lost or changed: how often, and on which lines (the first ``MAX_LINES``). Never a value."""

    kind: LossKind
    field: str
    reason: str
    count: int
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LossReport:
    """Everything that a translation did not carry over unchanged, in order of first appearance."""

    entries: tuple[Loss, ...] = ()

    def names(self, kind: LossKind) -> frozenset[str]:
        """The fields that suffered this kind of loss."""
        return frozenset(entry.field for entry in self.entries if entry.kind is kind)


class LossNotes:
    """Collects losses during one translation; memory is bounded by the number of fields, not of lines."""

    MAX_LINES: ClassVar[int] = 20

    def __init__(self) -> None:
        self._counts: dict[tuple[LossKind, str, str], int] = {}
        self._lines: dict[tuple[LossKind, str, str], list[int]] = {}

    def add(self, kind: LossKind, name: str, reason: str, line: int | None = None) -> None:
        """Note one loss."""
        key = (kind, name, reason)
        self._counts[key] = self._counts.get(key, 0) + 1
        lines = self._lines.setdefault(key, [])
        if line is not None and len(lines) < self.MAX_LINES:
            lines.append(line)

    def report(self) -> LossReport:
        """What was collected, frozen."""
        return LossReport(
            tuple(
                Loss(kind, name, reason, count, tuple(self._lines[kind, name, reason]))
                for (kind, name, reason), count in self._counts.items()
            )
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """A translated message, its place in the file, and which native field each canonical path came from."""

    event: Event
    place: Place
    origins: Mapping[str, str] = field(default_factory=dict)  # "data.uren" -> "Uren"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says: the messages of the good lines, the faults of the others, and what was lost."""

    messages: tuple[Draft, ...]
    faults: tuple[LineFault, ...]
    loss: LossReport

    @property
    def events(self) -> tuple[Event, ...]:
        """The canonical events alone."""
        return tuple(draft.event for draft in self.messages)


@dataclass(frozen=True, slots=True)
class Written:
    """Native bytes; ``carried`` are the positions (from 0) of the messages that are in them, ``faults`` the others."""

    native: bytes
    carried: tuple[int, ...]
    faults: tuple[LineFault, ...]
    loss: LossReport


@dataclass(frozen=True, slots=True)
class Partner:
    """Whose file it is. ``source`` is its CloudEvents source (``urn:nld:oin:<oin>:systeem:<naam>``).

    ``id_key`` (32 random bytes, kept by the partner for ever) keys the ids of messages: the same line gives the same
    id, and nobody without the key can try out what an id was made of. With a lost key a file sent again counts double.
    """

    source: str
    id_key: bytes
    resolve: Resolve
    local: Local


class Connector(ABC):
    """A format. Stateless; one instance may serve many threads."""

    name: ClassVar[str]
    media_types: ClassVar[tuple[str, ...]]
    suffix: ClassVar[str]  # of a file in this format, with the dot

    def read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading:
        """Translate a native file.

        Raises ``TooLarge`` before anything is parsed, ``MappingInvalid``, and ``Unexpected`` for a fault of our own.
        """
        if len(native) > MAX_NATIVE:
            raise TooLarge(f"een bestand mag hoogstens {MAX_NATIVE} bytes zijn")
        return self._guarded(lambda: self._read(native, mapping, partner))

    def write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written:
        """Translate canonical events to the partner's own form. Raises ``MappingInvalid`` and ``Unexpected``."""
        return self._guarded(lambda: self._write(messages, mapping, partner))

    @abstractmethod
    def shipped(self) -> tuple[str, ...]:
        """The names of the mappings that come with this connector."""

    @abstractmethod
    def mapping(self, name: str) -> Mapping[str, Any]:
        """A shipped mapping by its name. Raises ``MappingInvalid`` when there is none."""

    @abstractmethod
    def _read(self, native: bytes, mapping: Mapping[str, Any], partner: Partner) -> Reading: ...

    @abstractmethod
    def _write(self, messages: Sequence[Event], mapping: Mapping[str, Any], partner: Partner) -> Written: ...

    def _guarded(self, act: Callable[[], _T]) -> _T:
        """Run a translation; whatever is not ours becomes ``Unexpected``, which names only the kind of error."""
        try:
            return act()
        except ExchangeError:
            raise
        except Exception as error:  # noqa: BLE001 - the port's promise: nothing foreign passes
            kind = type(error).__name__
        # Raised outside the handler: the foreign error, whose text may hold a value, is not even its context.
        raise Unexpected(f"de connector {self.name} liep vast ({kind})")
