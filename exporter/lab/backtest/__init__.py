"""What the alerting rules would have said of the past: of simulated incidents, or of a Prometheus that you run."""
