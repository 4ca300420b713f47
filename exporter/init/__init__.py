"""`ironport-exporter init`: makes the first fleet.yml from a few answers, each tried on the appliances."""
