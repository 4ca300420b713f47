"""Several files, or a folder of files, make one fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter import config
from exporter.config import BasicAuth

AUTHS = "auths: {ops: {xml: {username: monitor, password_file: password}}}\n"
DEFAULTS = "defaults: {auth: ops, xml: {tls: {ca_file: usual.pem}}}\n"


@pytest.fixture
def parts(folder: Path, ca_file: Path) -> Path:
    """Return a folder with auths, defaults and two sites, each in a folder of its own with its secrets and CA files."""
    files = {
        "auths/auths.yml": AUTHS,
        "auths/password": "of the auths",
        "defaults/defaults.yaml": DEFAULTS,
        "defaults/usual.pem": ca_file.read_text(),
        "sites/east.yml": "appliances: [{name: mx1, address: mx1}]\n",
        "sites/west.yml": "appliances: [{name: mx2, address: mx2, xml: {tls: {ca_file: own.pem}}}]\n",
        "sites/own.pem": ca_file.read_text(),
        "sites/.west.yml.swp": "\0",
        "sites/.hidden.yml": "\0",
        "sites/README.md": "# not a configuration",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return folder


def test_folders_and_files_make_one_fleet(parts: Path) -> None:
    loaded = config.load(parts / "sites", parts / "defaults/defaults.yaml", parts / "auths")
    assert list(loaded.appliances) == ["mx1", "mx2"]
    assert loaded == config.load(parts / "auths", parts / "defaults", parts / "sites", parts / "sites/east.yml")


def test_paths_are_relative_to_their_file(parts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(parts)
    mx1, mx2 = config.load(Path("auths"), Path("defaults"), Path("sites")).appliances.values()
    assert isinstance(mx1.credentials.xml, BasicAuth)
    assert mx1.credentials.xml.password.get_secret_value() == "of the auths"
    assert (mx1.xml.tls.ca_file, mx2.xml.tls.ca_file) == ("defaults/usual.pem", "sites/own.pem")


def test_what_repeats_is_refused_with_both_places(parts: Path) -> None:
    again = parts / "again.yml"
    again.write_text(AUTHS.replace("_file: password", ": x") + DEFAULTS + "appliances:\n- {name: mx2, address: mx3}\n")
    (parts / "usual.pem").write_text((parts / "defaults/usual.pem").read_text())
    assert config.try_load(parts / "auths", parts / "defaults", parts / "sites", again).problems == [
        f"{again}:1: auths.ops is already at {parts}/auths/auths.yml:1: keep one of them.",
        f"{again}:2: defaults is already at {parts}/defaults/defaults.yaml:1: keep one of them.",
        f"{again}:4: appliances[0] (mx2).name is already at {parts}/sites/west.yml:1:"
        " give each appliance its own name.",
    ]


def test_problems_of_all_files_come_together(parts: Path) -> None:
    (parts / "sites/east.yml").write_text("appliances: [{name: mx1, address: mx1, auth: opps, rol: spare}]\n")
    (parts / "sites/west.yml").write_text("appliances:\n- {name: mx2}\n")
    (parts / "auths/password").unlink()
    east, west, auths = parts / "sites/east.yml", parts / "sites/west.yml", parts / "auths/auths.yml"
    assert config.try_load(parts / "sites", parts / "auths").problems == [
        f"{east}:1: appliances[0] (mx1) has an unknown key (did you mean role?).",
        f"{east}:1: appliances[0] (mx1).auth is not one of the auths (did you mean ops?).",
        f"{west}:2: appliances[0] (mx2).address is missing: add it.",
        f"{west}:2: appliances[0] (mx2).auth is missing: add the name of one of the auths, here or under defaults.",
        f"{auths}:1: auths.ops.xml.password_file names a file that cannot be read (No such file or directory):"
        " create it, or correct the path.",
    ]


def test_an_unreadable_file_blames_no_other_file(parts: Path) -> None:
    (parts / "auths/auths.yml").write_text("auths: [\n")
    absent = parts / "absent.yml"
    first, second = config.try_load(parts / "auths", absent, parts / "defaults", parts / "sites").problems
    assert first.startswith(f"{parts}/auths/auths.yml:2: the file is not YAML here")
    assert second.startswith(f"{absent}: the file does not exist: create it, or correct the path.")


def test_keys_that_no_file_has_are_missing(parts: Path) -> None:
    file = parts / "defaults/defaults.yaml"
    assert config.try_load(file, parts / "sites").problems == [
        f"{file}:1: auths is missing: add it to one of the files.",
        f"{file}:1: defaults.auth is not one of the auths.",
    ]


def test_a_folder_without_files_is_a_sentence(parts: Path) -> None:
    (parts / "empty").mkdir()
    assert config.try_load(parts / "empty").problems == [
        f"{parts}/empty: the folder has no *.yml and no *.yaml file: put the configuration there, or name another."
    ]


def test_the_effective_form_is_one_file(parts: Path) -> None:
    loaded = config.load(parts / "auths", parts / "defaults", parts / "sites")
    assert config.effective(loaded).startswith(
        "auths:\n  ops:\n    xml:\n      username: monitor\n      password: <secret>\n"
    )
