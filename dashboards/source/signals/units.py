"""Whether units answer, and whether they take mail."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dashboards.source.palette import CRITICAL, GOOD, SAVING, UNREACHABLE, UNWATCHED, WARNING, numbered
from dashboards.source.signals import PER_UNIT, Signal

UP: Final = Signal(
    "Units up",
    "none",
    PER_UNIT,
    "Whether a unit has given data in the last 5 minutes, by any source: the status page (XML), SNMP or REST. A "
    "unit that is not scraped counts as down.",
    """\
instance:ironport_source_up:max3m{<<units>>}
or
0 * instance:ironport_probe_success:missing5m{<<units>>}""",
    decimals=0,
)

DOWN: Final = Signal(
    "Down",
    "none",
    PER_UNIT,
    "Units that have given no data in the last 5 minutes, by any source: the status page (XML), SNMP or REST.",
    f"1 - ({UP.expression})",
    limits=((1, UNREACHABLE),),
    decimals=0,
)

CONSERVATION: Final = Signal(
    "Conservation",
    "none",
    PER_UNIT,
    "Units in resource conservation: they accept less mail, or none, to save memory or queue space.",
    "instance:ironport_resource_conservation:bool{<<units>>}",
    limits=((1, SAVING),),
    decimals=0,
)

WITHOUT_ARRIVALS: Final = """\
(
    max_over_time(ironport_source_up{source="xml",<<units>>}[5m]) == 0
  or
    max_over_time(ironport_source_up{source="rest",<<units>>}[5m]) == 0
  unless on (job, pool, instance)
    max_over_time(ironport_source_up{source="xml",<<units>>}[5m]) == 1
)
and on (job, pool, instance)
max_over_time(ironport_source_up{<<units>>}[5m]) == 1"""
"""Units that answer, but not by the source of their arrivals: the status page or, where none is read, REST."""


def of_complete_pools(signal: Signal) -> Signal:
    """Leave out pools where the figures of a unit are missing: their sums are too low."""
    missing = "pool:ironport_unseen_units:count{<<pools>>} > 0"
    return replace(signal, expression=f"{signal.expression}\nunless on (job, pool)\n{missing}")


_STATES: Final = (
    ("OK", GOOD, "instance:ironport_source_up:max3m{<<units>>}"),
    ("Arrivals unknown", UNREACHABLE, WITHOUT_ARRIVALS),
    (
        "Backlogged",
        WARNING,
        "instance:ironport_work_queue_backlogged:bool{<<units>>} == 1"
        " or instance:ironport_work_queue_high:bool{<<units>>} == 1",
    ),
    ("Slowing", SAVING, "instance:ironport_resource_conservation:bool{<<units>>} == 1"),
    ("Refusing", CRITICAL, "max_over_time(ironport_resource_conservation_refusing{<<units>>}[5m]) == 1"),
    ("Unreachable", UNREACHABLE, "instance:ironport_source_up:max3m{<<units>>} == 0"),
    ("Not monitored", UNWATCHED, "instance:ironport_probe_success:missing5m{<<units>>}"),
)
"""States of a unit, the least serious first: word, colour, and PromQL that has a series while the unit is in it."""

UNIT_STATE: Final = Signal(
    "State",
    "none",
    PER_UNIT,
    "State of each unit. Arrivals unknown: the status page or REST is silent. Backlogged: mail waits for more than a "
    "minute. Slowing, refusing: the unit slows its intake or refuses mail in resource conservation. Unreachable: "
    "neither the status page, SNMP nor REST answers. Not monitored: Prometheus gets nothing from the unit.",
    "\nor\n".join(
        f"max by (job, pool, instance) (0 * ({condition}) + {code})"
        for code, (*_, condition) in reversed([*enumerate(_STATES)])
    ),
    words=numbered(*((word, colour) for word, colour, _ in _STATES)),
)
