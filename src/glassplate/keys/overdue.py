"""Keys that should be dead and are not. A short while is a tick; longer stops every search."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from glassplate.errors import PurgeLate

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.keys.epochs import Epoch
    from glassplate.keys.keyring import Keyring

LATE_AFTER = timedelta(minutes=15)
"""Every tick tries again; whoever still has a due key after this long has a disk or a module to mend."""


def overdue_epochs(keyring: Keyring, now: datetime) -> list[Epoch]:
    """Epochs, then holds, whose key is alive though its time is over. ``now``: ``TrustedTime.purge_now``."""
    records = [*keyring.records(), *keyring.hold_records()]
    return [r.epoch for r in records if r.is_alive and r.epoch.destroy_at <= now]


def demand_no_late_purge(keyring: Keyring, now: datetime) -> None:
    """Nothing, as long as keys die in time.

    Raises:
        PurgeLate: a key is overdue by more than ``LATE_AFTER``.
    """
    late = [e.epoch_id for e in overdue_epochs(keyring, now) if now - e.destroy_at > LATE_AFTER]
    if late:
        raise PurgeLate(
            f"The key of {', '.join(late)} should have died more than {LATE_AFTER.seconds // 60} minutes ago and has not. "
            "Nothing is searched until it is destroyed; glassplate doctor says what failed."
        )
