"""The verifier finds every changed byte of a folder and of a receipt, says where, and knows when it could not look."""

import base64
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, select, update

from consent import audit
from consent import log as log_package
from consent.log import merkle, reading, tables
from consent.log.ledger import Appended
from consent.log.note import Checkpoint, NoteKey, sign
from consent.verify import verifier
from contracts.canonical import canonical
from tests.terminal import shown
from tests.unit.consent_log.log_room import ORIGIN, LogRoom

RECEIPT_KEY = Ed25519PrivateKey.from_private_bytes(b"\x09" * 32)
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(b"\x0a" * 32)


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sign(members: dict[str, Any], key: Ed25519PrivateKey = RECEIPT_KEY, **header: Any) -> dict[str, Any]:
    names = {"alg": "EdDSA", "kid": "bewijs-1", "typ": "ontvangstbewijs+jws"} | header
    protected = _b64(canonical({name: value for name, value in names.items() if value is not None}))
    signature = key.sign(f"{protected}.{_b64(canonical(members))}".encode())
    return members | {"handtekening": f"{protected}..{_b64(signature)}"}


def _receipt(leaf: bytes) -> dict[str, Any]:
    return {
        "berichtId": "0192f000-0000-7000-8000-000000000001",
        "aanvaardOp": "2026-11-02T09:00:00Z",
        "bladHash": leaf.hex(),
        "besluiten": [{"ontvanger": "00000099000000000002", "uitkomst": "toegestaan", "weggelaten": []}],
    }


def _jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": _b64(key.public_key().public_bytes_raw())}


JWKS = json.dumps({"keys": [{"kty": "EC", "crv": "P-256", "kid": "token"}, _jwk(RECEIPT_KEY, "bewijs-1")]}).encode()
KEYS = verifier.read_jwks(JWKS)


def _exported(log: LogRoom, number: int = 300) -> tuple[Path, list[Appended]]:
    appended = log.grow(number)
    folder = log.folder / "out"
    with log.begin() as connection:
        assert reading.export(connection, folder) == number
    return folder, appended


def _verify(folder: Path, log: LogRoom, earlier: tuple[str, ...] = ()) -> verifier.Report:
    return verifier.verify_log(verifier.folder_fetch(folder), [log.signer().verifier], earlier)


@pytest.mark.parametrize("number", [0, 1, 256, 300, 513])
def test_an_exported_log_is_whole(log: LogRoom, number: int) -> None:
    told: list[tuple[int, int]] = []
    folder, _ = _exported(log, number) if number else (log.folder / "out", [])
    if not number:
        with log.begin() as connection:
            assert reading.export(connection, folder) == 0
    fetch = verifier.folder_fetch(folder)
    report = verifier.verify_log(fetch, [log.signer().verifier], progress=lambda *at: told.append(at))
    assert (report.findings, report.exit_code) == ([], verifier.WHOLE)
    assert report.head is not None
    assert report.head.size == number
    assert not told or told[-1] == (number, number)


def test_the_tables_themselves_can_be_looked_at(log: LogRoom) -> None:
    log.grow(300)
    with log.begin() as connection:
        report = verifier.verify_log(lambda path: reading.fetch(connection, path), [log.signer().verifier])
        assert report.findings == []
        changed = update(tables.ledger_entry).where(tables.ledger_entry.c.idx == 7)
        connection.execute(changed.values(commitment=b"\x01" * 32))
        report = verifier.verify_log(lambda path: reading.fetch(connection, path), [log.signer().verifier])
    assert [f.place for f in report.findings] == ["tile/1/000.p/1", "checkpoint"]  # the node knows better than the leaf


def test_one_changed_byte_in_any_file_is_found_and_named(log: LogRoom) -> None:
    folder, _ = _exported(log, 258)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {str(path.relative_to(folder)) for path in files} == {
        "checkpoint",
        "tile/entries/000",
        "tile/entries/001.p/2",
        "tile/0/000",
        "tile/0/001.p/2",
        "tile/1/000.p/1",
    }
    for path in files:
        raw = path.read_bytes()
        for at in range(0, len(raw), 1 if len(raw) < 1_000 else 211):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
            report = _verify(folder, log)
            assert report.exit_code == verifier.BROKEN
            number = path.relative_to(folder).parts[2:]
            assert any(number == Path(f.place).parts[2:] for f in report.findings), (path, at)
        path.write_bytes(raw)
    assert _verify(folder, log).exit_code == verifier.WHOLE


@pytest.mark.parametrize("path", ["tile/entries/000", "tile/0/000", "tile/0/001.p/2", "tile/1/000.p/1"])
def test_a_missing_or_cut_file_is_named(log: LogRoom, path: str) -> None:
    folder, _ = _exported(log, 258)
    raw = (folder / path).read_bytes()
    for wrong in (raw[:-1], raw + b"\x00", b""):
        (folder / path).write_bytes(wrong)
        assert path in [f.place for f in _verify(folder, log).findings]
    (folder / path).unlink()
    assert path in [f.place for f in _verify(folder, log).findings]


def test_two_entries_that_changed_places_are_found(log: LogRoom) -> None:
    folder, _ = _exported(log, 4)
    for name in ("tile/entries/000.p/4", "tile/0/000.p/4"):  # whoever swaps takes the tile along
        raw = (folder / name).read_bytes()
        one = len(raw) // 4
        (folder / name).write_bytes(raw[one : 2 * one] + raw[:one] + raw[2 * one :])
    assert [f.place for f in _verify(folder, log).findings] == ["checkpoint"]


def test_a_checkpoint_by_another_key_or_of_another_origin_is_broken(log: LogRoom) -> None:
    folder, _ = _exported(log, 3)
    other = LogRoom(log.folder, log.engine, key=OTHER_KEY).signer().verifier
    report = verifier.verify_log(verifier.folder_fetch(folder), [other])
    assert [f.place for f in report.findings] == ["checkpoint"]
    assert "handtekening" in report.findings[0].reason
    for name, more in (
        ("elders.example/bewijslogboek", ""),
        (
            f"{ORIGIN}/2",
            f". Na een herstel begint een hub een nieuw logboek, met een nieuwe sleutel: geef die van {ORIGIN}",
        ),
    ):
        renamed = replace(log.signer().verifier, name=name)  # as after a restore: another log, and no forgery
        (found,) = verifier.verify_log(verifier.folder_fetch(folder), [renamed]).findings
        told = f"het is van een ander logboek dan de sleutel: die is van {name}{more}"
        assert (found.place, found.reason) == ("checkpoint", told)


def test_an_earlier_checkpoint_must_be_a_beginning(log: LogRoom) -> None:
    notes = []
    for number in (3, 252, 1, 300):
        log.grow(number)
        with log.begin() as connection:
            notes.append(reading.latest_note(connection) or "")
    with log.begin() as connection:
        reading.export(connection, log.folder / "out")
    assert _verify(log.folder / "out", log, tuple(notes)).findings == []
    wrong = _fork_note(log)
    assert [f.place for f in _verify(log.folder / "out", log, (wrong,)).findings] == ["eerder checkpoint"]
    longer = _fork_note(log, size=9_999)
    assert "korter" in _verify(log.folder / "out", log, (longer,)).findings[0].reason


def _fork_note(log: LogRoom, size: int = 3) -> str:
    return sign(Checkpoint(ORIGIN, size, b"\x05" * 32).text, [NoteKey(ORIGIN, log.key)])


def test_without_folder_or_checkpoint_it_could_not_look(log: LogRoom, tmp_path: Path) -> None:
    with pytest.raises(verifier.CouldNotLook):
        _verify(tmp_path / "nowhere", log)
    with pytest.raises(verifier.CouldNotLook):
        _verify(tmp_path, log)


@pytest.mark.parametrize("shape", ["alone", "answer", "batch"])
def test_a_receipt_and_its_proof_are_whole(log: LogRoom, shape: str) -> None:
    _, appended = _exported(log)
    receipt = _receipt(appended[41].leaf_hash)
    members: dict[str, Any] = {
        "alone": receipt,
        "answer": {"ontvangstbewijs": receipt},
        "batch": {"resultaten": [{"id": "x", "status": "ongeldig"}, {"id": "y", "ontvangstbewijs": receipt}]},
    }[shape]
    report = verifier.verify_receipt(
        json.dumps(_sign(members)).encode(), KEYS, _proof(log, appended[41]), [log.signer().verifier]
    )
    assert (report.findings, report.looked_at) == ([], ["handtekening", "bewijs"])


def _proof(log: LogRoom, entry: Appended) -> str:
    with log.begin() as connection:
        proof = reading.tlog_proof(connection, entry.entry_id)
    assert proof is not None
    return proof.write()


def test_every_changed_byte_of_a_receipt_is_found(log: LogRoom) -> None:
    appended = log.grow(3)
    raw = canonical(_sign(_receipt(appended[1].leaf_hash)))
    proof = _proof(log, appended[1])
    assert verifier.verify_receipt(raw, KEYS, proof, [log.signer().verifier]).exit_code == verifier.WHOLE
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert verifier.verify_receipt(changed, KEYS, proof, [log.signer().verifier]).exit_code == verifier.BROKEN, at


def test_a_proof_of_another_entry_is_broken(log: LogRoom) -> None:
    appended = log.grow(3)
    raw = json.dumps(_sign(_receipt(appended[1].leaf_hash))).encode()
    report = verifier.verify_receipt(raw, KEYS, _proof(log, appended[2]), [log.signer().verifier])
    assert [f.place for f in report.findings] == ["bewijs"]
    report = verifier.verify_receipt(raw, KEYS, "no proof", [log.signer().verifier])
    assert [f.place for f in report.findings] == ["bewijs"]
    report = verifier.verify_receipt(raw, KEYS, _proof(log, appended[1]), [])
    assert [f.place for f in report.findings] == ["bewijs: checkpoint"]


@pytest.mark.parametrize(
    "receipt",
    [
        _sign(_receipt(bytes(32)), OTHER_KEY),
        _sign(_receipt(bytes(32)), kid="unknown"),
        _sign(_receipt(bytes(32)), kid=None),
        _sign(_receipt(bytes(32)), alg="none"),
        _sign(_receipt(bytes(32)), alg="HS256"),
        _sign(_receipt(bytes(32)), typ="at+jwt"),
        _sign(_receipt(bytes(32)), typ=None),
        _sign(_receipt(bytes(32)), crit=["b64"], b64=False),
        _receipt(bytes(32)),
        _receipt(bytes(32)) | {"handtekening": "a.b"},
        _receipt(bytes(32)) | {"handtekening": "..."},
        _receipt(bytes(32)) | {"handtekening": 5},
        _sign(_receipt(bytes(32))) | {"extra": 1},
    ],
)
def test_a_signature_that_is_not_ours_is_broken(receipt: dict[str, Any]) -> None:
    report = verifier.verify_receipt(json.dumps(receipt).encode(), KEYS)
    assert [f.place for f in report.findings] == ["handtekening"]


def test_an_attached_payload_is_refused() -> None:
    receipt = _sign(_receipt(bytes(32)))
    protected, _, signature = receipt["handtekening"].split(".")
    payload = _b64(canonical(_receipt(bytes(32))))
    attached = receipt | {"handtekening": f"{protected}.{payload}.{signature}"}
    assert verifier.verify_receipt(json.dumps(attached).encode(), KEYS).exit_code == verifier.BROKEN


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"bladHash":"zz"}',
        b'{"a":1,"a":1}',
        b'{"a":1.5}',
        b'{"a":NaN}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_receipt_is_broken(raw: bytes) -> None:
    assert verifier.verify_receipt(raw, KEYS).exit_code == verifier.BROKEN


@pytest.mark.parametrize("raw", [b"", b"[]", b'{"keys":[]}', b'{"keys":[5]}', b'{"keys":[{"kty":"EC"}]}'])
def test_without_a_usable_jwk_set_it_could_not_look(raw: bytes) -> None:
    with pytest.raises(verifier.CouldNotLook):
        verifier.read_jwks(raw)


def _files(log: LogRoom) -> dict[str, Path]:
    folder, appended = _exported(log)
    paths = {name: log.folder / name for name in ("receipt.json", "receipt.tlog-proof", "jwks.json", "log.vkey")}
    paths["receipt.json"].write_text(json.dumps(_sign(_receipt(appended[3].leaf_hash))))
    paths["receipt.tlog-proof"].write_text(_proof(log, appended[3]))
    paths["jwks.json"].write_bytes(JWKS)
    paths["log.vkey"].write_text(log.signer().verifier.vkey + "\n")
    return paths | {"folder": folder}


def _command(paths: dict[str, Path]) -> list[str]:
    return [
        *("--key", str(paths["log.vkey"]), "--folder", str(paths["folder"])),
        *("--receipt", str(paths["receipt.json"]), "--proof", str(paths["receipt.tlog-proof"])),
        *("--jwks", str(paths["jwks.json"])),
    ]


def test_the_command_as_somebody_else_runs_it(log: LogRoom) -> None:
    """A process of its own, with nothing of the hub, no database and no network library loaded."""
    paths = _files(log)
    root = Path(log_package.__file__).parents[2]
    probe = (
        "import sys; from consent import audit; code = audit.main(sys.argv[1:]);"
        "bad = {'sqlalchemy', 'hub', 'connectors', 'flask', 'socket', 'ssl'} & {m.split('.')[0] for m in sys.modules};"
        "sys.exit(f'loaded: {bad}' if bad else code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, *_command(paths), "--json"], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["uitkomst"] == "heel"
    assert answer["bekeken"] == ["logboek", "handtekening", "bewijs", "blad in het logboek"]
    assert answer["logboek"]["grootte"] == 300


def test_a_terminal_is_told_how_far_a_look_is(log: LogRoom) -> None:
    """After each of the two bundles; the last wipes it."""
    command = ("-m", "consent.audit", *_command(_files(log)))
    assert shown(command, {}, terminal=True) == "\r256 van 300\r\033[K"
    assert shown(command, {}, terminal=False) == ""


def test_the_command_says_broken_and_could_not_look(log: LogRoom, capsys: pytest.CaptureFixture[str]) -> None:
    paths = _files(log)
    command = _command(paths)
    assert audit.main(command) == verifier.WHOLE
    assert capsys.readouterr().out.startswith("heel: logboek, handtekening, bewijs, blad in het logboek\n")
    tile = paths["folder"] / "tile/entries/001.p/44"
    raw = tile.read_bytes()
    tile.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert audit.main(command) == verifier.BROKEN
    assert "kapot: tile/0/001.p/44: vermelding 299 " in capsys.readouterr().out
    assert audit.main([*command[:3], str(paths["folder"] / "nowhere")]) == verifier.COULD_NOT_LOOK
    for name in ("receipt.json", "receipt.tlog-proof", "jwks.json", "log.vkey"):
        paths[name].rename(log.folder / "away")
        assert audit.main(command) == verifier.COULD_NOT_LOOK, name
        (log.folder / "away").rename(paths[name])
    for options in ([], ["--folder", str(paths["folder"])], ["--receipt", str(paths["receipt.json"])], command[:2]):
        assert audit.main(options) == verifier.COULD_NOT_LOOK, options
    assert audit.main(["--key", "a+b+c", *command[2:]]) == verifier.COULD_NOT_LOOK
    assert audit.main(["--json"]) == verifier.COULD_NOT_LOOK
    assert '"uitkomst": "niet-gekeken"' in capsys.readouterr().out


@pytest.mark.parametrize("held", [b"", b"onzin\n", b"\xff\xfe", b"a+b\n", b'{"keys": []}', b"{"])
def test_a_file_that_can_be_read_and_holds_no_key_is_said_to_hold_none(
    log: LogRoom, capsys: pytest.CaptureFixture[str], held: bytes
) -> None:
    paths = _files(log)
    paths["log.vkey"].write_bytes(held)
    code, told = _told(capsys, "--key", paths["log.vkey"], "--folder", paths["folder"])
    assert (code, told["reden"]) == (2, "in log.vkey staat geen sleutel van het logboek (naam+hash+sleutel)")
    paths["log.vkey"].unlink()
    assert _told(capsys, "--key", paths["log.vkey"], "--folder", paths["folder"])[1]["reden"].endswith("niet te lezen")


def test_the_help_says_what_may_be_given_more_than_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        audit.main(["--help"])
    told = " ".join(capsys.readouterr().out.split())
    for option in ("--key", "--earlier"):
        assert "mag vaker" in told.partition(f"{option} {option[2:].upper()} ")[2].partition(" --")[0], option


def test_the_hubs_own_answer_names_all_its_keys(log: LogRoom, tmp_path: Path) -> None:
    """During a rotation, and after it: who saved the answer can check what any of these keys signed."""
    folder, _ = _exported(log, 3)
    ours = log.signer().verifier.vkey
    other = LogRoom(log.folder, log.engine, key=OTHER_KEY).signer().verifier.vkey
    file = tmp_path / "sleutel.json"
    for answer in (
        {"sleutel": ours, "opvolger": other, "eerdere": []},
        {"sleutel": other, "opvolger": ours, "eerdere": []},
        {"sleutel": other, "opvolger": None, "eerdere": [ours]},
        {"sleutel": ours},  # as a hub before its first rotation answered
    ):
        file.write_text(json.dumps(answer))
        assert audit.main(["--key", str(file), "--folder", str(folder)]) == verifier.WHOLE, answer
    file.write_text(json.dumps({"sleutel": other, "opvolger": None, "eerdere": []}))
    assert audit.main(["--key", str(file), "--folder", str(folder)]) == verifier.BROKEN
    for wrong in ({}, {"sleutel": 5}, {"sleutel": ours, "eerdere": ["x"]}):
        file.write_text(json.dumps(wrong))
        assert audit.main(["--key", str(file), "--folder", str(folder)]) == verifier.COULD_NOT_LOOK, wrong


def test_two_lines_and_one_of_a_known_key_is_bad(log: LogRoom) -> None:
    """signed-note: an unknown line means nothing, a bad line of a known key rejects the whole checkpoint."""
    folder, _ = _exported(log, 3)
    other = NoteKey(ORIGIN, OTHER_KEY)
    note = (folder / "checkpoint").read_text()
    bad = sign(Checkpoint(ORIGIN, 4, bytes(32)).text, [other]).rpartition("\n\n")[2]
    (folder / "checkpoint").write_text(note + bad)
    fetch, ours = verifier.folder_fetch(folder), log.signer().verifier
    assert verifier.verify_log(fetch, [ours]).findings == []
    assert [f.place for f in verifier.verify_log(fetch, [ours, other.verifier]).findings] == ["checkpoint"]


def _told(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    code = audit.main([*map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_receipt_is_looked_up_in_the_log_that_is_given(log: LogRoom, capsys: pytest.CaptureFixture[str]) -> None:
    """A receipt that is whole in itself, of a hub that has nothing to do with this log."""
    paths = _files(log)
    given = ("--key", paths["log.vkey"], "--folder", paths["folder"], "--receipt", paths["receipt.json"])
    for signed in ((), ("--jwks", paths["jwks.json"])):
        assert _told(capsys, *given, *signed)[0] == verifier.WHOLE  # the control: a leaf of this log
    paths["receipt.json"].write_text(json.dumps(_sign(_receipt(b"\x07" * 32))))
    for signed in ((), ("--jwks", paths["jwks.json"])):
        code, told = _told(capsys, *given, *signed)
        assert (code, told["uitkomst"]) == (verifier.BROKEN, "kapot")
        assert [one["plaats"] for one in told["bevindingen"]] == ["blad in het logboek"]


def test_of_a_log_that_its_key_does_not_open_nothing_is_said_of_a_leaf(
    log: LogRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key from before a restore, and a leaf that stands in the log: one finding, and no untrue one."""
    paths = _files(log)
    given = ("--folder", paths["folder"], "--receipt", paths["receipt.json"], "--jwks", paths["jwks.json"])
    assert _told(capsys, *given, "--key", log.signer().verifier.vkey)[0] == verifier.WHOLE  # the control
    before = replace(log.signer().verifier, name=f"{ORIGIN}/2")
    code, told = _told(capsys, *given, "--key", before.vkey)
    assert (code, [one["plaats"] for one in told["bevindingen"]]) == (verifier.BROKEN, ["checkpoint"])
    assert "blad in het logboek" not in told["bekeken"] and "niet open" in " ".join(told["kanNietWeten"])
    (paths["folder"] / "tile/0/001.p/44").unlink()  # it opens, and is broken: what stands in it is looked at
    code, told = _told(capsys, *given, "--key", log.signer().verifier.vkey)
    assert code == verifier.BROKEN and "blad in het logboek" in told["bekeken"]


@pytest.mark.parametrize("at", [0, 255, 256, 299])
def test_a_leaf_is_found_wherever_it_stands(log: LogRoom, at: int) -> None:
    folder, appended = _exported(log)
    raw = json.dumps(_sign(_receipt(appended[at].leaf_hash))).encode()
    sought = verifier.sought_by(raw)
    verifier.verify_log(verifier.folder_fetch(folder), [log.signer().verifier], sought=sought)
    assert sought.found == {appended[at].leaf_hash: at}  # and no other leaf is held
    assert verifier.verify_any_receipt(raw, KEYS, None, [], sought).findings == []


def test_every_leaf_of_a_batch_answer_is_looked_up(log: LogRoom, capsys: pytest.CaptureFixture[str]) -> None:
    paths = _files(log)
    with log.begin() as connection:
        own = [verifier.leaf_hashes({"bladHash": bytes(h).hex()})[0] for h in _leaves(connection)]
    given = ("--key", paths["log.vkey"], "--folder", paths["folder"], "--receipt", paths["receipt.json"])

    def look(*leaves: bytes) -> tuple[int, dict[str, Any]]:
        results = [
            {"id": "x", "status": "ongeldig"},
            *({"id": "y", "ontvangstbewijs": _receipt(one)} for one in leaves),
        ]
        paths["receipt.json"].write_text(json.dumps(_sign({"resultaten": results})))
        return _told(capsys, *given)

    assert look(own[3], own[298], own[7])[0] == verifier.WHOLE  # the control
    code, told = look(own[3], b"\x07" * 32, own[7])
    assert code == verifier.BROKEN
    assert [one["plaats"] for one in told["bevindingen"]] == ["blad in het logboek: 2 van 3"]


def _leaves(connection: Connection) -> list[bytes]:
    rows = connection.scalars(select(tables.ledger_entry.c.commitment).order_by(tables.ledger_entry.c.idx))
    return [merkle.leaf_hash(bytes(row)) for row in rows]


def test_a_leaf_of_a_log_that_was_tampered_with_is_no_proof(log: LogRoom, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever puts the entry of a receipt into the bundle is found by the tile; the receipt does not make it whole."""
    paths = _files(log)
    bundle = paths["folder"] / "tile/entries/001.p/44"
    raw = bundle.read_bytes()
    entry = b"\x05" * 32
    bundle.write_bytes(raw[:-32] + entry)
    paths["receipt.json"].write_text(json.dumps(_sign(_receipt(merkle.leaf_hash(entry)))))
    given = ("--key", paths["log.vkey"], "--folder", paths["folder"], "--receipt", paths["receipt.json"])
    code, told = _told(capsys, *given)
    assert code == verifier.BROKEN and "tile/0/001.p/44" in [one["plaats"] for one in told["bevindingen"]]


def test_what_a_receipt_is_checked_with_decides_what_is_said_of_it(
    log: LogRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log's key shows its leaf, the JWK set its signature; what was not looked at is said."""
    paths = _files(log)
    receipt, key = ("--receipt", paths["receipt.json"]), ("--key", paths["log.vkey"])
    proof, jwks = ("--proof", paths["receipt.tlog-proof"]), ("--jwks", paths["jwks.json"])
    for arguments, looked_at, signed in (
        ((*receipt, *key, *proof), ["bewijs"], False),
        ((*receipt, *key, "--folder", paths["folder"]), ["logboek", "blad in het logboek"], False),
        ((*receipt, *jwks), ["handtekening"], True),
        ((*receipt, *jwks, *key, *proof), ["handtekening", "bewijs"], True),
    ):
        code, told = _told(capsys, *arguments)
        assert (code, told["bekeken"]) == (verifier.WHOLE, looked_at)
        limits = " ".join(told["kanNietWeten"])
        assert ("de handtekening niet bekeken" in limits) is not signed
        looked_up = len(looked_at) > 1 or not signed
        assert ("of dit antwoord in het logboek staat: geef --proof, --folder of --url" in limits) is not looked_up
    for arguments in (receipt, (*receipt, *key)):
        assert _told(capsys, *arguments)[0] == verifier.COULD_NOT_LOOK
    forged = json.loads(paths["receipt.json"].read_text()) | {"aanvaardOp": "2026-11-03T09:00:00Z"}
    paths["receipt.json"].write_text(json.dumps(forged))  # the leaf is right, the signature is not
    assert _told(capsys, *receipt, *key, *proof)[0] == verifier.WHOLE  # as was said: not looked at
    assert _told(capsys, *receipt, *key, *proof, *jwks)[0] == _told(capsys, *receipt, *jwks)[0] == verifier.BROKEN
    paths["receipt.json"].write_text(json.dumps(_sign(_receipt(b"\x07" * 32))))
    assert _told(capsys, *receipt, *key, *proof)[0] == verifier.BROKEN


def test_an_answer_without_a_leaf_says_that_nothing_was_looked_up(
    log: LogRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = _files(log)
    paths["receipt.json"].write_text(json.dumps(_sign({"resultaten": [{"id": "x", "status": "ongeldig"}]})))
    given = ("--key", paths["log.vkey"], "--folder", paths["folder"], "--receipt", paths["receipt.json"])
    assert _told(capsys, *given)[0] == verifier.COULD_NOT_LOOK  # nothing of it could be looked at
    code, told = _told(capsys, *given, "--jwks", paths["jwks.json"])
    assert (code, told["bekeken"]) == (verifier.WHOLE, ["logboek", "handtekening"])
    assert "noemt geen blad" in " ".join(told["kanNietWeten"])
