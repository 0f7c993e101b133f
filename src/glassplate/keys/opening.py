"""Which keyring a city has, by its ``settings.toml``; the unlock secret is a passphrase or the token's PIN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import UsageError
from glassplate.keys.destruction import nothing_elsewhere, owed
from glassplate.keys.file_keyring import FileKeyring
from glassplate.keys.hsm import HsmPlace
from glassplate.keys.pkcs11_keyring import Pkcs11Keyring

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.config import Settings
    from glassplate.files import Files
    from glassplate.keys.clock import Clock
    from glassplate.keys.destruction import Erase
    from glassplate.keys.folder_keyring import FolderKeyring


def create_keyring(settings: Settings, folder: Path, secret: bytes, files: Files) -> FolderKeyring:
    """A new keyring of the kind that the settings name.

    Raises:
        UsageError: the settings do not say where the token is, or there is a keyring already.
        KeyUnavailable: the token is away, refuses the PIN, or makes keys that can be taken out.
        StorageFailed: the folder cannot be written.
    """
    if settings.keyring == "pkcs11":
        return Pkcs11Keyring.create(folder, _place(settings), secret, files)
    return FileKeyring.create(folder, secret, files)


def open_keyring(
    settings: Settings, folder: Path, secret: bytes, files: Files, clock: Clock | None = None
) -> FolderKeyring:
    """Unlock it; what a crash left unfinished is destroyed first.

    Raises:
        UsageError: the settings do not say where the token is.
        KeyUnavailable: wrong secret, no keyring there, or the token is away.
        StorageFailed: the root file is damaged, or of the other kind; or a dead key cannot be removed.
    """
    if settings.keyring == "pkcs11":
        return Pkcs11Keyring.open(folder, _place(settings), secret, files, clock)
    return FileKeyring.open(folder, secret, files, clock)


def erase_by_clock(settings: Settings) -> Erase:
    """What the clock alone can do outside the folder: nothing is there, or it stays owed until somebody logs in."""
    return owed if settings.keyring == "pkcs11" else nothing_elsewhere


def _place(settings: Settings) -> HsmPlace:
    if not settings.hsm_module or not settings.hsm_token:
        raise UsageError(
            "A keyring in hardware needs hsm_module (the maker's PKCS#11 library) and hsm_token (the token's label) in "
            "settings.toml."
        )
    return HsmPlace(
        settings.hsm_module, settings.hsm_token, int(settings.hsm_slot) if settings.hsm_slot else None
    )
