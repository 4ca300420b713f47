"""Drives, fans, power supplies and temperatures; feature keys, updates, releases and log disks.

Virtual units have no hardware, and those that are asked for their status page alone tell nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from alerts.thresholds import limit
from dashboards.source import palette
from dashboards.source.palette import CRITICAL, GOOD, WARNING
from dashboards.source.signals import PER_SENSOR, PER_UNIT, Signal

_NOT_REPORTED: Final = "no unit tells of any"
_SECONDS_A_DAY: Final = 86400


def _part(metric: str, words: Mapping[str, str]) -> str:
    """Return the PromQL of the state of each part, whose label `status` stands for a word of palette.PARTS."""
    codes = {each.word: each.code for each in palette.PARTS}
    unknown = codes["Unknown"]
    shown = "\n  or\n".join(
        f'    {codes[word] - unknown} * last_over_time({metric}{{status="{status}",<<units>>}}[15m])'
        for status, word in words.items()
    )
    return f"{unknown} + sum without (status) (\n{shown}\n)"


def _sensor(kind: str, window: str = "10m") -> str:
    """Return the PromQL of the temperatures of the sensors of a kind, which their names tell."""
    return f'avg_over_time(ironport_temperature_celsius{{sensor=~"(?i).*{kind}.*",<<units>>}}[{window}])'


def _temperature(kind: str, words: str) -> Signal:
    return Signal(
        words,
        "celsius",
        PER_UNIT,
        f"Temperature at the sensors of this kind: {kind}.",
        _sensor(kind),
        limits=((limit(f"temperature_{kind}"), WARNING),),
        decimals=0,
        no_value=_NOT_REPORTED,
    )


DRIVE: Final = Signal(
    "Drives",
    "none",
    PER_UNIT,
    "How the drives of a unit are: a mirror that is being rebuilt is none yet.",
    _part("ironport_raid_drive_status", {"healthy": "Healthy", "rebuilding": "Rebuilding", "failed": "Failed"}),
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

SUPPLY: Final = Signal(
    "Power supplies",
    "none",
    PER_UNIT,
    "How the power supplies of a unit are.",
    _part(
        "ironport_power_supply_status",
        {"healthy": "Healthy", "not_installed": "Not installed", "no_ac": "No AC", "faulty": "Faulty"},
    ),
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

FAN: Final = Signal(
    "Slowest fan",
    "rotrpm",
    PER_UNIT,
    "How fast the slowest fan of a unit turns.",
    "max_over_time(ironport_fan_speed_rpm{<<units>>}[10m])",
    limits=((1, GOOD),),
    below=CRITICAL,
    decimals=0,
    no_value=_NOT_REPORTED,
)

FAULTY_PARTS: Final = Signal(
    "State",
    "none",
    PER_UNIT,
    "Every drive, fan and power supply that is not well.",
    f"""\
(
    label_join({DRIVE.expression}, "part", "", "drive")
  or
    label_join({SUPPLY.expression}, "part", "", "power_supply")
) > 1
or
label_join(({FAN.expression} == 0) + 5, "part", "", "fan")""",
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

DRIVES_AT_FAULT: Final = Signal(
    "Drives at fault",
    "none",
    PER_UNIT,
    "Drives that have failed or are being rebuilt.",
    f"({DRIVE.expression}) > bool 2",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

SUPPLIES_AT_FAULT: Final = Signal(
    "Power supplies at fault",
    "none",
    PER_UNIT,
    "Power supplies that are faulty or without power.",
    f"({SUPPLY.expression}) > bool 2",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

FANS_AT_FAULT: Final = Signal(
    "Fans that stand still",
    "none",
    PER_UNIT,
    "Fans that have not turned for 10 minutes.",
    f"{FAN.expression} == bool 0",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

TEMPERATURES: Final = {
    kind: _temperature(kind, title)
    for kind, title in (("ambient", "Ambient"), ("cpu", "CPU"), ("backplane", "Backplane"), ("riser", "Riser"))
}

HEAT: Final = Signal(
    "Temperature, of its limit",
    "percentunit",
    PER_SENSOR,
    "The temperature of a unit's sensors over the alert's limit for their kind, which is the vendor's less a tenth.",
    "\nor\n".join(f"{_sensor(kind)} / <<temperature_{kind}>>" for kind in TEMPERATURES),
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

FEATURE_KEYS: Final = Signal(
    "Days left",
    "none",
    PER_UNIT,
    "Days until the feature keys expire that count down, the nearest first; negative if one has in the last 7 days.",
    """\
bottomk(100,
    (
        last_over_time(instance:ironport_feature_key_remaining_seconds:last15m{<<units>>}[15m])
      > - <<key_expired_seconds>>
      and
        deriv(instance:ironport_feature_key_remaining_seconds:last15m{<<units>>}[1h]) < -0.5
    )
  / 86400
)""",
    limits=((limit("key_last_seconds") / _SECONDS_A_DAY, WARNING), (limit("key_seconds") / _SECONDS_A_DAY, GOOD)),
    below=CRITICAL,
    decimals=0,
    no_value="no key counts down",
)

UPDATES: Final = Signal(
    "Updates",
    "none",
    PER_UNIT,
    "Updates of engines and rules that succeeded in the time shown.",
    "increase(instance:ironport_updates:last15m{<<units>>}[$__range])",
    decimals=0,
    no_value=_NOT_REPORTED,
)

FAILED_UPDATES: Final = Signal(
    "Failed updates",
    "none",
    PER_UNIT,
    "Updates of engines and rules that failed in the time shown; services try again by themselves.",
    "increase(instance:ironport_update_failures:last15m{<<units>>}[$__range])",
    decimals=0,
    no_value=_NOT_REPORTED,
)

FAILING_UPDATES: Final = Signal(
    "Failures",
    "none",
    PER_UNIT,
    "Units where updates failed in the time shown, with how many; an engine that is not updated misses new threats.",
    f"topk(50, {FAILED_UPDATES.expression} >= 1)",
    limits=((limit("update_failures"), WARNING),),
    decimals=0,
)
