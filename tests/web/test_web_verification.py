"""The page that ``glassplate verify --html`` writes, in a real browser: green and red, narrow and wide."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from browser_testing import check_page

from glassplate.verify.findings import Verification
from glassplate.verify.page import render_page

pytestmark = pytest.mark.browser
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
MARKS = {office: "SHA256:" + "-".join(["ABCD"] * 13) for office in ("clerk", "chief", "auditor")}


def result(*findings):
    made = Verification()
    made.tell("262 entries, all of them under its signed root.")
    for where, what in findings:
        made.find(where, what)
    return made


RED = (
    ("log/tile/entries/x001/234.p/17", "it differs from what the signed root commits to"),
    ("<script>document.title='owned'</script>", "<img src=x onerror=alert(1)> " + "x" * 300),
)


@pytest.mark.parametrize("findings", [(), RED], ids=["green", "red"])
def test_the_page_reads_well_at_every_width(findings, visit, tmp_path):
    html = render_page(
        result(*findings),
        "https://city.example/record",
        MARKS,
        made_at=NOW,
        as_of=NOW,
        decided_again=False,
        compared=bool(findings),
    )
    path = tmp_path / "result.html"
    path.write_text(html)
    page = visit()
    page.goto(path.as_uri())

    assert page.title().startswith("Something does not hold" if findings else "Everything holds")
    check_page(page)
    if shots := os.environ.get("SCREENSHOTS"):
        for width in (360, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{shots}/verify-{len(findings)}-{width}.png", full_page=True)
