"""Prometheus exporter for IronPort / Cisco Secure Email Gateway appliances."""

import os

__version__ = "0.1.0"

REVISION = os.environ.get("IRONPORT_EXPORTER_REVISION", "unknown")
BRANCH = os.environ.get("IRONPORT_EXPORTER_BRANCH", "unknown")
"""The commit and the branch that the container image was built from; the Dockerfile sets both variables."""

DEFAULT_PORT = 10125
"""The TCP port that the exporter listens on unless told otherwise; 9876 belongs to another exporter."""

DEFAULT_TIMEOUT = 10.0
"""Seconds that a probe may take where neither a scrape nor a flag sets a limit."""

LONGEST_TIMEOUT = 120.0
"""The most seconds that a probe may take. An appliance that has not answered by then hangs."""
