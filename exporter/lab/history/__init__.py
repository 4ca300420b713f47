"""A Prometheus database of its own: made of samples and rules of the past, and asked as any Prometheus is."""
