"""The dashboards, in the order of docs/dashboards.md."""

from __future__ import annotations

from typing import Final

from dashboards.source.dashboards.capacity import capacity_review
from dashboards.source.dashboards.delivery import delivery_and_bounces
from dashboards.source.dashboards.fleet import fleet_wall
from dashboards.source.dashboards.hardware import hardware_and_licences
from dashboards.source.dashboards.management import management_summary
from dashboards.source.dashboards.monitoring import monitoring_health
from dashboards.source.dashboards.pool import pool_comparison
from dashboards.source.dashboards.triage import attack_triage
from dashboards.source.dashboards.unit import unit_detail

ALL_DASHBOARDS: Final = (
    fleet_wall(),
    pool_comparison(),
    unit_detail(),
    attack_triage(),
    delivery_and_bounces(),
    capacity_review(),
    hardware_and_licences(),
    monitoring_health(),
    management_summary(),
)
