"""What only somebody who sees all partners can compare: their refs, what they received, and the evidence."""

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

from hub.demo.processes import environment
from hub.demo.region import Region
from hub.demo.story import Beat

_DIRECTOR: Final = "De regie"
_AUDIT_SECONDS: Final = 60.0
_WEBHOOK_SECONDS: Final = 10.0
_EVERYTHING: Final = {"logboek", "handtekening", "bewijs"}


def own_refs(region: Region, candidate: str, kept: Mapping[str, Mapping[str, Any]], among: Collection[str]) -> Beat:
    """Each of these partners knows the candidate, and each by another ref."""
    what = f"vergelijkt: bij elk van de {len(among)} heeft {candidate.capitalize()} een andere kandidaatRef"
    refs = {partner: kept[partner].get(candidate) for partner in among}
    missing = [f"{region.name_of(p)} kent {candidate.capitalize()} niet" for p, ref in refs.items() if ref is None]
    known = [ref for ref in refs.values() if ref is not None]
    same = [] if len(set(known)) == len(known) else ["twee partners kennen hetzelfde kenmerk"]
    return Beat(_DIRECTOR, what, (*missing, *same), {"verschillend": len(set(known))})


def no_bsn(region: Region, partners: Path, but: Collection[str]) -> Beat:
    """Nobody but these received a BSN, wherever in a message it might stand; and these did, or it shows nothing."""
    what = "leest alles wat alle anderen ontvingen: er staat geen BSN in"
    found, seen, read = [], 0, 0
    for partner in region.scripts:
        for path in sorted((partners / partner / "ontvangen").glob("*.json")):
            holds = any(bsn in path.read_text("utf-8") for bsn in region.bsns())
            read += 1
            seen += holds
            if holds and partner not in but:
                found.append(f"{region.name_of(partner)} ontving een BSN ({path.name})")
    if not seen:
        found.append("ook bij wie het mag hebben staat geen BSN, dus dit bewijst niets")
    return Beat(_DIRECTOR, what, tuple(found), {"gelezen berichten": read, "met BSN": seen})


def forged_webhook(who: str, port: int) -> Beat:
    """A message that is not signed by the hub is refused by the receiver, and does not come in."""
    what = f"stuurt {who} een bericht met een valse handtekening: de ontvanger weigert het"
    stamp = str(int(time.time()))
    headers = {"Content-Type": "application/cloudevents+json", "webhook-id": "vals-1", "webhook-timestamp": stamp}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_WEBHOOK_SECONDS)
    try:
        connection.request("POST", "/webhook", b"{}", headers | {"webhook-signature": "v1,AAAA"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return Beat(_DIRECTOR, what, (f"geen antwoord ({type(error).__name__})",))
    finally:
        connection.close()
    return Beat(_DIRECTOR, what, () if status == 401 else (f"verwacht 401, gezien {status}",), {"http": status})


def evidence(folder: Path) -> list[Beat]:
    """``python -m consent.audit`` on downloaded files alone; and once more on a copy in which one byte is changed."""
    what = "controleert checkpoint, wortel en een ontvangstbewijs: heel"
    if not (folder / "logboek" / "checkpoint").exists():
        return [Beat(_DIRECTOR, what, ("er is geen bewijs opgehaald",))]
    seen = _audit(folder, folder / "logboek")
    looked = set(seen.get("bekeken", ()))
    differences = [] if seen.get("uitkomst") == "heel" else [_said(seen)]
    differences += [f"niet bekeken: {name}" for name in sorted(_EVERYTHING - looked)]
    told = {"uitkomst": seen.get("uitkomst"), "bekeken": seen.get("bekeken"), "logboek": seen.get("logboek")}
    whole = Beat(_DIRECTOR, what, tuple(differences), told)
    forged = _audit(folder, _forge(folder))
    noticed = forged.get("uitkomst") == "kapot" and bool(forged.get("bevindingen"))
    missed = () if noticed else (_said(forged),)
    told = {"uitkomst": forged.get("uitkomst"), "bevindingen": forged.get("bevindingen")}
    return [whole, Beat(_DIRECTOR, "verandert één byte in een kopie van het logboek: dat valt op", missed, told)]


def _said(seen: Mapping[str, Any]) -> str:
    return f"de controle zegt: {json.dumps(seen, ensure_ascii=False)}"


def _audit(folder: Path, log: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "consent.audit", "--json", "--key", str(folder / "logboek.sleutel")]
    command += ["--folder", str(log), "--receipt", str(folder / "ontvangstbewijs.json")]
    command += ["--jwks", str(folder / "jwks.json"), "--proof", str(folder / "ontvangstbewijs.tlog-proof")]
    try:
        done = subprocess.run(command, env=environment({}), capture_output=True, timeout=_AUDIT_SECONDS, check=False)
        found: dict[str, Any] = json.loads(done.stdout)
    except (subprocess.TimeoutExpired, ValueError) as error:
        return {"uitkomst": "geen antwoord", "reden": type(error).__name__}
    expected = {"heel": 0, "kapot": 1}.get(str(found.get("uitkomst")), 2)
    return found if done.returncode == expected else found | {"uitkomst": f"einde {done.returncode}"}


def _forge(folder: Path) -> Path:
    """A copy of the log in which the last byte of the first bundle of entries is another."""
    copy = folder / "vervalst"
    for path in sorted((folder / "logboek").rglob("*")):
        target = copy / path.relative_to(folder / "logboek")
        if path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    bundle = next(path for path in sorted((copy / "tile" / "entries").rglob("*")) if path.is_file())
    raw = bundle.read_bytes()
    bundle.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    return copy
