"""The explanation as text for a terminal: a pool and the units with a verdict in full, every other unit in a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from exporter.explain.explanation import Finding, PlaceExplanation, PoolExplanation, VerdictFinding
from exporter.incidents.names import incident_name
from exporter.phrases import Phrases

_PHRASES: Final = Phrases("en")


def explanation_text(time: float, pools: Sequence[PoolExplanation]) -> str:
    """Return the explanation of the pools at a Unix time."""
    return "\n\n".join("\n".join(_pool_lines(time, pool)) for pool in pools)


def headline(explained: PoolExplanation) -> str:
    """Return the verdict on a pool as a sentence."""
    verdict = explained.verdict
    if verdict is None:
        return "no verdict."
    return f"{verdict_name(verdict)} on {verdict.place.name} ({verdict.alert}{_state(verdict)})."


def verdict_name(verdict: VerdictFinding) -> str:
    return incident_name(verdict.alert, _PHRASES)


def finding_text(found: Finding) -> str:
    """Return a condition with its figures, such as "wait: 94 s > 60 s"."""
    return ": ".join(filter(None, (found.words, _figures(found))))


def answer(found: Finding) -> str:
    """Return the outcome of a condition, and what it means."""
    if _is_open(found):
        return "cannot be told"
    outcome = "yes" if found.holds else "no"
    return f"{outcome}: {found.meaning}" if found.meaning else outcome


def _is_open(found: Finding) -> bool:
    """Return whether the outcome cannot be told, because a figure is missing."""
    return bool(found.missing) and not found.holds and not found.asks_for_value


def missing_sentences(found: Iterable[Finding]) -> list[str]:
    """Return a sentence for each figure that is missing, each once."""
    return list(dict.fromkeys(f"{figure}." for each in every_finding(found) for figure in each.missing))


def every_finding(found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the conditions, each before those that it consists of."""
    for each in found:
        yield each
        yield from every_finding(each.parts)


def _figures(found: Finding) -> str:
    if found.comparison:
        figure, limit = (_written(value, found) for value in (found.figure, found.limit))
        return f"{figure} {found.comparison} {limit}"
    return "" if found.figure is None else _written(found.figure, found)


def _written(value: float | None, found: Finding) -> str:
    """Return a figure with its unit; from 10 on without decimals."""
    if value is None:
        return "unknown" if found.missing else "none"
    number = _PHRASES.number(value, 0 if abs(value) >= 10 or value.is_integer() else 2)
    if not found.unit:
        return number
    return f"{number}{'' if found.unit.startswith('/') else ' '}{found.unit}"


def _state(verdict: VerdictFinding) -> str:
    if verdict.is_ending:
        return ", still firing although its conditions do not hold any more"
    return f", {verdict.state}" if verdict.state else ""


def _pool_lines(time: float, explained: PoolExplanation) -> Iterator[str]:
    place, moment = explained.pool.place, datetime.fromtimestamp(time, UTC)
    yield f"Pool {place.pool} (job {place.job}) at {moment:%Y-%m-%d %H:%M:%S} UTC: {headline(explained)}"
    shown = [unit for unit in explained.units if _has_verdict(unit)]
    for each in (explained.pool, *shown):
        yield from ("", *_place_lines(each))
    others = [unit for unit in explained.units if unit not in shown]
    if others:
        yield from ("", "other units" if shown else "units")
        yield from (line for unit in others for line in _unit_lines(unit))


def _has_verdict(explained: PlaceExplanation) -> bool:
    """Return whether a verdict on waiting mail holds or fires for the unit itself."""
    return any(verdict.branch.of_mail and (verdict.holds or verdict.state) for verdict in explained.verdicts)


def _place_lines(explained: PlaceExplanation) -> Iterator[str]:
    yield explained.place.name
    yield "  verdicts:"
    for verdict in explained.verdicts:
        if verdict.branch.of_mail or verdict.holds or verdict.state:
            yield from _verdict_lines(verdict)
    yield "  conditions:"
    for found in explained.conditions:
        yield from _condition_lines(found, 2)
    yield from (f"    {sentence}" for sentence in missing_sentences(explained.conditions))


def _condition_lines(found: Finding, depth: int) -> Iterator[str]:
    yield f"{'  ' * depth}{_question(found)}"
    for part in found.parts:
        yield from _condition_lines(part, depth + 1)


def _verdict_lines(verdict: VerdictFinding) -> Iterator[str]:
    name = f"{verdict_name(verdict)} ({verdict.alert}{_state(verdict)})"
    if verdict.holds:
        yield f"    {name}: yes"
        if not verdict.branch.of_mail:
            for found in verdict.conditions:
                yield from _condition_lines(found, 3)
    else:
        yield f"    {name}: no, because {_reason(_decisive(verdict.obstacles[0]))}"


def _question(found: Finding) -> str:
    """Return a condition with its outcome; a group of conditions asks nothing itself."""
    return f"{finding_text(found)} {answer(found)}" if found.is_group else f"{finding_text(found)}? {answer(found)}"


def _reason(found: Finding) -> str:
    """Say how a condition comes out, such as '"slow" does not hold'."""
    if _is_open(found):
        return f'"{finding_text(found)}" cannot be told'
    return f'"{finding_text(found)}" {"holds" if found.holds else "does not hold"}'


def _decisive(found: Finding) -> Finding:
    """Return the condition to name for a group of conditions: the first one that decides how the group comes out."""
    if not found.is_group:
        return found
    return _decisive(next(part for part in found.parts if part.fits == found.holds))


def _unit_lines(explained: PlaceExplanation) -> Iterator[str]:
    """Yield the unit's own conditions in a line; of one on which no mail waits, the wait is enough."""
    own = [found for found in explained.conditions if not found.is_group and "pool:" not in found.expression]
    waits = any(found.holds for found in own if found.parts)
    told = own if waits else [found for found in every_finding(own) if found.words == "wait"][:1]
    in_service = [found for found in every_finding(own) if found.words == "in service"][:1]
    if any(not found.holds for found in in_service):
        yield f"  {explained.place.unit}  not in service"
        return
    yield f"  {explained.place.unit}  {'; '.join(map(_question, told))}"
    yield from (f"    {sentence}" for sentence in missing_sentences(own))
    for verdict in explained.verdicts:
        if verdict.holds or verdict.state:
            yield f"    {verdict_name(verdict)} ({verdict.alert}{_state(verdict)})"
