"""The items of XML status pages: pure functions of their elements.

The root element says whether a page is the right one. Values stay the text of the page, which the conversions of the
catalogue read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from exporter.errors import MalformedError, TooLargeError
from exporter.metrics import catalog
from exporter.metrics.conversions import Raw, UnknownValueError, number
from exporter.metrics.reading import Items, Row, label_value, name_rows
from exporter.sources.destinations import DestinationChoice, DestinationFigures
from exporter.sources.xml.document import Element

FEATURE_LIMIT: Final = 128
"""The most feature keys of a page; real appliances have up to 30."""

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
TOPHOSTS: Final = DestinationFigures(
    "tophosts",
    gauges=("active_recipients", "connections"),
    counters=("delivered_recipients", "soft_bounces", "hard_bounces"),
)
"""The figures of a destination, as we name them."""
_TOPIN_FIGURES: Final = {"connections": ("conn_in", "connections_in", "connections")}


def _used_attributes() -> dict[str, dict[str, str]]:
    """Return the attributes of each element that the catalogue uses, each with its item."""
    used: dict[str, dict[str, str]] = {}
    for item in catalog.items_of("xml"):
        element, _, attribute = item.rpartition("/")
        used.setdefault(element, {})[attribute] = item
    return used


_USED: Final = _used_attributes()
"""An element is TAG or, if it has a name, PARENT/NAME. Of a page's 170 attributes the catalogue uses about 70."""


def parse_status(elements: Sequence[Element]) -> Items:
    """Return the items of /xml/status that the catalogue uses: TAG/ATTRIBUTE, or PARENT/NAME/ATTRIBUTE.

    A feature key is a row of `features/time_remaining`. If an item comes twice (log_used in AsyncOS 4.5 and 5.1), the
    first one counts. Raises MalformedError for another page, and TooLargeError for more than `FEATURE_LIMIT` keys.
    """
    root, *rest = elements
    if root.tag != "status":
        raise MalformedError(
            f"the page's root element is <{label_value(root.tag)}>, not <status>: "
            "check that address and port are those of the appliance's management interface"
        )
    items: Items = {}
    for parent, tag, attributes in elements:
        if tag != "feature":
            element = f"{parent}/{attributes['name']}" if "name" in attributes else tag
            for attribute, item in _USED.get(element, {}).items():
                if attribute in attributes:
                    items.setdefault(item, {(): attributes[attribute]})
    features = [element.attributes for element in rest if element.tag == "feature"]
    if len(features) > FEATURE_LIMIT:
        raise TooLargeError(
            f"the page has {len(features)} feature keys, over the limit of {FEATURE_LIMIT}: it is not read"
        )
    items["features/time_remaining"] = dict(_feature_rows(features))
    return items


def parse_dnsstatus(elements: Sequence[Element]) -> Items:
    """Return the counters of /xml/dnsstatus as `counters/NAME/lifetime`; their parent may have any name."""
    items: Items = {}
    for _, _, attributes in elements:
        if "name" in attributes and "lifetime" in attributes:
            items.setdefault(f"counters/{attributes['name']}/lifetime", {(): attributes["lifetime"]})
    if not items:
        raise MalformedError("the page has no counters: check that this release of AsyncOS has the page")
    return items


def parse_tophosts(elements: Sequence[Element], choice: DestinationChoice) -> Items:
    """Return `tophosts/FIGURE` by row (destination, class) for the destinations of the choice.

    Every element that names a host and has a figure is a row.
    """
    rows = _rows(elements, (_DESTINATION,), _TOPHOSTS_FIGURES)
    return choice.items(TOPHOSTS, [domain for (domain,), _ in rows], [figures for _, figures in rows])


def parse_topin(elements: Sequence[Element], top: int) -> Items:
    """Return `topin/connections` by row (sender, listener) for the `top` rows with the most connections.

    The sender is an IP address if the page has one, because several addresses may have the same name.
    """
    rows = _rows(elements, (_SENDER, _LISTENER), _TOPIN_FIGURES)
    rows.sort(key=lambda row: _weight(row[1]["connections"]), reverse=True)
    connections: dict[Row, Raw] = {}
    for row, figures in rows[:top]:
        connections.setdefault(row, figures["connections"])
    return {"topin/connections": connections}


def _feature_rows(features: list[Mapping[str, str]]) -> Iterator[tuple[Row, str]]:
    names = name_rows((str(index), feature.get("name", "")) for index, feature in enumerate(features, start=1))
    for name, feature in zip(names.values(), features, strict=True):
        if "time_remaining" in feature:
            yield (name,), feature["time_remaining"]


def _rows(
    elements: Sequence[Element], keys: tuple[tuple[str, ...], ...], figures: Mapping[str, tuple[str, ...]]
) -> list[tuple[Row, dict[str, Raw]]]:
    """Return every element that has the first of the keys and a figure, with the figures that it has."""
    rows: list[tuple[Row, dict[str, Raw]]] = []
    _, *rest = elements  # the root's hostname is the appliance's own
    for _, _, attributes in rest:
        key = tuple(_first(attributes, aliases) for aliases in keys)
        found = {figure: _figure(attributes, aliases) for figure, aliases in figures.items()}
        given = {figure: value for figure, value in found.items() if value != ""}
        if key[0] and given:
            rows.append((key, given))
    if not rows and any(element.attributes for element in rest):
        raise MalformedError(
            "the page has another form than expected: no element has a host and a figure, such as "
            f"{keys[0][0]} and {next(iter(figures.values()))[0]}. Please report it with the page"
        )
    return rows


def _first(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> str:
    return next((label_value(attributes[alias]) for alias in aliases if attributes.get(alias, "").strip()), "")


def _figure(attributes: Mapping[str, str], aliases: tuple[str, ...]) -> float | str:
    """Return a figure as a number, or as its text if it is none; "" without the figure."""
    text = _first(attributes, aliases)
    try:
        return number(text)
    except UnknownValueError:
        return text


def _weight(figure: Raw) -> float:
    return figure if isinstance(figure, float) else 0.0
