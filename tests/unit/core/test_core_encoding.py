"""JSON and times from strangers: one spelling each, and no deep nesting, however it is counted."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glassplate.encoding import (
    MAX_JSON_DEPTH,
    canonical_json,
    parse_canonical_json,
    parse_json,
    parse_time,
    time_text,
)
from glassplate.errors import InputRefused

LIMIT = 1 << 20
OTHER_SPELLINGS = {
    "without microseconds": "2026-11-25T06:30:00Z",
    "with milliseconds": "2026-11-25T06:30:00.000Z",
    "with an offset": "2026-11-25T06:30:00.000000+00:00",
    "a small z": "2026-11-25T06:30:00.000000z",
    "a space": "2026-11-25 06:30:00.000000Z",
    "a comma": "2026-11-25T06:30:00,000000Z",
    "a week's day": "2026-W48-3T06:30:00.000000Z",
    "the 24th hour": "2026-11-25T24:00:00.000000Z",
    "a day that is not": "2026-02-30T06:30:00.000000Z",
    "a 61st second": "2026-11-25T06:30:60.000000Z",
    "a year that is not": "0000-11-25T06:30:00.000000Z",
    "a line more": "2026-11-25T06:30:00.000000Z\n",
    "digits of another alphabet": "２026-11-25T06:30:00.000000Z",
    "a number": 1764052200,
    "nothing": None,
}


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-7))])))
@example(datetime.min.replace(tzinfo=UTC))
@example(datetime.max.replace(tzinfo=UTC))
def test_a_time_comes_back_in_utc(at):
    try:
        text = time_text(at)
    except OverflowError:
        return  # a zone's first or last hours of all, which are no time in UTC
    assert parse_time(text) == at
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize("spelling", OTHER_SPELLINGS.values(), ids=OTHER_SPELLINGS.keys())
def test_a_time_has_one_spelling(spelling):
    with pytest.raises(InputRefused, match="canonical form"):
        parse_time(spelling)


@given(st.text("[]{}", max_size=200).map(str.encode))
@example(b"[" * MAX_JSON_DEPTH + b"]" * MAX_JSON_DEPTH)
@example(b"[" * (MAX_JSON_DEPTH + 1) + b"]" * (MAX_JSON_DEPTH + 1))
@example(b"[{" * (MAX_JSON_DEPTH // 2) + b"[]" + b"}]" * (MAX_JSON_DEPTH // 2))
@example(b"[]" * 100)
def test_no_nesting_is_deeper_than_allowed(brackets):
    depth = deepest = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    said = ""
    try:
        parse_json(brackets, limit=LIMIT)
    except InputRefused as refusal:
        said = str(refusal)
    assert ("nests deeper" in said) == (deepest > MAX_JSON_DEPTH)


@given(st.binary(max_size=100) | st.text('[]{}",:01é\\ud8ab', max_size=60).map(str.encode))
def test_what_is_canonical_is_what_we_would_write(data):
    try:
        value = parse_canonical_json(data, limit=LIMIT)
    except InputRefused:
        return
    assert canonical_json(value) == data
    assert parse_json(data, limit=LIMIT) == value


NOT_CANONICAL = {
    "a key twice": b'{"a":1,"a":1}',
    "a key twice, with another value": b'{"a":1,"a":2}',
    "keys out of order": b'{"b":1,"a":1}',
    "a space": b'{"a": 1}',
    "an escape": b'"\\u00e9"',
    "half of a character": b'"\\ud800"',
    "a number's other spelling": b"1.50",
    "not a number": b"NaN",
    "a line end": b"[]\n",
}


@pytest.mark.parametrize("data", NOT_CANONICAL.values(), ids=NOT_CANONICAL.keys())
def test_other_spellings_are_refused(data):
    with pytest.raises(InputRefused):
        parse_canonical_json(data, limit=LIMIT)


def test_canonical_json_is_sorted_and_dense():
    value = {"b": [1, "é"], "a": None}
    assert canonical_json(value) == '{"a":null,"b":[1,"é"]}'.encode()
    assert json.loads(canonical_json(value)) == value
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))
