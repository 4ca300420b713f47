"""Write dashboards/json/*.json, which Grafana imports or provisions as they are, from dashboards/source/pages/."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402 - the path comes first

from dashboards.source import pages  # noqa: E402


def generated() -> dict[str, str]:
    """Return the dashboards by file name."""
    built = [page.dashboard() for page in pages.modules()]
    return {f"{each.uid}.json": json.dumps(each, cls=JSONEncoder, indent=2, sort_keys=True) + "\n" for each in built}


def main() -> None:
    """Write the dashboards."""
    for name, text in generated().items():
        (HERE / "json" / name).write_text(text)


if __name__ == "__main__":
    main()
