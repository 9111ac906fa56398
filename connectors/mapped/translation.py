"""One native record (names -> texts) ⇄ one canonical event, by a checked mapping. Shared by every format of records."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.mapped.identifiers import event_id
from connectors.mapped.mapping import FieldRule, Layout
from connectors.mapped.values import OUTER, ValueRefused, ValueType, to_canonical, to_native
from connectors.port import Draft, Event, LineFault, LossKind, LossNotes, Partner, Place
from contracts.identity import KandidaatRef

#: Attributes of an event that a record has no place for and that need no mention: they say how it travelled.
_SILENT: Final = frozenset({"specversion", "type", "subject", "doel", "data", "datacontenttype"})


class RecordRefused(Exception):
    """A record with faults; the others go on."""

    def __init__(self, faults: list[LineFault]) -> None:
        super().__init__("record met fouten")
        self.faults = faults


class Translator:
    """Translates the records of one file. Keeps the ids it gave, so that a record twice in a file is seen."""

    def __init__(self, layout: Layout, partner: Partner, loss: LossNotes, unit: str = "regel") -> None:
        self._layout = layout
        self._partner = partner
        self._loss = loss
        self._unit = unit
        self._seen: dict[str, int] = {}
        self._origins = {f"data.{rule.target}": rule.native for rule in layout.fields}
        if layout.person:
            self._origins["subject"] = layout.person

    def draft(self, record: Mapping[str, str], number: int) -> Draft:
        """The message of a record whose texts have no outer spaces; an absent or empty text is an empty field.

        Raises ``RecordRefused`` with every fault of the record.
        """
        faults: list[LineFault] = []
        data: dict[str, Any] = {}
        for rule in self._layout.fields:
            try:
                value = self._value(rule, record.get(rule.native, ""), number)
            except ValueRefused as refused:
                faults.append(LineFault(self._place(number, rule.native), refused.code, refused.reason))
                continue
            if value is not None:
                _put(data, rule.path, value)
        subject = self._subject(record, number, faults)
        self._key_complete(record, number, faults)
        if faults:
            raise RecordRefused(faults)
        return self._finish(record, number, data, subject)

    def record(self, event: Event, number: int) -> dict[str, str]:
        """The record of an event; every carried native field is present, empty when the event has no value.

        Raises ``RecordRefused`` when the event is of another kind, names an unknown person, or lacks a required field.
        """
        if event.get("type") != self._layout.type or event.get("doel", self._layout.purpose) != self._layout.purpose:
            raise RecordRefused([self._fault(number, None, "ANDERE_SOORT", "deze mapping is voor een andere soort")])
        faults: list[LineFault] = []
        data = event.get("data", {})
        record = dict.fromkeys(self._layout.native_names, "")
        for rule in self._layout.fields:
            try:
                record[rule.native] = self._text(rule, _get(data, rule.path), number)
            except ValueRefused as refused:
                faults.append(LineFault(self._place(number, rule.native), refused.code, refused.reason))
        self._local_number(event, record, number, faults)
        if faults:
            raise RecordRefused(faults)
        self._note_uncarried(event, number)
        return record

    def _value(self, rule: FieldRule, text: str, number: int) -> Any:
        if not text and rule.default is not None:
            self._loss.add(LossKind.FILLED, rule.native, "standaardwaarde uit de mapping", number)
            text = rule.default
        if not text:
            if rule.required:
                raise ValueRefused("VERPLICHT", "dit veld moet zijn ingevuld")
            return None
        return to_canonical(text, rule.value)

    def _subject(self, record: Mapping[str, str], number: int, faults: list[LineFault]) -> KandidaatRef | None:
        person = self._layout.person
        if person is None:
            return None
        own_number = record.get(person, "")
        ref = self._partner.resolve(own_number) if own_number else None
        if ref is None:
            reason = "dit nummer staat niet in uw koppeltabel" if own_number else "dit veld moet zijn ingevuld"
            faults.append(self._fault(number, person, "PERSOON_ONBEKEND" if own_number else "VERPLICHT", reason))
        return ref

    def _key_complete(self, record: Mapping[str, str], number: int, faults: list[LineFault]) -> None:
        named = {fault.place.field for fault in faults}
        for name in self._layout.key:
            if not record.get(name) and name not in named:
                faults.append(self._fault(number, name, "VERPLICHT", "dit veld moet zijn ingevuld"))

    def _finish(
        self, record: Mapping[str, str], number: int, data: dict[str, Any], subject: KandidaatRef | None
    ) -> Draft:
        made = self._layout
        names = made.key or made.native_names
        identifier = event_id(self._partner.id_key, made.name, [record.get(name, "") for name in names])
        first = self._seen.setdefault(identifier, number)
        if first != number:
            reason = f"dezelfde melding staat al op {self._unit} {first}; geef een nieuwe melding een eigen nummer"
            raise RecordRefused([self._fault(number, made.key[0] if made.key else None, "DUBBEL", reason)])
        for target, value in made.constants.items():
            _put(data, tuple(target.split(".")), value)
            self._loss.add(LossKind.FILLED, f"data.{target}", "vaste waarde uit de mapping")
        if made.key_target:
            _put(data, tuple(made.key_target.split(".")), identifier)
            self._loss.add(LossKind.FILLED, f"data.{made.key_target}", "afgeleid van de melding zelf")
        event: dict[str, Any] = {"specversion": "1.0", "id": identifier, "source": self._partner.source}
        event |= {"type": made.type, "doel": made.purpose}
        event |= {"subject": subject} if subject is not None else {}
        event |= {"ontvanger": made.recipient} if made.recipient is not None else {}
        return Draft(event | {"data": data}, self._place(number), self._origins)

    def _text(self, rule: FieldRule, value: Any, number: int) -> str:
        if value is None:
            if rule.required:
                raise ValueRefused("VERPLICHT", "het bericht heeft dit veld niet")
            return ""
        text = to_native(value, rule.value)
        if not text:
            self._loss.add(LossKind.UNCARRIED, f"data.{rule.target}", "een lege waarde", number)
        if rule.value.type is ValueType.TEXT and text != text.strip(OUTER):
            self._loss.add(LossKind.CHANGED, f"data.{rule.target}", "spaties aan de buitenkant vervallen", number)
        return text.strip(OUTER)

    def _local_number(self, event: Event, record: dict[str, str], number: int, faults: list[LineFault]) -> None:
        person = self._layout.person
        if person is None:
            return
        subject = event.get("subject")
        own_number = self._partner.local(KandidaatRef(subject)) if isinstance(subject, str) else None
        if own_number is None:
            reason = "voor deze persoon staat geen eigen nummer in uw koppeltabel"
            faults.append(self._fault(number, person, "PERSOON_ONBEKEND", reason))
        else:
            record[person] = own_number

    def _note_uncarried(self, event: Event, number: int) -> None:
        made = self._layout
        for name in sorted(set(event) - _SILENT):
            self._loss.add(LossKind.UNCARRIED, name, "kenmerk van het bericht", number)
        carried = {rule.target for rule in made.fields} | set(made.constants)
        for path in _leaves(event.get("data", {}), ""):
            if path == made.key_target:
                self._loss.add(LossKind.UNCARRIED, f"data.{path}", "wordt bij het lezen afgeleid", number)
            elif path not in carried:
                self._loss.add(LossKind.UNCARRIED, f"data.{path}", "geen veld in de mapping", number)
        for target, value in made.constants.items():
            if _get(event.get("data", {}), tuple(target.split("."))) != value:
                self._loss.add(LossKind.UNCARRIED, f"data.{target}", "wijkt af van de vaste waarde", number)

    def _place(self, number: int, name: str | None = None) -> Place:
        return Place(number, name, self._unit)

    def _fault(self, number: int, name: str | None, code: str, reason: str) -> LineFault:
        return LineFault(self._place(number, name), code, reason)


def _put(data: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        data = data.setdefault(key, {})
    data[path[-1]] = value


def _get(data: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return None
        data = data[key]
    return data


def _leaves(data: Any, prefix: str) -> list[str]:
    """The paths of every value; a list is one value, whatever is in it."""
    if not isinstance(data, Mapping):
        return [prefix]
    return [path for key, value in data.items() for path in _leaves(value, f"{prefix}.{key}" if prefix else str(key))]
