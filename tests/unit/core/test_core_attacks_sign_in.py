"""Sign-in as its enemies use it: sessions without end, a colleague's passkey, floods of strangers."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.support.city import ADMINISTRATOR
from tests.support.invariants import added, bodies

from glassplate.demo.authenticator import DemoAuthenticator
from glassplate.encoding import from_base64url
from glassplate.errors import InputRefused, NotSignedIn
from glassplate.passkeys import CHALLENGE_LIFE
from glassplate.registry.sessions import ABSOLUTE_LIMIT
from glassplate.sign_in import MAX_STRANGERS, STRANGERS_PERIOD

OFFICER = "m.okafor"


def invited(city, account_id):
    administrator = city.sign_in(ADMINISTRATOR)
    until = city.now() + timedelta(days=30)
    return city.vault.accounts.add(administrator, account_id, account_id, ("officer",), until).invitation


def answer(city, authenticator, invitation):
    origin = city.vault.settings.officer_origin
    return authenticator.register(city.vault.sign_in.registration_options(invitation), origin)


def register(city, invitation, attestation):
    return city.vault.sign_in.register_passkey(invitation, attestation, city.vault.settings.officer_origin)


def test_a_stolen_session_does_not_renew_itself_by_pairing(city):
    token, began = city.sign_in(OFFICER), city.now()
    sign_in = city.vault.sign_in
    for _ in range(3):
        city.clock.advance(timedelta(minutes=5))
        code, secret = sign_in.begin_pairing()
        sign_in.confirm_pairing(city.vault.gate.who(token), code)
        token, session = sign_in.finish_pairing(secret)
        assert session.expires_at == began + ABSOLUTE_LIMIT


def test_nobody_registers_a_colleagues_credential_id(city):
    owned = city.vault.registry.passkeys_of(OFFICER)[0].credential_id
    invitation = invited(city, "mallory")
    own = DemoAuthenticator.create(city.root / "mallory.json")
    credential_id = owned if isinstance(own.credential_id, str) else from_base64url(owned)
    with pytest.raises(InputRefused):
        register(city, invitation, answer(city, replace(own, credential_id=credential_id), invitation))
    assert city.vault.registry.passkey(owned).account_id == OFFICER
    city.sign_in(OFFICER)


def test_an_invitation_is_used_once_by_two_who_come_together(city):
    invitation = invited(city, "newcomer")
    attestations = [
        answer(city, DemoAuthenticator.create(city.root / f"{n}.json"), invitation) for n in range(4)
    ]
    together, refused = threading.Barrier(len(attestations)), []

    def come(attestation):
        together.wait()
        try:
            register(city, invitation, attestation)
        except InputRefused as error:
            refused.append(error)

    threads = [threading.Thread(target=come, args=(attestation,)) for attestation in attestations]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == len(attestations) - 1
    assert city.vault.registry.account("newcomer").passkeys == 1


def test_a_flood_of_challenges_keeps_nobody_out(city):
    for _ in range(3_000):
        city.vault.sign_in.sign_in_options(None)
    city.sign_in(OFFICER)


def test_a_challenge_is_used_once_lives_five_minutes_and_fits_its_purpose(city):
    sign_in, origin = city.vault.sign_in, city.vault.settings.officer_origin
    passkey = city.passkeys[OFFICER]
    assertion = passkey.sign_in(sign_in.sign_in_options(OFFICER), origin)
    sign_in.sign_in(assertion, origin)
    with pytest.raises(NotSignedIn):
        sign_in.sign_in(assertion, origin)

    late = passkey.sign_in(sign_in.sign_in_options(OFFICER), origin)
    city.clock.advance(CHALLENGE_LIFE)
    with pytest.raises(NotSignedIn):
        sign_in.sign_in(late, origin)

    invitation = invited(city, "newcomer")
    other_purpose = sign_in.registration_options(invitation)["challenge"]
    options = {**sign_in.sign_in_options(OFFICER), "challenge": other_purpose}
    with pytest.raises(NotSignedIn):
        sign_in.sign_in(passkey.sign_in(options, origin), origin)

    forged = {**sign_in.sign_in_options(OFFICER), "challenge": "AAAA"}
    with pytest.raises(NotSignedIn):
        sign_in.sign_in(passkey.sign_in(forged, origin), origin)


def test_strangers_cannot_fill_the_disk_and_are_still_counted(city):
    def stranger():
        with pytest.raises(NotSignedIn):
            city.vault.sign_in.sign_in({"id": "nobody's"}, city.vault.settings.officer_origin)

    with added(city) as new:
        for _ in range(MAX_STRANGERS + 200):
            stranger()
    assert new == ["sign-in-refused"] * MAX_STRANGERS
    city.clock.advance(STRANGERS_PERIOD)
    stranger()
    assert bodies(city, "sign-in-refused")[-1][1]["unwritten_before"] == 200


def test_attempts_on_somebody_we_know_are_written_one_by_one(city):
    origin = city.vault.settings.officer_origin
    known = {"id": city.vault.registry.passkeys_of(OFFICER)[0].credential_id}
    with added(city) as new:
        for _ in range(MAX_STRANGERS + 5):
            with pytest.raises(NotSignedIn):
                city.vault.sign_in.sign_in(known, origin)
    assert len(new) == MAX_STRANGERS + 5
