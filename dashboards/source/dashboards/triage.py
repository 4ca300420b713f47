from __future__ import annotations

from dashboards.source import shared, verdicts
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Panel, graph, markdown, table
from dashboards.source.signals import PER_POOL, PER_UNIT, edge, mailflow
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT


def attack_triage() -> Dashboard:
    return Dashboard(
        "triage",
        "Attack triage",
        "Is it one sender or many, too much mail or a slow service? And what do you do next?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(shared.verdicts_on_pools()),
            opened("Units", separating_signals(), what_to_do_next()),
            collapsed(
                "One unit or many",
                graph(mailflow.ARRIVALS.largest()),
                graph(mailflow.EXIT_RATIO.largest()),
                graph(mailflow.WORK_QUEUE.largest()),
                graph(mailflow.WAIT.by("max", *PER_POOL.labels), title="Worst wait in each pool"),
            ),
            collapsed(
                "Connections and rejections",
                graph(edge.NEW_CONNECTIONS.largest()),
                graph(edge.SESSION.by("max", *PER_POOL.labels), title="Longest mean session"),
                rejected_recipients(),
                graph(edge.REJECTED_RATIO),
                graph(edge.BOUNCES),
            ),
            collapsed("Compared with what is usual", graph(mailflow.USUAL_RATIO), graph(edge.CONNECTIONS_RATIO)),
        ),
        since="now-3h",
    )


def separating_signals() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(verdicts.OF_UNIT, width=220),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.WAIT),
        Column(mailflow.QUEUE_GROWTH),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO, width=140),
        Column(mailflow.EXIT_RATIO),
        Column(edge.NEW_CONNECTIONS, width=140),
        Column(edge.SESSION),
        Column(edge.UNIT_REJECTED),
        title="What each unit looks like",
        description="Verdict on each unit, and the figures behind it. Click a unit to open its dashboard.",
        sort=verdicts.OF_UNIT.name,
        height=11,
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )


def what_to_do_next() -> Panel:
    steps = "\n".join(
        f"- **[{each.word}](<<runbooks>>/{each.alerts[0]}.md)**: {each.sign}" for each in verdicts.VERDICTS if each.sign
    )
    return markdown(
        "What to do next",
        "The runbook for each verdict: what it means, how to check it, what to do.",
        f"{steps}\n\nThese figures do not show a list bomb to one mailbox, or spam from very many small senders.",
        height=8,
    )


def rejected_recipients() -> Panel:
    return graph(
        edge.REJECTED,
        Line(edge.REJECTED_BUSY, "{{pool}}, busy hours ({{job}})", colour=BASELINE, dashed=True),
    )
