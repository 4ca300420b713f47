"""The explanation as JSON: every place with every verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from exporter.explain.explanation import Finding, PlaceExplanation, PoolExplanation, VerdictFinding


def explanation_json(time: float, pools: Sequence[PoolExplanation]) -> dict[str, Any]:
    return {"time": datetime.fromtimestamp(time, UTC).isoformat(), "pools": [_pool(pool) for pool in pools]}


def _pool(explained: PoolExplanation) -> dict[str, Any]:
    place, verdict = explained.pool.place, explained.verdict
    return {
        "job": place.job,
        "stream": place.stream,
        "pool": place.pool,
        "verdict": verdict and {"alert": verdict.alert, "unit": verdict.place.unit or None, **_outcome(verdict)},
        "verdicts": _verdicts(explained.pool),
        "units": {unit.place.unit: _verdicts(unit) for unit in explained.units},
    }


def _verdicts(explained: PlaceExplanation) -> list[dict[str, Any]]:
    return [
        {
            "alert": verdict.alert,
            "severity": verdict.branch.rule.labels.get("severity"),
            **_outcome(verdict),
            "conditions": [_finding(each) for each in verdict.conditions],
        }
        for verdict in explained.verdicts
    ]


def _outcome(verdict: VerdictFinding) -> dict[str, Any]:
    return {"holds": verdict.holds, "state": verdict.state or None, "ending": verdict.is_ending}


def _finding(found: Finding) -> dict[str, Any]:
    return {
        "words": found.words,
        "expression": found.expression,
        "figure": _finite(found.figure),
        "comparison": found.comparison or None,
        "limit": _finite(found.limit),
        "unit": found.unit or None,
        "holds": found.holds,
        "wanted": found.wanted,
        "meaning": found.meaning or None,
        "missing": [{"series": each.series, "needs": each.supplier} for each in found.missing],
        "parts": [_finding(each) for each in found.parts],
    }


def _finite(value: float | None) -> float | None:
    """Return a number that JSON has."""
    return value if value is not None and math.isfinite(value) else None
