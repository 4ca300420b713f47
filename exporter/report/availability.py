"""Whether mail was accepted, and what troubled the units of a pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.capacity import figures
from exporter.capacity.figures import LAST_HOUR, SAMPLES_AN_HOUR
from exporter.prometheus.selection import Selection
from exporter.report import unit_figures
from exporter.report.hourly import Hourly, HourlyQueries, Key
from exporter.report.model import NOT_MEASURED, Figure, TroubleMinutes
from exporter.report.unit_figures import SAMPLES_AN_HOUR_OF_UNIT


@dataclass(frozen=True, slots=True)
class Availability:
    """The share of each hour in which mail was accepted."""

    pools: Mapping[Key, Hourly]
    """By at least one unit of the pool."""
    service: Hourly | None
    """By at least one unit of every pool; None without samples."""


def availability(queries: HourlyQueries, selection: Selection) -> Availability:
    if selection.sites:
        selector, expected = selection.of_units, SAMPLES_AN_HOUR_OF_UNIT
        samples = unit_figures.samples_of_units(unit_figures.UNIT_UP, selector)
        pools, every = unit_figures.available_of_units(selector), unit_figures.all_available_of_units(selector)
    else:
        selector, expected = selection.of_pools, SAMPLES_AN_HOUR
        samples = figures.number_of_samples(figures.UNITS_ACCEPTING, selector, LAST_HOUR)
        pools = f"avg by (job, pool) ({figures.available(selector, LAST_HOUR)})"  # a pool whose stream changed has two
        every = figures.all_available(selector, LAST_HOUR)
    service = queries.by_hour(every, f"max({samples})", expected, "the availability of the service", ())
    return Availability(queries.by_hour(pools, samples, expected, "the availability of pools"), service.get(()))


@dataclass(frozen=True, slots=True)
class MonthTrouble:
    """Minutes of each hour in which a unit of a pool was in trouble."""

    conserving: Mapping[Key, Hourly]
    refusing: Mapping[Key, Hourly]
    backed_up: Mapping[Key, Hourly]

    def of_pool(self, pool: Key, hours: slice) -> TroubleMinutes:
        return TroubleMinutes(
            *(_total(each.get(pool), hours) for each in (self.conserving, self.refusing, self.backed_up))
        )


def _total(figure: Hourly | None, hours: slice) -> Figure:
    return figure.total(hours) if figure else NOT_MEASURED


def trouble(queries: HourlyQueries, selection: Selection) -> MonthTrouble:
    """Ask for the minutes of trouble; a unit that refuses nothing has no samples of refusing."""
    up = unit_figures.samples_of_units(unit_figures.UNIT_UP, selection.of_units)
    refusing = f"({unit_figures.minutes_refusing(selection.of_units)} or 0 * {up})"
    if selection.sites:
        selector, expected = selection.of_units, SAMPLES_AN_HOUR_OF_UNIT
        conserving = unit_figures.minutes_conserving_of_units(selector), up
        backed_up = unit_figures.minutes_backed_up_of_units(selector), up
    else:
        selector, expected = selection.of_pools, SAMPLES_AN_HOUR
        conserving = figures.minutes_conserving(selector, LAST_HOUR), _samples(figures.CONSERVING, selector)
        backed_up = figures.minutes_backed_up(selector, LAST_HOUR), _samples(figures.BACKED_UP, selector)
    return MonthTrouble(
        queries.by_hour(*conserving, expected, "resource conservation"),
        queries.by_hour(refusing, up, SAMPLES_AN_HOUR_OF_UNIT, "refused mail"),
        queries.by_hour(*backed_up, expected, "long work queues"),
    )


def _samples(series: str, selector: str) -> str:
    return figures.number_of_samples(series, selector, LAST_HOUR)
