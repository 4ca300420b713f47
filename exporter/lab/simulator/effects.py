"""What the running scenarios do to the fleet in one step: the whole interface between scenarios and model."""

from __future__ import annotations

import numpy as np

from exporter.lab.simulator.noise import Floats
from exporter.lab.simulator.traffic import Mask


class Effects:
    """One figure per unit for everything that a scenario can change; as made, nothing is changed."""

    def __init__(self, units: int) -> None:
        self.demand: Floats = np.ones(units)  # factor on all mail from outside
        self.good: Floats = np.ones(units)  # factor on its good part
        self.shift: Floats = np.zeros(units)  # seconds by which the day's curve comes earlier
        self.target: Floats = np.zeros(units)  # messages per second that arrive at least: spam makes up the difference
        self.extra: Floats = np.zeros(units)  # messages per second besides
        self.undeliverable: Floats = np.zeros(units)  # of `extra`, messages per second that will hard bounce
        self.one_sender: Mask = np.zeros(units, dtype=bool)  # what scenarios add comes from one address
        self.size: Floats = np.ones(units)  # factor on the size of arriving messages
        self.rejected: Floats = np.zeros(units)  # recipients per second refused besides
        self.connections: Floats = np.zeros(units)  # connections per second besides
        self.held: Floats = np.zeros(units)  # share of the connection slots that is held open
        self.service: Floats = np.full(units, np.inf)  # the work queue's exit, at most, as a share of arrivals
        self.paused: Mask = np.zeros(units, dtype=bool)  # the work queue stands still
        self.stuck: Floats = np.zeros(units)  # share of the recipients whose destination is down
        self.delivery: Floats = np.full(units, np.inf)  # deliveries tried, at most, as a share of what is queued anew
        self.alive: Mask = np.ones(units, dtype=bool)
        self.rotation: Mask = np.ones(units, dtype=bool)  # not taken out by the load balancer
        self.promoted: Mask = np.zeros(units, dtype=bool)  # a spare that takes mail
        self.receiving: Mask = np.ones(units, dtype=bool)
        self.snmp: Mask = np.ones(units, dtype=bool)  # the agent answers
        self.xml: Mask = np.ones(units, dtype=bool)  # the web interface answers
        self.admitted: Mask = np.ones(units, dtype=bool)  # our password is right
        self.snmp_loss: Floats = np.zeros(units)  # share of the SNMP requests that are dropped, at least
        self.scraped: Mask = np.ones(units, dtype=bool)  # somebody takes samples
        self.answered: Mask = np.ones(units, dtype=bool)  # the exporter runs
        self.heat: Floats = np.zeros(units)  # degrees Celsius more
        self.fan_failed: Mask = np.zeros(units, dtype=bool)
        self.supply_failed: Mask = np.zeros(units, dtype=bool)
        self.drive_failed: Mask = np.zeros(units, dtype=bool)
        self.log_fill: Floats = np.zeros(units)  # percentage points of the log disk more
        self.updates_fail: Mask = np.zeros(units, dtype=bool)
        self.dns: Floats = np.zeros(units)  # requests without an answer besides
        self.reset: Mask = np.zeros(units, dtype=bool)  # somebody resets the counters in this step
        self.keys: dict[tuple[int, str], float] = {}  # unit and feature to the Unix time at which it expires
        self.versions: dict[int, str] = {}
