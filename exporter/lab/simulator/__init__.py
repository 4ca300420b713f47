"""A simulated mail fleet: a model with known faults and attacks, for drills, demos and the measuring of rules."""
