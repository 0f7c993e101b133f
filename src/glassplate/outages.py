"""Camera outages as entries: which camera did not see, from when to when. An empty road must never look like one.

A camera that is red for a minute is an outage (``camera-out``); one that is not red for a minute ends it
(``camera-back``). Which outages are open is counted in the registry, so that a start neither forgets nor repeats one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from glassplate.cameras import CameraWatch
    from glassplate.keys import Clock
    from glassplate.record import Recorder
    from glassplate.records import CameraHealth
    from glassplate.registry import Registry

AFTER_SECONDS = 60.0  # a camera that comes and goes makes at most one entry a minute


@dataclass(slots=True)
class Outages:
    """Looks at the cameras' health; one caller at a time."""

    cameras: CameraWatch
    registry: Registry
    recorder: Recorder
    clock: Clock
    _changed_at: dict[str, float] = field(default_factory=dict)
    """Camera → since when it is otherwise than the record says, by a clock that nobody can set."""

    def run(self, now: datetime) -> None:
        """Record what has changed for a minute.

        Raises:
            LogUnavailable: it is recorded at the next look.
        """
        totals, boot = self.registry.totals(), self.clock.boot_seconds()
        for camera in self.cameras.health():
            is_open = totals.get(_out(camera.camera_id), 0) > totals.get(_back(camera.camera_id), 0)
            if camera.is_red == is_open:
                self._changed_at.pop(camera.camera_id, None)
            elif boot - self._changed_at.setdefault(camera.camera_id, boot) >= AFTER_SECONDS:
                self._record(camera, now)
                del self._changed_at[camera.camera_id]

    def _record(self, camera: CameraHealth, now: datetime) -> None:
        count = _out if camera.is_red else _back
        self.recorder.record(
            "camera-out" if camera.is_red else "camera-back",
            {
                "camera_id": camera.camera_id,
                "state": camera.state,
                "problem": camera.problem,
                "since": camera.since.isoformat() if camera.since else None,
            },
            at=now,
            operation={"kind": "counted", "counts": {count(camera.camera_id): 1}},
        )


def _out(camera_id: str) -> str:
    return f"camera out:{camera_id}"


def _back(camera_id: str) -> str:
    return f"camera back:{camera_id}"
