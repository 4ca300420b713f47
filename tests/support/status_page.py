"""The status page of an appliance as a table that a test may change (item to value), and as XML.

An item is named by its place on the page: element/attribute, or section/name/attribute in the four lists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Final
from xml.sax.saxutils import quoteattr

from exporter.metrics import reading as readings
from exporter.sources.xml import document
from exporter.sources.xml.pages import parse_status

Items = dict[str, int | str]

_SINGLES: Final[Mapping[str, int | str]] = {
    "status/build": "phoebe 14.2.3-027",
    "status/hostname": "mx1.example.edu",
    "status/timestamp": "20240601120000",
    "birth_time/timestamp": "20240520093000 (12d 2h 30m 0s)",
    "last_counter_reset/timestamp": "",
    "system/status": "online",
    "oldest_message/secs": 261_369,
    "oldest_message/mid": 10_836_353,
}

_FEATURES: Final[Mapping[str, int | str]] = {
    "Incoming Mail Handling": "Dormant/Perpetual",
    "IronPort Anti-Spam": 28_512_010,
    "Sophos": 28_512_070,
    "File Analysis": -46_298_076,
}

_COUNTERS: Final[Mapping[str, tuple[int, int, int]]] = {
    "inj_msgs": (9_741_905, 6_037_436, 10_741_905),
    "inj_recips": (15_324_603, 10_129_149, 16_324_603),
    "gen_bounce_recips": (2_771_568, 1_595_210, 3_771_568),
    "rejected_recips": (120_438, 82_979, 130_438),
    "dropped_msgs": (154_522, 67_763, 164_522),
    "soft_bounced_evts": (40_422_087, 31_431_593, 41_422_087),
    "completed_recips": (14_000_000, 10_000_000, 16_000_000),
    "hard_bounced_recips": (6_000_000, 4_000_000, 7_000_000),
    "dns_hard_bounced_recips": (500_000, 400_000, 600_001),
    "5xx_hard_bounced_recips": (5_000_000, 3_300_000, 5_900_000),
    "filter_hard_bounced_recips": (100_000, 70_000, 119_999),
    "expired_hard_bounced_recips": (390_000, 222_000, 370_000),
    "other_hard_bounced_recips": (10_000, 8_000, 10_000),
    "delivered_recips": (7_900_000, 5_950_000, 8_880_000),
    "deleted_recips": (100_000, 50_000, 120_000),
    "global_unsub_hits": (15, 11, 17),
}
"""Since resetcounters, since the last restart, ever. The counters add up as on real appliances."""

_IDS: Final[Mapping[str, int]] = {
    "message_id": 10_875_286,
    "injection_conn_id": 3_211_045,
    "delivery_conn_id": 2_109_876,
}

_RATES: Final[Mapping[str, tuple[int, int, int]]] = {
    "inj_msgs": (6_120, 9_450, 10_845),
    "inj_recips": (9_000, 12_600, 14_400),
    "soft_bounced_evts": (720, 360, 180),
    "completed_recips": (8_640, 11_880, 13_680),
    "hard_bounced_recips": (60, 12, 20),
    "delivered_recips": (8_580, 11_868, 13_660),
}
"""Events per hour over the last 1, 5 and 15 minutes."""

_GAUGES: Final[Mapping[str, int | str]] = {
    "ram_utilization": 29,
    "total_utilization": 19,
    "cpu_utilization": 11,
    "av_utilization": 4,
    "case_utilization": 2,
    "bm_utilization": 1,
    "disk_utilization": 106,
    "resource_conservation": 5,
    "log_used": 13,
    "log_available": "388G",
    "conn_in": 37,
    "conn_out": 23,
    "active_recips": 912,
    "unattempted_recips": 612,
    "attempted_recips": 300,
    "msgs_in_work_queue": 45,
    "dests_in_memory": 625,
    "kbytes_used": 603_008,
    "kbytes_free": 34_000_000,
    "msgs_in_policy_virus_outbreak_quarantine": 104,
    "kbytes_in_policy_virus_outbreak_quarantine": 2_048,
    "reporting_utilization": 3,
    "quarantine_utilization": 6,
}

_ENTRIES: Final[Mapping[str, str]] = {
    "features": "feature",
    "counters": "counter",
    "rates": "rate",
    "gauges": "gauge",
}
"""The element name of the entries of each list."""


def status_items(changes: Mapping[str, int | str] | None = None) -> Items:
    """Return every item of an AsyncOS 10 to 14 page, in its order, with `changes`."""
    items = dict(_SINGLES)
    items |= {f"features/{name}/time_remaining": left for name, left in _FEATURES.items()}
    items |= _columns("counters", ("reset", "uptime", "lifetime"), _COUNTERS)
    items |= {f"current_ids/{name}": number for name, number in _IDS.items()}
    items |= _columns("rates", ("last_1_min", "last_5_min", "last_15_min"), _RATES)
    items |= {f"gauges/{name}/current": current for name, current in _GAUGES.items()}
    return items | dict(changes or {})


def render_status(items: Mapping[str, int | str]) -> bytes:
    """Return the page of these items in the structure that AsyncOS 10 gives it, ISO-8859-1 and blank line included."""
    return "\n".join(_lines(items)).encode("iso-8859-1")


def _columns(section: str, attributes: tuple[str, ...], rows: Mapping[str, tuple[int, ...]]) -> Items:
    return {
        f"{section}/{name}/{attribute}": number
        for name, numbers in rows.items()
        for attribute, number in zip(attributes, numbers, strict=True)
    }


def _lines(items: Mapping[str, int | str]) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>\n'
    paths = [(*path.split("/"), str(content)) for path, content in items.items()]
    for element, group in groupby(paths, key=lambda path: path[0]):
        if element == "status":
            yield f"<status {_attributes(group)}>"
        elif element in _ENTRIES:
            yield from _entries(element, group)
        else:
            yield f"  <{element} {_attributes(group)} />"
    yield "</status>\n"


def _entries(section: str, paths: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"  <{section}>"
    for name, group in groupby(paths, key=lambda path: path[1]):
        yield f"    <{_ENTRIES[section]} name={quoteattr(name)} {_attributes(group)} />"
    yield f"  </{section}>"


def _attributes(paths: Iterator[tuple[str, ...]]) -> str:
    return "\n        ".join(f"{attribute}={quoteattr(content)}" for *_, attribute, content in paths)


def every_item(page: bytes) -> readings.Items:
    """Return all items of a status page, also those that no metric uses."""
    elements = document.parse(page).elements
    items: readings.Items = {}
    for parent, tag, attributes in elements:
        element = f"{parent}/{attributes['name']}" if "name" in attributes else tag
        for attribute, value in attributes.items() if tag != "feature" else ():
            if attribute != "name":
                items.setdefault(f"{element}/{attribute}", {(): value})
    return items | {"features/time_remaining": parse_status(elements)["features/time_remaining"]}
