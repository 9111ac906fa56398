"""On what a release rested: law, consent, an agreement about staff, or the AVG itself. Pure.

The log's entry of the release is the truth of it: it was written when it was decided, with the fact for each category.
Later attempts of the same message need no entry; what they rested on beside that stands in `release_basis`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row

from contracts.identity import Oin

GROUND: Final = "grondslag"
STATEMENT: Final = "toestemming"
AGREEMENT: Final = "afspraak"
SECRECY: Final = "ontheffing"
#: What the hub itself tells, because the AVG says so.
NOTICE: Final = "avg"
KINDS: Final = (GROUND, STATEMENT, AGREEMENT, SECRECY, NOTICE)
#: The notice that a ground is gone, or stands still: which clause it goes out under depends on the cause (its `code`).
LAPSED: Final = "grondslag.vervallen"
#: Article and paragraph of the AVG by cause: consent was taken back or is none (7), a limit (18, 21), no law (5).
LAPSES: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("toestemming-ingetrokken", "toestemming-geweigerd", "stopverzoek"), ("7", "3")),
    "ontheffing-ingetrokken": ("7", "3"),
    **dict.fromkeys(("toestemming-ongeldig", "toestemming-verlopen"), ("7", None)),
    **dict.fromkeys(("beperking", "beperking-opgeheven"), ("18", None)),
    "bezwaar": ("21", None),
    **dict.fromkeys(("afspraak-beeindigd", "grondslag-beeindigd"), ("5", "1")),
}
#: Notices that correct or erase say so in their kind.
NOTICES: Final[Mapping[str, tuple[str, str | None]]] = dict.fromkeys(
    ("rectificatie.kennisgeving", "verwijdering.gevraagd"), ("19", None)
)
#: Causes of which the verstrekker in whose name a notice goes out has a zaak of its own.
_LIMITS: Final = frozenset({"beperking", "beperking-opgeheven", "bezwaar"})


@dataclass(frozen=True, slots=True)
class Told:
    """What the log says of one message for one recipient."""

    basis: Mapping[str, str] = field(default_factory=dict)  # category → the fact that covers it, ``toestemming:<id>``
    left_out: tuple[str, ...] = ()
    reason: str | None = None  # why it was stopped
    code: str | None = None  # of a notice: what caused it


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that releases name, by id. ``own``: whose picture; ``None``: the whole.

    ``acts``: when (as the log writes it) this organisation itself did what stops messages, and the code of that.
    """

    grounds: Mapping[str, Row[Any]]
    statements: Mapping[str, Row[Any]]
    secrecy: Mapping[str, Row[Any]]
    own: Oin | None
    acts: frozenset[tuple[str, str]] = frozenset()

    def may_see(self, row: Row[Any]) -> bool:
        """A statement is seen by its recorder and the verstrekkers that it names."""
        return self.own is None or self.own == row.recorder or self.own in (row.senders or ())


def named(told: Iterable[Told]) -> Mapping[str, set[str]]:
    """The ids of all facts that releases name, by their kind."""
    found: dict[str, set[str]] = defaultdict(set)
    for one in told:
        for fact in one.basis.values():
            kind, _, fact_id = fact.partition(":")
            found[kind].add(fact_id)
    return found


def bases(told: Told, rested: Sequence[str], facts: Facts) -> list[dict[str, Any]]:
    """Each fact with the categories that it covers. ``rested``: statements and ontheffingen of all attempts."""
    covers: dict[str, list[str]] = defaultdict(list)
    for category, fact in sorted(told.basis.items()):
        covers[fact].append(category)
    found = [_fact(*fact.partition(":")[::2], categories, facts) for fact, categories in sorted(covers.items())]
    first = {fact.partition(":")[2] for fact in covers}
    for fact_id in rested:
        if fact_id in facts.secrecy:
            found.append(_secrecy(facts.secrecy[fact_id], facts))
        elif fact_id not in first and fact_id in facts.statements:
            covered = sorted(set(facts.statements[fact_id].categories or ()))
            found.append(_fact(STATEMENT, fact_id, covered, facts) | {"latereLevering": True})
    return found


def notice_basis(kind: str, code: str | None) -> list[dict[str, Any]]:
    """Why the hub itself tells something. ``code``: the cause of a notice that a ground is gone."""
    table, name = (LAPSES, code or "") if kind == LAPSED else (NOTICES, kind)
    article, paragraph = table.get(name, ("12", None))
    return [{"soort": NOTICE, "categorieen": [], "wet": "AVG", "artikel": article, "lid": paragraph}]


def cause(code: str | None, receiver: str, own: Oin | None) -> dict[str, Any]:
    """The cause of a notice, to whom may read it: the person, its receiver, and its verstrekker if that has a zaak."""
    return {"code": code} if code is not None and (own in (None, receiver) or code in _LIMITS) else {}


def _fact(kind: str, fact_id: str, categories: list[str], facts: Facts) -> dict[str, Any]:
    said = {"soort": kind, "categorieen": categories}
    if kind == GROUND and fact_id in facts.grounds:
        row = facts.grounds[fact_id]
        law = {"basis": row.basis, "wet": row.law, "artikel": row.article, "lid": row.paragraph}
        return said | {"id": fact_id, "uavgArtikel": row.uavg_article} | law
    if kind == STATEMENT and fact_id in facts.statements:
        row = facts.statements[fact_id]
        # Who received on consent knows that, and no more: which statement it was is its recorder's and verstrekker's.
        seen = {"id": fact_id, "gegevenOp": row.given_at, "gegevenDoor": row.given_by} if facts.may_see(row) else {}
        return said | {"basis": row.basis} | seen
    return said | {"id": fact_id}


def _secrecy(row: Row[Any], facts: Facts) -> dict[str, Any]:
    said = {"soort": SECRECY, "categorieen": []}
    if facts.own is not None and facts.own != row.holder:
        return said
    return said | {"id": row.release_id, "gegevenOp": row.at, "geheimhouder": row.holder}
