"""The oversight face: the record, refusals, keys, charter."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fake_vault import FakeVault
    from web_testing import Browser


def test_the_record_is_paged_newest_first(auditor: Browser, vault: FakeVault) -> None:
    for _ in range(115):
        vault.add_entry("search")

    newest = auditor.get("/entries", headers={"Accept": "application/json"}).json()
    middle = auditor.get(f"/entries?before={newest['older']}&format=json").json()
    oldest = auditor.get(f"/entries?before={middle['older']}&format=json").json()

    seen = [entry["index"] for page in (newest, middle, oldest) for entry in page["entries"]]
    assert seen == list(range(119, -1, -1))
    assert (newest["newer"], oldest["older"]) == (None, None)
    assert middle["newer"] == 120


def test_the_newest_entries_wait_for_their_proof(auditor: Browser) -> None:
    page = auditor.get("/entries").text

    assert page.count("not yet published") == 1
    assert page.count("Download") == 4


def test_an_entry_links_to_its_proof(auditor: Browser) -> None:
    assert "/entries/3/proof" in auditor.get("/entries/3").text
    proof = auditor.get("/entries/3/proof")

    assert proof.text.startswith("c2sp.org/tlog-proof")
    assert 'filename="entry-3.tlog-proof"' in proof.headers["content-disposition"]


def test_an_entry_that_does_not_exist_is_not_found(auditor: Browser) -> None:
    for index in (5, -1, 10**12):
        assert auditor.get(f"/entries/{index}").status_code == 404


def test_refusals_are_counted_by_rule(auditor: Browser, vault: FakeVault) -> None:
    vault.add_entry("refusal", {"rules": "case-number, training"})
    vault.add_entry("refusal", {"rules": "case-number"})
    vault.add_entry("sign-in-refused")

    page = auditor.get("/refusals?format=json").json()

    assert page["by_rule"] == [
        ["case-number", 2],
        ["declared-use", 1],
        ["sign-in-refused", 1],
        ["training", 1],
    ]
    assert [entry["index"] for entry in page["refusals"]] == [7, 6, 5, 3]
    assert page["looked_at"] == 8


def test_keys_show_their_deaths_and_what_is_overdue(auditor: Browser) -> None:
    page = auditor.get("/keys").text

    assert '<span class="state destroyed">Destroyed</span>' in page
    assert "past the death date" not in page
    assert page.index("2026-11-25") < page.index("2026-10-25")


def test_a_key_made_ahead_has_no_reads_yet(auditor: Browser) -> None:
    page = auditor.get("/keys").text

    row = page[page.index("2026-11-26</td>") :].split("</tr>")[0]
    assert '<span class="state ahead">Made ahead</span>' in row
    assert "none yet" in row


def test_a_key_inventory_is_one_line_that_opens(auditor: Browser, vault: FakeVault) -> None:
    days = [f"2026-11-{day:02d}" for day in range(1, 29)]
    vault.add_entry("key-inventory", {"count": "28", "live": ",".join(days)})

    page = auditor.get("/entries").text

    assert "<summary>Live: 28, from 2026-11-01 to 2026-11-28</summary>" in page
    assert ", ".join(days) in page


def test_the_charter_names_its_signatures(auditor: Browser, vault: FakeVault) -> None:
    page = auditor.get("/charter").text

    assert all(fingerprint in page for _, fingerprint in vault.charter.signed_by)


def test_an_officers_cookie_opens_nothing_here(auditor: Browser) -> None:
    token = auditor.cookies["__Host-glassplate-oversight"]
    auditor.cookies.clear()
    auditor.cookies.set("__Host-glassplate", token)

    assert auditor.get("/entries").headers["location"] == "/sign-in"
