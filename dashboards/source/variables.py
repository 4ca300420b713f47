"""The variables of the dashboards, and what they mean for an expression.

Expressions say whose series they read: `{<units>}` those of units, `{<pools>}` of pools, `{<jobs>}` of jobs, and
`{<alerts>}` alerts, some of which are about a whole pool, and some about none. Where a dashboard has a variable for one
of their labels, they are narrowed down by it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import VariableModel, VariableOption, VariableRefresh, VariableSort

SOURCE: Final = DataSourceRef("prometheus", "${datasource}")
"""The data source of every query."""

_LEVELS: Final = {
    "units": ("job", "site", "pool", "instance"),
    "pools": ("job", "pool"),
    "alerts": ("job", "site", "pool", "instance"),
    "jobs": ("job",),
}
_PLACE: Final = re.compile(rf"<({'|'.join(_LEVELS)})>")


@dataclass(frozen=True, slots=True)
class Filter:
    """A variable with the values of a label; `every` is the regular expression that stands for all of them."""

    label: str
    title: str
    every: str = ".+"


JOB: Final = Filter("job", "Job")
SITE: Final = Filter("site", "Site", ".*")  # units without a site are among all
POOL: Final = Filter("pool", "Pool")
UNIT: Final = Filter("instance", "Unit")


def filled(expression: str, filters: Sequence[Filter]) -> str:
    """Return the expression with the matchers of its level for those labels of which there is a variable."""
    return _PLACE.sub(lambda match: _matchers(match[1], filters), expression)


def variables(filters: Sequence[Filter]) -> list[VariableModel]:
    """Return the variables of a dashboard: the data source, then each filter among what those before it leave."""
    queries = [_query(each, _matchers("units", filters[:index])) for index, each in enumerate(filters)]
    return [_source(), *queries]


def _matchers(level: str, filters: Sequence[Filter]) -> str:
    chosen = [each.label for each in filters if each.label in _LEVELS[level]]
    without = {label: "|" for label in chosen if level == "alerts" and label != "job"}
    return ",".join(f'{label}=~"${label}{without.get(label, "")}"' for label in chosen)


def _source() -> VariableModel:
    return DatasourceVariable("datasource").label("Data source").type("prometheus").build()


def _query(each: Filter, matchers: str) -> VariableModel:
    series = f"ironport_probe_success{{{matchers}}}" if matchers else "ironport_probe_success"
    query = f"label_values({series}, {each.label})"
    return (
        QueryVariable(each.label)
        .label(each.title)
        .datasource(SOURCE)
        .query({"qryType": 1, "query": query, "refId": f"Variable-{each.label}"})
        .definition(query)
        .multi(True)
        .include_all(True)
        .all_value(each.every)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .build()
    )
