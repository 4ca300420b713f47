"""Reading an appliance's REST interface, which AsyncOS 12 and newer have."""
