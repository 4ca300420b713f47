"""The command `report` against real servers: files that are the same each time, and one sentence where it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web

from exporter.cli import main
from exporter.lab.history import blocks
from support import recorded
from support.api_server import ApiServer
from support.october import END

Run = Callable[..., tuple[int, list[str], list[str]]]


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run the command; return its exit code, the names of its files, and what it complains about."""

    def report(url: str, *flags: str) -> tuple[int, list[str], list[str]]:
        zone = ("--timezone", "Europe/Berlin")
        code = main(["report", "--prometheus.url", url, *zone, "--out", str(tmp_path / "out"), *flags])
        output = capsys.readouterr()
        return code, [Path(line).name for line in output.out.splitlines()], output.err.splitlines()

    return report


@pytest.fixture(scope="module")
def empty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with blocks.served(tmp_path_factory.mktemp("empty")) as url:
        yield url


@pytest.fixture(scope="module")
def without_rules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("raw")
    series = recorded.RecordedUnit("mx1", "inbound").versions()
    recorded.write([series], END - 3600, END, folder)
    with blocks.served(folder) as url:
        yield url


def test_the_same_history_gives_the_same_bytes(october_url: str, run: Run, tmp_path: Path) -> None:
    flags = ("--month", "2026-10", "--job", "ironport", "--pdf")
    contents = []
    for _ in range(2):
        code, names, complaints = run(october_url, *flags)
        assert (code, complaints) == (0, [])
        assert names == [f"ironport-2026-10-job-ironport.{suffix}" for suffix in ("html", "csv", "json", "pdf")]
        assert sorted(names) == sorted(path.name for path in (tmp_path / "out").iterdir())
        contents.append([(tmp_path / "out" / name).read_bytes() for name in names])
    assert contents[0] == contents[1]


def test_names_tell_reports_apart(october_url: str, run: Run) -> None:
    flags = ("--month", "2026-10", "--pool", "edge", "--client", "Physics Dept=physics.example.edu", "--lang", "de")
    code, names, _ = run(october_url, *flags)
    assert (code, names[0]) == (0, "ironport-2026-10-client-Physics_Dept-pool-edge-de.html")


def test_a_client_without_destinations_is_told_so(october_url: str, run: Run, tmp_path: Path) -> None:
    run(october_url, "--month", "2026-10", "--pool", "edge", "--client", "example.edu")
    report = json.loads((tmp_path / "out" / "ironport-2026-10-client-example.edu-pool-edge.json").read_text())
    assert report["scope"]["domains"] == ["example.edu"]
    assert report["destinations"] is None


def test_a_server_that_is_not_there_is_a_sentence(run: Run) -> None:
    code, _, (complaint,) = run("http://127.0.0.1:9", "--month", "2026-10")
    reason = "cannot be reached (connection refused): check that it runs there."
    assert (code, complaint) == (1, f"The Prometheus at http://127.0.0.1:9 {reason}")


def test_wrong_credentials_are_a_sentence(run: Run) -> None:
    async def refuse(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=401)

    with ApiServer(refuse) as server:
        code, _, (complaint,) = run(server.url.replace("//", "//me:secret@"), "--month", "2026-10")
    assert code == 1
    assert "401" in complaint
    assert "secret" not in complaint


def test_an_empty_server_is_a_sentence(empty_url: str, run: Run) -> None:
    code, _, (complaint,) = run(empty_url, "--month", "2026-10")
    assert code == 1
    assert "has no metrics of ironport-exporter" in complaint


def test_a_server_without_rules_is_a_sentence(without_rules: str, run: Run) -> None:
    code, _, (complaint,) = run(without_rules, "--month", "2026-10")
    assert code == 1
    assert complaint == (
        "The server has no series of the recording rules, which reports are made from: load alerts/rules there."
    )


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--month", "2999-01"), "The month 2999-01 is in the future"),
        (("--month", "October"), "'October' is not a month: write it like 2026-10."),
        (("--lang", "fr"), "There is no language 'fr'. Choose one of de, en."),
        (("--client", "a b"), "'a b' is not a mail domain: write --client example.edu, or NAME=DOMAIN,DOMAIN."),
        (("--month", "2026-10", "--pool", "egde"), "Did you mean edge?"),
    ],
)
def test_wrong_usage_is_a_sentence(october_url: str, run: Run, flags: tuple[str, ...], sentence: str) -> None:
    code, _, (complaint,) = run(october_url, *flags)
    assert code == 2
    assert sentence in complaint


def test_a_file_in_the_way_is_named(october_url: str, run: Run, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    code, _, (complaint,) = run(october_url, "--month", "2026-10")
    assert (code, complaint) == (1, f"No file can be written to {tmp_path / 'out'}: File exists. Name another folder.")
