"""The receipt as JSON-LD: ISO/IEC TS 27560:2023 in the terms of the W3C Data Privacy Vocabulary (guide §7, profiles).

Pure, and the same bytes for the same evidence. The context stands in the document itself: reading it needs no network.
The member ``bewijs`` (a JSON literal) holds the entries of the log; every other member is written from those.
"""

import json
from typing import Any, Final

from consent.receipt import terms
from consent.receipt.account import Account, Event, State
from consent.receipt.evidence import Evidence
from contracts import instants
from contracts.identity import SPECIAL, Category, Oin

_IRIS: Final = (
    *("dpv:hasJurisdiction", "dpv:hasApplicableLaw", "dpv:hasLegalBasis", "dpv:hasDataController", "dpv:hasRecipient"),
    *("dpv:hasProcessing", "dpv:isIndicatedBy", "dpv:isImplementedByEntity", "dpv:hasAuthority", "dpv:isExercisedAt"),
    *("dpv:hasIndicationMethod", "dpv:hasNecessity", "dct:conformsTo", "dct:creator", "dct:replaces"),
    "skos:broader",
)
_MOMENTS: Final = ("dct:created", "dpv:isIndicatedAtTime", "schema:validFrom")
CONTEXT: Final[dict[str, Any]] = (
    {
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
        "hub": terms.OWN,
        "loc": "https://w3id.org/dpv/loc#",
        "pd": "https://w3id.org/dpv/pd#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "schema": "https://schema.org/",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "bewijs": {"@id": "hub:bewijs", "@type": "@json"},
    }
    | {name: {"@type": "@id"} for name in _IRIS}
    | {name: {"@type": "xsd:dateTime"} for name in _MOMENTS}
)
_BY_ORGANISATIONS: Final = frozenset({State.REQUESTED, State.PART_CONFIRMED, State.REVOKED, State.INVALIDATED})
_AUTHORITY: Final = "urn:doorstroomhub:begrip:autoriteit-persoonsgegevens"
_ALL: Final = [{"@id": terms.ALL, "dct:title": "alles"}]
_AT_THE_PARTIES: Final = "Bij de genoemde organisaties, ieder voor de eigen gegevens."
#: From version 5 on: the jurisdiction is that of the parties, and says nothing of where their systems are.
_SOMEWHERE: Final = " Waar hun systemen staan, weet de hub niet."
_RETENTION: Final = "Tot het doel bereikt is of de toestemming eindigt; de organisatie noemt haar eigen termijnen."

_KNOWN: Final = (
    "Dit bewijs weet niet wat er na dct:created is vastgelegd, zoals een intrekking: vraag een nieuw bewijs."
)
#: What closes a statement that itself goes on is about another one, and in no receipt of this one. So said version 4:
_KNOWN_NOT_4: Final = " Een later nee of stopverzoek staat in geen bewijs van deze toestemming: vraag hoe zij nu staat."
#: The same since: neither only a later word, nor these two alone.
_KNOWN_NOT: Final = (
    " Een nee, een stopverzoek of het einde van een andere verklaring staat in geen bewijs van deze toestemming:"
    " vraag hoe zij nu staat."
)
_CONTENT_KEPT: Final = "In de hub: de inhoud van een bericht, nadat het is aangekomen."
_EVIDENCE_KEPT: Final = "In de hub: het bewijs, nadat de laatste organisatie is gestopt."


def document(account: Account, evidence: Evidence) -> bytes:
    """The receipt, UTF-8, ending in a newline."""
    receipt = {
        "@context": CONTEXT,
        "@id": f"urn:doorstroomhub:toestemmingsbewijs:{account.receipt_id}",
        "@type": "dpv:ConsentReceipt",
        "dct:identifier": account.receipt_id,
        "dpv:hasIdentifier": account.receipt_id,
        "dct:conformsTo": terms.RECEIPT_PROFILE,
        "dct:created": instants.write(account.known_until),
        **_limits(account),
        "dpv:hasRecordOfActivity": _record(account),
        "bewijs": evidence.as_json(),
    }
    return (json.dumps(receipt, ensure_ascii=False, indent=2) + "\n").encode()


def _limits(account: Account) -> dict[str, Any]:
    """What a receipt cannot know, in the words of its version."""
    match account.version:
        case 1 | 2:
            return {}
        case 3:
            return {"dct:description": _KNOWN}
        case 4:
            return {"dct:description": _KNOWN + _KNOWN_NOT_4}
    return {"dct:description": _KNOWN + _KNOWN_NOT}


def _record(account: Account) -> dict[str, Any]:
    return {
        "@id": f"urn:doorstroomhub:toestemming:{account.id}",
        "@type": "dpv:ConsentRecord",
        "dct:identifier": account.id,
        "dpv:hasIdentifier": account.id,
        "dct:conformsTo": terms.RECORD_PROFILE,
        "dct:created": instants.write(account.recorded_at),
        "dct:creator": _party_iri(account.recorder),
        **({} if account.renews is None else {"dct:replaces": f"urn:doorstroomhub:toestemming:{account.renews}"}),
        "dpv:hasDataSubject": _subject(account),
        "dpv:hasNotice": _notice(account),
        "dpv:hasJurisdiction": "loc:NL",
        "dpv:hasApplicableLaw": "eu-gdpr:GDPR",
        "dpv:hasLegalBasis": terms.BASES[account.basis].dpv,
        "dpv:hasDataController": _parties(account.senders),
        "dpv:hasProcess": _process(account),
        "dpv:hasConsentControl": {
            "@type": "dpv:WithdrawConsent",
            "dct:description": "Zeg het tegen een organisatie die bij het traject hoort: het stopt meteen.",
            "dpv:isExercisedAt": _party_iri(account.recorder),
        },
        "dpv:hasRight": [{"@type": ["dpv:DataSubjectRight", f"eu-gdpr:{right}"]} for right in terms.RIGHTS],
        "dpv:hasConsequence": terms.NO_CONSEQUENCE,
        "dpv:hasAuthority": _AUTHORITY,
        "dpv:hasEntity": [*(_entity(account, party) for party in account.parties()), _authority()],
        "dpv:hasConsentStatus": [_status(account, event) for event in account.events],
    }


def _subject(account: Account) -> dict[str, Any]:
    """The PII principal: by the ref of whoever asked for the receipt, which no other organisation can read."""
    subject = {"@id": f"urn:doorstroomhub:toestemming:{account.id}:betrokkene", "@type": "dpv:DataSubject"}
    if account.said is not None and account.said.sixteen_at is not None:
        subject["hub:zestienOp"] = instants.write(account.said.sixteen_at)
    return subject if account.ref is None else subject | {"dct:identifier": account.ref[1]}


def _notice(account: Account) -> dict[str, Any]:
    notice = account.notice
    return {
        "@id": f"urn:doorstroomhub:verklaring:sha256:{notice.sha256}",
        "@type": "dpv:ConsentNotice",
        "dct:identifier": notice.id,
        "schema:version": notice.version,
        "hub:sha256": notice.sha256,
        "dct:language": notice.language,
    }


def _process(account: Account) -> dict[str, Any]:
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": _ALL
        if account.purposes is None
        else [_concept("doel", purpose.value, terms.PURPOSES[purpose]) for purpose in account.purposes],
        "dpv:hasPersonalData": _ALL
        if account.categories is None
        else [_personal_data(category, account.version) for category in account.categories],
        "dpv:hasDataSource": {"@type": "dpv:DataSource", "dct:description": "De genoemde verstrekkers."},
        "dpv:hasProcessing": ["dpv:Share"],
        "dpv:hasRecipient": _parties(account.receivers),
        "dpv:hasStorageCondition": [
            {
                "@type": "dpv:StorageLocation",
                "dct:description": _place(account),
                "dpv:hasJurisdiction": "loc:NL",
            },
            {"@type": "dpv:StorageDuration", "dct:description": _RETENTION, "dpv:hasDuration": _duration(account)},
            *_kept(account),
        ],
        "dpv:hasDataProcessingCondition": {
            "@type": "dpv:ProcessingLocation",
            "dct:description": _place(account),
            "dpv:hasJurisdiction": "loc:NL",
        },
        "dpv:hasRule": {
            "@type": "dpv:Permission" if account.says_yes else "dpv:Prohibition",
            "dct:description": "Dit gaat over wat hier staat, en alleen met wie hier staat.",
        },
    }


def _place(account: Account) -> str:
    return _AT_THE_PARTIES + (_SOMEWHERE if account.version > 4 else "")


def _concept(kind: str, code: str, term: terms.Term) -> dict[str, Any]:
    return {"@id": f"hub:{kind}:{code}", "dct:identifier": code, "dct:title": term.words, "skos:broader": term.dpv}


def _personal_data(category: Category, version: int) -> dict[str, Any]:
    """A category; a special one (AVG art. 9 and 10) says so. Whoever says yes may leave any of them out."""
    term = terms.category(category, version)
    told = _concept("categorie", category.value, term) | {"dpv:hasNecessity": "dpv:Optional"}
    return told | {"@type": "dpv:SpecialCategoryPersonalData"} if category in SPECIAL else told


def _kept(account: Account) -> list[dict[str, Any]]:
    """How long the hub keeps content after it arrived, and evidence after the last organisation stopped."""
    if account.kept is None:
        return []
    days, years = account.kept
    told = ((_CONTENT_KEPT, f"P{days}D"), (_EVIDENCE_KEPT, f"P{years}Y"))
    return [
        {
            "@type": "dpv:StorageDuration",
            "dct:description": words,
            "dpv:hasDuration": {"@type": "dpv:TemporalDuration", "rdf:value": length},
        }
        for words, length in told
    ]


def _duration(account: Account) -> dict[str, Any]:
    if account.valid_until is None:
        return {"@type": "dpv:UntilEventDuration", "rdf:value": "intrekking"}
    return {"@type": "dpv:UntilTimeDuration", "rdf:value": instants.write(account.valid_until)}


def _status(account: Account, event: Event) -> dict[str, Any]:
    """Event time, validity duration, entity, type and state (ISO/IEC TS 27560 §6.3.7), and how it was said."""
    told: dict[str, Any] = {
        "@type": [terms.STATES[event.state].dpv, terms.BASES[account.basis].words],
        "dct:identifier": event.state.value,
        "dpv:isIndicatedAtTime": instants.write(event.at),
        "dpv:hasDuration": {"@type": "dpv:EndlessDuration"},
        "dpv:isIndicatedBy": _indicated_by(account, event),
    }
    if event.by is not None:
        told["dpv:isImplementedByEntity"] = _party_iri(event.by)
    if event.state in (State.REQUESTED, State.GIVEN, State.RENEWED, State.REFUSED):
        told["dpv:hasDuration"] = _duration(account)
        told["schema:validFrom"] = instants.write(account.valid_from)
    if event.state in (State.GIVEN, State.RENEWED, State.REFUSED) and account.said is not None:
        told["dpv:hasIndicationMethod"] = f"hub:wijze:{account.said.manner}"
    return told


def _indicated_by(account: Account, event: Event) -> str:
    """Who spoke. An organisation asks, confirms its own part, and says that a statement was wrong or invalid; all else
    the person said, or whoever spoke for the person, the term by which it expires included."""
    if event.state in _BY_ORGANISATIONS:
        return _party_iri(event.by or account.recorder)
    spoke = event.given_by
    if event.state is State.EXPIRED and account.said is not None:
        spoke = account.said.by
    return terms.GIVEN_BY[spoke or "betrokkene"].dpv


def _parties(organisations: tuple[Oin, ...] | None) -> list[str]:
    return [terms.ALL] if organisations is None else [_party_iri(each) for each in organisations]


def _party_iri(organisation: Oin) -> str:
    return f"urn:nld:oin:{organisation}"


def _entity(account: Account, party: Oin) -> dict[str, Any]:
    """Party id, name, address, contact, role and type. The hub keeps no addresses: the OIN leads to them."""
    roles = ["dpv:Organisation"]
    roles += ["dpv:DataController", "dpv:DataExporter"] if party in (account.senders or ()) else []
    roles += ["dpv:Recipient", "dpv:DataImporter"] if party in (account.receivers or ()) else []
    return {
        "@id": _party_iri(party),
        "@type": roles,
        "dpv:hasIdentifier": party,
        "dpv:hasName": account.name(party),
        "dpv:hasAddress": f"Zie het register van OIN {party}.",
        "dpv:hasContact": "Via de contactpersoon van het traject, of de functionaris gegevensbescherming.",
    }


def _authority() -> dict[str, Any]:
    return {
        "@id": _AUTHORITY,
        "@type": ["dpv:Authority", "dpv:DataProtectionAuthority"],
        "dpv:hasIdentifier": _AUTHORITY,
        "dpv:hasName": "Autoriteit Persoonsgegevens",
        "dpv:hasAddress": "Postbus 93374, 2509 AJ Den Haag",
        "dpv:hasContact": "https://www.autoriteitpersoonsgegevens.nl",
    }
