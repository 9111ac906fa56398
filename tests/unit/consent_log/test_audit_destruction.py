"""The verifier looks at a statement of destruction as at any signed answer: signature, and the leaf in its place."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from consent import audit
from consent.log import reading
from consent.log.ledger import Appended
from consent.verify import verifier
from consent.verify.named import DESTRUCTION_LETTER
from contracts.canonical import canonical
from tests.unit.consent_log.log_room import ORIGIN, LogRoom
from tests.unit.consent_log.test_audit import JWKS, KEYS, _proof, _sign

Tell = Callable[..., tuple[int, dict[str, Any]]]


def statement(entry: Appended, index: int, **terms: Any) -> dict[str, Any]:
    place = {"oorsprong": ORIGIN, "vermelding": str(index), "bladHash": entry.leaf_hash.hex()}
    return {"verklaring": "vernietigingsverklaring", "wissingId": "w-1", "naam": None, "logboek": place | terms}


def month(entries: dict[int, Appended], origin: str = ORIGIN) -> dict[str, Any]:
    places = [{"vermelding": str(index), "bladHash": one.leaf_hash.hex()} for index, one in entries.items()]
    return {"verklaring": "vernietigingsverklaring", "oorsprong": origin, "vermeldingen": places}


@pytest.fixture
def appended(log: LogRoom) -> list[Appended]:
    grown = log.grow(300)
    with log.begin() as connection:
        reading.export(connection, log.folder / "out")
    (log.folder / "jwks").write_bytes(JWKS)
    (log.folder / "vkey").write_text(log.signer().verifier.vkey)
    return grown


@pytest.fixture
def tell(log: LogRoom, appended: list[Appended], capsys: pytest.CaptureFixture[str]) -> Tell:
    """What the command says of an answer, with what is named beside it."""

    def told(answer: Any, *beside: str, proof: str = "") -> tuple[int, dict[str, Any]]:
        raw = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        (log.folder / "answer").write_bytes(raw)
        (log.folder / "proof").write_text(proof)
        places = {"--folder": "out", "--jwks": "jwks", "--proof": "proof", "--key": "vkey"}
        given = [word for name in beside for word in (name, str(log.folder / places[name]))]
        code = audit.main(["--receipt", str(log.folder / "answer"), *given, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return told


def test_with_its_own_proof_it_is_whole(log: LogRoom, appended: list[Appended], tell: Tell) -> None:
    said, proof = _sign(statement(appended[67], 67)), _proof(log, appended[67])
    for beside, looked_at in (
        (("--jwks", "--proof", "--key"), ["handtekening", "bewijs"]),
        (("--proof", "--key"), ["bewijs"]),
        (("--jwks", "--folder", "--key"), ["logboek", "handtekening", "blad in het logboek"]),
        (("--folder", "--key"), ["logboek", "blad in het logboek"]),
    ):
        code, told = tell(said, *beside, proof=proof)
        assert (code, told["uitkomst"], told["bekeken"]) == (0, "heel", looked_at), told
        assert "noemt geen blad" not in " ".join(told["kanNietWeten"])


def test_every_changed_byte_of_it_and_of_its_proof_is_found(log: LogRoom, appended: list[Appended]) -> None:
    ours, proof = [log.signer().verifier], _proof(log, appended[67])
    raw = canonical(_sign(statement(appended[67], 67)))
    assert verifier.verify_any_receipt(raw, KEYS, proof, ours).exit_code == verifier.WHOLE  # the control
    for at in range(len(raw)):
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert verifier.verify_any_receipt(changed, KEYS, proof, ours).exit_code == verifier.BROKEN, at
    for at in range(len(proof)):
        changed_proof = proof[:at] + chr(ord(proof[at]) ^ 1) + proof[at + 1 :]
        assert verifier.verify_any_receipt(raw, KEYS, changed_proof, ours).exit_code == verifier.BROKEN, at


def test_every_changed_byte_of_its_place_is_found_without_its_signature(
    log: LogRoom, appended: list[Appended], tell: Tell
) -> None:
    raw, proof = canonical(_sign(statement(appended[67], 67))), _proof(log, appended[67])
    for value in (appended[67].leaf_hash.hex(), '"67"', ORIGIN):
        start = raw.index(value.encode())
        for at in range(start + value.startswith('"'), start + len(value) - value.endswith('"')):
            for bit in (1, 0x20):  # another digit; another case
                changed = raw[:at] + bytes([raw[at] ^ bit]) + raw[at + 1 :]
                report = verifier.verify_any_receipt(changed, {}, proof, [log.signer().verifier])
                assert report.exit_code == verifier.BROKEN, changed
        changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        assert tell(changed, "--folder", "--key")[0] == verifier.BROKEN, changed


def test_a_leaf_in_another_place_than_it_says_is_broken(log: LogRoom, appended: list[Appended], tell: Tell) -> None:
    said, proof = _sign(statement(appended[67], 68)), _proof(log, appended[67])
    for beside, place in (("--proof", "bewijs"), ("--folder", "blad in het logboek")):
        code, told = tell(said, beside, "--key", "--jwks", proof=proof)
        assert (code, [one["plaats"] for one in told["bevindingen"]]) == (1, [place])
    code, told = tell(_sign(statement(appended[67], 67)), "--proof", "--key", proof=_proof(log, appended[68]))
    assert (code, [one["plaats"] for one in told["bevindingen"]]) == (1, ["bewijs"])


def test_a_log_that_began_anew_holds_it_at_another_place(log: LogRoom, appended: list[Appended], tell: Tell) -> None:
    """As the statement was given before a restore, and is looked up in the log from after it; of no other hub."""
    proof = _proof(log, appended[67])
    for beside in ("--proof", "--folder"):
        said = _sign(statement(appended[67], 12, oorsprong=f"{ORIGIN}/2"))
        code, told = tell(said, beside, "--key", "--jwks", proof=proof)
        assert code == 0 and f"{ORIGIN}/2" in " ".join(told["kanNietWeten"])
        said = _sign(statement(appended[67], 67, oorsprong="elders.example/bewijslogboek"))
        assert tell(said, beside, "--key", "--jwks", proof=proof)[0] == verifier.BROKEN


def test_that_of_a_month_names_every_entry(log: LogRoom, appended: list[Appended], tell: Tell) -> None:
    said = _sign(month({index: appended[index] for index in (3, 67, 299)}))
    code, told = tell(said, "--folder", "--key", "--jwks")
    assert (code, told["bekeken"]) == (0, ["logboek", "handtekening", "blad in het logboek"])
    code, told = tell(said, "--proof", "--key", proof=_proof(log, appended[67]))
    assert code == 0 and "andere bladen" in " ".join(told["kanNietWeten"])
    wrong = month({3: appended[3], 67: appended[68]})
    code, told = tell(_sign(wrong), "--folder", "--key", "--jwks")
    assert (code, [one["plaats"] for one in told["bevindingen"]]) == (1, ["blad in het logboek: 2 van 2"])
    code, told = tell(_sign(month({})), "--folder", "--key", "--jwks")  # evidence only: that entry is not its own
    assert code == 0 and "noemt geen blad" in " ".join(told["kanNietWeten"])


@pytest.mark.parametrize(
    "broken",
    [
        {"bladHash": None},
        {"bladHash": "00"},
        {"bladHash": "A" * 64},
        {"vermelding": 67},
        {"vermelding": "067"},
        {"vermelding": None},
        {"oorsprong": None},
    ],
)
def test_a_malformed_place_is_broken(appended: list[Appended], tell: Tell, broken: dict[str, Any]) -> None:
    for signed in ((), ("--jwks",)):
        code, told = tell(_sign(statement(appended[67], 67, **broken)), "--folder", "--key", *signed)
        assert (code, [one["plaats"] for one in told["bevindingen"]]) == (1, ["blad"])
    for answer in ({"verklaring": "vernietigingsverklaring"}, {"verklaring": "vernietigingsverklaring", "logboek": 5}):
        assert tell(_sign(answer), "--folder", "--key")[0] == verifier.BROKEN


def test_an_answer_that_names_no_leaf_is_not_broken_by_a_proof(
    log: LogRoom, appended: list[Appended], tell: Tell
) -> None:
    """How a wissing stands is signed too; its proof is that of the statement."""
    code, told = tell(_sign({"wissingId": "w-1"}), "--jwks", "--proof", "--key", proof=_proof(log, appended[67]))
    assert (code, told["bekeken"]) == (0, ["handtekening"]) and "noemt geen blad" in " ".join(told["kanNietWeten"])
    assert tell(_sign({"wissingId": "w-1"}), "--proof", "--key", proof=_proof(log, appended[67]))[0] == 2


def test_its_letter_cannot_be_looked_at_and_that_of_a_receipt_can(log: LogRoom, tell: Tell) -> None:
    page = f"{DESTRUCTION_LETTER}<style></style></head><body><p>Wij</p></body></html>".encode()
    for beside in (("--folder", "--key"), ("--proof", "--key"), ("--jwks",)):
        code, told = tell(page, *beside)
        assert code == verifier.COULD_NOT_LOOK and "geef de JSON" in told["reden"]
        data = b'<script type="application/json" id="bewijs">{}</script></body>'
        for other in (page.replace(b"</body>", data), page.replace(b"<title>", b"<title >"), b"<html></html>"):
            if beside != ("--jwks",):
                assert tell(other, *beside)[0] == verifier.BROKEN, other
