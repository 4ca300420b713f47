"""Prometheus exporter for IronPort / Cisco Secure Email Gateway appliances."""

__version__ = "0.1.0"

DEFAULT_PORT = 10125
"""The TCP port that the exporter listens on unless told otherwise; 9876 belongs to another exporter."""

DEFAULT_TIMEOUT = 10.0
"""Seconds that a probe may take where neither a scrape nor a flag sets a limit."""
