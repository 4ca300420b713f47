"""Verdicts and states of units and pools that are not monitored, or are known from one source or in part only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import pytest

from dashboards.source import verdicts
from dashboards.source.palette import BASELINE, UNREACHABLE, UNWATCHED
from dashboards.source.signals import Signal, alerts, capacity, mailflow, units
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT, matchers
from exporter.bundle import thresholds
from exporter.lab.history import blocks, openmetrics
from exporter.prometheus import rule_files
from support.completeness import assert_complete
from support.grafana import Grafana, Series
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
    blocks.write(_capacities(), folder)
    blocks.write(_unseen(), folder)
    blocks.write(_alerts_in_disorder(), folder)
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
    "mended/mx1": ("IronPortUnitSlow", "IronPortRaidDegraded"),
    "flooded": ("IronPortDistributedAttackSuspected",),
    "shared/mx1": ("IronPortJabbererSuspected",),
}
"""Alerts that fire, of which some only have their `keep_firing_for` left."""

LASTING: Final[Mapping[str, Mapping[str, float]]] = {
    "ironport_probe_success": {f"{pool}/mx1": 1 for pool in ("lasts", "over", "drains", "mended", "flooded", "shared")},
    "instance:ironport_work_queue_backlogged:bool": {"lasts/mx1": 1, "over/mx1": 0, "drains/mx1": 1, "shared/mx1": 1},
    "instance:ironport_work_queue_growth_messages:rate3m": {
        "lasts/mx1": 9,
        "over/mx1": 0,
        "drains/mx1": -9,
        "shared/mx1": 9,
    },
    "instance:ironport_work_queue_slow:bool": {"mended/mx1": 1},
    "pool:ironport_work_queue_slow:count": {"mended": 1},
    "pool:ironport_units_reachable:count": {"mended": 6},
    "pool:ironport_attack_arrivals:bool": {"flooded": 1},
}


CAUSES: Final = {
    "instance:ironport_cause:info": (
        ("lasts/mx1", "sender", "from 203.0.113.66"),
        ("over/mx1", "sender", "from 203.0.113.66"),
        ("mended/mx1", "suspect", "RAID degraded"),
        ("shared/mx1", "suspect", "suspect: DNS"),
    ),
    "pool:ironport_cause:info": (
        ("flooded", "attack", "6 of 6 units, 4.1 x usual connections"),
        ("flooded", "backlogged", "6 of 6 units"),
    ),
}
"""Recorded causes: place, what they are about, and words."""


def _tails() -> Iterator[str]:
    at = openmetrics.stamps([END])
    for name, figures_now in LASTING.items():
        yield openmetrics.header(name, "gauge")
        for place, figure in figures_now.items():
            if name in ENDED and place == "over/mx1":
                minutes = range(END - 240, END + 1, 60)
                series = openmetrics.labelled(name, _place("tails", place))
                yield openmetrics.samples(series, [*ENDED[name]], openmetrics.stamps(minutes))
            else:
                yield openmetrics.samples(openmetrics.labelled(name, _place("tails", place)), [figure], at)
    for name, causes in CAUSES.items():
        yield openmetrics.header(name, "gauge")
        for place, about, cause in causes:
            labels = _place("tails", place) | {"about": about, "cause": cause}
            yield openmetrics.samples(openmetrics.labelled(name, labels), [1], at)
    for name, more, value in (("ALERTS", {"alertstate": "firing"}, 1), ("ALERTS_FOR_STATE", {}, END - 600)):
        yield openmetrics.header(name, "gauge")
        for place, names in FIRING.items():
            for alert in names:
                labels = {"alertname": alert, **more, "severity": "warning", **_place("tails", place)}
                yield openmetrics.samples(openmetrics.labelled(name, labels), [value], at)


ENDED: Final[Mapping[str, Sequence[float]]] = {
    "instance:ironport_work_queue_backlogged:bool": [1, 1, 0, 0, 0],
    "instance:ironport_work_queue_growth_messages:rate3m": [9, 9, -9, 0, 0],
}
"""The last minutes of a unit whose trouble ended three minutes ago."""

CAPACITIES: Final[Mapping[str, tuple[float, int]]] = {
    "calm": (15, 0),
    "backlogged": (15, 1),
    "small and backlogged": (70, 1),
}
"""The busy hour of pools of three units, and whether mail waits on several of them."""


def _capacities() -> Iterator[str]:
    at = openmetrics.stamps([END])
    of_pools = (
        (BUSY, [busy for busy, _ in CAPACITIES.values()]),
        ("pool:ironport_work_queue_troubled:bool", [troubled for _, troubled in CAPACITIES.values()]),
        ("pool:ironport_available_capacity_messages:rate", [60] * len(CAPACITIES)),
    )
    for name, values in of_pools:
        yield openmetrics.header(name, "gauge")
        for pool, value in zip(CAPACITIES, values, strict=True):
            yield openmetrics.samples(openmetrics.labelled(name, _place("capacities", pool)), [value], at)
    for name, value in ((AVAILABLE, 20), (IN_SERVICE, 1)):
        yield openmetrics.header(name, "gauge")
        for pool in CAPACITIES:
            for number in (1, 2, 3):
                labels = _place("capacities", f"{pool}/mx{number}")
                yield openmetrics.samples(openmetrics.labelled(name, labels), [value], at)


def _unseen() -> Iterator[str]:
    for name, values in (
        ("pool:ironport_messages_injected:ratio_usual3m", {"whole": 1, "partial": 0.8}),
        ("pool:ironport_unseen_units:count", {"partial": 1}),
    ):
        yield openmetrics.header(name, "gauge")
        for pool, value in values.items():
            labelled = openmetrics.labelled(name, _place("unseen", pool))
            yield openmetrics.samples(labelled, [value], openmetrics.stamps([END]))


IN_DISORDER: Final = (
    ("IronPortUnitRebooted", "info", "mail/mx1", 60),
    ("IronPortFanFailed", "warning", "mail/mx1", 600),
    ("IronPortWorkQueueHigh", "warning", "mail/mx1", 120),
    ("IronPortWorkQueueHigh", "warning", "mail/mx2", 180),
    ("IronPortJabbererSuspected", "warning", "mail/mx1", 900),
    ("IronPortUnitSlow", "warning", "mail/mx2", 300),
    ("IronPortRaidDegraded", "warning", "mail/mx1", 300),
    ("IronPortRaidDegraded", "warning", "mail/mx2", 300),
    ("IronPortSiteLossNotSurvivable", "critical", "mail", 1200),
)
"""Alerts that fire: name, severity, place, and for how many seconds."""


def _alerts_in_disorder() -> Iterator[str]:
    for name, more in (("ALERTS", {"alertstate": "firing"}), ("ALERTS_FOR_STATE", {})):
        yield openmetrics.header(name, "gauge")
        for alert, severity, place, age in IN_DISORDER:
            labels = {"alertname": alert, **more, "severity": severity, **_place("disorder", place)}
            value = 1 if more else END - age
            yield openmetrics.samples(openmetrics.labelled(name, labels), [value], openmetrics.stamps([END]))


def _place(job: str, place: str) -> dict[str, str]:
    pool, _, unit = place.partition("/")
    role = {"role": "spare"} if unit == "spare" else {}
    return {"job": job, "stream": pool, "pool": pool, **({"instance": unit} if unit else {}), **role}


def figures(grafana: Grafana, signal: Signal, job: str) -> dict[str, float]:
    """Return the values of a signal for a job, by unit or pool."""
    return {
        "/".join(filter(None, map(labels.get, ("pool", "instance")))): points[-1]
        for labels, points in series(grafana, signal, job)
    }


def series(grafana: Grafana, signal: Signal, job: str) -> list[Series]:
    expression = thresholds.fill(signal.expression, matchers((BY_JOB, BY_SITE, BY_POOL, BY_UNIT)))
    values = {"job": job, "site": ".*", "pool": ".+", "instance": ".+"}
    return grafana.series({"expr": expression, "instant": True}, values)


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
        ("calm", {"all pools": "Normal"}, {"mail": "Normal"}, {"mail/mx1": "Normal"}),
        ("silent", {"": "Not monitored"}, {"mail": "Not monitored"}, {"mail/mx1": "Not monitored"}),
        ("forgotten", {"": "Not monitored"}, {}, {}),
    ],
)
def test_a_job_without_exporter_is_not_monitored(
    grafana: Grafana, job: str, gravest: dict[str, str], pools: dict[str, str], each: dict[str, str]
) -> None:
    assert words(grafana, verdicts.MOST_SERIOUS, job) == gravest
    assert words(grafana, verdicts.OF_POOL, job) == pools
    assert words(grafana, verdicts.OF_UNIT, job) == each


def test_a_unit_that_cannot_be_judged_is_not_normal(grafana: Grafana) -> None:
    arrivals_unknown = dict.fromkeys(("refused/status-page", "without-page/arrivals"), "Arrivals unknown")
    told = arrivals_unknown | {"refused/both": "Unit unreachable"}
    assert words(grafana, verdicts.OF_UNIT, "blind") == told | {
        "refused/neither": "Normal",
        "refused/destinations": "Normal",
        "snmp-only/mx1": "Normal",
        "rest-only/mx1": "Normal",
    }
    assert words(grafana, verdicts.OF_POOL, "blind") == {
        "refused": "Unit unreachable",
        "snmp-only": "Normal",
        "rest-only": "Normal",
        "without-page": "Arrivals unknown",
    }
    assert words(grafana, verdicts.MOST_SERIOUS, "blind") == {"refused/both": "Unit unreachable"}
    assert words(grafana, units.UNIT_STATE, "blind") == {
        "refused/status-page": "Arrivals unknown",
        "refused/both": "Unreachable",
        "refused/neither": "OK",
        "refused/destinations": "OK",
        "snmp-only/mx1": "OK",
        "rest-only/mx1": "OK",
        "without-page/arrivals": "Arrivals unknown",
    }


def test_a_verdict_whose_cause_is_gone_is_ending_and_hides_nothing_else(grafana: Grafana) -> None:
    assert words(grafana, verdicts.OF_POOL, "tails") == {
        "lasts": "Heavy sender (jabberer)",
        "over": "Heavy sender, ending",
        "drains": "Mail waits on one unit",
        "mended": "Unit slow",
        "flooded": "Distributed attack",
        "shared": "Heavy sender (jabberer)",
    }
    assert words(grafana, verdicts.OF_UNIT, "tails") == {
        "lasts/mx1": "Heavy sender (jabberer)",
        "over/mx1": "Heavy sender, ending",
        "drains/mx1": "Mail waits on one unit",
        "mended/mx1": "Unit slow",
        "flooded/mx1": "Normal",
        "shared/mx1": "Heavy sender (jabberer)",
    }
    assert words(grafana, verdicts.MOST_SERIOUS, "tails") == {
        "flooded/6 of 6 units, 4.1 x usual connections": "Distributed attack"
    }


def test_a_verdict_names_its_unit_and_the_cause_where_it_is_known(grafana: Grafana) -> None:
    assert set(figures(grafana, verdicts.NAMED, "tails")) == {
        "lasts/mx1, from 203.0.113.66",
        "over/mx1",
        "drains/mx1",
        "mended/mx1, RAID degraded",
        "flooded/6 of 6 units, 4.1 x usual connections",
        "shared/mx1",
    }


def test_the_wall_says_the_first_step_for_the_most_serious_verdict(grafana: Grafana) -> None:
    first = {alert: each.first for each in verdicts.VERDICTS for alert in each.alerts}
    assert words(grafana, verdicts.FIRST_STEP, "tails") == {"": first["IronPortDistributedAttackSuspected"]}
    assert words(grafana, verdicts.FIRST_STEP, "forgotten") == {"": first["IronPortExporterDown"]}
    assert words(grafana, verdicts.FIRST_STEP, "calm") == {"": "Nothing to do."}


def test_a_sum_that_lacks_a_unit_is_left_out(grafana: Grafana) -> None:
    assert figures(grafana, mailflow.USUAL_RATIO, "unseen") == {"whole": 1, "partial": 0.8}
    assert figures(grafana, units.of_complete_pools(mailflow.USUAL_RATIO), "unseen") == {"whole": 1}


def test_a_verdict_says_since_when_it_holds_or_is_ending(grafana: Grafana) -> None:
    since = figures(grafana, verdicts.HELD_SINCE, "tails")
    begun, ended = (END - 600) * 1000, (END - 180) * 1000
    assert since == {"lasts": begun, "over": ended, "drains": begun, "mended": begun, "flooded": begun, "shared": begun}


def test_alerts_have_causes_first_then_critical_ones_then_the_newest(grafana: Grafana) -> None:
    """The degraded RAID of a slow unit is a cause, that of another unit is none."""
    ranks = {
        (labels["alertname"], labels.get("instance", "")): points[-1]
        for labels, points in series(grafana, verdicts.ORDER_OF_ALERTS, "disorder")
    }
    assert sorted(ranks, key=lambda alert: -ranks[alert]) == [
        ("IronPortJabbererSuspected", "mx1"),
        ("IronPortRaidDegraded", "mx2"),
        ("IronPortUnitSlow", "mx2"),
        ("IronPortWorkQueueHigh", "mx1"),
        ("IronPortWorkQueueHigh", "mx2"),
        ("IronPortSiteLossNotSurvivable", ""),
        ("IronPortRaidDegraded", "mx1"),
        ("IronPortFanFailed", "mx1"),
        ("IronPortUnitRebooted", "mx1"),
    ]


def test_an_alert_on_several_units_counts_once_and_has_their_number(grafana: Grafana) -> None:
    counted = {labels["alertname"]: points[-1] for labels, points in series(grafana, alerts.UNITS_OF_EACH, "disorder")}
    assert counted == Counter(alert for alert, _, place, _ in IN_DISORDER if "/" in place)
    alone = {labels["alertname"]: labels["instance"] for labels, _ in series(grafana, alerts.ONLY_UNIT, "disorder")}
    assert alone == {
        alert: place.removeprefix("mail/") for alert, _, place, _ in IN_DISORDER if counted.get(alert) == 1
    }
    assert figures(grafana, alerts.WARNING_COUNT, "disorder") == {"": 5}
    assert figures(grafana, alerts.CRITICAL_COUNT, "disorder") == {"": 1}


def test_every_verdict_says_what_it_means_and_what_to_do() -> None:
    """Two lines hold 70 characters of the one on the wall, and two hundred of the other in triage.

    test_lint.py checks that the first step fits its tile.
    """
    for each in verdicts.VERDICTS:
        assert each.sign.endswith("."), each.word
        assert len(each.sign) <= 70, each.word
        assert each.first.endswith((".", "?")), each.word
        assert each.remedy.endswith((".", "?")), each.word
        assert len(each.remedy) <= 200, each.word


def test_a_verdict_on_what_is_not_known_says_whether_mail_flows() -> None:
    """If only the monitoring is blind, nobody must think that mail stands still."""
    of_monitoring = [each for each in verdicts.VERDICTS if each.colour in (UNREACHABLE, UNWATCHED)]
    assert of_monitoring
    assert [each.word for each in of_monitoring if "mail" not in each.sign] == []


def test_a_state_of_trouble_has_no_colour_of_information() -> None:
    """Light blue is for what is usual, or only good to know."""
    assert BASELINE not in {each.colour for each in units.UNIT_STATE.words}
    assert BASELINE not in {colour for _, colour in mailflow.WAIT.limits}


def test_what_a_tile_counts_has_the_colour_of_the_states() -> None:
    colours = {each.word: each.colour for each in units.UNIT_STATE.words}
    assert [colour for _, colour in units.DOWN.limits] == [colours["Unreachable"]]
    assert [colour for _, colour in units.CONSERVATION.limits] == [colours["Slowing"]]


def test_exit_ratio_counts_units_with_a_known_rating(grafana: Grafana) -> None:
    """A dead unit or one without a rating counts neither above nor below the line."""
    assert figures(grafana, mailflow.POOL_EXIT_RATIO, "watched") == {"half": 0.5}


def test_units_to_spare_need_a_week_of_history(grafana: Grafana) -> None:
    assert figures(grafana, mailflow.UNITS_TO_SPARE, "watched") == {"spared": 0}


def test_a_pool_where_mail_waits_on_several_units_has_none_to_spare(grafana: Grafana) -> None:
    spare = figures(grafana, mailflow.UNITS_TO_SPARE, "capacities")
    assert spare == {"calm": 2, "backlogged": 0, "small and backlogged": -1}


def test_the_largest_unit_may_be_a_spare(grafana: Grafana) -> None:
    assert figures(grafana, capacity.USED_WITH_SPARES, "watched") == {"spared": 1}
