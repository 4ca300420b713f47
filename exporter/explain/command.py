"""What `ironport-exporter explain` does: it prints how the rules judge pools at a moment, and why."""

from __future__ import annotations

import json
import time

from exporter.errors import UsageError
from exporter.explain.as_json import explanation_json
from exporter.explain.explanation import explain
from exporter.explain.text import explanation_text
from exporter.phrases.rounding import rounded
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import parse_moment
from exporter.prometheus.selection import Selection


def explanation(server: Prometheus, at: str, selection: Selection, *, as_json: bool) -> str:
    """Return the explanation of the chosen pools as text or JSON; raises UsageError, ExporterError."""
    now = time.time()
    moment = parse_moment(at, now)
    if moment > now:
        raise UsageError(f"--at {at} is in the future: name a time in the past.")
    evaluated, pools = explain(server, moment, selection)
    if as_json:
        return json.dumps(rounded(explanation_json(evaluated, pools)), indent=2)
    return explanation_text(evaluated, pools)
