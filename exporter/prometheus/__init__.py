"""Prometheus as others see it: its HTTP API, its durations and its rule files."""
