"""The keyring: one root that wraps an epoch secret per epoch, and a few named secrets that outlive them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from glassplate.records import EpochPublicKey

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from glassplate.keys.epoch_secret import EpochSecret
    from glassplate.keys.epochs import Epoch

KeyState = Literal["live", "destroyed"]


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """One epoch key, alive or dead. ``read_key``, ``image_key``: public halves, empty once destroyed."""

    epoch: Epoch
    state: KeyState
    key_id: str
    read_key: str = ""
    image_key: str = ""
    destroyed_at: datetime | None = None
    in_memory: bool = False
    """The secret was never in a file or module: a restart destroys it."""

    @property
    def is_alive(self) -> bool:
        """Whether what was sealed for this epoch can still be opened."""
        return self.state == "live"

    def public(self) -> EpochPublicKey:
        """What a lane needs to seal for this epoch.

        Raises:
            ValueError: for a destroyed key.
        """
        if not self.is_alive:
            raise ValueError(f"the key of {self.epoch.epoch_id} is destroyed")
        epoch = self.epoch
        return EpochPublicKey(
            epoch.epoch_id, epoch.starts_at, epoch.ends_at, epoch.destroy_at, self.read_key, self.image_key
        )


class Keyring(Protocol):
    """Duties of every back end; ``tests/unit/keys`` holds one conformance test for all.

    * A secret wrapped for one epoch does not open as another's, nor with another ``destroy_at``.
    * When ``create_epoch`` or ``named_secret`` returns, the key survives a power cut.
    * When ``destroy`` returns, nothing here opens that epoch again, after a restart too; other epochs are
      unharmed.
    * A dead epoch cannot be created again. Callable from several threads at once.
    """

    @property
    def in_hardware(self) -> bool:
        """Whether a copy of the key folder, with its unlock secret, opens nothing on another machine."""

    def words(self) -> str:
        """Where the keys are, for people; no secret in it."""

    def demand_reachable(self) -> None:
        """Nothing, when the keys can be used: a module is asked again once its last answer is older than 10 seconds.

        Raises:
            KeyStoreAway: the hardware module does not answer; says what to do.
        """

    def create_epoch(self, epoch: Epoch, *, in_memory: bool = False) -> KeyRecord:
        """A new random secret for ``epoch``; the existing key when there is one.

        ``in_memory``: the secret stays in locked memory. The folder keeps only that there was such a key, so that the
        next start can say that it is gone.

        Raises:
            KeyDestroyed: this epoch had a key, and it died.
            KeyUnavailable: memory cannot be locked.
        """

    def lost(self) -> Sequence[str]:
        """Epochs in memory that the last run had and this one has not: gone, and still to be destroyed and logged."""

    def bring_forward(self, epoch_id: str, destroy_at: datetime) -> KeyRecord:
        """Let the key die earlier. It can never be told to die later.

        Raises:
            Refused: ``destroy_at`` is later than what was fixed.
        """

    def secret(self, epoch_id: str) -> EpochSecret:
        """The epoch's secret.

        Raises:
            KeyDestroyed: it died, on purpose.
            KeyUnavailable: there is none, or it was changed and does not unwrap.
        """

    def destroy(self, epoch_id: str, at: datetime) -> None:
        """Destroy the key: durable tombstone first, then the key itself.

        Raises:
            KeyDestroyed: it was destroyed before.
            KeyUnavailable: this epoch never had a key.
            StorageFailed: it could not be destroyed; try again.
        """

    def records(self) -> Sequence[KeyRecord]:
        """Every epoch's key that ever lived and is remembered, oldest epoch first; holds are not among them."""

    def hold_records(self) -> Sequence[KeyRecord]:
        """The same for the keys of holds (``hold_epoch``), which live and die like epochs'."""

    def named_secret(self, label: str) -> bytes:
        """32 random bytes that belong to ``label``, made on the first call, never destroyed."""
