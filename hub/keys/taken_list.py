"""The list of what was taken away: kept outside the database, so that no restore lets a withdrawn ``ja`` live again.

Its lines are those of ``hub.rights.taken.lines``; the first says since when the list is kept (``begin``). It says
nothing of what was taken away before that, so that only a list which began before a backup was made knows all that
came after it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from hub.keys.handle_list import HandleList

_BEGUN: Final = "begonnen"


class TakenList(HandleList):
    """The list in one file."""

    name = "intrekkingenlijst"

    def begin(self, at: datetime) -> None:
        """Keep a list from now on, unless one is kept already."""
        if not self.path.exists():
            self.append([_BEGUN], at)


def begun(listed: Mapping[str, datetime]) -> datetime | None:
    """Since when a list was kept; ``None``: there is none."""
    return listed.get(_BEGUN)


def acts(listed: Mapping[str, datetime]) -> dict[str, datetime]:
    """The lines about acts alone."""
    return {line: at for line, at in listed.items() if line != _BEGUN}
