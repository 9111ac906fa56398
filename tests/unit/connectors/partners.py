"""A sample partner for the tests of the connectors."""

from connectors.port import Partner
from contracts.identity import KandidaatRef

REF = KandidaatRef("aaaabbbbccccddddeeeeffff22")
OTHER = KandidaatRef("qqqqwwwweeeerrrrttttyyyy33")
SOURCE = "urn:nld:oin:00000099000000005000:systeem:kringloop-kassa"
KEY = bytes(range(32))
LINKS = {"104": REF, "118": OTHER}
NUMBERS = {ref: number for number, ref in LINKS.items()}


def partner(key: bytes = KEY) -> Partner:
    return Partner(SOURCE, key, LINKS.get, NUMBERS.get)
