"""Steps about people: register, bind a number, open a traject, statements, release from secrecy, zaken."""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from connectors.agent.partner.stage import Act, Asked, Stage
from contracts.identity import KandidaatRef

_DONE: Final = {"status": "gelukt"}


def _register(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    told = asked.told
    ref = stage.client.people.register(
        bsn=told.get("bsn"), own_number=told.get("lokaalNummer"), established=told.get("vergewist")
    )
    return _DONE | {"kandidaatRef": ref}


def _bind(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    stage.client.people.bind_number(KandidaatRef(asked.told["kandidaat"]), asked.told["lokaalNummer"])
    return _DONE


def _find(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    return _DONE | {"kandidaatRef": stage.client.people.find(asked.told["lokaalNummer"])}


def _open_traject(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    ref = KandidaatRef(asked.told["kandidaat"])
    return _DONE | {"trajectId": stage.client.people.open_traject(ref, asked.told["traject"])}


def _record(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """Record a statement; the notice that the person was shown is bound to it by the hash of its file."""
    told = dict(asked.told)
    notice = dict(told.pop("verklaring"))
    notice["sha256"] = hashlib.sha256((stage.files / notice.pop("bestand")).read_bytes()).hexdigest()
    recorded = stage.client.people.record_consent(told | {"verklaring": notice})
    return _DONE | {
        "id": recorded["id"],
        "toestand": recorded["status"],
        "doelen": recorded.get("doelen"),
        "categorieen": recorded.get("categorieen"),
        "bewijs": "aanwezig" if recorded.get("bewijs") else "volgt",
    }


def _withdraw(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    told = asked.told
    answer = stage.client.people.withdraw_consent(told["toestemming"], told["gegevenDoor"], told.get("reden"))
    return _DONE | dict(answer)


def _release_secrecy(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    return _DONE | dict(stage.client.people.release_secrecy(asked.told))


def _answer_case(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    answer = stage.client.people.answer_case(asked.told["zaak"], asked.told["antwoord"])
    return _DONE | {"antwoord": answer.get("antwoord"), "soort": answer.get("soort")}


def _cases(stage: Stage, asked: Asked) -> Mapping[str, Any]:
    """The zaken of the own organisation, as the hub lists them."""
    return _DONE | {"zaken": list(stage.client.items("/v1/zaken", **asked.told.get("filter", {})))}


ACTS: Final[Mapping[str, Act]] = {
    "meld aan": _register,
    "bind nummer": _bind,
    "zoek op": _find,
    "open traject": _open_traject,
    "leg toestemming vast": _record,
    "trek toestemming in": _withdraw,
    "leg ontheffing vast": _release_secrecy,
    "beantwoord zaak": _answer_case,
    "bekijk zaken": _cases,
}
