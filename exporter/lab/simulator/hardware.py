"""The hardware of a unit as its SNMP agent shows it: power supplies, sensors, fans and drives."""

from __future__ import annotations

from typing import Final

from exporter.metrics.conversions import Raw

HEALTHY_SUPPLY, FAULTY_SUPPLY = 2, 4
HEALTHY_DRIVE, FAILED_DRIVE = 1, 2
_SENSORS: Final = {"Ambient": (23, 0), "CPU 1": (46, 14), "CPU 2": (44, 14), "Backplane": (34, 3), "Riser": (36, 3)}
"""By sensor: degrees Celsius of an idle unit, and how many more a busy unit has."""

_FANS: Final = 6
_DRIVES: Final = 4

TableRow = dict[str, Raw]
"""The objects of a row by their name in the MIB, including the label."""


def supply_rows(*, failed: bool) -> list[TableRow]:
    """Return powerSupplyTable: two power supplies. The second can fail."""
    return [
        {
            "powerSupplyName": f"PS {number}",
            "powerSupplyStatus": FAULTY_SUPPLY if failed and number == 2 else HEALTHY_SUPPLY,
            "powerSupplyRedundancy": 2 if failed else 1,
        }
        for number in (1, 2)
    ]


def temperature_rows(busy: float, heat: float) -> list[TableRow]:
    """Return temperatureTable for a unit that is `busy` (0 to 1) in a room that is `heat` degrees too warm."""
    return [
        {"temperatureName": name, "degreesCelsius": round(idle + more * busy + heat)}
        for name, (idle, more) in _SENSORS.items()
    ]


def fan_rows(busy: float, heat: float, *, failed: bool) -> list[TableRow]:
    """Return fanTable: fans turn faster when it is warm. The third can fail."""
    speed = round(5400 + 900 * busy + 60 * heat)
    return [
        {"fanName": f"Fan {number}", "fanRPMs": 0 if failed and number == 3 else speed + 40 * number}
        for number in range(1, _FANS + 1)
    ]


def drive_rows(*, failed: bool) -> list[TableRow]:
    """Return raidTable: two mirrors of two drives. The second drive can fail."""
    return [
        {
            "raidID": f"RAID {1 + number // 2}, DISK {1 + number % 2}",
            "raidStatus": FAILED_DRIVE if failed and number == 1 else HEALTHY_DRIVE,
        }
        for number in range(_DRIVES)
    ]
