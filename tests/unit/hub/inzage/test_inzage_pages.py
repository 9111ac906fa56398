"""Pages of the picture: never more rows than asked for, nothing twice, nothing left out, whatever the limit."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import RequestInvalid
from hub.rights.inzage.sections import Section, fill, pages

LOOK: Any = None  # these parts need nothing of it


def section(name: str, rows: Sequence[int], asked: list[int]) -> Section:
    """A part with these rows, that notes how many it was asked for."""

    def read(_look: Any, after: str, limit: int) -> list[int]:
        asked.append(limit)
        return [row for row in rows if f"{row:03}" > after][:limit]

    return Section(name, read, lambda row: f"{row:03}", lambda _look, given: [{"row": row} for row in given])


@given(sizes=st.lists(st.integers(0, 7), min_size=1, max_size=5), limit=st.integers(1, 9))
def test_pages_together_are_the_whole(sizes: list[int], limit: int) -> None:
    asked: list[int] = []
    parts = [section(f"deel-{n}", range(size), asked) for n, size in enumerate(sizes)]
    found: dict[str, list[Any]] = {}
    count = 0
    for page in pages(parts, LOOK, limit):
        assert sum(map(len, page.values())) <= limit
        count += 1
        for name, rows in page.items():
            found.setdefault(name, []).extend(row["row"] for row in rows)
    assert found == {f"deel-{n}": list(range(size)) for n, size in enumerate(sizes) if size}
    assert count == max(1, -(-sum(sizes) // limit))  # as few as can be: none is empty
    assert max(asked) <= limit + 1  # and no more was ever read at once


@pytest.mark.parametrize("place", [("nergens", ""), ("", "")])
def test_a_place_that_is_none_is_refused(place: tuple[str, str]) -> None:
    with pytest.raises(RequestInvalid):
        fill([section("deel-0", range(3), [])], LOOK, 2, place)
