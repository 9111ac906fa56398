"""The operators: what they type before anything can be exchanged, and the process that carries it out.

One process for all commands, because starting Python takes longer than most of them: one JSON list of words per line,
as they would be typed after ``hub``, through the same door as the command line.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from hub import cli
from hub.demo.region import Region


def commands(region: Region, partners: Path) -> Iterator[list[str]]:
    """Every command after ``hub init``. ``partners``: the folder in which each partner left its public keys."""
    first = ["--operator", region.setup["operators"]["eerste"], "--json"]
    second = ["--operator", region.setup["operators"]["tweede"], "--json"]
    for each in region.setup["organisaties"]:
        form = ["--rechtsvorm", each["rechtsvorm"]] if "rechtsvorm" in each else []
        yield ["organisatie", "add", "--oin", each["oin"], "--naam", each["naam"], "--rol", each["rol"], *form, *first]
    for partner, script in region.scripts.items():
        keys = str(partners / partner / "jwks.json")
        yield ["systeem", "add", "--name", script["systeem"], "--jwks", keys, *first]
    for each in region.setup["machtigingen"]:
        scopes = [word for scope in each["scopes"] for word in ("--scope", scope)]
        kinds = [word for kind in each.get("soorten", ()) for word in ("--soort", kind)]
        whom = ["--organisatie", each["organisatie"], "--systeem", each["systeem"]]
        yield ["machtiging", "add", *whom, *scopes, *kinds, *first]
    for paper in region.papers("afspraken"):
        yield ["afspraak", "add", str(paper), *first]
        agreement = json.loads(paper.read_bytes())
        for party in agreement["partijen"]:
            yield ["afspraak", "accept", agreement["afspraakId"], "--organisatie", party, *first]
    for paper in region.papers("grondslagen"):
        yield ["grondslag", "add", str(paper), *first]
        yield ["grondslag", "bevestig", json.loads(paper.read_bytes())["grondslagId"], *second]


def carry_out(words: list[str]) -> dict[str, object]:
    """Run one command; its exit code and what it wrote."""
    out, errors = StringIO(), StringIO()
    code: int | str | None = 0
    with redirect_stdout(out), redirect_stderr(errors):
        try:
            cli.main(words)
        except SystemExit as ended:
            code = ended.code
    return {"code": code or 0, "uit": out.getvalue(), "fout": errors.getvalue().strip()}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(carry_out(json.loads(line))) + "\n")
        sys.stdout.flush()
