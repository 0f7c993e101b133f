"""Case-number patterns: a safe subset of regular expressions, matched whole and in ASCII."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glassplate.charter.case_number import MAX_CASE_NUMBER, check_pattern, is_well_formed
from glassplate.errors import InputRefused

PATTERN = "[0-9]{2}-[0-9]{6}"

MATCHES = {
    "the example": ("26-004512", True),
    "one digit too few": ("26-00451", False),
    "one digit too many": ("26-0045123", False),
    "a newline after it": ("26-004512\n", False),
    "a space before it": (" 26-004512", False),
    "full-width digits": ("２６-００４５１２", False),
    "Arabic-Indic digits": ("٢٦-٠٠٤٥١٢", False),
    "a word": ("investigation", False),
    "nothing": ("", False),
    "a NUL inside": ("26-0045\x0012", False),
}


@pytest.mark.parametrize(("case_number", "expected"), MATCHES.values(), ids=MATCHES)
def test_matching(case_number, expected):
    assert is_well_formed(PATTERN, case_number) is expected


ACCEPTED = [
    (PATTERN, "26-004512"),
    ("[A-Z]{2,4}[0-9]{4}", "CR0001"),
    ("20[0-9]{2}/[A-Za-z0-9]{4,8}", "2026/ab12"),
    (r"No\. [0-9]{5}", "No. 12345"),
    ("[A-Z0-9-]{4}", "A-1B"),
]


@pytest.mark.parametrize(("pattern", "example"), ACCEPTED)
def test_accepted(pattern, example):
    check_pattern(pattern, example)


REFUSED = {
    "no pattern": "",
    "anything": ".*",
    "a star": "[0-9]*",
    "a plus": "[0-9]{4}-[0-9]+",
    "a question mark": "[0-9]{5}-?",
    "an alternative": "[0-9]{4}|[0-9]{6}",
    "a group, and so nested counts": "([0-9]{1,9}){1,9}",
    "a look-ahead": "(?=[0-9])[0-9]{4}",
    "a back-reference": r"[0-9]{4}\1",
    "a digit class that takes other scripts": r"\d{6}",
    "an anchor": "^[0-9]{6}",
    "a negated class": "[^x]{6}",
    "a reversed range": "[9-0]{6}",
    "a reversed count": "[0-9]{6,2}",
    "an open count": "[0-9]{4,}",
    "a count of hundreds": "[0-9]{100}",
    "a count above the limit": "[0-9]{33}",
    "four variable counts": "[0-9]{1,9}[0-9]{1,9}[0-9]{1,9}[0-9]{1,9}",
    "one letter is enough": "[A-Z]",
    "three are enough": "[A-Z]{3}",
    "nothing is enough": "[A-Z]{0,4}",
    "a line break": "[0-9]{4}\n",
    "too long to read": "[0-9]{1}" * 13,
    "an open class": "[0-9{4}",
    "a count of nothing": "{4}[0-9]{4}",
}


@pytest.mark.parametrize("pattern", REFUSED.values(), ids=REFUSED)
def test_refused(pattern):
    with pytest.raises(InputRefused):
        check_pattern(pattern, "26-004512")


def test_the_slowest_accepted_pattern_is_fast():
    pattern = "[0-9]{1,32}[0-9]{1,32}[0-9]{1,32}xy"
    check_pattern(pattern, "123xy")
    start = time.process_time()
    assert not is_well_formed(pattern, "1" * MAX_CASE_NUMBER)
    assert not is_well_formed(pattern, "1" * 1_000_000)
    assert time.process_time() - start < 1


@given(pattern=st.text(alphabet="[]{}()0129aZ-,*+?.|\\^$ ", max_size=30), example=st.text(max_size=20))
@settings(max_examples=500, deadline=None)
def test_any_pattern_is_refused_or_matches_its_example(pattern, example):
    try:
        check_pattern(pattern, example)
    except InputRefused:
        return
    assert is_well_formed(pattern, example)
    assert len(example) >= 4
