import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glassplate.errors import UsageError
from glassplate.plate_text import (
    ALPHABET,
    MAX_PATTERN_CHARACTERS,
    PlatePattern,
    fold,
    is_plausible,
    normalize,
    skeleton,
)

anything = st.text(max_size=40)
plates = st.text(alphabet=ALPHABET, min_size=0, max_size=12)
patterns = st.text(alphabet="AB01OI?*", min_size=2, max_size=MAX_PATTERN_CHARACTERS).filter(
    lambda text: sum(one not in "?*" for one in text) >= 2
)


@given(anything)
def test_the_normal_form_has_plate_characters_only_and_is_its_own_normal_form(text):
    normal = normalize(text)
    assert set(normal) <= set(ALPHABET)
    assert normalize(normal) == normal


@given(anything)
def test_each_form_is_coarser_than_the_one_before(text):
    assert fold(fold(text)) == fold(text) == fold(normalize(text))
    assert skeleton(skeleton(text)) == skeleton(text) == skeleton(fold(text))


@pytest.mark.parametrize(
    ("text", "normal", "folded", "skeletal"),
    [
        ("7kdr-214", "7KDR214", "7KDR214", "7K0R214"),
        ("sh·0r 7x", "SH0R7X", "SH0R7X", "5H0R7X"),
        ("OQI", "OQI", "001", "001"),
        ("DLBSZG", "DLBSZG", "DLBSZG", "018526"),
        ("Ä1ß٣ﬁ", "1", "1", "1"),
        ("", "", "", ""),
    ],
)
def test_known_texts(text, normal, folded, skeletal):
    assert (normalize(text), fold(text), skeleton(text)) == (normal, folded, skeletal)


@pytest.mark.parametrize(
    ("text", "plausible"),
    [("7KDR214", True), ("A1B2", True), ("A1B", False), ("ABCDEF", False), ("ABCDEFG12", False), ("", False)],
)
def test_plausible_plates_have_four_to_eight_characters_and_a_digit(text, plausible):
    assert is_plausible(text) is plausible


REFUSED = {
    "one letter and a star would browse": "A*",
    "wildcards alone": "*?*",
    "nothing at all": "",
    "too long": "ABCDEFGH123456789",
    "stars count too": "AB" + "*" * 15,
    "a percent sign is no wildcard here": "7KDR%",
    "an umlaut is on no plate we know": "MÜ123",
    "quotes": "7KDR' OR 1",
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_patterns_that_are_refused(text):
    with pytest.raises(UsageError):
        PlatePattern.parse(text)


MATCHES = {
    "the plate itself, spaced and in lower case": ("7kdr 214", "7KDR214", True),
    "another plate": ("7KDR214", "7KDR215", False),
    "a part is not the whole": ("7KDR", "7KDR214", False),
    "letter O finds digit 0": ("ABO12", "AB012", True),
    "digit 1 finds letter I": ("AB1", "ABI", True),
    "Q is O": ("AQ12", "AO12", True),
    "B never finds 8": ("ABC1", "A8C1", False),
    "one unknown character": ("7KD?214", "7KDR214", True),
    "one unknown is not none": ("7KDR214?", "7KDR214", False),
    "a star may be nothing": ("7KDR214*", "7KDR214", True),
    "a star in the middle": ("7K*14", "7KDR214", True),
    "two stars": ("*DR*", "7KDR214", True),
    "a star cannot reuse characters": ("7KD*DR214", "7KDR214", False),
}


@pytest.mark.parametrize(("pattern", "text", "found"), MATCHES.values(), ids=MATCHES.keys())
def test_what_patterns_match(pattern, text, found):
    assert PlatePattern.parse(pattern).matches(text) is found


@given(patterns, st.text(alphabet="AB01OI", max_size=12))
def test_matching_agrees_with_the_same_pattern_as_a_regular_expression(text, plate):
    pattern = PlatePattern.parse(text)
    expression = "".join({"?": ".", "*": ".*"}.get(one, one) for one in pattern.text)
    assert pattern.matches(plate) is bool(re.fullmatch(expression, fold(plate)))


@given(plates.filter(lambda text: len(text) >= 2))
def test_a_plate_finds_itself_and_has_no_wildcards(plate):
    pattern = PlatePattern.parse(plate)
    assert pattern.matches(plate)
    assert not pattern.has_wildcards


def test_many_stars_do_not_explode():
    assert not PlatePattern.parse("*A*A*A*A*A*A*B").matches("A" * 20_000)


def test_the_pattern_stays_out_of_its_repr():
    assert "7KDR" not in repr(PlatePattern.parse("7KDR214"))


@given(anything)
def test_parsing_returns_a_pattern_or_refuses(text):
    try:
        pattern = PlatePattern.parse(text)
    except UsageError:
        return
    assert set(pattern.text) <= set(ALPHABET + "?*")
