"""All that limits sharing, under one name for the HTTP side."""

from dataclasses import dataclass

from hub.rights.consent.means import Means
from hub.rights.limits.objections import Objections
from hub.rights.limits.restrictions import Restrictions
from hub.rights.limits.shields import Shields


@dataclass(frozen=True, slots=True)
class Limits:
    """The verbs on beperkingen, bezwaren and afschermingen."""

    means: Means

    @property
    def restrictions(self) -> Restrictions:
        """Beperking (AVG art. 18)."""
        return Restrictions(self.means)

    @property
    def objections(self) -> Objections:
        """Bezwaar (AVG art. 21)."""
        return Objections(self.means)

    @property
    def shields(self) -> Shields:
        """Afscherming."""
        return Shields(self.means)
