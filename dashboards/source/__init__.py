"""What the dashboards are made of: signals, the panels that show them, and a page for each question."""
