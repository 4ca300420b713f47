"""The incidents of a simulated campus, found by the alerts of the project's rules, and the cards of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from exporter.bundle import thresholds
from exporter.errors import ExporterError, UsageError
from exporter.explain.explanation import explain_firing
from exporter.incidents.firings import AlertHistory, alert_history
from exporter.incidents.incidents import Incident, find_incidents
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import MINUTE
from exporter.prometheus.selection import Selection
from exporter.report import incident_command
from exporter.report.incident_view import IncidentView
from support.campus import BEGIN, END, FLOOD, JABBERER, SLOW, UNIT_DOWN, served_campus
from support.processes import program

ZONE = ZoneInfo("Europe/Berlin")
EVERYTHING = Selection()


@pytest.fixture(scope="module")
def campus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    for name in ("prometheus", "promtool"):
        program(name)
    with served_campus(tmp_path_factory.mktemp("campus")) as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def history(campus: Prometheus) -> AlertHistory:
    return alert_history(campus, BEGIN, END)


@pytest.fixture(scope="module")
def found(history: AlertHistory) -> Sequence[Incident]:
    return find_incidents(history)


def test_each_incident_is_found_under_its_verdict(found: Sequence[Incident]) -> None:
    assert [(each.verdict.alert, each.stream, each.severity) for each in found] == [
        ("IronPortJabbererSuspected", "inbound", "warning"),
        ("IronPortDistributedAttackSuspected", "inbound", "critical"),
        ("IronPortUnitUnreachable", "outbound", "warning"),
        ("IronPortPoolSlow", "inbound", "critical"),
    ]


def test_incidents_are_seen_within_ten_minutes(found: Sequence[Incident]) -> None:
    for incident, onset in zip(found, (JABBERER, FLOOD, UNIT_DOWN, SLOW), strict=True):
        assert onset < incident.began <= incident.seen < onset + 10 * MINUTE


def test_only_critical_incidents_call_somebody(found: Sequence[Incident]) -> None:
    assert [each.notified is not None for each in found] == [False, True, False, True]


def test_units_are_named_by_their_alerts(found: Sequence[Incident]) -> None:
    jabberer, flood, down, _ = found
    assert jabberer.units == ("mx2",)
    assert down.units == ("out1",)
    assert set(flood.units) == {f"mx{number}" for number in range(1, 7)}


def test_only_the_last_incident_goes_on(found: Sequence[Incident]) -> None:
    assert [each.ended is None for each in found] == [False, False, False, True]


def test_the_rules_were_evaluated_all_the_time(history: AlertHistory) -> None:
    assert history.coverage_since(BEGIN) == pytest.approx(1, abs=0.01)
    assert not history.blackouts(BEGIN, END)


# --- cards ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def card_at(campus: Prometheus) -> Callable[[int], IncidentView]:
    def card(time: int) -> IncidentView:
        at = datetime.fromtimestamp(time, UTC).isoformat()
        return incident_command.incident_card(campus, EVERYTHING, ZONE, END, at)

    return card


def cells(markdown: str, name: str) -> list[str]:
    """Return the cells of the row of a Markdown table that begins with the name."""
    (row,) = (line for line in markdown.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_the_last_incident_is_the_default(campus: Prometheus) -> None:
    card = incident_command.incident_card(campus, EVERYTHING, ZONE, END, None)
    assert card.title == "Slow on pool inbound"
    assert "goes on" in card.subject


def test_a_time_chooses_the_nearest_incident(card_at: Callable[[int], IncidentView]) -> None:
    assert card_at(JABBERER - 20 * MINUTE).title == "One heavy sender on mx2 (pool inbound)"
    assert card_at(FLOOD + 10 * MINUTE).title == "Distributed attack on pool inbound"


def test_the_heavy_sender_is_named(card_at: Callable[[int], IncidentView]) -> None:
    senders = card_at(JABBERER + 20 * MINUTE).figures.senders
    assert senders[0][0] == "203.0.113.66"
    assert senders[0][1] > 2 * senders[1][1]


def test_the_card_shows_what_the_verdict_was_decided_by(card_at: Callable[[int], IncidentView]) -> None:
    markdown = incident_command.markdown_card(card_at(JABBERER + 20 * MINUTE))
    _, wait, exit_rate, peers, _, _ = cells(markdown, "mx2")
    assert wait.startswith("1\N{NO-BREAK SPACE}min")
    assert int(exit_rate.rstrip("%")) > 100 * thresholds.limit("service_ratio")
    assert float(peers) > thresholds.limit("jabber_ratio")


def test_the_card_shows_how_the_verdict_was_reached(card_at: Callable[[int], IncidentView]) -> None:
    card = card_at(JABBERER + 20 * MINUTE)
    assert card.explained
    assert (card.explained.alert, card.explained.place.unit) == ("IronPortJabbererSuspected", "mx2")
    assert card.explained.holds
    markdown = incident_command.markdown_card(card)
    assert cells(markdown, "backlogged") == ["backlogged", "yes", "yes"]
    _, outcome, needed = cells(markdown, "pool in trouble")
    assert (outcome[:2], needed) == ("no", "no")
    assert re.search(r"^\| wait: \d+ s \\> 90 s \| yes \| yes \|$", markdown, re.MULTILINE)


def test_the_verdicts_of_all_cards_held(campus: Prometheus, found: Sequence[Incident]) -> None:
    explained = [explain_firing(campus, incident.verdict) for incident in found]
    assert [each and each.holds for each in explained] == [True] * len(found)


def test_the_timeline_is_in_order(card_at: Callable[[int], IncidentView]) -> None:
    card = card_at(FLOOD + 10 * MINUTE)
    times = (card.late_since, card.incident.began, card.incident.seen, card.incident.notified, card.incident.ended)
    assert None not in times
    assert list(times) == sorted(time or 0 for time in times)


def test_late_minutes_never_exceed_the_incident(card_at: Callable[[int], IncidentView]) -> None:
    card = card_at(FLOOD + 10 * MINUTE)
    lasted = (card.incident.lasts_until(END) - card.incident.began) / MINUTE
    minutes = list(card.figures.late.values())
    assert lasted >= minutes[0] >= minutes[1] >= minutes[2] > 0


def test_every_query_of_the_card_can_be_pasted(campus: Prometheus, card_at: Callable[[int], IncidentView]) -> None:
    card = card_at(FLOOD + 10 * MINUTE)
    queries = {query.shows: query.expression for query in card.queries()}
    found = {shows: campus.query(query, card.incident.seen + MINUTE) for shows, query in queries.items()}
    assert [shows for shows, series in found.items() if not series] == ["Units that did not answer"]


def test_links_lead_to_the_runbook_and_the_time(card_at: Callable[[int], IncidentView]) -> None:
    card = card_at(UNIT_DOWN + 30 * MINUTE)
    links = dict(card.links())
    assert links["Runbook"].endswith("/IronPortUnitUnreachable.md")
    assert "{{" not in links["Dashboard"]
    assert f"from={card.figures.instants[0]}000" in links["Dashboard"]


def test_html_needs_nothing_from_elsewhere(card_at: Callable[[int], IncidentView], tmp_path: Path) -> None:
    html_file, markdown_file = incident_command.write_card(card_at(FLOOD + 10 * MINUTE), tmp_path)
    assert markdown_file.suffix == ".md"
    loaded: list[str] = []

    class Resources(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            loaded.extend(value or "" for name, value in attributes if name == "src" or (tag, name) == ("link", "href"))

    Resources().feed(html_file.read_text(encoding="utf-8"))
    assert not loaded
    assert "url(" not in html_file.read_text(encoding="utf-8")


def test_the_same_incident_gives_the_same_files(card_at: Callable[[int], IncidentView], tmp_path: Path) -> None:
    card = card_at(FLOOD + 10 * MINUTE)
    first = [file.read_bytes() for file in incident_command.write_card(card, tmp_path)]
    assert [file.read_bytes() for file in incident_command.write_card(card, tmp_path)] == first
    assert len(list(tmp_path.iterdir())) == 2


def test_the_list_has_the_last_incident_first(campus: Prometheus) -> None:
    heads, *rows = incident_command.list_incidents(campus, EVERYTHING, ZONE, END).splitlines()
    assert heads.split() == ["BEGAN", "LASTED", "SEVERITY", "WHERE", "INCIDENT"]
    assert [re.split(r"  +", row)[-1] for row in rows] == [
        "Slow",
        "Unit unreachable",
        "Distributed attack",
        "One heavy sender",
    ]


def test_a_pool_can_be_chosen(campus: Prometheus) -> None:
    card = incident_command.incident_card(campus, Selection(pools=("outbound",)), ZONE, END, None)
    assert card.title == "Unit unreachable on out1 (pool outbound)"


def test_odd_names_are_shown_as_they_are(card_at: Callable[[int], IncidentView], tmp_path: Path) -> None:
    card = card_at(JABBERER + 20 * MINUTE)
    labels = {**card.incident.verdict.labels, "instance": 'mx<b>|`"2', "pool": "a/b"}
    verdict = replace(card.incident.verdict, labels=labels)
    odd = replace(card, incident=replace(card.incident, verdict=verdict, stream="../a", firings=(verdict,)))
    page, text = incident_command.write_card(odd, tmp_path)
    assert page.parent == text.parent == tmp_path
    assert "<b>" not in page.read_text(encoding="utf-8")
    headline = text.read_text(encoding="utf-8").splitlines()[0]
    assert headline == r'# One heavy sender on mx\<b\>\|\`"2 (pool a/b)'
    assert not [url for _, url in odd.links() if "<" in url]


@pytest.mark.parametrize(
    ("at", "error"),
    [
        ("2031-01-01T00:00:00Z", "--at 2031-01-01T00:00:00Z is in the future: name a time in the past."),
        ("2020-01-01T00:00:00Z", "The server has no alerts of that time, not even IronPortWatchdog"),
        ("yesterday", "'yesterday' is not a time: write how long ago it was"),
    ],
)
def test_a_time_without_incidents_is_a_sentence(campus: Prometheus, at: str, error: str) -> None:
    with pytest.raises(ExporterError, match=f"^{re.escape(error)}"):
        incident_command.incident_card(campus, EVERYTHING, ZONE, END, at)


def test_a_quiet_time_has_no_incident(campus: Prometheus) -> None:
    with pytest.raises(ExporterError, match=r"^There was no incident in the last 30 days\.$"):
        incident_command.incident_card(campus, EVERYTHING, ZONE, JABBERER - 10 * MINUTE, None)


def test_an_unknown_pool_gets_a_suggestion(campus: Prometheus) -> None:
    with pytest.raises(UsageError, match=r"^There is no pool 'inbuond'\. Did you mean inbound\? There are: inbound, "):
        incident_command.incident_card(campus, Selection(pools=("inbuond",)), ZONE, END, None)


def test_a_folder_that_is_a_file_is_named(card_at: Callable[[int], IncidentView], tmp_path: Path) -> None:
    (tmp_path / "cards").touch()
    with pytest.raises(ExporterError, match=r"cards: File exists\. Name another folder\.$"):
        incident_command.write_card(card_at(FLOOD), tmp_path / "cards")
