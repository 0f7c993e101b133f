"""The file keyring, for demo and trial charters only: a copy of the folder brings dead keys back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from glassplate.errors import InputRefused, StorageFailed
from glassplate.keys.folder_keyring import FolderKeyring, make_key_folder, read_root_file
from glassplate.keys.memory import SecretBytes
from glassplate.keys.root_file import new_root_file, open_root_file

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from glassplate.files import Files
    from glassplate.keys.clock import Clock
    from glassplate.keys.epochs import Epoch


class FileKeyring(FolderKeyring):
    """``Keyring`` whose secrets are wrapped by a root under a passphrase. Make it with ``create`` or ``open``."""

    @classmethod
    def create(cls, folder: Path, passphrase: bytes, files: Files, clock: Clock | None = None) -> FileKeyring:
        """A new keyring with a random root.

        Raises:
            UsageError: the folder already holds a keyring, or the passphrase is empty.
            StorageFailed: the folder cannot be written.
        """
        root, content = new_root_file(passphrase)
        make_key_folder(folder, content, files)
        return cls(folder, _RootWrapping(root), files, clock)

    @classmethod
    def open(cls, folder: Path, passphrase: bytes, files: Files, clock: Clock | None = None) -> FileKeyring:
        """Unlock a keyring; finishes interrupted destructions first.

        Raises:
            KeyUnavailable: wrong passphrase, or no keyring there.
            StorageFailed: the root file is damaged, or a dead key cannot be removed.
        """
        content = read_root_file(folder)
        try:
            root = open_root_file(content, passphrase)
        except InputRefused as error:
            raise StorageFailed(
                f"{folder / 'root.json'} is damaged: {error} Restore it from its backup."
            ) from None
        return cls(folder, _RootWrapping(root), files, clock)


class _RootWrapping:
    """``Wrapping`` by the root alone: everything lies in the folder."""

    in_hardware = False

    def __init__(self, root: bytes) -> None:
        self._root = SecretBytes(root)

    def words(self) -> str:
        return "in files under a passphrase (demo and trial charters only: a copy of the folder brings keys back)"

    def root(self) -> bytes:
        return self._root.reveal()

    def new_fields(self, epoch: Epoch) -> dict[str, Any]:
        del epoch
        return {}

    def epoch_root(self, fields: Mapping[str, Any]) -> bytes:
        del fields
        return self._root.reveal()

    def erase(self, epoch_id: str, keep: Mapping[str, Any] | None = None) -> bool:
        del epoch_id, keep
        return True

    def came_back(self, dead: Collection[str]) -> list[str]:
        del dead
        return []

    def demand_reachable(self) -> None:
        pass

    def close(self) -> None:
        self._root.wipe()
