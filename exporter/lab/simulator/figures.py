"""The gauges of all units at one instant, computed from the state and rounded as an appliance rounds them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.mailflow import REFUSING, used_kib
from exporter.lab.simulator.noise import Floats
from exporter.lab.simulator.state import FleetState

FigureColumn = NDArray[np.int64] | list[str]


def gauges(
    fleet: FleetArrays, state: FleetState, effects: Effects, jitter: Floats, time: float
) -> dict[str, FigureColumn]:
    """Return the gauges by their name on the status page, in percent, messages, recipients, connections or KiB."""
    used = np.floor(used_kib(fleet, state)).astype(np.int64)
    quarantined = {
        "msgs": state.quarantined,
        "kbytes": np.floor(state.quarantined * fleet.mail.kib).astype(np.int64),
    }
    return {
        **_processes(fleet, state, jitter),
        "ram_utilization": _percent(_memory(state) + 0.3 * jitter),
        "disk_utilization": _disk(state, effects),
        "resource_conservation": state.level,
        **_log(fleet, effects, time),
        "conn_in": state.connections_in,
        "conn_out": state.connections_out,
        "active_recips": state.unattempted + state.attempted,
        "unattempted_recips": state.unattempted,
        "attempted_recips": state.attempted,
        "msgs_in_work_queue": state.queue,
        "dests_in_memory": np.floor(40 + 0.2 * (state.unattempted + state.attempted)).astype(np.int64),
        "kbytes_used": used,
        "kbytes_free": fleet.queue_kib - used,
        **{f"{unit}_in_quarantine": amount for unit, amount in quarantined.items()},
        **{f"{unit}_in_policy_virus_outbreak_quarantine": amount for unit, amount in quarantined.items()},
    }


def agent(
    fleet: FleetArrays, state: FleetState, effects: Effects, page: Mapping[str, FigureColumn], jitter: Floats
) -> dict[str, FigureColumn]:
    """Return the numeric scalars of the MIB. Those that the status `page` has too have the same values."""
    memory, connections = np.asarray(page["ram_utilization"]), state.connections_in + state.connections_out
    queue = _percent(100 * np.asarray(page["kbytes_used"]) / fleet.queue_kib)
    waiting = state.connections_in * 0.1 + 2 + np.abs(jitter)
    return {
        "perCentMemoryUtilization": memory,
        "perCentCPUUtilization": page["total_utilization"],
        "perCentDiskIOUtilization": page["disk_utilization"],
        "perCentQueueUtilization": queue,
        "queueAvailabilityStatus": 1 + (queue >= 80) + (queue >= 98),
        "resourceConservationReason": _reason(state, queue),
        "memoryAvailabilityStatus": 1 + (memory >= 45) + (memory >= 95),
        "workQueueMessages": state.queue,
        "outstandingDNSRequests": np.floor(waiting + effects.dns).astype(np.int64),
        "pendingDNSRequests": np.floor(np.abs(jitter) + effects.dns / 2).astype(np.int64),
        "openFilesOrSockets": np.floor(220 + 2 * connections + np.minimum(state.queue / 50, 500)).astype(np.int64),
        "mailTransferThreads": np.floor(24 + connections / 2).astype(np.int64),
        "raidEvents": state.raid_events,
    }


def busy(fleet: FleetArrays, state: FleetState) -> Floats:
    """Return the share of its capacity that each unit uses, from 0 to 1."""
    return np.minimum(state.exit_rate / fleet.capacity, 1.0)


def _percent(figure: Floats, highest: int = 100) -> NDArray[np.int64]:
    return np.clip(np.rint(figure), 0, highest).astype(np.int64)


def _processes(fleet: FleetArrays, state: FleetState, jitter: Floats) -> dict[str, FigureColumn]:
    """CPU use follows the messages that leave the work queue: a unit that waits for its disk is idle."""
    load = busy(fleet, state)
    spam = _percent(24 * load + 0.5 * jitter)
    return {
        "total_utilization": _percent(7 + 74 * load + 2 * jitter),
        "cpu_utilization": _percent(2 + 18 * load + jitter),
        "av_utilization": _percent(12 * load + 0.5 * jitter),
        "as_utilization": spam,
        "case_utilization": spam,
        "bm_utilization": _percent(0 * load),
        "reporting_utilization": _percent(1 + 3 * load),
        "quarantine_utilization": _percent(1 + 0.4 * jitter),
    }


def _memory(state: FleetState) -> Floats:
    """Memory use follows the work queue. In newer releases resource conservation begins at 45 %."""
    return np.interp(state.queue, (0, 10_000, 50_000), (16, 45, 90))


def _disk(state: FleetState, effects: Effects) -> NDArray[np.int64]:
    """Disk I/O as a share of its peak since boot. It is at the peak if a failed drive is the bottleneck."""
    share = 100 * state.io / np.maximum(state.io_peak, 0.1)
    return _percent(np.where(effects.on(Switch.DRIVE_FAILED) & np.isfinite(effects.service), 100, share), 400)


def _log(fleet: FleetArrays, effects: Effects, time: float) -> dict[str, FigureColumn]:
    """Return use and space of the log disk. The logs are collected once a day, at another hour for each unit."""
    day = (time / 86400 + np.arange(len(fleet)) * 0.618) % 1
    used = np.minimum(12 + 6 * day + effects.log_fill, 100)
    free = np.floor(fleet.log_kib * (1 - used / 100)).astype(np.int64)
    return {"log_used": _percent(used), "log_available": [_size(int(kib)) for kib in free]}


def _size(kib: int) -> str:
    """Return an amount of KiB as the status page writes it: "388G", "34M", "379323K"."""
    for unit, factor in (("G", 1024**2), ("M", 1024)):
        if kib >= 10 * factor:
            return f"{kib // factor}{unit}"
    return f"{kib}K"


def _reason(state: FleetState, queue: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the MIB's reason for resource conservation. For a long work queue it names memory."""
    space = np.where(queue >= 98, 4, np.where(queue >= 80, 3, 2))
    return np.where((state.level > 0) | (state.level == REFUSING), space, 1)
