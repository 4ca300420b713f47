"""The explanation of a verdict: the conditions of each place with their figures, and the verdicts that follow."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporter.errors import ExporterError, UsageError, suggestion
from exporter.explain.conditions import Compared, Condition, Either, Every, Known, Not
from exporter.explain.figures import SCRAPED_UNITS, MomentFigures, Place
from exporter.explain.missing import MissingFigure, MissingFigures
from exporter.explain.tree import Branch, Tree, read_tree
from exporter.explain.words import figure_words, unit, words
from exporter.incidents.firings import FIRING, Firing
from exporter.prometheus.client import Prometheus
from exporter.prometheus.selection import Selection

_LAST_DAY: Final = f"last_over_time({SCRAPED_UNITS}[1d])"
_COMPARE: Final[Mapping[str, Callable[[float, float], bool]]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition at a place."""

    words: str
    expression: str
    """PromQL."""
    holds: bool
    wanted: bool = True
    """Whether the verdict needs it to hold; False if the verdict needs it not to."""
    figure: float | None = None
    comparison: str = ""
    """The operator between figure and limit; empty if nothing is compared."""
    limit: float | None = None
    unit: str = ""
    meaning: str = ""
    """What the outcome means, in a few words."""
    missing: tuple[MissingFigure, ...] = ()
    """Why there is no figure."""
    parts: tuple[Finding, ...] = ()
    """The conditions that it consists of or stands for."""
    asks_for_value: bool = False
    """Whether it only asks if there is a figure."""
    is_group: bool = False
    """Whether it only joins its parts, and is no condition with a name."""

    @property
    def fits(self) -> bool:
        """Whether the outcome is the one that the verdict needs."""
        return self.holds == self.wanted


@dataclass(frozen=True, slots=True)
class VerdictFinding:
    """A verdict at a place: its conditions, and whether its alert fires."""

    branch: Branch
    place: Place
    conditions: tuple[Finding, ...]
    """All of them must fit."""
    state: str
    """What the server says of the alert: firing, pending or nothing."""

    @property
    def alert(self) -> str:
        return self.branch.rule.alert

    @property
    def holds(self) -> bool:
        return not self.obstacles

    @property
    def is_ending(self) -> bool:
        """Whether the alert only goes on because of its `keep_firing_for`."""
        return self.state == FIRING and not self.holds

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """The conditions that do not fit; the verdict holds if there is none."""
        return tuple(each for each in self.conditions if not each.fits)


@dataclass(frozen=True, slots=True)
class PlaceExplanation:
    """A pool or a unit: all verdicts about it, the most telling first."""

    place: Place
    verdicts: tuple[VerdictFinding, ...]

    @property
    def conditions(self) -> tuple[Finding, ...]:
        """The conditions of the verdicts on waiting mail, each once."""
        every = [each for verdict in self.verdicts if verdict.branch.of_mail for each in verdict.conditions]
        once = {each.expression: replace(each, wanted=True) for each in every}
        return tuple(each for each in once.values() if not _stands_in(each.expression, once))


def _stands_in(expression: str, others: Iterable[str]) -> bool:
    """Return whether a figure is part of another condition, which shows it."""
    return any(expression != other and expression in other for other in others)


@dataclass(frozen=True, slots=True)
class PoolExplanation:
    pool: PlaceExplanation
    units: tuple[PlaceExplanation, ...]

    @property
    def verdict(self) -> VerdictFinding | None:
        """The most telling verdict of those that fire, else of those whose conditions hold, else of those that end."""
        verdicts = [each for place in (self.pool, *self.units) for each in place.verdicts if each.holds or each.state]
        return min(verdicts, key=lambda each: (not each.holds, each.state != FIRING, each.branch.rank), default=None)


def explain(server: Prometheus, at: float, selection: Selection) -> tuple[float, list[PoolExplanation]]:
    """Return when the rules were evaluated last before a Unix time, and how they judge the chosen pools.

    Raises ExporterError if the server has no series of the rules, UsageError for an unknown job or pool.
    """
    figures, tree = MomentFigures(server, at), read_tree()
    places = sorted(figures.values(SCRAPED_UNITS), key=str)
    if not places:
        server.metric_names()  # raises if the server has nothing of the exporter
        raise ExporterError(
            "The Prometheus has no recorded series of units at that time: load the rules in alerts/rules, or "
            "choose another time with --at."
        )
    for label, names in (("job", selection.jobs), ("pool", selection.pools)):
        _refuse_unknown(figures, label, names)
    chosen = [place for place in places if _is_chosen(place, selection)]
    judge = Judge(tree, figures)
    pools = [judge.pool(pool, chosen) for pool in dict.fromkeys(place.whole_pool for place in chosen)]
    return figures.evaluated, pools


def explain_firing(server: Prometheus, firing: Firing) -> VerdictFinding | None:
    """Return the conditions of an alert when it began to fire; None if it is no verdict, or nothing shows them."""
    tree, figures = read_tree(), MomentFigures(server, firing.begin)
    rules = (each for each in tree.branches if each.rule.alert == firing.alert)
    branch = next((each for each in rules if each.rule.labels.get("severity") == firing.severity), None)
    if branch is None or not figures.values(SCRAPED_UNITS):
        return None
    return Judge(tree, figures).verdict(branch, Place.of(firing.labels))


def _is_chosen(place: Place, selection: Selection) -> bool:
    return (not selection.jobs or place.job in selection.jobs) and (
        not selection.pools or place.pool in selection.pools
    )


def _refuse_unknown(figures: MomentFigures, label: str, names: Sequence[str]) -> None:
    """Raise an error for a job or pool of which no unit is scraped, or that never was."""
    known = {getattr(place, label) for place in figures.values(SCRAPED_UNITS)}
    for name in names:
        if name in known:
            continue
        if name in {getattr(place, label) for place in figures.values(_LAST_DAY)}:
            raise ExporterError(f"No unit of {label} {name} was scraped then, so nothing can be told of it.")
        raise UsageError(
            f"There is no {label} {name!r}.{suggestion(name, known)} There are: {', '.join(sorted(known))}."
        )


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges places by the tree, with the figures that each group of rules had when it was evaluated last."""

    tree: Tree
    figures: MomentFigures

    def pool(self, pool: Place, places: Sequence[Place]) -> PoolExplanation:
        units = [place for place in places if place.whole_pool == pool]
        return PoolExplanation(self.place(pool), tuple(map(self.place, units)))

    def place(self, place: Place) -> PlaceExplanation:
        level = "unit" if place.unit else "pool"
        return PlaceExplanation(
            place, tuple(self.verdict(branch, place) for branch in self.tree.branches if branch.level == level)
        )

    def verdict(self, branch: Branch, place: Place) -> VerdictFinding:
        condition = branch.condition
        parts = condition.parts if isinstance(condition, Every) else (condition,)
        group = branch.rule.group
        judge = Judge(self.tree, self.figures.of_group(group, self.tree.recorded_by(group)))
        findings = tuple(judge.finding(part, place) for part in parts)
        state = self.figures.alert_state(branch.rule.alert, branch.rule.labels.get("severity", ""), place)
        return VerdictFinding(branch, place, findings, state)

    def finding(self, condition: Condition, place: Place) -> Finding:
        match condition:
            case Not(part):
                found = self.finding(part, place)
                return replace(found, wanted=not found.wanted)
            case Every(parts) | Either(parts):
                return self._combined(condition, tuple(self.finding(part, place) for part in parts))
            case Compared():
                return self._compared(condition, place)
            case Known():
                return self._known(condition, place)

    def _combined(self, condition: Every | Either, parts: tuple[Finding, ...]) -> Finding:
        every = isinstance(condition, Every)
        holds = all(part.fits for part in parts) if every else any(part.fits for part in parts)
        expression = (" and " if every else " or ").join(part.expression for part in parts)
        return Finding("all of these:" if every else "one of these:", expression, holds, parts=parts, is_group=True)

    def _compared(self, condition: Compared, place: Place) -> Finding:
        figure, limit = (self.figures.value(side, place) for side in (condition.left, condition.right))
        holds = figure is not None and limit is not None and _COMPARE[condition.operator](figure, limit)
        expression = f"{condition.left} {condition.operator} {condition.right}"
        return Finding(
            words(condition.left),
            expression,
            holds,
            figure=figure,
            comparison=condition.operator,
            limit=limit,
            unit=unit(condition.left),
            meaning=_meaning(condition, figure, limit),
            missing=self._missing(expression, place) if None in (figure, limit) else (),
        )

    def _known(self, condition: Known, place: Place) -> Finding:
        value, known = self.figures.value(condition.expression, place), figure_words(condition.expression)
        holds = value is not None and (value != 0 or not condition.truth)
        behind = self.tree.behind(condition)
        is_flag = condition.truth or behind is not None
        parts = self._parts(behind, place) if behind else ()
        return Finding(
            words(condition.expression) + ("" if is_flag else " (known)"),
            condition.expression,
            holds,
            figure=None if is_flag else value,
            unit=unit(condition.expression),
            meaning=(known.above if holds else known.below) if is_flag else "",
            missing=self._missing(condition.expression, place) if value is None else (),
            parts=parts,
            asks_for_value=not is_flag,
        )

    def _parts(self, condition: Condition, place: Place) -> tuple[Finding, ...]:
        found = self.finding(condition, place)
        return found.parts if isinstance(condition, Every) else (found,)

    def _missing(self, expression: str, place: Place) -> tuple[MissingFigure, ...]:
        return MissingFigures(self.tree, self.figures).behind(expression, place)


def _meaning(condition: Compared, figure: float | None, limit: float | None) -> str:
    known = figure_words(condition.left)
    if figure is None or limit is None:
        return ""
    over = figure > limit or (figure == limit and condition.operator == ">=")
    return known.above if over else known.below
