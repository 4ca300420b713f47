"""Where the figures of an appliance come from."""
