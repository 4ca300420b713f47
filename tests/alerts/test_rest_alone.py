"""Units that only REST is read of: the alerts that should fire do, and none fires because a series is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
import yaml

from exporter.metrics.fusion import fuse
from exporter.metrics.reading import Reading
from exporter.probe import health_reading
from exporter.prometheus.rule_files import read_rules
from exporter.sources.destinations import DestinationChoice
from exporter.sources.rest import items
from exporter.sources.rest.answers import answer_data
from support import rest_pages
from support.prometheus import promtool

RULES: Final = sorted((Path(__file__).parents[2] / "alerts" / "rules").glob("*.yml"))

MINUTES: Final = 80
CHANGE: Final = 20
"""The minute at which each story begins."""

Story = Mapping[str, str]
"""What is different about a unit: the end of a series' name with its labels, to promtool's notation of its values."""

ARRIVALS: Final = "messages_injected_total"
DELIVERED: Final = 'recipients_completed_total{result="delivered"}'
STATUS: Final = 'system_status_info{status="%s"}'
MAIL_SERVER: Final = '{destination="mail.example.edu",class="internal"}'

MORE_MAIL: Final = {ARRIVALS: f"9000000+600x{CHANGE} 9012600+1800x60"}
STALLED: Final = {
    DELIVERED: f"5950001+700x{CHANGE} 5964001x60",
    'recipients_completed_total{result="hard_bounced"}': f"4000001+10x{CHANGE} 4000201x60",
}
RESTARTED: Final = {
    'source_up{source="rest"}': f"1x{CHANGE} 0x2 1x60",
    ARRIVALS: f"9000000+600x{CHANGE} _x2 600+600x60",
    DELIVERED: f"5950001+700x{CHANGE} _x2 700+700x60",
}
SUSPENDED: Final = {
    "online": f"1x{CHANGE} 0x60",
    STATUS % "online": f"1x{CHANGE} _x60",
    STATUS % "receiving suspended": f"_x{CHANGE} 1x60",
    "resource_conservation_level": f"0x{CHANGE} 60x60",
    "memory_utilization_ratio": f"0.31x{CHANGE} 0.9x60",
    "queue_utilization_ratio": f"0.12x{CHANGE} 0.95x60",
}
STUCK: Final = {
    f"destination_active_recipients{MAIL_SERVER}": f"3x{CHANGE} 600+400x60",
    f"destination_delivered_recipients_total{MAIL_SERVER}": f"1200+400x{CHANGE} 9200x60",
    DELIVERED: f"5950001+700x{CHANGE} 5964101+100x60",
    'delivery_queue_recipients{state="active"}': f"914x{CHANGE} 2900+2000x60",
}

POOLS: Final[Mapping[str, Mapping[str, Story]]] = {
    "quiet": {"mx1": {}, "mx2": {}},
    "dead": {"mx1": {}, "mx2": {'source_up{source="rest"}': f"1x{CHANGE} 0x60"}},
    "unrated": {"mx1": {}, "mx2": MORE_MAIL | {"work_queue_messages": f"46x{CHANGE} 608+600x60"}},
    "overloaded": {
        "mx1": MORE_MAIL | {"rated_messages_per_second": f"40x{MINUTES}"},
        "mx2": MORE_MAIL
        | {"rated_messages_per_second": f"24x{MINUTES}", "work_queue_messages": f"46x{CHANGE} 368+360x60"},
        "mx3": MORE_MAIL | {"rated_messages_per_second": f"40x{MINUTES}"},
    },
    "destination": {"mx1": STUCK},
    "stalled": {"mx1": STALLED},
    "restarted": {"mx1": RESTARTED},
    "suspended": {"mx1": {}, "mx2": SUSPENDED},
}

FIRING: Final[Mapping[int, Mapping[str, str]]] = {
    CHANGE: {},
    CHANGE + 10: {
        "dead": "UnitUnreachable",
        "destination": "DestinationStuck",
        "overloaded": "UnitOverloaded",
        "restarted": "UnitRebooted",
        "stalled": "DeliveryStalled",
        "suspended": "MemoryNearConservation ResourceConservation",
        "unrated": "UnitBackloggedCauseUnknown WorkQueueHigh",
    },
    CHANGE + 35: {
        "dead": "UnitUnreachable",
        "destination": "DeliveryBacklog DestinationStuck",
        "overloaded": "UnitOverloaded WorkQueueDelayHigh WorkQueueFillingUp WorkQueueHigh",
        "stalled": "DeliveryStalled",
        "suspended": "MemoryNearConservation QueueSpaceLow ResourceConservation UnitNotOnline",
        "unrated": "UnitBackloggedCauseUnknown WorkQueueDelayHigh WorkQueueFillingUp WorkQueueHigh",
    },
}
"""All alerts that fire in a pool, by minute."""


@pytest.fixture(scope="module")
def exported() -> Mapping[str, str]:
    """Return what the exporter gives of a unit when all is well, with the values of 80 minutes: counters grow."""
    reading = Reading("rest")
    choice = DestinationChoice({"internal": ["mail.example.edu"]}, 0)
    items.read_system_status(
        answer_data(rest_pages.system_status({"counters": {"messages_received_uptime": 9_000_000}})), reading
    )
    items.read_health(answer_data(rest_pages.health({"resource_conservation": 0})), reading)
    rows = [("mail.example.edu", "Active", 3, 1200, 0, 0, 1), ("gmail.example", "Active", 900, 90000, 310, 42, 7)]
    items.read_delivery_status(answer_data(rest_pages.delivery_status(rows)), reading, choice)
    probed = (fuse([reading]), fuse([health_reading([reading], {}, 0.1, 10)]))
    growth = {
        "messages_injected_total": 600,
        DELIVERED: 700,
        f"destination_delivered_recipients_total{MAIL_SERVER}": 400,
    }
    return {
        series: f"{value}+{growth.get(series, 10)}x{MINUTES}" if "_total" in series else f"{value}x{MINUTES}"
        for exposition in probed
        for line in exposition.text().decode().splitlines()
        if not line.startswith("#")
        for series, value in [line.removeprefix("ironport_").rsplit(" ", 1)]
    }


def unit_series(pool: str, unit: str, exported: Mapping[str, str], story: Story) -> Iterator[dict[str, str]]:
    place = f'job="ironport",stream="{pool}",pool="{pool}",instance="{unit}"'
    yield {"series": f"up{{{place}}}", "values": f"1x{MINUTES}"}
    silent = story.get('source_up{source="rest"}', "").endswith(" 0x60")
    for series, usual in {**exported, **story}.items():
        name, _, labels = series.partition("{")
        values = story.get(series, usual)
        if silent and not name.startswith(("source_", "probe_")):
            values = values.replace(f"x{MINUTES}", f"x{CHANGE}")
        yield {"series": f"ironport_{name}{{{place},{labels.rstrip('}')}}}", "values": values}


def check(minute: int, pools: Mapping[str, str]) -> dict[str, object]:
    named = [(pool, alert) for pool, alerts in pools.items() for alert in alerts.split()]
    return {
        "expr": 'group by (pool, alertname) (ALERTS{alertstate="firing",alertname!="IronPortWatchdog"})',
        "eval_time": f"{minute}m",
        "exp_samples": [
            {"labels": f'{{pool="{pool}",alertname="IronPort{alert}"}}', "value": 1} for pool, alert in named
        ],
    }


def test_of_units_read_by_rest_alone_just_the_right_alerts_fire(tmp_path: Path, exported: Mapping[str, str]) -> None:
    play = {
        "interval": "1m",
        "input_series": [
            line
            for pool, units in POOLS.items()
            for unit, story in units.items()
            for line in unit_series(pool, unit, exported, story)
        ],
        "promql_expr_test": [check(minute, pools) for minute, pools in FIRING.items()],
    }
    file = tmp_path / "rest.yml"
    groups = [*dict.fromkeys(rule.group for path in RULES for rule in read_rules(str(path)))]
    groups.sort(key=lambda group: group != "ironport-mailflow")  # the others read what it records
    file.write_text(
        yaml.safe_dump(
            {
                "rule_files": [*map(str, RULES)],
                "evaluation_interval": "1m",
                "group_eval_order": groups,
                "tests": [play],
            }
        )
    )
    tested = promtool("test", "rules", str(file))
    assert tested.returncode == 0, tested.stdout + tested.stderr
