"""A mapping as data: which native field becomes which canonical one. The Dutch keys are for the one who manages it.

    {"naam": "kringloop-voortgang", "versie": "1.0.0", "connector": "csv",
     "soort": "voortgang.gemeld", "doel": "trajectbegeleiding",
     "persoon": "Deelnemernummer",                 the field with the partner's own number of the person
     "sleutel": ["Meldingnummer"],                 what makes a line one melding; [] = the whole line
     "sleutelNaar": "meldingId",                   optional: the derived id also goes to this path of data
     "datum": "dd-mm-jjjj", "decimaalteken": ",",
     "velden": [{"veld": "Uren", "naar": "uren", "type": "decimaal", "verplicht": true}],
     "vast": {"beoordelaarRol": "praktijkopleider"},
     "nietOvernemen": ["Opmerking"],               known, and left out on purpose
     "onbekendeVelden": "melden",                  or "weigeren"
     "vorm": {...}}                                what only this format needs

A type is ``tekst getal decimaal datum code lijst``; ``codes`` translates, ``standaard`` fills in an empty field.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.mapped.values import ValueRule, ValueType, date_pattern
from connectors.port import MappingInvalid
from contracts.errors import Fault
from contracts.identity import Purpose

TYPE_PREFIX: Final = "nl.doorstroomhub."
_KEYS: Final = frozenset(
    {
        "naam", "versie", "connector", "toelichting", "soort", "doel", "ontvanger", "persoon", "sleutel", "sleutelNaar",
        "datum", "decimaalteken", "velden", "vast", "nietOvernemen", "onbekendeVelden", "vorm",
    }
)  # fmt: skip
_FIELD_KEYS: Final = frozenset(
    {
        "veld", "naar", "type", "verplicht", "codes", "standaard", "datum", "decimaalteken", "tussen", "maxLengte",
        "toelichting",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class FieldRule:
    """One native field and the path in ``data`` that it becomes."""

    native: str
    target: str  # "werkopdracht.id": below data
    value: ValueRule
    required: bool
    default: str | None

    @property
    def path(self) -> tuple[str, ...]:
        """The target as keys."""
        return tuple(self.target.split("."))


@dataclass(frozen=True, slots=True)
class Layout:
    """A checked mapping."""

    name: str
    version: str
    kind: str  # short name
    purpose: str
    recipient: str | None
    person: str | None
    key: tuple[str, ...]
    key_target: str | None
    fields: tuple[FieldRule, ...]
    constants: Mapping[str, Any]
    ignored: frozenset[str]
    refuse_unknown: bool
    form: Mapping[str, Any]

    @property
    def type(self) -> str:
        """The full CloudEvents type."""
        return f"{TYPE_PREFIX}{self.kind}.v1"

    @property
    def native_names(self) -> tuple[str, ...]:
        """Every native field that the mapping carries, in order: the person first when no field rule has it."""
        names = [rule.native for rule in self.fields]
        return tuple(names if self.person is None or self.person in names else [self.person, *names])

    @property
    def required_names(self) -> frozenset[str]:
        """The native fields without which no line can be translated."""
        required = {rule.native for rule in self.fields if rule.required} | set(self.key)
        return frozenset(required | ({self.person} if self.person else set()))


class _Reader:
    """Reads a mapping and collects every fault in it, so that its manager sees them all at once."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw
        self.faults: list[Fault] = []

    def fault(self, name: str, reason: str) -> None:
        self.faults.append(Fault(name, "MAPPING", reason))

    def text(self, name: str, default: str | None = None) -> str:
        value = self.raw.get(name, default)
        if isinstance(value, str) and value:
            return value
        self.fault(name, "moet een tekst zijn die niet leeg is")
        return ""

    def optional(self, name: str) -> str | None:
        return self.text(name) if name in self.raw else None

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.raw.get(name, [])
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        self.fault(name, "moet een lijst van teksten zijn")
        return ()

    def table(self, name: str) -> Mapping[str, Any]:
        value = self.raw.get(name, {})
        if isinstance(value, Mapping):
            return value
        self.fault(name, "moet een tabel zijn")
        return {}


def layout(raw: Mapping[str, Any], connector: str) -> Layout:
    """Check a mapping for this connector. Raises ``MappingInvalid`` with a fault for everything that is wrong."""
    reader = _Reader(raw)
    for key in sorted(set(raw) - _KEYS):
        reader.fault(key, "deze instelling bestaat niet")
    if raw.get("connector") != connector:
        reader.fault("connector", f"deze mapping is niet voor de connector {connector}")
    result = Layout(
        name=reader.text("naam"),
        version=reader.text("versie"),
        kind=reader.text("soort"),
        purpose=reader.text("doel"),
        recipient=reader.optional("ontvanger"),
        person=reader.optional("persoon"),
        key=reader.texts("sleutel"),
        key_target=reader.optional("sleutelNaar"),
        fields=_fields(reader),
        constants=reader.table("vast"),
        ignored=frozenset(reader.texts("nietOvernemen")),
        refuse_unknown=reader.text("onbekendeVelden", "melden") == "weigeren",
        form=reader.table("vorm"),
    )
    _check(reader, result)
    if reader.faults:
        raise MappingInvalid("kijk naar de genoemde onderdelen van de mapping", faults=reader.faults)
    return result


def _check(reader: _Reader, made: Layout) -> None:
    if made.purpose and made.purpose not in set(Purpose):
        reader.fault("doel", "dit doel bestaat niet")
    if reader.raw.get("onbekendeVelden", "melden") not in ("melden", "weigeren"):
        reader.fault("onbekendeVelden", "moet melden of weigeren zijn")
    natives = [rule.native for rule in made.fields]
    if len(set(natives)) != len(natives) or made.ignored & set(made.native_names):
        reader.fault("velden", "een veld komt twee keer voor")
    for name in made.key:
        if name not in made.native_names:
            reader.fault("sleutel", "een sleutelveld moet ook een veld of de persoon zijn")
    targets = [rule.target for rule in made.fields] + list(made.constants)
    targets += [made.key_target] if made.key_target else []
    for target in targets:
        if not all(part.isidentifier() for part in target.split(".")):
            reader.fault("naar", "een pad bestaat uit veldnamen met punten ertussen")
        clashes = [other for other in targets if other == target or other.startswith(f"{target}.")]
        if len(clashes) > 1:
            reader.fault("naar", "twee velden gaan naar dezelfde plaats")


def _fields(reader: _Reader) -> tuple[FieldRule, ...]:
    raw = reader.raw.get("velden", [])
    if not isinstance(raw, list) or not raw or not all(isinstance(item, Mapping) for item in raw):
        reader.fault("velden", "moet een lijst met minstens één veld zijn")
        return ()
    return tuple(_field(reader, item, f"velden[{n}]") for n, item in enumerate(raw))


def _field(outer: _Reader, raw: Mapping[str, Any], name: str) -> FieldRule:
    reader = _Reader(raw)
    for key in sorted(set(raw) - _FIELD_KEYS):
        reader.fault(key, "deze instelling bestaat niet")
    if raw.get("verplicht", False) not in (True, False):
        reader.fault("verplicht", "moet true of false zijn")
    rule = FieldRule(
        native=reader.text("veld"),
        target=reader.text("naar"),
        value=_value_rule(reader, outer.raw),
        required=raw.get("verplicht", False) is True,
        default=reader.optional("standaard"),
    )
    outer.faults.extend(Fault(f"{name}.{fault.name}", fault.code, fault.reason) for fault in reader.faults)
    return rule


def _value_rule(reader: _Reader, outer: Mapping[str, Any]) -> ValueRule:
    kind = reader.text("type", "tekst")
    if kind not in set(ValueType):
        reader.fault("type", "dit type bestaat niet")
        kind = ValueType.TEXT
    codes = reader.table("codes")
    if not all(isinstance(value, str) for value in codes.values()):
        reader.fault("codes", "vertaalt teksten naar teksten")
    if kind == ValueType.CODE and not codes:
        reader.fault("codes", "een code heeft een vertaaltabel nodig")
    date_format = reader.text("datum", str(outer.get("datum", "jjjj-mm-dd")))
    try:
        date_pattern(date_format)
    except ValueError as error:
        reader.fault("datum", str(error))
    mark = reader.text("decimaalteken", str(outer.get("decimaalteken", ".")))
    if mark not in (".", ","):
        reader.fault("decimaalteken", "moet een punt of een komma zijn")
    length = reader.raw.get("maxLengte", 2_000)
    if not isinstance(length, int) or isinstance(length, bool) or not 1 <= length <= 10_000:
        reader.fault("maxLengte", "moet een getal van 1 tot en met 10000 zijn")
        length = 2_000
    return ValueRule(ValueType(kind), date_format, mark, codes, reader.text("tussen", "|"), length)
