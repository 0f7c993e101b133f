"""The scoring, against cases worked out by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.recognize.found import overlap
from glassplate.recognize.measure import (
    Rate,
    Truth,
    failed_photo,
    score_photo,
    summaries,
)
from glassplate.recognize.recognizer import PlateCandidate


def output(text, box=(0, 0, 10, 5), region="unknown", confidence=0.0):
    return PlateCandidate(text, (0.9,) * len(text), box, (), region, confidence)


def scored(truth, *outputs, **fields):
    """The one plate of a photo with this truth."""
    score = score_photo([Truth(truth, **fields)], list(outputs), 10.0)
    return score, score.plates[0]


PLATES = {
    # truth, outputs -> exact, top-1, folded, characters, junk
    "read": ("7KDR214", ["7KDR214"], True, True, True, 1.0, 0),
    "read, but ranked second": ("7KDR214", ["7KDR999", "7KDR214"], True, False, True, 1.0, 1),
    "O for 0": ("AB012", ["ABO12"], False, False, True, 0.8, 0),
    "one edit": ("7KDR214", ["7KDR21A"], False, False, False, 6 / 7, 0),
    "two edits are no junk": ("7KDR214", ["7KDR2"], False, False, False, 5 / 7, 0),
    "three edits are junk": ("7KDR214", ["7KDR"], False, False, False, 4 / 7, 1),
    "a sign beside the plate": ("7KDR214", ["7KDR214", "ROUTE66"], True, True, True, 1.0, 1),
    "a date twice": ("7KDR214", ["20261125", "20261125"], False, False, False, 0.0, 2),
    "nothing": ("7KDR214", [], False, False, False, 0.0, 0),
    "longer than the truth by more than its length": ("AB1", ["XXXXXXXX"], False, False, False, 0.0, 1),
}


@pytest.mark.parametrize(
    ("truth", "texts", "exact", "top_1", "folded", "characters", "junk"), PLATES.values(), ids=PLATES.keys()
)
def test_one_plate(truth, texts, exact, top_1, folded, characters, junk):
    score, plate = scored(truth, *map(output, texts))
    assert (plate.exact, plate.top_1, plate.folded, score.junk) == (exact, top_1, folded, junk)
    assert plate.characters == pytest.approx(characters)


def test_two_plates_in_one_photo_are_judged_each_and_neither_is_the_others_junk():
    truths = [Truth("7KDR214"), Truth("4TBM908")]
    score = score_photo(truths, [output("4TBM908"), output("7KDR214"), output("EXIT12")], 10.0)
    assert [(plate.exact, plate.top_1) for plate in score.plates] == [(True, True), (True, True)]
    assert score.junk == 1
    late = score_photo(truths, [output("4TBM908"), output("EXIT12"), output("7KDR214")], 10.0)
    assert [(plate.exact, plate.top_1) for plate in late.plates] == [(True, False), (True, True)]


OVERLAPS = {
    "the same box": ((10, 10, 20, 10), 1.0),
    "half of it": ((10, 10, 10, 10), 0.5),
    "moved by half": ((20, 10, 20, 10), 1 / 3),
    "twice as large": ((10, 10, 40, 10), 0.5),
    "touching": ((30, 10, 20, 10), 0.0),
    "elsewhere": ((90, 90, 20, 10), 0.0),
}


@pytest.mark.parametrize(("box", "expected"), OVERLAPS.values(), ids=OVERLAPS.keys())
def test_boxes_overlap_by_as_much_as_they_do(box, expected):
    truth = (10, 10, 20, 10)
    assert overlap(truth, box) == pytest.approx(expected)
    assert overlap(box, truth) == pytest.approx(expected)


def test_a_plate_is_localized_by_the_best_box_whatever_its_text():
    _, plate = scored("7KDR214", output("XXX", (10, 10, 20, 10)), output("7KDR214"), box=(10, 10, 20, 10))
    assert plate.overlap == 1.0
    assert scored("7KDR214", box=(10, 10, 20, 10))[1].overlap == 0.0
    assert scored("7KDR214", output("7KDR214"))[1].overlap is None


def test_localized_is_counted_from_three_and_from_five_tenths_and_not_at_all_without_boxes():
    truth = (0, 0, 20, 10)
    boxes = [(0, 0, 20, 10), (0, 0, 10, 10), (10, 0, 20, 10), (15, 0, 20, 10)]  # 1, .5, .33, .14
    scores = [scored("7KDR214", output("7KDR214", box), box=truth)[0] for box in boxes]
    summary = summaries(scores)["all"]
    assert (summary.localized_loosely, summary.localized) == (Rate(3, 4), Rate(2, 4))
    without = summaries([scored("7KDR214", output("7KDR214"))[0]])["all"]
    assert (without.localized_loosely, without.localized) == (None, None)


def test_groups_are_summed_apart_and_together():
    us = [
        scored("7KDR214", output("7KDR214"), group="us")[0],
        scored("AB012", output("ABO12"), group="us")[0],
    ]
    br = [scored("ABC1234", output("ROUTE66"), group="br")[0]]
    made = summaries([*us, *br])
    assert list(made) == ["br", "us", "all"]
    assert [made[name].exact for name in made] == [Rate(0, 1), Rate(1, 2), Rate(1, 3)]
    assert [made[name].folded for name in made] == [Rate(0, 1), Rate(2, 2), Rate(2, 3)]
    assert [made[name].junk_per_photo for name in made] == [1.0, 0.0, pytest.approx(1 / 3)]
    assert made["us"].characters == pytest.approx((1 + 0.8) / 2)
    assert list(summaries([scored("AB012", output("AB012"))[0]])) == ["all"]


def test_a_failed_photo_is_counted_as_not_read_and_takes_no_time():
    truth = Truth("7KDR214", group="us", state="US-TX", box=(0, 0, 10, 5))
    read = score_photo([truth], [output("7KDR214", region="US-TX", confidence=0.9)], 30.0)
    summary = summaries([read, failed_photo([truth])])["us"]
    assert (summary.photos, summary.failed, summary.plates) == (2, 1, 2)
    assert summary.exact == summary.localized == summary.regions[0].coverage == Rate(1, 2)
    assert summary.characters == 0.5
    assert (summary.cpu_ms_median, summary.cpu_ms_mean) == (30.0, 30.0)
    alone = summaries([failed_photo([truth])])["all"]
    assert (alone.exact, alone.cpu_ms_median, alone.cpu_ms_mean) == (Rate(0, 1), None, None)


def test_times_have_a_median_and_a_mean():
    scores = [score_photo([Truth("AB12")], [], ms) for ms in (10.0, 20.0, 90.0)]
    assert (summaries(scores)["all"].cpu_ms_median, summaries(scores)["all"].cpu_ms_mean) == (20.0, 40.0)


def test_regions_are_judged_by_the_nearest_output_and_unknown_is_no_statement():
    cases = [
        [output("7KDR214", region="US-TX", confidence=0.99)],  # right and sure
        [output("7KDR214", region="US-CA", confidence=0.6)],  # wrong and not sure
        [output("7KDR214", region="unknown", confidence=0.99)],  # says nothing
        [
            output("SIGN12", region="US-TX", confidence=0.99),
            output("7KDR21A", region="US-CA", confidence=0.9),
        ],
        [],
    ]
    truth = Truth("7KDR214", state="US-TX")
    made = summaries([score_photo([truth], outputs, 1.0) for outputs in cases])["all"].regions
    assert {one.least_confidence: (one.coverage, one.right) for one in made} == {
        0.0: (Rate(3, 5), Rate(1, 3)),
        0.5: (Rate(3, 5), Rate(1, 3)),
        0.8: (Rate(2, 5), Rate(1, 2)),
        0.9: (Rate(2, 5), Rate(1, 2)),
        0.95: (Rate(1, 5), Rate(1, 1)),
        0.99: (Rate(1, 5), Rate(1, 1)),
    }


def test_a_data_set_without_states_says_nothing_of_them():
    assert summaries([scored("AB12", output("AB12", region="US-TX"))[0]])["all"].regions == ()


WILSON = {  # Newcombe, Two-sided confidence intervals for the single proportion (1998), table I, method 3
    (81, 263): (0.2553, 0.3662),
    (15, 148): (0.0624, 0.1605),
    (0, 20): (0.0, 0.1611),
    (1, 29): (0.0061, 0.1718),
}


@pytest.mark.parametrize(("counts", "interval"), WILSON.items())
def test_intervals_are_wilsons(counts, interval):
    assert Rate(*counts).interval == pytest.approx(interval, abs=5e-5)


def test_of_nothing_nothing_is_known():
    assert (Rate(0, 0).value, Rate(0, 0).interval) == (0.0, (0.0, 1.0))


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_an_interval_holds_its_rate_and_stays_between_nothing_and_all(counts):
    low, high = Rate(*counts).interval
    assert 0 <= low <= Rate(*counts).value + 1e-12
    assert Rate(*counts).value - 1e-12 <= high <= 1
    assert low < high
    assert all(map(math.isfinite, (low, high)))


def test_truths_stay_out_of_their_repr():
    assert "7KDR214" not in repr(Truth("7KDR214"))
