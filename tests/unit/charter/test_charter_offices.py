"""The offices' keys: files, passwords, fingerprints."""

from __future__ import annotations

import pytest
from charter_testing import KEYS
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from glassplate.charter import OfficePrivateKey, OfficePublicKey, fingerprint
from glassplate.errors import InputRefused, KeyUnavailable, ProofFailed

CLERK = KEYS["clerk"]


def test_a_key_file_gives_the_same_key_back():
    key = OfficePrivateKey.generate()
    assert OfficePrivateKey.from_pem(key.to_pem()).public == key.public
    assert OfficePrivateKey.from_pem(key.to_pem(b"secret"), b"secret").public == key.public


def test_two_generated_keys_differ():
    assert OfficePrivateKey.generate().public != OfficePrivateKey.generate().public


UNREADABLE = {
    "a wrong password": (CLERK.to_pem(b"right"), b"wrong", KeyUnavailable),
    "no password": (CLERK.to_pem(b"right"), None, KeyUnavailable),
    "a password for an open file": (CLERK.to_pem(), b"right", KeyUnavailable),
    "not a key": (b"hello", None, InputRefused),
    "a key of another kind": (
        ec.derive_private_key(5, ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        None,
        InputRefused,
    ),
}


@pytest.mark.parametrize(("data", "password", "error"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable(data, password, error):
    with pytest.raises(error):
        OfficePrivateKey.from_pem(data, password)


def test_the_private_key_shows_nothing_of_itself():
    assert repr(CLERK) == "OfficePrivateKey()"


def test_the_public_key_travels_as_text():
    assert OfficePublicKey.from_text(CLERK.public.to_text()) == CLERK.public


@pytest.mark.parametrize("text", ["", "ed25519:", "rsa:AAAA", "ed25519:AAAA", CLERK.public.to_text() + "="])
def test_other_text_is_no_public_key(text):
    with pytest.raises(InputRefused):
        OfficePublicKey.from_text(text)


def test_the_fingerprint_is_the_base32_of_the_sha256_of_the_raw_key():
    """The value was computed with ``sha256sum`` and ``base32`` from 32 zero bytes."""
    assert fingerprint(OfficePublicKey(bytes(32))) == (
        "SHA256:MZUH-VLPY-MK6X-O3EP-YGFY-5H4O-EAEJ-OFEF-N3RD-HM4Q-FJMR-2DK7-FESQ"
    )


def test_signatures_hold_for_what_was_signed_only():
    CLERK.public.check(CLERK.sign(b"yes"), b"yes")
    with pytest.raises(ProofFailed):
        CLERK.public.check(CLERK.sign(b"yes"), b"no")
