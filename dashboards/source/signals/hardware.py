"""Drives, fans, power supplies and temperatures; feature keys and updates.

Virtual units have no hardware, and the status page does not report it: it comes from SNMP.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dashboards.source import palette
from dashboards.source.palette import BASELINE, CRITICAL, GOOD, WARNING
from dashboards.source.signals import PER_SENSOR, PER_UNIT, Signal
from exporter.bundle.thresholds import limit

_NOT_REPORTED: Final = "no unit reports any"
_SECONDS_A_DAY: Final = 86400
_CODES: Final = {each.word: each.code for each in palette.PARTS}


def _part(metric: str, *words: str) -> str:
    """Return the PromQL of the state of each part: its label `status` is a word of PARTS in lower case."""
    unknown = _CODES["Unknown"]
    known = "\n  or\n".join(
        f'    {_CODES[word] - unknown} * last_over_time({metric}{{status="{_status(word)}",<<units>>}}[15m])'
        for word in words
    )
    return f"{unknown} + sum without (status) (\n{known}\n)"


def _or_unknown(parts: str) -> str:
    """Return the PromQL of the states of parts, and a state for each unit whose SNMP is silent, if that lasts."""
    silent = 'max_over_time(ironport_source_up{source="snmp",<<units>>}[15m]) == 0'
    return f"{parts}\nor on (job, pool, instance)\n({silent}) + {_CODES['Unknown']}"


def _status(word: str) -> str:
    return word.lower().replace(" ", "_")


def _sensor(kind: str, window: str = "10m") -> str:
    """Return the PromQL of the temperatures of all sensors whose name contains the kind."""
    return f'avg_over_time(ironport_temperature_celsius{{sensor=~"(?i).*{kind}.*",<<units>>}}[{window}])'


def _temperature(kind: str, title: str) -> Signal:
    return Signal(
        title,
        "celsius",
        PER_UNIT,
        f"Temperature of the {kind} sensors of a unit.",
        _sensor(kind),
        limits=((limit(f"temperature_{kind}"), WARNING),),
        decimals=0,
        no_value=_NOT_REPORTED,
    )


_DRIVES: Final = _part("ironport_raid_drive_status", "Healthy", "Rebuilding", "Failed")
_SUPPLIES: Final = _part("ironport_power_supply_status", "Healthy", "Not installed", "No AC", "Faulty")

DRIVE: Final = Signal(
    "Drives",
    "none",
    PER_UNIT,
    "State of the drives of a unit. While a mirror is rebuilt, it does not protect yet.",
    _or_unknown(_DRIVES),
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

SUPPLY: Final = Signal(
    "Power supplies",
    "none",
    PER_UNIT,
    "State of the power supplies of a unit.",
    _or_unknown(_SUPPLIES),
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

FAN: Final = Signal(
    "Slowest fan",
    "rotrpm",
    PER_UNIT,
    "Speed of the slowest fan of a unit.",
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
    "Every drive, fan and power supply that is not healthy.",
    f"""\
(
    label_join({_DRIVES}, "part", "", "drive")
  or
    label_join({_SUPPLIES}, "part", "", "power_supply")
) > {_CODES["Not installed"]}
or
label_join(({FAN.expression} == 0) + {_CODES["Stopped"]}, "part", "", "fan")""",
    words=palette.PARTS,
    no_value=_NOT_REPORTED,
)

DRIVES_AT_FAULT: Final = Signal(
    "Drives at fault",
    "none",
    PER_UNIT,
    "Drives that have failed or are being rebuilt.",
    f"({_DRIVES}) > bool {_CODES['Unknown']}",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

SUPPLIES_AT_FAULT: Final = Signal(
    "Power supplies at fault",
    "none",
    PER_UNIT,
    "Power supplies that are faulty or without power.",
    f"({_SUPPLIES}) > bool {_CODES['Unknown']}",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

FANS_AT_FAULT: Final = Signal(
    "Stopped fans",
    "none",
    PER_UNIT,
    "Fans that have stood still for 10 minutes.",
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
    "Temperature / limit",
    "percentunit",
    PER_SENSOR,
    "Temperature of each sensor as a share of the alert's limit, which is 10 % below the vendor's limit.",
    "\nor\n".join(f"{_sensor(kind)} / <<temperature_{kind}>>" for kind in TEMPERATURES),
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NOT_REPORTED,
)

FEATURE_KEYS: Final = Signal(
    "Days left",
    "none",
    PER_UNIT,
    "Days until feature keys expire, without perpetual keys. Negative for 7 days after a key has expired.",
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
    no_value="no feature key expires",
)

FIRST_KEY: Final = replace(
    FEATURE_KEYS.worst("bottomk"),
    name="First key",
    unit="suffix:days",
    description="The feature key that expires first.",
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
    "Updates of engines and rules that failed in the time shown. The services try again by themselves.",
    "increase(instance:ironport_update_failures:last15m{<<units>>}[$__range])",
    decimals=0,
    no_value=_NOT_REPORTED,
)

FAILING_UPDATES: Final = Signal(
    "Failures",
    "none",
    PER_UNIT,
    "Failed updates by unit and service in the time shown. An engine that is not updated misses new threats.",
    f"topk(50, {FAILED_UPDATES.expression} >= 1)",
    limits=((limit("update_failures"), WARNING),),
    below=BASELINE,
    decimals=0,
)

# --- facts that are seldom needed -------------------------------------------------------------------------------------

RAID_EVENTS: Final = Signal(
    "RAID events",
    "none",
    PER_UNIT,
    "RAID events in the time shown.",
    "increase(ironport_raid_events_total{<<units>>}[$__range])",
    decimals=0,
    no_value=_NOT_REPORTED,
)

REDUNDANT: Final = Signal(
    "Power",
    "none",
    PER_UNIT,
    "Whether the set of power supplies is redundant.",
    "last_over_time(ironport_power_supply_redundant{<<units>>}[15m])",
    words=palette.REDUNDANT_WORDS,
    no_value=_NOT_REPORTED,
)

FIPS: Final = Signal(
    "FIPS mode",
    "none",
    PER_UNIT,
    "Whether FIPS mode is on.",
    "last_over_time(ironport_fips_mode{<<units>>}[15m])",
    words=palette.SWITCH_WORDS,
)
