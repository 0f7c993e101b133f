"""Ids as a segment has them: in order, there and back, and every range as wide as the whole ids say."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glassplate.store.read_row import SAME_INSTANT
from glassplate.store.segment_ids import SegmentIds

DAY = 86_400_000_000
instants = st.integers(0, DAY - 1) | st.integers(0, 5)
ids = st.builds(
    lambda instant, sequence: (instant + 10**14) * SAME_INSTANT + sequence, instants, st.integers(0, 9)
)


@given(st.lists(ids, min_size=1, unique=True).map(sorted), ids, ids)
def test_small_ids_keep_the_order_and_every_range(whole, first, last):
    array = np.array(whole, dtype=np.uint64)
    scale = SegmentIds.of(array)
    small = scale.small(array).tolist()
    assert small == sorted(set(small))
    assert [scale.whole(one) for one in small] == whole
    low, high = scale.between(first, last)
    inside = [scale.whole(one) for one in small if low <= one <= high]
    assert inside == [one for one in whole if first <= one <= last]


def test_an_id_of_a_day_fits_five_bytes_though_some_reads_share_an_instant():
    last = (10**14 + DAY - 1) * SAME_INSTANT
    array = np.array([10**14 * SAME_INSTANT, *(last + sequence for sequence in range(8))], dtype=np.uint64)
    assert int(SegmentIds.of(array).small(array)[-1]) < 1 << 40


def test_a_full_instant_is_told_apart():
    array = np.arange(SAME_INSTANT, dtype=np.uint64) + np.uint64(10**14 * SAME_INSTANT)
    assert SegmentIds.of(array).small(array).tolist() == list(range(SAME_INSTANT))
