"""HTTP with an appliance, for every source that uses it: one connection, TLS, limits on answers."""
