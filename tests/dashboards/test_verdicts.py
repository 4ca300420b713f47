"""Verdicts and states of units and pools that are not monitored, or are known from one source or in part only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

import pytest

from dashboards.source import verdicts
from dashboards.source.signals import Signal, capacity, mailflow, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT, matchers
from exporter.bundle import thresholds
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus import rule_files
from support.completeness import assert_complete
from support.grafana import Grafana
from support.processes import program

END: Final = int(datetime(2026, 3, 11, 11, tzinfo=UTC).timestamp())

WITHOUT_A_VERDICT: Final[Mapping[str, str]] = {
    "IronPortWatchdog": "always fires",
    "IronPortSiteLossNotSurvivable": "about a possible loss, which is shown on the capacity review",
    "IronPortSpareNotReady": "a spare carries no mail",
    "IronPortDrainRateFalling": "its result, a slow unit or a long queue, has a verdict",
    "IronPortQueueSpaceLow": "its result, resource conservation, has a verdict",
    "IronPortMemoryNearConservation": "its result, resource conservation, has a verdict",
    "IronPortUnitRebooted": "it is over, and marked in every graph",
    "IronPortUnitInMaintenance": "planned work: what it does to mail has a verdict",
    "IronPortPoolInMaintenance": "planned work: what it does to mail has a verdict",
    "IronPortCountersReset": "it is over, and does not affect mail",
    "IronPortSnmpFlaky": "about the monitoring, and the unit is still monitored",
    "IronPortCertificateExpiring": "about the monitoring, and the unit is still monitored",
    "IronPortUnreadableValues": "about the monitoring, and the unit is still monitored",
    "IronPortScrapeIntervalTooLong": "about the monitoring, and the units are still monitored",
    "IronPortRaidDegraded": "about hardware, which has its own dashboard: mail flows",
    "IronPortFanFailed": "about hardware, which has its own dashboard: mail flows",
    "IronPortPowerSupplyFault": "about hardware, which has its own dashboard: mail flows",
    "IronPortTemperatureHigh": "about hardware, which has its own dashboard: mail flows",
    "IronPortLogDiskFilling": "about upkeep: mail flows",
    "IronPortFeatureKeyExpired": "about upkeep: mail flows",
    "IronPortFeatureKeyExpiring": "about upkeep: mail flows",
    "IronPortUpdateFailing": "about upkeep: mail flows",
    "IronPortVersionMismatch": "about upkeep: mail flows",
    "IronPortVersionTooOld": "about upkeep: mail flows",
}
"""Alerts that are no verdict on a pool or unit, with the reason."""


def test_every_alert_has_a_verdict_or_an_excuse() -> None:
    alerts = {rule.alert for rule in rule_files.read_rules(str(rule_files.project_rules())) if rule.alert}
    told = {alert for verdict in verdicts.VERDICTS for alert in verdict.alerts}
    place = "dashboards/source/verdicts.py, or with a reason to WITHOUT_A_VERDICT in tests/dashboards/test_verdicts.py"
    assert_complete(told | WITHOUT_A_VERDICT.keys(), alerts, place)
    assert not told & WITHOUT_A_VERDICT.keys()


IN_SERVICE: Final = "instance:ironport_in_service:bool"
UP: Final = "instance:ironport_source_up:max3m"
CONSERVATION: Final = "instance:ironport_resource_conservation:bool"
EXIT: Final = "instance:ironport_work_queue_exit_messages:rate3m"
RATED: Final = "instance:ironport_rated_messages:rate"
AVAILABLE: Final = "instance:ironport_available_capacity_messages:rate"
BUSY: Final = "pool:ironport_messages_injected:rate1h_busy1w"

NOW: Final[Mapping[str, Mapping[str, float]]] = {
    UP: {
        **dict.fromkeys(("snmp/idle", "snmp/saving", "snmp/waiting", "xml/refusing", "half/alive", "half/unrated"), 1),
        **dict.fromkeys(("spared/mx1", "spared/mx2", "spared/spare"), 1),
        **dict.fromkeys(("xml/dead", "half/dead"), 0),
    },
    "instance:ironport_probe_success:missing5m": {"xml/unscraped": 0},
    CONSERVATION: {"snmp/idle": 0, "snmp/saving": 1, "snmp/waiting": 0, "xml/refusing": 1},
    "ironport_resource_conservation_refusing": {"xml/refusing": 1},
    "instance:ironport_work_queue_high:bool": {"snmp/idle": 0, "snmp/saving": 1, "snmp/waiting": 1},
    IN_SERVICE: {
        "half/alive": 1,
        "half/dead": 1,
        "half/unrated": 1,
        "spared/mx1": 1,
        "spared/mx2": 1,
        "spared/spare": 0,
    },
    EXIT: {"half/alive": 20, "half/unrated": 30},
    RATED: {"half/alive": 40, "half/dead": 40},
    AVAILABLE: {"spared/mx1": 20, "spared/mx2": 20},
    "ironport_rated_messages_per_second": {"spared/spare": 100},
    "pool:ironport_available_capacity_messages:rate": {"spared": 40, "young": 40},
    BUSY: {"spared": 40},
    "pool:ironport_messages_injected:rate1h": {"spared": 10, "young": 10},
    "ironport_probe_success": {"snmp/idle": 1},
}
"""Present values of units or pools, by series."""


@pytest.fixture(scope="module")
def grafana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grafana]:
    """Return what Grafana sees of these, and of two jobs that are down: for an hour, and for longer than 6 hours."""
    for name in ("prometheus", "promtool"):
        program(name)
    folder = tmp_path_factory.mktemp("units")
    blocks.write(_now(), folder)
    blocks.write(_once(), folder)
    blocks.write(_tails(), folder)
    with blocks.served(folder) as url:
        yield Grafana(url, END)


SOURCES: Final[Mapping[str, Mapping[str, int]]] = {
    "refused/status-page": {"xml": 0, "snmp": 1},
    "refused/both": {"xml": 0, "snmp": 0},
    "refused/neither": {"xml": 1, "snmp": 1},
    "refused/destinations": {"xml": 1, "rest": 0},
    "snmp-only/mx1": {"snmp": 1},
    "rest-only/mx1": {"rest": 1},
    "without-page/arrivals": {"snmp": 1, "rest": 0},
}
"""Whether the sources of units answer."""


def _now() -> Iterator[str]:
    yield from _calm_and_blind()
    for name, figures in NOW.items():
        yield openmetrics.header(name, "gauge")
        for place, figure in figures.items():
            labelled = openmetrics.labelled(name, _place("watched", place))
            yield openmetrics.samples(labelled, [figure], openmetrics.stamps([END]))
    yield openmetrics.header("ALERTS", "gauge")
    for job in ("silent", "forgotten"):
        labels = {"alertname": "IronPortExporterDown", "alertstate": "firing", "severity": "critical", "job": job}
        yield openmetrics.samples(openmetrics.labelled("ALERTS", labels), [1], openmetrics.stamps([END]))


def _calm_and_blind() -> Iterator[str]:
    at = openmetrics.stamps([END])
    yield openmetrics.header("ironport_probe_success", "gauge")
    yield openmetrics.samples(openmetrics.labelled("ironport_probe_success", _place("calm", "mail/mx1")), [1], at)
    for place in SOURCES:
        yield openmetrics.samples(openmetrics.labelled("ironport_probe_success", _place("blind", place)), [1], at)
    yield openmetrics.header("ironport_source_up", "gauge")
    for place, answers in SOURCES.items():
        for source, up in answers.items():
            labels = _place("blind", place) | {"source": source}
            yield openmetrics.samples(openmetrics.labelled("ironport_source_up", labels), [up], at)
    yield openmetrics.header(UP, "gauge")
    for place, answers in SOURCES.items():
        yield openmetrics.samples(openmetrics.labelled(UP, _place("blind", place)), [max(answers.values())], at)


def _once() -> Iterator[str]:
    yield openmetrics.header("ironport_probe_success", "gauge")
    labelled = openmetrics.labelled("ironport_probe_success", _place("silent", "mail/mx1"))
    yield openmetrics.samples(labelled, [1], openmetrics.stamps([END - 3600]))


FIRING: Final[Mapping[str, tuple[str, ...]]] = {
    "lasts/mx1": ("IronPortJabbererSuspected",),
    "over/mx1": ("IronPortJabbererSuspected",),
    "drains/mx1": ("IronPortJabbererSuspected", "IronPortWorkQueueHigh"),
    "mended": ("IronPortPoolSlow",),
    "mended/mx1": ("IronPortUnitSlow",),
    "flooded": ("IronPortDistributedAttackSuspected",),
}
"""Alerts that fire, of which some only have their `keep_firing_for` left."""

LASTING: Final[Mapping[str, Mapping[str, float]]] = {
    "ironport_probe_success": {f"{pool}/mx1": 1 for pool in ("lasts", "over", "drains", "mended", "flooded")},
    "instance:ironport_work_queue_backlogged:bool": {"lasts/mx1": 1, "over/mx1": 0, "drains/mx1": 1},
    "instance:ironport_work_queue_growth_messages:rate3m": {"lasts/mx1": 9, "over/mx1": 0, "drains/mx1": -9},
    "instance:ironport_work_queue_slow:bool": {"mended/mx1": 1},
    "pool:ironport_work_queue_slow:count": {"mended": 1},
    "pool:ironport_units_reachable:count": {"mended": 6},
    "pool:ironport_attack_arrivals:bool": {"flooded": 1},
}


def _tails() -> Iterator[str]:
    at = openmetrics.stamps([END])
    for name, figures_now in LASTING.items():
        yield openmetrics.header(name, "gauge")
        for place, figure in figures_now.items():
            yield openmetrics.samples(openmetrics.labelled(name, _place("tails", place)), [figure], at)
    yield openmetrics.header("ALERTS", "gauge")
    for place, alerts in FIRING.items():
        for alert in alerts:
            labels = {"alertname": alert, "alertstate": "firing", "severity": "warning", **_place("tails", place)}
            yield openmetrics.samples(openmetrics.labelled("ALERTS", labels), [1], at)


def _place(job: str, place: str) -> dict[str, str]:
    pool, _, unit = place.partition("/")
    role = {"role": "spare"} if unit == "spare" else {}
    return {"job": job, "stream": pool, "pool": pool, **({"instance": unit} if unit else {}), **role}


def figures(grafana: Grafana, signal: Signal, job: str) -> dict[str, float]:
    """Return the values of a signal for a job, by unit or pool."""
    expression = thresholds.fill(signal.expression, matchers((BY_JOB, BY_SITE, BY_POOL, BY_UNIT)))
    values = {"job": job, "site": ".*", "pool": ".+", "instance": ".+"}
    answer = grafana.series({"expr": expression, "instant": True}, values)
    return {"/".join(filter(None, map(labels.get, ("pool", "instance")))): points[-1] for labels, points in answer}


def words(grafana: Grafana, signal: Signal, job: str) -> dict[str, str]:
    """Return the words for the values of a signal."""
    known = {each.code: each.word for each in signal.words}
    return {place: known[int(code)] for place, code in figures(grafana, signal, job).items()}


def test_a_unit_that_is_not_scraped_is_down(grafana: Grafana) -> None:
    up = figures(grafana, units.UP, "watched")
    assert (up["xml/unscraped"], up["xml/dead"], up["snmp/idle"]) == (0, 0, 1)


def test_a_units_state_is_known_from_either_source(grafana: Grafana) -> None:
    state = words(grafana, units.UNIT_STATE, "watched")
    assert {place: word for place, word in state.items() if place.startswith(("snmp", "xml"))} == {
        "snmp/idle": "OK",
        "snmp/saving": "Slowing",
        "snmp/waiting": "Backlogged",
        "xml/refusing": "Refusing",
        "xml/dead": "Unreachable",
        "xml/unscraped": "Not monitored",
    }
    slowed = {place for place, on in figures(grafana, units.CONSERVATION, "watched").items() if on}
    assert slowed == {place for place, word in state.items() if word in ("Slowing", "Refusing")}


@pytest.mark.parametrize(
    ("job", "gravest", "pools", "each"),
    [
        ("calm", "Normal", {"mail": "Normal"}, {"mail/mx1": "Normal"}),
        ("silent", "Not monitored", {"mail": "Not monitored"}, {"mail/mx1": "Not monitored"}),
        ("forgotten", "Not monitored", {}, {}),
    ],
)
def test_a_job_without_exporter_is_not_monitored(
    grafana: Grafana, job: str, gravest: str, pools: dict[str, str], each: dict[str, str]
) -> None:
    assert words(grafana, verdicts.MOST_SERIOUS, job) == {"": gravest}
    assert words(grafana, verdicts.OF_POOL, job) == pools
    assert words(grafana, verdicts.OF_UNIT, job) == each


def test_a_unit_that_cannot_be_judged_is_not_normal(grafana: Grafana) -> None:
    queue_only = dict.fromkeys(("refused/status-page", "without-page/arrivals"), "Queue only")
    told = queue_only | {"refused/both": "Cannot be told"}
    assert words(grafana, verdicts.OF_UNIT, "blind") == told | {
        "refused/neither": "Normal",
        "refused/destinations": "Normal",
        "snmp-only/mx1": "Normal",
        "rest-only/mx1": "Normal",
    }
    assert words(grafana, verdicts.OF_POOL, "blind") == {
        "refused": "Cannot be told",
        "snmp-only": "Normal",
        "rest-only": "Normal",
        "without-page": "Queue only",
    }
    assert words(grafana, verdicts.MOST_SERIOUS, "blind") == {"": "Cannot be told"}
    assert words(grafana, units.UNIT_STATE, "blind") == {
        "refused/status-page": "Cannot be told",
        "refused/both": "Unreachable",
        "refused/neither": "OK",
        "refused/destinations": "OK",
        "snmp-only/mx1": "OK",
        "rest-only/mx1": "OK",
        "without-page/arrivals": "Cannot be told",
    }


def test_a_verdict_whose_cause_is_gone_is_ending_and_hides_nothing_else(grafana: Grafana) -> None:
    assert words(grafana, verdicts.OF_POOL, "tails") == {
        "lasts": "Jabberer",
        "over": "Jabberer, ending",
        "drains": "Mail waits on one unit",
        "mended": "Unit slow",
        "flooded": "Distributed attack",
    }
    assert words(grafana, verdicts.OF_UNIT, "tails") == {
        "lasts/mx1": "Jabberer",
        "over/mx1": "Jabberer, ending",
        "drains/mx1": "Mail waits on one unit",
        "mended/mx1": "Unit slow",
        "flooded/mx1": "Normal",
    }
    assert set(figures(grafana, verdicts.NAMED, "tails")) == {
        "lasts/mx1",
        "over/mx1",
        "drains/mx1",
        "mended/mx1",
        "flooded",
    }


def test_every_verdict_says_what_it_means_and_what_to_do() -> None:
    """Two lines hold 70 characters of the one on the wall, and two hundred of the other in triage."""
    for each in verdicts.VERDICTS:
        assert each.sign.endswith("."), each.word
        assert len(each.sign) <= 70, each.word
        assert each.remedy.endswith((".", "?")), each.word
        assert len(each.remedy) <= 200, each.word


def test_exit_ratio_counts_units_with_a_known_rating(grafana: Grafana) -> None:
    """A dead unit or one without a rating counts neither above nor below the line."""
    assert figures(grafana, mailflow.POOL_EXIT_RATIO, "watched") == {"half": 0.5}


def test_units_to_spare_need_a_week_of_history(grafana: Grafana) -> None:
    assert figures(grafana, mailflow.UNITS_TO_SPARE, "watched") == {"spared": 0}


def test_the_largest_unit_may_be_a_spare(grafana: Grafana) -> None:
    assert figures(grafana, capacity.USED_WITH_SPARES, "watched") == {"spared": 1}
