"""What every answer carries, and which requests never reach a page."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import pytest
from web_testing import GOOD_SEARCH, ORIGIN, Browser

from glassplate.web.headers import BODY_LIMIT
from glassplate.web.officer.app import create_app

if TYPE_CHECKING:
    from fake_vault import FakeVault

PLACES = {
    "a page": "/search",
    "a redirect": "/",
    "a page that does not exist": "/nothing",
    "a static file": "/static/glassplate.css",
    "a sign of life": "/healthz",
}


@pytest.mark.parametrize("path", PLACES.values(), ids=PLACES.keys())
def test_every_answer_has_the_policy_and_the_headers(officer: Browser, path: str) -> None:
    headers = officer.get(path).headers

    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "camera=()" in headers["permissions-policy"]


def test_nothing_personal_is_kept_by_a_cache(officer: Browser) -> None:
    assert officer.get("/search").headers["cache-control"] == "no-store"
    assert officer.post("/search", data=GOOD_SEARCH).headers["cache-control"] == "no-store"
    assert officer.get("/static/glassplate.css").headers["cache-control"] == "no-cache"


FORGERIES = {
    "a form on another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://elsewhere.example"},
    "a form on a sister host": {"Sec-Fetch-Site": "same-site", "Origin": "https://wiki.officer.example"},
    "another origin that claims to be ours": {"Origin": "https://elsewhere.example"},
    "our origin in plain http": {"Origin": "http://officer.example"},
    "an origin that is hidden": {"Origin": "null"},
    "no origin": {"Origin": ""},
    "no word of where it comes from": {"Sec-Fetch-Site": ""},
    "an address typed by hand": {"Sec-Fetch-Site": "none"},
}


@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_search_never_reaches_the_vault(
    officer: Browser, vault: FakeVault, headers: dict[str, str]
) -> None:
    response = officer.post("/search", data=GOOD_SEARCH, headers=headers)

    assert response.status_code == 403
    assert "did not come from our own page" in response.text
    assert vault.asked == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_unsafe_method_is_checked(officer: Browser, method: str) -> None:
    response = officer.request(method, "/sign-out", headers={"Sec-Fetch-Site": "cross-site"})

    assert response.status_code == 403


def test_a_large_body_is_refused_before_it_is_read(officer: Browser, vault: FakeVault) -> None:
    response = officer.post("/search", data={**GOOD_SEARCH, "case_number": "9" * BODY_LIMIT})

    assert response.status_code == 413
    assert vault.asked == []


def test_a_field_longer_than_any_of_ours_is_refused(officer: Browser, vault: FakeVault) -> None:
    response = officer.post("/search", data={**GOOD_SEARCH, "case_number": "9" * 2_001})

    assert response.status_code == 422
    assert vault.asked == []


def test_a_crash_tells_nothing_and_still_carries_the_policy() -> None:
    def broken(_token: str | None) -> NoReturn:
        raise ZeroDivisionError("7KDR214")

    face = create_app(broken, origin=ORIGIN)
    response = Browser(face, raises=False).get("/sign-in")

    assert response.status_code == 500
    assert "7KDR214" not in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]
