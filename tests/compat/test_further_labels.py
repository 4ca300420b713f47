"""The rules hold if the series of units have a further label: the same alerts fire, and those about a unit have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from support.exporter import PROJECT
from support.prometheus import promtool

TESTS: Final = [
    file for file in sorted((PROJECT / "alerts" / "tests").glob("*.yml")) if "alertname:" in file.read_text()
]
FURTHER: Final = {"cluster": "east"}


def labelled(series: str) -> str:
    """Return the series with the further label, unless rules have recorded it about a pool, a site or a job."""
    if series.startswith(("pool:", "site:", "job:")) or (series.startswith("ALERTS") and "instance=" not in series):
        return series
    name, _, labels = series.partition("{")
    added = [f'{label}="{value}"' for label, value in FURTHER.items()]
    return f"{name}{{{', '.join([*filter(None, [labels.removesuffix('}')]), *added])}}}"


def with_further_labels(test: dict[str, Any]) -> dict[str, Any]:
    """Return the test of alerts with the label on its series, and on the alerts about a unit that it expects."""
    expected = [
        {**check, "exp_alerts": [_expected(alert) for alert in check.get("exp_alerts", ())]}
        for check in test["alert_rule_test"]
    ]
    series = [{**each, "series": labelled(each["series"])} for each in test["input_series"]]
    return {key: test[key] for key in test.keys() - {"promql_expr_test"}} | {
        "input_series": series,
        "alert_rule_test": expected,
    }


def _expected(alert: dict[str, Any]) -> dict[str, Any]:
    about_a_unit = "instance" in alert["exp_labels"]
    return {**alert, "exp_labels": alert["exp_labels"] | (FURTHER if about_a_unit else {})}


@pytest.mark.parametrize("file", TESTS, ids=lambda path: path.stem)
def test_the_same_alerts_fire_with_a_further_label(file: Path, tmp_path: Path) -> None:
    content = yaml.safe_load(file.read_text())
    content["rule_files"] = [str((file.parent / each).resolve()) for each in content["rule_files"]]
    content["tests"] = [with_further_labels(test) for test in content["tests"] if test.get("alert_rule_test")]
    copy = tmp_path / file.name
    copy.write_text(yaml.safe_dump(content, sort_keys=False))
    checked = promtool("test", "rules", str(copy))
    assert checked.returncode == 0, checked.stdout + checked.stderr
