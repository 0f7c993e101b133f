"""The keyring whose wrapping keys lie in a hardware security module and never leave it.

Each epoch has a wrapping key of its own in the module. A key file is wrapped under what that key makes of the hash of
*all* the file's plain fields: an edited ``destroy_at`` or another epoch gives other bytes, inside the module already.
Once the key object is destroyed, no copy of the folder opens that epoch, on whatever disk it lies.

    label of an epoch's key   glassplate <keyring> <epoch id> <destroy_at>
    label of the root's key   glassplate <keyring> root

The label's ``destroy_at`` lets a key die by the clock although its file was taken away.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_time, time_text
from glassplate.errors import InputRefused, KeyStoreAway, KeyUnavailable, StorageFailed
from glassplate.keys.epoch_secret import SECRET_BYTES
from glassplate.keys.epochs import check_epoch_id
from glassplate.keys.folder_keyring import (
    ROOT_FILE,
    FolderKeyring,
    demand_no_keyring,
    make_key_folder,
    read_root_file,
)
from glassplate.keys.hsm import KEY_ID_BYTES, Hsm, HsmKey, HsmPlace
from glassplate.keys.key_files import WrappedSecret, parse_wrapped, wrap
from glassplate.keys.memory import SecretBytes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys.clock import Clock
    from glassplate.keys.epochs import Epoch

ROOT_KDF = "pkcs11"
HSM_KEY = "hsm_key"  # the field that names the wrapping key by its CKA_ID
KEYRING_ID_BYTES = 8


class Pkcs11Keyring(FolderKeyring):
    """``Keyring`` on a PKCS#11 token. Make it with ``create`` or ``open``."""

    def __init__(
        self, folder: Path, wrapping: _HsmWrapping, files: Files, clock: Clock | None = None
    ) -> None:
        self._hsm_wrapping = wrapping
        super().__init__(folder, wrapping, files, clock)

    @classmethod
    def create(
        cls, folder: Path, place: HsmPlace, pin: bytes, files: Files, clock: Clock | None = None
    ) -> Pkcs11Keyring:
        """A new keyring with a root key in the token.

        Raises:
            UsageError: the folder already holds a keyring.
            KeyUnavailable: the token is away, refuses the PIN, or makes keys that can be taken out.
            StorageFailed: the folder cannot be written.
        """
        demand_no_keyring(folder)
        hsm, keyring_id = Hsm(place, pin), secrets.token_hex(KEYRING_ID_BYTES)
        key = hsm.make_key(f"glassplate {keyring_id} root")
        root = secrets.token_bytes(SECRET_BYTES)
        fields = {"v": 1, "kind": "root", "kdf": ROOT_KDF, "keyring": keyring_id, HSM_KEY: key}
        make_key_folder(folder, wrap(root, _transformed(hsm, fields), fields), files)
        return cls(folder, _HsmWrapping(hsm, fields, root), files, clock)

    @classmethod
    def open(
        cls, folder: Path, place: HsmPlace, pin: bytes, files: Files, clock: Clock | None = None
    ) -> Pkcs11Keyring:
        """Log in; finishes interrupted destructions first, and destroys again what came back.

        Raises:
            KeyUnavailable: no keyring there; the token is away, another one, or refuses the PIN.
            StorageFailed: the root file is damaged, or a dead key cannot be removed.
        """
        parsed = _parse_root_file(folder)
        hsm = Hsm(place, pin)
        try:
            root = parsed.unwrap(_transformed(hsm, parsed.fields))
            return cls(folder, _HsmWrapping(hsm, parsed.fields, root), files, clock)
        except BaseException:
            hsm.close()
            raise

    def destroy_due(self, now: datetime) -> list[str]:
        """Also what the token holds past its time though the folder says nothing of it."""
        with self._lock:
            try:
                return super().destroy_due(now)
            finally:
                self._hsm_wrapping.erase_due(now)


class _HsmWrapping:
    """``Wrapping`` by keys of a token. A token that does not show its root key is away, not empty."""

    in_hardware = True

    def __init__(self, hsm: Hsm, root_fields: Mapping[str, Any], root: bytes) -> None:
        self._hsm = hsm
        self._root_fields = dict(root_fields)
        self._root = SecretBytes(root)
        self._prefix = f"glassplate {root_fields['keyring']} "

    def words(self) -> str:
        software = "; SoftHSM is software: its folder can be copied" if self._hsm.is_software else ""
        return f"in a PKCS#11 module, {self._hsm.words}{software}"

    def root(self) -> bytes:
        return self._root.reveal()

    def new_fields(self, epoch: Epoch) -> dict[str, Any]:
        label = f"{self._prefix}{epoch.epoch_id} {time_text(epoch.destroy_at)}"
        return {HSM_KEY: self._hsm.make_key(label)}

    def epoch_root(self, fields: Mapping[str, Any]) -> bytes:
        return _transformed(self._hsm, fields)

    def erase(self, epoch_id: str, keep: Mapping[str, Any] | None = None) -> bool:
        kept = keep[HSM_KEY] if keep is not None else None
        for key in self._epoch_keys():
            if key.epoch_id == epoch_id and key.key_id != kept:
                self._hsm.destroy(key.key_id)
        return True

    def erase_due(self, now: datetime) -> None:
        """Destroy every epoch's key whose label says that its time is over."""
        for key in self._epoch_keys():
            if key.destroy_at <= now:
                self._hsm.destroy(key.key_id)

    def came_back(self, dead: Collection[str]) -> list[str]:
        return sorted({key.epoch_id for key in self._epoch_keys()} & set(dead))

    def demand_reachable(self) -> None:
        if not self._hsm.has(self._root_fields[HSM_KEY]):
            raise KeyStoreAway(
                "The hardware module answers, but does not show this keyring's root key. Check that it is the right "
                "token and that its store is there; it is tried again."
            )

    def close(self) -> None:
        self._root.wipe()
        self._hsm.close()

    def _epoch_keys(self) -> list[_EpochKey]:
        """Every epoch's key of this keyring; the root key must be there too, or the token is not to be believed."""
        self.demand_reachable()
        keys = self._hsm.keys(self._prefix)
        return [found for key in keys if (found := _epoch_key(key)) is not None]


@dataclass(frozen=True, slots=True)
class _EpochKey:
    """What the label of an epoch's key says."""

    key_id: str
    epoch_id: str
    destroy_at: datetime


def _epoch_key(key: HsmKey) -> _EpochKey | None:
    """None for a label that this keyring did not write: the root's, or somebody's with the same PIN."""
    try:
        _, _, epoch_id, destroy_at = key.label.split(" ")
        return _EpochKey(key.key_id, check_epoch_id(epoch_id), parse_time(destroy_at))
    except (ValueError, InputRefused):
        return None


def _parse_root_file(folder: Path) -> WrappedSecret:
    path = folder / ROOT_FILE
    try:
        parsed = parse_wrapped(read_root_file(folder))
    except InputRefused as error:
        raise StorageFailed(f"{path} is damaged: {error} Restore it from its backup.") from None
    if parsed.fields.get("kdf") != ROOT_KDF or not isinstance(parsed.fields.get("keyring"), str):
        raise StorageFailed(
            f"{path} is not the root of a keyring in hardware. Set keyring in settings.toml to what it was, or restore "
            "the file from its backup."
        )
    return parsed


def _transformed(hsm: Hsm, fields: Mapping[str, Any]) -> bytes:
    """What the key that ``fields`` name makes of the hash of all of them."""
    key_id = fields.get(HSM_KEY)
    if (
        not isinstance(key_id, str)
        or len(key_id) != 2 * KEY_ID_BYTES
        or not set(key_id) <= set("0123456789abcdef")
    ):
        raise KeyUnavailable("The key file names no key of the hardware module.")
    return hsm.transform(key_id, hashlib.sha256(canonical_json(dict(fields))).digest())
