from __future__ import annotations

from alerts.verdicts_page import PAGE, verdicts_page
from exporter.bundle.thresholds import read_thresholds
from exporter.explain.tree import read_tree


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == verdicts_page(), "run python -m alerts.verdicts_page"


def test_every_verdict_on_waiting_mail_has_a_section() -> None:
    page = PAGE.read_text(encoding="utf-8")
    alerts = [branch.rule.alert.removeprefix("IronPort") for branch in read_tree().branches if branch.of_mail]
    assert len(alerts) >= 8
    assert not [alert for alert in alerts if f"({alert})\n" not in page]


def test_the_page_has_the_values_of_thresholds() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in ("backlog_seconds", "service_ratio", "trouble_share"):
        assert f"| `{name}` | {read_thresholds()[name]} |" in page
