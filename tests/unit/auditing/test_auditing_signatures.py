"""An auditor checks who signed: each approval, refusal and export of a passkey's session, over exactly that act."""

from __future__ import annotations

import copy
import json
import uuid
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.approvals import approve, decide
from tests.support.city import ADMINISTRATOR
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from glassplate.demo import authenticator
from glassplate.records import ActSignature, ExportRequest
from glassplate.verify.findings import Verification
from glassplate.verify.signatures import check_signatures

if TYPE_CHECKING:
    from collections.abc import Callable

SIGNER, SECOND = "s.one", "s.two"
Fields = dict[str, Any]


@pytest.fixture(scope="module")
def signed(make_audit, tmp_path_factory):
    """Opened entries of a city in which one person approved, another refused, and one exported, all signed."""
    audit = make_audit(tmp_path_factory.mktemp("signed"))
    city = audit.city
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authenticator, "DEMO_AAGUID", str(uuid.UUID(int=7)))
        for who in (SIGNER, SECOND):
            until = city.now() + timedelta(days=30)
            roles = ("officer", "supervisor")
            made = city.vault.accounts.add(city.sign_in(ADMINISTRATOR), who, who, roles, until)
            city.enroll(who, made.invitation)
    sign_acts(city)
    audit.pull()
    yield audit.opened()
    city.close()


def sign_acts(city) -> None:
    city.ingest("9JEM274")
    token = city.sign_in(SIGNER)
    shown = city.vault.gate.search(token, city.request("9JEM274"))
    request = ExportRequest(
        case_number="26-004512",
        reason="Discovery",
        read_ids=(shown.reads[0].read.read_id,),
        search_index=shown.receipt.entry_index,
    )
    request_id = approve(city, "export", SIGNER, request, SECOND, "j.doe")
    origin = city.vault.settings.officer_origin
    answer = city.passkeys[SIGNER].sign_in(city.vault.approvals.use_options(token, request_id), origin)
    city.vault.exports.make(token, request, ActSignature(answer, origin))
    other = approve(city, "export", "m.okafor", replace(request, reason="Another"))
    stored = city.vault.registry.approval_request(other)
    decide(city, SIGNER, other, stored.request_sha256, is_approved=False)


def judge(opened, result: Verification) -> None:
    """``opened``: by index; what lies before and between is published, and not opened."""
    some = next(iter(opened.values())).entry
    entries = [
        replace(opened[i].entry if i in opened else replace(some, entry_type="search"), index=i)
        for i in range(max(opened) + 1)
    ]
    check_signatures({index: one.fields for index, one in opened.items()}, entries, result)


def found(opened) -> list[str]:
    result = Verification()
    judge(opened, result)
    return [str(finding) for finding in result.findings]


def last(opened, kind: str) -> int:
    """The newest entry of this kind that carries a signature."""
    return max(i for i, e in opened.items() if e.entry.entry_type == kind and "signature" in e.fields)


def changed(opened, index: int, change: Callable[[Fields], None]):
    """The same entries, one of them with other words, as if the vault had written it so."""
    fields = copy.deepcopy(opened[index].fields)
    change(fields)
    return {**opened, index: replace(opened[index], fields=fields)}


def test_what_the_vault_recorded_holds(signed):
    result = Verification()
    judge(signed, result)
    assert result.findings == []
    assert "3 acts are signed" in result.facts[-1]


def challenge(fields: Fields, change: Callable[[Fields], None]) -> None:
    told = json.loads(base64url_to_bytes(fields["signature"]["client_data"]))
    change(told)
    fields["signature"]["client_data"] = bytes_to_base64url(json.dumps(told).encode())


def unverified(fields: Fields) -> None:
    data = bytearray(base64url_to_bytes(fields["signature"]["authenticator_data"]))
    data[32] &= ~0x04
    fields["signature"]["authenticator_data"] = bytes_to_base64url(bytes(data))


CHANGES: dict[str, tuple[Callable[[Fields], None], str]] = {
    "it was left out": (lambda f: f.pop("signature"), "there is none"),
    "another reason": (lambda f: f.update(reason="Another"), "over another act"),
    "another person": (lambda f: f.update(account_id="r.alvarez"), "not by a passkey that this person"),
    "a passkey that nobody registered": (
        lambda f: f["signature"].update(credential_id="AAAA"),
        "not by a passkey",
    ),
    "a changed signature": (lambda f: f["signature"].update(signature="AAAA"), "InvalidSignature"),
    "a registration's answer": (
        lambda f: challenge(f, lambda told: told.update(type="webauthn.create")),
        "over another act",
    ),
    "another site": (lambda f: challenge(f, lambda told: told.update(origin="x")), "InvalidSignature"),
    "a challenge that is none": (
        lambda f: challenge(f, lambda told: told.update(challenge="AAAA")),
        "over another act",
    ),
    "nobody was verified": (unverified, "had not verified"),
    "no authenticator data": (
        lambda f: f["signature"].update(authenticator_data=""),
        "had not verified",
    ),
    "client data that is no JSON": (lambda f: f["signature"].update(client_data="AAAA"), "InputRefused"),
    "a signature that is text": (lambda f: f.update(signature="x"), "there is none"),
    "no facts of the decision": (lambda f: f.pop("cedar_request"), "KeyError"),
}


EACH = [
    (kind, what)
    for kind in ("approval-given", "approval-refused", "export")
    for what in CHANGES
    if (kind, what) != ("export", "another reason")  # an export's words stand in its request
]


@pytest.mark.parametrize(("kind", "what"), EACH)
def test_each_change_is_found(signed, kind, what):
    change, words = CHANGES[what]
    index = last(signed, kind)
    findings = found(changed(signed, index, change))
    assert len(findings) == 1
    assert f"entry {index} ({kind})" in findings[0]
    assert words in findings[0]


def test_an_approval_does_not_become_a_refusal_nor_serve_another_request(signed):
    given, refused = last(signed, "approval-given"), last(signed, "approval-refused")
    swapped = {
        **signed,
        given: replace(signed[given], entry=signed[refused].entry),
    }
    assert "over another act" in found(swapped)[0]
    for newer, older in ((given, refused), (refused, given)):
        request_id = signed[older].fields["request_id"]
        (finding,) = found(changed(signed, newer, lambda f, to=request_id: f.update(request_id=to)))
        assert "over another act" in finding or "nobody had asked for it before" in finding


def test_a_request_whose_words_were_changed_after_the_approval_is_found(signed):
    approved = signed[last(signed, "approval-given")].fields["request_id"]
    asked = next(
        i
        for i, e in signed.items()
        if e.entry.entry_type == "approval-asked" and e.fields["request_id"] == approved
    )
    findings = found(changed(signed, asked, lambda f: f["request"].update(reason="Another")))
    assert len(findings) == 2, "the approval and the export that used it"
    assert all("over another act" in finding for finding in findings)


def test_a_passkey_that_is_registered_only_later_signed_nothing(signed):
    given = last(signed, "approval-given")
    person = signed[given].fields["account_id"]
    made = next(
        i
        for i, e in signed.items()
        if e.entry.entry_type == "passkey-registered" and e.fields["account_id"] == person
    )
    later = replace(signed[made], entry=signed[0].entry)
    assert any("not by a passkey" in finding for finding in found({**signed, made: later}))


def test_an_auditor_who_cannot_open_what_came_before_judges_nothing_by_it(signed):
    """A key that a later charter named opens no older entries: that is no finding against anybody."""
    given = last(signed, "approval-given")
    result = Verification()
    judge({i: e for i, e in signed.items() if i >= given}, result)
    assert result.findings == []
    assert any("cannot be judged" in fact for fact in result.facts)
    without = changed(signed, given, lambda f: f.pop("signature"))
    assert "there is none" in found({i: e for i, e in without.items() if i >= given})[0]


def test_a_demos_passkey_signs_nothing(signed):
    given = last(signed, "approval-given")
    person = signed[given].fields["account_id"]
    made = next(
        i
        for i, e in signed.items()
        if e.entry.entry_type == "passkey-registered" and e.fields["account_id"] == person
    )
    assert found(changed(signed, made, lambda f: f["operation"].update(is_demo=True)))
