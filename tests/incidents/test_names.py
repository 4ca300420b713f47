"""Every alert has a name for readers of reports."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import exporter
from exporter.incidents.names import incident_name, phrase_key
from exporter.phrases import LANGUAGES, Phrases
from exporter.prometheus.rule_files import read_rules

RULES = read_rules(str(Path(__file__).parents[2] / "alerts" / "rules" / "*.yml"))
ALERTS = sorted({rule.alert for rule in RULES if rule.alert and rule.alert != "IronPortWatchdog"})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alert_has_words(language: str) -> None:
    assert len(ALERTS) > 40
    assert [alert for alert in ALERTS if phrase_key(alert) not in Phrases(language)] == []


def test_every_name_of_an_alert_is_used() -> None:
    keys = {phrase_key(alert) for alert in ALERTS}
    catalogue = yaml.safe_load((Path(exporter.__file__).parent / "phrases" / "en.yml").read_text())["phrases"]
    assert {key for key in catalogue if key.startswith("alert_")} == keys


def test_an_alert_is_named_with_and_without_its_prefix() -> None:
    assert incident_name("IronPortPoolSlow", Phrases("de")) == incident_name("PoolSlow", Phrases("de")) == "Langsam"


def test_an_unknown_alert_is_taken_apart() -> None:
    assert incident_name("IronPortMailIsBlueToday", Phrases("de")) == "Mail is blue today"
