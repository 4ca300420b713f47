from __future__ import annotations

import math
from contextlib import suppress
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics import conversions as to
from exporter.metrics.conversions import Conversion, Raw, Series, UnknownValueError

SUPPLY = to.states({2: "healthy", 3: "no_ac"})
TRUTH = to.zero_or_one({1: 1, 2: 0})
DESCRIBED = "Cisco IronPort Model C160, AsyncOS Version: 7.6.2-014, Build Date: 2012-11-02, Serial #: 99AA-99"
NEWER = "Cisco Model S390, AsyncOS Version: 10.1.1-230, Build Date: 2017-03-15, Serial #: 0082638EFC03-FCH1933A0CD"

READ: list[tuple[Conversion, tuple[Raw, ...], Series]] = [
    (to.scaled(), ("42",), {(): 42}),
    (to.scaled(), (" -7 ",), {(): -7}),
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
    (to.conservation_refusing, ("999",), {(): 1}),
    (to.build_version, ("phoebe 10.0.0-203",), {("10.0.0-203",): 1}),
    (to.described_version, (DESCRIBED,), {("7.6.2-014",): 1}),
    (to.described_version, (NEWER,), {("10.1.1-230",): 1}),
    (to.described_hardware, (DESCRIBED,), {("C160", "99AA-99"): 1}),
    (to.described_hardware, (NEWER,), {("S390", "0082638EFC03-FCH1933A0CD"): 1}),
    (to.described_hardware, ("Cisco Model C100V, AsyncOS Version: 9.7.1",), {("C100V", ""): 1}),
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
    *((to.scaled(), (raw,), {}) for raw in ("", "N/A", "1_000", "nan", "inf", "-Infinity", "1e999", 10**400)),
    (to.per(100), ("12%",), {}),
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
    *((to.size, (raw,), {}) for raw in ("", "N/A", "G", "12X", "-1G", "1 G", "9" * 400)),
    *((to.uptime, (raw,), {}) for raw in ("20161011101643", "()", "(soon)", "(1h 2d)", f"({'9' * 5000}d)")),
    (to.conservation_level, ("high",), {}),
    (to.conservation_refusing, ("",), {}),
    (to.build_version, ("phoebe",), {}),
    (to.described_version, ("Linux mx1 6.1",), {}),
    (to.described_hardware, ("",), {}),
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
