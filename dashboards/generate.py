"""Write dashboards/json/*.json from dashboards/source/: the files that Grafana imports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]


def generated() -> dict[str, str]:
    """Return the JSON of the dashboards by file name."""
    from dashboards.source.dashboards import ALL_DASHBOARDS

    return {f"{each.uid}.json": each.text() for each in ALL_DASHBOARDS}


def main() -> None:
    try:
        files = generated()
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "grafana_foundation_sdk":
            raise
        sys.exit("The Python package grafana-foundation-sdk is missing. Install it: pip install '.[dashboards]'")
    for name, text in files.items():
        (HERE / "json" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
