"""The mail to a client's domains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.errors import UsageError
from exporter.lab.history import blocks
from exporter.prometheus.client import Prometheus
from exporter.prometheus.durations import HOUR, MINUTE
from exporter.report.destinations import client_destinations, parse_client
from exporter.report.hourly import HourlyQueries
from exporter.report.period import report_period
from support import recorded
from support.october import BEGIN
from support.processes import program
from support.recorded import ALWAYS, Course, RecordedSeries
from support.zones import BERLIN

HOURS = 6
PER_SECOND = {"example.edu": 1.0, "Physics.example.edu": 2.0, "notexample.edu": 4.0, "example.org": 8.0}
"""Recipients to whom mail is delivered; a tenth as many hard bounces."""


def _counters() -> Iterator[RecordedSeries]:
    for destination, rate in PER_SECOND.items():
        labels = {"job": "ironport", "pool": "inbound", "instance": "mx1", "destination": destination}
        yield RecordedSeries("ironport_destination_active_recipients", labels, MINUTE, ALWAYS)
        for name, share in (("delivered_recipients", 1.0), ("hard_bounces", 0.1)):
            yield RecordedSeries(f"ironport_destination_{name}_total", labels, MINUTE, _counter(rate * share))


def _counter(rate: float) -> Course:
    return lambda time: rate * (time - BEGIN)


@pytest.fixture(scope="module")
def queries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HourlyQueries]:
    for name in ("prometheus", "promtool"):
        program(name)
    folder: Path = tmp_path_factory.mktemp("destinations")
    recorded.write(_counters(), BEGIN, BEGIN + HOURS * HOUR, folder)
    with blocks.served(folder) as url:
        yield HourlyQueries(Prometheus(url), report_period("2026-10", BEGIN + (HOURS + 2) * HOUR, BERLIN))


def test_a_client_has_its_domains_and_those_below(queries: HourlyQueries) -> None:
    found = client_destinations(queries, "", ("example.edu",)) or ()
    assert [each.domain for each in found] == ["Physics.example.edu", "example.edu"]
    mail = [HOURS * HOUR * PER_SECOND[each.domain] for each in found]
    assert [each.delivered.value for each in found] == pytest.approx(mail)
    assert [each.hard_bounced.value for each in found] == pytest.approx([amount / 10 for amount in mail])
    assert {each.delivered.coverage for each in found} == {HOURS / (HOURS + 2)}


def test_a_domain_without_mail_is_missing(queries: HourlyQueries) -> None:
    assert client_destinations(queries, "", ("example.net",)) == ()


def test_destinations_that_nobody_reads_are_none(queries: HourlyQueries) -> None:
    assert client_destinations(queries, 'pool="outbound"', ("example.edu",)) is None


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("Example.edu", ("Example.edu", ("example.edu",))),
        ("Physics=physics.example.edu, phys.example.edu", ("Physics", ("physics.example.edu", "phys.example.edu"))),
    ],
)
def test_a_client_is_a_name_with_domains(text: str, client: tuple[str, tuple[str, ...]]) -> None:
    assert parse_client(text) == client


def test_what_is_no_domain_is_refused() -> None:
    with pytest.raises(UsageError, match="'' is not a mail domain"):
        parse_client("Physics=")
