"""The way in and out: passkeys, one-time links, invitations, pairing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fake_vault import INVITATION, LINK_SECRET, PAIRING_CODE, PASSKEY_ID

from glassplate.web.officer.app import COOKIE
from glassplate.web.oversight.app import COOKIE as OVERSIGHT_COOKIE

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser

JSON = {"Accept": "application/json"}


def test_a_stranger_is_sent_to_sign_in(stranger: Browser) -> None:
    for path in ("/", "/search", "/alerts", "/searches", "/policy", "/pair"):
        response = stranger.get(path)
        assert (response.status_code, response.headers["location"]) == (303, "/sign-in")


def test_a_stranger_who_asks_for_json_gets_a_problem_document(stranger: Browser) -> None:
    response = stranger.get("/search", headers=JSON)

    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["rules"] == ["signed-in"]


def test_htmx_is_told_to_leave_the_page_when_the_session_has_ended(stranger: Browser) -> None:
    response = stranger.post("/search", data={}, headers={"HX-Request": "true"})

    assert (response.status_code, response.headers["hx-redirect"]) == (401, "/sign-in")


def test_a_passkey_becomes_a_cookie_that_scripts_and_other_sites_cannot_use(
    stranger: Browser, vault: FakeVault
) -> None:
    assert stranger.post("/sign-in/options", json={}).json()["userVerification"] == "required"

    response = stranger.post("/sign-in", json={"assertion": {"id": PASSKEY_ID}}, headers=JSON)

    assert response.json() == {"next": "/"}
    cookie = response.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=token-from-passkey;")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert stranger.get("/search").status_code == 200
    assert "token-from-passkey" in vault.sessions


def test_an_unknown_passkey_sets_no_cookie(stranger: Browser) -> None:
    response = stranger.post("/sign-in", json={"assertion": {"id": "other"}}, headers=JSON)

    assert response.status_code == 401
    assert "set-cookie" not in response.headers


def test_opening_a_one_time_link_does_not_use_it_up(stranger: Browser, vault: FakeVault) -> None:
    page = stranger.get(f"/sign-in/link?secret={LINK_SECRET}")

    assert "Use the link and sign in" in page.text
    assert vault.links == {LINK_SECRET}

    response = stranger.post("/sign-in/link", data={"secret": LINK_SECRET})

    assert (response.status_code, response.headers["location"]) == (303, "/")
    assert vault.links == set()
    assert stranger.get("/search").status_code == 200


def test_a_used_link_is_told_on_a_page_and_signs_nobody_in(stranger: Browser) -> None:
    stranger.post("/sign-in/link", data={"secret": LINK_SECRET})
    stranger.cookies.clear()

    response = stranger.post("/sign-in/link", data={"secret": LINK_SECRET})

    assert response.status_code == 401
    assert "unknown, used or too old" in response.text
    assert "set-cookie" not in response.headers


def test_signing_out_ends_the_session_at_the_vault_and_drops_the_cookie(
    officer: Browser, vault: FakeVault
) -> None:
    response = officer.post("/sign-out")

    assert response.headers["location"] == "/sign-in"
    assert vault.sessions == {}
    assert "Max-Age=0" in response.headers["set-cookie"]


def test_an_invitation_registers_a_passkey_once_for_its_account(stranger: Browser) -> None:
    assert INVITATION in stranger.get(f"/passkeys/new?invitation={INVITATION}").text
    assert (
        stranger.post("/passkeys/options", json={"invitation": INVITATION}).json()["rp"]["id"] == "localhost"
    )

    made = stranger.post("/passkeys", json={"invitation": INVITATION, "attestation": {"id": "x"}})
    refused = stranger.post("/passkeys/options", json={"invitation": "guess"}, headers=JSON)

    assert made.json() == {"display_name": "Sgt. R. Alvarez", "next": "/sign-in"}
    assert refused.status_code == 400
    assert "Ask an administrator" in refused.json()["detail"]


def test_pairing_confirms_the_code_in_capitals(officer: Browser, vault: FakeVault) -> None:
    assert "never enter a code that somebody sent you" in officer.get("/pair").text

    response = officer.post("/pair", data={"code": f" {PAIRING_CODE.lower()} "})

    assert "Paired." in response.text
    assert vault.paired == [PAIRING_CODE]


def test_a_wrong_pairing_code_pairs_nothing(officer: Browser, vault: FakeVault) -> None:
    response = officer.post("/pair", data={"code": "XXXXXX"})

    assert response.status_code == 422
    assert vault.paired == []


def test_the_two_faces_keep_their_sessions_apart_on_one_host() -> None:
    assert COOKIE != OVERSIGHT_COOKIE
    assert COOKIE.startswith("__Host-")
    assert OVERSIGHT_COOKIE.startswith("__Host-")


def test_a_hostile_secret_is_shown_escaped(stranger: Browser) -> None:
    page = stranger.get("/sign-in/link", params={"secret": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page
