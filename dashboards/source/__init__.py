"""The source of the dashboards: signals, the panels that show them, and the dashboards."""
