"""Incidents: what belongs together of the alerts that fired, and the notifications that came of it."""
