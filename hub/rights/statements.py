"""The verbs on what a person said: their one face. Each stands in a module of its own in ``hub.rights.consent``."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from consent.facts import Choice
from contracts.identity import Oin
from hub.rights.consent import confirming, ending, means, recording, secrecy, stops
from hub.rights.consent.recording import NewStatement, Recorded, Renewal, Said
from hub.rights.consent.texts import versions
from hub.rights.consent.texts.versions import Touched, Version
from hub.rights.stopping import Consequence
from hub.store.region.access import Asker

STOP: Final = means.STOP
WITHDRAWAL: Final = means.WITHDRAWAL


@dataclass(frozen=True, slots=True)
class Statements(means.Means):
    """Recording, confirming and ending statements; a stopverzoek; releases from secrecy; texts of notices.

    All raise ``NotFound`` for whom or what the asker may not know, and ``RequestInvalid`` for what cannot be so.
    """

    def record(self, recorder: Asker, ref: str, new: NewStatement) -> Recorded:
        """Record a ``ja``, a ``nee``, or that a ``ja`` was asked for."""
        return recording.record(self, recorder, ref, new)

    def answer(self, recorder: Asker, statement_id: str, choice: Choice, said: Said) -> Recorded:
        """What the person answered to a recorded request."""
        return recording.answer(self, recorder, statement_id, choice, said)

    def renew(self, recorder: Asker, statement_id: str, renewal: Renewal) -> Recorded:
        """The same again for a new term, as a statement of its own."""
        return recording.renew(self, recorder, statement_id, renewal)

    def confirm(self, recorder: Asker, statement_id: str) -> Recorded:
        """A named verstrekker puts its own part in force."""
        return confirming.confirm(self, recorder, statement_id)

    def confirm_own(self, recorder: Asker, statement_id: str, said_at: datetime) -> Recorded:
        """The person, 16 by then, confirmed what a parent or guardian said."""
        return confirming.confirm_own(self, recorder, statement_id, said_at)

    def withdraw(self, recorder: Asker, statement_id: str, given_by: str, reason: str | None) -> Consequence:
        """Withdraw in the person's name."""
        return ending.withdraw(self, recorder, statement_id, given_by, reason)

    def revoke(self, recorder: Asker, statement_id: str, reason: str) -> Consequence:
        """Take back what was recorded wrongly."""
        return ending.revoke(self, recorder, statement_id, reason)

    def invalidate(self, recorder: Asker, statement_id: str, reason: str) -> Consequence:
        """The authority of who gave it proved wrong."""
        return ending.invalidate(self, recorder, statement_id, reason)

    def stop(self, recorder: Asker, ref: str) -> tuple[str, Consequence]:
        """A stopverzoek; its id and what followed."""
        return stops.stop(self, recorder, ref)

    def release_secrecy(self, holder: Asker, ref: str, values: dict[str, Any]) -> str:
        """A woonzorg organisation records a release from its secrecy; the id."""
        return secrecy.release(self, holder, ref, values)

    def end_secrecy_release(self, holder: Asker, release_id: str) -> Consequence:
        """Withdraw a release from secrecy."""
        return secrecy.withdraw(self, holder, release_id)

    def publish_text(self, asker: Asker, version: Version, language: str, text: str) -> tuple[Row[Any], bool]:
        """Publish the text of a notice; whether it is new."""
        return versions.publish(self, asker, version, language, text)

    def invalidate_text(self, asker: Asker, version: Version, reason: str) -> Touched:
        """A version of a notice proved wrong: no consent that rests on it holds any more."""
        return versions.invalidate(self, asker, version, reason)

    def preview_invalidation(self, organisation: Oin, version: Version, at: datetime) -> Touched:
        """What that would touch now."""
        return versions.preview(self, organisation, version, at)
