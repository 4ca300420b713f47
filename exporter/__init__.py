"""Prometheus exporter for IronPort / Cisco Secure Email Gateway appliances."""

import os

__version__ = "0.1.0"

_COMMIT = "$Format:%H$"
"""The commit, where `git archive` has put it in: in a release, and in what GitHub offers for download."""

REVISION = os.environ.get("IRONPORT_EXPORTER_REVISION", "unknown" if _COMMIT.startswith("$") else _COMMIT)
BRANCH = os.environ.get("IRONPORT_EXPORTER_BRANCH", "unknown")
"""The commit and the branch of the code. The Dockerfile sets both variables."""

DEFAULT_PORT = 10125
"""The TCP port that the exporter listens on unless told otherwise; 9876 belongs to another exporter."""

DEFAULT_TIMEOUT = 10.0
"""Seconds that a probe may take where neither a scrape nor a flag sets a limit."""

LONGEST_TIMEOUT = 120.0
"""The most seconds that a probe may take. An appliance that has not answered by then hangs."""
