"""What the documentation says is what the code does."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import textwrap
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from typing import Final

import click
import pytest
import yaml

import reference_pages
from exporter.bundle.thresholds import read_thresholds
from exporter.cli import cli
from exporter.config.source_keys import MinInterval
from exporter.errors import REASONS
from exporter.metrics.catalog import FAMILIES, Family
from exporter.prometheus.rule_files import read_rules
from exporter.sources.rest.answers import CONTAINER_LIMIT
from exporter.sources.snmp.retry import Loss, RoundTripTime, timeouts
from exporter.sources.snmp.session import MAX_REQUESTS
from exporter.sources.snmp.walk import MAX_ROWS
from exporter.sources.xml.document import ELEMENT_LIMIT
from exporter.telemetry import Telemetry
from support.command_line import parse_command_line
from support.markdown import broken_links, code_blocks, code_lines
from support.processes import Process, free_port
from support.prometheus import get, is_ready, promtool

PROJECT = Path(__file__).parent.parent
DOCS = PROJECT / "docs"
README = PROJECT / "README.md"
CONTRIBUTING = PROJECT / "CONTRIBUTING.md"
SECURITY = PROJECT / "SECURITY.md"
PAGES = [
    README,
    CONTRIBUTING,
    SECURITY,
    PROJECT / "CHANGELOG.md",
    PROJECT / "dashboards" / "README.md",
    PROJECT / "tests" / "captures" / "README.md",
    *sorted(DOCS.glob("*.md")),
]
TEXTS = {page: page.read_text() for page in [*PAGES, *(PROJECT / "alerts").rglob("*.md")]}
"""Every document; tests/alerts has more tests of those in alerts/."""
TODAY = {page: text for page, text in TEXTS.items() if page.name != "CHANGELOG.md"}
"""Those that say what there is today."""


RULES: Final = read_rules(str(PROJECT / "alerts" / "rules" / "*.yml"))


def plain(page: Path) -> str:
    """Return the text of a page without its line breaks."""
    return " ".join(page.read_text().split())


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.help} |"


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_metric_is_documented_as_it_is(family: Family) -> None:
    rows = (DOCS / "metrics.md").read_text().splitlines()
    assert row(family) in rows, f"Add this row to docs/metrics.md: {row(family)}"


def test_every_metric_of_the_exporter_itself_is_documented() -> None:
    text = (DOCS / "metrics.md").read_text()
    for metric in Telemetry().registry.collect():
        if metric.name.startswith("ironport_"):
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            row_begin = f"| `{name}` | {metric.type} |"
            assert row_begin in text, f"Add a row to docs/metrics.md that begins with {row_begin}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file_and_heading(page: Path) -> None:
    assert broken_links(page) == []


@pytest.mark.parametrize("list_of_pages", [DOCS / "README.md", PROJECT / "mkdocs.yml"], ids=["index", "site"])
def test_every_page_is_listed(list_of_pages: Path) -> None:
    text = list_of_pages.read_text()
    assert [page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page.name not in text] == []


def test_how_it_works_has_the_thresholds_that_are_set() -> None:
    named = re.findall(r"\b([a-z_]+) = (\d[\d.]*)", (DOCS / "how-it-works.md").read_text())
    known = read_thresholds()
    assert {name: float(value) for name, value in named} == {name: known[name] for name, _ in named}


def test_how_it_works_has_the_waits_of_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    text = plain(DOCS / "how-it-works.md")

    def middle(low: float, high: float) -> float:
        assert f"A random factor from {low:g} to {high:g} then changes each pause" in text
        return 1

    monkeypatch.setattr("random.uniform", middle)
    loss = Loss()
    waits = timeouts(RoundTripTime(), loss)
    first, second, *_, last = islice(waits, 9)
    assert f"The first pause is {first * 1000:g} ms" in text
    assert (
        f"Each further pause is {second / first:g} times as long as the one before. The longest is one second" in text
    )
    assert last == 1
    loss.observe(1)
    assert f"or {next(waits):g} s if the agent has already answered a request of this poll" in text


STATED: Final = [
    (DOCS / "own-fleet.md", "the exporter reuses a status page for {xml:g} seconds only"),
    (DOCS / "how-it-works.md", "by default {snmp:g} seconds for SNMP, {xml:g} for XML and {rest:g} for REST"),
    (
        DOCS / "asyncos.md",
        "is reused for {xml:g} seconds (status page), {snmp:g} seconds (SNMP) or {rest:g} seconds (REST interface)",
    ),
]


@pytest.mark.parametrize(("page", "words"), STATED, ids=[page.name for page, _ in STATED])
def test_a_page_states_how_long_polls_are_reused(page: Path, words: str) -> None:
    assert words.format(**MinInterval().model_dump()) in plain(page)


def test_how_it_works_names_existing_alerts() -> None:
    text = (DOCS / "how-it-works.md").read_text()
    verdicts = re.findall(r"<b>(\w+)</b><br/>(\w+)", text)
    alerts = {(rule.alert.removeprefix("IronPort"), rule.labels["severity"]) for rule in RULES if rule.alert}
    assert len(verdicts) == 9
    assert set(verdicts) <= alerts
    assert set(re.findall(r"^\| ([A-Z]\w+) \|", text, re.MULTILINE)) <= {alert for alert, _ in alerts}


def test_every_reason_of_an_error_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
    assert rows == ["reason", *REASONS]  # the first row is the head


def test_the_reason_too_large_has_the_limits_of_the_code() -> None:
    text = (DOCS / "troubleshooting.md").read_text()
    assert f"the first {MAX_ROWS} rows of a long SNMP table" in text
    assert f"about {ELEMENT_LIMIT:,} (`tophosts`) or {CONTAINER_LIMIT:,} (REST)" in text
    assert f"if {MAX_REQUESTS} requests were not enough" in text


def test_the_glossary_names_the_alerts_of_hours_that_are_not_regular() -> None:
    (row,) = re.findall(r"^\| regular hour \|.*", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    fragment = yaml.safe_load((PROJECT / "alerts" / "fragments.yml").read_text())["regular_hours"]
    alerts = re.findall(r'alertname=~?"IronPort\(?([\w|]+)', fragment)
    assert set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", row)) == {alert for names in alerts for alert in names.split("|")}


def test_the_architecture_lists_the_checked_layers() -> None:
    contract, *_ = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    table = (DOCS / "architecture.md").read_text().split("\n\n")[2].splitlines()[2:]
    rows = [row.replace(r"\|", "and").split("|")[1] for row in table]
    assert [row.replace("`", "").strip() for row in rows] == [layer.replace("|", "and") for layer in contract["layers"]]


def rows_of(page: Path, first: str) -> list[list[str]]:
    """Return the cells of the rows that begin with this cell, from each table of a page."""
    rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in page.read_text().splitlines()]
    return [row for row in rows if row[0] == first]


def test_the_readme_has_the_lost_packets_of_the_page_that_it_links() -> None:
    page = DOCS / "performance.md"
    ((_, ours, *_, theirs, _, _),) = rows_of(page, "40 %")
    assert "Each row shows 2,000 probes of this exporter and 200 of snmp_exporter" in plain(page)
    assert (
        f"[{ours} of 2,000 probes](docs/performance.md#lost-packets) while 40 % of the requests are lost; "
        f"Prometheus' SNMP exporter got them in {theirs} of 200 probes |"
    ) in plain(README)


def test_the_readme_has_the_minutes_of_the_page_that_it_links() -> None:
    """They are rounded, and from the first to the last of all tables of the page."""

    def minutes(case: str) -> str:
        cells = [cell for row in rows_of(DOCS / "backtest.md", case) for cell in row]
        figures = [round(float(cell)) for cell in cells if re.fullmatch(r"\d+\.\d", cell)]
        assert len(figures) == 4
        return f"{min(figures)} to {max(figures)}"

    flood, jabberer = minutes("flood"), minutes("jabberer")
    assert f"most distributed attacks after {flood} minutes and a heavy sender after {jabberer}, and" in plain(README)


def test_the_page_on_scaling_has_the_cpu_time_of_the_page_on_performance() -> None:
    """That page measures scrapes every 15 s, this one is about a scrape a minute."""
    (measured,) = re.findall(r"each scraped every 15 s .*? takes (\d+) % of a core", plain(DOCS / "performance.md"))
    text, share = (DOCS / "scale-out.md").read_text(), int(measured) * 15 / 60
    assert f"| 500 | one: {share:.0f} % of a core" in text
    assert f"| 5,000 | two or more, each for a part: together {share * 10:.0f} % of a core" in text


def test_the_first_readme_commands_run_the_demo() -> None:
    install, run, *_ = code_lines(README, "sh")
    assert install == "python3 -m venv .venv && .venv/bin/pip install '.[demo]'"
    assert run == ".venv/bin/ironport-exporter demo"  # what it does is shown by the tests of the demo


def test_the_steps_for_your_fleet_can_be_pasted(tmp_path: Path) -> None:
    """Each block is run as it stands, the questions answered by flags; only `check --live` needs real appliances."""
    section = (DOCS / "own-fleet.md").read_text().split("\n## ")[0]
    install, init, probe, serve = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    assert install.strip() == "python3 -m venv .venv && .venv/bin/pip install ."
    assert probe.split()[1:] == ["check", "--live"]
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "ironport-exporter").symlink_to(Path(sys.executable).with_name("ironport-exporter"))
    (tmp_path / "community").write_text("public")
    answers = "--untried --appliance mx1.mail --appliance mx2.mail --snmp.community-file community"
    subprocess.run(f"{init.strip()} {answers}", shell=True, check=True, cwd=tmp_path)
    address = f"127.0.0.1:{free_port(socket.SOCK_STREAM)}"
    command = f"cd {tmp_path} && exec {serve.strip()} --web.listen-address {address}"
    exporter = Process(["sh", "-c", command], tmp_path / "exporter.log")
    try:
        exporter.wait_until(partial(is_ready, f"http://{address}/-/ready"))
        assert "mx1.mail" in get(f"http://{address}/")
        assert '"instance": "mx2"' in get(f"http://{address}/sd")
    finally:
        exporter.stop()


def test_prometheus_loads_the_rule_of_the_mail_canary(tmp_path: Path) -> None:
    (rules,) = (block for block in code_blocks(DOCS / "mail-canary.md", "yaml") if "alert:" in block)
    (tmp_path / "rules.yml").write_text(textwrap.dedent(rules))
    checked = promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert (checked.returncode, "1 rules found" in checked.stdout) == (0, True), checked.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_command_line_takes_every_command(page: Path) -> None:
    words = [shlex.split(line.replace(".venv/bin/", ""), comments=True) for line in code_lines(page, "sh")]
    ours = [arguments for name, *arguments in filter(None, words) if name == "ironport-exporter"]
    for arguments in ours:
        parse_command_line(list(takewhile(lambda word: word not in (">", "&"), arguments)))


@pytest.mark.parametrize("page", reference_pages.PAGES, ids=lambda page: page.name)
def test_a_reference_page_is_what_the_code_says(page: Path) -> None:
    assert page.read_text() == reference_pages.PAGES[page](), "Run .venv/bin/python tests/reference_pages.py"


FOLDERS: Final = "|".join(
    (
        r"\.ci",
        "alerts",
        "benchmarks",
        "dashboards",
        "deploy",
        "docs",
        "exporter",
        "release",
        "requirements",
        "share",
        "tests",
    )
)


def test_every_path_that_a_document_names_exists() -> None:
    paths = named(TODAY, rf"(?<![\w./-])(?:{FOLDERS})/[\w./*-]*[\w*]")
    assert len(paths) > 100
    assert {path: pages for path, pages in paths.items() if not list(PROJECT.glob(path))} == {}


def test_every_metric_that_a_document_names_exists() -> None:
    recorded = {rule.record for rule in RULES if rule.record}
    own = {f"{each.name}{'_total' if each.type == 'counter' else ''}" for each in Telemetry().registry.collect()}
    known = {family.name for family in FAMILIES} | recorded | own | {"ironport_exporter"}  # the role of Ansible
    series = named(TODAY, r"(?:\b[a-z]+:)?\bironport_[a-z0-9_]*[a-z0-9](?::[a-z0-9_]+)*(?!\w|\*)")
    assert len(series) > 100
    assert {
        name: pages for name, pages in series.items() if re.sub("_(bucket|sum|count)$", "", name) not in known
    } == {}


NO_ALERTS: Final = {
    *("AlertmanagerConfig", "ConfigMaps", "CronJob", "NetworkPolicy", "PrometheusRule", "ScrapeConfig"),  # Kubernetes
    *("CurveP256", "CurveP384", "CurveP521"),  # TLS
    *("NoClientCert", "RequestClientCert", "RequireClientCert", "RequireAnyClientCert"),  # the toolkit's words
    *("RequireAndVerifyClientCert", "VerifyClientCertIfGiven"),
    *("IronPort", "OpenMetrics", "OpenTelemetry", "VictoriaMetrics"),
    *("MailCanaryLate", "PoolUnknown"),  # a rule of one's own, a place in a picture
}
"""Names with capitals inside that are not of alerts."""


def test_every_alert_that_a_document_names_exists() -> None:
    alerts = {rule.alert for rule in RULES if rule.alert}
    words = named(TODAY, r"\b(?:[A-Z][a-z0-9]+){2,}\b").items()
    known = alerts | {alert.removeprefix("IronPort") for alert in alerts} | NO_ALERTS
    assert {word: pages for word, pages in words if word not in known} == {}


OTHERS_FLAGS: Final = frozenset(
    {
        *("--alertmanager.url", "--annotation", "--author", "--comment", "--duration"),  # amtool
        *("--build-arg", "--cap-drop", "--format", "--health-cmd", "--read-only", "--security-opt"),  # docker
        *("--cluster.listen-address", "--storage.path"),  # Alertmanager
        *("--from-file", "--set", "--set-file"),  # kubectl and helm
        *("--check", "--diff", "--inventory"),  # Ansible
        *("--agent", "--config", "--query.replica-label"),  # Prometheus' agent, an OpenTelemetry collector, Thanos
        "--now",  # systemctl
        *(
            "--query.max-samples",
            "--query.timeout",
            "--storage.tsdb.path",
            "--storage.tsdb.retention.time",
        ),  # Prometheus
        *("--data", "--request"),  # curl
        *("--upgrade", "--upgrade-package"),  # release/lock
    }
)


def test_every_flag_that_a_document_names_exists() -> None:
    scripts = {file: file.read_text() for file in (PROJECT / "benchmarks").glob("*.py")}
    known = {*flags_of(cli), *named(scripts, '"(--[a-z-]+)"')}
    flags = named(TODAY, r"(?<![\w-])--[a-z][a-z0-9.-]*[a-z0-9]")
    assert {flag: pages for flag, pages in flags.items() if flag not in known | OTHERS_FLAGS} == {}


def test_every_flag_belongs_to_the_command_that_a_document_names_it_with() -> None:
    commands = named(TODAY, rf"`(?:ironport-exporter )?((?:{'|'.join(cli.commands)}) [^`]*--[^`]*)`")
    assert len(commands) > 10
    for text, pages in commands.items():
        command, *words = text.split()
        flags = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert flags <= set(flags_of(cli.commands[command])), (text, pages)


def named(texts: Mapping[Path, str], pattern: str) -> dict[str, set[str]]:
    """Return what fits the pattern, each with the pages that have it."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for page, text in texts.items():
        for match in re.findall(pattern, text):
            found[match].add(page.name)
    return found


def flags_of(command: click.Command) -> Iterator[str]:
    """Yield the flags of a command, and of the commands below it."""
    yield from ("--help", "--version") if command is cli else ()
    yield from (name for parameter in command.params if isinstance(parameter, click.Option) for name in parameter.opts)
    for each in getattr(command, "commands", {}).values():
        yield from flags_of(each)


def test_contributing_quotes_the_code() -> None:
    examples = [*code_lines(CONTRIBUTING, "python"), *code_lines(CONTRIBUTING, "yaml")]
    files = (
        "exporter/metrics/catalog.py",
        "alerts/thresholds.yml",
        "dashboards/source/signals/delivery.py",
        "tests/faults/table.py",
    )
    code = {line.strip().rstrip(",") for file in files for line in (PROJECT / file).read_text().splitlines()}
    assert len(examples) > 5
    assert [line for line in examples if line.rstrip(",") not in code] == []
