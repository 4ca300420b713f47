"""The client against each server, and through a reverse proxy as Thanos and Mimir have one."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from exporter.errors import ExporterError, QueryTooLargeError
from exporter.prometheus.client import MAX_POINTS, Prometheus
from exporter.prometheus.http_config import read_http_config
from support.api_server import ApiServer, Gate, forwarding, server_tls, write_certificates
from support.compatible import BEGIN, GAP, MINUTES, gauge, serving

GAUGE = "last_over_time(ironport_gauge[59s])"


def test_the_metrics_are_listed(url: str) -> None:
    names = Prometheus(url).metric_names()
    assert {"ironport_gauge", "ironport_counter_total", "pool:ironport_recorded:rate5m"} <= set(names)


def test_a_query_gives_labels_and_value(url: str) -> None:
    (series,) = Prometheus(url).query(GAUGE, BEGIN + 120)
    assert series["metric"]["pool"] == 'in "1"'
    assert (float(series["value"][0]), float(series["value"][1])) == (BEGIN + 120, gauge(BEGIN + 120))


def test_a_range_has_each_sample(url: str) -> None:
    (series,) = Prometheus(url).query_range(GAUGE, MINUTES)
    found = {int(time): int(value) for time, value in series["values"]}
    assert found == {time: gauge(time) for time in MINUTES if time not in GAP}


def test_a_range_may_have_more_points_than_the_limits(url: str) -> None:
    seconds = range(BEGIN, BEGIN + 3 * MAX_POINTS + 1)  # more than the 30,000 of VictoriaMetrics, too
    (series,) = Prometheus(url).query_range("vector(1)", seconds)
    assert [int(time) for time, _ in series["values"]] == list(seconds)


FEW_POINTS = {
    "prometheus": "--query.max-samples=300",
    "victoria-metrics": "-search.maxPointsPerTimeseries=200",
}
"""So few that a query for all samples of a series is refused; by the name of the program."""


def test_windows_shrink_to_the_limits(kind: str, samples: Path, tmp_path: Path) -> None:
    with serving(kind, samples, tmp_path, FEW_POINTS[kind.split()[0]]) as address:
        (series,) = Prometheus(address).query_range(GAUGE, MINUTES)
    assert len(series["values"]) == len(MINUTES) - len(GAP)


def test_a_query_that_is_too_large_is_a_sentence(kind: str, samples: Path, tmp_path: Path) -> None:
    flag = "-search.maxSamplesPerQuery" if kind.startswith("victoria-metrics") else "--query.max-samples"
    with (
        serving(kind, samples, tmp_path, f"{flag}=100") as address,
        pytest.raises(QueryTooLargeError, match=r"^Prometheus refuses the minutes: .*"),
    ):
        Prometheus(address).query("count_over_time(ironport_gauge[14h])", MINUTES[-1], what="the minutes")


def test_a_faulty_expression_is_a_sentence(url: str) -> None:
    with pytest.raises(ExporterError, match=r"^Prometheus refuses sum\( up: .*\.$") as refused:
        Prometheus(url).query("sum( up", BEGIN)
    assert not isinstance(refused.value, QueryTooLargeError)


def test_another_path_is_a_sentence(url: str) -> None:
    with pytest.raises(ExporterError, match=f"^The Prometheus at {url}/graph has no API|^Prometheus refuses up: "):
        Prometheus(f"{url}/graph").query("up", BEGIN)


GATES = {
    "prefix": ("http_headers: {}", {}),
    "basic": ("basic_auth: {username: me, password_file: secret}", {"Authorization": "Basic bWU6czNjcmV0"}),
    "bearer": ("authorization: {credentials_file: secret}", {"Authorization": "Bearer s3cret"}),
    "tenant": ("http_headers: {X-Scope-OrgID: {values: [mail]}}", {"X-Scope-OrgID": "mail"}),
}


@pytest.mark.parametrize("gate", GATES)
def test_a_reverse_proxy_lets_us_through(gate: str, url: str, authority: trustme.CA, tmp_path: Path) -> None:
    section, headers = GATES[gate]
    write_certificates(authority, tmp_path)
    (tmp_path / "secret").write_text("s3cret\n")
    tls = "tls_config: {ca_file: ca.pem, cert_file: client.pem, key_file: client.key}"
    (tmp_path / "http.yml").write_text(f"{section}\n{tls}\n")
    (tmp_path / "anonymous.yml").write_text(f"{tls}\n")
    context = server_tls(authority, "127.0.0.1", client=True)
    with ApiServer(forwarding(url, Gate(headers=headers)), context) as proxy:
        server = Prometheus(f"{proxy.url}/prometheus", read_http_config(tmp_path / "http.yml"))
        assert server.query(GAUGE, BEGIN) == Prometheus(url).query(GAUGE, BEGIN)
        assert server.query_range(GAUGE, MINUTES) == Prometheus(url).query_range(GAUGE, MINUTES)
        assert "ironport_gauge" in server.metric_names()
        if headers:
            with pytest.raises(ExporterError, match=r"asks for credentials \((no org id|Unauthorized)\)"):
                Prometheus(f"{proxy.url}/prometheus", read_http_config(tmp_path / "anonymous.yml")).query("up", 0)
        with pytest.raises(ExporterError, match=r"has no API of Prometheus \(404\): check the path of the URL"):
            Prometheus(proxy.url, read_http_config(tmp_path / "http.yml")).query("up", 0)
