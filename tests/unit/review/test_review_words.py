"""Words that say nothing, words that point, and their honest neighbors."""

from __future__ import annotations

import pytest

from glassplate.review.words import forbidden_uses, is_vague, names_case


@pytest.mark.parametrize(
    "reason",
    [
        "",
        "i",
        "x",
        "xxx",
        "INV",
        "Investigation",
        "criminal investigation",
        "follow up",
        "police work",
        "N/A",
        ".",
        "suspicious veh",
        "asdf",
        "12",
    ],
)
def test_vague(reason):
    assert is_vague(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "burglary",
        "26-00123",
        "stolen vehicle",
        "hit and run",
        "investigation 26-00123",
        "welfare check",
        "homicide investigation",
        "DUI",
    ],
)
def test_not_vague(reason):
    assert not is_vague(reason)


@pytest.mark.parametrize(
    ("reason", "use"),
    [
        ("ICE", "immigration enforcement"), ("assist ice", "immigration enforcement"), ("Immigration violation", "immigration enforcement"),
        ("HSI request", "immigration enforcement"), ("had an abortion, search for female", "reproductive health care"),
        ("No Kings rally", "protected speech"), ("mosque parking lot", "religion"), ("my ex wife", "a private reason"),
        ("repo", "commerce"), ("transgender care clinic", "gender-affirming care"),
    ],
)  # fmt: skip
def test_pointers(reason, use):
    assert use in forbidden_uses(reason)


@pytest.mark.parametrize(
    "reason",
    [
        "stolen ice cream truck",
        "ice storm crash",
        "service of warrant",
        "police officer",
        "hero",
        "experience",
        "personal injury crash",
        "aborted pursuit",
    ],
)
def test_honest_neighbors(reason):
    assert forbidden_uses(reason) == ()


def test_a_case_number_in_the_reason_counts():
    assert names_case("burglary 26-00123")
    assert not names_case("burglary on 5th")
