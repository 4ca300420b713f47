"""A report as JSON: the names are those of the model, times are ISO times, null is not known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date

from exporter.capacity.as_json import fleet_json
from exporter.phrases.rounding import rounded
from exporter.report.model import MonthReport


def json_text(report: MonthReport, sentences: Sequence[str]) -> str:
    content = asdict(replace(report, capacity=None))
    content["capacity"] = fleet_json(report.capacity) if report.capacity else None
    plain = {"sentences": sentences, **content}
    return json.dumps(rounded(plain), indent=2, ensure_ascii=False, default=_iso) + "\n"


def _iso(moment: date) -> str:
    return moment.isoformat()
