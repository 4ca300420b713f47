from __future__ import annotations

import gc
from collections.abc import Mapping

import pytest

from exporter.errors import AuthError, MalformedError, SourceError, TooLargeError
from exporter.sources.xml import document
from exporter.sources.xml.document import Document, Element
from support.web_interface import status_page


@pytest.mark.parametrize(
    ("encoding", "hostname"),
    [
        ("ISO-8859-1", "büro"),
        ("UTF-8", "büro"),
        ("UTF-16", "büro"),
        ("US-ASCII", "buero"),
        ("ISO-8859-2", "łódź"),
        ("ISO-8859-15", "œuvre"),
        ("windows-1251", "почта"),
        ("KOI8-R", "почта"),
    ],
)
def test_the_declared_encoding_is_read(encoding: str, hostname: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><status hostname="{hostname}"/>'
    assert document.parse(text.encode(encoding)).elements == [Element("", "status", {"hostname": hostname})]


@pytest.mark.parametrize("encoding", ["big5", "utf-7", "no-such", "rot13", "idna", "punycode", "undefined", "utf_32"])
def test_an_encoding_that_cannot_be_read_is_taken_as_utf_8(encoding: str) -> None:
    page = f'<?xml version="1.0" encoding="{encoding}"?><status hostname="büro"/>'.encode()
    assert document.parse(page) == Document([Element("", "status", {"hostname": "büro"})])


LAUGHS = b'<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><status hostname="&b;"/>'
EXTERNAL = b'<!DOCTYPE status [<!ENTITY x SYSTEM "file:///etc/passwd">]><status><system status="a"/>&x;</status>'
BAD = {
    "empty": (b"", MalformedError, "the page is empty"),
    "blank": (b" \r\n\t", MalformedError, "the page is empty"),
    "text": (b"503 busy", MalformedError, "is incomplete or not XML"),
    "json": (b'{"status": "online"}', MalformedError, "is incomplete or not XML"),
    "binary": (bytes(range(256)) * 20, MalformedError, "is incomplete or not XML"),
    "root alone": (b"<status", MalformedError, "is incomplete or not XML"),
    "root and no more": (b'<status hostname="x"><system', MalformedError, "is incomplete or not XML"),
    "login page": (b"<!DOCTYPE html>\n<html><body><form>", AuthError, "probably its login page"),
    "old login page": (b'<!-- x -->\n<HTML><HEAD><META name="a">', AuthError, "probably its login page"),
    "XHTML": (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>', AuthError, "login page"),
    "DTD": (b'<!DOCTYPE status SYSTEM "status.dtd"><status/>', MalformedError, "declares a document type"),
    "billion laughs": (LAUGHS, MalformedError, "declares a document type"),
    "external entity": (EXTERNAL, MalformedError, "declares a document type"),
    "nested by one too deep": (b"<a>" * 33 + b"</a>" * 33, MalformedError, "nest deeper than 32"),
    "nested": (b"<status>" + b"<a>" * 200_000, MalformedError, "nest deeper than 32"),
    "many elements": (b"<status>" + b"<a/>" * 200_000 + b"</status>", TooLargeError, "more than 1000 elements"),
}


@pytest.mark.parametrize(("body", "error", "words"), BAD.values(), ids=BAD)
def test_another_page_is_an_error_with_a_reason(body: bytes, error: type[SourceError], words: str) -> None:
    with pytest.raises(error, match=words) as caught:
        document.parse(body)
    assert type(caught.value) is error


MENDED = {
    "other encoding": ('<status hostname="büro"/>'.encode("latin-1"), "büro"),
    "two encodings": ('<?xml version="1.0" encoding="UTF-8"?><status hostname="ü'.encode() + b'\xfc"/>', "üü"),
    "too small an encoding": ('<?xml version="1.0" encoding="US-ASCII"?><status hostname="büro"/>'.encode(), "büro"),
    "text before it": (b'warning: low memory\n<?xml version="1.0"?><status hostname="x"/>', "x"),
    "blank lines before it": (b'\n\n<?xml version="1.0"?><status hostname="x"/>', "x"),
    "text after it": (b'<status hostname="x"/>\nbye', "x"),
    "another page after it": (b'<status hostname="x"/><status hostname="y"/>', "x"),
    "bare ampersand": (b'<status hostname="a & b &amp; c &#38; d &x;"/>', "a & b & c & d &x;"),
    "bare angle": (b"<status hostname='a < b'/>", "a < b"),
    "no character": (b'<status hostname="1\x002"/>', "1\ufffd2"),
    "byte order mark": ('\ufeffx<status hostname="x"/>'.encode(), "x"),
}


@pytest.mark.parametrize(("page", "hostname"), MENDED.values(), ids=MENDED)
def test_a_harmless_fault_is_mended(page: bytes, hostname: str) -> None:
    assert document.parse(page) == Document([Element("", "status", {"hostname": hostname})])


def test_a_mended_page_has_all_elements() -> None:
    page = status_page()
    odd = page.replace(b'"IronPort Anti-Spam"', b'"IronPort & Anti-Sp\xe4m"')
    assert odd != page
    names = {each.attributes.get("name") for each in document.parse(odd).elements}
    assert "IronPort & Anti-Späm" in names
    assert len(document.parse(odd).elements) == len(document.parse(page).elements)


def test_what_stands_before_a_break_is_read() -> None:
    """No value is cut: an element counts when all of its attributes are there."""
    page = status_page()
    whole = document.parse(page).elements
    for end in range(page.index(b"<counter"), page.rindex(b"</status"), 7):
        broken = document.parse(page[:end])
        assert broken.elements == whole[: len(broken.elements)]
        assert "incomplete or not XML" in str(broken.fault)
        assert f"after {len(broken.elements)} elements" in str(broken.fault)


def large_page(octets: int) -> bytes:
    """Return a page that has as much to read as a page of this size may have."""
    rows = b"".join(b'<gauge name="%d" current="%d"/>' % (row, row) for row in range(document.ELEMENT_LIMIT - 1))
    return (b"<status>" + rows).ljust(octets - 9) + b"</status>"


@pytest.mark.parametrize(("octets", "steps"), [(10_000, 0), (16_383, 0), (16_384, 1), (16_385, 1), (200_000, 12)])
def test_a_large_page_is_parsed_in_steps(octets: int, steps: int) -> None:
    page = b"<status>".ljust(octets - 9) + b"</status>"
    assert len(page) == octets
    assert len(list(document.steps(page))) == steps


def test_no_step_reads_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a page of 55,000 octets with 1,000 elements, a step reads a third at most."""
    seen: list[Element] = []

    def element(parent: str, tag: str, attributes: Mapping[str, str]) -> Element:
        seen.append(Element(parent, tag, attributes))
        return seen[-1]

    monkeypatch.setattr(document, "Element", element)
    read = [len(seen) for _ in document.steps(large_page(55_000))]
    assert len(read) == 3
    assert max(after - before for before, after in zip([0, *read], [*read, len(seen)], strict=True)) <= 600


@pytest.mark.parametrize("octets", [1, 7, 1000])
def test_steps_change_nothing(octets: int, monkeypatch: pytest.MonkeyPatch) -> None:
    page = status_page()
    pages = [
        page,
        page[:-300],
        page.replace(b"=", b"=&", 1),
        page.replace(b"/>", b">", 1),
        b"\xef\xbb\xbf" + page,
        b" " + page,
    ]
    whole = [document.parse(each) for each in pages]
    monkeypatch.setattr(document, "_STEP", octets)
    for one, each in zip(whole, pages, strict=True):
        assert document.parse(each).elements == one.elements
        assert str(document.parse(each).fault) == str(one.fault)


def test_a_page_of_64_kb_is_mended_and_no_larger_one() -> None:
    within, over = (b'<status><a x="&"/>'.ljust(octets - 9) + b"</status>" for octets in (65536, 65537))
    assert len(document.parse(within).elements) == 2
    with pytest.raises(MalformedError, match="incomplete or not XML"):
        document.parse(over)


def test_a_page_that_has_been_read_needs_no_garbage_collection() -> None:
    """Full collections are rare."""
    gc.collect()
    gc.disable()
    try:
        document.parse(status_page())
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_as_deep_as_the_limit_is_read() -> None:
    tags = document.DEPTH_LIMIT - 1
    body = b"<status>" + b"<a>" * tags + b"</a>" * tags + b"</status>"
    assert len(document.parse(body).elements) == document.DEPTH_LIMIT


def test_a_page_of_too_many_attributes_is_not_parsed() -> None:
    within, over = (
        b"<status %s/>" % b" ".join(b'a%d="1"' % number for number in range(count))
        for count in (document.ATTRIBUTE_LIMIT, document.ATTRIBUTE_LIMIT + 1)
    )
    assert len(document.parse(within).elements[0].attributes) == document.ATTRIBUTE_LIMIT
    with pytest.raises(TooLargeError, match="6001 attributes, over the limit of 6000"):
        document.parse(over)


def test_as_many_elements_as_the_limit_are_read() -> None:
    within, over = (b"<status>" + b"<a/>" * count + b"</status>" for count in (999, 1000))
    assert len(document.parse(within).elements) == 1000
    with pytest.raises(TooLargeError, match="more than 1000 elements"):
        document.parse(over)
