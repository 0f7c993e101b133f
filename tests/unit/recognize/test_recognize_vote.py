"""The vote over the looks at one plate: no surer than its evidence, and nothing lost on the way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.regions import CERTAIN_FROM
from glassplate.recognize.vote import MAX_ALTERNATIVES, Look, vote
from glassplate.records import Alternative

BOX = (10, 10, 90, 30)


def look(text, *confidences, quality=1.0, box=BOX, **more):
    values = confidences if len(confidences) > 1 else (confidences[0],) * len(text)
    return Look(PlateCandidate(text, tuple(values), box, **more), quality)


def test_characters_win_one_by_one_even_where_no_look_was_right():
    looks = [look("7KDR21A", 0.9), look("7KBR214", 0.9), look("1KDR214", 0.9)]
    assert vote(looks).text == "7KDR214"


def test_sure_looks_weigh_more_than_many_doubtful_ones():
    looks = [look("7KDR214", 0.95), look("7KDR214", 0.95), *(look("1KDR214", 0.3) for _ in range(8))]
    assert vote(looks).text == "7KDR214"


def test_wide_looks_weigh_more_than_far_ones():
    near, far = (10, 10, 200, 60), (10, 10, 40, 12)
    looks = [look("7KDR214", 0.9, box=near)] * 2 + [look("7KDR2I4", 0.9, box=far)] * 4
    assert vote(looks).text == "7KDR214"


def test_the_length_that_most_looks_have_wins():
    looks = [look("7KDR214", 0.9)] * 3 + [look("7KDR21", 0.9)] * 2
    result = vote(looks)
    assert result.text == "7KDR214"
    assert max(result.character_confidences) < 0.9  # the other lengths count against it
    assert Alternative("7KDR21", 0.36) in [
        Alternative(one.text, round(one.confidence, 2)) for one in result.alternatives
    ]


def test_second_readings_count_where_the_first_are_doubtful():
    other = (Alternative("7KDR214", 0.45),)
    looks = [look("7KDRZ14", 0.9, 0.9, 0.9, 0.9, 0.5, 0.9, 0.9, alternatives=other)] * 2
    looks += [look("7KDR214", 0.6)]
    assert vote(looks).text == "7KDR214"


def test_the_best_look_s_own_text_comes_first_among_the_alternatives():
    looks = [look("7KDR2I4", 0.9, quality=9.0), *(look("7KDR214", 0.9) for _ in range(4))]
    result = vote(looks)
    assert result.text == "7KDR214"
    assert result.alternatives[0] == Alternative("7KDR2I4", 0.9)


def test_one_look_is_returned_as_it_is_if_it_is_sure():
    one = look("7KDR214", 0.9, alternatives=(Alternative("7KDR2I4", 0.05),))
    assert vote([one]) == one.candidate
    assert vote([look("7KDR214", 0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.8)]) is None


def test_looks_that_support_nothing_give_nothing():
    assert vote([look("7KDR214", 0.5), look("3GPL927", 0.5)]) is None
    assert vote([look("", 0.9), look("", 0.9)]) is None
    assert vote([look("7KDR214", 0.0), look("7KDR214", 0.0)]) is None


def test_a_region_needs_the_looks_to_agree():
    texas, ohio = {"region": "US-TX", "region_confidence": 0.9}, {"region": "US-OH", "region_confidence": 0.9}
    agreed = vote([look("7KDR214", 0.9, **texas)] * 3 + [look("7KDR214", 0.9)])
    assert (agreed.region, round(agreed.region_confidence, 6)) == ("US-TX", 0.9)  # one look said nothing
    doubted = vote([look("7KDR214", 0.9, **texas)] * 4 + [look("7KDR214", 0.9, **ohio)])
    assert doubted.region == "US-TX"
    assert (
        doubted.region_confidence < CERTAIN_FROM
    )  # a look that says another state: no alert is decided by it
    torn = vote([look("7KDR214", 0.9, **texas)] * 2 + [look("7KDR214", 0.9, **ohio)])
    assert (torn.region, torn.region_confidence) == ("unknown", 0.0)


@st.composite
def readings(draw):
    text = draw(st.text("ABC1234", min_size=1, max_size=8))
    confidences = draw(st.lists(st.floats(0, 1), min_size=len(text), max_size=len(text)))
    width = draw(st.integers(1, 300))
    others = draw(st.lists(st.tuples(st.text("ABC12", max_size=8), st.floats(0, 1)), max_size=2))
    alternatives = tuple(Alternative(*one) for one in others)
    return Look(
        PlateCandidate(text, tuple(confidences), (0, 0, width, 20), alternatives), draw(st.floats(0, 9))
    )


@given(st.lists(readings(), min_size=1, max_size=12))
def test_no_character_is_surer_than_its_surest_look_and_every_result_has_its_form(looks):
    result = vote(looks)
    if result is None:
        return
    for place, character in enumerate(result.text):
        claims = [
            one.candidate.character_confidences[place]
            for one in looks
            if len(one.candidate.text) == len(result.text) and one.candidate.text[place] == character
        ]
        seconds = [a.confidence for one in looks for a in one.candidate.alternatives]
        assert result.character_confidences[place] <= max([*claims, *seconds]) + 1e-9
    assert len(result.alternatives) <= MAX_ALTERNATIVES
    assert result.text not in [one.text for one in result.alternatives]
    assert all(0 <= one.confidence <= 1 and one.text for one in result.alternatives)


@given(st.lists(readings(), min_size=1, max_size=8))
def test_the_vote_is_the_same_every_time(looks):
    assert vote(looks) == vote(looks)


def test_a_text_that_stands_in_no_frame_keeps_the_best_frames_own_text_first_beside_it():
    looks = [
        Look(PlateCandidate("7KDR2I4", (0.9,) * 5 + (0.5, 0.9), (0, 0, 90, 20)), 9.0),
        Look(PlateCandidate("7XDR214", (0.9, 0.4, 0.9, 0.9, 0.9, 0.9, 0.9), (0, 0, 90, 20)), 5.0),
        Look(PlateCandidate("7KDB214", (0.9, 0.9, 0.9, 0.4, 0.9, 0.9, 0.9), (0, 0, 90, 20)), 4.0),
    ]
    told = vote(looks)
    assert told.text == "7KDR214"
    assert told.alternatives[0] == Alternative("7KDR2I4", 0.5)
    assert {"7XDR214", "7KDB214"} <= {one.text for one in told.alternatives}


def test_a_best_frame_without_a_text_leaves_no_empty_alternative():
    told = vote([look("7KDR214", 0.9), look("7KDR214", 0.9), Look(look("", 0.9).candidate, 99.0)])
    assert all(one.text for one in told.alternatives)


def test_one_look_of_many_names_no_state():
    texas = {"region": "US-TX", "region_confidence": 0.97}
    said = vote([*(look("7KDR214", 0.9) for _ in range(60)), look("7KDR214", 0.9, **texas)])
    assert (said.region, said.region_confidence) == ("unknown", 0.0)
