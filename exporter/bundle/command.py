"""`ironport-exporter bundle`: writes the files of a bundle."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Final

from exporter import __version__
from exporter.bundle import for_mixin, for_operator, for_prometheus, project
from exporter.bundle.options import BundleOptions
from exporter.errors import ExporterError

_FIRST_LINE: Final = "# Bundle of ironport-exporter"
"""The first line of the README: by it the command knows a bundle."""

_LIST: Final = "files.txt"
"""The file that lists the files of a bundle, one a line: the next bundle deletes only these."""

FORMS: Final[Mapping[str, tuple[Callable[[BundleOptions], dict[str, str]], str]]] = {
    "prometheus": (
        for_prometheus.prometheus_files,
        """\
1. Copy the parts of `prometheus.yml` into your own file, and reload Prometheus.
2. Copy `alerts/alertmanager.yml`, and replace in the copy what is marked `<-`.
3. Copy the files of `grafana/provisioning` to Grafana's folder `provisioning`, or import the files of `dashboards/` by
   hand. `datasources/ironport.yml` is needed only if Grafana has no Prometheus yet.
4. Restart Grafana.
""",
    ),
    "operator": (
        for_operator.operator_files,
        """\
1. Replace in a copy of `alertmanager.yml` what is marked `<-`.
2. `kubectl apply -f` the files. Prometheus must select their labels: give --object-label if yours selects others.
""",
    ),
    "mixin": (for_mixin.mixin_files, "1. `import` the file `mixin.libsonnet`.\n"),
}
"""The forms of a bundle: what makes their files, and what to do with them."""


def write_bundle(form: str, options: BundleOptions) -> int:
    """Write a bundle to its folder and return the number of files; raises ExporterError.

    The folder has to be new or empty, or an earlier bundle without other files. The bundle is replaced as a whole.
    """
    make, steps = FORMS[form]
    files = {
        "README.md": _readme(steps),
        **make(options),
        **project.pages(),
        "alerts/thresholds.yml": project.threshold_file(options),
    }
    files[_LIST] = "".join(f"{path}\n" for path in sorted((*files, _LIST)))
    try:
        _replace_folder(options.folder, files)
    except OSError as error:
        raise ExporterError(f"{error.filename or options.folder} cannot be written: {error.strerror}.") from None
    return len(files)


def _readme(steps: str) -> str:
    return f"""\
{_FIRST_LINE} {__version__}

`ironport-exporter bundle` wrote this folder, and replaces all of it when it runs again. Copy what you want to change.
Keep no files of your own here.

{steps}
`alerts/README.md` explains the alerts. Each alert has a runbook in `alerts/runbooks`. `docs/README.md` lists all pages.
"""


def _replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    if folder.exists() and not folder.is_dir():
        raise ExporterError(f"{folder} is not a folder. Name a new folder, or one with an earlier bundle.")
    if other := _file_not_of_bundle(folder, files):
        raise ExporterError(
            f"{other} is not from an earlier bundle, and `bundle` deletes everything in its folder."
            " Move this file elsewhere, or name another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".new-") as temporary:
        new = Path(temporary)
        for path, text in files.items():
            (new / path).parent.mkdir(parents=True, exist_ok=True)
            (new / path).write_text(text, encoding="utf-8")
        for old in (entry for entry in folder.iterdir() if entry != new):
            shutil.rmtree(old) if old.is_dir() and not old.is_symlink() else old.unlink()
        for entry in new.iterdir():
            entry.rename(folder / entry.name)


def _file_not_of_bundle(folder: Path, files: Collection[str]) -> Path | None:
    own = _files_of_bundle(folder, files)
    entries = (entry for entry in folder.rglob("*") if entry.is_symlink() or not entry.is_dir())
    return next((entry for entry in entries if entry.relative_to(folder).as_posix() not in own), None)


def _files_of_bundle(folder: Path, files: Collection[str]) -> Collection[str]:
    """Return the paths that the bundle in a folder lists; without a list, those of the new bundle."""
    readme, listed = folder / "README.md", folder / _LIST
    if not (readme.is_file() and readme.read_bytes().startswith(_FIRST_LINE.encode())):
        return ()
    return set(listed.read_text("utf-8", "replace").splitlines()) if listed.is_file() else files
