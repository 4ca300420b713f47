"""The alert rules: templates, thresholds and the generator that joins them."""
