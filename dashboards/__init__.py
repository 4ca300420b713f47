"""The Grafana dashboards as code: `generate.py` writes them to `json/`."""
