"""Epoch secrets that were unwrapped once: a hardware module takes milliseconds for each, and a search needs every epoch's.

They lie in locked memory and nowhere else. What the key file says still decides: a secret is bound to the bytes of the
file that it was unwrapped from, so an edited, exchanged or overwritten file is unwrapped anew, and fails as ever.
"""

from __future__ import annotations

from typing import NamedTuple

from glassplate.keys.memory import SecretBytes


class _Kept(NamedTuple):
    key_file: bytes
    secret: SecretBytes


class KeptSecrets:
    """The secrets of a keyring in memory. Called under the keyring's lock."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def get(self, epoch_id: str, key_file: bytes) -> bytes | None:
        """The secret that these bytes of a key file gave; None when it is not kept."""
        kept = self._kept.get(epoch_id)
        return kept.secret.reveal() if kept is not None and kept.key_file == key_file else None

    def keep(self, epoch_id: str, key_file: bytes, secret: bytes) -> None:
        """Keep it, but only where memory can be locked: else it could be swapped to a disk and outlive its epoch."""
        self.forget(epoch_id)
        locked = SecretBytes(secret)
        if locked.is_locked:
            self._kept[epoch_id] = _Kept(key_file, locked)

    def forget(self, epoch_id: str) -> None:
        """Overwrite the secret of one epoch, if there is one."""
        if (kept := self._kept.pop(epoch_id, None)) is not None:
            kept.secret.wipe()

    def forget_all(self) -> None:
        """Overwrite every secret."""
        for epoch_id in list(self._kept):
            self.forget(epoch_id)

    def __repr__(self) -> str:
        return f"KeptSecrets({len(self._kept)} hidden)"
