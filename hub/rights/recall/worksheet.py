"""The work sheet of a recalled message: who got what of whom, their answers, and what AVG art. 33 and 34 ask. Pure.

It is made anew at each look, so the answers of receivers and the clock of 72 hours are those of that moment.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row

from contracts.identity import SPECIAL, Category, KandidaatRef, Oin
from hub.rights.recall.recalls import INCORRECT, Recalled

#: Within which a breach is notified to the AP after the controller became aware of it (AVG art. 33(1)).
NOTIFY_WITHIN: Final = timedelta(hours=72)
#: Categories by which a breach is likely to be a high risk for the person (AVG art. 34(1); EDPB guidelines 9/2022).
_GRAVE: Final = SPECIAL | {Category.BSN, Category.UITKERING, Category.BEGELEIDING}


@dataclass(frozen=True, slots=True)
class Known:
    """What the sheet needs beside the recalls: the message, the own ref, names, explanations by zaak, the moment."""

    message: Row[Any]
    ref: KandidaatRef | None
    names: Mapping[Oin, str]
    explanations: Mapping[str, str | None]
    now: datetime


def worksheet(found: Sequence[Recalled], known: Known) -> dict[str, Any]:
    """The sheet of one message, from all its recalls."""
    given = [line for one in found for line in _given(one, known)]
    leaked = [one for one in found if one.row.reason != INCORRECT and one.given]
    return {
        "berichtId": known.message.message_id,
        "id": known.message.event_id,
        "soort": known.message.kind,
        "doel": known.message.purpose,
        "teruggeroepenOp": min(one.row.at for one in found),
        "gestoptBij": sorted({receiver for one in found for receiver in one.row.stopped}),
        "betrokkenen": _persons(found, known),
        "verstrekt": given,
        "openstaand": sum(line["beantwoordOp"] is None for line in given),
        "datalek": _breach(leaked, _persons(leaked, known), known.now) if leaked else None,
    }


def _given(one: Recalled, known: Known) -> Iterable[dict[str, Any]]:
    asked = {row.organisation: row for row in one.asked}
    for row in one.given:
        answer = asked.get(row.recipient)
        yield {
            "ontvanger": row.recipient,
            "naam": known.names.get(Oin(row.recipient), row.recipient),
            "reden": one.row.reason,
            "status": row.state,
            "verstrektOp": row.released_at,
            "bevestigdOp": row.acknowledged_at,
            "categorieen": sorted(row.revealed or ()),
            "zaakId": None if answer is None else answer.sender_id,
            "antwoord": None if answer is None else answer.answer,
            "beantwoordOp": None if answer is None else answer.closed_at,
            "toelichting": None if answer is None else known.explanations.get(answer.case_id),
        }


def _persons(found: Sequence[Recalled], known: Known) -> list[dict[str, str]]:
    """The person whose data it bears, and whom it was meant for: that one missed it, and it may be theirs."""
    touched = [] if known.ref is None else [{"kandidaatRef": known.ref, "rol": "gegevens-verstrekt"}]
    missed = sorted({one.row.meant_for for one in found if one.row.meant_for is not None})
    return [*touched, *({"kandidaatRef": ref, "rol": "bericht-gemist"} for ref in missed)]


def _breach(leaked: Sequence[Recalled], persons: Sequence[Mapping[str, str]], now: datetime) -> dict[str, Any]:
    discovered = min(one.row.discovered_at for one in leaked)
    until = discovered + NOTIFY_WITHIN
    receivers = {row.recipient for one in leaked for row in one.given}
    categories = {Category(c) for one in leaked for row in one.given for c in row.revealed or ()}
    answers = [row.answer for one in leaked for row in one.asked]
    facts = _Facts(len(persons), len(receivers), categories, answers)
    return {
        "ontdektOp": discovered,
        "meldenVoor": until,
        "resterendeUren": max(0, int((until - now) / timedelta(hours=1))),
        "verstreken": now >= until,
        "aantalBetrokkenen": facts.persons,
        "aantalOntvangers": facts.receivers,
        "categorieen": sorted(c.value for c in categories),
        "bijzonder": bool(categories & SPECIAL),
        "artikel33": [{"vraag": question, "bekend": answer} for question, answer in _article_33(facts)],
        "artikel34": [{"vraag": question, "bekend": answer} for question, answer in _article_34(facts)],
    }


@dataclass(frozen=True, slots=True)
class _Facts:
    persons: int
    receivers: int
    categories: set[Category]
    answers: Sequence[str | None]

    @property
    def names(self) -> str:
        """The categories in words."""
        return ", ".join(sorted(c.value for c in self.categories)) or "geen categorieën"

    @property
    def removed(self) -> str:
        """How far the receivers are."""
        done = sum(answer in ("verwijderd", "gestopt") for answer in self.answers)
        return f"{done} van {len(self.answers)} organisaties antwoordden dat de gegevens weg zijn."


def _article_33(facts: _Facts) -> list[tuple[str, str | None]]:
    """What a notification to the AP says (AVG art. 33(3)), and what is kept in any case (33(5))."""
    return [
        (
            "Wat is er gebeurd? Om welke soort gegevens en om hoeveel mensen gaat het?",
            f"Mensen: {facts.persons}. Organisaties die de gegevens kregen: {facts.receivers}. "
            f"Soorten gegevens: {facts.names}.",
        ),
        ("Bij wie kan de AP meer informatie krijgen, zoals de functionaris gegevensbescherming?", None),
        ("Wat kunnen de gevolgen zijn voor deze mensen?", None),
        ("Wat heeft u gedaan, en wat gaat u nog doen?", f"Het bericht is teruggeroepen. {facts.removed}"),
        ("Meldt u het lek niet? Schrijf dan op waarom er waarschijnlijk geen risico is.", None),
        ("Is het in uw eigen register van datalekken gezet? Dat moet altijd, ook zonder melding.", None),
    ]


def _article_34(facts: _Facts) -> list[tuple[str, str | None]]:
    """Whether and what the person is told (AVG art. 34(1) to (3))."""
    grave = sorted(c.value for c in facts.categories & _GRAVE)
    risk = f"Ja, dit wijst op een hoog risico: {', '.join(grave)}." if grave else None
    staff = "Ja." if Category.MEDEWERKER in facts.categories else "Nee."
    return [
        ("Is er waarschijnlijk een hoog risico voor deze mensen?", risk),
        ("Is dat risico intussen weggenomen, bijvoorbeeld omdat alles is verwijderd?", facts.removed),
        ("Bij een hoog risico: is het in gewone taal aan deze mensen verteld, en wanneer?", None),
        ("Stonden er ook namen van medewerkers in? Dan gaat het ook over hen.", staff),
    ]
