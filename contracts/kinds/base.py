"""What a kind of message is: its shape, who may send it to whom and why, and what a receiver cannot do without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from contracts.errors import Fault
from contracts.identity import Category, Purpose, Role, SecrecySubject
from contracts.kinds.fields import RuleContext
from contracts.kinds.objects import DataSchema

TYPE_PREFIX: Final = "nl.doorstroomhub."

#: Roles at which a placement can be; they get only the rows of their own placements.
WORKPLACES: Final = frozenset({Role.KRINGLOOP, Role.WOONZORG, Role.LEERBEDRIJF})

GEM: Final = frozenset({Role.GEMEENTE})
SOB: Final = frozenset({Role.ONTWIKKELBEDRIJF})
MBO: Final = frozenset({Role.MBO})
SOC_K: Final = frozenset({Role.KRINGLOOP})
SOC_W: Final = frozenset({Role.WOONZORG})
LB: Final = frozenset({Role.LEERBEDRIJF})
CERT: Final = frozenset({Role.CERTIFICEERDER})

Rules = Callable[[Mapping[str, Any], RuleContext], list[Fault]]


def no_rules(_data: Mapping[str, Any], _context: RuleContext) -> list[Fault]:
    """For kinds whose fields say everything."""
    return []


@dataclass(frozen=True, slots=True)
class Flow:
    """Every sender role may send to every receiver role for each of the purposes."""

    senders: frozenset[Role]
    receivers: frozenset[Role]
    purposes: frozenset[Purpose]


@dataclass(frozen=True, slots=True)
class Form:
    """Another form of a kind's data, known by the fields that only it has; ``receivers`` may get this form."""

    schema: DataSchema
    marks: frozenset[str]
    receivers: frozenset[Role]


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """One kind of message. ``schema`` is the shape of its data, ``form`` a second shape if there is one.

    ``receivers`` limits who gets the first shape (``None``: every receiver of a flow). ``needs``: the categories
    without which the message is useless to a receiver; others may be left out. ``own_needs`` says otherwise for a role.
    ``results``: it passes on results of a placement, so the workplace is hidden when that is a woonzorg organisation.
    ``subjects``: what it touches of that which a woonzorg organisation keeps secret. A release from secrecy covers it
    when it names one of these; a kind that says nothing narrower is covered only by one that names `gezondheid`, which
    in its turn covers nothing narrower: who lets somebody speak of their health has said nothing of their attendance.
    ``opens``: its release begins the receiver's involvement in a traject; ``closes``: its release ends that.
    ``by_hub``: only the hub makes it. ``warnings`` finds what is odd but never refused.
    """

    name: str
    flows: tuple[Flow, ...]
    schema: DataSchema
    needs: frozenset[Category] = frozenset()
    own_needs: Mapping[Role, frozenset[Category]] = field(default_factory=lambda: MappingProxyType({}))
    form: Form | None = None
    receivers: frozenset[Role] | None = None
    opens: bool = False
    closes: bool = False
    about_person: bool = True
    by_hub: bool = False
    results: bool = False
    subjects: frozenset[SecrecySubject] = frozenset({SecrecySubject.GEZONDHEID})
    version: int = 1
    rules: Rules = no_rules
    warnings: Rules = no_rules

    @property
    def type(self) -> str:
        """The CloudEvents type, such as ``nl.doorstroomhub.voortgang.gemeld.v1``."""
        return f"{TYPE_PREFIX}{self.name}.v{self.version}"

    @property
    def purposes(self) -> frozenset[Purpose]:
        """Every doel for which it is sent."""
        return frozenset().union(*(flow.purposes for flow in self.flows))

    @property
    def default_purpose(self) -> Purpose | None:
        """The doel when there is only one; else a message must name it."""
        return next(iter(self.purposes)) if len(self.purposes) == 1 else None

    @property
    def sender_roles(self) -> frozenset[Role]:
        """Who may send it."""
        return frozenset().union(*(flow.senders for flow in self.flows))

    @property
    def receiver_roles(self) -> frozenset[Role]:
        """Who may receive it."""
        return frozenset().union(*(flow.receivers for flow in self.flows))

    def flow(self, sender: Role, receiver: Role, purpose: Purpose) -> bool:
        """True when a sender of that role may send it to a receiver of that role for that doel."""
        return any(sender in f.senders and receiver in f.receivers and purpose in f.purposes for f in self.flows)

    def needed(self, receiver: Role) -> frozenset[Category]:
        """The categories that a receiver of that role cannot do without."""
        return self.own_needs.get(receiver, self.needs)

    def shape(self, data: Any) -> DataSchema:
        """The form that ``data`` has, or tries to have."""
        if self.form is not None and isinstance(data, dict) and not self.form.marks.isdisjoint(data):
            return self.form.schema
        return self.schema

    def shapes(self, receiver: Role | None = None) -> tuple[DataSchema, ...]:
        """The forms that exist (``None``), or that a receiver of that role may get."""
        second = () if self.form is None else (self.form,)
        first = receiver is None or self.receivers is None or receiver in self.receivers
        return ((self.schema,) if first else ()) + tuple(
            form.schema for form in second if receiver is None or receiver in form.receivers
        )
