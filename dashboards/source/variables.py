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

from exporter.bundle import thresholds

DATA_SOURCE: Final = DataSourceRef("prometheus", "${datasource}")
"""The data source of every query."""

_FILTERED_BY: Final = {
    "units": ("job", "site", "pool", "instance"),
    "pools": ("job", "pool"),
    "alerts": ("job", "site", "pool", "instance"),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """A variable that offers the values of a label."""

    label: str
    title: str
    every: str = ".+"
    """The regular expression for all values."""
    ranking: str = ""
    """PromQL: the value with the largest figure comes first, and is selected when the dashboard is opened.

    Such a variable does not offer "All", which Grafana would select instead.
    """


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
    return _ranked(each, before) if each.ranking else _sorted(each, before)


def _ranked(each: Filter, before: Sequence[Filter]) -> VariableModel:
    one_line = " ".join(thresholds.fill(each.ranking, matchers(before)).split())  # Grafana takes lines for other kinds
    query = f"query_result(sort_desc({one_line}))"
    return _offering(each, query, query_type=3).regex(f'/{each.label}="([^"]*)"/').sort(VariableSort.DISABLED).build()


def _sorted(each: Filter, before: Sequence[Filter]) -> VariableModel:
    series = f"ironport_probe_success{{{matchers(before)['units']}}}" if before else "ironport_probe_success"
    return (
        _offering(each, f"label_values({series}, {each.label})", query_type=1)
        .current(VariableOption(selected=True, text=["All"], value=["$__all"]))
        .sort(VariableSort.ALPHABETICAL_ASC)
        .build()
    )


def _offering(each: Filter, query: str, query_type: int) -> QueryVariable:
    """Return a variable of several values; the type is Grafana's number for `label_values` or `query_result`."""
    return (
        QueryVariable(each.label)
        .label(each.title)
        .datasource(DATA_SOURCE)
        .query({"qryType": query_type, "query": query, "refId": f"Variable-{each.label}"})
        .definition(query)
        .multi(True)
        .include_all(not each.ranking)
        .all_value(each.every)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
