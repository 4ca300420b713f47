"""The status pages as XML, in the structure of each generation of AsyncOS.

The structure of /xml/status is that of real pages of AsyncOS 4.5, 5.1 and 10.0. No real sample of the other pages is
known, so their structure is an assumption.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from exporter.lab.simulator.releases import CURRENT, LEGACY, MIDDLE
from exporter.lab.simulator.status_items import PageName
from exporter.metrics.reading import Items


@dataclass(frozen=True, slots=True)
class _Structure:
    """What differs between the generations."""

    before_root: str
    """The lines before the root element."""
    trailing: str = ""
    """What comes before a line break inside an element."""
    log_used_twice: bool = False
    """Whether the gauge log_used is repeated at the end."""


_STRUCTURES: Final = {
    LEGACY: _Structure("\n    \n\n", trailing=" ", log_used_twice=True),
    MIDDLE: _Structure("    \n\n", trailing=" ", log_used_twice=True),
    CURRENT: _Structure("\n"),
}

_PROLOGUE: Final = '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>\n'
_SINGLE: Final = {"birth_time": "/>", "last_counter_reset": "/>", "system": " />", "oldest_message": " />"}
"""The elements before the lists, and how each ends."""

_LISTS: Final = {
    "features": ("feature", None),
    "counters": ("counter", 8),
    "current_ids": (None, 4),
    "rates": ("rate", 6),
    "gauges": ("gauge", None),
}
"""The lists: the element of an entry, and the indentation of attributes that have a line each."""

_TOPHOSTS: Final = {
    "active_recipients": "active_recips",
    "connections": "conn_out",
    "delivered_recipients": "delivered_recips",
    "soft_bounces": "soft_bounced_evts",
    "hard_bounces": "hard_bounced_recips",
}

Attributes = dict[str, object]


def render(page: PageName, items: Items, generation: int) -> bytes:
    """Return the page with these items in the structure of the generation."""
    lines = {
        "status": lambda: _status(items, _STRUCTURES[generation]),
        "dnsstatus": lambda: _dnsstatus(items),
        "tophosts": lambda: _tophosts(items),
        "topin": lambda: _topin(items),
    }[page]()
    text = f"{_PROLOGUE}{_STRUCTURES[generation].before_root}{chr(10).join(lines)}\n"
    return text.encode("iso-8859-1", errors="xmlcharrefreplace")


def _status(items: Items, structure: _Structure) -> Iterator[str]:
    elements, entries = _by_element(items)
    yield f"<status {_attributes(elements['status'])}>"
    for name, end in _SINGLE.items():
        yield f"  <{name} {_attributes(elements[name])}{end}"
    entries["features"] = {name: {"time_remaining": left} for (name,), left in items["features/time_remaining"].items()}
    for name, (entry, indent) in _LISTS.items():
        if entry is None:
            yield f"  <{name}{structure.trailing}{_spread(elements[name], indent or 0, structure)} />"
        else:
            yield from _list(name, entry, indent, entries[name], structure)
    yield "</status>"


def _list(
    name: str, entry: str, indent: int | None, entries: Mapping[str, Attributes], structure: _Structure
) -> Iterator[str]:
    """Yield the lines of a list. Without an `indent`, the attributes of an entry are on its line."""
    yield f"  <{name}>"
    for key, attributes in entries.items():
        head = f"    <{entry} name={quoteattr(key)}"
        if indent is None:
            yield f"{head} {_attributes(attributes)} />"
        else:
            yield f"{head}{structure.trailing}{_spread(attributes, indent, structure)} />"
    if name == "gauges" and structure.log_used_twice:
        yield f'    <gauge name="log_used" {_attributes(entries["log_used"])} />'
    yield f"  </{name}>"


def _by_element(items: Items) -> tuple[dict[str, Attributes], dict[str, dict[str, Attributes]]]:
    """Return the attributes of single elements, and those of the entries of each list."""
    elements: dict[str, Attributes] = {}
    entries: dict[str, dict[str, Attributes]] = {}
    for item, values in items.items():
        match item.split("/"):
            case [element, attribute] if () in values:
                elements.setdefault(element, {})[attribute] = values[()]
            case [parent, name, attribute]:
                entries.setdefault(parent, {}).setdefault(name, {})[attribute] = values[()]
    return elements, entries


def _attributes(attributes: Attributes) -> str:
    return " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items())


def _spread(attributes: Attributes, indent: int, structure: _Structure) -> str:
    """Return the attributes, each on a new line."""
    between = f"{structure.trailing}\n{' ' * indent}"
    return f"\n{' ' * indent}" + between.join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items())


def _dnsstatus(items: Items) -> Iterator[str]:
    _, entries = _by_element(items)
    rows = ({"name": name, **counter} for name, counter in entries["counters"].items())
    return _rows("dnsstatus", "counters", "counter", rows)


def _tophosts(items: Items) -> Iterator[str]:
    hosts = items["tophosts/active_recipients"]
    figures = {attribute: items[f"tophosts/{figure}"] for figure, attribute in _TOPHOSTS.items()}
    rows = ({"host": row[0], **{name: f"{column[row]:.0f}" for name, column in figures.items()}} for row in hosts)
    return _rows("tophosts", "hosts", "host", rows)


def _topin(items: Items) -> Iterator[str]:
    rows = (
        {"ip": sender, "listener": listener, "conn_in": f"{connections:.0f}"}
        for (sender, listener), connections in items["topin/connections"].items()
    )
    return _rows("topin", "hosts", "host", rows)


def _rows(root: str, parent: str, entry: str, rows: Iterable[Mapping[str, object]]) -> Iterator[str]:
    yield from (f"<{root}>", f"  <{parent}>")
    yield from (f"    <{entry} {_attributes(dict(row))} />" for row in rows)
    yield from (f"  </{parent}>", f"</{root}>")
