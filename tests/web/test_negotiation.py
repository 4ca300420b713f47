"""A client gets OpenMetrics if it asks for it, and the text format otherwise."""

from __future__ import annotations

import pytest

from exporter.web.negotiation import prefers_openmetrics

PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
VICTORIA_METRICS = "text/plain;version=0.0.4;q=1,*/*;q=0.1"


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_2_42,
        PROMETHEUS_3,
        "application/openmetrics-text",
        'Application/OpenMetrics-Text; Version="1.0.0"',
        "text/plain; q=0.5, application/openmetrics-text; q=0.6",
        "application/openmetrics-text;version=2.0.0, application/openmetrics-text;q=0.9, text/plain;q=0.8",
    ],
)
def test_openmetrics_is_given_to_those_who_prefer_it(accept: str) -> None:
    assert prefers_openmetrics(accept)


@pytest.mark.parametrize(
    "accept",
    [
        "",
        "*/*",
        "text/html,application/xhtml+xml,*/*;q=0.8",
        VICTORIA_METRICS,
        "text/plain, application/openmetrics-text",
        "text/plain, application/openmetrics-text;q=0.9",
        "application/openmetrics-text;q=0, */*",
        "application/openmetrics-text;q=much",
        "application/openmetrics-text;version=2.0.0",
        ";;q=,=;application/openmetrics-text",
    ],
)
def test_all_others_get_the_text_format(accept: str) -> None:
    assert not prefers_openmetrics(accept)
