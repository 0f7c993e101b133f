"""Is the vault as it should be? What the record remembers, held against what the disk has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.build_identity import approved_builds, build_sha256
from glassplate.errors import CharterRejected, ClockRefused, PurgeLate
from glassplate.keys import demand_no_late_purge
from glassplate.oversight import epoch_states
from glassplate.records import VaultStatus

if TYPE_CHECKING:
    from datetime import timedelta

    from glassplate.cameras import CameraWatch
    from glassplate.keys import FolderKeyring, TrustedTime
    from glassplate.log import TransparencyLog
    from glassplate.mandate import Mandate
    from glassplate.purge import Purge
    from glassplate.registry import Registry
    from glassplate.store import Store


def _words_of(span: timedelta) -> str:
    """Days, hours and minutes, for people."""
    minutes = int(span.total_seconds() // 60)
    days, hours = minutes // 1440, minutes // 60 % 24
    return f"{days} days {hours} hours" if days else f"{hours} hours {minutes % 60} minutes"


@dataclass(frozen=True, slots=True)
class Health:
    """Collects problems, by what they are about, and tells them to anybody: no plate, person or case in them."""

    log: TransparencyLog
    registry: Registry
    keyring: FolderKeyring
    store: Store
    mandate: Mandate
    purge: Purge
    time: TrustedTime
    cameras: CameraWatch
    problems: dict[str, str] = field(default_factory=dict)

    def check_keys(self, died_at_start: list[str]) -> None:
        """Alarm for each key that is missing, died too early, or came back (and destroy that one again).

        ``died_at_start``: epochs that were destroyed before anything opened.
        """
        records = {record.epoch.epoch_id: record for record in self.keyring.records()}
        for epoch_id, logged in self.registry.epochs().items():
            record = records.get(epoch_id)
            if f"tombstones/{epoch_id}.json" in self.keyring.damaged:
                self.problems[f"tombstone {epoch_id}"] = (
                    f"The tombstone of {epoch_id} is damaged; the record still says when its key died. Find out who "
                    "changed vault/keys."
                )
            if logged.destroyed_index is None:
                if record is None:
                    self.problems[f"key {epoch_id}"] = (
                        f"The key of {epoch_id} is missing or damaged, though the record says it lives: its reads "
                        "cannot be served. Find out who changed vault/keys."
                    )
                elif not record.is_alive and record.epoch.destroy_at > self.time.purge_now():
                    self.problems[f"key {epoch_id}"] = (
                        f"The key of {epoch_id} died before its time, by a tombstone that this vault did not write."
                    )
                continue
            if record is not None and record.is_alive:
                self.keyring.destroy(epoch_id, self.time.purge_now())
            elif epoch_id not in died_at_start:
                continue
            self.problems[f"key {epoch_id}"] = (
                f"The key of {epoch_id} came back from a copy and was destroyed again."
            )

    def check_hold_keys(self, died_at_start: list[str]) -> None:
        """The same for holds: one that has ended stays ended, and one that stands has its key."""
        alive = {r.epoch.epoch_id for r in self.keyring.hold_records() if r.is_alive}
        dead = {r.epoch.epoch_id for r in self.keyring.hold_records()} - alive
        for hold in self.registry.holds():
            is_over = hold.state in ("ended", "failed")
            if is_over and hold.hold_id in alive:
                self.keyring.destroy(hold.hold_id, self.time.purge_now())
            if is_over and hold.hold_id in {*alive, *died_at_start}:
                self.problems[f"key {hold.hold_id}"] = (
                    f"The key of {hold.hold_id} came back from a copy and was destroyed again."
                )
            elif hold.state == "held" and hold.hold_id not in alive | dead:
                self.problems[f"key {hold.hold_id}"] = (
                    f"The key of {hold.hold_id} is missing or damaged, though the record says it lives: what it holds "
                    "cannot be opened. Find out who changed vault/keys."
                )

    def _of_software(self) -> dict[str, str]:
        approved = approved_builds(self.mandate.last().verified.charter, self.registry.totals())
        if not approved or build_sha256() in approved:
            return {}
        return {
            "software": (
                f"The software that runs (SHA-256 {build_sha256()}) is not what the charter approves. Go back to the "
                "approved one, or let the offices sign a charter that names it (glassplate charter draft)."
            )
        }

    def status(self) -> VaultStatus:
        """Health without a word about plates, people or cases."""
        problems = self.problems | (self._of_software() if self.mandate.is_installed else {})
        overdue = self.purge.overdue()
        if overdue:
            problems["purge"] = (
                f"Overdue and not destroyed: {', '.join(overdue)}. Search has stopped for them."
            )
        if ahead := self.time.unconfirmed():
            problems["clock jump"] = (
                f"The clock is {_words_of(ahead)} ahead of what is certain. What only it calls overdue is not searched, and is "
                "not destroyed until a second time source (time_source in settings.toml) or two persons confirm the time "
                "(glassplate time confirm)."
            )
        try:
            demand_no_late_purge(self.keyring, self.time.purge_now())
        except PurgeLate as error:
            problems["late purge"] = str(error)
        try:
            self.mandate.current(self.time.now())
        except (CharterRejected, ClockRefused) as error:
            problems[error.kind] = str(error)
        for epoch_id in self.keyring.resurrected:
            problems[f"key {epoch_id}"] = (
                f"The key of {epoch_id} came back from a copy and was destroyed again."
            )
        if not self.log.is_cosigned and self.log.published_size:
            silent = "; ".join(f"{name}: {words}" for name, words in self.log.gathered.problems)
            problems["witnesses"] = (
                f"Too few witnesses have cosigned the newest record{f' ({silent})' if silent else ''}. It is asked again."
            )
        cameras = self.cameras.health()
        for camera in cameras:
            if camera.is_red:
                problems[f"camera {camera.camera_id}"] = (
                    f"Camera {camera.name} ({camera.camera_id}) does not see since {camera.since:%Y-%m-%d %H:%M} UTC: "
                    f"{camera.problem}. What passes there is not read."
                )
            if camera.held_back_at is not None:
                problems[f"share {camera.camera_id}"] = (
                    f"Camera {camera.name} ({camera.camera_id}) delivers more than its share, last at "
                    f"{camera.held_back_at:%Y-%m-%d %H:%M} UTC: its reads wait in the lane. Was its key stolen?"
                )
        live = [
            state
            for state in epoch_states(self.keyring, self.registry, self.store)
            if state.state != "destroyed"
        ]
        return VaultStatus(
            healthy=not problems,
            problems=tuple(problems.values()),
            charter=self.mandate.summary() if self.mandate.is_installed else None,
            log_origin=self.log.origin,
            log_size=self.log.size,
            published_size=self.log.published_size,
            now=self.time.latest(),
            oldest_live_read_at=min((s.starts_at for s in live if s.reads), default=None),
            live_epochs=len(live),
            next_destruction_at=min((s.destroy_at for s in live), default=None),
            cameras=cameras,
            keyring=self.keyring.words(),
            overdue=tuple(overdue),
            epochs_in_memory=sum(state.in_memory for state in live),
        )
