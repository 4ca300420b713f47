"""The alerts that would have fired in the past, as Markdown tables for people and as JSON for programs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.incidents.firings import Firing
from exporter.incidents.notifications import Notification, notifications
from exporter.prometheus import durations


def markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, the first row its head, the columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head, *body = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    ruler = ["-" * width for width in widths]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ruler, *body))


def summary_table(fired: Sequence[Firing], end: int) -> str:
    """Return how often and for how long each alert fired until `end`, a row for each alert and severity."""
    lengths: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in fired:
        lengths[one.alert, one.severity].append(one.lasts_until(end) - one.begin)
    rows = [["alert", "severity", "times", "longest", "total"]]
    rows += [
        [*what, str(len(times)), durations.format_duration(max(times)), durations.format_duration(sum(times))]
        for what, times in sorted(lengths.items())
    ]
    return markdown_table(rows)


def past_table(fired: Sequence[Firing], end: int) -> str:
    """Return the alerts that fired until `end`, a row for each time that one fired."""
    rows = [["began", "lasted", "severity", "alert", "where"]]
    rows += [[_moment(one.begin), _lasted(one, end), one.severity, one.alert, _where(one.labels)] for one in fired]
    return markdown_table(rows)


def notifications_table(sent: Sequence[Notification]) -> str:
    """Return the notifications, a row for each."""
    return markdown_table([["notified", "alerts"], *([_moment(begin), ", ".join(alerts)] for begin, alerts in sent)])


def past_json(fired: Sequence[Firing], end: int) -> dict[str, Any]:
    """Return the alerts that fired and the notifications, for JSON; times in Unix seconds."""
    return {
        "alerts": [firing_json(firing) for firing in fired],
        "notifications": [{"begin": begin, "alerts": list(alerts)} for begin, alerts in notifications(fired, end)],
    }


def firing_json(firing: Firing) -> dict[str, Any]:
    """Return a firing for JSON; times in Unix seconds, `end` null if it still fires."""
    return {"alert": firing.alert, "labels": dict(firing.labels), "begin": firing.begin, "end": firing.end}


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _lasted(firing: Firing, end: int) -> str:
    text = durations.format_duration(firing.lasts_until(end) - firing.begin)
    return text if firing.end is not None else f"{text}, still firing"


def _where(labels: Mapping[str, str]) -> str:
    return " ".join(labels[name] for name in ("job", "pool", "instance") if name in labels)
