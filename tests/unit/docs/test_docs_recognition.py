"""docs/recognition.md: its table of networks is made from the list, and it names the recognizers there are."""

from __future__ import annotations

from docs_testing import RECOGNITION_PAGE, recognition_page

from glassplate.recognize.engines import GROUP, engines
from glassplate.recognize.model_files import models


def test_the_table_of_networks_is_fresh() -> None:
    assert RECOGNITION_PAGE.read_text() == recognition_page(), (
        "run: .venv/bin/python tests/unit/docs/docs_testing.py"
    )


def test_every_network_is_in_the_table_with_its_hash_and_license() -> None:
    page = RECOGNITION_PAGE.read_text()
    rows = {line.split("`")[1]: line for line in page.splitlines() if line.startswith("| `")}
    assert [one.name for one in models() if f"`{one.sha256[:12]}…`" not in rows.get(one.name, "")] == []
    assert [one.name for one in models() if f"| {one.license} |" not in rows[one.name]] == []


def test_every_recognizer_of_ours_and_the_entry_points_group_are_named() -> None:
    page = RECOGNITION_PAGE.read_text()
    ours = [one.name for one in engines() if one.origin == "glassplate"]
    assert len(ours) >= 2
    assert [name for name in [*ours, GROUP] if f"`{name}`" not in page] == []
