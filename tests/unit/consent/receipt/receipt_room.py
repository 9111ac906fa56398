"""A small log of its own, signed, with the entries of statements in it: for the tests of receipts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent.log import proof
from consent.log.entry import commit, opening
from consent.log.merkle import leaf_hash, perfect_root, range_hash
from consent.log.note import Checkpoint, NoteKey, Verifier, sign
from consent.receipt.evidence import Evidence, Principal, Shown
from consent.receipt.principal import ref_binding, ref_opening
from contracts.canonical import canonical
from contracts.identity import Oin

ORIGIN: Final = "hub.example.nl/bewijslogboek"
OWN, OTHER, RECEIVER = Oin("00000099000000003000"), Oin("00000099000000007000"), Oin("00000099000000005000")
REF: Final = "abcdefghijklmnopqrstuvwx27"
ID: Final = "0192f0000000700080000000000000aa"
PERSON_KEY: Final = b"evidence key of one person, 32 b"
NAMES: Final = {OWN: "Ontwikkelbedrijf De Sluis", OTHER: 'Woonzorg "Delta" <&>', RECEIVER: "Kringloop Nieuw Leven"}


@dataclass
class Room:
    """Entries of one person among others; each proof is under the newest checkpoint."""

    key: Ed25519PrivateKey = field(default_factory=lambda: Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
    origin: str = ORIGIN
    leaves: list[bytes] = field(default_factory=list)

    @property
    def verifier(self) -> Verifier:
        return NoteKey(self.origin, self.key).verifier

    def fill(self, number: int) -> None:
        """Entries about others."""
        for _ in range(number):
            self.leaves.append(leaf_hash(len(self.leaves).to_bytes(32, "big")))

    def log(self, payload: Mapping[str, Any]) -> tuple[int, Shown]:
        """An entry of the person: its index, and what opens it."""
        index, raw = len(self.leaves), canonical({"v": 1, **payload})
        r = opening(PERSON_KEY, f"entry-{index}")
        self.leaves.append(leaf_hash(commit(r, raw)))
        return index, Shown(raw.decode(), r)

    def proof(self, index: int) -> str:
        """The ``.tlog-proof`` of one entry."""
        size = len(self.leaves)
        read = lambda level, n: perfect_root(self.leaves[n << level : (n + 1) << level])  # noqa: E731
        note = sign(Checkpoint(self.origin, size, range_hash(0, size, read)).text, [NoteKey(self.origin, self.key)])
        return proof.TlogProof(index, tuple(proof.inclusion(index, size, read)), note).write()


def binding(organisation: Oin, ref: str | None = REF) -> str:
    return ref_binding(ref_opening(PERSON_KEY, ID, organisation), ref)


def principal(organisation: Oin = OWN, ref: str = REF) -> Principal:
    return Principal(organisation, ref, ref_opening(PERSON_KEY, ID, organisation))


def statement(**terms: Any) -> dict[str, Any]:
    """The payload of a ``ja``; ``terms`` replace its members, ``None`` leaves one out."""
    payload = {
        "soort": "toestemming",
        "op": "2026-11-22T13:58:00.000Z",
        "organisatie": OWN,
        "systeem": "werkstap",
        "toestemmingId": ID,
        "grondslag": "AVG-6-1-a",
        "keuze": "ja",
        "gegevenOp": "2026-11-22T13:50:00.000Z",
        "geldigVan": "2026-11-22T13:50:00.000Z",
        "geldigTot": "2027-06-21T22:00:00.000Z",
        "verklaring": {"id": "verklaring-b1", "versie": "2", "sha256": "5" * 64, "taal": "nl"},
        "wijze": "gesprek",
        "gegevenDoor": "betrokkene",
        "doelen": ["opleiden", "trajectbegeleiding"],
        "categorieen": ["contact", "identiteit"],
        "verstrekkers": [OWN, OTHER],
        "ontvangers": [RECEIVER],
        "bevestigd": [OWN],
        "namen": dict(NAMES),
        "betrokkene": {OWN: binding(OWN), OTHER: binding(OTHER, None)},
    }
    kept = {name: value for name, value in (payload | terms).items() if value is not None}
    return kept | ({"geldigTot": None} if "geldigTot" in terms and terms["geldigTot"] is None else {})


def event(kind: str, at: str, **terms: Any) -> dict[str, Any]:
    """The payload of a later entry about the same statement."""
    return {"soort": kind, "op": at, "toestemmingId": ID} | terms


CONFIRMED: Final = event(
    "bevestiging-toestemming", "2026-11-23T08:00:00.000Z", organisatie=OTHER, betrokkene={OTHER: binding(OTHER)}
)
WITHDRAWN: Final = event(
    "toestemming-beeindigd", "2027-02-01T09:30:00.000Z", als="ingetrokken", gegevenDoor="betrokkene"
)


@dataclass(frozen=True)
class Case:
    """Evidence of one statement with the proof of its own entry."""

    room: Room
    evidence: Evidence
    proof: str


def case(*payloads: Mapping[str, Any], who: Principal | None = None, room: Room | None = None) -> Case:
    """A statement's own entry and its later ones, in a log with others between them."""
    room = room or Room()
    room.fill(5)
    placed = []
    for payload in payloads:
        placed.append(room.log(payload))
        room.fill(3)
    (index, first), *later = placed
    entries = (first, *(Shown(shown.payload, shown.opening, room.proof(at)) for at, shown in later))
    return Case(room, Evidence(entries, who), room.proof(index))


def plain() -> Case:
    """A ``ja`` on which nothing followed."""
    return case(statement(), who=principal())


def eventful() -> Case:
    """A ``ja`` whose second part was confirmed, and which was withdrawn."""
    return case(statement(), CONFIRMED, WITHDRAWN, who=principal())
