"""Reading the elements of an XML page, by expat and without building a tree, also of a page that is not quite XML.

AsyncOS writes its pages as text, and names in them come from outside. So a page may have octets of another encoding, a
bare "&", or text around it. Such faults are mended once. No value is guessed: what cannot be a character becomes
U+FFFD, which is part of no number. Of a page that breaks off, the elements before the break are read.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple
from xml.parsers import expat

from exporter.errors import MalformedError, TooLargeError
from exporter.metrics.reading import label_value
from exporter.sources.http.login_page import refuse_web_page

DEPTH_LIMIT: Final = 32
ELEMENT_LIMIT: Final = 1000
ATTRIBUTE_LIMIT: Final = 6000
"""Limits for pages that would hold the event loop: one within them takes a few milliseconds. The status pages of real
appliances have about 70 elements with 170 attributes, and nest 3 deep."""

_STEP: Final = 16 * 1024
"""Octets to parse before other work may run: it takes about a millisecond. Most status pages have fewer."""

MENDING_LIMIT: Final = 64 * 1024
"""The largest page to mend, in bytes; a status page has about 10,000."""

_BEGIN: Final = re.compile(r"<\?xml\b|<[A-Za-z]")
_DECLARATION: Final = re.compile(r"<\?xml\b[^>]*>")
_BARE_AMPERSAND: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_VALUE: Final = re.compile(r"""=\s*(?:"[^"]*"|'[^']*')""")
_NO_CHARACTER: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Element(NamedTuple):
    """The start of an element."""

    parent: str
    tag: str
    attributes: Mapping[str, str]


_element: Final[Callable[[tuple[str, str, Mapping[str, str]]], Element]] = partial(tuple.__new__, Element)
"""Makes an element without a call of Python code, which takes a tenth of the time of a page."""


@dataclass(frozen=True, slots=True)
class Document:
    """The elements of a page in their order, the root first."""

    elements: list[Element]
    fault: MalformedError | None = None
    """Why elements may be missing at the end."""


Steps = Generator[None, None, Document]
"""The steps of parsing a page, and then its elements."""


def parse(body: bytes) -> Document:
    """Return the elements of a page, in a single step.

    Raises AuthError for a web page, and MalformedError or TooLargeError for a page of which nothing is to be read.
    """
    parsing = steps(body)
    while True:
        try:
            next(parsing)
        except StopIteration as end:
            document: Document = end.value
            return document


def steps(body: bytes) -> Steps:
    """Parse a page as `parse` does, in steps that do not hold the event loop for long."""
    if not body.strip():
        raise MalformedError("the page is empty: if this happens again, check the appliance's load and web interface")
    refuse_web_page(body, "XML", "XML pages")
    # Counted before parsing, because expat reads all attributes of an element before it calls us.
    if (attributes := body.count(b"=")) > ATTRIBUTE_LIMIT:
        raise TooLargeError(
            f"the page has {attributes} attributes, over the limit of {ATTRIBUTE_LIMIT}: it is not read"
        )
    document = yield from _Parser().steps(body)
    if document.fault and len(body) <= MENDING_LIMIT:
        yield
        mended = yield from _Parser("utf-8").steps(_mended(body))
        document = max(document, mended, key=_worth)
    if document.fault and len(document.elements) < 2:  # a root alone has no figure
        raise document.fault
    return document


class _Parser:
    """One use of expat."""

    def __init__(self, encoding: str | None = None) -> None:
        self._elements: list[Element] = []
        self._open_tags = [""]
        self._expat = expat.ParserCreate(encoding)
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.StartDoctypeDeclHandler = _refuse_doctype

    def steps(self, body: bytes) -> Steps:
        """Parse until the root ends, or until the page breaks off."""
        fault = None
        last = len(body) - len(body) % _STEP
        try:
            for begin in range(0, last, _STEP):
                self._expat.Parse(body[begin : begin + _STEP], False)
                yield
            self._expat.Parse(body[last:], True)
        except expat.ExpatError as error:
            if not self._ended:  # what follows the root is of no interest
                fault = MalformedError(f"the page is incomplete or not XML ({error}), {self._read}")
        except (LookupError, ValueError) as error:  # pyexpat's errors for an encoding that it cannot read
            fault = MalformedError(f"the page's encoding cannot be read ({label_value(str(error))})")
        finally:
            del self._expat  # which refers back to this object: the page would stay until a full garbage collection
        return Document(self._elements, fault)

    @property
    def _ended(self) -> bool:
        return bool(self._elements) and len(self._open_tags) == 1

    @property
    def _read(self) -> str:
        return f"after {len(self._elements)} elements: check the appliance's load and the network"

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        open_tags, elements = self._open_tags, self._elements
        if len(open_tags) > DEPTH_LIMIT:
            raise MalformedError(f"the page's elements nest deeper than {DEPTH_LIMIT}: it is no status page")
        if len(elements) == ELEMENT_LIMIT:
            raise TooLargeError(f"the page has more than {ELEMENT_LIMIT} elements: nothing of it is read")
        elements.append(_element((open_tags[-1], tag, attributes)))
        open_tags.append(tag)

    def _end(self, _: str) -> None:
        self._open_tags.pop()


def _worth(document: Document) -> tuple[bool, int]:
    return document.fault is None, len(document.elements)


def _refuse_doctype(*_: object) -> None:
    raise MalformedError("the page declares a document type, so it is no status page: it is not read")


def _mended(body: bytes) -> bytes:
    """Return the page in UTF-8 with its harmless faults mended."""
    text = body.decode("utf-8-sig", "iso-8859-1-where-needed")
    if begin := _BEGIN.search(text):
        text = text[begin.start() :]
    if declaration := _DECLARATION.match(text):
        text = text[declaration.end() :]
    text = _NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text)
    text = _BARE_AMPERSAND.sub("&amp;", text)
    return _VALUE.sub(lambda value: value[0].replace("<", "&lt;"), text).encode()


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    """Read octets that are no UTF-8 as ISO-8859-1: an error handler of codecs."""
    assert isinstance(error, UnicodeDecodeError)  # noqa: S101 - the handler is used for decoding only
    return error.object[error.start : error.end].decode("iso-8859-1"), error.end


codecs.register_error("iso-8859-1-where-needed", _as_latin_1)
