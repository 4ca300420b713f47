"""A report as JSON: the names are those of the model, times are ISO times, null is not known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import date
from typing import Final

from exporter.capacity.as_json import fleet_json
from exporter.report.model import MonthReport

DECIMALS: Final = 6
"""Servers differ in more decimals, because they add in another order."""


def json_text(report: MonthReport, sentences: Sequence[str]) -> str:
    content = asdict(replace(report, capacity=None))
    content["capacity"] = fleet_json(report.capacity) if report.capacity else None
    plain = {"sentences": sentences, **content}
    return json.dumps(_rounded(plain), indent=2, ensure_ascii=False, default=_iso) + "\n"


def _rounded(content: object) -> object:
    match content:
        case dict():
            return {name: _rounded(value) for name, value in content.items()}
        case list() | tuple():
            return [_rounded(value) for value in content]
        case float():
            return round(content, DECIMALS)
        case _:
            return content


def _iso(moment: date) -> str:
    return moment.isoformat()
