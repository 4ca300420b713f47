"""The landing page: the fleet at a glance, and how to scrape it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from itertools import groupby
from typing import Final
from urllib.parse import quote

from exporter import __version__
from exporter.config import Appliance
from exporter.fleet import Fleet
from exporter.metrics.catalog import VERSION_INFO
from exporter.probe import Prober, Result
from exporter.probe_debug import source_state
from exporter.sources.source import SOURCES, source_title
from exporter.web.discovery import BaseUrl
from exporter.web.layout import html_page

MARKS: Final = {"complete": "✓", "partial": "◐", "failed": "✕", "not probed yet": "…", "not configured": "○"}
"""A mark for each state of a probe or a source, for people who cannot tell the colours apart."""

_BASIC_AUTH: Final = """<p>The exporter asks for a user and a password: add <code>basic_auth</code> to both jobs and,
within the first, to <code>http_sd_configs</code>.</p>"""

_BEFORE_SOURCES: Final = ("Appliance", "Address", "Traffic", "Role", "Last probe")
_AFTER_SOURCES: Final = ("AsyncOS", "Try")


def _columns() -> tuple[str, ...]:
    return (*_BEFORE_SOURCES, *map(source_title, SOURCES), *_AFTER_SOURCES)


def landing_page(fleet: Fleet, base: BaseUrl, needs_password: bool = False) -> str:
    """Return the page: every appliance by site and pool, the state of its sources, and how to scrape the fleet."""
    probers = sorted(fleet.probers.values(), key=lambda prober: (*_group(prober), prober.appliance.name))
    head = "".join(f"<th>{column}</th>" for column in _columns())
    return html_page(
        "ironport-exporter",
        f"""<h1>ironport-exporter <small>{__version__}</small></h1>
{_summary(probers)}
{_incomplete(probers)}
<nav><a href="sd">Service discovery</a> <a href="metrics">The exporter's own metrics</a>
<a href="config">Configuration</a></nav>
<h2>Fleet</h2>
<div class="table"><table>
<thead><tr>{head}</tr></thead>
{"".join(_groups(probers))}
</table></div>
{_beyond_list(fleet)}
<h2>Scrape it</h2>
<p>The first job scrapes every appliance, also those that you add later. The second scrapes the exporter itself.</p>
<pre>{escape(_scrape_jobs(base))}</pre>
{_BASIC_AUTH if needs_password else ""}""",
    )


def _summary(probers: Sequence[Prober]) -> str:
    count = Counter(_outcome(prober) for prober in probers)
    states = ", ".join(f"{count[word]} {_marked(word)}" for word in MARKS if count[word])
    last = f"; last probes: {states}" if states else ""
    return f"<p>{len(probers)} {'appliance' if len(probers) == 1 else 'appliances'}{last}.</p>"


def _incomplete(probers: Sequence[Prober]) -> str:
    """Return links to the rows of appliances whose last probe was not complete, the failed ones first."""
    links = [
        f'<a href="#{_quoted(prober.appliance)}">{MARKS[word]} {escape(prober.appliance.name)}</a>'
        for word in ("failed", "partial")
        for prober in probers
        if _outcome(prober) == word
    ]
    return f"<p>Not complete: {', '.join(links)}.</p>" if links else ""


def _outcome(prober: Prober) -> str:
    return prober.last.outcome if prober.last else "not probed yet"


def _marked(word: str) -> str:
    return f'<span class="{word.replace(" ", "-")}">{MARKS[word]} {word}</span>'


def _group(prober: Prober) -> tuple[str, str]:
    return prober.appliance.site or "", prober.appliance.pool


def _groups(probers: Sequence[Prober]) -> Iterator[str]:
    now = datetime.now(UTC)
    for (site, pool), members in groupby(probers, key=_group):
        title = f"{f'Site {site}, pool' if site else 'Pool'} {pool}"
        rows = "\n".join(_row(prober, now) for prober in members)
        yield f'<tbody><tr><th colspan="{len(_columns())}">{escape(title)}</th></tr>\n{rows}\n</tbody>'


def _beyond_list(fleet: Fleet) -> str:
    template = fleet.config.target_template
    if not (template and template.beyond_list):
        return ""
    return f"<p>The configuration also allows other targets: {escape(', '.join(template.beyond_list.allow))}.</p>"


def _row(prober: Prober, now: datetime) -> str:
    appliance, last = prober.appliance, prober.last
    probe = f"probe?target={_quoted(appliance)}"
    cells = (
        escape(appliance.name),
        escape(appliance.address),
        appliance.traffic,
        appliance.role,
        _last_probe(last, now),
        *(_marked(source_state(name, appliance, last)) for name in SOURCES),
        _asyncos_version(last),
        f'<a href="{probe}">probe</a> <a href="{probe}&amp;debug=true">debug</a>',
    )
    errors = _errors(last)
    kind = ' class="failing"' if errors else ""
    row = f'<tr id="{_quoted(appliance)}"{kind}>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    below = f'\n<tr class="errors"><td></td><td colspan="{len(_columns()) - 1}">{errors}</td></tr>' if errors else ""
    return row + below


def _errors(last: Result | None) -> str:
    """Return the first error of each source; the debug output has all."""
    lines = []
    for reading in last.readings if last else ():
        if reading.errors:
            error, *others = reading.errors
            more = f" (and {len(others)} more)" if others else ""
            lines.append(escape(f"{source_title(reading.source)} {error.reason}: {error}{more}"))
    return "<br>".join(lines)


def _quoted(appliance: Appliance) -> str:
    return quote(appliance.name, safe="")


def _last_probe(last: Result | None, now: datetime) -> str:
    if last is None:
        return "never"
    return f'<time datetime="{last.time:%Y-%m-%dT%H:%M:%SZ}">{time_ago((now - last.time).total_seconds())}</time>'


def time_ago(seconds: float) -> str:
    """Return how long ago something was, in its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{max(0, int(seconds))} s ago"


def _asyncos_version(last: Result | None) -> str:
    families = dict(last.exposition.families if last else ())
    return escape(", ".join(version for (version,) in families.get(VERSION_INFO, ())))


def _scrape_jobs(base: BaseUrl) -> str:
    own = [f"scheme: {base.scheme}"] if base.scheme == "https" else []
    own += [f"metrics_path: {base.prefix}/metrics"] if base.prefix else []
    return "\n".join(
        [
            "scrape_configs:",
            "  - job_name: ironport",
            f"    http_sd_configs: [{{url: '{base}/sd'}}]",
            "  - job_name: ironport-exporter",
            *(f"    {line}" for line in own),
            f"    static_configs: [{{targets: ['{base.target}']}}]",
        ]
    )
