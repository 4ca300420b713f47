"""Capacity: what the pools of a fleet can carry, what they have to carry, and what a change of the fleet would do."""
