"""The public pages: pure, complete, self-contained, without a plate, a person or a case."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta

from fake_vault import CHARTER, NOW
from web_testing import make_report

from glassplate.site import render_site
from glassplate.site.report_data import AlertCounts


def page(name: str = "index.html", **changes: object) -> str:
    """One rendered page."""
    return render_site(make_report(**changes))[name].decode()


def test_the_same_report_makes_the_same_bytes() -> None:
    assert render_site(make_report()) == render_site(make_report())


def test_the_files_are_few_and_named() -> None:
    files = {"index.html", "verify.html", "verify.py", "data.json", "style.css"}
    assert set(render_site(make_report())) == files


def test_the_page_names_the_hash_of_the_checker_beside_it() -> None:
    files = render_site(make_report())

    assert hashlib.sha256(files["verify.py"]).hexdigest() in files["verify.html"].decode()


def test_nothing_comes_from_elsewhere_and_nothing_runs() -> None:
    for content in render_site(make_report()).values():
        text = content.decode()
        assert "://" not in text
        assert "<script" not in text
        assert "style=" not in text


def test_every_link_is_relative_and_leads_to_a_published_file() -> None:
    files = set(render_site(make_report())) | {"log/checkpoint"}
    for name in ("index.html", "verify.html"):
        links = re.findall(r'href="([^"]+)"', page(name))
        assert {link for link in links if not link.startswith(("#", "data:"))} <= files


def test_the_report_says_the_numbers() -> None:
    text = page()

    for words in ("1,300", "522,918", "29 days", "declared-use", "Confirmed by eye", "18,442", "Destroyed"):
        assert words in text


def test_the_data_twin_holds_the_same_numbers() -> None:
    data = json.loads(render_site(make_report())["data.json"])

    assert data["v"] == 1
    assert data["searches_by_purpose"] == [
        ["finding a stolen vehicle", 1204],
        ["finding a missing or abducted person", 96],
    ]
    assert data["alerts"] == {"raised": 41, "confirmed": 18, "dismissed": 21}
    assert data["generated_at"] == NOW.isoformat().replace("+00:00", "Z")


def test_an_empty_city_is_said_in_words() -> None:
    text = page(
        searches_by_purpose=(),
        refusals_by_rule=(),
        entries_by_type=(),
        epochs=(),
        oldest_live_read_at=None,
        alerts=AlertCounts(0, 0, 0),
    )

    for words in (
        "No search has been made.",
        "Nothing has been refused.",
        "No key has been made",
        "none kept",
    ):
        assert words in text


def test_a_demo_says_so_and_a_real_city_does_not() -> None:
    assert "An invented city" in page()
    assert "An invented city" not in page(mark="production")


def test_the_way_to_verify_names_every_fingerprint() -> None:
    text = page("verify.html")

    assert all(fingerprint in text for _, fingerprint in CHARTER.signed_by)


def test_a_hostile_name_is_escaped() -> None:
    assert "<b>x</b>" not in page(agency="<b>x</b>")


def test_a_key_that_outlived_its_date_is_red_on_the_first_page() -> None:
    late = replace(make_report().epochs[0], state="closed", destroy_at=NOW - timedelta(minutes=1))
    assert 'role="alert"' not in page()
    assert f"outlived its date: {late.epoch_id}." in page(epochs=(late,))
