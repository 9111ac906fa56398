"""The hub's own keys. The master key only wraps; whoever holds it opens all the rest but the log key.

    <data dir>/keys/            0700, every file in it 0600
      master.key                32 random bytes (or elsewhere: HUB_MASTER_KEY_FILE)
      log.key                   Ed25519 seed, 32 bytes: signs checkpoints; under no other key (hub.keys.log_keys has its
                                successor during a rotation, and log-retired.json)
      token.key                 P-256 private key (PKCS#8 DER), sealed under the master key: signs access tokens (ES256)
      receipt.key               Ed25519 private key (PKCS#8 DER), sealed under the master key: signs answers (EdDSA)
      index.key                 32 random bytes, sealed under the master key: from it come the indexes of BSNs and
                                numbers
      receipt-retired.json      JWK set of earlier receipt keys: what they signed stays checkable

Derived keys are HKDF-SHA256 (RFC 5869) with ``info`` = ``doorstroomhub/<purpose>/v1``; the key store (`consent.keys`)
derives its own in the same way. Indexes do not come from the master key: they must survive its replacement.
"""

import base64
import hmac
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from joserfc.jwk import ECKey, OKPKey

from consent.log.note import LogKeys
from contracts.canonical import canonical
from hub.keys.files import KeysRefused, private, read_private, replace, sync, write_new
from hub.keys.log_keys import LOG, SEED_SIZE, LogKeyFiles
from hub.keys.sealing import SealBroken, seal, unseal
from hub.ports import Random

MASTER_SIZE: Final = 32  # bytes
TOKEN_ALGORITHM: Final = "ES256"
RECEIPT_ALGORITHM: Final = "EdDSA"
RECEIPT_TYPE: Final = "ontvangstbewijs+jws"
_MASTER, _RETIRED = "master.key", "receipt-retired.json"
_TOKEN, _RECEIPT, _INDEX = "token.key", "receipt.key", "index.key"
_SEALED: Final = (_TOKEN, _RECEIPT, _INDEX)


@dataclass(frozen=True, slots=True)
class Keyring:
    """Every key that the hub itself holds. Nothing of it is ever shown."""

    master: bytes = field(repr=False)
    log_keys: Callable[[], LogKeys] = field(repr=False)  # read anew each time: a rotation needs no restart
    token_key: ECKey = field(repr=False)
    receipt_key: Ed25519PrivateKey = field(repr=False)
    receipt_kid: str
    index: bytes = field(repr=False)
    retired: tuple[Mapping[str, Any], ...] = ()  # public JWKs of earlier receipt keys

    @property
    def log_key(self) -> Ed25519PrivateKey:
        """The key that signs checkpoints; during a rotation the old one of the two."""
        return self.log_keys().signing[0]

    def derive(self, purpose: str) -> bytes:
        """32 bytes for one purpose, the same for as long as this hub lives."""
        return _derive(self.index, purpose)

    @property
    def bsn_index_key(self) -> bytes:
        """HMAC key of the index in which a BSN is found again without being kept."""
        return self.derive("bsn-index")

    def bsn_index(self, bsn: str) -> bytes:
        """Under what a BSN is found again: 32 bytes that cannot be computed without the master key."""
        return hmac.digest(self.bsn_index_key, bsn.encode(), "sha256")

    @property
    def local_number_key(self) -> bytes:
        """HMAC key of the index of organisations' own numbers."""
        return self.derive("local-number-index")

    @property
    def identity_code_key(self) -> bytes:
        """HMAC key of the index of codes by which a second officer confirms a join or a split."""
        return self.derive("identity-code-index")

    @property
    def webhook_key(self) -> bytes:
        """Sealing key of webhook secrets."""
        return self.derive("webhook-secret")

    @property
    def check_value(self) -> str:
        """Tells this master key from any other without telling anything of it; kept in the database at `hub init`."""
        return check_value(self.master)

    @property
    def token_public(self) -> ECKey:
        """What access tokens are checked with."""
        return ECKey.import_key(self.token_key.as_dict(private=False))

    def public_jwks(self) -> dict[str, Any]:
        """The JWK set that everybody may read (RFC 7517 §5): token key, receipt key and retired receipt keys."""
        token = self.token_key.as_dict(private=False) | {"use": "sig", "alg": TOKEN_ALGORITHM}
        retired = [dict(jwk) for jwk in self.retired if jwk["kid"] != self.receipt_kid]
        return {"keys": [token, _receipt_jwk(self.receipt_key, self.receipt_kid), *retired]}

    def sign_receipt(self, members: Mapping[str, Any]) -> str:
        """The detached JWS (RFC 7515 app. F) over the RFC 8785 form of an answer's other members."""
        header = {"alg": RECEIPT_ALGORITHM, "kid": self.receipt_kid, "typ": RECEIPT_TYPE}
        protected = _base64url(canonical(header))
        signature = self.receipt_key.sign(f"{protected}.{_base64url(canonical(members))}".encode())
        return f"{protected}..{_base64url(signature)}"


def check_value(master: bytes) -> str:
    """Tells a master key from any other without telling anything of it."""
    return _derive(master, "check-installation").hex()


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _derive(master: bytes, purpose: str) -> bytes:
    info = f"doorstroomhub/{purpose}/v1".encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(master)


def _okp(key: Ed25519PrivateKey) -> OKPKey:
    return OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": _base64url(key.public_key().public_bytes_raw())},
    )


def _receipt_jwk(key: Ed25519PrivateKey, kid: str) -> dict[str, Any]:
    return dict(_okp(key).as_dict(private=False)) | {"kid": kid, "use": "sig", "alg": RECEIPT_ALGORITHM}


def init(folder: Path, random: Random, master_file: Path | None = None) -> None:
    """Make all keys in ``folder`` (``<data dir>/keys``). Raises ``KeysRefused`` if they are there already.

    A master key file that stands elsewhere is used when it is there, and made when it is not. All other files appear
    together by one rename: a crash before it leaves only ``keys.new``, which the next run replaces.
    """
    if folder.exists():
        raise KeysRefused(f"In {folder} staan al sleutels; die worden nooit overschreven.")
    fresh = folder.with_name(f"{folder.name}.new")
    if fresh.exists():
        shutil.rmtree(fresh)
    fresh.mkdir(parents=True, mode=0o700)
    master = _master_for(fresh, random, master_file)
    write_new(fresh / LOG, random(SEED_SIZE))
    write_new(fresh / _TOKEN, _wrapped(master, _TOKEN, _new_token_key(random), random))
    write_new(fresh / _RECEIPT, _wrapped(master, _RECEIPT, Ed25519PrivateKey.from_private_bytes(random(32)), random))
    write_new(fresh / _INDEX, _sealed(master, _INDEX, random(32), random))
    write_new(fresh / _RETIRED, b'{"keys":[]}')
    sync(fresh)
    os.rename(fresh, folder)
    sync(folder.parent)


def load(folder: Path, master_file: Path | None = None) -> Keyring:
    """The keys of ``folder``. Raises ``KeysRefused``: missing, readable by others, or under another master key."""
    if not folder.is_dir():
        raise KeysRefused(f"In {folder} staan geen sleutels. Draai eerst: hub init")
    private(folder)
    master = read_master(master_file or folder / _MASTER)
    token = load_der_private_key(_unsealed(master, folder / _TOKEN), None)
    receipt = load_der_private_key(_unsealed(master, folder / _RECEIPT), None)
    if not isinstance(token, ec.EllipticCurvePrivateKey) or not isinstance(receipt, Ed25519PrivateKey):
        raise KeysRefused(f"De sleutels in {folder} zijn niet van de soort die hier hoort.")
    log_files = LogKeyFiles(folder)
    log_files.read()  # a missing or unusable log key stops the start, not the first signature
    token_key = ECKey.import_key(_pkcs8_pem(token))
    return Keyring(
        master=master,
        log_keys=log_files.read,
        token_key=ECKey.import_key(token_key.as_dict(private=True) | {"kid": token_key.thumbprint()}),
        receipt_key=receipt,
        receipt_kid=_okp(receipt).thumbprint(),
        index=_unsealed(master, folder / _INDEX),
        retired=tuple(json.loads(read_private(folder / _RETIRED))["keys"]),
    )


def rotate_receipt_key(folder: Path, keyring: Keyring, random: Random) -> None:
    """Put a new receipt key in the place of the one in use; the old one's public half stays in the JWK set for ever.

    A crash between the two writes leaves the old key in use and named twice, which harms nobody.
    """
    retired = {jwk["kid"]: jwk for jwk in (*keyring.retired, _receipt_jwk(keyring.receipt_key, keyring.receipt_kid))}
    replace(folder / _RETIRED, json.dumps({"keys": list(retired.values())}).encode())
    new = Ed25519PrivateKey.from_private_bytes(random(32))
    replace(folder / _RECEIPT, _wrapped(keyring.master, _RECEIPT, new, random))


def _new_token_key(random: Random) -> ec.EllipticCurvePrivateKey:
    """A P-256 key from 256 random bits: a scalar out of range (1 in 2^32) is drawn again (FIPS 186-5 A.2.2)."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    while not 0 < (scalar := int.from_bytes(random(32), "big")) < order:
        continue
    return ec.derive_private_key(scalar, ec.SECP256R1())


def _pkcs8_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def rewrap(folder: Path, old: bytes, new: bytes, random: Random) -> None:
    """Seal every file under another master key. What is under the new one already stays: it can be repeated."""
    for name in _SEALED:
        try:
            raw = _unsealed(old, folder / name)
        except KeysRefused:
            _unsealed(new, folder / name)  # an earlier run was interrupted behind this one; else it refuses
            continue
        replace(folder / name, _sealed(new, name, raw, random))


def _wrapped(master: bytes, name: str, key: ec.EllipticCurvePrivateKey | Ed25519PrivateKey, random: Random) -> bytes:
    return _sealed(master, name, key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()), random)


def _sealed(master: bytes, name: str, raw: bytes, random: Random) -> bytes:
    return seal(_derive(master, "key-file"), raw, name.encode(), random)


def _unsealed(master: bytes, path: Path) -> bytes:
    try:
        return unseal(_derive(master, "key-file"), read_private(path), path.name.encode())
    except SealBroken as error:
        raise KeysRefused(f"{path} gaat met deze hoofdsleutel niet open.") from error


def _master_for(folder: Path, random: Random, elsewhere: Path | None) -> bytes:
    if elsewhere is not None and elsewhere.exists():
        return read_master(elsewhere)
    master = random(MASTER_SIZE)
    path = elsewhere or folder / _MASTER
    path.parent.mkdir(parents=True, exist_ok=True)
    write_new(path, master)
    sync(path.parent)
    return master


def read_master(path: Path) -> bytes:
    """The master key in a file. Raises ``KeysRefused``."""
    master = read_private(path)
    if len(master) != MASTER_SIZE:
        raise KeysRefused(f"{path} is geen hoofdsleutel van {MASTER_SIZE} bytes.")
    return master
