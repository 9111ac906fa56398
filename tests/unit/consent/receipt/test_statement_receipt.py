"""A receipt of a statement is proven by the log alone: every byte of it and of its proof counts, in both forms."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from consent import audit
from consent import log as log_package
from consent.log.entry import opening
from consent.log.note import NoteKey, Verifier, sign
from consent.receipt import document
from consent.receipt.evidence import Evidence, ReceiptInvalid, Shown
from consent.verify import verifier
from tests.unit.consent.receipt.receipt_room import (
    CONFIRMED,
    ORIGIN,
    OTHER,
    OWN,
    PERSON_KEY,
    REF,
    WITHDRAWN,
    Case,
    Room,
    case,
    event,
    eventful,
    plain,
    principal,
    statement,
)

FORMS = ("dpv", "brief")


def look(case_: Case, raw: bytes, proof: str | None = None, by: list[Verifier] | None = None) -> verifier.Report:
    return verifier.verify_statement(raw, proof or case_.proof, by or [case_.room.verifier])


def changes(raw: bytes, start: int = 0) -> list[bytes]:
    """The file with one byte changed, at every place; and with a byte too few or too many, here and there."""
    one = [raw[:at] + bytes([raw[at] ^ (1 if at % 3 else 0x20)]) + raw[at + 1 :] for at in range(start, len(raw))]
    cut = [raw[:at] + raw[at + 1 :] for at in range(0, len(raw), 61)]
    more = [raw[:at] + b" " + raw[at:] for at in range(0, len(raw) + 1, 61)]
    return [*one, *cut, *more, raw + b"\n", b"\xef\xbb\xbf" + raw]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [plain, eventful])
def test_unchanged_it_is_whole(make: Any, form: str) -> None:
    made = make()
    raw = document.write(form, made.evidence)
    report = look(made, raw)
    assert (report.findings, report.exit_code) == ([], verifier.WHOLE)
    assert report.looked_at == ["toestemmingsbewijs", "bewijs"]
    assert report.head is not None
    assert report.head.size == len(made.room.leaves)
    assert document.read(raw) == document.Receipt(form, made.evidence, document.read(raw).account)
    assert raw == document.write(form, made.evidence)  # the same bytes every time


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("make", [plain, eventful])
def test_every_changed_byte_of_the_receipt_is_found(make: Any, form: str) -> None:
    made = make()
    raw = document.write(form, made.evidence)
    start = 0 if make is plain else raw.index(b"c2sp.org")  # of the second kind: the part that the first does not have
    for at, changed in enumerate(changes(raw, start)):
        assert look(made, changed).exit_code == verifier.BROKEN, at


def test_every_changed_byte_of_the_proof_is_found() -> None:
    made = plain()
    raw = document.write("dpv", made.evidence)
    proof = made.proof.encode()
    for at, changed in enumerate(changes(proof)):
        report = look(made, raw, changed.decode("utf-8", "replace"))
        assert report.exit_code == verifier.BROKEN, at


@pytest.mark.parametrize(
    ("place", "member", "value"),
    [
        ("dpv:hasRecordOfActivity.dpv:hasLegalBasis", "dpv:hasLegalBasis", "eu-gdpr:A9-2-a"),
        ("dpv:hasRecordOfActivity.dpv:hasProcess.dpv:hasRecipient[0]", "dpv:hasProcess", None),
        ("dpv:hasRecordOfActivity.extra", "extra", "x"),
    ],
)
def test_it_says_where_the_document_and_the_log_part(place: str, member: str, value: str | None) -> None:
    made = plain()
    receipt = json.loads(document.write("dpv", made.evidence))
    record = receipt["dpv:hasRecordOfActivity"]
    if value is None:
        record[member]["dpv:hasRecipient"] = ["urn:nld:oin:00000099000000009000"]
    else:
        record[member] = value
    report = look(made, (json.dumps(receipt, ensure_ascii=False, indent=2) + "\n").encode())
    assert [(f.place, f.reason) for f in report.findings] == [(place, "hier staat iets anders dan in het logboek")]


def test_the_same_content_in_another_layout_is_not_what_was_given_out() -> None:
    made = plain()
    other = json.dumps(json.loads(document.write("dpv", made.evidence)), ensure_ascii=False).encode()
    assert [f.place for f in look(made, other).findings] == ["regel 1"]


def test_a_line_of_the_letter_is_named() -> None:
    made = plain()
    raw = document.write("brief", made.evidence)
    changed = raw.replace(b"Kringloop Nieuw Leven</li>", b"Kringloop Oud Leven</li>")
    line = raw[: raw.index(b"Kringloop Nieuw Leven</li>")].count(b"\n") + 1
    assert [f.place for f in look(made, changed).findings] == [f"regel {line}"]


@pytest.mark.parametrize("form", FORMS)
def test_what_the_log_does_not_hold_is_not_proven(form: str) -> None:
    """Somebody who can write receipts, but not in the log: the document agrees with its evidence, the log does not."""
    made = plain()
    shown = made.evidence.entries[0]
    forged = Shown(shown.payload.replace("opleiden", "dagbesteding"), shown.opening)
    assert forged.payload != shown.payload
    raw = document.write(form, replace(made.evidence, entries=(forged,)))
    assert [f.place for f in look(made, raw).findings] == ["bewijs"]
    other = Shown(shown.payload, bytes(32))
    raw = document.write(form, replace(made.evidence, entries=(other,)))
    assert [f.place for f in look(made, raw).findings] == ["bewijs"]


@pytest.mark.parametrize("form", FORMS)
def test_a_proof_of_another_entry_by_another_key_or_of_another_log_is_broken(form: str) -> None:
    made = eventful()
    raw = document.write(form, made.evidence)
    assert [f.place for f in look(made, raw, made.room.proof(0)).findings] == ["bewijs"]
    assert [f.place for f in look(made, raw, "no proof").findings] == ["bewijs"]
    stranger = NoteKey(made.room.origin, Ed25519PrivateKey.from_private_bytes(b"\x08" * 32)).verifier
    places = ["bewijs: checkpoint", "bewijs van vermelding 2: checkpoint", "bewijs van vermelding 3: checkpoint"]
    assert [f.place for f in look(made, raw, by=[stranger]).findings] == places
    elsewhere = case(statement(), CONFIRMED, WITHDRAWN, room=Room(origin="elders.example.nl/bewijslogboek"))
    assert look(made, raw, elsewhere.proof).exit_code == verifier.BROKEN


def test_every_later_entry_needs_its_own_proof() -> None:
    made = eventful()
    own, confirmed, withdrawn = made.evidence.entries
    for entries, place in (
        ((own, confirmed, replace(withdrawn, proof=confirmed.proof)), "bewijs van vermelding 3"),
        ((own, withdrawn, confirmed), "bewijs"),  # told in another order than they were logged
    ):
        raw = document.write("dpv", replace(made.evidence, entries=entries))
        assert [f.place for f in look(made, raw).findings] == [place]
    for entries in ((own, replace(confirmed, proof=None)), (replace(own, proof=made.proof),)):
        with pytest.raises(ReceiptInvalid):
            document.read(document.write("dpv", replace(made.evidence, entries=entries)))


def test_a_withdrawal_that_was_left_out_cannot_be_seen_and_the_report_says_so() -> None:
    made = eventful()
    shorter = document.write("dpv", replace(made.evidence, entries=made.evidence.entries[:2]))
    report = look(made, shorter)
    assert report.exit_code == verifier.WHOLE
    assert [limit for limit in report.limits if "is ingetrokken of veranderd" in limit] and report.notes == []
    assert "dit kan de controle niet weten: of deze verklaring na " in report.as_text()
    # What closes it without being about it, the end of its own renewal too.
    assert "een nee, een stopverzoek en het einde van een andere verklaring staan in geen bewijs" in report.as_text()
    assert report.as_json()["kanNietWeten"] == report.limits


@pytest.mark.parametrize(
    "payload",
    [
        statement(soort="besluit"),
        statement(keuze="misschien"),
        statement(doelen=["reclame"]),
        statement(geldigVan="gisteren"),
        statement(verklaring="verklaring-b1"),
        statement(gegevenDoor="buurman"),
        statement(namen=[]),
        {"soort": "toestemming"},
    ],
)
def test_an_entry_that_is_no_statement_makes_no_receipt(payload: dict[str, Any]) -> None:
    made = case(payload)
    for form in FORMS:
        with pytest.raises(ReceiptInvalid):
            document.write(form, made.evidence)


@pytest.mark.parametrize(
    "later",
    [
        event("intrekking", "2027-02-01T09:30:00.000Z", organisatie=OWN) | {"toestemmingId": "a statement of another"},
        event("vrijgave", "2027-02-01T09:30:00.000Z"),
        event("toestemming-beeindigd", "2027-02-01T09:30:00.000Z", als="gegeven"),
    ],
)
def test_an_entry_about_something_else_is_not_shown(later: dict[str, Any]) -> None:
    with pytest.raises(ReceiptInvalid):
        document.write("dpv", case(statement(), later).evidence)


def test_a_ref_that_the_log_does_not_bind_is_refused() -> None:
    made = plain()
    known = document.read(document.write("dpv", made.evidence)).account.ref
    assert known == (OWN, REF)
    for wrong in (
        principal(ref="b" * 26),
        principal(OTHER),  # the log binds that this one knows nobody
        replace(principal(), organisation=OTHER),
        replace(principal(), opening=bytes(32)),
    ):
        with pytest.raises(ReceiptInvalid) as error:
            document.write("dpv", replace(made.evidence, principal=wrong))
        assert error.value.place == "bewijs: betrokkene"
    confirmed = case(statement(), CONFIRMED, who=principal(OTHER))  # bound when that one confirmed its part
    assert document.read(document.write("dpv", confirmed.evidence)).account.ref == (OTHER, REF)


@pytest.mark.parametrize("form", FORMS)
def test_a_receipt_gives_away_no_key_and_nobody_elses_ref(form: str) -> None:
    made = case(statement(), CONFIRMED, WITHDRAWN, who=principal(OTHER))
    raw = document.write(form, made.evidence)
    for secret in (PERSON_KEY, PERSON_KEY.hex().encode(), opening(PERSON_KEY, "entry-0").hex().encode()):
        assert secret not in raw
    # What opens the own entry opens no other leaf of the person, and the ref of the first organisation does not show.
    mine = document.read(raw).evidence.entries
    assert len({shown.opening for shown in mine}) == 3
    swapped = replace(mine[0], opening=mine[1].opening)
    assert swapped.leaf not in made.room.leaves
    assert raw.count(REF.encode()) == 2  # the caller's own: as text and as evidence
    assert principal(OWN).opening.hex().encode() not in raw


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"<", b"\xff", b'{"bewijs":{}}', b'{"bewijs":{"versie":1,"vermeldingen":[]}}', b"[" * 100_000],
)
def test_what_is_no_receipt_is_broken(raw: bytes) -> None:
    assert verifier.verify_statement(raw, plain().proof, [plain().room.verifier]).exit_code == verifier.BROKEN


def test_a_payload_that_no_reader_could_read_is_broken() -> None:
    for payload in ("[" * 5_000, "1.5", '{"soort":"toestemming","soort":"toestemming"}', "[]", "\ud800"):
        raw = json.dumps({"bewijs": {"versie": 1, "vermeldingen": [{"inhoud": payload, "opening": "00" * 32}]}})
        assert look(plain(), raw.encode()).exit_code == verifier.BROKEN


def test_with_two_keys_only_the_line_of_a_key_that_was_not_given_is_without_meaning() -> None:
    """During a rotation two keys sign (c2sp.org/signed-note): one whole line of a given key is what proves."""
    made = plain()
    raw = document.write("dpv", made.evidence)
    other = NoteKey(made.room.origin, Ed25519PrivateKey.from_private_bytes(b"\x09" * 32))
    head, _, note = made.proof.partition("\n\n")
    text = note.rpartition("\n\n")[0] + "\n"
    first, second = (sign(text, [key]).rpartition("\n\n")[2] for key in (NoteKey(ORIGIN, made.room.key), other))
    proof = f"{head}\n\n{text}\n{first}{second}".encode()
    mine = proof.index(first.encode()), proof.index(first.encode()) + len(first.encode())
    theirs = mine[1], len(proof)
    for given, own, strange in ((made.room.verifier, mine, theirs), (other.verifier, theirs, mine)):
        assert look(made, raw, proof.decode(), [given]).exit_code == verifier.WHOLE
        for at in range(len(proof)):
            changed = (proof[:at] + bytes([proof[at] ^ 1]) + proof[at + 1 :]).decode("utf-8", "replace")
            code = look(made, raw, changed, [given]).exit_code
            assert code == verifier.BROKEN or strange[0] <= at < strange[1], (at, own)


def test_another_version_is_refused_by_name() -> None:
    made = plain()
    raw = document.write("dpv", made.evidence).replace(b'"versie": 5', b'"versie": 6')
    assert "versie" in look(made, raw).findings[0].reason


def test_a_receipt_that_tells_of_a_withdrawal_says_so_beside_heel() -> None:
    report = look(eventful(), document.write("dpv", eventful().evidence))
    assert report.exit_code == verifier.WHOLE and "ingetrokken op 1 februari 2027" in report.notes[0]
    assert "let op: deze verklaring geldt niet meer" in report.as_text()


# -- as commands ----------------------------------------------------------------------------------------------------
def files(folder: Path, made: Case) -> dict[str, Path]:
    paths = {name: folder / name for name in ("bewijs.json", "brief.html", "bewijs.tlog-proof", "log.vkey")}
    paths["bewijs.json"].write_bytes(document.write("dpv", made.evidence))
    paths["brief.html"].write_bytes(document.write("brief", made.evidence))
    paths["bewijs.tlog-proof"].write_text(made.proof)
    paths["log.vkey"].write_text(made.room.verifier.vkey + "\n")
    return paths


@pytest.mark.parametrize("name", ["bewijs.json", "brief.html"])
def test_the_command_as_somebody_else_runs_it(tmp_path: Path, name: str) -> None:
    """A process of its own with the public key alone: no hub, no database, no network library, another time zone."""
    paths = files(tmp_path, eventful())
    root = Path(log_package.__file__).parents[2]
    probe = (
        "import sys; from consent import audit; code = audit.main(sys.argv[1:]);"
        "bad = {'sqlalchemy', 'hub', 'connectors', 'flask', 'socket', 'ssl'} & {m.split('.')[0] for m in sys.modules};"
        "sys.exit(f'loaded: {bad}' if bad else code)"
    )
    command = ["--receipt", paths[name], "--proof", paths["bewijs.tlog-proof"], "--key", paths["log.vkey"], "--json"]
    done = subprocess.run(
        [sys.executable, "-c", probe, *map(str, command)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=60,
        env={"TZ": "Pacific/Kiritimati", "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["uitkomst"], answer["bekeken"]) == ("heel", ["toestemmingsbewijs", "bewijs"])


def test_the_command_says_broken_and_what_it_misses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = plain()
    paths = files(tmp_path, made)
    proof, key = ["--proof", str(paths["bewijs.tlog-proof"])], ["--key", str(paths["log.vkey"])]
    for name in ("bewijs.json", "brief.html"):
        path = paths[name]
        receipt, raw = ["--receipt", str(path)], path.read_bytes()
        assert audit.main([*receipt, *proof, *key]) == verifier.WHOLE
        for missing in ([*receipt, *key], [*receipt, *proof], receipt, [*proof, *key]):
            assert audit.main(missing) == verifier.COULD_NOT_LOOK, missing
        for at in (0, 1, len(raw) // 2, len(raw) - 1):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
            assert audit.main([*receipt, *proof, *key]) == verifier.BROKEN, at
        path.write_bytes(raw)
    assert capsys.readouterr().out.count("kapot: ") == 8


def test_evidence_of_nothing_is_refused() -> None:
    with pytest.raises(ReceiptInvalid):
        document.read(b'{"bewijs": {"versie": 1, "vermeldingen": []}}\n')
    assert Evidence(()).as_json() == {"versie": 5, "vermeldingen": []}
