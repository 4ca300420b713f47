"""The wheel of the project, installed with the libraries that it requires and no others."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final
from zipfile import ZipFile

from packaging.requirements import Requirement

PROJECT: Final = Path(__file__).parents[2]

SOURCES: Final = ("pyproject.toml", "README.md", "LICENSE", "exporter", "alerts", "dashboards", "docs", "share")
"""The files and folders that the wheel is built of."""


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the exporter; its commands run in `folder`, where no checkout is."""

    folder: Path

    def command(self, *arguments: str) -> list[str]:
        """Return a command line of the exporter."""
        return [str(self.folder / "venv" / "bin" / "ironport-exporter"), *arguments]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the exporter until it ends."""
        return subprocess.run(
            self.command(*arguments), cwd=self.folder, capture_output=True, text=True, timeout=60, check=False
        )


def build_wheel(folder: Path, *, without: Iterable[str] = ()) -> Path:
    """Build the wheel, of a copy that lies in `folder` and lacks some folders of the project; return its path.

    The files of the copy are as old as the copy.
    """
    copy = folder / "source"
    copy.mkdir()
    for name in SOURCES:
        if (PROJECT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(PROJECT / name, copy / name, ignore=ignored, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(PROJECT / name, copy / name)
    for name in without:
        shutil.rmtree(copy / name)
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=copy, check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path, *extras: str) -> Installed:
    """Install a wheel with some extras into a virtual environment in `folder`, from what is installed here."""
    venv.create(folder / "venv")
    site = folder / "venv" / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    with ZipFile(wheel) as archive:
        archive.extractall(site)
    for required in {each.metadata["Name"]: each for each in _required(_distribution(site), extras)}.values():
        for name in {file.parts[0] for file in required.files or ()} - {"..", "__pycache__"}:
            (site / name).symlink_to(Path(str(required.locate_file(name))))
    script = folder / "venv" / "bin" / "ironport-exporter"
    script.write_text(f"#!{folder}/venv/bin/python\nimport sys\nfrom exporter.cli import main\nsys.exit(main())\n")
    script.chmod(0o755)
    return Installed(folder)


def _distribution(site: Path) -> Distribution:
    (info,) = site.glob("ironport_exporter-*.dist-info")
    return Distribution.at(info)


def _required(distribution_: Distribution, extras: Iterable[str] = ()) -> Iterator[Distribution]:
    """Yield what a distribution requires with some extras, directly and further down."""
    for requirement in map(Requirement, distribution_.requires or ()):
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            required = distribution(requirement.name)
            yield required
            yield from _required(required)
