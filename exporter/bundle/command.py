"""`ironport-exporter bundle`: writes the files of a bundle."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from exporter import __version__
from exporter.bundle import for_mixin, for_operator, for_prometheus, project
from exporter.bundle.options import BundleOptions
from exporter.errors import ExporterError

_FIRST_LINE: Final = "# Bundle of ironport-exporter"
"""The first line of the README: by it the command knows a folder that it may replace."""

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

    The folder has to be new or empty, or a bundle, which is replaced as a whole.
    """
    make, steps = FORMS[form]
    files = {
        "README.md": _readme(steps),
        **make(options),
        **project.pages(),
        "alerts/thresholds.yml": project.threshold_file(options),
    }
    try:
        _replace_folder(options.folder, files)
    except OSError as error:
        raise ExporterError(f"{error.filename or options.folder} cannot be written: {error.strerror}.") from None
    return len(files)


def _readme(steps: str) -> str:
    return f"""\
{_FIRST_LINE} {__version__}

`ironport-exporter bundle` wrote this folder, and replaces all of it when it runs again. Copy what you want to change.

{steps}
`alerts/README.md` explains the alerts. Each alert has a runbook in `alerts/runbooks`. `docs/README.md` lists all pages.
"""


def _replace_folder(folder: Path, files: Mapping[str, str]) -> None:
    if folder.exists() and not _may_be_replaced(folder):
        raise ExporterError(f"{folder} holds other files. Name a new folder, or one with an earlier bundle.")
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


def _may_be_replaced(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    readme = folder / "README.md"
    return not any(folder.iterdir()) or (readme.is_file() and readme.read_text("utf-8").startswith(_FIRST_LINE))
