"""Fleets of other sizes and kinds than most: what shows all of them must suit each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.lab.simulator import topology
from exporter.lab.simulator.topology import Pool, Topology, Unit


def _fleet(count: int, model: str) -> Topology:
    """Return units of the model in one pool, without a site."""
    appliances = [
        Unit(name=f"mx{number}", pool="mail", stream="mail", model=model, rated_messages_per_hour=140_000)
        for number in range(1, count + 1)
    ]
    return Topology(name=model, pools={"mail": Pool(daily_messages=600_000 * count)}, appliances=tuple(appliances))


FLEETS: Final[Mapping[str, Topology]] = {
    "one": _fleet(1, "C395"),
    "siteless": _fleet(3, "C695"),
    "virtual": _fleet(2, "C600V"),
    "eighty": topology.equal_units(80),
}
"""One unit, a pool without a site, virtual units without hardware, and eighty units in ten pools."""
