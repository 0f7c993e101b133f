"""SoftHSM tokens for the tests: one PKCS#11 module a process, a token of its own for each test."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from pathlib import Path

import pkcs11
import pytest

from glassplate.keys import HsmPlace

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
PIN = b"271828"


def module():
    """The path of SoftHSM; without it the test is skipped, or fails where REQUIRE_HSM is set."""
    found = next((path for path in MODULES if Path(path).exists()), None)
    if found is None or shutil.which("softhsm2-util") is None:
        message = "SoftHSM is not installed (Debian: softhsm2)."
        pytest.fail(message) if os.environ.get("REQUIRE_HSM") else pytest.skip(message)
    return found


def store(tmp_path_factory):
    """SoftHSM's folder of tokens, the same for the whole process: the module reads its place once."""
    known = os.environ.get("SOFTHSM2_CONF", "")
    if "glassplate-softhsm" not in known:
        folder = tmp_path_factory.mktemp("glassplate-softhsm")
        (folder / "tokens").mkdir()
        (folder / "softhsm2.conf").write_text(
            f"directories.tokendir = {folder / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
        )
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    return Path(os.environ["SOFTHSM2_CONF"]).parent / "tokens"


class SoftToken:
    """A new token, and what happens to a module that is away or restored from a copy."""

    def __init__(self, tokens):
        self._tokens, self._so = tokens, module()
        self.label = f"city-{secrets.token_hex(4)}"
        pin, command = PIN.decode(), ["softhsm2-util", "--init-token", "--free", "--label", self.label]
        subprocess.run([*command, "--pin", pin, "--so-pin", pin], check=True, capture_output=True)
        self.restart()
        self.place = HsmPlace(self._so, self.label)

    def restart(self):
        """As when the module is powered off and on: sessions die, the store is read again."""
        library = pkcs11.lib(self._so)
        library.reinitialize()

    def copy(self, to):
        """What an administrator who copies the module's store has."""
        shutil.copytree(self._tokens, to)

    def restore(self, copy):
        """Put such a copy back."""
        self.go_away()
        shutil.copytree(copy, self._tokens, dirs_exist_ok=True)
        self.restart()

    def go_away(self):
        """No token answers any more."""
        shutil.rmtree(self._tokens)
        self._tokens.mkdir()
        self.restart()

    def objects(self):
        """The key objects of the token, as whoever has its PIN sees them."""
        token = pkcs11.lib(self._so).get_token(token_label=self.label)
        try:
            session = token.open(rw=True, user_pin=PIN.decode())
        except pkcs11.UserAlreadyLoggedIn:
            session = token.open(rw=True)
        return list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}))

    def labels(self):
        """What the labels say after the keyring's id."""
        return sorted(" ".join(found.label.split()[2:]) for found in self.objects())
