"""Reading XML status pages into items: pure functions from bytes, by expat, without building a tree.

The root element says whether a page is the right one. Values stay the text of the page, which the conversions of the
catalogue read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple
from xml.parsers import expat

from exporter.errors import AuthError, MalformedError, TooLargeError
from exporter.metrics.conversions import UnknownValueError, number
from exporter.metrics.reading import Items, Row, label_value, name_rows

DEPTH_LIMIT: Final = 32
ELEMENT_LIMIT: Final = 2000
ATTRIBUTE_LIMIT: Final = 10_000
"""Limits for pages that would hold the event loop: a page within them takes about 20 ms. The status pages of real
appliances have about 70 elements with 170 attributes, and nest 3 deep."""

_HTML: Final = re.compile(rb"<(!doctype\s+)?html\b", re.IGNORECASE)
_HTML_WITHIN: Final = 1024
"""How many bytes to search for an <html> tag, because an XML declaration and comments may precede it."""

_GOT_WEB_PAGE: Final = (
    "the appliance answered with a web page, probably its login page, instead of XML: "
    "check the user and its role, and that the XML pages are enabled on this interface"
)

# No sample of tophosts and topin is known. Below are the attributes that may hold each figure, most likely first.
_DESTINATION: Final = ("host", "hostname", "recipient_host", "domain", "destination", "name", "ip")
_SENDER: Final = ("ip", "remote_ip", "ip_address", "host", "hostname", "remote_host", "remote_hostname", "name")
_LISTENER: Final = ("listener", "listener_name")

_TOPHOSTS_FIGURES: Final = {
    "active_recipients": ("active_recips", "active_recipients", "active"),
    "connections": ("conn_out", "connections_out", "connections"),
    "delivered_recipients": ("delivered_recips", "delivered_recipients", "deliv_recips", "deliv_recip", "delivered"),
    "soft_bounces": ("soft_bounced_evts", "soft_bounced", "soft_bounces"),
    "hard_bounces": ("hard_bounced_recips", "hard_bounced", "hard_bounces"),
}
_TOPIN_FIGURES: Final = {"connections": ("conn_in", "connections_in", "connections")}


class _Element(NamedTuple):
    parent: str
    tag: str
    attributes: Mapping[str, str]


def parse_status(body: bytes) -> Items:
    """Return the items of /xml/status, named TAG/ATTRIBUTE or, for an element with a name, PARENT/NAME/ATTRIBUTE.

    A feature key is a row of `features/time_remaining`. If an item comes twice (log_used in AsyncOS 4.5 and 5.1), the
    first one counts. Raises AuthError for a web page, MalformedError or TooLargeError for another answer.
    """
    root, *elements = _elements(body)
    if root.tag != "status":
        raise MalformedError(
            f"the page's root element is <{label_value(root.tag)}>, not <status>: "
            "check that address and port are those of the appliance's management interface"
        )
    items: Items = {}
    for element in (root, *elements):
        if element.tag != "feature":
            for item, value in _named(element):
                items.setdefault(item, {(): value})
    features = [element.attributes for element in elements if element.tag == "feature"]
    items["features/time_remaining"] = dict(_feature_rows(features))
    return items


def parse_dnsstatus(body: bytes) -> Items:
    """Return the counters of /xml/dnsstatus as `counters/NAME/lifetime`; their parent may have any name."""
    items: Items = {}
    for _, _, attributes in _elements(body):
        if "name" in attributes and "lifetime" in attributes:
            items.setdefault(f"counters/{attributes['name']}/lifetime", {(): attributes["lifetime"]})
    if not items:
        raise MalformedError("the page has no counters: check that this release of AsyncOS has the page")
    return items


def parse_tophosts(body: bytes, top: int) -> Items:
    """Return `tophosts/FIGURE` by row (destination,) for the `top` destinations with the most active recipients.

    Every element that names a host and has a figure is a row.
    """
    return _top_rows(body, "tophosts", (_DESTINATION,), _TOPHOSTS_FIGURES, top)


def parse_topin(body: bytes, top: int) -> Items:
    """Return `topin/connections` by row (sender, listener) for the `top` rows with the most connections.

    The sender is an IP address if the page has one, because several addresses may have the same name.
    """
    return _top_rows(body, "topin", (_SENDER, _LISTENER), _TOPIN_FIGURES, top)


def _elements(body: bytes) -> list[_Element]:
    if not body.strip():
        raise MalformedError("the page is empty: if this happens again, check the appliance's load and web interface")
    if _HTML.search(body, 0, _HTML_WITHIN):
        raise AuthError(_GOT_WEB_PAGE)
    # Counted before parsing, because expat reads all attributes of an element before it calls us.
    if (attributes := body.count(b"=")) > ATTRIBUTE_LIMIT:
        raise TooLargeError(
            f"the page has {attributes} attributes, over the limit of {ATTRIBUTE_LIMIT}: it is not read"
        )
    elements: list[_Element] = []
    open_tags = [""]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_tags) > DEPTH_LIMIT:
            raise MalformedError(f"the page's elements nest deeper than {DEPTH_LIMIT}: it is no status page")
        if len(elements) == ELEMENT_LIMIT:
            raise TooLargeError(f"the page has more than {ELEMENT_LIMIT} elements: nothing of it is read")
        elements.append(_Element(open_tags[-1], tag, attributes))
        open_tags.append(tag)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_tags.pop()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    _feed(parser, body)
    return elements


def _refuse_doctype(*_: object) -> None:
    raise MalformedError("the page declares a document type, so it is no status page: it is not read")


def _feed(parser: expat.XMLParserType, body: bytes) -> None:
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise MalformedError(f"the page is incomplete or not XML ({error})") from error
    except (LookupError, ValueError) as error:  # pyexpat's errors for an encoding that it cannot read
        raise MalformedError(
            "the page's encoding cannot be read: it must be UTF-8, UTF-16 or one with a byte per character "
            f"({label_value(str(error))})"
        ) from error


def _named(element: _Element) -> Iterator[tuple[str, str]]:
    name = element.attributes.get("name")
    prefix = element.tag if name is None else f"{element.parent}/{name}"
    return ((f"{prefix}/{attribute}", value) for attribute, value in element.attributes.items() if attribute != "name")


def _feature_rows(features: list[Mapping[str, str]]) -> Iterator[tuple[Row, str]]:
    names = name_rows((str(index), feature.get("name", "")) for index, feature in enumerate(features, start=1))
    for name, feature in zip(names.values(), features, strict=True):
        if "time_remaining" in feature:
            yield (name,), feature["time_remaining"]


def _top_rows(
    body: bytes, page: str, keys: tuple[tuple[str, ...], ...], figures: Mapping[str, tuple[str, ...]], top: int
) -> Items:
    rows: list[tuple[Row, dict[str, float | str]]] = []
    _, *elements = _elements(body)  # the root's hostname is the appliance's own
    for _, _, attributes in elements:
        key = tuple(_first(attributes, aliases) for aliases in keys)
        found = {figure: _figure(attributes, aliases) for figure, aliases in figures.items()}
        given = {figure: value for figure, value in found.items() if value != ""}
        if key[0] and given:
            rows.append((key, given))
    if not rows and any(element.attributes for element in elements):
        raise MalformedError(
            "the page has another form than expected: no element has a host and a figure, such as "
            f"{keys[0][0]} and {next(iter(figures.values()))[0]}. Please report it with the page"
        )
    rows.sort(key=lambda row: [_weight(row[1].get(figure)) for figure in figures], reverse=True)
    items: Items = {}
    for key, values in rows[:top]:
        for figure, value in values.items():
            items.setdefault(f"{page}/{figure}", {}).setdefault(key, value)
    return items


def _first(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> str:
    return next((label_value(attributes[alias]) for alias in aliases if attributes.get(alias, "").strip()), "")


def _figure(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> float | str:
    """Return a figure as a number, or as its text if it is none; "" without the figure."""
    text = _first(attributes, aliases)
    try:
        return number(text)
    except UnknownValueError:
        return text


def _weight(figure: float | str | None) -> float:
    return figure if isinstance(figure, float) else 0.0
