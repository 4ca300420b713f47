"""Damaged octets, for property tests of what reads them."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[bytes]) -> bytes:
    """Return octets of which some are changed, and that may be cut short or prolonged."""
    octets = bytearray(draw(whole))
    for place, octet in draw(st.lists(st.tuples(st.integers(0, len(octets) - 1), st.integers(0, 255)), max_size=4)):
        octets[place] = octet
    return bytes(octets[: draw(st.integers(0, len(octets)) | st.just(len(octets)))] + draw(st.binary(max_size=3)))
