"""Afscherming (a threat, a secret address): where somebody is reaches only receivers that are named one by one.

It narrows at once. Whatever widens it, lifting it or naming one more receiver, takes two employees.
"""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import Row

from consent.gate.coverage import WHEREABOUTS
from contracts import instants
from contracts.errors import Conflict, NotFound
from contracts.identity import Category, Oin
from hub.gate.person_work import Subject
from hub.rights.consent.checks import require_involved, require_organisations
from hub.rights.consent.means import Means, entry
from hub.rights.stopping import Cause, Consequence, given_of
from hub.rights.taken import lines
from hub.store.persons import limits
from hub.store.region.access import Asker
from hub.store.traffic import deliveries
from hub.store.writer import Transaction

SHIELD: Final = "afscherming"
REASONS: Final = ("dreiging", "geheim-adres")


@dataclass(frozen=True, slots=True)
class Lift:
    """What one employee asks: to lift it whole, or only to name ``receivers`` too. ``employee``: a code, no name."""

    employee: str
    receivers: frozenset[Oin] | None


class Terms(NamedTuple):
    """An afscherming as it is recorded: under which id, why, and who may know where the person is."""

    id: str
    reason: str
    receivers: frozenset[Oin]


@dataclass(frozen=True, slots=True)
class Shields:
    """The verbs on afschermingen."""

    means: Means

    def shield(self, asker: Asker, ref: str, reason: str, receivers: frozenset[Oin]) -> tuple[str, Consequence]:
        """Keep where the person is from all but these receivers, with this commit. A repeat tells the same again.

        Raises ``NotFound``, ``RequestInvalid``; ``Conflict`` where it would name more receivers than before.
        """

        def work(tx: Transaction, subject: Subject) -> tuple[str, Consequence]:
            require_involved(subject, asker.organisation)
            standing = self._standing(tx, subject, asker.organisation)
            new = Terms(self.means.new_id(), reason, receivers)
            if standing is None:
                return new.id, self._narrow(tx, subject, asker, new, standing)
            before = frozenset(map(Oin, standing.receivers))
            if before == receivers and standing.reason == reason:
                cause = _cause(standing.shield_id, subject)
                given = _whereabouts_given(tx, subject, receivers)
                told = [r for r in given if r.released_at <= standing.at]
                return standing.shield_id, self.means.stopper.tell_again(tx, cause, standing.at, told)
            if not receivers <= before:
                raise Conflict("Een ontvanger erbij noemen is voor een deel opheffen: dat doen twee medewerkers.")
            return new.id, self._narrow(tx, subject, asker, new, standing)

        with self.means.person_work.look() as connection:
            require_organisations(connection, receivers, "ontvangers")
        return self.means.person_work.on_ref(asker, ref, work, take_away=True)

    def _narrow(
        self, tx: Transaction, subject: Subject, asker: Asker, new: Terms, standing: Row[Any] | None
    ) -> Consequence:
        about = (subject.known.person, asker.organisation, new.reason)
        self.means.taken.note(tx, [lines.chosen(SHIELD, new.id, about, new.receivers)])
        return self._replace(tx, subject, asker, new, standing)

    def again(self, tx: Transaction, subject: Subject, asker: Asker, new: Terms) -> bool:
        """Shield once more after a restore that forgot it; ``False`` where all who were left out are so already.

        Who may know it stays only who is named by both: between the two somebody may have been left out for good.
        """
        standing = self._standing(tx, subject, asker.organisation)
        if standing is not None:
            before = frozenset(map(Oin, standing.receivers))
            if before <= new.receivers:
                return False
            new = new._replace(receivers=new.receivers & before)
        self._replace(tx, subject, asker, new, standing)
        return True

    def _replace(
        self, tx: Transaction, subject: Subject, asker: Asker, new: Terms, standing: Row[Any] | None
    ) -> Consequence:
        if standing is None:
            return self._add(tx, subject, asker, new)
        limits.end_shield(tx.connection, standing.shield_id, None, subject.at)
        replaced = {"afschermingId": standing.shield_id, "van": instants.write(standing.at)}
        self.means.note(tx, standing.person_id, entry("afscherming-opgeheven", subject.at, asker) | replaced)
        return self._add(tx, subject, asker, new, standing.shield_id)

    def _standing(self, tx: Transaction, subject: Subject, by: Oin) -> Row[Any] | None:
        rows = limits.shields_by(tx.connection, by, subject.known.root)
        return next((row for row in rows if row.lifted_at is None), None)

    def _add(
        self, tx: Transaction, subject: Subject, asker: Asker, new: Terms, replaces: str | None = None
    ) -> Consequence:
        (shield_id, reason, receivers), at, known = new, subject.at, subject.known
        values = {"shield_id": shield_id, "person_id": known.person, "recorder": asker.organisation, "at": at}
        limits.add_shield(tx.connection, values | {"reason": reason, "receivers": sorted(receivers)})
        payload = {"afschermingId": shield_id, "grond": reason, "ontvangers": sorted(receivers)}
        replaced = {} if replaces is None else {"vervangt": replaces}
        self.means.note(tx, known.person, entry(SHIELD, at, asker) | payload | replaced)
        # A crash before the commit: nothing was shielded and nobody was told so. After it: all of it holds.
        stopped = self.means.stopper.stop_waiting(tx, _cause(shield_id, subject), at)
        # Who has it already is named to those who gave it. No notice: it would say that somebody is in hiding.
        given = _whereabouts_given(tx, subject, receivers)
        return Consequence(at, tuple(stopped), given_of(given), ())

    def lift(self, asker: Asker, ref: str, asked: Lift) -> bool:
        """Ask to lift an own afscherming, or carry out what another employee asked; True when it was carried out.

        Raises ``NotFound``; ``Conflict`` when the same employee asks again.
        """

        def work(tx: Transaction, subject: Subject) -> bool:
            row = self._standing(tx, subject, asker.organisation)
            if row is None:
                raise NotFound
            wanted = None if asked.receivers is None else sorted(asked.receivers)
            payload: dict[str, Any] = {"afschermingId": row.shield_id, "medewerker": asked.employee}
            payload |= {} if wanted is None else {"ontvangers": wanted}
            if row.lift_asked_by is None or row.lift_for != wanted:
                limits.ask_to_lift(tx.connection, row.shield_id, asked.employee, wanted, subject.at)
                self.means.note(tx, row.person_id, entry("afscherming-opheffing-gevraagd", subject.at, asker) | payload)
                return False
            if row.lift_asked_by.casefold() == asked.employee.casefold():  # capitals make no second person
                raise Conflict("Een andere medewerker moet dit ook vinden.")
            payload |= {"eersteMedewerker": row.lift_asked_by, "van": instants.write(row.at)}
            limits.end_shield(tx.connection, row.shield_id, asked.employee, subject.at)
            self.means.note(tx, row.person_id, entry("afscherming-opgeheven", subject.at, asker) | payload)
            if wanted is not None:
                named = frozenset(map(Oin, row.receivers)) | frozenset(map(Oin, wanted))
                self._add(tx, subject, asker, Terms(self.means.new_id(), row.reason, named), row.shield_id)
            return True

        with self.means.person_work.look() as connection:
            require_organisations(connection, asked.receivers or (), "ontvangers")
        return self.means.person_work.on_ref(asker, ref, work, take_away=True)


def _whereabouts_given(tx: Transaction, subject: Subject, receivers: frozenset[Oin]) -> list[Row[Any]]:
    """Releases that told receivers who are not named where the person is, or who works with them."""
    rows = deliveries.released_about(tx.connection, subject.known.root)
    return [
        row
        for row in rows
        if row.recipient not in receivers and not WHEREABOUTS.isdisjoint(map(Category, row.revealed or ()))
    ]


def _cause(shield_id: str, subject: Subject) -> Cause:
    return Cause(shield_id, SHIELD, frozenset(), subject.known.person, subject.known.root)
