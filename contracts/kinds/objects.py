"""Objects and arrays of fields. Unknown fields are refused; so are empty objects that would say nothing."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from marshmallow import RAISE, Schema, ValidationError, fields

from contracts.kinds.fields import MESSAGES, NO_TRAIT, Leaf, RuleContext, Trait

_OBJECT_MESSAGES: Final = {
    "unknown": "ONBEKEND_VELD|Dit veld hoort niet in dit berichttype",
    "type": "TYPE|Hier hoort een object",
}


class DataSchema(Schema):
    """A set of fields; anything else is refused. ``at_least_one``: an empty object says nothing and is refused."""

    class Meta:
        unknown = RAISE

    at_least_one: ClassVar[bool] = False
    error_messages = _OBJECT_MESSAGES

    def rule(self, value: Mapping[str, Any], context: RuleContext) -> str | None:
        """What is wrong between the fields of this object."""
        return None


class Part(fields.Nested):
    """An object inside."""

    default_error_messages = MESSAGES

    def __init__(self, nested: type[DataSchema], required: bool = False, trait: Trait | None = None) -> None:
        super().__init__(nested, required=required)
        self.trait = trait or NO_TRAIT

    @property
    def inner(self) -> DataSchema:
        """The set of fields inside."""
        schema = self.schema
        assert isinstance(schema, DataSchema)
        return schema

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, partial: Any = None, **kwargs: Any
    ) -> Any:
        if type(value) is not dict:
            raise ValidationError("TYPE|Hier hoort een object")
        if not value and self.inner.at_least_one:
            raise ValidationError("LEEG|Hier moet ten minste één veld in staan")
        return super()._deserialize(value, attr, data, partial, **kwargs)


class Items(fields.List[Any]):
    """An array of ``least`` to ``most`` items; codes in it are unique."""

    default_error_messages = MESSAGES

    def __init__(
        self, item: Leaf | Part, most: int, required: bool = False, trait: Trait | None = None, least: int = 1
    ) -> None:
        super().__init__(item, required=required)
        self.trait = trait or NO_TRAIT
        self.least, self.most = least, most

    @property
    def item(self) -> Leaf | Part:
        """The field of each item."""
        assert isinstance(self.inner, (Leaf, Part))
        return self.inner

    @property
    def unique(self) -> bool:
        """Codes are a set; rows may repeat."""
        return isinstance(self.inner, Leaf)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> Any:
        if type(value) is not list:
            raise ValidationError("TYPE|Hier hoort een lijst")
        if not self.least <= len(value) <= self.most:
            raise ValidationError(f"AANTAL|Van {self.least} tot en met {self.most} regels")
        items = super()._deserialize(value, attr, data, **kwargs)
        if self.unique and len(set(items)) != len(items):
            raise ValidationError("DUBBEL|Elke waarde mag één keer voorkomen")
        return items


def trait(field: fields.Field[Any]) -> Trait:
    """The trait of a field; one without has no category and goes to every role."""
    assert isinstance(field, (Leaf, Part, Items))
    return field.trait
