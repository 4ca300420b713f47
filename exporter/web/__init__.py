"""The HTTP face of the exporter."""
