"""How much mail there was in each pool, and in all together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from exporter.capacity import figures
from exporter.capacity.figures import LAST_HOUR, SAMPLES_AN_HOUR
from exporter.prometheus.selection import Selection
from exporter.report import unit_figures
from exporter.report.hourly import ALL_HOURS, POOL, Hourly, HourlyQueries, Key, in_turn, together, turns
from exporter.report.model import NOT_MEASURED, Figure, MailVolume
from exporter.report.unit_figures import SAMPLES_AN_HOUR_OF_UNIT

_RESULT: Final = (*POOL, "result")
_STREAM: Final = (*POOL, "stream")


class _Query(NamedTuple):
    """The PromQL of a figure, that of its samples in an hour, and how many these are where none is missing."""

    value: str
    samples: str
    expected: int


class _MailQueries(NamedTuple):
    messages: _Query
    rejected: _Query
    recipients: _Query
    completed: _Query


@dataclass(frozen=True, slots=True)
class HourlyMail:
    """The mail of a pool, or of several, by the hour; None for what nobody measured."""

    messages: Hourly | None
    rejected: Hourly | None
    recipients: Hourly | None
    """Recipients of the messages that were received; of several pools, only of those that reject any."""
    delivered: Hourly | None
    hard_bounced: Hourly | None

    def volume(self, hours: slice = ALL_HOURS) -> MailVolume:
        rejected = _total(self.rejected, hours)
        return MailVolume(
            _total(self.messages, hours),
            rejected,
            _share(rejected, _total(self.recipients, hours)),
            _total(self.delivered, hours),
            _total(self.hard_bounced, hours),
        )


@dataclass(frozen=True, slots=True)
class MonthMail:
    """The mail of a month."""

    pools: Mapping[Key, HourlyMail]
    streams: Mapping[Key, Sequence[Key]]
    """The pools of each stream, by job and stream; the one that received the most messages is first."""
    counting: frozenset[Key]
    """The pools that count in the mail of all."""
    all: HourlyMail
    """The mail of all pools together. Of a stream, the first pool counts that is there at the time."""


def volume_before(now: MonthMail, earlier: MonthMail, former: Mapping[Key, Key]) -> MailVolume:
    """Return the mail of an earlier month. Streams of now that it does not know count as missing, by their mail.

    `former` are pools that had another name, with that name.
    """
    amounts = {stream: _total(now.pools[pools[0]].messages).value or 0.0 for stream, pools in now.streams.items()}
    known = [
        amounts[stream]
        for stream, pools in now.streams.items()
        if any(pool in earlier.pools or former.get(pool) in earlier.pools for pool in pools)
    ]
    everything = sum(amounts.values())
    volume, share = earlier.all.volume(), sum(known) / everything if everything else 1.0
    return MailVolume(
        _covered(volume.messages, share),
        _covered(volume.rejected, share),
        _covered(volume.rejected_share, share),
        _covered(volume.delivered, share),
        _covered(volume.hard_bounced, share),
    )


def _covered(figure: Figure, share: float) -> Figure:
    return Figure(figure.value, figure.coverage * share)


def _total(figure: Hourly | None, hours: slice = ALL_HOURS) -> Figure:
    return figure.total(hours) if figure else NOT_MEASURED


def _share(rejected: Figure, recipients: Figure) -> Figure:
    """Return the share of the rejected recipients; where none were rejected it is 0, whatever the others."""
    if rejected.value is None or (rejected.value and recipients.value is None):
        return NOT_MEASURED
    everything = rejected.value + (recipients.value or 0.0)
    return Figure(rejected.value / everything if everything else 0.0, rejected.coverage)


def mail_of_pools(queries: HourlyQueries, selection: Selection) -> MonthMail:
    """Ask for the mail of the period; if sites are chosen, for that of their units."""
    wanted = _of_sites(selection.of_units) if selection.sites else _of_pools(selection.of_pools)
    by_stream = queries.by_hour(*wanted.messages, "messages", _STREAM)
    hours = queries.period.hours
    messages = _without_stream(by_stream, hours)
    rejected = queries.by_hour(*wanted.rejected, "rejected recipients")
    recipients = queries.by_hour(*wanted.recipients, "recipients")
    completed = queries.by_hour(*wanted.completed, "completed recipients", _RESULT)
    delivered, bounced = (_with_result(completed, result) for result in ("delivered", "hard_bounced"))
    measured = (messages, rejected, recipients, delivered, bounced)
    pools = {pool: HourlyMail(*(each.get(pool) for each in measured)) for each in measured for pool in each}
    streams = _streams(by_stream, messages)
    return MonthMail(pools, streams, _counting(streams, messages, hours), _all(pools, streams, hours))


def _streams(by_stream: Iterable[Key], messages: Mapping[Key, Hourly]) -> dict[Key, list[Key]]:
    of_pools = {(job, pool): (job, stream) for job, pool, stream in by_stream}
    streams: dict[Key, list[Key]] = {}
    for pool in sorted(of_pools, key=lambda pool: (-(_total(messages[pool]).value or 0.0), pool)):
        streams.setdefault(of_pools[pool], []).append(pool)
    return streams


def _counting(streams: Mapping[Key, Sequence[Key]], messages: Mapping[Key, Hourly], hours: int) -> frozenset[Key]:
    chosen = ((same, turns([messages[pool] for pool in same], hours)) for same in streams.values())
    return frozenset(same[number] for same, numbers in chosen for number in numbers if number is not None)


def _all(pools: Mapping[Key, HourlyMail], streams: Mapping[Key, Sequence[Key]], hours: int) -> HourlyMail:
    by_stream = [[pools[pool] for pool in same] for same in streams.values()]
    rejecting = [same for same in by_stream if any(_total(mail.rejected).value for mail in same)]
    return HourlyMail(
        together([in_turn(_known(mail.messages for mail in same), hours) for same in by_stream], hours),
        together(_known(mail.rejected for mail in pools.values()), hours),
        together([in_turn(_known(mail.recipients for mail in same), hours) for same in rejecting], hours),
        together([in_turn(_known(mail.delivered for mail in reversed(same)), hours) for same in by_stream], hours),
        together(_known(mail.hard_bounced for mail in pools.values()), hours),
    )


def _known(parts: Iterable[Hourly | None]) -> list[Hourly]:
    return [part for part in parts if part]


def _of_pools(selector: str) -> _MailQueries:
    series = (figures.MESSAGE_RATE, figures.REJECTED_RATE, figures.RECIPIENT_RATE, figures.COMPLETED_RATE)
    return _MailQueries(*(_recorded(each, selector) for each in series))


def _recorded(rate: str, selector: str) -> _Query:
    samples = figures.number_of_samples(rate, selector, LAST_HOUR)
    return _Query(figures.total(rate, selector, LAST_HOUR), samples, SAMPLES_AN_HOUR)


def _of_sites(selector: str) -> _MailQueries:
    series = unit_figures.MESSAGES_OF_UNIT
    samples = unit_figures.samples_of_units(series, selector)
    return _MailQueries(
        _Query(unit_figures.messages_of_units(selector), samples, SAMPLES_AN_HOUR_OF_UNIT),
        _counted("ironport_recipients_rejected_total", selector),
        _counted("ironport_recipients_injected_total", selector),
        _counted("ironport_recipients_completed_total", selector, "result"),
    )


def _counted(counter: str, selector: str, label: str = "") -> _Query:
    """Return the query of a counter, whose samples come as often as scrapes: an hour with any is covered."""
    value = unit_figures.recipients_of_units(counter, selector, label)
    return _Query(value, f"({value}) >= bool 0", 1)


def _without_stream(figure: Mapping[Key, Hourly], hours: int) -> dict[Key, Hourly]:
    """Return the figure by pool. A pool has several streams if its label was changed."""
    parts: defaultdict[Key, list[Hourly]] = defaultdict(list)
    for (job, pool, _stream), part in figure.items():
        parts[job, pool].append(part)
    return {pool: same[0] if len(same) == 1 else together(same, hours) for pool, same in parts.items()}


def _with_result(completed: Mapping[Key, Hourly], wanted: str) -> dict[Key, Hourly]:
    return {(job, pool): figure for (job, pool, result), figure in completed.items() if result == wanted}
