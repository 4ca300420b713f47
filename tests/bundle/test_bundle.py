"""A bundle loads into what it is made for, its links lead somewhere, and it says what the operator chose."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import rjsonnet
import yaml

from exporter.bundle.thresholds import read_thresholds
from exporter.cli import main
from exporter.project_files import project_folder
from support.markdown import broken_links
from support.prometheus import promtool

ALERTS: Final = project_folder("alerts") or Path()


def bundle(folder: Path, *flags: str) -> Path:
    assert main(["bundle", str(folder), *flags]) == 0
    return folder


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the sentence with which the command refuses its arguments."""
    assert main(["bundle", *arguments]) in (1, 2)
    return capsys.readouterr().err.strip()


def groups(folder: Path) -> list[dict[str, Any]]:
    """Return the groups of all rule files, in the order of the files."""
    return [group for file in sorted(folder.glob("*.yml")) for group in yaml.safe_load(file.read_text())["groups"]]


def alerts(folder: Path) -> Iterator[dict[str, Any]]:
    yield from (rule for group in groups(folder) for rule in group["rules"] if "alert" in rule)


def dashboards(folder: Path) -> dict[str, dict[str, Any]]:
    return {file.name: json.loads(file.read_text()) for file in (folder / "dashboards").glob("*.json")}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return bundle(tmp_path_factory.mktemp("plain") / "ironport")


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operator") / "ironport"
    return bundle(folder, "--for", "operator", "--object-label", "release=stack", "--namespace", "mail")


def test_prometheus_loads_it_with_all_rules(plain: Path) -> None:
    result = promtool("check", "config", str(plain / "prometheus.yml"))
    assert result.returncode == 0, result.stderr
    loaded = sum(map(int, re.findall(r"SUCCESS: (\d+) rules found", result.stdout)))
    assert loaded == sum(len(group["rules"]) for group in groups(ALERTS / "rules"))


def test_the_rules_are_those_of_the_project_but_for_their_links(plain: Path) -> None:
    known = read_thresholds()
    for file in (ALERTS / "rules").glob("*.yml"):
        text = (plain / "alerts" / "rules" / file.name).read_text()
        text = text.replace((plain / "alerts" / "runbooks").as_uri(), str(known["runbooks"]))
        text = text.replace("http://localhost:3000", str(known["grafana"]))
        assert text.splitlines()[2:] == file.read_text().splitlines()[2:]


def test_each_alert_links_to_a_file_until_a_url_is_given(plain: Path) -> None:
    links = {alert["annotations"]["runbook_url"] for alert in alerts(plain / "alerts" / "rules")}
    assert links
    assert [link for link in links if not Path(link.removeprefix("file://")).is_file()] == []


@pytest.mark.parametrize("form", ["prometheus", "operator", "mixin"])
def test_links_of_pages_lead_to_files_of_the_bundle(form: str, tmp_path: Path) -> None:
    folder = bundle(tmp_path / form, "--for", form)
    pages = list(folder.rglob("*.md"))
    assert len(pages) > len(list((ALERTS / "runbooks").iterdir()))
    assert {str(page): broken_links(page) for page in pages if broken_links(page)} == {}


def test_both_urls_stand_in_alerts_and_dashboards(tmp_path: Path) -> None:
    urls = ("--runbooks.url", "https://wiki.example.edu/r/", "--grafana.url", "https://grafana.example.edu")
    folder = bundle(tmp_path / "ironport", *urls)
    for alert in alerts(folder / "alerts" / "rules"):
        assert alert["annotations"]["runbook_url"] == f"https://wiki.example.edu/r/{alert['alert']}.md"
        assert alert["annotations"]["dashboard_url"].startswith("https://grafana.example.edu/d/ironport-")
    texts = [file.read_text() for file in (folder / "dashboards").glob("*.json")]
    assert any("https://wiki.example.edu/r/${" in text for text in texts)
    assert not any(str(read_thresholds()["runbooks"]) in text for text in texts)


def test_own_thresholds_stand_in_the_rules_and_in_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.yml"
    own.write_text("backlog_seconds: 77\ngrafana: https://grafana.example.edu\n")
    folder = bundle(tmp_path / "ironport", "--thresholds.file", str(own))
    assert re.search(r"\b77\b", (folder / "alerts" / "rules" / "mailflow.yml").read_text())
    written = yaml.safe_load((folder / "alerts" / "thresholds.yml").read_text())
    assert (written["backlog_seconds"], written["grafana"]) == (77, "https://grafana.example.edu")
    assert written.keys() == read_thresholds().keys()
    assert "not yours: backlog_seconds." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("backlog_second: 77", "the rules have no threshold backlog_second. Did you mean backlog_seconds?"),
        ("backlog_seconds: soon", "backlog_seconds must be a number such as 60."),
        ("backlog_seconds: true", "backlog_seconds must be a number such as 60."),
        ("backlog_seconds: .nan", "backlog_seconds must be a number such as 60."),
        ("grafana: 3", "grafana must be a text such as https://grafana.example.net."),
        ("- 60", "has no thresholds. Write one on each line, such as queue_floor: 100."),
        ("", "has no thresholds. Write one on each line, such as queue_floor: 100."),
        ("a: [", "is not YAML. Write one threshold on each line, such as queue_floor: 100."),
    ],
)
def test_a_wrong_threshold_is_a_sentence(
    text: str, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.yml"
    own.write_text(text)
    message = refusal(capsys, str(tmp_path / "ironport"), "--thresholds.file", str(own))
    assert message.startswith(str(own))
    assert message.endswith(sentence)
    assert not (tmp_path / "ironport").exists()


def test_a_file_of_thresholds_that_is_missing_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = refusal(capsys, str(tmp_path / "ironport"), "--thresholds.file", str(tmp_path / "own.yml"))
    assert message == f"{tmp_path / 'own.yml'} cannot be read: No such file or directory."


def test_every_alert_gets_the_labels_and_no_recorded_series(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "ironport", "--label", "team=mail: night", "--label", "tier=1") / "alerts" / "rules"
    assert all({"team": "mail: night", "tier": "1"}.items() <= alert["labels"].items() for alert in alerts(folder))
    recorded = [rule for group in groups(folder) for rule in group["rules"] if "record" in rule]
    assert not [rule for rule in recorded if "team" in rule.get("labels", {})]
    assert promtool("check", "rules", *map(str, folder.glob("*.yml"))).returncode == 0


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--label", "severity=low"), "The alerts have their own severity. Choose another name for the label."),
        (("--label", "team"), "'team' is not a label like team=mail."),
        (("--label", "9=x"), "'9=x' is not a label like team=mail."),
        (("--runbooks.url", "wiki"), "'wiki' is not a URL like https://wiki.example.edu/ironport."),
        (("--namespace", "mail"), "--namespace has no effect without --for operator. Leave it out."),
        (("--probes",), "--probes has no effect without --for operator. Leave it out."),
        (("--for", "operator", "--probes"), "--probes needs --config.file, which names the appliances."),
    ],
)
def test_a_wrong_flag_is_a_sentence(
    flags: tuple[str, ...], sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sentence in refusal(capsys, str(tmp_path / "ironport"), *flags)


def test_a_bundle_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "ironport")
    stale = folder / "alerts" / "rules" / "of_an_older_release.yml"
    stale.write_text("groups: []\n")
    with (folder / "files.txt").open("a") as listed:
        listed.write("alerts/rules/of_an_older_release.yml\n")
    before = set(folder.rglob("*"))
    bundle(folder)
    assert set(folder.rglob("*")) == before - {stale}


def test_a_file_is_not_taken_for_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "ironport"
    file.write_text("mine")
    assert f"{file} is not a folder. Name a new folder" in refusal(capsys, str(file))
    assert file.read_text() == "mine"


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("# Mine\n")
    message = refusal(capsys, str(tmp_path))
    assert f"{tmp_path / 'README.md'} is not from an earlier bundle" in message
    assert [file.name for file in tmp_path.iterdir()] == ["README.md"]


@pytest.mark.parametrize("with_list", [True, False])
@pytest.mark.parametrize("path", ["fleet.yml", "alerts/rules/own.yml", "secrets"])
def test_a_bundle_that_holds_a_file_of_the_operator_is_left_alone(
    path: str, with_list: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = bundle(tmp_path / "ironport")
    if not with_list:
        (folder / "files.txt").unlink()
    own = folder / path
    if path == "secrets":
        own.symlink_to(tmp_path)
    else:
        own.write_text("appliances: []\n")
    before = set(folder.rglob("*"))
    assert refusal(capsys, str(folder)) == (
        f"{own} is not from an earlier bundle, and `bundle` deletes everything in its folder."
        " Move this file elsewhere, or name another folder."
    )
    assert set(folder.rglob("*")) == before


def test_a_bundle_of_another_form_is_replaced(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "ironport", "--for", "operator")
    bundle(folder, "--for", "mixin")
    assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == set(
        (folder / "files.txt").read_text().splitlines()
    )


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    message = refusal(capsys, str(tmp_path / "file" / "ironport"))
    assert message == f"{tmp_path / 'file' / 'ironport'} cannot be written: Not a directory."


def test_prometheus_reaches_the_exporter_under_its_url(tmp_path: Path) -> None:
    folder = bundle(tmp_path / "ironport", "--web.external-url", "https://mon.example.edu/iron", "--job", "esa")
    fleet, own = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]
    assert (fleet["job_name"], fleet["http_sd_configs"]) == ("esa", [{"url": "https://mon.example.edu:443/iron/sd"}])
    assert (own["job_name"], own["scheme"], own["metrics_path"]) == ("esa-exporter", "https", "/iron/metrics")
    assert own["static_configs"] == [{"targets": ["mon.example.edu:443"]}]


def test_prometheus_and_grafana_reach_their_servers(tmp_path: Path) -> None:
    servers = ("--alertmanager.address", "alerts:9093", "--prometheus.url", "http://prom:9090/p")
    folder = bundle(tmp_path / "ironport", *servers)
    (manager,) = yaml.safe_load((folder / "prometheus.yml").read_text())["alerting"]["alertmanagers"]
    assert manager == {"static_configs": [{"targets": ["alerts:9093"]}]}
    sources = (folder / "grafana/provisioning/datasources/ironport.yml").read_text()
    assert yaml.safe_load(sources)["datasources"][0]["url"] == "http://prom:9090/p"


def test_dashboards_open_with_the_data_source(tmp_path: Path) -> None:
    for dashboard in dashboards(bundle(tmp_path / "ironport", "--datasource", "Thanos")).values():
        (variable,) = (each for each in dashboard["templating"]["list"] if each["type"] == "datasource")
        assert variable["current"] == {"text": "Thanos", "value": "Thanos"}
        assert "__inputs" not in dashboard


def test_each_unit_of_the_fleet_has_a_colour(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text("appliances: [{name: gate7, address: 192.0.2.7}, {name: gate8, address: 192.0.2.8}]\n")
    texts = map(json.dumps, dashboards(bundle(tmp_path / "ironport", "--config.file", str(fleet))).values())
    assert {name for text in texts for name in re.findall(r"\b(?:gate\d|mx\d)\b", text)} == {"gate7", "gate8"}


def test_grafana_asks_for_the_data_source_at_import(tmp_path: Path) -> None:
    for dashboard in dashboards(bundle(tmp_path / "ironport", "--inputs")).values():
        (asked,) = dashboard["__inputs"]
        (variable,) = (each for each in dashboard["templating"]["list"] if each["type"] == "datasource")
        assert (asked["type"], asked["pluginId"]) == ("datasource", "prometheus")
        assert variable["current"]["value"] == f"${{{asked['name']}}}"


def test_grafana_finds_the_dashboards(plain: Path) -> None:
    (provider,) = yaml.safe_load((plain / "grafana/provisioning/dashboards/ironport.yml").read_text())["providers"]
    assert (provider["type"], provider["folder"], provider["allowUiUpdates"]) == ("file", "IronPort", False)
    assert len(list(Path(provider["options"]["path"]).glob("*.json"))) == len(dashboards(plain))


def test_the_data_source_has_the_scrape_interval(plain: Path) -> None:
    """Grafana makes $__rate_interval four times as long, so that every rate has enough samples."""
    (source,) = yaml.safe_load((plain / "grafana/provisioning/datasources/ironport.yml").read_text())["datasources"]
    assert (source["type"], source["jsonData"]["timeInterval"]) == ("prometheus", "1m")


def objects(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return the Kubernetes objects of a kind, in the order of the files."""
    found = [each for file in sorted(folder.glob("*.yml")) for each in yaml.safe_load_all(file.read_text())]
    return [each for each in found if each["kind"] == kind]


def test_the_operators_rules_are_the_same(operator: Path, plain: Path) -> None:
    specs = [group for rule in objects(operator, "PrometheusRule") for group in rule["spec"]["groups"]]
    place = (operator.as_uri(), plain.as_uri())
    assert json.loads(json.dumps(specs).replace(*place)) == groups(plain / "alerts" / "rules")


def test_the_sidecar_gets_every_dashboard(operator: Path, plain: Path) -> None:
    maps = objects(operator, "ConfigMap")
    found = {name: json.loads(text) for each in maps for name, text in each["data"].items()}
    assert found.keys() == dashboards(plain).keys()
    assert {each["metadata"]["labels"]["grafana_dashboard"] for each in maps} == {"1"}
    assert max(len(text) for each in maps for text in each["data"].values()) < 1_000_000  # a ConfigMap holds 1 MiB


def test_the_operator_selects_every_object_by_its_label(operator: Path) -> None:
    every = [each for file in operator.glob("*.yml") for each in yaml.safe_load_all(file.read_text())]
    assert {(each["metadata"]["namespace"], each["metadata"]["labels"]["release"]) for each in every} == {
        ("mail", "stack")
    }
    assert len({(each["kind"], each["metadata"]["name"]) for each in every}) == len(every)


def test_the_operator_scrapes_the_service(operator: Path) -> None:
    fleet, own = (each["spec"] for each in objects(operator, "ScrapeConfig"))
    assert fleet["httpSDConfigs"] == [{"url": "http://ironport-exporter.mail:10125/sd"}]
    assert own["staticConfigs"] == [{"targets": ["ironport-exporter.mail:10125"]}]


def test_an_old_operator_probes_each_unit_with_the_labels_of_the_discovery(tmp_path: Path) -> None:
    fleet = tmp_path / "fleet.yml"
    fleet.write_text(
        "defaults: {pool: edge, traffic: inbound}\n"
        "appliances: [{name: mx1, address: 192.0.2.1}, {name: mx2, address: 192.0.2.2, labels: {rack: b12}},"
        " {name: mx3, address: 192.0.2.3}]\n"
    )
    flags = ("--for", "operator", "--probes", "--config.file", str(fleet), "--web.external-url", "https://mon/iron")
    folder = bundle(tmp_path / "ironport", *flags)
    *units, own = (each["spec"] for each in objects(folder, "Probe"))
    labels = {"pool": "edge", "stream": "edge", "traffic": "inbound", "role": "production"}
    assert [each["targets"]["staticConfig"] for each in units] == [
        {"static": ["mx1", "mx3"], "labels": labels},
        {"static": ["mx2"], "labels": labels | {"rack": "b12"}},
    ]
    assert {each["jobName"] for each in units} == {"ironport"}
    assert units[0]["prober"] == {"url": "mon:443", "scheme": "https", "path": "/iron/probe"}
    assert (own["jobName"], own["prober"]["path"]) == ("ironport-exporter", "/iron/metrics")
    assert objects(folder, "ScrapeConfig") == []


def test_the_operators_alertmanager_routes_and_inhibits_as_ours(operator: Path) -> None:
    (config,) = objects(operator, "AlertmanagerConfig")
    ours = yaml.safe_load((ALERTS / "alertmanager.yml").read_text())
    assert _as_alertmanager_writes(config["spec"]) == ours


def _as_alertmanager_writes(value: Any) -> Any:
    """Return an AlertmanagerConfig as alertmanager.yml has it: snake case, matchers as texts, other names of lists."""
    if isinstance(value, list):
        return [_as_alertmanager_writes(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"name", "matchType", "value"}:
        return f'{value["name"]}{value["matchType"]}"{value["value"]}"'
    renamed = {"sourceMatch": "source_matchers", "targetMatch": "target_matchers"}
    names = {name: renamed.get(name) or re.sub("[A-Z]", lambda c: f"_{c[0].lower()}", name) for name in value}
    return {names[name]: _as_alertmanager_writes(each) for name, each in value.items()}


def test_jsonnet_reads_the_mixin(tmp_path: Path, plain: Path) -> None:
    folder = bundle(tmp_path / "ironport", "--for", "mixin")
    show = (
        f"local mixin = import '{folder / 'mixin.libsonnet'}';"
        " {[name]: mixin[name] for name in std.objectFieldsAll(mixin)}"
    )
    mixin = json.loads(rjsonnet.evaluate_snippet("show.jsonnet", show))
    every = mixin["prometheusRules"]["groups"] + mixin["prometheusAlerts"]["groups"]
    place = (folder.as_uri(), plain.as_uri())
    by_name = {group["name"]: group for group in groups(plain / "alerts" / "rules")}
    assert {group["name"]: group for group in json.loads(json.dumps(every).replace(*place))} == by_name
    assert len(every) == len(by_name)
    assert not [rule for group in mixin["prometheusRules"]["groups"] for rule in group["rules"] if "alert" in rule]
    assert mixin["grafanaDashboards"].keys() == dashboards(plain).keys()
