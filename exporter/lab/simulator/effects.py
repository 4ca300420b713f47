"""What the running scenarios do to the fleet in one step: the whole interface between scenarios and model."""

from __future__ import annotations

from enum import IntEnum, auto

import numpy as np

from exporter.lab.simulator.noise import Floats, Mask


class Switch(IntEnum):
    """What a scenario can turn on for a unit. In quiet times everything is off."""

    DEAD = 0
    """The whole unit is down."""
    SNMP_DEAD = auto()
    """The SNMP agent does not answer."""
    XML_DEAD = auto()
    """The web interface does not answer."""
    REST_DEAD = auto()
    """The REST interface does not answer. The rest of the web interface does."""
    PASSWORD_REFUSED = auto()
    """The web interface refuses the exporter's password."""
    NOT_SCRAPED = auto()
    """Prometheus takes no samples."""
    EXPORTER_DOWN = auto()
    """The exporter does not run."""
    PAUSED = auto()
    """The work queue stands still."""
    SUSPENDED = auto()
    """The listeners accept no mail."""
    OUT_OF_ROTATION = auto()
    """The load balancer sends the unit no mail."""
    PROMOTED = auto()
    """The unit is a spare and gets mail."""
    ONE_SENDER = auto()
    """What the scenarios add comes from one address."""
    DRIVE_FAILED = auto()
    FAN_FAILED = auto()
    SUPPLY_FAILED = auto()
    UPDATES_FAIL = auto()
    COUNTERS_RESET = auto()
    """Somebody resets the counters in this step."""


class Effects:
    """A number for each unit for everything that a scenario can change. A new object changes nothing."""

    def __init__(self, units: int) -> None:
        self.switches: Mask = np.zeros((len(Switch), units), dtype=bool)

        self.demand: Floats = np.ones(units)
        """Factor on all mail from outside."""
        self.good: Floats = np.ones(units)
        """Factor on the good part of it."""
        self.shift: Floats = np.zeros(units)
        """Seconds by which the curve of the day comes earlier."""
        self.target: Floats = np.zeros(units)
        """Messages per second that arrive at least. Spam makes up the difference to the usual mail."""
        self.extra: Floats = np.zeros(units)
        """Messages per second that arrive in addition."""
        self.undeliverable: Floats = np.zeros(units)
        """Messages per second, out of `extra`, that will hard bounce."""
        self.size: Floats = np.ones(units)
        """Factor on the size of arriving messages."""
        self.rejected: Floats = np.zeros(units)
        """Recipients per second that are refused in addition."""
        self.connections: Floats = np.zeros(units)
        """Connections per second in addition."""
        self.held: Floats = np.zeros(units)
        """Share of the connection slots that is held open."""
        self.service: Floats = np.full(units, np.inf)
        """What leaves the work queue at most, as a share of arrivals."""
        self.delivery: Floats = np.full(units, np.inf)
        """Deliveries that are tried at most, as a share of the recipients that are newly queued."""
        self.snmp_loss: Floats = np.zeros(units)
        """Share of the SNMP requests that are dropped at least."""
        self.heat: Floats = np.zeros(units)
        """Degrees Celsius above the usual temperature."""
        self.log_fill: Floats = np.zeros(units)
        """Percentage points of the log disk in addition."""
        self.dns: Floats = np.zeros(units)
        """DNS requests without an answer in addition."""
        self.refusals: dict[tuple[int, int], float] = {}
        """Destination and unit to the share of its recipients that the destination does not take."""
        self.keys: dict[tuple[int, str], float] = {}
        """Unit and feature to the Unix time at which the feature key expires."""
        self.certificates: dict[int, float] = {}
        """Unit to the Unix time at which the certificate of its web interface expires."""
        self.versions: dict[int, str] = {}
        """Unit to the release of AsyncOS that it runs instead of its own."""

    def on(self, switch: Switch) -> Mask:
        """Return for each unit whether the switch is on."""
        row: Mask = self.switches[switch]
        return row

    @property
    def alive(self) -> Mask:
        return ~self.on(Switch.DEAD)

    @property
    def receiving(self) -> Mask:
        return ~self.on(Switch.SUSPENDED)
