"""Notices that only the hub makes, in the name of the verstrekker (AVG art. 7(3), 17(2), 19). No roles: the receivers
are those that were given the messages."""

from typing import Final

from contracts.identity import Purpose
from contracts.kinds.base import Flow, Kind
from contracts.kinds.fields import Choice, Ident, Instant, Matched, Ref
from contracts.kinds.objects import DataSchema, Items, Part

_NOBODY: Final = (Flow(frozenset(), frozenset(), frozenset({Purpose.RECHTEN})),)
MAX_MESSAGES: Final = 250  # messages named in one notice: it stays within the size of a message


class Verwijzing(DataSchema):
    """A message that was given, by what makes it unique for its receiver."""

    source = Matched("[!-~]+", 112, required=True)
    id = Matched("[ -~]+", 255, required=True)


class _Kennisgeving(DataSchema):
    kandidaatRef = Ref(required=True)
    zaakId = Ident(required=True)
    berichten = Items(Part(Verwijzing), MAX_MESSAGES, required=True)
    doel = Choice(" ".join(Purpose), required=True)
    per = Instant(required=True)


class GrondslagVervallen(_Kennisgeving):
    """The ground on which these messages were given is gone, or stands still (``beperking``) until it is told that it
    does no more (``beperking-opgeheven``)."""

    code = Choice(
        "toestemming-ingetrokken toestemming-geweigerd toestemming-ongeldig toestemming-verlopen stopverzoek beperking "
        "beperking-opgeheven bezwaar afspraak-beeindigd grondslag-beeindigd ontheffing-ingetrokken",
        required=True,
    )


class Rectificatie(_Kennisgeving):
    """These messages were wrong (AVG art. 16, 19). ``persoon-gesplitst``: two persons were held for one, and they were
    given on what stood of the other."""

    code = Choice("onjuist verkeerde-persoon verkeerde-ontvanger persoon-gesplitst", required=True)


class Verwijdering(_Kennisgeving):
    """Please delete these messages (AVG art. 17, 19)."""

    code = Choice("wissing onjuist verkeerde-persoon verkeerde-ontvanger", required=True)


class Ingetrokken(DataSchema):
    """Nothing: it fills the place of a message that is no longer allowed."""


KINDS: Final = (
    Kind(name="grondslag.vervallen", flows=_NOBODY, schema=GrondslagVervallen(), by_hub=True),
    Kind(name="bericht.ingetrokken", flows=_NOBODY, schema=Ingetrokken(), by_hub=True, about_person=False),
    Kind(name="rectificatie.kennisgeving", flows=_NOBODY, schema=Rectificatie(), by_hub=True),
    Kind(name="verwijdering.gevraagd", flows=_NOBODY, schema=Verwijdering(), by_hub=True),
)
