"""The fields of which forms are made, and the reading of a form: every fault named by its place, never by its value."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any, Final

from marshmallow import RAISE, Schema, ValidationError, fields

from contracts import catalogue, instants
from contracts.errors import Fault, RequestInvalid
from contracts.identity import is_bsn, oin
from contracts.kinds.text import contains_bsn

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
_GENERAL: Final = ("ONGELDIG", "deze waarde past hier niet")
_TEXTS: Final = {
    "Missing data for required field.": ("VERPLICHT", "dit veld is verplicht"),
    "Unknown field.": ("ONBEKEND_VELD", "dit veld bestaat hier niet"),
    "Field may not be null.": ("LEEG", "dit veld mag niet leeg zijn"),
    "Not a valid string.": ("GEEN_TEKST", "hier hoort tekst"),
    "Not a valid list.": ("GEEN_LIJST", "hier hoort een lijst"),
    "Invalid input type.": ("GEEN_OBJECT", "hier hoort een object"),
}


class Form(Schema):
    """A form whose fields are all known; its names are the wire's. Its metadata is for the API's description."""

    class Meta:
        unknown = RAISE


class Moment(fields.Field[datetime]):
    """When something begins or ends: an instant (RFC 3339), or a day, which means 00:00 Europe/Amsterdam."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(metadata={"type": "string", "description": "jjjj-mm-dd, of RFC 3339 met tijdzone"}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            return moment(value)
        except ValueError as error:
            raise fault("GEEN_TIJDSTIP", str(error)) from None


def moment(value: Any) -> datetime:
    """The instant of a day or an RFC 3339 text, aware, in UTC. Raises ``ValueError`` without the value."""
    if not isinstance(value, str):
        raise ValueError("hier hoort tekst")
    try:
        if _DAY.fullmatch(value):
            return instants.start_of(date.fromisoformat(value))
        return instants.parse(value).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("hier hoort een datum (jjjj-mm-dd) of een tijdstip met tijdzone (RFC 3339)") from None


def fault(code: str, reason: str, place: str | None = None) -> ValidationError:
    """What a check raises: a code in capitals and a Dutch reason."""
    text = f"{code}|{reason}"
    return ValidationError(text) if place is None else ValidationError(text, place)


def words(most: int, **kwargs: Any) -> fields.String:
    """Text of 1 to ``most`` characters on one line, without a BSN."""

    def check(value: str) -> None:
        if not 1 <= len(value.strip()) <= most or not value.isprintable():
            raise fault("LENGTE", f"hier horen 1 tot {most} tekens op één regel")
        if contains_bsn(value):
            raise fault("BSN_IN_TEKST", "hier staat een BSN; dat hoort hier niet")

    return fields.String(validate=check, metadata={"minLength": 1, "maxLength": most}, **kwargs)


def matching(pattern: str, what: str, **kwargs: Any) -> fields.String:
    """Text that matches a pattern as a whole; ``what`` says in words what belongs here."""
    compiled = re.compile(pattern)

    def check(value: str) -> None:
        if not compiled.fullmatch(value):
            raise fault("PATROON", f"hier hoort {what}")

    return fields.String(validate=check, metadata={"pattern": f"^{pattern}$"}, **kwargs)


def identifier(**kwargs: Any) -> fields.String:
    """An id that people give: 1 to 64 letters, digits and ``. _ -``. It is shown to many, so it is no BSN."""
    pattern = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

    def check(value: str) -> None:
        if not pattern.fullmatch(value):
            raise fault("PATROON", "hier hoort een kenmerk van 1 tot 64 letters, cijfers en . _ -")
        if is_bsn(value):
            raise fault("BSN_IN_KENMERK", "dit kenmerk is een BSN of lijkt erop; zet er bijvoorbeeld letters voor")

    return fields.String(validate=check, **kwargs)


def day(**kwargs: Any) -> fields.String:
    """A calendar day, kept as the text it is."""

    def check(value: str) -> None:
        try:
            if not _DAY.fullmatch(value):
                raise ValueError
            date.fromisoformat(value)
        except ValueError:
            raise fault("GEEN_DATUM", "hier hoort een datum (jjjj-mm-dd)") from None

    return fields.String(validate=check, metadata={"format": "date"}, **kwargs)


def code(codes: type[Enum], **kwargs: Any) -> fields.String:
    """One of the values of an enumeration."""
    return one_of(*(str(c.value) for c in codes), **kwargs)


def one_of(*allowed: str, **kwargs: Any) -> fields.String:
    """One of these words."""

    def check(value: str) -> None:
        if value not in allowed:
            raise fault("ONBEKENDE_CODE", f"kies uit: {', '.join(allowed)}")

    return fields.String(validate=check, metadata={"enum": list(allowed)}, **kwargs)


def oin_field(**kwargs: Any) -> fields.String:
    """An OIN: 20 digits with a prefix of the OIN-stelsel."""

    def check(value: str) -> None:
        try:
            oin(value)
        except ValueError as error:
            raise fault("GEEN_OIN", str(error)) from None

    return fields.String(validate=check, metadata={"pattern": "^[0-9]{20}$"}, **kwargs)


def kind(**kwargs: Any) -> fields.String:
    """A message kind of the catalogue, by its short or its full name."""

    def check(value: str) -> None:
        if catalogue.by_name(value) is None:
            raise fault("SOORT_ONBEKEND", "deze soort staat niet in de catalogus")

    return fields.String(validate=check, **kwargs)


def short_name(name: str) -> str:
    """The short name of a kind that ``kind`` let through."""
    found = catalogue.by_name(name)
    if found is None:
        raise ValueError("deze soort staat niet in de catalogus")
    return found.name


def distinct(item: fields.Field[Any], least: int, most: int, **kwargs: Any) -> "fields.List[Any]":
    """A list of ``least`` to ``most`` different items."""

    def check(value: list[Any]) -> None:
        if not least <= len(value) <= most:
            many = str(least) if least == most else f"{least} tot {most}"
            raise fault("AANTAL", f"hier horen {many} waarden")
        if len(set(value)) != len(value):
            raise fault("DUBBEL", "een waarde staat er twee keer in")

    bounds = {"minItems": least, "maxItems": most, "uniqueItems": True}
    return fields.List(item, validate=check, metadata=bounds, **kwargs)


def read(form: Callable[[], Form], value: Any) -> Mapping[str, Any]:
    """The loaded form. Raises ``RequestInvalid`` with every fault, in order of place."""
    if not isinstance(value, Mapping):
        raise RequestInvalid(faults=[Fault("", *_TEXTS["Invalid input type."])])
    try:
        loaded: Mapping[str, Any] = form().load(value)
    except ValidationError as error:
        found = sorted(_faults(error.messages, ""), key=lambda one: (one.name, one.code))
        raise RequestInvalid(faults=found) from None
    return loaded


def _faults(messages: Any, place: str) -> Iterator[Fault]:
    if isinstance(messages, Mapping):
        for key, below in messages.items():
            yield from _faults(below, _place(place, key))
    elif isinstance(messages, (list, tuple)):
        for message in messages:
            yield from _faults(message, place)
    else:
        told, bar, reason = str(messages).partition("|")
        yield Fault(place, *((told, reason) if bar else _TEXTS.get(told, _GENERAL)))


def _place(place: str, key: Any) -> str:
    """A place that the caller made up is named only if it is a name."""
    if isinstance(key, int):
        return f"{place}[{key}]"
    if key == "_schema":
        return place
    name = str(key) if _NAME.fullmatch(str(key)) else "(onbekend veld)"
    return f"{place}.{name}" if place else name
