"""What wraps the secrets of a keyring folder: the one thing in which the back ends differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from glassplate.keys.epochs import Epoch


class Wrapping(Protocol):
    """Duties: 32 bytes for each file, bound to what the file says, for as long as its epoch may be opened.

    Called under the keyring's lock. Whatever lies outside the folder is destroyed by ``erase``.
    """

    in_hardware: bool
    """Whether a copy of the folder, with its unlock secret, still opens nothing elsewhere."""

    def words(self) -> str:
        """Where the keys are, for people."""

    def root(self) -> bytes:
        """32 bytes that wrap the named secrets."""

    def new_fields(self, epoch: Epoch) -> dict[str, Any]:
        """Make whatever wraps a new file of ``epoch``; returns the fields that the file needs to find it again.

        Raises:
            KeyUnavailable: it cannot be made now.
        """

    def epoch_root(self, fields: Mapping[str, Any]) -> bytes:
        """32 bytes that wrap the epoch secret in a file with these plain fields.

        Raises:
            KeyUnavailable: not there, not reachable, or not as it was made.
        """

    def erase(self, epoch_id: str, keep: Mapping[str, Any] | None = None) -> bool:
        """Destroy everything outside the folder that opens files of this epoch, but not that of the fields ``keep``.

        Safe to repeat. True: nothing is left. False: it cannot be told from here.

        Raises:
            KeyUnavailable: it could not be destroyed; try again.
        """

    def came_back(self, dead: Collection[str]) -> list[str]:
        """Which of these dead epochs have something outside the folder again. Call before ``erase``."""

    def demand_reachable(self) -> None:
        """Raises ``KeyStoreAway`` when what lies outside the folder does not answer."""

    def close(self) -> None:
        """Forget every secret and give the connection back."""
