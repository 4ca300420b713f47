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
from exporter.probe import Prober, Result
from exporter.probe_debug import source_state
from exporter.sources.source import SOURCES, source_title
from exporter.web import look
from exporter.web.discovery import BaseUrl

MARKS: Final = {"complete": "✓", "partial": "◐", "failed": "✕", "not probed yet": "…", "not configured": "○"}
"""How a probe, or one source of it, stands: in a word, and in a sign that needs no colour."""

_VERSION: Final = "ironport_version_info"
_BEFORE_SOURCES: Final = ("Appliance", "Address", "Traffic", "Role", "Last probe")
_AFTER_SOURCES: Final = ("AsyncOS", "Try")


def _columns() -> tuple[str, ...]:
    return (*_BEFORE_SOURCES, *map(source_title, SOURCES), *_AFTER_SOURCES)


def landing(fleet: Fleet, base: BaseUrl) -> str:
    """Return the landing page: every appliance by site and pool with its sources' state, and how to scrape them."""
    probers = sorted(fleet.probers.values(), key=lambda prober: (*_group(prober), prober.appliance.name))
    head = "".join(f"<th>{column}</th>" for column in _columns())
    return look.page(
        "ironport-exporter",
        f"""<h1>ironport-exporter <small>{__version__}</small></h1>
{_summary(probers)}
{_look_at(probers)}
<nav><a href="sd">Service discovery</a> <a href="metrics">The exporter's own metrics</a>
<a href="config">Configuration</a></nav>
<h2>Fleet</h2>
<div class="table"><table>
<thead><tr>{head}</tr></thead>
{"".join(_groups(probers))}
</table></div>
<h2>Scrape it</h2>
<p>The first job finds every appliance, now and later, with its labels. The second watches the exporter itself.</p>
<pre>{escape(_scrape_jobs(base))}</pre>""",
    )


def _summary(probers: Sequence[Prober]) -> str:
    count = Counter(_outcome(prober) for prober in probers)
    states = ", ".join(f"{count[word]} {_sign(word)}" for word in MARKS if count[word])
    return f"<p>{len(probers)} {'appliance' if len(probers) == 1 else 'appliances'}; last probes: {states}.</p>"


def _look_at(probers: Sequence[Prober]) -> str:
    """Return links to the rows of the appliances that did not answer everything, the failed ones first."""
    links = [
        f'<a href="#{_quoted(prober.appliance)}">{MARKS[word]} {escape(prober.appliance.name)}</a>'
        for word in ("failed", "partial")
        for prober in probers
        if _outcome(prober) == word
    ]
    return f"<p>Look at {', '.join(links)}.</p>" if links else ""


def _outcome(prober: Prober) -> str:
    return prober.last.outcome if prober.last else "not probed yet"


def _sign(word: str) -> str:
    return f'<span class="{word.replace(" ", "-")}">{MARKS[word]} {word}</span>'


def _group(prober: Prober) -> tuple[str, str]:
    return prober.appliance.site or "", prober.appliance.pool


def _groups(probers: Sequence[Prober]) -> Iterator[str]:
    now = datetime.now(UTC)
    for (site, pool), members in groupby(probers, key=_group):
        title = f"{f'Site {site}, pool' if site else 'Pool'} {pool}"
        rows = "\n".join(_row(prober, now) for prober in members)
        yield f'<tbody><tr><th colspan="{len(_columns())}">{escape(title)}</th></tr>\n{rows}\n</tbody>'


def _row(prober: Prober, now: datetime) -> str:
    appliance, last = prober.appliance, prober.last
    probe = f"probe?target={_quoted(appliance)}"
    cells = (
        escape(appliance.name),
        escape(appliance.address),
        appliance.traffic,
        appliance.role,
        _last_probe(last, now),
        *(_sign(source_state(name, appliance, last)) for name in SOURCES),
        _version(last),
        f'<a href="{probe}">probe</a> <a href="{probe}&amp;debug=true">debug</a>',
    )
    errors = _errors(last)
    kind = ' class="failing"' if errors else ""
    row = f'<tr id="{_quoted(appliance)}"{kind}>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
    below = f'\n<tr class="errors"><td></td><td colspan="{len(_columns()) - 1}">{errors}</td></tr>' if errors else ""
    return row + below


def _errors(last: Result | None) -> str:
    """Return the first error of each source; the account has them all."""
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
    return f'<time datetime="{last.time:%Y-%m-%dT%H:%M:%SZ}">{ago((now - last.time).total_seconds())}</time>'


def ago(seconds: float) -> str:
    """Return how long ago something was, in one unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{max(0, int(seconds))} s ago"


def _version(last: Result | None) -> str:
    families = last.exposition.families if last else ()
    return escape(", ".join(labels[0] for family, series in families if family.name == _VERSION for labels in series))


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
