"""The error rates that a court reads are those that docs/recognition.md measures."""

from __future__ import annotations

import re

from docs_testing import RECOGNITION_PAGE

from glassplate.evidence.facts import MEASURED


def test_the_figures_for_the_court_are_the_measured_ones() -> None:
    page = RECOGNITION_PAGE.read_text()
    row = next(line for line in page.splitlines() if "exact, or by format" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    ours, whole_frame = cells[-2], cells[-1]
    figure, low, high = re.findall(r"\d+(?:\.\d+)?", ours)
    assert f"{figure} % (95 % interval {low} to {high} %)" in MEASURED["glassplate"]
    assert f"{whole_frame} %" in MEASURED["whole-frame"]
    crops = re.search(r"Exact (\d+\.\d) \((\d+)–(\d+)\)", page)
    assert crops is not None
    assert f"{crops[1]} % were exact ({crops[2]} to {crops[3]} %)" in MEASURED["glassplate"]
    states = re.search(r"(\d+) of\s(\d+) rightly", page)
    assert states is not None
    assert f"right in {states[1]} of {states[2]}" in MEASURED["glassplate"]
