"""A session is not enough for an approval or an export: the person's own passkey signs exactly the act, now."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.approvals import approve
from tests.support.city import ADMINISTRATOR, START
from tests.support.invariants import check_city
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, decode_credential_public_key
from webauthn.helpers.decoded_public_key_to_cryptography import decoded_public_key_to_cryptography
from webauthn.helpers.verify_signature import verify_signature

from glassplate.demo import authenticator
from glassplate.errors import Refused, SignatureNeeded, UsageError
from glassplate.evidence.bound import request_sha256
from glassplate.passkeys import CHALLENGE_LIFE
from glassplate.records import ActSignature, ExportRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.city import TestCity

PLATE = "9JEM274"
SUPERVISOR, SECOND, OFFICER = "s.one", "s.two", "m.okafor"
REASON = "Read the report"


@pytest.fixture
def own(city, monkeypatch):
    """A city with two supervisors who have passkeys of their own, not the demo's."""
    city.ingest(PLATE)
    monkeypatch.setattr(authenticator, "DEMO_AAGUID", str(uuid.UUID(int=7)))
    administrator = city.sign_in(ADMINISTRATOR)
    for account_id in (SUPERVISOR, SECOND):
        invitation = city.vault.accounts.add(
            administrator, account_id, account_id, ("officer", "supervisor"), START + timedelta(days=300)
        ).invitation
        city.enroll(account_id, invitation)
    monkeypatch.undo()
    return city


def waiting(city, case_number: str = "26-004512") -> str:
    """Ask for an export; the request's id."""
    request = ExportRequest(case_number=case_number, reason="Discovery", read_ids=("0" * 32,), search_index=1)
    return approve(city, "export", OFFICER, request)


def options(city, token, request_id, *, approve=True, reason=REASON):
    asked = city.vault.registry.approval_request(request_id).request_sha256
    return city.vault.approvals.decision_options(token, request_id, asked, approve=approve, reason=reason)


def signed(city, who, asked, *, origin=None) -> ActSignature:
    """This person's passkey answers."""
    origin = origin or city.vault.settings.officer_origin
    return ActSignature(city.passkeys[who].sign_in(asked, origin), origin)


def decide(city, token, request_id, signature, *, approve=True, reason=REASON):
    asked = city.vault.registry.approval_request(request_id).request_sha256
    return city.vault.approvals.decide(
        token, request_id, asked, approve=approve, reason=reason, signature=signature
    )


def state(city, request_id) -> str:
    return city.vault.approvals.show(city.sign_in(SECOND), request_id).state


def test_a_signed_approval_keeps_its_signature_for_whoever_checks_later(own):
    request_id, token = waiting(own), own.sign_in(SUPERVISOR)
    count = own.passkeys[SUPERVISOR].sign_count
    receipt = decide(own, token, request_id, signed(own, SUPERVISOR, options(own, token, request_id)))
    fields = own.vault.recorder.open_body(receipt.entry_index).fields
    assert fields["sign_in_method"] == "passkey"
    kept = fields["signature"]
    (passkey,) = own.vault.registry.passkeys_of(SUPERVISOR)
    assert (kept["credential_id"], passkey.sign_count) == (passkey.credential_id, count + 1)

    asked = own.vault.registry.approval_request(request_id).request_sha256
    act = request_sha256(
        "decide",
        SUPERVISOR,
        {"request_id": request_id, "request_sha256": asked, "approve": True, "reason": REASON},
    )
    client_data = base64url_to_bytes(kept["client_data"])
    challenge = base64url_to_bytes(json.loads(client_data)["challenge"])
    assert challenge[32:64].hex() == act, "docs/formats/entries.md says where it stands"
    verify_signature(
        public_key=decoded_public_key_to_cryptography(
            decode_credential_public_key(base64url_to_bytes(passkey.public_key))
        ),
        signature_alg=-7,
        signature=base64url_to_bytes(kept["signature"]),
        data=base64url_to_bytes(kept["authenticator_data"]) + sha256(client_data).digest(),
    )
    check_city(own)


def another_decision(city: TestCity, token: str, request_id: str) -> ActSignature:
    return signed(city, SUPERVISOR, options(city, token, request_id, approve=False))


def used(city: TestCity, token: str, request_id: str) -> ActSignature:
    signature = signed(city, SUPERVISOR, options(city, token, request_id))
    with pytest.raises(UsageError):  # without a reason nothing is decided
        decide(city, token, request_id, signature, reason=" ")
    decide(city, token, request_id, signature)
    return signature


def a_colleagues(city: TestCity, token: str, request_id: str) -> ActSignature:
    return signed(city, SECOND, options(city, city.sign_in(SECOND), request_id))


def a_colleagues_over_my_challenge(city: TestCity, token: str, request_id: str) -> ActSignature:
    return signed(city, SECOND, options(city, token, request_id))


def relabeled(city: TestCity, token: str, request_id: str) -> ActSignature:
    taken = a_colleagues_over_my_challenge(city, token, request_id)
    own = bytes_to_base64url(city.passkeys[SUPERVISOR].credential_id)
    return replace(taken, assertion={**taken.assertion, "id": own, "rawId": own})


def too_old(city: TestCity, token: str, request_id: str) -> ActSignature:
    signature = signed(city, SUPERVISOR, options(city, token, request_id))
    city.clock.advance(CHALLENGE_LIFE)
    return signature


def with_response(city: TestCity, token: str, request_id: str, response: object) -> ActSignature:
    signature = signed(city, SUPERVISOR, options(city, token, request_id))
    return replace(signature, assertion={**signature.assertion, "response": response})


FORGED: dict[str, Callable[[TestCity, str, str], ActSignature | None]] = {
    "no signature": lambda *_: None,
    "nothing in it": lambda city, *_: ActSignature({}, city.vault.settings.officer_origin),
    "an id that is no text": lambda city, *_: ActSignature({"id": ["x"]}, city.vault.settings.officer_origin),
    "the other decision": another_decision,
    "another reason": lambda city, token, request_id: signed(
        city, SUPERVISOR, options(city, token, request_id, reason="Another one")
    ),
    "another request": lambda city, token, request_id: signed(
        city, SUPERVISOR, options(city, token, waiting(city, case_number="26-000001"))
    ),
    "a sign-in's challenge": lambda city, token, request_id: signed(
        city, SUPERVISOR, city.vault.sign_in.sign_in_options(SUPERVISOR)
    ),
    "a colleague's, over the colleague's challenge": a_colleagues,
    "a colleague's, over mine": a_colleagues_over_my_challenge,
    "a colleague's under my name": relabeled,
    "the demo's authenticator": lambda city, token, request_id: signed(
        city, "r.alvarez", options(city, token, request_id)
    ),
    "a look-alike site": lambda city, token, request_id: signed(
        city, SUPERVISOR, options(city, token, request_id), origin="http://glassp1ate.example"
    ),
    "five minutes old": too_old,
    "a response that is text": lambda *args: with_response(*args, response="x"),
    "a response without end": lambda *args: with_response(
        *args,
        response={"clientDataJSON": "A" * 5000, "authenticatorData": "A", "signature": "A"},
    ),
    "parts that are lists": lambda *args: with_response(
        *args, response={"clientDataJSON": [], "authenticatorData": [], "signature": []}
    ),
}


@pytest.mark.parametrize("what", FORGED)
def test_what_is_not_this_persons_fresh_signature_over_this_decision_decides_nothing(own, what):
    request_id, token = waiting(own), own.sign_in(SUPERVISOR)
    forged = FORGED[what](own, token, request_id)
    with pytest.raises(SignatureNeeded) as refused:
        decide(own, token, request_id, forged)
    assert refused.value.rules == ("fresh-passkey",)
    assert state(own, request_id) == "waiting"
    recorder = own.vault.recorder
    bodies = [recorder.open_body(index) for index in range(own.vault.log.size)]
    assert [b.fields["rules"] for b in bodies if b.public["type"] == "refusal"] == [["fresh-passkey"]]
    check_city(own)


def test_a_signature_is_used_once(own):
    request_id, token = waiting(own), own.sign_in(SUPERVISOR)
    signature = used(own, token, request_id)
    with pytest.raises(Refused) as refused:
        decide(own, token, request_id, signature)
    assert refused.value.rules == ("approval-once",)
    other = waiting(own, case_number="26-000001")
    with pytest.raises(SignatureNeeded):
        decide(own, token, other, signature)


def test_a_clone_of_the_passkey_that_counts_less_is_refused(own):
    request_id, token = waiting(own), own.sign_in(SUPERVISOR)
    own.passkeys[SUPERVISOR].sign_count = 0
    with pytest.raises(SignatureNeeded):
        decide(own, token, request_id, signed(own, SUPERVISOR, options(own, token, request_id)))


def test_a_refusal_is_signed_too_and_a_demo_session_signs_nothing(own):
    request_id, token = waiting(own), own.sign_in(SUPERVISOR)
    with pytest.raises(SignatureNeeded):
        decide(own, token, request_id, None, approve=False)
    demo = own.sign_in("r.alvarez")
    assert options(own, demo, request_id) is None
    decide(own, demo, request_id, None)
    signature = signed(own, SUPERVISOR, options(own, token, request_id, approve=False))
    decide(own, token, request_id, signature, approve=False)
    assert state(own, request_id) == "refused"


def test_a_paired_command_line_is_no_way_around(own):
    request_id = waiting(own)
    code, secret = own.vault.sign_in.begin_pairing()
    own.vault.sign_in.confirm_pairing(own.vault.gate.who(own.sign_in(SUPERVISOR)), code)
    token, session = own.vault.sign_in.finish_pairing(secret)
    assert session.sign_in_method == "passkey"
    with pytest.raises(SignatureNeeded):
        decide(own, token, request_id, None)


def test_an_approved_export_leaves_only_with_its_askers_signature(own):
    token = own.sign_in(SUPERVISOR)
    found = own.vault.gate.search(token, own.request(PLATE))
    request = ExportRequest(
        case_number="26-004512",
        reason="Discovery",
        read_ids=tuple(one.read.read_id for one in found.reads),
        search_index=found.receipt.entry_index,
    )
    request_id = approve(own, "export", SUPERVISOR, request, "r.alvarez", "j.doe")
    with pytest.raises(SignatureNeeded):
        own.vault.exports.make(token, request)
    with pytest.raises(UsageError):
        own.vault.approvals.use_options(own.sign_in(SECOND), request_id)
    asked = own.vault.approvals.use_options(token, request_id)
    with pytest.raises(SignatureNeeded):
        own.vault.exports.make(token, request, signed(own, SECOND, asked))

    asked = own.vault.approvals.use_options(token, request_id)
    package = own.vault.exports.make(token, request, signed(own, SUPERVISOR, asked))
    assert package.reads == 1
    kept = own.vault.recorder.open_body(package.receipt.entry_index).fields["signature"]
    challenge = base64url_to_bytes(json.loads(base64url_to_bytes(kept["client_data"]))["challenge"])
    assert challenge[32:64].hex() == own.vault.registry.approval_request(request_id).request_sha256
    check_city(own)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
OUTER = ("rawId", "type", "response", "clientExtensionResults", "authenticatorAttachment")
INNER = ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from((*OUTER, *INNER)), value=JSON)
def test_whatever_a_strangers_answer_holds_it_is_refused_and_nothing_breaks(own, name, value):
    waits = own.vault.registry.approval_requests()
    request_id = waits[0].request_id if waits else waiting(own)
    token = own.sign_in(SUPERVISOR)
    made = signed(own, SECOND, options(own, token, request_id))  # by the wrong key, whatever else it says
    mine = bytes_to_base64url(own.passkeys[SUPERVISOR].credential_id)
    assertion = {**made.assertion, "id": mine, "rawId": mine}
    changed = {name: value} if name in OUTER else {"response": {**assertion["response"], name: value}}
    with pytest.raises(SignatureNeeded):
        decide(own, token, request_id, replace(made, assertion={**assertion, **changed}))
