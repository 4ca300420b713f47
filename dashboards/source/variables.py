"""The variables of the dashboards, and how they filter a query.

A query names the kind of series that each of its selectors reads, as rule templates name thresholds: `{<<units>>}` for
series of units, `{<<pools>>}` of pools, `{<<alerts>>}` for alerts. A dashboard replaces the name by matchers for those
of its variables that such series have as labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.common import DataSourceRef
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

DATA_SOURCE: Final = DataSourceRef("prometheus", "${datasource}")
"""The data source of every query."""

_FILTERED_BY: Final = {
    "units": ("job", "site", "pool", "instance"),
    "pools": ("job", "pool"),
    "alerts": ("job", "site", "pool", "instance"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A variable that offers the values of a label; `every` is the regular expression for all of them."""

    label: str
    title: str
    every: str = ".+"


BY_JOB: Final = Filter("job", "Job")
BY_SITE: Final = Filter("site", "Site", ".*")  # units without a site are among all
BY_POOL: Final = Filter("pool", "Pool")
BY_UNIT: Final = Filter("instance", "Unit")


def matchers(filters: Sequence[Filter]) -> dict[str, str]:
    """Return the matchers by the name that stands for them in queries.

    An alert about a whole pool has no unit, and one about an exporter no pool: they pass every filter but the job's.
    """
    chosen = [each.label for each in filters]
    return {
        series: ",".join(
            f'{label}=~"${label}{"|" if series == "alerts" and label != "job" else ""}"'
            for label in chosen
            if label in labels
        )
        for series, labels in _FILTERED_BY.items()
    }


_JOB_IN_LEGENDS: Final = """\
query_result(label_replace(\
count(count by (job) (ironport_probe_success{job=~"$job"})) > 1, "legend", " ({{job}})", "", ""))"""


def variables(filters: Sequence[Filter]) -> list[VariableModel]:
    """Return the variables of a dashboard: the data source, then the filters, each among what those before it leave."""
    data_source = DatasourceVariable("datasource").label("Data source").type("prometheus").build()
    chosen = [_query(each, filters[:index]) for index, each in enumerate(filters)]
    return [data_source, *chosen, _job_in_legends()]


def _job_in_legends() -> VariableModel:
    """Return the hidden variable that ends names in legends: with the job if several are selected, or else nothing."""
    return (
        QueryVariable("of_job")
        .hide(VariableHide.HIDE_VARIABLE)
        .datasource(DATA_SOURCE)
        .query({"qryType": 3, "query": _JOB_IN_LEGENDS, "refId": "Variable-of_job"})
        .definition(_JOB_IN_LEGENDS)
        .regex('/legend="([^"]*)"/')
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .build()
    )


def _query(each: Filter, before: Sequence[Filter]) -> VariableModel:
    series = f"ironport_probe_success{{{matchers(before)['units']}}}" if before else "ironport_probe_success"
    query = f"label_values({series}, {each.label})"
    return (
        QueryVariable(each.label)
        .label(each.title)
        .datasource(DATA_SOURCE)
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
