"""What is simulated or replayed: the laboratory, of which the exporter itself uses nothing."""
