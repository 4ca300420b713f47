"""Whether the monitoring itself works: who answers, how quickly, what gets lost; and the exporter's own figures.

The exporter's own series come from its own target, whose job and labels are not those of any unit: no variable of a
dashboard narrows them down.
"""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.palette import GOOD, UNREACHABLE, UNWATCHED, WARNING
from dashboards.source.signals import Signal
from dashboards.source.thresholds import limit

_NO_SNMP: Final = "no unit is asked by SNMP"
_NO_PAGE: Final = "no unit is asked for its status page"
_NO_EXPORTER: Final = "no job scrapes /metrics of the exporter"
_OF: Final = "on (job, instance) ironport_exporter_build_info"

NOT_SCRAPED: Final = Signal(
    "Units not scraped",
    "none",
    "Units of which Prometheus gets nothing: their scrapes fail, or they are no targets any more.",
    "instance:ironport_probe_success:missing5m{<units>} + 1",
    limits=((1, UNWATCHED),),
    decimals=0,
)

NO_ANSWER: Final = Signal(
    "Units without an answer",
    "none",
    "Units of which no source has answered in the last 5 minutes.",
    "1 - instance:ironport_source_up:max5m{<units>}",
    limits=((1, UNREACHABLE),),
    decimals=0,
)

SNMP: Final = Signal(
    "SNMP",
    "none",
    "Whether the SNMP agent of a unit has answered in the last 5 minutes.",
    'max_over_time(ironport_source_up{source="snmp",<units>}[5m])',
    states=palette.ANSWERS,
)

PAGE: Final = Signal(
    "Status page",
    "none",
    "Whether the status page of a unit has answered in the last 5 minutes.",
    'max_over_time(ironport_source_up{source="xml",<units>}[5m])',
    states=palette.ANSWERS,
)

SNMP_SILENT: Final = Signal(
    "SNMP agents silent",
    "none",
    "Units whose SNMP agent has not answered in the last 5 minutes.",
    f"1 - {SNMP.expression}",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NO_SNMP,
)

PAGE_SILENT: Final = Signal(
    "Status pages silent",
    "none",
    "Units whose status page has not answered in the last 5 minutes.",
    f"1 - {PAGE.expression}",
    limits=((1, WARNING),),
    decimals=0,
    no_value=_NO_PAGE,
)

ANSWERED: Final = Signal(
    "SNMP answered, 1 h",
    "percentunit",
    "Share of the SNMP polls of the last hour that a unit has answered; AsyncOS drops some while it is busy.",
    'avg_over_time(ironport_source_up{source="snmp",<units>}[1h])',
    limits=((limit("snmp_flaky_ratio"), GOOD),),
    below=WARNING,
    decimals=0,
    no_value=_NO_SNMP,
)

SNMP_ERROR: Final = Signal(
    "SNMP error",
    "none",
    "Why something of the SNMP poll of a unit failed in the last 5 minutes.",
    """\
label_join(
    topk by (job, pool, instance) (1, sum_over_time(ironport_source_error{source="snmp",<units>}[5m]) > 0),
    "snmp_error", "", "reason"
)""",
)

PAGE_ERROR: Final = Signal(
    "Status page error",
    "none",
    "Why something of the status page of a unit failed in the last 5 minutes.",
    """\
label_join(
    topk by (job, pool, instance) (1, sum_over_time(ironport_source_error{source="xml",<units>}[5m]) > 0),
    "page_error", "", "reason"
)""",
)

SOURCES: Final = Signal(
    "Sources",
    "none",
    "Which sources of each unit answer: SNMP and the status page, one of them, none; or it is not scraped at all.",
    """\
max by (job, pool, instance) (instance:ironport_probe_success:missing5m{<units>}) + 4
or
max by (job, pool, instance) (instance:ironport_source_up:max5m{<units>} == 0) + 3
or
sum by (job, pool, instance) (
    1 - max_over_time(ironport_source_up{source="snmp",<units>}[5m])
  or
    2 - 2 * max_over_time(ironport_source_up{source="xml",<units>}[5m])
)""",
    states=palette.SOURCES,
)

ERRORS: Final = Signal(
    "Errors",
    "none",
    "Units of whose sources something failed, by source and by the reasons that there were in the time shown.",
    """\
sum by (source, reason) (last_over_time(ironport_source_error{<units>}[5m]))
and
sum by (source, reason) (max_over_time(ironport_source_error{<units>}[$__range] @ end())) > 0""",
    decimals=0,
    no_value="nothing fails",
)

OF_DEADLINE: Final = Signal(
    "Probe, of its deadline",
    "percentunit",
    "How long probes take over how long they may; what has not come by the deadline is cut off.",
    """\
avg_over_time(ironport_probe_duration_seconds{<units>}[5m])
  / avg_over_time(ironport_probe_deadline_seconds{<units>}[5m])""",
    limits=((1, WARNING),),
    decimals=0,
)

SNMP_TIME: Final = Signal(
    "SNMP poll",
    "s",
    "How long the SNMP poll of a unit takes.",
    'avg_over_time(ironport_source_duration_seconds{source="snmp",<units>}[5m])',
    no_value=_NO_SNMP,
)

PAGE_TIME: Final = Signal(
    "Status page poll",
    "s",
    "How long the status page of a unit takes; slower than usual, and the unit is busy.",
    'avg_over_time(ironport_source_duration_seconds{source="xml",<units>}[5m])',
    no_value=_NO_PAGE,
)

RESENT: Final = Signal(
    "Packets sent again",
    "none",
    "SNMP packets of a probe that had to be sent again, on the average of 5 minutes.",
    'avg_over_time(ironport_source_retries{source="snmp",<units>}[5m])',
    decimals=1,
    no_value=_NO_SNMP,
)

RECOVERED: Final = Signal(
    "Dropped SNMP packets",
    "none",
    "SNMP packets that the last probes of all units sent again, by whether everything was answered in the end.",
    """\
last_over_time(ironport_source_retries{source="snmp",<units>}[3m])
and last_over_time(ironport_source_complete{source="snmp",<units>}[3m]) == 1""",
    decimals=0,
    no_value=_NO_SNMP,
)

LOST: Final = Signal(
    "Dropped SNMP packets of incomplete polls",
    "none",
    "SNMP packets of polls that missed something in spite of all that was sent again.",
    """\
last_over_time(ironport_source_retries{source="snmp",<units>}[3m])
and last_over_time(ironport_source_complete{source="snmp",<units>}[3m]) == 0""",
    decimals=0,
    no_value=_NO_SNMP,
)

# --- the exporter's own -----------------------------------------------------------------------------------------------

VERSION: Final = Signal(
    "Version",
    "none",
    "The version of each exporter.",
    "last_over_time(ironport_exporter_build_info[5m])",
    no_value=_NO_EXPORTER,
)

CONFIGURATION: Final = Signal(
    "Configuration",
    "none",
    "Whether the last load of an exporter's configuration succeeded; it goes on with the one before otherwise.",
    "last_over_time(ironport_exporter_config_last_reload_successful[5m])",
    states=palette.LOADED,
)

LOADED: Final = Signal(
    "Loaded",
    "dateTimeFromNow",
    "When the configuration in use was loaded.",
    "last_over_time(ironport_exporter_config_last_reload_success_timestamp_seconds[5m]) * 1000",
)

APPLIANCES: Final = Signal(
    "Units",
    "none",
    "Units in the configuration of an exporter.",
    "last_over_time(ironport_exporter_appliances[5m])",
    decimals=0,
)

SLOWEST: Final = Signal(
    "Probe, 95 %",
    "s",
    "Time within which 95 of 100 probes were done.",
    """\
histogram_quantile(0.95,
    sum by (job, instance, le) (rate(ironport_exporter_probe_duration_seconds_bucket[$__rate_interval]))
)""",
)

ROUND_TRIP: Final = Signal(
    "SNMP round trip, 95 %",
    "s",
    "Time within which 95 of 100 SNMP packets were answered.",
    """\
histogram_quantile(0.95,
    sum by (job, instance, le) (rate(ironport_exporter_snmp_round_trip_seconds_bucket[$__rate_interval]))
)""",
)

PROCESSOR: Final = Signal(
    "CPU",
    "percentunit",
    "Share of one processor that an exporter uses.",
    f"rate(process_cpu_seconds_total[$__rate_interval]) and {_OF}",
    decimals=1,
)

MEMORY: Final = Signal(
    "Memory",
    "bytes",
    "Memory that an exporter uses.",
    f"last_over_time(process_resident_memory_bytes[5m]) and {_OF}",
    decimals=0,
)

UNKNOWN: Final = Signal(
    "Values not understood",
    "none",
    "Values that units gave in the time shown and the exporter could not read; please report them.",
    "increase(ironport_exporter_unknown_values_total[$__range])",
    limits=((1, WARNING),),
    decimals=0,
)

PROBES: Final = Signal(
    "Probes",
    "cps",
    "Probes a second by result: complete, partial where something failed, or failed.",
    "rate(ironport_exporter_probes_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

SHARED: Final = Signal(
    "Shared polls",
    "cps",
    "Polls a second that were spared, as another probe had just made one or was about to.",
    "rate(ironport_exporter_probes_shared_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

SENT_AGAIN: Final = Signal(
    "SNMP packets",
    "cps",
    "SNMP requests a second that were sent again because no answer came.",
    "rate(ironport_exporter_snmp_requests_resent_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

LATE: Final = Signal(
    "Late answers",
    "cps",
    "SNMP answers a second that belong to an earlier try: the unit was slow and dropped nothing.",
    "rate(ironport_exporter_snmp_late_responses_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

NOT_TAKEN: Final = Signal(
    "Packets not taken",
    "cps",
    "SNMP packets a second that were received and dropped, by reason.",
    "rate(ironport_exporter_snmp_rejected_responses_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

REQUESTS: Final = Signal(
    "Requests for status pages",
    "cps",
    "Requests a second for status pages by the HTTP status of the answer; none where there was no answer.",
    "rate(ironport_exporter_xml_requests_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)
