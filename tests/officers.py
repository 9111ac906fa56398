"""Two officers who join or split persons over HTTP: the first asks, and tells the second the code."""

from typing import Any

from sqlalchemy import Connection, select

from consent.store.tables import person
from tests.partners import Answer, Partners

FIRST, SECOND = "m-1", "m-2"
REASON = "Twee keer ingeschreven."
JOIN, SPLIT = "samenvoegingen", "splitsingen"
Officer = tuple[str, str]  # organisation, own ref


def ask(region: Partners, what: str, first: Officer, **form: Any) -> dict[str, Any]:
    """The first officer's step; what was asked, with the code."""
    return dict(asks(region, what, first, **form).expect(201))


def asks(region: Partners, what: str, first: Officer, **form: Any) -> Answer:
    who, ref = first
    return region.call(who, "POST", f"/v1/kandidaten/{ref}/{what}", {"medewerker": FIRST, "reden": REASON} | form)


def confirm(region: Partners, what: str, second: Officer, code: str, **form: Any) -> Answer:
    """The second officer's step."""
    who, ref = second
    path = f"/v1/kandidaten/{ref}/{what}/bevestiging"
    return region.call(who, "POST", path, {"medewerker": SECOND, "code": code} | form)


def both(region: Partners, what: str, first: Officer, second: Officer) -> dict[str, Any]:
    """Both steps; what followed for the second officer's organisation."""
    return dict(confirm(region, what, second, ask(region, what, first)["code"]).expect(200))


def listed(region: Partners, what: str, officer: Officer) -> list[dict[str, Any]]:
    """What the organisation asked or confirmed for the person of this ref."""
    who, ref = officer
    return list(region.call(who, "GET", f"/v1/kandidaten/{ref}/{what}").expect(200)["items"])


def lost_roots(connection: Connection) -> list[str]:
    """Persons whose root is itself under another: nobody would ever find all of their facts."""
    top = person.alias("top")
    query = select(person.c.person_id).join(top, top.c.person_id == person.c.root).where(top.c.root != top.c.person_id)
    return list(connection.scalars(query))
