"""The command incident: the card of one incident, or a list of the last ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import Environment

from exporter.errors import ExporterError, UsageError, suggestion
from exporter.explain.explanation import explain_firing
from exporter.incidents.firings import AlertHistory, alert_history
from exporter.incidents.incidents import Incident, find_incidents
from exporter.incidents.names import incident_name
from exporter.phrases import Phrases
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import DAY, parse_moment
from exporter.prometheus.selection import Selection
from exporter.report.incident_figures import incident_figures
from exporter.report.incident_view import IncidentView
from exporter.report.output import file_name, prepare_folder, replace_file
from exporter.report.page import ENVIRONMENT

LISTED: Final = 30 * DAY
"""Seconds before now in which incidents are looked for."""

_AROUND: Final = 15 * DAY
"""Seconds before and after a given time that are read, so that long incidents are whole."""

_NEAR: Final = DAY
"""Seconds from a given time to the nearest incident, at most."""

_MARKDOWN: Final = Environment(  # noqa: S701 - text, not HTML
    loader=ENVIRONMENT.loader,
    undefined=ENVIRONMENT.undefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|&])")


def _escaped(text: object) -> str:
    """Return text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split("\n")))


_MARKDOWN.filters["text"] = _escaped


def list_incidents(prometheus: Prometheus, selection: Selection, zone: ZoneInfo, now: int) -> str:
    """Return a table of the incidents of the last 30 days, the last one first."""
    _, found = _found(prometheus, selection, now - LISTED, now)
    rows = [_row(incident, zone, now) for incident in reversed(found)]
    if not rows:
        return "No incident in the last 30 days."
    heads = ("BEGAN", "LASTED", "SEVERITY", "WHERE", "INCIDENT")
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (heads, *rows))
    return "\n".join(line.rstrip() for line in lines)


def incident_card(
    prometheus: Prometheus, selection: Selection, zone: ZoneInfo, now: int, at: str | None
) -> IncidentView:
    """Return the card of the last incident or, with `at`, of the one that was then or is nearest to it.

    Raises ExporterError if there is none, UsageError for a time that is none or is in the future.
    """
    begin, end = now - LISTED, now
    if at is not None:
        moment = int(parse_moment(at, now))
        if moment > now:
            raise UsageError(f"--at {at} is in the future: name a time in the past.")
        begin, end = moment - _AROUND, min(moment + _AROUND, now)
    history, found = _found(prometheus, selection, begin, end)
    if not found:
        _refuse_unknown(prometheus, selection, now)
        raise ExporterError(_none(history, at))
    incident = found[-1] if at is None else min(found, key=lambda each: _distance(each, moment, end))
    if at is not None and _distance(incident, moment, end) > _NEAR:
        raise ExporterError(_none(history, at))
    figures, explained = incident_figures(prometheus, incident, end), explain_firing(prometheus, incident.verdict)
    return IncidentView(incident, history, figures, explained, end, zone, Phrases("en"))


def html_card(card: IncidentView) -> str:
    return ENVIRONMENT.get_template("incident.html.j2").render(view=card, phrases=card.phrases)


def markdown_card(card: IncidentView) -> str:
    return _MARKDOWN.get_template("incident.md.j2").render(view=card)


def write_card(card: IncidentView, folder: Path) -> list[Path]:
    """Write the card as HTML and Markdown; the same incident gives files of the same name."""
    began = f"{card.moment(card.incident.began):%Y-%m-%d-%H%M}"
    name = file_name("incident", began, card.incident.job, card.incident.stream)
    prepare_folder(folder)
    files = [folder / f"{name}.html", folder / f"{name}.md"]
    for file, content in zip(files, (html_card(card), markdown_card(card)), strict=True):
        replace_file(file, content.encode())
    return files


def _found(
    prometheus: Prometheus, selection: Selection, begin: int, end: int
) -> tuple[AlertHistory, Sequence[Incident]]:
    prometheus.metric_names()  # an empty server is another fault than a quiet fleet
    history = alert_history(prometheus, begin, end, selection.of_pools)
    return history, find_incidents(history)


def _refuse_unknown(prometheus: Prometheus, selection: Selection, now: int) -> None:
    """Raise UsageError for a chosen job or pool that no unit had in the last 30 days."""
    for label, names in (("job", selection.jobs), ("pool", selection.pools)):
        query = f"group by ({label}) (last_over_time(instance:ironport_in_service:bool[{LISTED}s]))"
        known = sorted(each["metric"].get(label, "") for each in prometheus.query(query, now, f"names of each {label}"))
        for name in names:
            if known and name not in known:
                raise UsageError(
                    f"There is no {label} {name!r}.{suggestion(name, known)} There are: {', '.join(known)}."
                )


def _none(history: AlertHistory, at: str | None) -> str:
    if history.evaluated is None:
        return (
            "The server has no alerts of that time, not even IronPortWatchdog, which always fires: load alerts/rules "
            "there, or name a time that it has kept."
        )
    return f"There was no incident {'in the last 30 days' if at is None else f'within a day of {at}'}."


def _distance(incident: Incident, moment: int, now: int) -> int:
    return max(incident.began - moment, moment - incident.lasts_until(now), 0)


def _row(incident: Incident, zone: ZoneInfo, now: int) -> tuple[str, ...]:
    phrases = Phrases("en")
    lasted = phrases.duration(incident.lasts_until(now) - incident.began)
    return (
        f"{datetime.fromtimestamp(incident.began, zone):%Y-%m-%d %H:%M}",
        lasted.replace("\N{NO-BREAK SPACE}", " ") if incident.ended else "goes on",
        incident.severity,
        incident.verdict.labels.get("instance") or ", ".join(incident.pools),
        incident_name(incident.verdict.alert, phrases),
    )
