"""XML from outside, and the only importer of lxml's parser.

Size first; then only encodings in which markup is plain ASCII, so that a DOCTYPE cannot hide from the look that comes
before the parser; then the parser without DTD, entities, network or huge trees; then depth and number of elements.
With ``resolve_entities=False`` lxml makes an entity into empty text without a word: hence every DOCTYPE is refused.
"""

import re
from dataclasses import dataclass
from typing import Final

from lxml import etree

from contracts.errors import RequestInvalid, TooLarge

_ENCODINGS: Final = frozenset({b"utf-8", b"us-ascii", b"iso-8859-1", b"iso-8859-15", b"windows-1252"})
_DECLARATION: Final = re.compile(rb"\A<\?xml\s[^>]{0,200}?\?>")
_ENCODING: Final = re.compile(rb"""\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_BOM: Final = b"\xef\xbb\xbf"


class XmlInvalid(RequestInvalid):
    """Not the XML that we read. The detail names a place, never a piece of the text."""

    title = "Dit is geen XML die hier gelezen wordt"


@dataclass(frozen=True, slots=True)
class XmlBounds:
    """Bytes of the whole, levels below each other, and elements in all."""

    size: int = 16 * 2**20
    depth: int = 64
    elements: int = 500_000


def parse(raw: bytes, bounds: XmlBounds = XmlBounds()) -> etree._Element:
    """The root element, without comments and processing instructions.

    Raises ``TooLarge`` before anything is looked at, and ``XmlInvalid``.
    """
    if len(raw) > bounds.size:
        raise TooLarge(f"XML mag hier hoogstens {bounds.size} bytes zijn")
    _refuse_disguise(raw)
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_pis=True,
        remove_comments=True,
        recover=False,
    )
    line = column = 0
    root = None
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
    if root is None:  # outside the handler: lxml's text may repeat the input
        raise XmlInvalid(f"regel {line}, kolom {column}: hier klopt de XML niet")
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlInvalid("een DOCTYPE mag niet")
    _refuse_size(root, bounds)
    return root


def _refuse_disguise(raw: bytes) -> None:
    """Refuse what could hide a DOCTYPE from the search below, and the DOCTYPE itself (also as text in CDATA)."""
    content = raw[len(_BOM) :] if raw.startswith(_BOM) else raw
    at = content.find(b"\x00")
    if at >= 0 or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise XmlInvalid("deze codering wordt niet gelezen; stuur UTF-8")
    declaration = _DECLARATION.match(content)
    if declaration is None and content.startswith(b"<?xml"):
        raise XmlInvalid("regel 1: de XML-declaratie klopt niet")
    encoding = _ENCODING.search(declaration[0]) if declaration else None
    if encoding is not None and encoding[1].lower() not in _ENCODINGS:
        raise XmlInvalid("deze codering wordt niet gelezen; stuur UTF-8")
    found = re.search(rb"<!(?:DOCTYPE|ENTITY)", content, re.IGNORECASE)
    if found is not None:
        line = content.count(b"\n", 0, found.start()) + 1
        raise XmlInvalid(f"regel {line}: een DOCTYPE mag niet")


def _refuse_size(root: etree._Element, bounds: XmlBounds) -> None:
    depth = elements = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        if event == "end":
            depth -= 1
            continue
        depth += 1
        elements += 1
        if depth > bounds.depth:
            raise XmlInvalid(f"regel {element.sourceline}: meer dan {bounds.depth} niveaus diep")
        if elements > bounds.elements:
            raise XmlInvalid(f"meer dan {bounds.elements} elementen")
