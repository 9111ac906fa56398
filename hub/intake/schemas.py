"""Building blocks of the shapes on the wire under ``/v1``: identifiers, instants, problems, pages.

A schema class bears the name that partners see in the OpenAPI description; its keys are the wire's.
"""

import re
from collections.abc import Callable
from datetime import datetime
from enum import Enum
from typing import Any, Final

from marshmallow import Schema, ValidationError, fields

from consent.decision import Outcome
from contracts import instants
from contracts.errors import RefusalCode
from contracts.identity import Category, is_bsn, kandidaat_ref, oin
from contracts.kinds.text import contains_bsn
from hub.intake.problems import Reason, invalid

_INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})"
)

_WHOLE: Final = re.compile("0|-?[1-9][0-9]{0,15}")


class Instant(fields.Field[datetime]):
    """An instant: RFC 3339 with an offset in; in UTC, to the millisecond, out. An aware UTC datetime inside."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": "date-time"} | dict(kwargs.pop("metadata", {}))
        super().__init__(metadata=metadata, **kwargs)

    def _serialize(self, value: datetime | None, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else instants.write(value)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        try:
            if isinstance(value, str) and _INSTANT.fullmatch(value):
                return instants.parse(value)
        except (ValueError, OverflowError):
            pass  # a 30 February or a year 0: told below like any other
        raise invalid("GEEN_TIJDSTIP", "hier hoort een tijdstip met tijdzone (RFC 3339)")


class Whole(fields.Integer):
    """A whole number in a query, in plain digits: what Python reads besides (`١`, ` 1`, `1_0`, `+1`) is refused."""

    def _validated(self, value: Any) -> int:
        if isinstance(value, str) and not _WHOLE.fullmatch(value):
            raise self.make_error("invalid", input=value)
        number: int = super()._validated(value)
        return number


class Truth(fields.Boolean):
    """`true` or `false` in a query, and nothing else."""

    truthy = {"true"}  # noqa: RUF012 - as marshmallow declares it
    falsy = {"false"}  # noqa: RUF012


def _checked(parse: Callable[[str], object], code: str) -> Callable[[str], None]:
    def check(value: str) -> None:
        try:
            parse(value)
        except ValueError as error:
            raise ValidationError([Reason(code, str(error))]) from None

    return check


def oin_field(**kwargs: Any) -> fields.String:
    """An OIN: 20 digits with a known prefix."""
    return fields.String(validate=_checked(oin, "GEEN_OIN"), metadata={"pattern": "^[0-9]{20}$"}, **kwargs)


def ref_field(**kwargs: Any) -> fields.String:
    """A kandidaatRef: 26 characters base32, lower case."""
    return fields.String(validate=_checked(kandidaat_ref, "GEEN_REF"), metadata={"pattern": "^[a-z2-7]{26}$"}, **kwargs)


def text_field(most: int, *, least: int = 1, **kwargs: Any) -> fields.String:
    """Text of ``least`` to ``most`` characters without control characters (the line feed and tab apart)."""

    def check(value: str) -> None:
        if not least <= len(value) <= most:
            raise invalid("LENGTE", f"hier horen {least} tot {most} tekens")
        if any((ord(c) < 32 and c not in "\n\t") or 0x7F <= ord(c) < 0xA0 for c in value):
            raise invalid("TEKEN", "hier staat een teken dat niet mag")

    metadata = {"minLength": least, "maxLength": most} | dict(kwargs.pop("metadata", {}))
    further = kwargs.pop("validate", [])
    checks = [check, *(further if isinstance(further, list) else [further])]
    return fields.String(validate=checks, metadata=metadata, **kwargs)


def free_text(most: int, **kwargs: Any) -> fields.String:
    """Text in somebody's own words, which others may read later: a BSN in it is refused, as in a message."""
    return text_field(most, validate=_scanned, **kwargs)


def _scanned(value: str) -> None:
    if contains_bsn(value):
        raise invalid("BSN_IN_TEKST", "hier staat een BSN; dat hoort hier niet")


def no_bsn(value: str) -> None:
    """For an id that people make up, which stands in URLs and in the log: refuses one that is a BSN."""
    if is_bsn(value):
        raise invalid("BSN_IN_KENMERK", "dit kenmerk is een BSN of lijkt erop; zet er bijvoorbeeld letters voor")


def code_field(codes: type[Enum], **kwargs: Any) -> fields.String:
    """One of the values of an enumeration, as text."""
    return word_field(*(str(c.value) for c in codes), **kwargs)


def word_field(*words: str, **kwargs: Any) -> fields.String:
    """One of these words."""

    def check(value: str) -> None:
        if value not in words:
            raise invalid("ONBEKENDE_CODE", "dit is geen van de toegestane codes")

    return fields.String(validate=check, metadata={"enum": list(words)}, **kwargs)


class Veld(Schema):
    """One fault of one field."""

    naam = fields.String(required=True)
    code = fields.String(required=True)
    reden = fields.String(required=True)


class Besluit(Schema):
    """What was decided for one recipient, as far as the sender may know."""

    ontvanger = oin_field(required=True)
    uitkomst = code_field(Outcome, required=True)
    code = code_field(RefusalCode)
    weggelaten = fields.List(code_field(Category), required=True)


class Probleem(Schema):
    """RFC 9457 problem details with our ``code``; for status 400 ``velden``, of a refused message ``besluiten``."""

    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True, metadata={"format": "uri"})
    code = fields.String(required=True)
    velden = fields.List(fields.Nested(Veld))
    besluiten = fields.List(fields.Nested(Besluit))
