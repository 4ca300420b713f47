"""The files around the package agree with it: the container's recipe, the licence, the version."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import exporter
from release.generate import shared_files
from support.command_line import parse_command_line
from support.wheel import SOURCES

ROOT = Path(exporter.__file__).parents[1]

Instruction = tuple[str, str]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


@pytest.fixture(scope="module")
def stages() -> list[list[Instruction]]:
    """Return the instructions of each stage of the Dockerfile, a stage beginning with its FROM.

    The base that stands before the first stage is filled in.
    """
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    base = joined.pop(0).removeprefix("ARG BASE=")
    found: list[list[Instruction]] = []
    for line in joined:
        word, _, rest = line.replace("${BASE}", base).partition(" ")
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest.strip()))
    return found


@pytest.fixture(scope="module")
def image(stages: list[list[Instruction]]) -> list[Instruction]:
    """Return the instructions of the stage that becomes the image."""
    return stages[-1]


def locked(name: str) -> list[str]:
    """Return the packages of a file of requirements, each with its hashes on one line."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", "").splitlines()
    return [re.sub(" +", " ", line) for line in lines if not line.strip().startswith("#")]


def only(instructions: list[Instruction], word: str) -> str:
    (value,) = (value for each, value in instructions if each == word)
    return value


def copied(instructions: list[Instruction]) -> list[str]:
    copies = [shlex.split(value) for word, value in instructions if word in ("COPY", "ADD")]
    return [source for words in copies if not words[0].startswith("--from") for source in words[:-1]]


def test_what_the_image_copies_is_in_its_context(stages: list[list[Instruction]]) -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    sources = [source for stage in stages for source in copied(stage)]
    assert "exporter/" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in rules, source


def test_the_build_stage_copies_what_the_wheel_needs(stages: list[list[Instruction]], project: dict[str, Any]) -> None:
    assert [source.rstrip("/") for source in copied(stages[0])] == ["requirements", *SOURCES]
    assert {project["readme"], *project["license-files"]} <= set(SOURCES)


def test_both_stages_have_the_oldest_supported_python(stages: list[list[Instruction]], project: dict[str, Any]) -> None:
    oldest = project["requires-python"].removeprefix(">=")
    assert len(stages) == 2
    for stage in stages:
        assert fnmatch.fnmatch(only(stage, "FROM").removesuffix(" AS build"), f"python:{oldest}-slim-*")
    assert not [value for word, value in stages[-1] if word == "RUN"]


def test_the_image_installs_only_locked_packages(stages: list[list[Instruction]]) -> None:
    commands = [line for word, value in stages[0] if word == "RUN" for line in value.split(" && ")]
    installs = [line for line in commands if "/pip " in line]
    assert len(installs) == 4
    for line in installs:
        assert "--require-hashes" in line or "--no-deps" in line, line
    assert "--no-build-isolation" in next(line for line in installs if "/pip wheel" in line)


@pytest.mark.parametrize("name", ["image", "build"])
def test_every_locked_package_has_version_and_hashes(name: str) -> None:
    for package in locked(name):
        requirement, *hashes = package.split(" --hash=")
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ;.*)?", requirement), requirement
        assert hashes, requirement
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_the_locked_versions_are_those_that_the_project_allows(project: dict[str, Any]) -> None:
    """If this fails, `release/lock` mends it."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "image": [*project["dependencies"], *project["optional-dependencies"]["report"]],
        "build": table["build-system"]["requires"],
    }
    for name, requirements in wanted.items():
        versions = dict(package.split(" ")[0].split("==") for package in locked(name))
        for requirement in map(Requirement, requirements):
            assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_the_image_has_a_numeric_user_without_privileges(image: list[Instruction]) -> None:
    user, group = only(image, "USER").split(":")
    assert int(user) > 0
    assert int(group) > 0


def test_the_image_starts_the_exporter_with_its_configuration(
    image: list[Instruction], project: dict[str, Any]
) -> None:
    (command,) = json.loads(only(image, "ENTRYPOINT"))
    assert command in project["scripts"]
    flag, file = json.loads(only(image, "CMD"))
    assert flag == "--config.file"
    assert Path(file).parent == Path(only(image, "WORKDIR"))


def test_the_image_is_labelled_as_the_project_is(image: list[Instruction], project: dict[str, Any]) -> None:
    labels = dict(word.split("=", 1) for word in shlex.split(only(image, "LABEL")))
    assert labels == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.licenses": project["license"],
        "org.opencontainers.image.version": "${VERSION}",
        "org.opencontainers.image.revision": "${REVISION}",
    }
    assert [value for word, value in image if word == "ARG"] == [
        "VERSION=unknown",
        "REVISION=unknown",
        "BRANCH=unknown",
    ]


def test_the_image_tells_the_exporter_its_revision(image: list[Instruction]) -> None:
    """`exporter` reads these variables; a test of the wheel shows them in ironport_exporter_build_info."""
    variables = dict(word.split("=", 1) for word in shlex.split(only(image, "ENV")))
    assert variables["IRONPORT_EXPORTER_REVISION"] == "${REVISION}"
    assert variables["IRONPORT_EXPORTER_BRANCH"] == "${BRANCH}"


def test_the_image_has_no_laboratory() -> None:
    """tests/test_wheel.py shows what remains without it."""
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    assert rules.index("exporter/lab/") > rules.index("!exporter/")


def test_the_exposed_port_is_the_default_port(image: list[Instruction]) -> None:
    _, values = parse_command_line(["serve"])
    assert values["web_listen_address"] == (("", int(only(image, "EXPOSE"))),)


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_the_health_check_needs_no_shell(image: list[Instruction], status: int, code: int) -> None:
    options, _, command = only(image, "HEALTHCHECK").partition("CMD ")
    assert "--interval=" in options
    asked = []

    async def answer(request: web.BaseRequest) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status)

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    python, *arguments = json.loads(command.replace(only(image, "EXPOSE"), str(runner.addresses[0][1])))
    check = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    ended = await check.wait()
    await runner.cleanup()
    assert python == "python"
    assert (ended, asked) == (code, ["/-/healthy"])


def test_the_licence_is_there_in_full(project: dict[str, Any]) -> None:
    assert project["license"] == "Apache-2.0"
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "9. Accepting Warranty or Additional Liability." in text


def test_the_version_is_written_once(project: dict[str, Any]) -> None:
    assert "version" in project["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", exporter.__version__)
    told = [
        path.relative_to(ROOT)
        for path in (*ROOT.glob("exporter/**/*.py"), ROOT / "pyproject.toml", ROOT / "Dockerfile")
        if f'"{exporter.__version__}"' in path.read_text()
    ]
    assert told == [Path("exporter/__init__.py")]


def test_the_man_page_and_the_completions_are_those_of_the_command_line() -> None:
    """If this fails, `python release/generate.py` mends it."""
    share = ROOT / "share"
    files = [file for file in share.rglob("*") if file.is_file()]
    assert {str(file.relative_to(share)): file.read_text() for file in files} == shared_files()


def test_bash_completes_the_program_by_its_script() -> None:
    script = ROOT / "share" / "bash-completion" / "completions" / "ironport-exporter"
    done = subprocess.run(
        ["bash", "-c", f". {script} && complete -p ironport-exporter"], capture_output=True, text=True, check=True
    )
    assert "_ironport_exporter_completion ironport-exporter" in done.stdout


def test_the_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"


@pytest.mark.parametrize(
    "script",
    [
        "tests/run",
        ".ci/run",
        "release/build",
        "release/image",
        "release/lock",
        "release/sbom",
        "release/audit",
        "release/try",
    ],
)
def test_the_scripts_are_executable(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111
