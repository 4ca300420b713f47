"""The files that a monitoring system needs beside the exporter: rules, runbooks, dashboards, and how to load them."""
