"""The past of a simulated fleet as a Prometheus database: samples, then what recording rules make of them.

The model is quick and sequential; all else is slow and can be cut into periods of a block. So the model runs ahead, and
hands a copy of itself as it stands at the beginning of each period to one of a pool of processes, which goes through
the period once more, taking samples.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

from pydantic import SecretStr

from exporter import DEFAULT_PORT
from exporter.config import Appliance, Auth, BasicAuth, CommunityAuth, Config, XmlSettings
from exporter.errors import RequestError
from exporter.lab.history import blocks, openmetrics, recording
from exporter.lab.history.progress import Progress, silent
from exporter.lab.history.series import History, along_time, polls
from exporter.lab.history.workers import workers
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import generator
from exporter.lab.simulator.timeline import ScenarioRequest
from exporter.lab.simulator.topology import Topology, Unit
from exporter.lab.simulator.view import PageName
from exporter.metrics.catalog import FAMILIES, UNVERIFIED
from exporter.prometheus.rule_files import Rule, levels
from exporter.web import discovery
from exporter.web.discovery import BaseUrl

JOB: Final = "ironport"
"""The job of the scrapes."""

EVERY: Final = frozenset(family.name for family in FAMILIES)
"""The names of all families of the catalogue."""

_OF_FURTHER_PAGES: Final = frozenset(family.name for family in UNVERIFIED) | {"ironport_dns_operations_total"}

READ: Final = frozenset(
    f"ironport_{name}"
    for name in (
        "probe_success",
        "source_up",
        "work_queue_messages",
        "oldest_message_age_seconds",
        "queue_utilization_ratio",
        "queue_used_bytes",
        "resource_conservation_level",
        "resource_conservation_refusing",
        "resource_conservation",
        "delivery_queue_recipients",
        "connections",
        "quarantine_messages",
        "messages_injected_total",
        "recipients_injected_total",
        "injection_connections_total",
        "recipients_rejected_total",
        "messages_dropped_total",
        "recipients_bounce_generated_total",
        "recipients_completed_total",
        "recipients_hard_bounced_total",
        "soft_bounces_total",
        "rated_messages_per_second",
        "version_info",
        "online",
        "uptime_seconds",
        "cpu_utilization_ratio",
        "memory_utilization_ratio",
        "disk_io_utilization_ratio",
        "log_disk_utilization_ratio",
        "feature_key_remaining_seconds",
        "power_supply_status",
        "temperature_celsius",
        "fan_speed_rpm",
        "raid_drive_status",
    )
)
"""The families of which dashboards show the past; those that rules read are added to them."""


@dataclass(frozen=True, slots=True)
class Samples:
    """What is sampled and where it goes; one for all periods."""

    topology: Topology
    seed: int
    families: frozenset[str]
    out: Path


def backfill(
    topology: Topology,
    *,
    seed: int,
    seconds: float,
    end: float,
    out: Path,
    scenarios: Iterable[ScenarioRequest] = (),
    step: int = 60,
    families: frozenset[str] = READ,
    without: frozenset[str] = frozenset(),
    rules: Sequence[Rule] = (),
    pace: int = 0,
    progress: Progress = silent,
) -> Model:
    """Write the `seconds` until `end` (Unix, seconds) to the folder `out` as blocks and return the model at the end.

    Offsets of `scenarios` count from the beginning. Of the catalogue, `families` and those that the rules read are
    written, but not those in `without`. Rules are evaluated every `pace` seconds at least, by default as often as there
    are samples.

    Raises RequestError for an `out` that is not empty or cannot be used, ExporterError where promtool or
    Prometheus is missing or fails.
    """
    recorded = levels(rules)
    blocks.program("promtool")
    if recorded:
        blocks.program("prometheus")
    model = Model(topology, seed, end - seconds, step)
    if seconds < step:
        raise RequestError(f"A history of {seconds:g} s has no sample: it must be {step} s at least.")
    for scenario in scenarios:
        model.begin(scenario)
    _prepare(out)
    periods = list(blocks.periods(int(model.time) + step, int(end), step))
    with workers() as pool:
        samples = Samples(topology, seed, (families | families_read(rules)) - without, out)
        recording.finish(_sample(pool, samples, model, periods), "samples", len(periods), progress)
        recording.record(out, recorded, periods, pool, progress, pace=pace or step)
    return model


def text(samples: Samples, model: Model, period: range) -> Iterator[str]:
    """Yield the OpenMetrics text of the samples of a period, for which the `model` is advanced to its end."""
    config = fleet(samples.topology, _pages(samples.families))
    families = [along_time(family) for family in FAMILIES if family.name in samples.families]
    histories = {name: History(one, families, len(period)) for name, one in config.appliances.items()}
    up: dict[str, openmetrics.SampleColumn] = {name: [None] * len(period) for name in histories}
    for instant, time in enumerate(period):
        model.advance(time)
        luck = generator(samples.seed, 7, time).random((len(histories), 2)).tolist()
        for (name, history), chances in zip(histories.items(), luck, strict=True):
            transport = model.view.transport(name)
            if transport.scraped:
                up[name][instant] = float(transport.answered)
            if transport.scraped and transport.answered:
                history.add(instant, polls(model.view, config.appliances[name], chances))
    ends = openmetrics.stamps(period)
    labels = target_labels(config)
    yield openmetrics.header("up", "gauge")
    for name, column in up.items():
        yield openmetrics.samples(openmetrics.labelled("up", labels[name]), column, ends)
    every = {name: history.series() for name, history in histories.items()}
    for family in families:
        yield openmetrics.header(family.name, family.kind)
        for name, series in every.items():
            for values, column in series.get(family.name, {}).items():
                own = dict(zip(family.labels, values, strict=True))
                yield openmetrics.samples(openmetrics.labelled(family.name, {**own, **labels[name]}), column, ends)


def families_read(rules: Iterable[Rule]) -> frozenset[str]:
    """Return the names of the catalogue's families that the rules read."""
    return frozenset(name for rule in rules for name in rule.names) & EVERY


def fleet(topology: Topology, pages: Sequence[PageName] = ("status",)) -> Config:
    """Return the configuration of an exporter that watches the topology's appliances."""
    auth = Auth(
        snmp=CommunityAuth(version="2c", community=SecretStr("simulated")),
        xml=BasicAuth(username="simulated", password=SecretStr("simulated")),
    )
    return Config(appliances={unit.name: _appliance(unit, auth, pages) for unit in topology.appliances})


def target_labels(config: Config) -> dict[str, dict[str, str]]:
    """Return the labels of each appliance's series that Prometheus adds: those of service discovery, and the job."""
    groups = discovery.groups(config, BaseUrl("http", f"localhost:{DEFAULT_PORT}"))
    return {
        group["labels"]["instance"]: {
            **{name: value for name, value in group["labels"].items() if not name.startswith("__")},
            "job": JOB,
        }
        for group in groups
    }


def _appliance(unit: Unit, auth: Auth, pages: Sequence[PageName]) -> Appliance:
    known = unit.model_dump(include=set(Appliance.model_fields))
    return Appliance(
        address="localhost", auth="simulated", credentials=auth, xml=XmlSettings(pages=tuple(pages)), **known
    )


def _pages(families: frozenset[str]) -> tuple[PageName, ...]:
    """Return the status pages that the families come from."""
    return get_args(PageName) if families & _OF_FURTHER_PAGES else ("status",)


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        empty = not any(out.iterdir())
    except OSError as error:
        raise RequestError(f"The folder {out} cannot be used: {error.strerror}.") from error
    if not empty:
        raise RequestError(f"The folder {out} is not empty: name a new one, or remove what is in it.")


def _sample(
    pool: ProcessPoolExecutor, samples: Samples, model: Model, periods: Iterable[range]
) -> Iterator[Future[None]]:
    for period in periods:
        yield pool.submit(write_samples, samples, copy.deepcopy(model), period)
        model.advance(period[-1])


def write_samples(samples: Samples, model: Model, period: range) -> None:
    """Write the samples of a period."""
    blocks.write(text(samples, model, period), samples.out)
