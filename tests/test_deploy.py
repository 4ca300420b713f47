"""The examples in deploy/ can be used as they stand: the exporter, and the report of each month."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.cli import main
from support.command_line import parse_command_line
from support.processes import program
from support.prometheus import promtool

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
CRON: Final = DEPLOY / "cron.d" / "ironport-report"
SERVICE: Final = DEPLOY / "systemd" / "ironport-report.service"
TIMER: Final = DEPLOY / "systemd" / "ironport-report.timer"
EXPORTER_SERVICE: Final = DEPLOY / "systemd" / "ironport-exporter.service"
EXPORTER_SOCKET: Final = DEPLOY / "systemd" / "ironport-exporter.socket"
SECRETS: Final = DEPLOY / "systemd" / "secrets.conf"
CRON_JOB: Final = DEPLOY / "kubernetes" / "report.yml"
EXPORTER: Final = DEPLOY / "kubernetes" / "exporter.yml"

FIELDS: Final = (range(60), range(24), range(1, 32), range(1, 13), range(8))
"""The values of minute, hour, day, month and weekday in a crontab."""
INSTALLING: Final = DEPLOY.parent / "docs" / "installing.md"


def cron_line() -> list[str]:
    """Return the five fields of time, the user and the command."""
    lines = [line for line in CRON.read_text().splitlines() if not re.match(r"#|$|[A-Z]+=", line)]
    (line,) = lines
    return line.split(maxsplit=6)


def service_command(service: Path = SERVICE) -> list[str]:
    """Return the command line, with the folders that systemd makes in place of their variables."""
    text = service.read_text().replace("\\\n", " ")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    return shlex.split(re.sub(r"\$\{(\w+)\}", r"/run/\1", command))


def pod() -> dict[str, Any]:
    job = yaml.safe_load(CRON_JOB.read_text())
    spec: dict[str, Any] = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    return spec


def exporter_pod() -> dict[str, Any]:
    deployment, _ = yaml.safe_load_all(EXPORTER.read_text())
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def commands() -> dict[str, list[str]]:
    """Return the arguments of each example, without the name of the program."""
    return {
        "cron": shlex.split(cron_line()[-1])[1:],
        "systemd": service_command()[1:],
        "kubernetes": pod()["containers"][0]["args"],
    }


def is_time(fields: list[str]) -> bool:
    return all(field == "*" or int(field) in allowed for field, allowed in zip(fields, FIELDS, strict=True))


@pytest.mark.parametrize("example", ["cron", "systemd", "kubernetes"])
def test_the_command_line_is_understood(example: str) -> None:
    name, values = parse_command_line(commands()[example])
    assert name == "report"
    assert values["mail_to"] == ("management@example.edu",)
    assert values["month"] is None  # the last one


def test_every_example_sends_the_same_report() -> None:
    flags = [sorted(re.findall(r"--[a-z.-]+", " ".join(command))) for command in commands().values()]
    assert flags[0] == flags[1] == flags[2]


def test_the_crontab_line_is_read_by_cron() -> None:
    *fields, user, command = cron_line()
    assert is_time(fields)
    assert re.fullmatch(r"[a-z][a-z-]*", user)
    assert "%" not in command  # cron makes line breaks of them
    assert CRON.read_text().endswith("\n")


UNITS: Final = (SERVICE, TIMER, EXPORTER_SERVICE, EXPORTER_SOCKET)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_reads_the_unit(unit: Path, tmp_path: Path) -> None:
    extended = tmp_path / f"{EXPORTER_SERVICE.name}.d"
    extended.mkdir()
    shutil.copy(SECRETS, extended)
    for each in UNITS:  # verify wants the program to exist
        text = each.read_text()
        (tmp_path / each.name).write_text(text.replace("/opt/ironport-exporter/bin/ironport-exporter", "/bin/true"))
    done = subprocess.run(
        [program("systemd-analyze"), "verify", "--man=no", str(tmp_path / unit.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("service", [SERVICE, EXPORTER_SERVICE], ids=lambda service: service.name)
def test_systemd_finds_no_more_exposure_than_documented(service: Path) -> None:
    (score,) = re.findall(r"exposure at (\d\.\d),", INSTALLING.read_text())
    limit = f"--threshold={score.replace('.', '')}"  # 0 is none, 100 all
    command = [program("systemd-analyze"), "security", "--offline=true", limit, str(service)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", [SERVICE, EXPORTER_SERVICE], ids=lambda service: service.name)
def test_a_crash_writes_no_memory_with_passwords(service: Path) -> None:
    assert "LimitCORE=0" in service.read_text().splitlines()


def test_the_exporter_serves_the_socket_of_its_unit() -> None:
    name, values = parse_command_line(["serve", *service_command(EXPORTER_SERVICE)[1:]])
    ((_, port),) = values["web_listen_address"]
    assert (name, values["web_systemd_socket"]) == ("serve", True)
    assert f"\nListenStream={port}\n" in EXPORTER_SOCKET.read_text()
    assert f"\nRequires={EXPORTER_SOCKET.name}\n" in EXPORTER_SERVICE.read_text()


def test_the_secrets_are_named_as_systemd_names_them() -> None:
    """Of a folder, systemd makes files whose names begin with the name of the credential."""
    text = SECRETS.read_text()
    (name, folder) = re.findall(r"^LoadCredential=(\w+):(/\S+)$", text, re.MULTILINE)[0]
    assert f" {folder}\n" in text.partition("[Service]")[0]
    for file in (SECRETS, ROLE / "defaults" / "main.yml"):
        assert f"/run/credentials/{EXPORTER_SERVICE.name}/{name}_page-password" in file.read_text()


def test_the_timer_is_monthly_and_makes_up_for_a_machine_that_was_off() -> None:
    assert re.search(r"^OnCalendar=\*-\*-01 \d\d:\d\d$", TIMER.read_text(), re.MULTILINE)
    assert "Persistent=yes" in TIMER.read_text()


def test_the_cron_job_runs_once_a_month() -> None:
    spec = yaml.safe_load(CRON_JOB.read_text())["spec"]
    assert is_time(spec["schedule"].split())
    assert spec["timeZone"] == "Europe/Berlin"
    assert (spec["jobTemplate"]["spec"]["backoffLimit"], pod()["restartPolicy"]) == (0, "Never")


def test_the_cron_job_has_every_folder_that_it_names() -> None:
    (container,) = pod()["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    assert {mount["name"] for mount in mounts.values()} == {volume["name"] for volume in pod()["volumes"]}
    folders = {path for argument in container["args"] for path in re.findall(r"=(/\w+)", argument)}
    assert folders == set(mounts)
    assert not mounts["/reports"].get("readOnly")


@pytest.mark.parametrize("spec", [pod(), exporter_pod()], ids=["report", "exporter"])
def test_the_pod_runs_without_privileges(spec: dict[str, Any]) -> None:
    (container,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_the_exporter_pod_serves_its_mounted_configuration() -> None:
    (container,) = exporter_pod()["containers"]
    name, values = parse_command_line(["serve", *container["args"]])
    (file,) = values["config_file"]
    (mount,) = container["volumeMounts"]
    assert name == "serve"
    assert str(Path(file).parent) == mount["mountPath"]
    assert container["ports"] == [{"name": "http", "containerPort": values["web_listen_address"][0][1]}]


def test_the_service_finds_the_exporter_pod() -> None:
    deployment, service = yaml.safe_load_all(EXPORTER.read_text())
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    (port,) = service["spec"]["ports"]
    assert port["targetPort"] in [each["name"] for each in exporter_pod()["containers"][0]["ports"]]


# --- Docker Compose ---------------------------------------------------------------------------------------------------

COMPOSE: Final = DEPLOY / "compose" / "compose.yaml"
SIMULATED: Final = DEPLOY / "compose" / "compose.simulated.yaml"


class ComposeLoader(yaml.SafeLoader):
    """Reads !reset and !override, with which one file of Docker Compose replaces a part of another."""


def replacement(loader: yaml.SafeLoader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


for tag in ("!reset", "!override"):
    ComposeLoader.add_constructor(tag, replacement)


def services(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(file.read_text(), ComposeLoader)["services"]
    return found


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return what the service `bundle` writes."""
    folder = tmp_path_factory.mktemp("composed") / "bundle"
    command = [str(folder) if word == "/bundle" else word for word in services(COMPOSE)["bundle"]["command"]]
    assert main(command) == 0
    return folder


@pytest.mark.parametrize(
    ("file", "service"), [(COMPOSE, "bundle"), (SIMULATED, "exporter"), (SIMULATED, "simulator")], ids=str
)
def test_a_service_of_the_exporter_has_a_command_that_is_understood(file: Path, service: str) -> None:
    command = services(file)[service]["command"]
    if command[0] == "sh":
        command = shlex.split(command[-1].partition("&& exec ironport-exporter ")[2])
    assert parse_command_line(command)[0] is not None


def test_the_other_services_read_what_the_bundle_has(composed: Path) -> None:
    ran = services(COMPOSE)
    texts = [*ran["prometheus"]["command"], *ran["alertmanager"]["command"], *ran["grafana"]["environment"].values()]
    read = [path for text in texts for path in re.findall(r"/bundle/(\S+)", text)]
    assert len(read) == 3
    assert [path for path in read if not (composed / path).exists()] == []
    waiting = [name for name, service in ran.items() if "bundle" in service.get("depends_on", {})]
    assert waiting == [name for name, service in ran.items() if "bundle:/bundle:ro" in service.get("volumes", [])]


def test_the_services_find_each_other(composed: Path) -> None:
    ran = services(COMPOSE)
    config = yaml.safe_load((composed / "prometheus.yml").read_text())
    fleet, own = config["scrape_configs"]
    targets = [
        fleet["http_sd_configs"][0]["url"].split("/")[2],
        *own["static_configs"][0]["targets"],
        *config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"],
    ]
    sources = yaml.safe_load((composed / "grafana/provisioning/datasources/ironport.yml").read_text())
    targets.append(sources["datasources"][0]["url"].split("/")[2])
    published = {f"{name}:{port.rsplit(':', 1)[1]}" for name, each in ran.items() for port in each.get("ports", [])}
    assert published.issuperset(targets)
    assert all(port.startswith("127.0.0.1:") for each in ran.values() for port in each.get("ports", []))


def test_what_is_mounted_from_the_project_exists() -> None:
    for file in (COMPOSE, SIMULATED):
        paths = {volume.split(":")[0] for each in services(file).values() for volume in each.get("volumes", [])}
        assert [path for path in paths if path.startswith("..") and not (file.parent / path).exists()] == []
    assert (COMPOSE.parent / services(COMPOSE)["exporter"]["build"]["context"] / "Dockerfile").is_file()


def test_the_simulated_fleet_takes_the_exporters_place() -> None:
    simulated, exporter = services(SIMULATED)["simulator"], services(SIMULATED)["exporter"]
    assert simulated["networks"]["default"]["aliases"] == ["exporter"]
    assert simulated["ports"] == services(COMPOSE)["exporter"]["ports"]
    assert (exporter["network_mode"], exporter["ports"]) == ("service:simulator", [])


# --- Ansible ----------------------------------------------------------------------------------------------------------

ROLE: Final = DEPLOY / "ansible" / "roles" / "ironport_exporter"


def role_file(folder: str, name: str = "main.yml") -> Any:
    return yaml.safe_load((ROLE / folder / name).read_text())


def test_the_role_explains_and_describes_every_variable() -> None:
    """tests/compat lets Ansible read the role."""
    described = role_file("meta", "argument_specs.yml")["argument_specs"]["main"]["options"]
    used = set(re.findall(r"\bironport_exporter_\w+", (ROLE / "tasks" / "main.yml").read_text()))
    assert described.keys() == role_file("defaults").keys() == used


def test_the_role_installs_the_units_of_the_project() -> None:
    (units,) = (task for task in role_file("tasks") if task["name"] == "Install the units")
    files = {each["file"] for each in units["loop"]}
    assert files == {EXPORTER_SERVICE.name, EXPORTER_SOCKET.name, SECRETS.name}
    assert units["ansible.builtin.copy"]["src"] == "{{ role_path }}/../../../systemd/{{ item.file }}"
    assert (ROLE / "../../../systemd").resolve() == DEPLOY / "systemd"


def test_the_role_puts_everything_where_the_unit_looks() -> None:
    text = (ROLE / "tasks" / "main.yml").read_text()
    command, *flags = service_command(EXPORTER_SERVICE)
    (folder,) = re.findall(r"^LoadCredential=\w+:(.*)$", SECRETS.read_text(), re.MULTILINE)
    assert f"virtualenv: {Path(command).parents[1]}\n" in text
    assert all(f"dest: {flag}\n" in text for flag in flags if flag.startswith("/"))
    assert f"dest: {folder}/{{{{ item.key }}}}\n" in text


def test_the_role_hides_the_secrets_and_gives_them_to_root_alone() -> None:
    (secrets,) = (task for task in role_file("tasks") if task["name"] == "Write the secrets")
    assert secrets["no_log"] is True
    assert (secrets["ansible.builtin.copy"]["owner"], secrets["ansible.builtin.copy"]["mode"]) == ("root", "0600")


def test_the_role_has_every_handler_that_a_task_notifies() -> None:
    notified = {task["notify"] for task in role_file("tasks") if "notify" in task}
    assert notified == {handler["name"] for handler in role_file("handlers")}


# --- Sharing a fleet, agents ------------------------------------------------------------------------------------------

SCRAPING: Final = DEPLOY / "prometheus"
COLLECTOR: Final = DEPLOY / "opentelemetry" / "collector.yml"
ALLOY: Final = DEPLOY / "alloy" / "ironport.alloy"


@pytest.mark.parametrize(("file", "flags"), [("shard.yml", ()), ("agent.yml", ("--agent",))])
def test_prometheus_reads_the_servers_that_share_a_fleet(file: str, flags: tuple[str, ...]) -> None:
    checked = promtool("check", "config", "--syntax-only", *flags, str(SCRAPING / file))
    assert checked.returncode == 0, checked.stderr


def test_the_collector_scrapes_as_prometheus_does(tmp_path: Path) -> None:
    config = yaml.safe_load(COLLECTOR.read_text())
    scraping = config["receivers"]["prometheus"]["config"]
    copy = tmp_path / "prometheus.yml"
    copy.write_text(yaml.safe_dump(scraping))
    checked = promtool("check", "config", str(copy))
    assert checked.returncode == 0, checked.stderr
    agent = yaml.safe_load((SCRAPING / "agent.yml").read_text())
    assert scraping["scrape_configs"] == [{**job, "scrape_interval": "1m"} for job in agent["scrape_configs"]]
    assert "$" not in copy.read_text(), "the collector would read it as a variable"
    (pipeline,) = config["service"]["pipelines"].values()
    assert pipeline == {"receivers": [*config["receivers"]], "exporters": [*config["exporters"]]}


def test_every_component_that_alloy_is_told_of_exists() -> None:
    text = re.sub(r"//.*", "", ALLOY.read_text().replace("://", ":"))
    assert [text.count(bracket) for bracket in "{[("] == [text.count(bracket) for bracket in "}])"]
    components = {f"{kind}.{label}" for kind, label in re.findall(r'^([\w.]+) "(\w+)" {$', text, re.MULTILINE)}
    named = set(re.findall(r"\b((?:discovery|prometheus)\.\w+\.\w+)\.(?:targets|receiver)\b", text))
    assert named
    assert named <= components
    assert set(re.findall(r'job_name += "([^"]+)"', text)) == {"ironport", "ironport-exporter"}
