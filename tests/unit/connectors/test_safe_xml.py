"""XML that attacks: refused with a place, without a look at any file or address."""

from pathlib import Path

import pytest

from connectors.safe_xml import XmlBounds, XmlInvalid, parse
from contracts.errors import TooLarge

LAUGHS = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>
<a>&c;</a>"""


def test_plain_xml_is_read() -> None:
    root = parse(b'<?xml version="1.0" encoding="UTF-8"?>\n<a><!-- weg --><b>x<!-- y -->z</b><?pi weg?></a>')
    assert [child.tag for child in root] == ["b"]
    assert root[0].text == "xz"  # a comment cannot split a text in two


def test_xxe_reads_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "geheim.txt"
    secret.write_text("GEHEIM")
    raw = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()
    with pytest.raises(XmlInvalid, match="regel 1: een DOCTYPE mag niet"):
        parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        LAUGHS,
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
        b'<!DOCTYPE a PUBLIC "x" "file:///etc/passwd"><a/>',
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b"<!doctype a><a/>",
        "<!DOCTYPE a><a/>".encode("utf-16"),
        "<!DOCTYPE a><a/>".encode("utf-32"),
        "<!DOCTYPE a><a/>".encode("utf-16-le"),
        b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE a+AD4-<a/>',
        '<?xml version="1.0" encoding="cp037"?><a/>'.encode("cp037"),
        b'<?xml version="1.0" encoding="UTF-16"?><a/>',
    ],
)
def test_no_doctype_in_any_disguise(raw: bytes) -> None:
    with pytest.raises(XmlInvalid):
        parse(raw)


def test_an_entity_that_nobody_declared() -> None:
    with pytest.raises(XmlInvalid):
        parse(b"<a>&x;</a>")


def test_xinclude_stays_an_element() -> None:
    root = parse(
        b'<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="file:///etc/passwd" parse="text"/></a>'
    )
    assert len(root) == 1
    assert root[0].text is None


@pytest.mark.parametrize("levels", [65, 300, 5_000])
def test_depth(levels: int) -> None:
    with pytest.raises(XmlInvalid):
        parse(b"<a>" * levels + b"</a>" * levels)


def test_bounds_just_hold() -> None:
    assert parse(b"<a>" * 64 + b"</a>" * 64).tag == "a"
    with pytest.raises(XmlInvalid, match="elementen"):
        parse(b"<a>" + b"<b/>" * 10 + b"</a>", XmlBounds(elements=10))
    assert len(parse(b"<a>" + b"<b/>" * 9 + b"</a>", XmlBounds(elements=10))) == 9


def test_size_comes_before_everything() -> None:
    with pytest.raises(TooLarge):
        parse(LAUGHS, XmlBounds(size=10))


@pytest.mark.parametrize(
    "raw", [b"", b"GEHEIM", b"<GEHEIM>", b"<a>GEHEIM</b>", b"<a/>GEHEIM", b"<?xml GEHEIM", b"<a>\x01</a>"]
)
def test_what_is_no_xml_is_named_by_place_only(raw: bytes) -> None:
    with pytest.raises(XmlInvalid) as caught:
        parse(raw)
    assert "GEHEIM" not in str(caught.value)
    assert caught.value.__context__ is None
