from __future__ import annotations

from dashboards.source import shared, verdicts
from dashboards.source.layout import Dashboard, collapsed, opened, top
from dashboards.source.palette import BASELINE
from dashboards.source.panels import Column, Line, Panel, graph, height_of, table
from dashboards.source.signals import PER_POOL, PER_UNIT, compared, edge, mailflow, unit
from dashboards.source.variables import BY_JOB, BY_POOL, BY_SITE, BY_UNIT


def attack_triage() -> Dashboard:
    return Dashboard(
        "triage",
        "Attack triage",
        "Is it one sender or many, too much mail or a slow service? And what do you do next?",
        filters=(BY_JOB, BY_SITE, BY_POOL, BY_UNIT),
        rows=(
            top(shared.verdicts_on_pools()),
            opened("Units", what_to_do_next(), separating_signals(), suspects()),
            collapsed(
                "One unit or many",
                graph(mailflow.ARRIVALS.largest()),
                graph(mailflow.EXIT_RATIO.largest()),
                graph(mailflow.WORK_QUEUE.largest()),
                graph(mailflow.WAIT_MINUTES.by("max", *PER_POOL.labels), title="Longest wait in each pool, forecast"),
            ),
            collapsed(
                "Connections and rejections",
                graph(edge.NEW_CONNECTIONS.largest()),
                graph(edge.SESSION.by("max", *PER_POOL.labels), title="Longest mean session"),
                rejected_recipients(),
                graph(edge.REJECTED_RATIO),
                graph(edge.BOUNCES, width=24),
            ),
            collapsed("Delivery", shared.destinations(shared.DESTINATION_STATE, width=24)),
            collapsed("DNS", graph(unit.DNS_WAITING.largest(), width=24)),
            collapsed("Compared with what is usual", graph(mailflow.USUAL_RATIO), graph(edge.CONNECTIONS_RATIO)),
        ),
        since="now-3h",
    )


def separating_signals() -> Panel:
    return table(
        PER_UNIT.labels,
        Column(verdicts.OF_UNIT, width=198),
        Column(unit.TARGET, label="role", name="Role", width=87),
        Column(mailflow.WORK_QUEUE),
        Column(mailflow.WAIT),
        Column(mailflow.ARRIVALS),
        Column(mailflow.PEERS_RATIO, name="Times peers"),
        Column(mailflow.EXIT_RATIO),
        Column(edge.NEW_CONNECTIONS),
        Column(edge.SESSION),
        Column(edge.UNIT_REJECTED),
        title="What each unit looks like",
        description="Verdict on each unit, and the figures behind it. Click a unit to open its dashboard.",
        sort=verdicts.OF_UNIT.name,
        height=height_of(shared.UNITS),
        links=(shared.TO_TRIAGE, shared.TO_UNIT),
    )


def what_to_do_next() -> Panel:
    return table(
        PER_POOL.labels,
        Column(verdicts.OF_POOL, width=200, links=shared.OF_THE_VERDICT),
        shared.ON_WHAT,
        Column(verdicts.REMEDY, wraps=True),
        Column(verdicts.LEADING_ALERT, label="alertname", hidden=True),
        title="What to do next",
        description="The first steps for the present verdict on each pool. Click a verdict for its runbook. A list "
        "bomb to one mailbox and spam from very many small senders do not show.",
        sort=verdicts.OF_POOL.name,
        height=height_of(shared.POOLS, tall=True),
        links=(shared.TO_TRIAGE,),
    )


def suspects() -> Panel:
    now, *others = (verdicts.of_slow_units(signal) for signal in compared.OF_SUSPECTS)
    return shared.compared_with_usual(
        verdicts.or_no_slow_unit(now),
        *others,
        title="Why slow units are slow",
        description="Figures of the units that a verdict calls slow, beside each unit's own usual: in the last week, "
        "95 of 100 samples were at or below it. Look first where a figure is orange, which is at least twice the "
        "usual. If none is, try `ldaptest`: LDAP queries do not show.",
        height=9,
    )


def rejected_recipients() -> Panel:
    return graph(
        edge.REJECTED,
        Line(edge.REJECTED_BUSY, "{{pool}}, busy hours${of_job}", colour=BASELINE, dashed=True),
    )
