"""The demo: a simulated fleet and everything that watches it, on one machine."""
