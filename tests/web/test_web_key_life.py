"""The lives of keys as groups, words and a strip: the same on the public page and for the auditors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_vault import NOW
from web_testing import make_report

from glassplate.records import EpochStatus
from glassplate.site import key_groups, render_site
from glassplate.site.key_life import FOLDED, LATE_DEATHS, STRIP_MARKS, STRIP_WIDTH, key_strip, reads_words

DAY = timedelta(days=1)
MIDNIGHT = NOW.replace(hour=0, minute=0)


def key(ago: int, state: str, reads: int | None = 5) -> EpochStatus:
    start = MIDNIGHT - DAY * ago
    return EpochStatus(f"{start:%Y-%m-%d}", start, start + DAY, start + DAY * 30, state, reads)


CITY = (
    *(key(ago, "open", None if ago < 0 else 5) for ago in (-2, -1, 0)),
    *(key(ago, "closed") for ago in range(1, 30)),
    *(key(ago, "destroyed") for ago in range(30, 90)),
)


def test_what_matters_comes_first_and_every_key_is_in_one_group() -> None:
    groups = key_groups(tuple(reversed(CITY)))

    assert [one.state for one in groups.first] == ["open"] * 3 + ["destroyed"] * LATE_DEATHS
    assert groups.first[3] == key(30, "destroyed")
    assert groups.next_death == MIDNIGHT + DAY
    assert sorted((*groups.first, *groups.closed, *groups.earlier), key=repr) == sorted(CITY, key=repr)


def test_years_of_dead_keys_are_cut_and_the_page_says_so() -> None:
    years = tuple(key(ago, "destroyed") for ago in range(30, 30 + 3 * 365))

    groups = key_groups(years)

    assert len(groups.earlier) == FOLDED
    assert groups.left_out == len(years) - LATE_DEATHS - FOLDED
    page = render_site(make_report(epochs=years))["index.html"].decode()
    assert f'{groups.left_out} more in <a href="data.json">' in page


READS = {
    "a key made ahead": (key(-1, "open", None), "none yet"),
    "nothing came today": (key(0, "open", None), "none yet"),
    "a dead key that nobody counted": (key(40, "destroyed", None), "not known"),
    "thousands": (key(1, "closed", 18_770), "18,770"),
    "a day without a car": (key(1, "closed", 0), "0"),
}


@pytest.mark.parametrize(("epoch", "said"), READS.values(), ids=READS.keys())
def test_reads_are_said_as_far_as_they_are_known(epoch: EpochStatus, said: str) -> None:
    assert reads_words(epoch) == said


def test_the_strip_shows_the_newest_keys_in_order_and_fits() -> None:
    strip = key_strip(CITY, NOW)

    assert strip is not None
    assert len(strip.marks) == STRIP_MARKS
    assert [mark.state for mark in strip.marks[-4:]] == ["closed", "open", "ahead", "ahead"]
    assert [mark.x for mark in strip.marks] == sorted(mark.x for mark in strip.marks)
    assert strip.marks[-1].x + strip.marks[-1].width <= STRIP_WIDTH
    assert strip.marks[0].height < strip.marks[-1].height  # a destroyed key is low
    assert key_strip((), NOW) is None


def test_a_city_of_three_minute_keys_fits_too() -> None:
    minutes = [
        EpochStatus(str(n), NOW + timedelta(minutes=3 * n), NOW, NOW, "destroyed", 1) for n in range(4_000)
    ]

    assert len(key_strip(minutes, NOW).marks) == STRIP_MARKS
    assert key_groups(minutes).left_out == 4_000 - LATE_DEATHS - FOLDED
