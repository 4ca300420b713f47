"""`check` tells if Alertmanager would send its mail through the fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.errors import ConfigError
from exporter.smarthosts import alertmanager_problems, appliance_behind

CONFIG = """\
global: {{smtp_smarthost: "{}"}}
route: {{receiver: chat}}
receivers:
  - name: chat
    webhook_configs: [{{url: "http://127.0.0.1:9095/chat"}}]
    email_configs:
      - {{to: ops@example.edu, smarthost: "{}"}}
  - {{name: nowhere}}
"""

WHY = (
    "an appliance of the fleet. When it is down or its queue is long, mail about that waits in the same queue."
    " Use a mail server that sends past the fleet."
)


def problems(folder: Path, text: str) -> list[str]:
    file = folder / "alertmanager.yml"
    file.write_text(text)
    return [each.removeprefix(f"{file}:") for each in alertmanager_problems(file, ("mx1", "::1"))]


def test_each_mail_server_that_is_an_appliance_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, CONFIG.format("mx1.example.edu:25", "[::1]:587")) == [
        f"1: global.smtp_smarthost is mx1, {WHY}",
        f"7: receivers[0].email_configs[0].smarthost is ::1, {WHY}",
    ]


def test_another_mail_server_is_no_problem(tmp_path: Path) -> None:
    assert problems(tmp_path, CONFIG.format("192.0.2.8:587", "127.0.0.7:25")) == []


@pytest.mark.parametrize("text", ["global: smtp", "receivers: [mail, {email_configs: mail}]", "[]", "route: {}"])
def test_a_file_without_mail_is_no_problem(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == []


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        alertmanager_problems(tmp_path / "missing.yml", ("mx1",))
    assert str(tmp_path / "missing.yml") in str(caught.value)


@pytest.mark.parametrize(
    ("host", "appliance"),
    [("mx1", "mx1.example.edu"), ("MX1.example.edu.", "mx1.example.edu"), ("localhost", "127.0.0.1")],
)
def test_an_appliance_is_found_by_name_or_address(host: str, appliance: str) -> None:
    assert appliance_behind(host, ("mx9", appliance)) == appliance
