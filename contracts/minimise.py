"""What of a message a receiver gets (AVG art. 5(1)(c)): by category of field, by row and by detail.

``view`` does what the roles alone decide: fields and forms that are not for this role, rows of other placements, and
hiding that a placement is at a woonzorg organisation. It tells which categories are left, needed or not. The gate
decides on those; ``minimise`` then takes out what it did not allow.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from contracts.envelope import Message
from contracts.identity import Category, KandidaatRef, Role
from contracts.kinds import walk
from contracts.kinds.base import WORKPLACES, Kind
from contracts.kinds.fields import ClientCode, Trait
from contracts.kinds.objects import DataSchema, Items, Part, trait
from contracts.shape import category_of, reaches


@dataclass(frozen=True, slots=True)
class Context:
    """Between whom, and which placements (`plaatsingId`) are the receiver's own or at a woonzorg organisation.

    ``shielded``: where the person can be found is kept from this receiver. ``client``: the receiver is the
    opdrachtgever of the traject that the message names.
    """

    sender_role: Role
    receiver_role: Role
    own_placements: frozenset[str] = frozenset()
    care_placements: frozenset[str] = frozenset()
    shielded: bool = False
    client: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """The most that this receiver may get, and the categories in it: those it needs, and those that may be left out."""

    data: Mapping[str, Any]
    required: frozenset[Category]
    optional: frozenset[Category]


@dataclass(frozen=True, slots=True)
class Minimised:
    """What goes out, and which categories were left out of it."""

    data: Mapping[str, Any]
    left_out: frozenset[Category]


def view(message: Message, context: Context) -> View | None:
    """What a receiver in ``context`` may get of ``message`` at most; ``None`` when nothing of it is for that role."""
    kind, role = message.kind, context.receiver_role
    schema = kind.shape(message.data)
    if role not in kind.receiver_roles or schema not in kind.shapes(role):
        return None
    withheld: set[Category] = set()
    kept = _prune(schema, message.data, _role_sieve(message, context, withheld))
    if (not kept and message.data) or _lost_all_rows(schema, message.data, kept):
        return None
    present = _present(schema, kept, None)
    present |= withheld & {Category.BSN}  # not for this role, but the sender is told that it was left out
    needed = kind.needed(role)
    # A message without a field of a needed category still says what its kind says.
    required = (present & needed) or needed
    if kind.about_person and _is_health(kind, kept, context):
        required |= {Category.GEZONDHEID}
    return View(kept, required, present - required)


def minimise(view: View, kind: Kind, allowed: frozenset[Category]) -> Minimised:
    """``view`` without the optional categories that are not ``allowed``.

    Raises ``ValueError`` when a needed category is not allowed: the gate must have refused.
    """
    if view.required - allowed:
        raise ValueError("een noodzakelijke categorie is niet toegestaan; dit bericht had niet mogen gaan")
    left_out = view.optional - allowed
    if not left_out:
        return Minimised(view.data, left_out)

    def keep(_own: Trait, category: Category | None, _placement: str | None) -> bool:
        return category not in left_out

    return Minimised(_prune(kind.shape(view.data), view.data, _Sieve(keep)), left_out)


def address(kind: Kind, data: Mapping[str, Any], ref: KandidaatRef) -> Mapping[str, Any]:
    """``data`` with the receiver's own kandidaatRef in every place where one stands."""
    return walk.replace_refs(kind.shape(data), data, ref)


def placement_ids(kind: Kind, data: Mapping[str, Any]) -> frozenset[str]:
    """The placements that a message speaks of."""
    return frozenset(walk.placements(data))


@dataclass(frozen=True, slots=True)
class _Sieve:
    """What stays: a field, by its trait, its category and the placement that it speaks of; a row, by its placement.

    ``code``: what is told of a code that is for the traject's opdrachtgever alone.
    """

    field: Callable[[Trait, Category | None, str | None], bool]
    row: Callable[[str | None], bool] = lambda _placement: True
    code: Callable[[ClientCode, Any], Any] = lambda _field, value: value


def _role_sieve(message: Message, context: Context, withheld: set[Category]) -> _Sieve:
    hides, care, role = _hides_workplace(message.kind, context), context.care_placements, context.receiver_role
    own = context.own_placements
    if message.kind.opens and role in WORKPLACES and walk.PLACEMENT in message.data:
        own |= {message.data[walk.PLACEMENT]}  # this message is what makes that placement the receiver's

    def keep(own_trait: Trait, category: Category | None, placement: str | None) -> bool:
        if not reaches(own_trait, role):
            if category is not None:
                withheld.add(category)
            return False
        if context.shielded and (own_trait.location or own_trait.workplace):
            return placement in own  # a workplace knows where it is
        # A result of which nobody says where it was reached may be one from care: empty means no.
        return not (own_trait.workplace and hides and (placement is None or placement in care))

    return _Sieve(
        keep,
        row=lambda placement: role not in WORKPLACES or placement in own,
        code=lambda field, value: field.seen(value, role, context.client),
    )


def _lost_all_rows(schema: DataSchema, data: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """True when the rows that a message is about are all of other placements: then it is not for this receiver."""
    rows = (name for name, field in schema.fields.items() if field.required and trait(field).rows)
    return any(name in data and name not in kept for name in rows)


def _hides_workplace(kind: Kind, context: Context) -> bool:
    return kind.results and context.sender_role is Role.ONTWIKKELBEDRIJF and bool(context.care_placements)


def _is_health(kind: Kind, data: Mapping[str, Any], context: Context) -> bool:
    """Everything from or about woonzorg is also health data, unless the workplace was hidden (UAVG art. 30)."""
    if Role.WOONZORG in (context.sender_role, context.receiver_role):
        return True
    if not context.care_placements or _hides_workplace(kind, context):
        return False
    return not context.care_placements.isdisjoint(placement_ids(kind, data))


@cache
def _known(schema: DataSchema, inherited: Category | None) -> Mapping[str, tuple[Any, Trait, Category | None]]:
    """Every field of a schema with its trait and category: the same for each message, so looked up once."""
    return {name: (field, trait(field), category_of(field, inherited)) for name, field in schema.fields.items()}


def _prune(
    schema: DataSchema,
    data: Mapping[str, Any],
    sieve: _Sieve,
    inherited: Category | None = None,
    placement: str | None = None,
) -> dict[str, Any]:
    here = data.get(walk.PLACEMENT, placement)
    kept: dict[str, Any] = {}
    known = _known(schema, inherited)
    for name, value in data.items():
        field, own, category = known[name]
        if not sieve.field(own, category, here):
            continue
        left = _pruned(field, value, sieve, category, here)
        if left or not isinstance(value, (dict, list)) or not value:  # what became empty says nothing
            kept[name] = left
    return kept


def _pruned(field: Any, value: Any, sieve: _Sieve, category: Category | None, placement: str | None) -> Any:
    if isinstance(field, Part):
        return _prune(field.inner, value, sieve, category, placement)
    if isinstance(field, Items) and isinstance(field.item, Part):
        rows = trait(field).rows
        items = (
            _prune(field.item.inner, item, sieve, category, placement)
            for item in value
            if not rows or sieve.row(item.get(walk.PLACEMENT, placement))
        )
        return [item for item in items if item]
    return sieve.code(field, value) if isinstance(field, ClientCode) else value


def _present(schema: DataSchema, data: Mapping[str, Any], inherited: Category | None) -> frozenset[Category]:
    found: set[Category] = set()
    known = _known(schema, inherited)
    for name, value in data.items():
        field, _, category = known[name]
        inner = field.item if isinstance(field, Items) else field
        if isinstance(inner, Part):
            for item in value if isinstance(field, Items) else (value,):
                found |= _present(inner.inner, item, category)
        elif category is not None:
            found.add(category)
    return frozenset(found)
