"""One read as a row and back, also as rows were written before vehicles had a second color."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from store_testing import DAY, stored

from glassplate.encoding import canonical_json
from glassplate.records import Vehicle
from glassplate.store.row_format import COLUMNS, first_id_at, from_row, to_row

BODY = COLUMNS.split(", ").index("body")
words, fractions = st.text(max_size=20), st.floats(0, 1)


@given(st.builds(Vehicle, words, fractions, words, fractions, words, fractions))
def test_a_row_keeps_every_field_of_the_vehicle(vehicle):
    plain = stored(1)
    one = replace(plain, read=replace(plain.read, vehicle=vehicle))
    assert from_row(to_row(first_id_at(one.read.captured_at), one), DAY) == one


def test_a_row_of_before_is_read_and_has_no_second_color():
    one = stored(1)
    row = to_row(first_id_at(one.read.captured_at), one)
    body = json.loads(row[BODY])
    body["vehicle"] = {
        name: value for name, value in body["vehicle"].items() if not name.startswith("second_")
    }
    old = from_row((*row[:BODY], canonical_json(body).decode(), *row[BODY + 1 :]), DAY)
    assert old.read.vehicle == Vehicle("sedan", 0.5, "gray", 0.5, "unknown", 0.0)
    assert old.read.text == one.read.text
