"""The project's own files that the package brings: rules, runbooks, dashboards and pages of documentation."""

from __future__ import annotations

from pathlib import Path


def project_folder(name: str) -> Path | None:
    """Return a folder of the project in the installed package or in a checkout: `alerts`, `dashboards` or `docs`."""
    package = Path(__file__).parent
    return next((folder for folder in (package / name, package.parent / name) if folder.is_dir()), None)
