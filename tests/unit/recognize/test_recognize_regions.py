"""The table of regions: complete, strict, and unambiguous."""

from __future__ import annotations

import re

import pytest

from glassplate.errors import GlassplateError
from glassplate.recognize.regions import REGIONS_FILE, read_regions, region_codes, regions

STATES = [
    "AL",
    "AK",
    "AZ",
    "AR",
    "CA",
    "CO",
    "CT",
    "DE",
    "DC",
    "FL",
    "GA",
    "HI",
    "ID",
    "IL",
    "IN",
    "IA",
    "KS",
    "KY",
    "LA",
    "ME",
    "MD",
    "MA",
    "MI",
    "MN",
    "MS",
    "MO",
    "MT",
    "NE",
    "NV",
    "NH",
    "NJ",
    "NM",
    "NY",
    "NC",
    "ND",
    "OH",
    "OK",
    "OR",
    "PA",
    "RI",
    "SC",
    "SD",
    "TN",
    "TX",
    "UT",
    "VT",
    "VA",
    "WA",
    "WV",
    "WI",
    "WY",
]
EUROPEAN_UNION = [
    "AT",
    "BE",
    "BG",
    "CY",
    "CZ",
    "DE",
    "DK",
    "EE",
    "ES",
    "FI",
    "FR",
    "GR",
    "HR",
    "HU",
    "IE",
    "IT",
    "LT",
    "LU",
    "LV",
    "MT",
    "NL",
    "PL",
    "PT",
    "RO",
    "SE",
    "SI",
    "SK",
]

ONE = """
[[region]]
code = "XX"
name = "Nowhere"
vehicles_millions = 1.0
names_on_plate = ["NOWHERE"]
slogans = []
formats = ["LLL-NNN"]
design = [{ background = ["#ffffff"], ink = "#000000" }]
"""


@pytest.mark.parametrize(
    "code", [*(f"US-{one}" for one in STATES), *EUROPEAN_UNION, "BR", "AR", "UY", "PY", "MX", "GB"]
)
def test_every_region_that_is_promised_is_there(code):
    assert code in region_codes()


def test_every_state_has_a_name_a_format_and_a_look():
    for region in regions():
        assert region.formats, region.code
        if region.code.startswith("US-"):
            assert region.names_on_plate, region.code
            assert region.designs, region.code
            assert region.country == "US"


def test_shapes_are_formats_without_what_stands_between_the_groups(tmp_path):
    path = tmp_path / "regions.toml"
    path.write_text(ONE.replace('"LLL-NNN"', '"LLL-NNN", "LL*NN L"'))
    (region,) = read_regions(path)
    assert region.shapes == {"LLLNNN", "LLNNL"}


@pytest.mark.parametrize(
    ("changed", "to", "says"),
    [
        ('code = "XX"', 'code = "nowhere"', "code"),
        ("vehicles_millions = 1.0", "vehicles_millions = 0.0", "vehicles_millions"),
        ("vehicles_millions = 1.0", "", "vehicles_millions"),
        ('"LLL-NNN"', '"ABC-123"', "formats"),
        ('"LLL-NNN"', '"LLLLLLNNNNNN"', "formats"),
        ('"NOWHERE"', '"nowhere"', "names_on_plate"),
        ("#ffffff", "white", "background"),
        ('name = "Nowhere"', 'name = "Nowhere"\ncolour = "red"', "colour"),
        (ONE, ONE + ONE, "twice"),
        (ONE, "region = 1", "region"),
        (ONE, "[[region", "cannot be read"),
    ],
)
def test_a_table_that_is_wrong_is_refused_by_the_key_that_is_wrong(tmp_path, changed, to, says):
    path = tmp_path / "regions.toml"
    path.write_text(ONE.replace(changed, to))
    with pytest.raises(GlassplateError, match=re.escape(says)):
        read_regions(path)


def test_a_table_that_is_missing_says_so(tmp_path):
    with pytest.raises(GlassplateError, match="cannot be read"):
        read_regions(tmp_path / "none.toml")


def test_the_table_holds_formats_and_no_serials():
    assert not re.search(r'"[A-Z]{2,3}[ -]?\d{3,4}"', REGIONS_FILE.read_text())
