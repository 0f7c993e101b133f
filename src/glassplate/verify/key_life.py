"""Keys as the record tells them: created, closed, destroyed in time, and counted every day. Silence is a finding."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.seal.bundle import keys_sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.records import EpochPublicKey
    from glassplate.verify.findings import Verification
    from glassplate.verify.tree import PublicEntry

YEARS = range(2000, 2200)  # dates outside are nonsense, and would overflow when added to
HOUR = timedelta(hours=1)  # public times are cut to it
CLOCK_STEP = timedelta(minutes=1)  # clocks of one machine may differ by less
LATE_AFTER = timedelta(hours=1)  # a purge that a restart delayed is told; an hour is no restart


@dataclass(slots=True)
class _Key:
    epoch: str
    key_id: str
    starts: datetime
    destroy_at: datetime
    public_keys: str
    in_memory: bool = False
    """Its secret was in memory only: a restart ends it, and the record says so."""
    destroyed: bool = False
    shortened_at: datetime | None = None
    """When a new charter moved the death to an earlier, perhaps past, moment."""

    @property
    def due(self) -> datetime:
        """When the key had to be dead: nobody can be late for a moment that was past when it was fixed."""
        return max(self.destroy_at, self.shortened_at or self.destroy_at)


class KeyLife:
    """Follows every epoch key through the entries, in log order."""

    def __init__(self, retention_at: Callable[[int], timedelta | None], result: Verification) -> None:
        """``retention_at``: the retention of the charter in force at an entry index."""
        self._retention_at = retention_at
        self._result = result
        self._keys: dict[str, _Key] = {}
        self._days: set[date] = set()
        self._first_day: date | None = None

    def follow(self, entries: Sequence[PublicEntry], now: datetime) -> None:
        """Check every entry, then what is true at ``now``."""
        steps: dict[str, Callable[[PublicEntry], None]] = {
            "epoch-created": self._created,
            "epoch-shortened": self._shortened,
            "epoch-closed": self._closed,
            "epoch-supplement": self._closed,
            "epoch-destroyed": self._destroyed,
            "key-inventory": self._inventory,
        }
        for entry in entries:
            step = steps.get(entry.entry_type)
            if step is None:
                continue
            try:
                step(entry)
            except (KeyError, ValueError) as error:
                self._result.find(entry.where, f"its public fields are not those of format 1 ({error})")
        self._at_the_end(now)

    def problems_of(self, listed: EpochPublicKey) -> list[str]:
        """What the record says against a key that is handed out to lanes."""
        key = self._keys.get(listed.epoch_id)
        if key is None:
            return [f"it lists a key for {listed.epoch_id} that the record did not create"]
        problems = []
        if key.destroy_at != listed.destroy_at:
            problems.append(f"it lists {listed.epoch_id} with another death than the record does")
        if key.public_keys != keys_sha256(listed):
            problems.append(f"it lists other public keys for {listed.epoch_id} than the record created")
        if key.destroyed:
            problems.append(f"it lists the key of {listed.epoch_id}, which the record shows as destroyed")
        return problems

    def _created(self, entry: PublicEntry) -> None:
        public = entry.public
        key = _Key(
            public["epoch"],
            public["key_id"],
            time_of(public["starts"]),
            time_of(public["destroy_at"]),
            public["public_keys"],
            in_memory=public.get("kept") == "memory",
        )
        self._first_day = self._first_day or entry.at.date()
        if key.epoch in self._keys:
            self._result.find(entry.where, f"the key of {key.epoch} is created a second time")
        retention = self._retention_at(entry.index)
        if retention is not None and key.destroy_at > key.starts + retention:
            self._result.find(
                entry.where,
                f"the key of {key.epoch} would outlive the charter's limit ({key.destroy_at:%Y-%m-%d %H:%M})",
            )
        self._keys[key.epoch] = key

    def _shortened(self, entry: PublicEntry) -> None:
        key = self._known(entry)
        if key is None:
            return
        destroy_at = time_of(entry.public["destroy_at"])
        if destroy_at > key.destroy_at:
            self._result.find(
                entry.where, f"the death of {key.epoch}'s key is moved to later; it may only come earlier"
            )
        key.destroy_at = destroy_at
        key.shortened_at = entry.at

    def _closed(self, entry: PublicEntry) -> None:
        key = self._known(entry)
        if key and key.destroyed:
            self._result.find(entry.where, f"the epoch {key.epoch} is closed after its key was destroyed")

    def _destroyed(self, entry: PublicEntry) -> None:
        key = self._known(entry)
        if key is None:
            return
        done = time_of(entry.public["done"])
        if key.destroyed:
            self._result.find(entry.where, f"the key of {key.epoch} is destroyed a second time")
        if done > entry.at + HOUR:
            self._result.find(
                entry.where, f"it says that the key of {key.epoch} died after the entry was written"
            )
        if entry.public["key_id"] != key.key_id:
            self._result.find(entry.where, f"it names another key than the one created for {key.epoch}")
        is_lost = key.in_memory and entry.public.get("cause") == "restart"
        if done < key.destroy_at - CLOCK_STEP and not is_lost:
            self._result.find(
                entry.where,
                f"the key of {key.epoch} died {key.destroy_at - done} before its day: its reads are lost",
            )
        if done > key.due + LATE_AFTER:
            self._result.find(
                entry.where,
                f"the key of {key.epoch} was due on {key.destroy_at:%Y-%m-%d %H:%M} and destroyed {done - key.destroy_at} late",
            )
        key.destroyed = True

    def _inventory(self, entry: PublicEntry) -> None:
        day = date.fromisoformat(entry.public["date"])
        said = set(filter(None, entry.public["live"].split(",")))
        true = {key.epoch for key in self._keys.values() if not key.destroyed}
        for epoch in sorted(said - true):
            self._result.find(
                entry.where, f"it counts {epoch} as live, which the record does not know as live"
            )
        for epoch in sorted(true - said):
            self._result.find(entry.where, f"it leaves out {epoch}, whose destruction is not in the record")
        if day != entry.at.date():
            self._result.find(
                entry.where, f"it counts the keys of {day} but was written on {entry.at:%Y-%m-%d}"
            )
            return
        self._days.add(day)

    def _known(self, entry: PublicEntry) -> _Key | None:
        key = self._keys.get(entry.public["epoch"])
        if key is None:
            self._result.find(
                entry.where, f"the key of {entry.public['epoch']} was never created in the record"
            )
        return key

    def _at_the_end(self, now: datetime) -> None:
        for key in self._keys.values():
            if not key.destroyed and now > key.due + LATE_AFTER:
                self._result.find(
                    f"epoch {key.epoch}",
                    f"its key was due to die on {key.destroy_at:%Y-%m-%d %H:%M} UTC and the record does not show that it did",
                )
        self._check_days(now)
        live = sum(not key.destroyed for key in self._keys.values())
        dead = [key for key in self._keys.values() if key.destroyed]
        self._result.tell(
            f"{len(self._keys)} epoch keys were created; {len(dead)} are destroyed, each in time; {live} are alive."
        )
        if dead:
            newest = max(dead, key=lambda key: key.starts)
            self._result.tell(
                f"The key of {newest.epoch} (id {newest.key_id}) is destroyed, as is every older one."
            )

    def _check_days(self, now: datetime) -> None:
        if not self._days:
            self._result.find("key inventory", "the record has none; one a day is required")
            return
        day, last = (
            min({*self._days, self._first_day or min(self._days)}),
            now.astimezone(UTC).date() - timedelta(days=1),
        )
        missing = []
        while day <= last:
            if day not in self._days:
                missing.append(day)
            day += timedelta(days=1)
        if missing:
            self._result.find(
                "key inventory",
                f"{len(missing)} days are missing, the first {missing[0]}: a silent day is a day without proof",
            )


def time_of(text: str) -> datetime:
    """A public time.

    Raises:
        ValueError: no time with a zone, or one far away.
    """
    at = datetime.fromisoformat(text)
    if at.tzinfo is None or at.year not in YEARS:
        raise ValueError(f"{text!r} is no time with a zone in this century or the next")
    return at.astimezone(UTC)
