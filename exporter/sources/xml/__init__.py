"""Reading an appliance's XML status pages."""
