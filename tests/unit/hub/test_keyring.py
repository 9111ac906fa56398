"""The hub's keys: made once, readable by the owner alone, refused under another master key, checkable for ever."""

import json
import os
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import KeySet, OKPKey

from contracts.canonical import canonical
from hub.keys.files import KeysRefused, write_new
from hub.keys.keyring import init, load, rewrap, rotate_receipt_key
from hub.keys.log_keys import LogKeyFiles

FILES = {"master.key", "log.key", "token.key", "receipt.key", "index.key", "receipt-retired.json"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    init(tmp_path / "keys", os.urandom)
    return tmp_path / "keys"


def _verify(jwks: dict[str, object], members: dict[str, object], detached: str) -> dict[str, object]:
    """Check a receipt's signature as a partner would: by the published keys and RFC 7515 app. F alone."""
    header, _, signature = detached.split(".")
    payload = urlsafe_b64encode(canonical(members)).rstrip(b"=").decode()
    token = f"{header}.{payload}.{signature}"
    with pytest.warns(match="EdDSA"):  # joserfc prefers the name of RFC 9864
        read = jws.deserialize_compact(token, KeySet.import_key_set(jwks), algorithms=["EdDSA"])  # type: ignore[arg-type]
    return dict(read.headers())


def test_init_makes_every_key_for_the_owner_alone(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == FILES
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_init_refuses_to_overwrite(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(KeysRefused, match="nooit overschreven"):
        init(folder, os.urandom)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_an_interrupted_init_can_be_repeated(tmp_path: Path) -> None:
    calls = 0

    def failing(size: int) -> bytes:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError("no entropy")
        return os.urandom(size)

    with pytest.raises(OSError, match="no entropy"):
        init(tmp_path / "keys", failing)
    assert not (tmp_path / "keys").exists()
    init(tmp_path / "keys", os.urandom)
    assert load(tmp_path / "keys").receipt_kid


def test_every_installation_has_other_keys(folder: Path, tmp_path: Path) -> None:
    init(tmp_path / "other" / "keys", os.urandom)
    one, other = load(folder), load(tmp_path / "other" / "keys")
    assert one.master != other.master
    assert one.check_value != other.check_value
    assert one.public_jwks() != other.public_jwks()


@pytest.mark.parametrize("name", sorted(FILES))
def test_load_refuses_a_file_that_others_may_read(folder: Path, name: str) -> None:
    load(folder)
    (folder / name).chmod(0o640)
    with pytest.raises(KeysRefused, match="0600"):
        load(folder)


@pytest.mark.parametrize("name", sorted(FILES))
def test_load_refuses_a_missing_file(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(KeysRefused, match="niet te lezen"):
        load(folder)


def test_load_refuses_a_folder_that_others_may_enter(folder: Path) -> None:
    folder.chmod(0o755)
    with pytest.raises(KeysRefused, match="0700"):
        load(folder)


def test_load_names_the_command_when_there_are_no_keys(tmp_path: Path) -> None:
    with pytest.raises(KeysRefused, match="hub init"):
        load(tmp_path / "keys")


def test_load_refuses_another_master_key(folder: Path) -> None:
    (folder / "master.key").write_bytes(os.urandom(32))
    with pytest.raises(KeysRefused, match="gaat met deze hoofdsleutel niet open"):
        load(folder)


def test_token_and_receipt_key_cannot_take_each_others_place(folder: Path) -> None:
    (folder / "receipt.key").write_bytes((folder / "token.key").read_bytes())
    with pytest.raises(KeysRefused, match="gaat met deze hoofdsleutel niet open"):
        load(folder)


def test_master_key_may_stand_elsewhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "secrets" / "master"
    init(tmp_path / "keys", os.urandom, elsewhere)
    assert not (tmp_path / "keys" / "master.key").exists()
    assert load(tmp_path / "keys", elsewhere).master == elsewhere.read_bytes()
    init(tmp_path / "again" / "keys", os.urandom, elsewhere)
    assert load(tmp_path / "again" / "keys", elsewhere).master == elsewhere.read_bytes()


def test_loaded_twice_is_the_same(folder: Path) -> None:
    one, other = load(folder), load(folder)
    assert one.public_jwks() == other.public_jwks()
    assert one.check_value == other.check_value
    assert one.log_key.private_bytes_raw() == other.log_key.private_bytes_raw()


def test_derived_keys_serve_one_purpose_each(folder: Path) -> None:
    keyring = load(folder)
    keys = [keyring.bsn_index_key, keyring.local_number_key, keyring.webhook_key, bytes.fromhex(keyring.check_value)]
    assert len({*keys, keyring.master}) == 5
    assert {len(key) for key in keys} == {32}


def test_nothing_secret_is_shown_or_lies_open(folder: Path) -> None:
    keyring = load(folder)
    assert keyring.master.hex() not in repr(keyring)
    assert str(keyring.master) not in repr(keyring)
    private = {"d", "p", "q", "k"}
    assert not any(private & jwk.keys() for jwk in keyring.public_jwks()["keys"])
    assert keyring.token_public.is_private is False
    seed = keyring.receipt_key.private_bytes_raw()
    assert not any(seed in path.read_bytes() for path in folder.iterdir())


def test_receipt_key_is_not_the_token_key(folder: Path) -> None:
    keys = load(folder).public_jwks()["keys"]
    assert [key["kty"] for key in keys] == ["EC", "OKP"]
    assert len({key["kid"] for key in keys}) == 2


def test_a_receipt_is_checked_by_the_published_keys(folder: Path) -> None:
    keyring = load(folder)
    members: dict[str, object] = {"berichtId": "b1", "aanvaardOp": "2026-11-22T12:00:00.000Z", "zaak": ["é", 1]}
    header = _verify(keyring.public_jwks(), members, keyring.sign_receipt(members))
    assert header == {"alg": "EdDSA", "kid": keyring.receipt_kid, "typ": "ontvangstbewijs+jws"}
    with pytest.raises(BadSignatureError):
        _verify(keyring.public_jwks(), members | {"berichtId": "b2"}, keyring.sign_receipt(members))


def test_retired_receipt_keys_stay(folder: Path) -> None:
    members: dict[str, object] = {"berichtId": "b1"}
    signed = []
    for _ in range(3):
        keyring = load(folder)
        signed.append((keyring.receipt_kid, keyring.sign_receipt(members)))
        rotate_receipt_key(folder, keyring, os.urandom)
    jwks = load(folder).public_jwks()
    assert len({kid for kid, _ in signed}) == 3
    assert [_verify(jwks, members, signature)["kid"] for _, signature in signed] == [kid for kid, _ in signed]
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_rotation_cut_off_between_its_writes_harms_nobody(folder: Path) -> None:
    old = load(folder)
    receipt = (folder / "receipt.key").read_bytes()
    rotate_receipt_key(folder, old, os.urandom)
    (folder / "receipt.key").write_bytes(receipt)
    again = load(folder)
    assert again.receipt_kid == old.receipt_kid
    assert again.public_jwks() == old.public_jwks()
    rotate_receipt_key(folder, again, os.urandom)
    retired = json.loads((folder / "receipt-retired.json").read_text())["keys"]
    assert [jwk["kid"] for jwk in retired] == [old.receipt_kid]
    assert OKPKey.import_key(retired[0]).is_private is False


def test_rewrap_changes_the_master_key_and_nothing_that_it_wraps(folder: Path) -> None:
    before, new = load(folder), os.urandom(32)
    rewrap(folder, before.master, new, os.urandom)
    with pytest.raises(KeysRefused, match="gaat met deze hoofdsleutel niet open"):
        load(folder)
    rewrap(folder, before.master, new, os.urandom)  # a repeat changes nothing
    (folder / "master.key").write_bytes(new)
    after = load(folder)
    assert (after.index, after.receipt_kid, after.bsn_index("999990342")) == (
        before.index,
        before.receipt_kid,
        before.bsn_index("999990342"),
    )
    assert after.check_value != before.check_value


def test_an_interrupted_rotation_takes_the_key_that_it_made(folder: Path) -> None:
    files = LogKeyFiles(folder)
    made = files.prepare(os.urandom).private_bytes_raw()
    assert files.prepare(os.urandom).private_bytes_raw() == made
    assert len(files.read().signing) == 1  # it signs nothing yet
    files.activate()
    assert [key.private_bytes_raw() for key in files.read().signing] == [(folder / "log.key").read_bytes(), made]


def test_a_key_that_is_noted_as_retired_and_still_signs_is_told_once(folder: Path) -> None:
    files = LogKeyFiles(folder)
    files.prepare(os.urandom)
    files.activate()
    old = files.read().signing[0]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(OSError, match="power"):
        patch.setattr("hub.keys.log_keys.move", _fail)
        files.retire()
    keys = files.read()
    assert (len(keys.signing), keys.retired) == (2, ())
    files.retire()
    assert files.read().retired == (old.public_key().public_bytes_raw(),)
    assert load(folder).log_key.private_bytes_raw() != old.private_bytes_raw()


def _fail(*_: object) -> None:
    raise OSError("power")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("log-next.key", b"short"),
        ("log-retired.json", b"{}"),
        ("log-retired.json", b'{"sleutels":["AAAA"]}'),
        ("log-retired.json", b'{"sleutels":[5]}'),
        ("log-retired.json", b"\xff"),
    ],
)
def test_a_damaged_file_of_a_rotation_stops_the_start(folder: Path, name: str, raw: bytes) -> None:
    write_new(folder / name, raw)
    with pytest.raises(KeysRefused):
        load(folder)


def test_a_successor_that_others_may_read_stops_the_start(folder: Path) -> None:
    write_new(folder / "log-next.key", bytes(32))
    (folder / "log-next.key").chmod(0o644)
    with pytest.raises(KeysRefused, match="anderen"):
        load(folder)
