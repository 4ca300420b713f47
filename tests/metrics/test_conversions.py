from __future__ import annotations

import math
import re
from contextlib import suppress
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics import conversions as to
from exporter.metrics.catalog import FAMILIES
from exporter.metrics.conversions import Conversion, Raw, Series, UnknownValueError
from exporter.sources.source import SOURCES

SUPPLY = to.states({2: "healthy", 3: "no_ac"})
TRUTH = to.zero_or_one({1: 1, 2: 0})
DESCRIBED = "Cisco IronPort Model C160, AsyncOS Version: 7.6.2-014, Build Date: 2012-11-02, Serial #: 99AA-99"
NEWER = "Cisco Model S390, AsyncOS Version: 10.1.1-230, Build Date: 2017-03-15, Serial #: 0082638EFC03-FCH1933A0CD"

READ: list[tuple[Conversion, tuple[Raw, ...], Series]] = [
    (to.scaled(), ("42",), {(): 42}),
    (to.scaled(), (" 7 ",), {(): 7}),
    (to.scaled(), ("0",), {(): 0}),
    (to.scaled(), (2**64 - 2048,), {(): 2**64 - 2048}),
    (to.signed, (2048 - 2**64,), {(): 2048 - 2**64}),
    (to.scaled(), ("1,234",), {(): 1234}),
    (to.scaled(), ("12,345,678.5",), {(): 12345678.5}),
    (to.signed, (" -7 ",), {(): -7}),
    (to.signed, (-7,), {(): -7}),
    (to.percent(), ("14%",), {(): 0.14}),
    (to.percent("mail"), ("117",), {("mail",): 1.17}),
    (to.percent(), (29,), {(): 0.29}),
    (to.scaled(1024, "in"), (3,), {("in",): 3072}),
    (to.per(100), ("117",), {(): 1.17}),
    (to.per(100), (29,), {(): 0.29}),
    (to.per(3600, "injected_messages", "1m"), ("6000",), {("injected_messages", "1m"): 6000 / 3600}),
    (SUPPLY, (3,), {("healthy",): 0, ("no_ac",): 1}),
    (TRUTH, (1,), {(): 1}),
    (TRUTH, (2,), {(): 0}),
    (to.labels, (" Receiving Suspended ",), {("Receiving Suspended",): 1}),
    (to.labels, ("phoebe 10.0.0-203 ", ""), {("phoebe 10.0.0-203", ""): 1}),
    (to.is_word("online"), (" Online",), {(): 1}),
    (to.is_word("online"), ("offline",), {(): 0}),
    (to.share, ("1", "3"), {(): 0.25}),
    (to.share, ("0", "8388608"), {(): 0}),
    (to.size, ("388G",), {(): 388 * 2**30}),
    (to.size, ("34m",), {(): 34 * 2**20}),
    (to.size, ("379323K",), {(): 379323 * 2**10}),
    (to.size, ("1.5T",), {(): 1.5 * 2**40}),
    (to.size, ("512",), {(): 512}),
    (to.size, ("512B",), {(): 512}),
    (to.uptime, ("20161011101643 (169d 1h 39m 8s)",), {(): 14607548}),
    (to.uptime, ("20050817042908 (16h 36m 18s)",), {(): 59778}),
    (to.uptime, ("20240101000000 (9s)",), {(): 9}),
    (to.uptime, ("20240101000000 (3d)",), {(): 259200}),
    (to.conservation_level, ("12",), {(): 12}),
    (to.conservation_level, ("60",), {(): 60}),
    (to.conservation_level, ("999",), {(): 60}),
    (to.conservation_refusing, ("60",), {(): 0}),
    (to.conservation_refusing, ("1000",), {(): 0}),
    (to.conservation_refusing, ("999",), {(): 1}),
    (to.build_version, ("phoebe 10.0.0-203",), {("10.0.0-203",): 1}),
    (to.described_version, (DESCRIBED,), {("7.6.2-014",): 1}),
    (to.described_version, (NEWER,), {("10.1.1-230",): 1}),
    (to.version_number(to.build_version), ("phoebe 12.5.3-035",), {(): 12_005_003_035}),
    (to.version_number(to.described_version), (NEWER,), {(): 10_001_001_230}),
    (to.version_number(to.build_version), ("AsyncOS 15.0.0",), {(): 15_000_000_999}),
    (to.minimum_version_number, ("12.5",), {("12.5",): 12_005_000_000}),
    (to.described_hardware, (DESCRIBED,), {("C160", "99AA-99"): 1}),
    (to.described_hardware, (NEWER,), {("S390", "0082638EFC03-FCH1933A0CD"): 1}),
    (to.described_hardware, ("Cisco Model C100V, AsyncOS Version: 9.7.1",), {("C100V", ""): 1}),
    (to.build_version, ("AsyncOS 15.0.0",), {("15.0.0",): 1}),
    (to.clock, ("00:05:30",), {(): 330}),
    (to.clock, (" 123:05:30 ",), {(): 443130}),
    (to.lower_case_label, (" Online ",), {("online",): 1}),
    (to.page_key_remaining, ("2592000",), {(): 2592000}),
    (to.page_key_remaining, ("-46298076",), {(): -46298076}),
    (to.page_key_remaining, ("Dormant/Perpetual",), {}),
    (to.page_key_perpetual, ("Dormant/Perpetual",), {(): 1}),
    (to.page_key_perpetual, ("2592000",), {(): 0}),
    (to.agent_key_remaining, (1, 99), {}),
    (to.agent_key_remaining, (2, 0), {(): 0}),
]


def _id(value: object) -> str:
    """Return a name that is the same in every process: a function's repr holds its address."""
    return value.__qualname__ if isinstance(value, FunctionType) else repr(value)[:40]


@pytest.mark.parametrize(("convert", "raws", "series"), READ, ids=_id)
def test_a_known_value_is_converted(convert: Conversion, raws: tuple[Raw, ...], series: Series) -> None:
    assert convert(*raws) == series


UNKNOWN: list[tuple[Conversion, tuple[Raw, ...], Series]] = [
    *(
        (to.scaled(), (raw,), {})
        for raw in ("", "N/A", "1_000", "nan", "inf", "-Infinity", "1e999", 10**400, -1, "14%")
    ),
    *(
        (to.scaled(1024), (raw,), {})
        for raw in ("1e308", "9" * 20, "1,23", "1234,567", "\u0661\u0662", "\uff11\uff12", "+5", "0x10", "-5")
    ),
    *((to.scaled(), (raw,), {}) for raw in (2**64, 2.0**64, math.nan)),
    *((to.signed, (raw,), {}) for raw in (2**64, -(2**64), -(2.0**64))),
    (to.per(100), ("12%",), {}),
    *((to.percent(), (raw,), {}) for raw in ("%", "14%%", "14 percent", "-14%", "\u066a14", -1)),
    *((to.share, (used, free), {}) for used, free in (("-1", "3"), ("3", "-1"))),
    (SUPPLY, (9,), {("healthy",): 0, ("no_ac",): 0}),
    (SUPPLY, ("broken",), {}),
    (TRUTH, (0,), {}),
    (TRUTH, (1.5,), {}),
    (to.labels, ("  ",), {}),
    (to.labels, ("", " "), {}),
    (to.is_word("online"), ("",), {}),
    (to.is_word("online"), (" ",), {}),
    (to.is_word("online"), ("N/A",), {}),
    (to.is_word("online"), ("--",), {}),
    (to.share, ("0", "0"), {}),
    (to.share, ("1", "N/A"), {}),
    *((to.size, (raw,), {}) for raw in ("", "N/A", "G", "12X", "-1G", "1 G", "9" * 400, "\u0661G", "1\u212a")),
    *((to.uptime, (raw,), {}) for raw in ("20161011101643", "()", "(soon)", "(1h 2d)", f"({'9' * 5000}d)")),
    *((to.clock, (raw,), {}) for raw in ("", "N/A", "5:30", "00:60:00", "00:00:60", "-1:00:00", "1d 00:00:01", 330)),
    *((to.lower_case_label, (raw,), {}) for raw in ("", "N/A", "--")),
    (to.conservation_level, ("high",), {}),
    (to.conservation_level, ("-1",), {}),
    (to.conservation_refusing, ("",), {}),
    (to.build_version, ("phoebe",), {}),
    (to.described_version, ("Linux mx1 6.1",), {}),
    (to.described_hardware, ("",), {}),
    (to.version_number(to.build_version), ("phoebe",), {}),
    *((to.version_number(to.build_version), (f"phoebe {release}",), {}) for release in ("x", "1.2.3.4", "9.1000.0-1")),
    (to.page_key_remaining, ("Dormant",), {}),
    (to.page_key_perpetual, ("N/A",), {}),
    (to.agent_key_remaining, (2, "soon"), {}),
]


@pytest.mark.parametrize(("convert", "raws", "series"), UNKNOWN, ids=_id)
def test_an_unknown_value_names_itself(convert: Conversion, raws: tuple[Raw, ...], series: Series) -> None:
    with pytest.raises(UnknownValueError) as caught:
        convert(*raws)
    assert caught.value.series == series
    assert any(caught.value.raw is raw for raw in raws)  # so that the value at fault can be named


@given(st.sampled_from([convert for convert, raws, _ in READ if len(raws) == 1]), st.text() | st.integers())
def test_whatever_a_source_brings_is_read_or_unknown(convert: Conversion, raw: Raw) -> None:
    with suppress(UnknownValueError):
        assert all(math.isfinite(value) for value in convert(raw).values())


FIGURES = st.sampled_from([0, 1, -1, 2**64 - 2048, 2**64, 0.0, 0.5, -0.5, 2.0**64, math.inf, math.nan])
DIGITS = st.sampled_from(["0", "7", "", "-7", "1,234", "N/A", "\u0661", "9" * 19, "1" + "0" * 19, "9" * 20, "9" * 21])


def each_alone(raws: list[Raw]) -> list[float] | None:
    """Return the amounts of several values, None if one cannot be read."""
    try:
        return [to.amount(raw) for raw in raws]
    except UnknownValueError:
        return None


@given(st.lists(FIGURES, min_size=1, max_size=3) | st.lists(DIGITS, min_size=1, max_size=3))
def test_several_values_are_read_as_each_alone(raws: list[Raw]) -> None:
    expected = each_alone(raws)
    if expected is None:
        with pytest.raises(UnknownValueError):
            list(to.amounts(raws))
    else:
        assert list(to.amounts(raws)) == expected


@pytest.mark.parametrize("raw", [2**64, 2.0**64, -1, -0.5, math.nan, "9" * 20, "", "-7", "\u0661"])
def test_among_several_values_one_that_cannot_be_read_is_noticed(raw: Raw) -> None:
    good: Raw = "7" if isinstance(raw, str) else 7
    for raws in ([raw], [raw, good], [good, raw]):
        with pytest.raises(UnknownValueError):
            list(to.amounts(raws))


AT_ONCE = [
    (convert, raws[0], value)
    for convert, raws, series in READ
    if isinstance(convert, to.NumberConversion) and convert.numbers
    for value in series.values()
]


@pytest.mark.parametrize(("convert", "raw", "value"), AT_ONCE, ids=_id)
def test_several_values_are_converted_as_one(convert: to.NumberConversion, raw: Raw, value: float) -> None:
    assert convert.numbers
    assert list(convert.numbers([raw, raw])) == [value, value]


def test_a_conversion_that_may_give_no_series_says_so() -> None:
    giving_none = {convert for convert, _, series in READ if not series}
    optional = {each for each, _, _ in READ if isinstance(each, to.NumberConversion) and each.is_optional}
    assert giving_none == optional


MAY_BE_NEGATIVE = {"degreesCelsius", "features/time_remaining"}
TEXTS = {
    "status/build",
    "status/hostname",
    "sysDescr",
    "system/status",
    "mail_system_status/system_status",
    "version_details/operating_system",
    "delivery_status/latest_host_status",
}
FEEDS = [
    (feed.items[0], feed.convert)
    for family in FAMILIES
    for feed in family.feeds
    if feed.source in SOURCES and len(feed.items) == 1 and feed.items[0] not in TEXTS
]


def reads(convert: Conversion, raw: Raw) -> bool:
    try:
        return bool(convert(raw))
    except UnknownValueError as error:
        return bool(error.series) and error.raw is not raw


@pytest.mark.parametrize(
    "raw", ["--", "N/A", "", "Expired", "+5", "1_000", "1e308", "nan", "infinity", "\uff11\uff12", "\u0665"]
)
def test_no_item_reads_what_is_no_number(raw: str) -> None:
    assert [item for item, convert in FEEDS if reads(convert, raw)] == []


def test_only_some_items_may_be_negative() -> None:
    assert {item for item, convert in FEEDS if reads(convert, "-5")} == MAY_BE_NEGATIVE


def test_percentages_may_have_their_sign() -> None:
    percentages = {item for item, convert in FEEDS if reads(convert, "14%")}
    words = "perCent|percentage_|_utilization/|_utilization$|log_used|overall_cpu_load|total_queue_utilized"
    assert percentages == {item for item, _ in FEEDS if re.search(words, item)}


def test_releases_are_in_order_as_numbers() -> None:
    releases = ("4.5.0-639", "9.8.1-021", "10", "10.0.0-203", "10.0.1-087", "10.1", "10.1.1-230", "10.1.2", "12.5")
    numbers = [to.release_number(release) for release in releases]
    assert numbers == sorted(set(numbers))
