"""Signing in: what a passkey proves, what is used once, what a demo alone may do, what never reaches the record."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.invariants import added, bodies, check_city, types
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.errors import InputRefused, NotSignedIn, Refused, UsageError
from glassplate.passkeys import CHALLENGE_LIFE
from glassplate.registry.sessions import hash_token
from glassplate.sign_in import LINK_LIFE, PAIRING_LIFE

OFFICER = "m.okafor"


def answer(city, account_id=OFFICER, *, origin=None, options_for=None):
    """A fresh assertion by this person's passkey."""
    options = city.vault.sign_in.sign_in_options(options_for or account_id)
    return city.passkeys[account_id].sign_in(options, origin or city.vault.settings.officer_origin)


def with_client_data(assertion, raw):
    changed = json.loads(json.dumps(assertion))
    changed["response"]["clientDataJSON"] = bytes_to_base64url(raw)
    return changed


def client_data(assertion):
    return json.loads(base64url_to_bytes(assertion["response"]["clientDataJSON"]))


def another_challenge(city, assertion):
    other = city.vault.sign_in.sign_in_options(OFFICER)["challenge"]
    return with_client_data(assertion, json.dumps({**client_data(assertion), "challenge": other}).encode())


def with_field(assertion, name, value):
    return {**assertion, "response": {**assertion["response"], name: value}}


def clone_that_counts_less(city):
    city.sign_in(OFFICER)
    city.passkeys[OFFICER].sign_count = 0
    return answer(city)


def with_flags(city, flags):
    """Signed by the right key, but the authenticator says that nobody was verified."""
    passkey = city.passkeys[OFFICER]
    original = passkey._authenticator_data

    class Unverified(DemoAuthenticator):
        def _authenticator_data(self, rp_id, extra):
            data = bytearray(original(rp_id, extra))
            data[32] = flags
            return bytes(data)

    fake = Unverified(passkey.credential_id, passkey.private_key, passkey.sign_count, passkey.path)
    options = city.vault.sign_in.sign_in_options(OFFICER)
    return fake.sign_in(options, city.vault.settings.officer_origin)


# a sentence: what is sent
FORGED = {
    "nothing": lambda _city: {},
    "an unknown passkey": lambda city: {**answer(city), "id": "AAAA", "rawId": "AAAA"},
    "a passkey's id that is no text": lambda city: {**answer(city), "id": {"x": 1}},
    "a challenge that was never given": lambda city: with_client_data(
        answer(city), json.dumps({**client_data(answer(city)), "challenge": "AAAA"}).encode()
    ),
    "another challenge than was signed": lambda city: another_challenge(city, answer(city)),
    "signed for a look-alike site": lambda city: answer(city, origin="http://glassp1ate.example"),
    "a changed signature": lambda city: with_field(answer(city), "signature", "AAAA"),
    "no signature": lambda city: with_field(answer(city), "signature", None),
    "a response that is text": lambda city: {**answer(city), "response": "x"},
    "client data that is no JSON": lambda city: with_client_data(answer(city), b"\xff{"),
    "client data that is a list": lambda city: with_client_data(answer(city), b"[]"),
    "client data nested without end": lambda city: with_client_data(answer(city), b"[" * 40_000),
    "a colleague's signature under this name": lambda city: {
        **answer(city, "r.alvarez"),
        "id": bytes_to_base64url(city.passkeys[OFFICER].credential_id),
        "rawId": bytes_to_base64url(city.passkeys[OFFICER].credential_id),
    },
    "a clone whose counter went back": clone_that_counts_less,
    "nobody was verified": lambda city: with_flags(city, 0x01),
    "nobody was present": lambda city: with_flags(city, 0x04),
    "a challenge that is too old": lambda city: after(city, CHALLENGE_LIFE, answer(city)),
    "a registration's challenge": lambda city: city.passkeys[OFFICER].sign_in(
        {**registration(city), "rpId": "localhost"}, city.vault.settings.officer_origin
    ),
}


def after(city, time, value):
    city.clock.advance(time)
    return value


def registration(city):
    return city.vault.sign_in.registration_options(invite(city, "new.one"))


def invite(city, account_id, roles=("officer",)):
    administrator = city.sign_in("administrator")
    return city.vault.accounts.add(
        administrator, account_id, account_id, roles, city.now() + timedelta(days=30)
    ).invitation


def test_forged(city):
    for number, (name, forge) in enumerate(FORGED.items()):
        city.passkeys[OFFICER].sign_count = 100 * (number + 1)  # one of them counts back
        assertion = forge(city)
        with added(city) as new, pytest.raises(NotSignedIn) as refusal:
            city.vault.sign_in.sign_in(assertion, city.vault.settings.officer_origin)
        assert refusal.value.rules == ("signed-in",), name
        assert new == ["sign-in-refused"], name
    city.passkeys[OFFICER].sign_count = 10_000
    assert city.sign_in(OFFICER)
    check_city(city)


def test_the_lawful_answer_works_once(city):
    assertion = answer(city)
    origin = city.vault.settings.officer_origin
    token, session = city.vault.sign_in.sign_in(assertion, origin)
    assert session.account.account_id == OFFICER
    assert city.vault.gate.who(token) == session
    with added(city) as new, pytest.raises(NotSignedIn):
        city.vault.sign_in.sign_in(assertion, origin)
    assert new == ["sign-in-refused"]
    check_city(city)


def test_an_origin_that_the_settings_do_not_name(city):
    for origin in ("https://localhost:8101", "http://127.0.0.1:8101", "", "http://localhost:8103"):
        assertion = answer(city, origin=origin)
        with pytest.raises(NotSignedIn):
            city.vault.sign_in.sign_in(assertion, origin)


def test_the_oversight_face_is_an_origin_too(city):
    origin = city.vault.settings.oversight_origin
    assert city.vault.sign_in.sign_in(answer(city, origin=origin), origin)


def enroll(city, invitation, options_of=None):
    authenticator = DemoAuthenticator.create(city.root / "people" / f"{invitation[:6]}.passkey.json")
    origin = city.vault.settings.officer_origin
    options = city.vault.sign_in.registration_options(options_of or invitation)
    return city.vault.sign_in.register_passkey(invitation, authenticator.register(options, origin), origin)


def test_invitations(city):
    first, second = invite(city, "new.one"), invite(city, "new.two")
    with pytest.raises(InputRefused):  # somebody else's challenge
        enroll(city, first, options_of=second)
    assert enroll(city, first).account_id == "new.one"
    with pytest.raises(InputRefused):  # used
        enroll(city, first)
    with pytest.raises(InputRefused):
        enroll(city, "unknown")
    city.pass_days(7)
    with pytest.raises(InputRefused):  # too old
        enroll(city, second)
    assert city.vault.registry.account("new.one").passkeys == 1
    check_city(city)


def test_one_invitation_makes_one_passkey_however_many_come_at_once(city):
    invitation, made = invite(city, "new.one"), []
    origin = city.vault.settings.officer_origin
    answers = []
    for n in range(6):
        authenticator = DemoAuthenticator.create(city.root / "people" / f"{n}.passkey.json")
        answers.append(authenticator.register(city.vault.sign_in.registration_options(invitation), origin))
    start = threading.Barrier(len(answers))

    def register(attestation):
        start.wait()
        try:
            city.vault.sign_in.register_passkey(invitation, attestation, origin)
            made.append(attestation["id"])
        except InputRefused:
            pass

    threads = [threading.Thread(target=register, args=(attestation,)) for attestation in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert city.vault.registry.account("new.one").passkeys == 1


MALFORMED_ATTESTATIONS = {
    "nothing": {},
    "nested without end": {"response": {"clientDataJSON": bytes_to_base64url(b"[" * 40_000)}},
    "no attestation object": {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}},
}


def test_malformed_registrations(city):
    invitation, origin = invite(city, "new.one"), city.vault.settings.officer_origin
    for name, attestation in MALFORMED_ATTESTATIONS.items():
        with added(city) as new, pytest.raises(InputRefused):
            city.vault.sign_in.register_passkey(invitation, attestation, origin)
        assert new == [], name


def test_a_one_time_link_works_once(city):
    secret = city.vault.accounts.issue_link(city.sign_in("administrator"), OFFICER)
    token, session = city.vault.sign_in.redeem_link(secret)
    assert session.sign_in_method == "one-time link"
    assert city.vault.gate.search(token, city.request()).reads == ()
    for used in (secret, "unknown", ""):
        with added(city) as new, pytest.raises(NotSignedIn):
            city.vault.sign_in.redeem_link(used)
        assert new == ["sign-in-refused"]
    late = city.vault.accounts.issue_link(city.sign_in("administrator"), OFFICER)
    city.clock.advance(LINK_LIFE)
    with pytest.raises(NotSignedIn):
        city.vault.sign_in.redeem_link(late)
    with pytest.raises(UsageError):
        city.vault.accounts.issue_link(city.sign_in("administrator"), "nobody")
    for account in ("r.alvarez", "j.doe", "clerk"):
        with pytest.raises(Refused):
            city.vault.accounts.issue_link(city.sign_in(account), OFFICER)
    check_city(city)


def test_a_later_charter_that_is_no_demo_ends_the_demos_ways_in(city):
    link = city.vault.accounts.issue_link(city.sign_in("administrator"), OFFICER)
    officer, administrator = city.sign_in(OFFICER), city.sign_in("administrator")
    invitation = invite(city, "new.one")
    city.vault.install_charter(city.signed(replace(city.charter(), mark="trial")))
    with pytest.raises(Refused) as refusal:  # a session that began before
        city.vault.gate.search(officer, city.request())
    assert refusal.value.rules == ("strong-sign-in",)
    with pytest.raises(Refused):
        city.vault.accounts.add(administrator, "x.y", "X", ("officer",), city.now())
    with pytest.raises(NotSignedIn, match="demo"):
        city.sign_in(OFFICER)
    with pytest.raises(NotSignedIn):
        city.vault.sign_in.redeem_link(link)
    with pytest.raises(Refused, match="demo"):
        enroll(city, invitation)
    with pytest.raises(Refused):
        city.vault.advance_demo_clock(city.now() + timedelta(days=1))
    city.vault.publish()


def test_pairing_the_command_line(city):
    sign_in = city.vault.sign_in
    officer = city.vault.gate.who(city.sign_in(OFFICER))
    code, secret = sign_in.begin_pairing()
    assert sign_in.finish_pairing(secret) is None
    with pytest.raises(InputRefused):
        sign_in.confirm_pairing(officer, "BCDF-GHJK")
    sign_in.confirm_pairing(officer, f" {code.lower()} ")
    token, session = sign_in.finish_pairing(secret)
    assert (session.account.account_id, session.sign_in_method) == (OFFICER, "demo authenticator")
    assert city.vault.gate.who(token).account.account_id == OFFICER
    with pytest.raises(NotSignedIn):  # used
        sign_in.finish_pairing(secret)
    with pytest.raises(InputRefused):
        sign_in.confirm_pairing(officer, code)
    code, secret = sign_in.begin_pairing()
    city.clock.advance(PAIRING_LIFE)
    with pytest.raises(InputRefused):
        sign_in.confirm_pairing(officer, code)
    with pytest.raises(NotSignedIn):
        sign_in.finish_pairing(secret)
    check_city(city)


def test_a_pairing_does_not_outlive_the_account(city):
    code, secret = city.vault.sign_in.begin_pairing()
    city.vault.sign_in.confirm_pairing(city.vault.gate.who(city.sign_in(OFFICER)), code)
    city.vault.accounts.close(city.sign_in("administrator"), OFFICER, "left the department")
    with pytest.raises(NotSignedIn):
        city.vault.sign_in.finish_pairing(secret)


def test_signing_out_ends_this_session_and_no_other(city):
    token, other = city.sign_in(OFFICER), city.sign_in(OFFICER)
    with added(city) as new:
        city.vault.sign_in.sign_out(city.vault.gate.who(token), token)
    assert new == ["sign-out"]
    with pytest.raises(NotSignedIn):
        city.vault.gate.who(token)
    assert city.vault.gate.who(other)
    city.reopen()
    with pytest.raises(NotSignedIn):
        city.vault.gate.who(token)
    assert city.vault.gate.who(other), "sessions outlive a restart"
    check_city(city)


def test_secrets_reach_neither_record_nor_registry_nor_repr(city):
    invitation = invite(city, "new.one")
    link = city.vault.accounts.issue_link(city.sign_in("administrator"), OFFICER)
    token, session = city.vault.sign_in.redeem_link(link)
    code, pairing = city.vault.sign_in.begin_pairing()
    city.vault.sign_in.confirm_pairing(session, code)
    paired, _ = city.vault.sign_in.finish_pairing(pairing)
    secrets = (invitation, link, token, pairing, paired)
    said = [str(city.vault.recorder.open_body(index).fields) for index in range(city.vault.log.size)]
    kept = [
        str(city.vault.registry._all(f"select * from {name}")) for name in ("session", "account", "counter")
    ]
    shown = [repr(session), repr(city.vault.registry.session(hash_token(token))), repr(city.vault.sign_in)]
    for secret in secrets:
        assert not [text for text in (*said, *kept, *shown) if secret in text]
    assert hash_token(token) in kept[0]
    assert hash_token(token) not in shown[1]
    city.vault.publish()
    for path in city.root.rglob("*"):
        if path.is_file() and "people" not in path.parts:
            data = path.read_bytes()
            assert not [secret for secret in secrets if secret.encode() in data], path


# a sentence: (account id, roles, what is wrong)
BAD_ACCOUNTS = {
    "capitals": ("M.Okafor", ("officer",)),
    "a comma, which separates ids elsewhere": ("a,b", ("officer",)),
    "a line break": ("ab\n", ("officer",)),
    "another alphabet": ("ёж", ("officer",)),
    "nothing": ("", ("officer",)),
    "no role": ("ab", ()),
    "a role that does not exist": ("ab", ("officer", "sheriff")),
}


def test_accounts_that_are_not_made(city):
    administrator = city.sign_in("administrator")
    for name, (account_id, roles) in BAD_ACCOUNTS.items():
        with added(city) as new, pytest.raises(UsageError):
            city.vault.accounts.add(administrator, account_id, "X", roles, city.now())
        assert new == [], name
    for account in ("r.alvarez", "j.doe", "clerk"):
        with added(city) as new, pytest.raises(Refused):
            city.vault.accounts.add(city.sign_in(account), "ab.cd", "X", ("officer",), city.now())
        assert new == ["sign-in", "refusal"]
        with pytest.raises(Refused):
            city.vault.accounts.all(city.sign_in(account))
    assert [a.account_id for a in city.vault.accounts.all(administrator)] == sorted(city.passkeys)
    assert "account-changed" in types(city)
    assert bodies(city, "account-changed")[-1][1]["by"] == "administrator"
