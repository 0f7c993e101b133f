"""The public face: files, their types, how long they may be kept, and nothing outside the folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from web_testing import Browser

from glassplate.web.public.app import FOR_EVER, SECONDS, create_app

if TYPE_CHECKING:
    from pathlib import Path

SHA = "ab" * 32
FILES = {
    "index.html": ("text/html; charset=utf-8", SECONDS),
    "style.css": ("text/css; charset=utf-8", SECONDS),
    "data.json": ("application/json", SECONDS),
    "verify.py": ("text/plain; charset=utf-8", SECONDS),
    "log/checkpoint": ("text/plain; charset=utf-8", SECONDS),
    "log/vkey": ("text/plain; charset=utf-8", SECONDS),
    "log/tile/0/x001/234": ("application/octet-stream", FOR_EVER),
    "log/tile/entries/000.p/17": ("application/octet-stream", FOR_EVER),
    "charter/charter.json": ("application/json", SECONDS),
    f"policy/{SHA}": ("application/octet-stream", FOR_EVER),
}


@pytest.fixture
def public(tmp_path: Path) -> Browser:
    """A folder with one file of each kind, and a secret beside it."""
    for name in FILES:
        path = tmp_path / "public" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret").write_text("secret")
    (tmp_path / "public" / "link").symlink_to(tmp_path / "secret")
    return Browser(create_app(tmp_path / "public"))


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_its_type_and_its_life(public: Browser, name: str) -> None:
    response = public.get("/" + name)

    kind, kept = FILES[name]
    assert (response.text, response.headers["content-type"], response.headers["cache-control"]) == (
        name,
        kind,
        kept,
    )
    assert response.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_root_is_the_report(public: Browser) -> None:
    response = public.get("/")

    assert (response.text, response.headers["content-type"]) == ("index.html", "text/html; charset=utf-8")


OUTSIDE = {
    "a folder": "/log",
    "a folder's listing": "/log/tile/",
    "a way up": "/../secret",
    "an escaped way up": "/%2e%2e/secret",
    "a link out": "/link",
    "nothing": "/nothing",
    "a null byte": "/index.html%00.txt",
}


@pytest.mark.parametrize("path", OUTSIDE.values(), ids=OUTSIDE.keys())
def test_nothing_else_can_be_had(public: Browser, path: str) -> None:
    response = public.get(path)

    assert response.status_code in (307, 404)
    assert "secret" not in response.text


def test_nothing_can_be_sent(public: Browser) -> None:
    assert public.post("/index.html").status_code in (404, 405)


def test_a_folder_that_does_not_exist_yet_is_no_error_at_start(tmp_path: Path) -> None:
    assert Browser(create_app(tmp_path / "later")).get("/").status_code == 404
