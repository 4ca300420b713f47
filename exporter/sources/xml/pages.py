"""Reads the XML status pages into items: pure functions from bytes, on expat, without a tree.

A page is judged by its root element. Values stay the text that the page holds; the catalogue's conversions read them.
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
ELEMENT_LIMIT: Final = 10_000  # a status page has about 80
_HTML: Final = re.compile(rb"<(!doctype\s+)?html\b", re.IGNORECASE)
_HTML_WITHIN: Final = 1024  # bytes: after a byte order mark, an XML declaration, comments

_LOGIN_PAGE: Final = (
    "the appliance answered with a web page, probably its login page, instead of XML: "
    "check the user and its role, and that the XML pages are enabled on this interface"
)

_DESTINATION: Final = ("host", "hostname", "recipient_host", "domain", "destination", "name", "ip")
_SENDER: Final = ("ip", "remote_ip", "ip_address", "host", "hostname", "remote_host", "remote_hostname", "name")
_LISTENER: Final = ("listener", "listener_name")

_TOPHOSTS: Final = {
    "active_recipients": ("active_recips", "active_recipients", "active"),
    "connections": ("conn_out", "connections_out", "connections"),
    "delivered_recipients": ("delivered_recips", "delivered_recipients", "deliv_recips", "deliv_recip", "delivered"),
    "soft_bounces": ("soft_bounced_evts", "soft_bounced", "soft_bounces"),
    "hard_bounces": ("hard_bounced_recips", "hard_bounced", "hard_bounces"),
}
_TOPIN: Final = {"connections": ("conn_in", "connections_in", "connections")}


class _Element(NamedTuple):
    parent: str
    tag: str
    attributes: Mapping[str, str]


def parse_status(body: bytes) -> Items:
    """Return the items of /xml/status, named TAG/ATTRIBUTE or, for an element with a name, PARENT/NAME/ATTRIBUTE.

    A feature key is a row of `features/time_remaining`. Of an item that stands twice (log_used in AsyncOS 4.5 and
    5.1) the first counts. Raises AuthError for a web page, MalformedError or TooLargeError for anything else.
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
    """Return the counters of /xml/dnsstatus as `counters/NAME/lifetime`, under whatever root and parent they stand."""
    items: Items = {}
    for _, _, attributes in _elements(body):
        if "name" in attributes and "lifetime" in attributes:
            items.setdefault(f"counters/{attributes['name']}/lifetime", {(): attributes["lifetime"]})
    if not items:
        raise MalformedError("the page holds no counters: check that this AsyncOS has the page")
    return items


def parse_tophosts(body: bytes, top: int) -> Items:
    """Return `tophosts/FIGURE` by row (destination,), of the `top` rows with the most active recipients.

    The page's structure is not confirmed by any sample: every element that has a name of a host and a figure is a row.
    """
    return _top_rows(body, "tophosts", (_DESTINATION,), _TOPHOSTS, top)


def parse_topin(body: bytes, top: int) -> Items:
    """Return `topin/connections` by row (sender, listener), of the `top` rows with the most connections.

    The sender is its IP address where the page has one: the names of two addresses may be equal. The page's structure
    is not confirmed by any sample.
    """
    return _top_rows(body, "topin", (_SENDER, _LISTENER), _TOPIN, top)


def _elements(body: bytes) -> list[_Element]:
    if not body.strip():
        raise MalformedError("the page is empty: if that stays so, check the appliance's load and its web interface")
    if _HTML.search(body, 0, _HTML_WITHIN):
        raise AuthError(_LOGIN_PAGE)
    elements: list[_Element] = []
    open_tags = [""]

    def start(tag: str, attributes: dict[str, str]) -> None:
        if len(open_tags) > DEPTH_LIMIT:
            raise MalformedError(f"the page's elements nest deeper than {DEPTH_LIMIT}: no status page does")
        if len(elements) == ELEMENT_LIMIT:
            raise TooLargeError(f"the page has more than {ELEMENT_LIMIT} elements: no status page does")
        elements.append(_Element(open_tags[-1], tag, attributes))
        open_tags.append(tag)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_tags.pop()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    _feed(parser, body)
    return elements


def _refuse_doctype(*_: object) -> None:
    raise MalformedError("the page declares a document type, which no status page does: it is not read")


def _feed(parser: expat.XMLParserType, body: bytes) -> None:
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise MalformedError(f"the page is not XML, or it breaks off ({error})") from error
    except (LookupError, ValueError) as error:  # what pyexpat raises for an encoding that it cannot read
        raise MalformedError(
            "the page's encoding cannot be read, it should be UTF-8, UTF-16 or one with a byte per character "
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
    rows: list[tuple[Row, dict[str, float]]] = []
    for _, _, attributes in _elements(body)[1:]:  # the root's hostname is the appliance's own
        key = tuple(_first(attributes, aliases) for aliases in keys)
        found = {figure: _figure(attributes, aliases) for figure, aliases in figures.items()}
        values = {figure: value for figure, value in found.items() if value is not None}
        if key[0] and values:
            rows.append((key, values))
    rows.sort(key=lambda row: [row[1].get(figure, 0.0) for figure in figures], reverse=True)
    items: Items = {}
    for key, values in rows[:top]:
        for figure, value in values.items():
            items.setdefault(f"{page}/{figure}", {}).setdefault(key, value)
    return items


def _first(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> str:
    return next((label_value(attributes[alias]) for alias in aliases if attributes.get(alias, "").strip()), "")


def _figure(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> float | None:
    try:
        return number(_first(attributes, aliases))
    except UnknownValueError:
        return None
