"""Asking for inzage is an act: it is in the log, under the person's evidence key, before anything is shown."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from contracts.errors import NotFound
from contracts.identity import Oin
from hub.gate.person_work import Subject
from hub.rights.consent.means import Means, entry
from hub.store.persons.picture import Whose
from hub.store.region.access import Asker
from hub.store.writer import Transaction

INZAGE: Final = "inzage"
#: How much of the picture (`omvang`): what the own organisation may see, or all of it.
OWN, WHOLE = "eigen", "geheel"
#: In which form (`formaat`).
JSON, LETTER = "json", "brief"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for. ``content``: with the own messages themselves; ``further``: a page behind the first."""

    scope: str
    form: str
    content: bool = False
    further: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """Whose picture may now be shown, as of when."""

    whose: Whose
    at: datetime


@dataclass(frozen=True, slots=True)
class Inzages:
    """The verb. Who was never involved has no picture; the whole one needs only that the contactpunt knows the person.

    That the caller's scope fits ``asked`` was seen before; here its machtiging must still bear it.
    """

    means: Means

    def ask(self, asker: Asker, ref: str, asked: Asked) -> Granted:
        """Log that this organisation looks, and say at whom. Raises ``NotFound``, ``TokenInvalid``."""

        def work(tx: Transaction, subject: Subject) -> Granted:
            if asked.scope == OWN and not subject.involved(asker.organisation):
                raise NotFound
            payload = {"omvang": asked.scope, "formaat": asked.form, "inhoud": asked.content}
            payload |= {"vervolg": True} if asked.further else {}
            self.means.note(tx, subject.known.person, entry(INZAGE, subject.at, asker) | payload)
            # A crash before the commit: nothing was logged, and nothing shown. After it: the log says that somebody
            # looked who got no answer; that is the side on which to err.
            own: Oin | None = asker.organisation if asked.scope == OWN else None
            return Granted(Whose(subject.known.root, own), subject.at)

        return self.means.person_work.on_ref(asker, ref, work)
