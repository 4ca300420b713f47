"""The HTTP server of the exporter."""
