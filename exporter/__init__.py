"""Prometheus exporter for IronPort / Cisco Secure Email Gateway appliances."""

__version__ = "0.1.0"
