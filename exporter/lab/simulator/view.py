"""All values of all units at one instant, as the two sources give them: SNMP objects and status pages.

The items have the names that the exporter's own sources use. So the live fleet and the history show the same values.
Status pages give text, SNMP gives numbers and text.
"""

# mypy: disable-error-code=no-any-return
# numpy's operators are typed as Any where shapes or kinds mix.
from __future__ import annotations

import time as clock
import zlib
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np

from exporter.lab.simulator import figures, hardware
from exporter.lab.simulator.destinations import share_out
from exporter.lab.simulator.effects import Effects, Switch
from exporter.lab.simulator.fleet_arrays import FleetArrays
from exporter.lab.simulator.hardware import TableRow
from exporter.lab.simulator.noise import Counts, Floats
from exporter.lab.simulator.oddities import Oddities
from exporter.lab.simulator.releases import CURRENT, FEATURES, SERVICES, KeyKind
from exporter.lab.simulator.state import Count, FleetState
from exporter.lab.simulator.status_items import COUNTERS, GAUGES, IDS, RATED_COUNTERS, WINDOWS, PageName
from exporter.metrics.conversions import Raw
from exporter.metrics.reading import Items, Row, name_rows
from exporter.prometheus.durations import DAY
from exporter.sources.snmp.mib import TABLES
from exporter.sources.xml.pages import TOPHOSTS

_LAPSED_AT: Final = 1_420_070_400
_EVALUATION_SECONDS: Final = 2_592_000
_KEY_PERIOD: Final = 365 * DAY
_KEY_LEAST: Final = 60 * DAY
"""A counting key is renewed every year, when 60 days are left."""

_TOP: Final = 20


@dataclass(frozen=True, slots=True)
class Transport:
    """How the sources of one unit answer at this time."""

    scraped: bool
    """Whether Prometheus takes samples."""
    answered: bool
    """Whether the exporter runs."""
    snmp: bool
    """Whether the SNMP agent answers."""
    xml: bool
    """Whether the web interface answers."""
    rest: bool
    """Whether the REST interface answers, on a unit that has one."""
    admits: bool
    """Whether the web interface accepts the exporter's password; otherwise it answers 401."""
    snmp_loss: float
    """The probability that an SNMP request is lost."""
    xml_loss: float
    """The probability that the connection for a page breaks."""
    delay: float
    """Seconds that a page takes."""
    certificate_expiry: float | None = None
    """When its certificate expires, in Unix time; None if nobody looks at it."""


def rated(state: FleetState) -> Counts:
    """Return the totals of the counters that the status page gives rates of, by unit."""
    return np.array([_total(state.counts, name) for name in RATED_COUNTERS])


def _total(counts: Counts, name: str) -> Counts:
    rows = COUNTERS[name]
    return counts[rows].sum(axis=0) if isinstance(rows, slice) else counts[rows]


class DestinationState(NamedTuple):
    """The state of a destination of a unit's mail. Totals began when the unit started."""

    domain: str
    active_recipients: int
    connections: int
    delivered_recipients: int
    soft_bounces: int
    hard_bounces: int
    down: bool


class UnitState(NamedTuple):
    """What a unit says of itself."""

    status: str
    started: float  # by its own clock, in Unix time
    oldest_seconds: int  # age of the oldest message
    model: str
    release: str
    serial: str


class View:
    """The values of all units at `time` (Unix time). Later steps of the model do not change them.

    `increases` are the increases of `rated` over the windows of the rates, `jitter` is the noise of the gauges.
    """

    def __init__(
        self,
        fleet: FleetArrays,
        state: FleetState,
        effects: Effects,
        jitter: Floats,
        increases: Mapping[str, Counts],
        time: float,
        oddities: Oddities,
    ) -> None:
        self.time = time
        self._fleet = fleet
        self._effects = effects
        page = figures.gauges(fleet, state, effects, jitter, time)
        self._gauges = _lists(page)
        self._scalars = _lists(figures.agent(fleet, state, effects, page, jitter))
        self._counters = _lists(_counter_columns(state))
        self._rates = _lists(_rate_columns(increases))
        self._counts = state.counts.T.tolist()
        self._busy = figures.busy(fleet, state).tolist()
        self._updates = state.updates.T.tolist(), state.update_failures.T.tolist()
        self._boot, self._agent_boot, self._reset = (
            times.tolist() for times in (state.boot, state.agent_boot, state.reset)
        )
        self._clock = oddities.clock.tolist()
        self._oldest = _oldest(state, time)
        mail = state.destinations
        self._destination_counts = mail.waiting, mail.delivered, mail.soft, mail.hard
        self._dead = oddities.traits.dead
        self._heaviest = state.heaviest.tolist()

    def xml_items(
        self, unit: str, pages: Sequence[PageName] = ("status",), wanted: Container[str] | None = None
    ) -> Items:
        """Return what the exporter reads from the unit's status pages, as text and in the order of the page.

        Only the items `wanted`, by default all.
        """
        number = self._fleet.index[unit]
        items: Items = {}
        if "status" in pages:
            items.update(
                {name: {(): str(value)} for name, value in self._status(number) if wanted is None or name in wanted}
            )
            items["features/time_remaining"] = {
                (name,): "Dormant/Perpetual" if seconds is None else str(seconds)
                for name, seconds in self._features(number)
            }
        if "dnsstatus" in pages:
            items.update({name: {(): value} for name, value in self._dnsstatus(number)})
        if "tophosts" in pages:
            items.update(self._tophosts(number))
        if "topin" in pages:
            items["topin/connections"] = self._topin(number)
        return items

    def snmp_items(self, unit: str, wanted: Container[str] | None = None) -> Items:
        """Return what the exporter reads from the unit's SNMP agent: scalars, and table columns by row.

        Only the items `wanted`, by default all.
        """
        items: Items = {
            name: {(): value} for name, value in self.snmp_scalars(unit).items() if wanted is None or name in wanted
        }
        tables = self.snmp_tables(unit)
        for table in TABLES:
            columns = [column.name for column in table.columns if wanted is None or column.name in wanted]
            rows = tables[table.name] if columns else ()
            names = _names(tuple(str(row[table.label.name]) for row in rows))
            for column in columns if rows else ():
                items[column] = {name: row[column] for name, row in zip(names, rows, strict=True)}
        return items

    def snmp_scalars(self, unit: str) -> dict[str, Raw]:
        """Return the scalars that the unit's agent has, by their name in the MIB."""
        number = self._fleet.index[unit]
        scalars: dict[str, Raw] = {
            "sysDescr": self._description(number),
            "sysUpTime": int((self.time - self._agent_boot[number]) * 100) % 2**32,
        }
        scalars.update({name: column[number] for name, column in self._scalars.items()})
        scalars["oldestMessageAge"] = self._oldest[number][0]
        if self._fleet.topology.appliances[number].virtual:
            del scalars["raidEvents"]
        if self._fleet.generation[number] == CURRENT:
            scalars["fipsMode"] = 2
        return scalars

    def snmp_tables(self, unit: str) -> dict[str, list[TableRow]]:
        """Return the rows of each table of the MIB, index 1 first. Virtual units have no hardware."""
        number = self._fleet.index[unit]
        return {
            "powerSupplyTable": [],
            "temperatureTable": [],
            "fanTable": [],
            "raidTable": [],
            **({} if self._fleet.topology.appliances[number].virtual else self._hardware(number)),
            "keyExpirationTable": [
                {
                    "keyDescription": name,
                    "keyIsPerpetual": 1 if seconds is None else 2,
                    "keySecondsUntilExpire": max(seconds or 0, 0),
                }
                for name, seconds in self._features(number)
            ],
            "updateTable": [
                {"updateServiceName": service, "updates": good % 2**32, "updateFailures": bad % 2**32}
                for service, good, bad in zip(SERVICES, *(counts[number] for counts in self._updates), strict=True)
            ],
        }

    def gauge(self, unit: str, name: str) -> Raw:
        """Return a gauge of the unit by its name on the status page, or by the name of a scalar of the MIB."""
        column = self._gauges.get(name) or self._scalars[name]
        return column[self._fleet.index[unit]]

    def since_boot(self, unit: str, name: str) -> Raw:
        """Return a counter of the status page that began when the unit started."""
        return self._counters[f"counters/{name}/uptime"][self._fleet.index[unit]]

    def rate(self, unit: str, name: str, window: str) -> Raw:
        """Return a rate of the status page, per hour."""
        return self._rates[f"rates/{name}/{window}"][self._fleet.index[unit]]

    def state(self, unit: str) -> UnitState:
        """Return what the unit says of itself."""
        number = self._fleet.index[unit]
        return UnitState(
            status=self._system_status(number),
            started=self._boot[number] + self._clock[number],
            oldest_seconds=self._oldest[number][0],
            model=self._fleet.topology.appliances[number].model,
            release=self._version(number),
            serial=self._serial(number),
        )

    def destinations(self, unit: str) -> list[DestinationState]:
        """Return the destinations of the unit's mail. Their active recipients add up to those of the unit."""
        number = self._fleet.index[unit]
        columns = (
            counts[:, number].tolist() for counts in (self._active, self._connections, *self._destination_counts[1:])
        )
        down = ((self._refused[:, number] >= 1) | (self._dead[:, number] > 0)).tolist()
        domains = self._fleet.destinations.domains[self._fleet.pool[number]]
        rows = map(DestinationState, domains, *columns, down)
        return [row for row in rows if any(row[1:6])]

    @cached_property
    def _refused(self) -> Floats:
        """The share of its recipients that each destination does not take, by destination and unit."""
        refused = np.zeros(self._fleet.destination_share.shape)
        for place, share in self._effects.refusals.items():
            refused[place] = share
        return refused

    @cached_property
    def _shared_out(self) -> Counts:
        """Unattempted recipients and outbound connections, by destination and unit.

        A destination that is down has no connection.
        """
        share = self._fleet.destination_share
        amounts = np.array([self._gauges["unattempted_recips"], self._gauges["conn_out"]])
        weights = np.array([share, (share * (self._refused < 1))])
        return share_out(amounts, weights, np.full(amounts.shape, 0.5))

    @property
    def _active(self) -> Counts:
        return self._destination_counts[0] + self._shared_out[0]

    @property
    def _connections(self) -> Counts:
        return self._shared_out[1]

    def transport(self, unit: str) -> Transport:
        """Return how the unit's sources answer at this time. A busy unit answers fewer SNMP requests."""
        number, effects = self._fleet.index[unit], self._effects
        strain = min(max((self._busy[number] - 0.7) / 0.2, 0.0), 1.0)
        alive = not self._is_on(Switch.DEAD, number)
        web = alive and not self._is_on(Switch.XML_DEAD, number)
        return Transport(
            scraped=not self._is_on(Switch.NOT_SCRAPED, number),
            answered=not self._is_on(Switch.EXPORTER_DOWN, number),
            snmp=alive and not self._is_on(Switch.SNMP_DEAD, number),
            xml=web,
            rest=web and not self._is_on(Switch.REST_DEAD, number),
            admits=not self._is_on(Switch.PASSWORD_REFUSED, number),
            snmp_loss=max(0.02 + 0.15 * strain, float(effects.snmp_loss[number])),
            xml_loss=0.001,
            delay=0.1 + 1.4 * strain,
            certificate_expiry=effects.certificates.get(number),
        )

    def _status(self, number: int) -> Iterator[tuple[str, Raw]]:
        """Yield the items of /xml/status in the order of the page, without the features."""
        yield "status/build", f"phoebe {self._version(number)}"
        yield "status/hostname", f"{self._fleet.names[number]}.example.net"
        boot, ahead = self._boot[number], self._clock[number]
        yield "status/timestamp", _stamp(self.time + ahead)
        yield "birth_time/timestamp", f"{_stamp(boot + ahead)} ({_uptime_text(self.time - boot)})"
        yield "last_counter_reset/timestamp", _stamp(self._reset[number] + ahead)
        yield "system/status", self._system_status(number)
        age, message = self._oldest[number]
        yield "oldest_message/secs", age
        if self._fleet.generation[number] == CURRENT:
            yield "oldest_message/mid", message
        yield from ((name, column[number]) for name, column in self._counters.items())
        yield from ((f"current_ids/{name}", self._counts[number][count]) for name, count in IDS.items())
        yield from ((name, column[number]) for name, column in self._rates.items())
        for gauge in GAUGES[int(self._fleet.generation[number])]:
            yield f"gauges/{gauge}/current", self._gauges[gauge][number]

    def _dnsstatus(self, number: int) -> Iterator[tuple[str, str]]:
        counts = self._counts[number]
        requests, missed = counts[Count.DNS_REQUESTS], counts[Count.DNS_NETWORK_REQUESTS]
        operations = {
            "dns_reqs": requests,
            "network_reqs": missed,
            "cache_hits": requests - missed,
            "cache_misses": missed,
            "cache_exceptions": missed // 50,
            "cache_expired": counts[Count.DNS_CACHE_EXPIRED],
        }
        return ((f"counters/{name}/lifetime", str(total)) for name, total in operations.items())

    def _tophosts(self, number: int) -> Items:
        """Return the busiest destinations."""
        places, *columns = self._busiest[number]
        domains = self._fleet.destinations.domains[self._fleet.pool[number]]
        rows = [(domains[place],) for place in places]
        by_figure = dict(zip(DestinationState._fields[1:], columns, strict=False))
        return {f"tophosts/{figure}": dict(zip(rows, by_figure[figure], strict=True)) for figure in TOPHOSTS.numbers}

    @cached_property
    def _busiest(self) -> list[list[list[int]]]:
        """The places of each unit's busiest destinations, and their figures in the order of `DestinationState`."""
        mail = np.array([self._active, self._connections, *self._destination_counts[1:]])
        some = mail.any(axis=0)
        order = np.argsort(np.where(some, -mail[0], 1), axis=0, kind="stable")[:_TOP]
        columns = np.concatenate([order[None], np.take_along_axis(mail, order[None], axis=1)])
        lengths = np.minimum(some.sum(axis=0), _TOP).tolist()
        return [columns[:, :length, number].tolist() for number, length in enumerate(lengths)]

    def _topin(self, number: int) -> dict[Row, Raw]:
        """Return the senders with the most connections. A heavy sender is 203.0.113.66."""
        connections, heaviest = self._gauges["conn_in"][number], self._heaviest[number]
        others = connections * (1 - heaviest)
        rows: dict[Row, Raw] = {
            (*row, "Incoming"): float(others * share // 1) for row, share in _zipf("192.0.2.{}").items()
        }
        if heaviest > 0:
            rows["203.0.113.66", "Incoming"] = float(connections * heaviest // 1)
        busiest = sorted(rows.items(), key=lambda row: -float(row[1]))
        return {row: value for row, value in busiest[:_TOP] if float(value) > 0}

    def _features(self, number: int) -> Iterator[tuple[str, int | None]]:
        """Yield the feature keys with the seconds that are left; None for a perpetual key."""
        features = FEATURES[int(self._fleet.generation[number])]
        for place, (name, kind) in enumerate(features.items()):
            expiry = self._effects.keys.get((number, name))
            if expiry is not None:
                yield name, int(expiry - self.time)
            elif kind is KeyKind.COUNTING:
                phase = (number * 7 + place) * 11 * DAY
                yield name, int(_KEY_LEAST + (phase - self.time) % _KEY_PERIOD)
            else:
                yield (
                    name,
                    {
                        KeyKind.LAPSED: int(_LAPSED_AT - self.time),
                        KeyKind.EVALUATION: _EVALUATION_SECONDS,
                    }.get(kind),
                )

    def _hardware(self, number: int) -> dict[str, list[TableRow]]:
        busy, heat = self._busy[number], float(self._effects.heat[number])
        return {
            "powerSupplyTable": hardware.supply_rows(failed=self._is_on(Switch.SUPPLY_FAILED, number)),
            "temperatureTable": hardware.temperature_rows(busy, heat),
            "fanTable": hardware.fan_rows(busy, heat, failed=self._is_on(Switch.FAN_FAILED, number)),
            "raidTable": hardware.drive_rows(failed=self._is_on(Switch.DRIVE_FAILED, number)),
        }

    def _is_on(self, switch: Switch, number: int) -> bool:
        return bool(self._effects.switches[switch, number])

    def _version(self, number: int) -> str:
        return self._effects.versions.get(number, self._fleet.topology.appliances[number].asyncos)

    def _description(self, number: int) -> str:
        brand = "Cisco" if self._fleet.generation[number] == CURRENT else "Cisco IronPort"
        model = self._fleet.topology.appliances[number].model
        release = f"AsyncOS Version: {self._version(number)}, Build Date: 2017-03-15"
        return f"{brand} Model {model}, {release}, Serial #: {self._serial(number)}"

    def _serial(self, number: int) -> str:
        digits = f"{zlib.crc32(self._fleet.names[number].encode()):012X}"
        return f"{digits[6:]}-{digits[::-1]}"

    def _system_status(self, number: int) -> str:
        if self._is_on(Switch.PAUSED, number):
            return "work queue paused"
        return "receiving suspended" if self._is_on(Switch.SUSPENDED, number) else "online"


@lru_cache(maxsize=1024)
def _names(labels: tuple[str, ...]) -> tuple[Row, ...]:
    """Return the names of the rows of a table with these labels."""
    named = name_rows((str(index), label) for index, label in enumerate(labels, 1))
    return tuple((name,) for name in named.values())


def _lists(columns: Mapping[str, figures.FigureColumn]) -> dict[str, list[Raw]]:
    return {name: list(column) if isinstance(column, list) else column.tolist() for name, column in columns.items()}


def _counter_columns(state: FleetState) -> dict[str, figures.FigureColumn]:
    columns = {"reset": state.counts - state.at_reset, "uptime": state.counts - state.at_boot, "lifetime": state.counts}
    return {
        f"counters/{name}/{column}": _total(counts, name) for name in COUNTERS for column, counts in columns.items()
    }


def _rate_columns(increases: Mapping[str, Counts]) -> dict[str, figures.FigureColumn]:
    """Return the rates per hour, from the increases of the rated counters over each window."""
    return {
        f"rates/{name}/{window}": increases[window][row] * (3600 // seconds)
        for row, name in enumerate(RATED_COUNTERS)
        for window, seconds in WINDOWS.items()
    }


def _oldest(state: FleetState, time: float) -> list[tuple[int, int]]:
    """Return age in seconds and id of each unit's oldest message in either queue; 0 and 0 if there is none."""
    delivery = np.where(state.attempted > 0, time - state.oldest, 0)
    age = np.floor(np.maximum(delivery, state.wait)).astype(np.int64)
    newest = state.counts[Count.MESSAGE_IDS]
    message = np.where(delivery >= state.wait, state.oldest_id, newest - state.queue)
    some = state.queue + state.attempted + state.unattempted > 0
    return list(zip(np.where(some, age, 0).tolist(), np.where(some, message, 0).tolist(), strict=True))


def _zipf(pattern: str) -> dict[Row, float]:
    shares = np.arange(1, _TOP + 1) ** -0.8
    return {(pattern.format(rank + 1),): float(share) for rank, share in enumerate(shares / shares.sum() * 0.7)}


def _stamp(time: float) -> str:
    """Return a time as the status page writes it, in UTC; empty for never (NaN)."""
    return "" if np.isnan(time) else clock.strftime("%Y%m%d%H%M%S", clock.gmtime(time))


def _uptime_text(seconds: float) -> str:
    """Return a duration as the status page writes it: "169d 1h 39m 8s", or "16h 36m 18s" for less than a day."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")]
    while len(parts) > 1 and parts[0][0] == 0:
        del parts[0]
    return " ".join(f"{amount}{unit}" for amount, unit in parts)
