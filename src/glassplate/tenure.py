"""Charters and stops, as the vault keeps them: verified, stored, logged; what the record remembers is not undone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.build_identity import approved_builds, build_sha256, installation_mark
from glassplate.encoding import sha256_hex

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.charter import Stop
    from glassplate.mandate import InForce, Mandate
    from glassplate.record import Recorder
    from glassplate.records import Receipt
    from glassplate.registry import Registry


@dataclass(frozen=True, slots=True)
class Tenure:
    """Logs what the mandate installs or stops, and holds the mandate against the record at each start."""

    mandate: Mandate
    registry: Registry
    recorder: Recorder

    def check(self) -> None:
        """The record remembers each version and stop; files that were taken away from us do not undo them."""
        version = self.mandate.last().verified.charter.version
        if self.newest_logged() > version:
            self.mandate.halt(
                f"The record says that charter version {self.newest_logged()} was installed, but the newest one on "
                f"disk is {version}. Capture and search have stopped; restore vault/charter and restart."
            )
        stop = self.mandate.stop_in_force
        is_logged = f"stopped:{version}" in self.registry.totals()
        if is_logged and stop is None:
            self.mandate.halt(
                f"The record says that an office stopped charter version {version}, but its stop is gone from the "
                "disk. Capture and search start again with a new charter version, signed by all offices."
            )
        elif stop is not None and not is_logged:
            self.log_stop(stop)

    def newest_logged(self) -> int:
        """The highest charter version that the record knows."""
        marks = (name.partition(":") for name in self.registry.totals())
        return max((int(version) for kind, _, version in marks if kind == "charter"), default=0)

    def is_logged(self) -> bool:
        """Whether the charter in force stands in the record; not after a crash between its files and its entry."""
        return f"charter:{self.mandate.last().verified.charter.version}" in self.registry.totals()

    def log_drift(self) -> None:
        """Say at each start that another build runs than the charter approves.

        Whoever signs a charter can try out what they approve; a build that came later was approved by nobody yet.
        """
        approved = approved_builds(self.mandate.last().verified.charter, self.registry.totals())
        if approved and build_sha256() not in approved:
            self.recorder.record(
                "configuration-drift",
                {},
                at=self.recorder.now(),
                public={"approved": approved[0], "running": build_sha256()},
            )

    def log_stop(self, stop: Stop) -> Receipt:
        """The entry of an emergency stop."""
        return self.recorder.record(
            "emergency-stop",
            {"reason": stop.reason, "fingerprint": stop.fingerprint},
            at=self.recorder.now(),
            public={"office": stop.office, "version": str(stop.charter_version)},
            operation={"kind": "counted", "counts": {f"stopped:{stop.charter_version}": 1}},
        )

    def log_charter(self, installed: InForce, now: datetime) -> Receipt:
        """The entry of an installation."""
        charter = installed.verified.charter
        return self.recorder.record(
            "charter-installed",
            {"signed_by": dict(installed.verified.signed_by)},
            at=now,
            public={
                "version": str(charter.version),
                "charter_sha256": sha256_hex(installed.documents["charter.json"].encode()),
                "expires": charter.expires_at.isoformat(),
            },
            operation={
                "kind": "counted",
                "counts": {
                    f"charter:{charter.version}": 1,
                    installation_mark(charter.version, build_sha256()): 1,
                },
            },
        )
