"""Whether units answer, and whether they take mail."""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.palette import WARNING
from dashboards.source.signals import Signal

UP: Final = Signal(
    "Units up",
    "none",
    "Whether a unit has answered in the last 5 minutes, by SNMP or its status page; one that nobody asks has not.",
    """\
instance:ironport_source_up:max5m{<units>}
or
0 * instance:ironport_probe_success:missing5m{<units>}""",
    decimals=0,
)

CONSERVATION: Final = Signal(
    "In conservation",
    "none",
    "Units in resource conservation: they take less mail, or none, to save memory or queue space.",
    "instance:ironport_resource_conservation:bool{<units>}",
    limits=((1, WARNING),),
    decimals=0,
)

STATE: Final = Signal(
    "State",
    "none",
    "How each unit is: OK, backlogged, slowing or refusing mail to save its resources, unreachable, not watched.",
    """\
instance:ironport_probe_success:missing5m{<units>} + 5
or
(instance:ironport_source_up:max5m{<units>} == 0) + 4
or
(max_over_time(ironport_resource_conservation_refusing{<units>}[5m]) == 1) + 2
or
(instance:ironport_resource_conservation:bool{<units>} == 1) + 1
or
(instance:ironport_work_queue_backlogged:bool{<units>} == 1) + 0
or
(instance:ironport_work_queue_high:bool{<units>} == 1) + 0
or
0 * instance:ironport_source_up:max5m{<units>}""",
    states=palette.UNIT,
)
