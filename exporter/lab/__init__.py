"""The laboratory: everything that simulates or replays. The exporter itself uses nothing of it."""
