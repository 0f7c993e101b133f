"""The page and the command: what a lay reader sees, and what must not be shown."""

from __future__ import annotations

import json
import re

import pytest
from tests.support.audit_exports import csv_13, scenario

from glassplate.cli.main import execute


@pytest.fixture(scope="module")
def export(tmp_path_factory):
    path = tmp_path_factory.mktemp("review") / "march <b>.csv"
    path.write_text(csv_13(scenario(seed=3, honest_rows=3_000).rows))
    return path


def test_the_page_shortens_plates_and_needs_no_network(export, tmp_path):
    page = tmp_path / "review.html"
    assert execute(["audit", "review", str(export), "--html", str(page)]) == 0
    html = page.read_text()
    assert "look at these" in html
    assert "00EX003" not in html
    assert "00•••••" in html
    assert "<script" not in html
    assert not re.search(r"(src|href)=\"(?!#)", html)
    assert "march &lt;b&gt;.csv" in html
    assert html.count("<svg") == 3


def test_people_are_numbered_when_asked(export, tmp_path, capsys):
    page, found = tmp_path / "review.html", tmp_path / "found.csv"
    assert (
        execute(["audit", "review", str(export), "--hide-people", "--html", str(page), "--csv", str(found)])
        == 0
    )
    for text in (page.read_text(), found.read_text(), capsys.readouterr().out):
        assert "Officer" not in text
        assert "Account 1" in text


def test_json_names_file_and_line(export, capsys):
    assert execute(["audit", "review", str(export), "--show-plates", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    repeated = next(check for check in result["checks"] if check["kind"] == "repeated plate")
    assert any(finding["plate"].startswith("00EX") for finding in repeated["findings"])
    assert all(
        place["file"] == 1 and place["line"] > 1
        for finding in repeated["findings"]
        for place in finding["places"]
    )


def test_a_formula_stays_text(tmp_path):
    path, found = tmp_path / "in.csv", tmp_path / "found.csv"
    path.write_text('Name,Reason,Search Time\n"=HYPERLINK(""x"")",x,"03/08/2026, 01:00:05 PM UTC"\n')
    assert execute(["audit", "review", str(path), "--csv", str(found)]) == 0
    assert "\"'=HYPERLINK" in found.read_text()


def test_a_result_never_overwrites_an_export(export):
    before = export.read_bytes()
    assert execute(["audit", "review", str(export), "--html", str(export)]) == 2
    assert export.read_bytes() == before


def test_a_file_that_is_not_there(tmp_path, capsys):
    assert execute(["audit", "review", str(tmp_path / "none.csv")]) == 1
    assert "is not there" in capsys.readouterr().err
