"""Whether the monitoring itself works: which sources answer, how fast, what is lost; and the exporter's own metrics.

The exporter's own series come from its own target. Its job and labels are not those of a unit, so that no variable of a
dashboard filters them.
"""

from __future__ import annotations

from typing import Final

from dashboards.source import palette
from dashboards.source.palette import BASELINE, CRITICAL, GOOD, UNREACHABLE, UNWATCHED, WARNING, numbered
from dashboards.source.signals import IN_TOTAL, PER_EXPORTER, PER_UNIT, Signal
from exporter.bundle.thresholds import limit
from exporter.sources.source import SOURCES, source_title

_MISSING_UNITS: Final = "instance:ironport_probe_success:missing5m{<<units>>}"
_SILENT_UNITS: Final = "instance:ironport_source_up:max3m{<<units>>} == 0"
_NO_SNMP: Final = "no unit has SNMP configured"
_NO_EXPORTER: Final = "no job scrapes /metrics of the exporter"


def _up(source: str, window: str = "5m") -> str:
    return f'max_over_time(ironport_source_up{{source="{source}",<<units>>}}[{window}])'


NOT_SCRAPED: Final = Signal(
    "Not monitored",
    "none",
    IN_TOTAL,
    "Units from which Prometheus gets nothing: their scrapes fail, or they are no longer targets.",
    f"sum ({_MISSING_UNITS} + 1) or vector(0)",
    limits=((1, UNWATCHED),),
    decimals=0,
)

NO_ANSWER: Final = Signal(
    "Unreachable",
    "none",
    PER_UNIT,
    "Units that have given no data in the last 5 minutes, by any source.",
    "1 - instance:ironport_source_up:max3m{<<units>>}",
    limits=((1, UNREACHABLE),),
    decimals=0,
)

OF_DEADLINE: Final = Signal(
    "Probe / deadline",
    "percentunit",
    PER_UNIT,
    "How much of its deadline a probe takes. At 100 % the probe is cut off, and values are missing.",
    """\
avg_over_time(ironport_probe_duration_seconds{<<units>>}[5m])
  / avg_over_time(ironport_probe_deadline_seconds{<<units>>}[5m])""",
    limits=((1, WARNING),),
    decimals=0,
)

# --- sources ----------------------------------------------------------------------------------------------------------

ANSWERS: Final = {
    source: Signal(
        source_title(source),
        "none",
        PER_UNIT,
        f"Whether the unit has given data by {source_title(source)} in the last 5 minutes.",
        _up(source),
        words=palette.ANSWER_WORDS,
    )
    for source in SOURCES
}

SILENT: Final = {
    source: Signal(
        f"{source_title(source)} silent",
        "none",
        PER_UNIT,
        f"Units that have given no data by {source_title(source)} in the last 5 minutes.",
        f"1 - {_up(source)}",
        limits=((1, WARNING),),
        decimals=0,
        no_value=f"no unit has {source_title(source)} configured",
    )
    for source in SOURCES
}

REASON: Final = {
    source: Signal(
        f"{source_title(source)} error",
        "none",
        PER_UNIT,
        f"Why something of the {source_title(source)} poll has failed in the last 5 minutes.",
        f"""\
label_join(
    topk by (job, pool, instance) (1, sum_over_time(ironport_source_error{{source="{source}",<<units>>}}[5m]) > 0),
    "{source}_error", "", "reason"
)""",
    )
    for source in SOURCES
}
"""The reason is the value of the label `snmp_error`, `xml_error` and so on."""

POLL_TIME: Final = {
    source: Signal(
        f"{source_title(source)} poll",
        "s",
        PER_UNIT,
        f"How long the {source_title(source)} poll of a unit takes. If it is longer than usual, the unit is busy, or "
        "the network is slow or loses packets.",
        f'avg_over_time(ironport_source_duration_seconds{{source="{source}",<<units>>}}[5m])',
        no_value=f"no unit has {source_title(source)} configured",
    )
    for source in SOURCES
}

_BITS: Final = {source: 2**index for index, source in enumerate(SOURCES)}
_ALL_BITS: Final = 2 ** len(SOURCES) - 1


def _silent_sources(bits: int) -> tuple[str, str]:
    """Return the word and the colour for a unit of which some sources are silent.

    A unit answers SNMP last while it is busy: its silence alone is less serious than that of another source.
    """
    words = ", ".join(f"no {source_title(source)}" for source, bit in _BITS.items() if bits & bit)
    return f"{words[0].upper()}{words[1:]}", BASELINE if bits == _BITS["snmp"] else WARNING


SOURCE_STATE: Final = Signal(
    "Sources",
    "none",
    PER_UNIT,
    "Which sources of each unit answer. A unit that is not scraped is not monitored at all.",
    # Each silent source is a bit. Whether all configured sources are silent is known only from the series of their sum.
    f"max by (job, pool, instance) ({_MISSING_UNITS}) + {_ALL_BITS + 1}"
    f"\nor\nmax by (job, pool, instance) ({_SILENT_UNITS}) + {_ALL_BITS}"
    "\nor\nsum by (job, pool, instance) (\n"
    + "\n  or\n".join(f"    {bit} * (1 - {_up(source)})" for source, bit in _BITS.items())
    + "\n)",
    words=numbered(
        ("All answer", GOOD),
        *(_silent_sources(bits) for bits in range(1, _ALL_BITS)),
        ("Unreachable", UNREACHABLE),
        ("Not monitored", UNWATCHED),
    ),
)

ERRORS: Final = Signal(
    "Errors",
    "none",
    PER_UNIT,
    "Errors of units by reason: one for each source of a unit that fails. Reasons that did not occur in the time shown "
    "are left out.",
    """\
sum by (source, reason) (last_over_time(ironport_source_error{<<units>>}[5m]))
and
sum by (source, reason) (max_over_time(ironport_source_error{<<units>>}[$__range] @ end())) > 0""",
    decimals=0,
    no_value="no errors",
)

UNREADABLE: Final = Signal(
    "Unreadable values",
    "none",
    PER_UNIT,
    "Values of the last poll that the exporter could not read. Its log and /probe?debug=true name them: please report "
    "them in the project's issue tracker.",
    "max_over_time(ironport_source_unreadable_values{<<units>>}[5m]) > 0",
    limits=((1, WARNING),),
    decimals=0,
    no_value="all values can be read",
)

CERTIFICATE_DAYS: Final = Signal(
    "Certificate, days left",
    "none",
    PER_UNIT,
    "Days until the TLS certificate of a unit expires, if it is checked against a CA. A certificate with a "
    "configured fingerprint is accepted after it has expired, too.",
    """\
(
    last_over_time(ironport_tls_certificate_expiry_timestamp_seconds{verified_by="ca",<<units>>}[1h])
  - time()
) / 86400""",
    limits=((0, WARNING), (limit("certificate_seconds") / 86400, GOOD)),
    below=CRITICAL,
    decimals=0,
    no_value="no certificate is checked against a CA",
)

# --- SNMP packets -----------------------------------------------------------------------------------------------------

ANSWERED: Final = Signal(
    "SNMP answered, 1 h",
    "percentunit",
    PER_UNIT,
    "Share of the SNMP polls of the last hour that a unit has answered. AsyncOS drops some while it is busy.",
    'avg_over_time(ironport_source_up{source="snmp",<<units>>}[1h])',
    limits=((limit("snmp_flaky_ratio"), GOOD),),
    below=WARNING,
    decimals=0,
    no_value=_NO_SNMP,
)

RESENT: Final = Signal(
    "Packets sent again / probe",
    "none",
    PER_UNIT,
    "SNMP packets per probe that had to be sent again, mean of 5 minutes.",
    'avg_over_time(ironport_source_retries{source="snmp",<<units>>}[5m])',
    decimals=1,
    no_value=_NO_SNMP,
)

RECOVERED: Final = Signal(
    "Dropped SNMP packets",
    "none",
    PER_UNIT,
    "SNMP packets that the last probe of each unit had to send again. In a complete poll, each was answered at last.",
    """\
last_over_time(ironport_source_retries{source="snmp",<<units>>}[3m])
* (last_over_time(ironport_source_complete{source="snmp",<<units>>}[3m]) == bool 1)""",
    decimals=0,
    no_value=_NO_SNMP,
)

LOST: Final = Signal(
    "Dropped SNMP packets of incomplete polls",
    "none",
    PER_UNIT,
    "SNMP packets that were sent again in polls that stayed incomplete.",
    """\
last_over_time(ironport_source_retries{source="snmp",<<units>>}[3m])
* (last_over_time(ironport_source_complete{source="snmp",<<units>>}[3m]) == bool 0)""",
    decimals=0,
    no_value=_NO_SNMP,
)

# --- the exporter's own metrics ---------------------------------------------------------------------------------------

EXPORTER_VERSION: Final = Signal(
    "Version",
    "none",
    PER_EXPORTER,
    "Version of each exporter.",
    "last_over_time(ironport_exporter_build_info[5m])",
    no_value=_NO_EXPORTER,
)

CONFIGURATION: Final = Signal(
    "Configuration",
    "none",
    PER_EXPORTER,
    "Whether the last load of the configuration succeeded. If it was rejected, the exporter keeps the previous one.",
    "last_over_time(ironport_exporter_config_last_reload_successful[5m])",
    words=palette.RELOAD_WORDS,
)

LOADED_AT: Final = Signal(
    "Loaded",
    "dateTimeFromNow",
    PER_EXPORTER,
    "When the running configuration was loaded.",
    "last_over_time(ironport_exporter_config_last_reload_success_timestamp_seconds[5m]) * 1000",
)

APPLIANCES: Final = Signal(
    "Appliances",
    "none",
    PER_EXPORTER,
    "Appliances in the configuration of an exporter.",
    "last_over_time(ironport_exporter_appliances[5m])",
    decimals=0,
)

SLOWEST_PROBES: Final = Signal(
    "Probe, 95 %",
    "s",
    PER_EXPORTER,
    "95th percentile of the duration of probes.",
    """\
histogram_quantile(0.95,
    sum by (job, instance, le) (rate(ironport_exporter_probe_duration_seconds_bucket[$__rate_interval]))
)""",
)

ROUND_TRIPS: Final = Signal(
    "Round trip, 95 %",
    "s",
    PER_EXPORTER,
    "95th percentile of the time until an SNMP packet is answered.",
    """\
histogram_quantile(0.95,
    sum by (job, instance, le) (rate(ironport_exporter_snmp_round_trip_seconds_bucket[$__rate_interval]))
)""",
)

EXPORTER_CPU: Final = Signal(
    "CPU",
    "percentunit",
    PER_EXPORTER,
    "Share of one processor that an exporter uses.",
    "rate(process_cpu_seconds_total[$__rate_interval]) and on (job, instance) ironport_exporter_build_info",
    decimals=1,
)

EXPORTER_MEMORY: Final = Signal(
    "Memory",
    "bytes",
    PER_EXPORTER,
    "Memory that an exporter uses.",
    "last_over_time(process_resident_memory_bytes[5m]) and on (job, instance) ironport_exporter_build_info",
    decimals=0,
)

UNREADABLE_TOTAL: Final = Signal(
    "Unreadable",
    "none",
    PER_EXPORTER,
    "Values of units that the exporter could not read in the time shown.",
    "increase(ironport_exporter_unknown_values_total[$__range])",
    limits=((1, WARNING),),
    decimals=0,
)

PROBES: Final = Signal(
    "Probes",
    "suffix:probes/s",
    PER_EXPORTER,
    "Probes per second by result.",
    "rate(ironport_exporter_probes_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

SHARED_POLLS: Final = Signal(
    "Shared polls",
    "suffix:probes/s",
    PER_EXPORTER,
    "Probes per second that shared or reused a poll of another probe.",
    "rate(ironport_exporter_probes_shared_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

SENT_AGAIN: Final = Signal(
    "SNMP packets",
    "suffix:packets/s",
    PER_EXPORTER,
    "SNMP requests per second that were sent again because no answer came in time.",
    "rate(ironport_exporter_snmp_requests_resent_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

LATE_ANSWERS: Final = Signal(
    "Late answers",
    "suffix:packets/s",
    PER_EXPORTER,
    "SNMP answers per second to an earlier try than the last: the unit was slow, but dropped no packet.",
    "rate(ironport_exporter_snmp_late_responses_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

REJECTED_PACKETS: Final = Signal(
    "Rejected packets",
    "suffix:packets/s",
    PER_EXPORTER,
    "SNMP packets per second that were received and dropped, by reason.",
    "rate(ironport_exporter_snmp_rejected_responses_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)

STATUS_CODES: Final = ("200", "401", "403", "404", "500", "503", "none")
"""Usual codes of HTTP answers; `none` is no answer."""

PAGE_REQUESTS: Final = Signal(
    "Requests for status pages",
    "suffix:requests/s",
    PER_EXPORTER,
    "HTTP requests per second for status pages, by the status code of the answer; `none` means no answer.",
    "rate(ironport_exporter_xml_requests_total[$__rate_interval])",
    no_value=_NO_EXPORTER,
)
