"""Reading an appliance over SNMP."""
