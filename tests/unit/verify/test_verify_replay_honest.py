"""No false alarm: a busy lawful month of approvals, holds, exports, roles and images is decided again without a finding."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.approvals import AUDITOR, SUPERVISOR, approve, decide
from tests.support.city import ADMINISTRATOR, make_city
from tests.support.invariants import types
from tests.support.published import raise_alert
from tests.support.time_confirmation import confirm

from glassplate.demo import authenticator
from glassplate.errors import ApprovalNeeded, Refused
from glassplate.records import ActSignature, ExportRequest, HoldRequest
from glassplate.verify import verify_city

ACTS = {
    *(
        "sign-in",
        "search",
        "search-outcome",
        "refusal",
        "image-opened",
        "alert",
        "alert-shown",
        "disposition",
    ),
    *(
        "hold",
        "hold-outcome",
        "hold-opened",
        "export",
        "export-outcome",
        "hotlist-imported",
        "history-opened",
    ),
    *("account-changed", "roles-changed", "account-closed", "passkey-registered", "charter-installed"),
    *(
        "approval-asked",
        "approval-shown",
        "approval-given",
        "time-confirmed",
        "vault-started",
        "vault-stopped",
    ),
    *("epoch-created", "epoch-closed", "epoch-destroyed", "key-inventory"),
}
"""What no city may do without an entry. Cameras change by charter; outages and drift have tests of their own."""
PLATE, CASE, OFFICER = "7KDR214", "26-004512", "m.okafor"


@pytest.fixture
def city(tmp_path, monkeypatch):
    monkeypatch.setattr(authenticator, "DEMO_AAGUID", str(uuid.UUID(int=7)))  # real passkeys, which sign
    made = make_city(tmp_path / "city", retention_minutes=3 * 1440)
    features = tuple(replace(feature, approved=True) for feature in made.charter().features)
    made.vault.install_charter(made.signed(made.charter(features=features)))
    yield made
    made.close()


def second_person(city, who):
    """Decide what was asked last."""
    asked = city.vault.registry.approval_requests()[0]
    city.vault.approvals.show(city.sign_in(who), asked.request_id)
    decide(city, who, asked.request_id, asked.request_sha256)


def with_approval(city, act, who):
    with pytest.raises(ApprovalNeeded):
        act()
    second_person(city, who)
    return act()


def live(city):
    """What people do, lawful and refused."""
    city.ingest(PLATE, "8ABC123")
    token = city.sign_in(OFFICER)
    result = city.vault.gate.search(token, city.request(PLATE))
    index, read_id = result.receipt.entry_index, result.reads[0].read.read_id
    city.vault.gate.open_image(token, read_id, index, "crop")
    with suppress(Refused):
        city.vault.gate.open_image(token, "0" * 32, index, "crop")
    with suppress(Refused):
        city.vault.gate.search(token, city.request(PLATE, case_number=""))
    city.vault.gate.search(token, city.request("7KD*"))
    hold = HoldRequest(
        case_number=CASE,
        authority="District attorney, letter of 2 March 2026",
        reason="evidence of the theft",
        until=city.now() + timedelta(days=30),
        read_ids=(read_id,),
        search_index=index,
    )
    approve(city, "hold", OFFICER, hold, SUPERVISOR)
    held = city.vault.holds.place(city.sign_in(OFFICER), hold).hold
    city.vault.holds.open(city.sign_in(OFFICER), held.hold_id, CASE)
    export = ExportRequest(case_number=CASE, reason="discovery", read_ids=(read_id,), search_index=index)
    request_id = approve(city, "export", OFFICER, export, SUPERVISOR, AUDITOR)
    token, origin = city.sign_in(OFFICER), city.vault.settings.officer_origin
    options = city.vault.approvals.use_options(token, request_id)
    answer = city.passkeys[OFFICER].sign_in(options, origin)
    city.vault.exports.make(token, export, ActSignature(answer, origin))


def change_people(city):
    """Under a trial charter, where one administrator alone makes nobody."""
    city.vault.install_charter(city.signed(city.charter(mark="trial")))
    accounts, trained = city.vault.accounts, city.now() + timedelta(days=200)

    def add():
        return accounts.add(city.sign_in(ADMINISTRATOR), "n.new", "N. New", ("officer",), trained)

    def promote():
        return accounts.change_roles(city.sign_in(ADMINISTRATOR), "n.new", ("officer", "supervisor"))

    with_approval(city, add, SUPERVISOR)
    with_approval(city, promote, SUPERVISOR)
    accounts.change_roles(city.sign_in(ADMINISTRATOR), "n.new", ("officer",))
    accounts.close(city.sign_in(ADMINISTRATOR), "n.new", "left")


def test_an_honest_month_is_decided_again_without_a_finding(city, tmp_path):
    city.ingest(PLATE)
    city.pass_days(4)
    city.reopen()
    live(city)
    raise_alert(city, city.sign_in(OFFICER))
    city.vault.gate.my_searches(city.sign_in(OFFICER))
    change_people(city)
    city.clock.step_wall(timedelta(minutes=40))
    city.vault.duties()
    confirm(city)
    city.ingest("9JEM274")
    city.vault.gate.search(city.sign_in(OFFICER), city.request("9JEM274"))
    city.vault.publish()
    pulled = tmp_path / "pulled"
    pulled.mkdir()
    for body in city.vault.oversight.bodies(city.sign_in(AUDITOR), 0, 500):
        if body.key_id == city.auditor_keys[0].key_id:
            (pulled / f"{body.index}.{body.key_id}.body").write_bytes(body.body)
    city.vault.publish()

    result = verify_city(
        city.folder.public,
        city.fingerprints,
        city.now(),
        audit_folder=pulled,
        auditor_key=city.auditor_keys[0],
    )

    assert [str(finding) for finding in result.findings] == []
    assert ACTS - set(types(city)) == set()
    assert any("decisions were decided again" in fact for fact in result.facts)
    assert any(fact.startswith("7 acts are signed by their person's own passkey") for fact in result.facts)
