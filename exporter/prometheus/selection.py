"""What a query is about: the label matchers for chosen jobs, pools and sites."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen values of each label; an empty tuple is everything."""

    jobs: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()

    @property
    def of_pools(self) -> str:
        """The matchers for series of pools, which have no site."""
        return _matchers(job=self.jobs, pool=self.pools)

    @property
    def of_units(self) -> str:
        """The matchers for series of units."""
        return _matchers(job=self.jobs, pool=self.pools, site=self.sites)


def _matchers(**chosen: tuple[str, ...]) -> str:
    return ",".join(f'{label}=~"{_pattern(values)}"' for label, values in chosen.items() if values)


def _pattern(values: tuple[str, ...]) -> str:
    """Return the regular expression for exactly these values, as the text between quotes of PromQL."""
    return "|".join(map(re.escape, values)).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
