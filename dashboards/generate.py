"""Write dashboards/json/*.json from dashboards/source/: the files that Grafana imports.

The lines have the colours of the demo's units, or of the appliances of a fleet file: generate.py [FLEET.YML].
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]


def generated(*fleet_files: Path) -> dict[str, str]:
    """Return the JSON of the dashboards by file name. Raises ConfigError for what is wrong in a fleet file."""
    from dashboards.source.dashboards import ALL_DASHBOARDS
    from exporter.bundle.line_colours import coloured
    from exporter.config.loading import load_entries
    from exporter.lab.simulator.topology import load_topology

    fleet = load_entries(*fleet_files) if fleet_files else load_topology("campus").appliances
    whole = {each.uid: coloured(each.json(), fleet) for each in ALL_DASHBOARDS}
    return {f"{uid}.json": json.dumps(each, indent=2, sort_keys=True) + "\n" for uid, each in whole.items()}


def main() -> None:
    from exporter.errors import ExporterError

    try:
        files = generated(*map(Path, sys.argv[1:]))
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "grafana_foundation_sdk":
            raise
        sys.exit("The Python package grafana-foundation-sdk is missing. Install it: pip install '.[dashboards]'")
    except ExporterError as error:
        sys.exit(str(error))
    for name, text in files.items():
        (HERE / "json" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
