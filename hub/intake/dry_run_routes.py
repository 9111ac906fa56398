"""“Mag dit?” over HTTP: a message, its ``data`` optional, put to the gate without being sent."""

import math
from typing import Any, Final

from marshmallow import Schema, fields

from consent.decision import Outcome, Step
from contracts import instants
from contracts.envelope import read_dry
from contracts.errors import (
    KindUnknown,
    LogUnavailable,
    MessageInvalid,
    RefusalCode,
    SenderMismatch,
    TokenInvalid,
    TooMany,
)
from contracts.identity import Category
from hub.access.caller import Scope
from hub.gate.dry_run import Checked, Explained
from hub.intake import reading
from hub.intake.accept import besluit
from hub.intake.context import caller, hub
from hub.intake.endpoint import Endpoint
from hub.intake.message_schemas import Gebeurtenis
from hub.intake.routes import require_own
from hub.intake.schemas import Besluit, code_field, word_field
from hub.store.refusals import logged

#: What is missing, in words, by the code of the step that failed.
_MISSING: Final = {
    RefusalCode.GEEN_GRONDSLAG: "Er is geen grondslag of toestemming om dit over deze persoon te delen.",
    RefusalCode.GEEN_ONTVANGER: "Geen van uw afspraken gaat over dit soort bericht met dit doel.",
    RefusalCode.AFSPRAAK_ONTBREEKT: "Tussen u en deze ontvanger is geen uitwisselafspraak van kracht.",
    RefusalCode.ONTVANGER_NIET_BEVOEGD: "Deze ontvanger mag dit soort bericht niet krijgen.",
    RefusalCode.SOORT_NIET_TOEGESTAAN: "Dit soort bericht valt niet onder uw machtiging of uw afspraak.",
    RefusalCode.DOEL_NIET_TOEGESTAAN: "Dit doel hoort niet bij dit soort bericht of valt niet onder uw afspraak.",
    RefusalCode.BSN_NIET_TOEGESTAAN: "Uw organisatie mag geen burgerservicenummer versturen.",
}
_LEFT_OUT: Final = "Niet alles mag mee; bij elke ontvanger staat wat wordt weggelaten."
_EFFECTS: Final = ("geldt", "bijna", "nee", "ingetrokken", "gesloten")


def vooraf_controle() -> dict[str, Any]:
    """Ask the gate. The answer about a person is the same for all who may not know why."""
    wait = hub().dry_run.allowance.take(caller().organisation)
    if wait:
        raise TooMany(headers={"Retry-After": str(math.ceil(wait))})
    _, raw = reading.raw_body(reading.EVENT)
    message = read_dry(raw, instants.today(hub().clock.now()))
    require_own(message)
    with logged():  # a question that cannot be logged is not answered
        checked = hub().dry_run.ask(message)
    if any(d.code is RefusalCode.HANDELING_NIET_TOEGESTAAN for _, d in checked.decisions):
        raise TokenInvalid  # the organisation or its machtiging ended after the token was given
    answer = _answer(checked)
    if Scope.TOESTEMMINGEN_LEZEN in caller().scopes:
        answer["toelichting"] = [_explanation(e) for e in hub().dry_run.explain(checked, caller().organisation)]
    return answer


def _answer(checked: Checked) -> dict[str, Any]:
    codes = [step.code for step in checked.steps if step.code is not None]
    missing = [_MISSING[code] for code in codes if code in _MISSING]
    if any(decision.left_out for _, decision in checked.told):
        missing.append(_LEFT_OUT)
    return {
        "uitkomst": checked.outcome.value,
        "stappen": [_step(step) for step in checked.steps],
        "watOntbreekt": missing,
        "besluiten": [besluit(receiver, decision) for receiver, decision in checked.told],
    }


def _step(step: Step) -> dict[str, Any]:
    return {"naam": step.name, "geslaagd": step.passed, "code": step.code}


def _explanation(one: Explained) -> dict[str, Any]:
    return {
        "toestemmingId": one.statement,
        "categorie": one.category.value,
        "werking": one.effect,
        "verschilt": list(one.differs),
        "door": one.by,
    }


class Stap(Schema):
    """One check of the gate; ``code`` only where it failed."""

    naam = fields.String(required=True)
    geslaagd = fields.Boolean(required=True)
    code = code_field(RefusalCode, required=True, allow_none=True)


class Toelichting(Schema):
    """What a statement that the caller's organisation recorded means for one category; ``verschilt``: in what not.

    ``gesloten``: a `ja` that stands, but was closed by what was said later (``door``).
    """

    toestemmingId = fields.String(required=True)
    categorie = code_field(Category, required=True)
    werking = word_field(*_EFFECTS, required=True)
    verschilt = fields.List(fields.String(), required=True)
    door = fields.String(required=True, allow_none=True)


class VoorafControle(Schema):
    """Whether a message would go, step by step, and what is missing."""

    uitkomst = code_field(Outcome, required=True)
    stappen = fields.List(fields.Nested(Stap), required=True)
    watOntbreekt = fields.List(fields.String(), required=True)
    besluiten = fields.List(fields.Nested(Besluit), required=True)
    toelichting = fields.List(fields.Nested(Toelichting))


ENDPOINTS: Final = (
    Endpoint(
        method="POST",
        path="/vooraf-controles",
        view=vooraf_controle,
        summary="Vragen of een bericht zou mogen, zonder het te versturen",
        description=(
            "Er wordt niets bewaard of verstuurd; wel wordt vastgelegd dat het is gevraagd. Met het recht "
            "toestemmingen:lezen en een genoemde ontvanger ook uitleg bij toestemmingen die u zelf vastlegde."
        ),
        scope=Scope.BERICHTEN_VERSTUREN,
        media={reading.EVENT: Gebeurtenis},
        out=VoorafControle,
        errors=(MessageInvalid, KindUnknown, SenderMismatch, TooMany, LogUnavailable),
    ),
)
