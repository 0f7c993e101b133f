"""What ``glassplate doctor`` says of live cameras: from the vault where one runs, else from the lanes' own files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from glassplate.encoding import parse_json, parse_time
from glassplate.errors import GlassplateError
from glassplate.lane_live import HEARTBEAT_SECONDS, STATUS_NAME

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.config import CityFolder
    from glassplate.records import CameraHealth, VaultStatus

Check = tuple[str, bool, str]

SILENT_AFTER_SECONDS = 3 * HEARTBEAT_SECONDS
MAX_STATUS_BYTES = 4096


def cameras_of_vault(status: VaultStatus) -> list[Check]:
    """One line for each camera that a live lane has watched; red ones are among the vault's problems already."""
    return [
        ("camera", True, _seen(camera, status.now))
        for camera in status.cameras
        if camera.state in ("seeing", "stopped")
    ]


def _seen(camera: CameraHealth, now: datetime) -> str:
    if camera.state == "stopped":
        return f"{camera.camera_id}: its lane was stopped by a person, {camera.since:%Y-%m-%d %H:%M} UTC"
    last = camera.last_frame_at
    ago = "" if last is None else f", last frame {max(0, round((now - last).total_seconds()))} s ago"
    sees = f"sees, but {camera.problem}" if camera.is_yellow else "sees"
    lost = f", {camera.missing:,} reads never came" if camera.missing else ""
    return (
        f"{camera.camera_id}: {sees}{ago}; {camera.waiting} reads wait, {camera.dropped} frames missed{lost}"
    )


def cameras_of_lanes(folder: CityFolder, now: datetime | None = None) -> list[Check]:
    """The lanes of this machine, where no vault runs that would know."""
    now = now or datetime.now(UTC)
    paths = sorted((folder.root / "lane").glob(f"*/{STATUS_NAME}"))
    return [_lane(path, now) for path in paths]


def _lane(path: Path, now: datetime) -> Check:
    camera_id = path.parent.name
    try:
        said: dict[str, Any] = parse_json(path.read_bytes(), limit=MAX_STATUS_BYTES)
        age = (now - parse_time(said["at"])).total_seconds()
        state, problem, waiting = said["state"], said["problem"], said["waiting"]
    except (GlassplateError, OSError, KeyError, TypeError):
        return "camera", False, f"{camera_id}: {path} cannot be read; start its lane again"
    if state == "stopped":
        return (
            "camera",
            True,
            f"{camera_id}: its lane was stopped by a person; {waiting} reads wait for the vault",
        )
    if age > SILENT_AFTER_SECONDS:
        return (
            "camera",
            False,
            f"{camera_id}: its lane has said nothing for {age:.0f} s; start it again: glassplate watch",
        )
    return (
        "camera",
        state == "seeing",
        f"{camera_id}: {problem or 'sees'}; {waiting} reads wait for the vault",
    )


def metrics(status: VaultStatus) -> str:
    """The same for a monitoring system: Prometheus' text format, for a textfile collector. No plate, no person."""
    lines = [
        "# HELP glassplate_healthy 1 while the vault knows of no problem.",
        "# TYPE glassplate_healthy gauge",
        f"glassplate_healthy {int(status.healthy)}",
        "# HELP glassplate_camera_seeing 1 while a camera's live lane sees, 0 while it does not or is not heard.",
        "# TYPE glassplate_camera_seeing gauge",
    ]
    watched = [camera for camera in status.cameras if camera.state in ("seeing", "blind", "silent")]
    lines += [_metric("seeing", camera, int(not camera.is_red)) for camera in watched]
    lines += ["# TYPE glassplate_camera_reads_waiting gauge"]
    lines += [_metric("reads_waiting", camera, camera.waiting) for camera in watched]
    lines += ["# TYPE glassplate_camera_frames_missed counter"]
    lines += [_metric("frames_missed", camera, camera.dropped) for camera in watched]
    lines += ["# TYPE glassplate_camera_reads_missing counter"]
    lines += [_metric("reads_missing", camera, camera.missing) for camera in status.cameras]
    return "\n".join(lines)


def _metric(name: str, camera: CameraHealth, value: int) -> str:
    return f'glassplate_camera_{name}{{camera="{camera.camera_id}"}} {value}'
