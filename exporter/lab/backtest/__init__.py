"""Which alerts the rules would have fired in the past: during simulated incidents, or in your own Prometheus."""
