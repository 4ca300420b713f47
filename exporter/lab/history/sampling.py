"""The samples that a Prometheus would have taken of a simulated fleet, as OpenMetrics text."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from exporter import DEFAULT_PORT
from exporter.config import Appliance, Auth, BasicAuth, CommunityAuth, Config, XmlSettings
from exporter.lab.history import blocks, openmetrics
from exporter.lab.history.polls import polls
from exporter.lab.history.series import History, along_time
from exporter.lab.simulator.model import Model
from exporter.lab.simulator.noise import generator
from exporter.lab.simulator.releases import has_rest
from exporter.lab.simulator.status_items import PageName
from exporter.lab.simulator.topology import Topology
from exporter.metrics.catalog import FAMILIES
from exporter.web import discovery
from exporter.web.discovery import BaseUrl

JOB: Final = "ironport"
"""The job of the scrapes."""

_FURTHER_PAGES: Final[dict[PageName, str]] = {
    "dnsstatus": "counters/dns_reqs/",
    "tophosts": "tophosts/",
    "topin": "topin/",
}
"""The pages beside the status page, each with the beginning of an item that only it has."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """What is sampled; the same for all periods of a history."""

    topology: Topology
    seed: int
    families: frozenset[str]
    """Names of the metric families that are written."""
    out: Path
    """The folder of the database."""
    rest: bool = False
    """Whether the exporter reads the REST interfaces, too."""


def write_samples(sampling: Sampling, model: Model, period: range) -> None:
    """Write the samples of a period, which lies in one block; the model is advanced to its end."""
    with without_collection():
        blocks.write(sample_text(sampling, model, period), sampling.out)


@contextmanager
def without_collection() -> Iterator[None]:
    """Pause Python's search for circles of objects. Samples are millions of objects and no circle; it finds nothing.

    It would take a fifth of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def sample_text(sampling: Sampling, model: Model, period: range) -> Iterator[str]:
    """Yield the OpenMetrics text of the samples of a period; the model is advanced to its end."""
    config = watched_fleet(sampling.topology, _pages(sampling.families, sampling.rest), rest=sampling.rest)
    sources = 3 if sampling.rest else 2
    families = [along_time(family) for family in FAMILIES if family.name in sampling.families]
    histories = {name: History(one, families, len(period)) for name, one in config.appliances.items()}
    up: dict[str, openmetrics.SampleColumn] = {name: [None] * len(period) for name in histories}
    for instant, time in enumerate(period):
        model.advance(time)
        luck = generator(sampling.seed, 7, time).random((len(histories), sources)).tolist()
        for (name, history), chances in zip(histories.items(), luck, strict=True):
            transport = model.view.transport(name)
            if transport.scraped:
                up[name][instant] = float(transport.answered)
            if transport.scraped and transport.answered:
                history.add(instant, polls(model.view, config.appliances[name], chances, history.items))
    ends = openmetrics.stamps(period)
    labels = target_labels(config)
    yield openmetrics.header("up", "gauge")
    for name, column in up.items():
        yield openmetrics.samples(openmetrics.labelled("up", labels[name]), column, ends)
    series_of = {name: history.series() for name, history in histories.items()}
    for family in families:
        yield openmetrics.header(family.name, family.kind)
        for name, series in series_of.items():
            for values, column in series.get(family.name, {}).items():
                own = dict(zip(family.labels, values, strict=True))
                yield openmetrics.samples(openmetrics.labelled(family.name, {**own, **labels[name]}), column, ends)


def watched_fleet(topology: Topology, pages: Sequence[PageName] = ("status",), *, rest: bool = False) -> Config:
    """Return the configuration of an exporter that probes the topology's units.

    With `rest` it also asks the REST interface of those whose release has one.
    """
    login = BasicAuth(username="simulated", password=SecretStr("simulated"))
    community = CommunityAuth(version="2c", community=SecretStr("simulated"))
    auth, with_rest = Auth(snmp=community, xml=login), Auth(snmp=community, xml=login, rest=login)
    xml, destinations = XmlSettings(pages=tuple(pages)), topology.destination_classes()
    return Config(
        appliances={
            unit.name: Appliance(
                address="localhost",
                auth="simulated",
                credentials=with_rest if rest and has_rest(unit.asyncos) else auth,
                xml=xml,
                destinations=destinations,
                **unit.fleet_entry(),
            )
            for unit in topology.appliances
        }
    )


def target_labels(config: Config) -> dict[str, dict[str, str]]:
    """Return the labels that Prometheus adds to each appliance's series: those of service discovery, and the job."""
    groups = discovery.groups(config, BaseUrl("http", f"localhost:{DEFAULT_PORT}"))
    return {
        group["labels"]["instance"]: {
            **{name: value for name, value in group["labels"].items() if not name.startswith("__")},
            "job": JOB,
        }
        for group in groups
    }


def _pages(families: frozenset[str], rest: bool) -> tuple[PageName, ...]:
    """Return the status pages that the families come from."""
    sources = {"xml", "rest"} if rest else {"xml"}
    feeds = [feed for family in FAMILIES if family.name in families for feed in family.feeds]
    items = {item for feed in feeds if feed.source == "xml" and not feed.without & sources for item in feed.items}
    further = [page for page, mark in _FURTHER_PAGES.items() if any(item.startswith(mark) for item in items)]
    return ("status", *further)
