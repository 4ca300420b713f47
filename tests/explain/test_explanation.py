"""How places are judged, on answers that a server might give."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from exporter.errors import ExporterError, UsageError
from exporter.explain import command
from exporter.explain.as_json import explanation_json
from exporter.explain.explanation import Finding, Judge, PlaceExplanation, PoolExplanation, VerdictFinding, explain
from exporter.explain.figures import MomentFigures, Place
from exporter.explain.text import answer, every_finding, explanation_text, finding_text, missing_sentences
from exporter.explain.tree import read_tree
from exporter.prometheus.client import InstantSeries, Prometheus
from exporter.prometheus.selection import Selection

POOL = Place("ironport", "inbound", "inbound")
UNIT = Place("ironport", "inbound", "inbound", "mx1")
IN_SERVICE = "instance:ironport_in_service:bool"
NOW = 1_800_000_000.0


TROUBLED = "pool:ironport_work_queue_troubled:bool"
BUSY = {
    "instance:ironport_work_queue_exit_messages:ratio_rated3m": 1.0,
    "instance:ironport_work_queue_backlogged:bool": 1.0,
    "instance:ironport_work_queue_wait_seconds:estimate3m": 300.0,
    "instance:ironport_work_queue_growth_messages:rate3m": 9.0,
}
"""A unit that gets too much mail."""


class FakeServer(Prometheus):
    """Answers each expression as a test says, for the unit mx1, and all others with nothing."""

    def __init__(self, values: Mapping[str, float]) -> None:
        self.values = values
        self.asked: list[str] = []

    def query(self, expression: str, time: float, what: str = "") -> list[InstantSeries]:
        self.asked.append(expression)
        labels = {"job": "ironport", "stream": "inbound", "pool": "inbound", "instance": "mx1"}
        if "pool:" in expression:
            del labels["instance"]
        return [{"metric": labels, "value": (time, str(self.values[expression]))}] if expression in self.values else []

    def metric_names(self) -> list[str]:
        return ["ironport_probe_success"]


def judged(values: Mapping[str, float], place: Place = UNIT) -> PlaceExplanation:
    return Judge(read_tree(), MomentFigures(FakeServer(values), NOW)).place(place)


def verdict(explained: PlaceExplanation, name: str) -> VerdictFinding:
    return next(each for each in explained.verdicts if each.alert == f"IronPort{name}")


def condition(found: VerdictFinding, words: str) -> Finding:
    return next(each for each in every_finding(found.conditions) if each.words == words)


def everything(explained: PlaceExplanation) -> list[str]:
    return missing_sentences(found for each in explained.verdicts for found in each.conditions)


def recent(family: str) -> str:
    """Return the expression for a sample of the last minutes."""
    return f"last_over_time({family}[120s])"


def test_a_condition_shows_figure_limit_and_outcome() -> None:
    wait = "instance:ironport_work_queue_wait_seconds:estimate3m"
    found = condition(verdict(judged({wait: 94.2}), "UnitOverloaded"), "wait")
    assert (finding_text(found), answer(found)) == ("wait: 94 s > 60 s", "yes")


def test_an_outcome_says_what_it_means() -> None:
    share = "instance:ironport_work_queue_exit_messages:ratio_rated3m"
    for value, meaning in ((0.81, "yes: full speed"), (0.3, "no: less than full speed")):
        found = condition(verdict(judged({share: value}), "UnitOverloaded"), "exit rate / rated")
        assert answer(found) == meaning


@pytest.mark.parametrize("place", [POOL, UNIT], ids=["pool", "unit"])
def test_without_any_figure_every_comparison_says_what_is_missing(place: Place) -> None:
    found = [each for verdict in judged({}, place).verdicts for each in every_finding(verdict.conditions)]
    compared = [each for each in found if each.comparison]
    assert len(compared) > 20
    assert [each.expression for each in compared if not each.missing] == []


@pytest.mark.parametrize("place", [POOL, UNIT], ids=["pool", "unit"])
def test_every_condition_has_words_and_not_the_name_of_a_series(place: Place) -> None:
    found = [each for verdict in judged({}, place).verdicts for each in every_finding(verdict.conditions)]
    assert len(found) > 40
    assert not [each.words for each in found if "ironport" in each.words], "add rows to FIGURE_WORDS"


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"pool:ironport_messages_injected:ratio_usual3m": 1.2, "pool:ironport_attack_arrivals:bool": 0.0},
            'Distributed attack (IronPortDistributedAttackSuspected): no, because "as much mail as in an attack" does '
            "not hold",
        ),
        (
            {},
            'Overloaded (IronPortPoolOverloaded): no, because "exit rate / rated (backlogged units): unknown >= 0.75" '
            "cannot be told",
        ),
        (
            {},
            'Backlogged, cause unknown (IronPortPoolBackloggedCauseUnknown): no, because "backlogged units (known)" '
            "does not hold",
        ),
    ],
)
def test_the_reason_is_the_first_condition_that_fails(values: Mapping[str, float], reason: str) -> None:
    assert reason in explanation_text(NOW, [PoolExplanation(judged(values, POOL), ())])


def test_a_condition_that_must_not_hold_is_a_reason() -> None:
    text = explanation_text(NOW, [PoolExplanation(judged(BUSY | {TROUBLED: 1.0}), ())])
    assert 'Unit overloaded (IronPortUnitOverloaded): no, because "pool in trouble" holds' in text


def test_without_the_status_page_arrivals_are_missing() -> None:
    sentences = everything(judged({recent("ironport_work_queue_messages"): 5.0}))
    needed = "(ironport_messages_injected_total) is missing: it needs the status page (XML) or the REST interface."
    assert any(needed in sentence for sentence in sentences)
    assert not any("(ironport_work_queue_messages) is missing: it needs the" in sentence for sentence in sentences)


def test_without_a_rating_its_key_is_named() -> None:
    there = dict.fromkeys(read_tree().recorded, 1.0) | {
        recent(name): 1.0
        for name in ("ironport_work_queue_messages", "ironport_messages_injected_total", "ironport_probe_success")
    }
    lacking = {name: value for name, value in there.items() if "rated" not in name}
    (sentence,) = {one for one in everything(judged(lacking)) if "(instance:ironport_rated_messages:rate)" in one}
    assert sentence.endswith("is missing: it needs rated_messages_per_hour in fleet.yml, or a week of history.")


def test_without_weeks_the_usual_is_missing() -> None:
    there = {name: 1.0 for name in read_tree().recorded if "usual" not in name}
    sentences = everything(judged(there, POOL))
    assert any("rate1h_usual_high) is missing: it needs a week of history." in one for one in sentences)


@pytest.mark.parametrize(
    ("lacking", "place", "sentence"),
    [
        ("offset 1d", POOL, "(pool:ironport_messages_injected:rate1h) is missing: it needs 1 d of history."),
        (
            "(ironport_work_queue_messages[5m])",
            UNIT,
            "(ironport_work_queue_messages) is missing: it needs 5 min of samples.",
        ),
    ],
)
def test_too_short_a_past_is_missing(lacking: str, place: Place, sentence: str) -> None:
    class Young(FakeServer):
        """Has every figure, but for what needs an older sample."""

        def query(self, expression: str, time: float, what: str = "") -> list[InstantSeries]:
            self.values = {} if lacking in expression or "ALERTS" in expression else {expression: NOW}
            return super().query(expression, time, what)

    explained = Judge(read_tree(), MomentFigures(Young({}), NOW)).place(place)
    assert [one for one in everything(explained) if one.endswith(sentence)]


def test_what_cannot_be_told_is_no_yes() -> None:
    found = verdict(judged({}), "UnitOverloaded")
    assert not found.holds
    assert answer(condition(found, "exit rate / rated")) == "cannot be told"


@pytest.mark.parametrize("value", ["inf", "nan", "-inf"])
def test_a_figure_that_is_no_number_is_shown(value: str) -> None:
    explained = judged({"instance:ironport_work_queue_wait_seconds:estimate3m": float(value)})
    found = condition(verdict(explained, "UnitOverloaded"), "wait")
    assert finding_text(found).startswith(f"wait: {value} s > 60 s")
    pool = PoolExplanation(judged({}, POOL), (explained,))
    assert json.loads(json.dumps(explanation_json(NOW, [pool]), allow_nan=False))


def test_each_expression_is_asked_for_once() -> None:
    server = FakeServer({})
    judge = Judge(read_tree(), MomentFigures(server, NOW))
    for place in (POOL, UNIT):
        judge.place(place)
    assert len(server.asked) == len(set(server.asked))


def test_a_quiet_pool_has_no_verdict() -> None:
    pool = PoolExplanation(judged({}, POOL), (judged({}),))
    assert pool.verdict is None
    assert "Pool inbound (job ironport) at 2027-01-15 08:00:00 UTC: no verdict." in explanation_text(NOW, [pool])


def test_a_server_without_rules_is_told() -> None:
    with pytest.raises(ExporterError, match="no recorded series of units at that time: load the rules in alerts/rules"):
        explain(FakeServer({}), NOW, Selection())


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (Selection(pools=("inbuond",)), "There is no pool 'inbuond'. Did you mean inbound? There are: inbound."),
        (Selection(jobs=("x",)), "There is no job 'x'. There are: ironport."),
    ],
)
def test_an_unknown_name_is_refused(selection: Selection, sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        explain(FakeServer({IN_SERVICE: 1.0}), NOW, selection)
    assert str(error.value) == sentence


def test_a_pool_that_is_not_scraped_is_told() -> None:
    class Elsewhere(FakeServer):
        """Has units of another pool now."""

        def query(self, expression: str, time: float, what: str = "") -> list[InstantSeries]:
            found = super().query(expression, time, what)
            for series in found if expression == IN_SERVICE else ():
                series["metric"]["pool"] = "other"
            return found

    there = {IN_SERVICE: 1.0, f"last_over_time({IN_SERVICE}[1d])": 1.0}
    with pytest.raises(
        ExporterError, match=r"^No unit of pool inbound was scraped then, so nothing can be told of it\.$"
    ):
        explain(Elsewhere(there), NOW, Selection(pools=("inbound",)))


def test_the_future_is_refused() -> None:
    with pytest.raises(UsageError, match=r"^--at 2999-01-01 is in the future: name a time in the past\.$"):
        command.explanation(FakeServer({}), "2999-01-01", Selection(), as_json=False)
