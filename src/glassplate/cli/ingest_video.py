"""The video part of ``glassplate ingest``: one read for each vehicle that passes in a file."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.cli.console import plain, progress
from glassplate.cli.lane_parts import camera_key, fetch_sealer, pinned_recognizer
from glassplate.lane import LaneOutcome
from glassplate.recognize.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from glassplate.capture.video import VideoCounts
    from glassplate.client import VaultClient
    from glassplate.config import CityFolder


@dataclass(frozen=True, slots=True)
class WalkedVideo:
    """What became of one file. ``outcome.frames`` were looked at closely; in ``still`` ones nothing moved."""

    outcome: LaneOutcome
    counts: VideoCounts
    still: int


def run_video_lane(
    client: VaultClient,
    folder: CityFolder,
    camera_id: str,
    video: Path,
    starts_at: datetime | None,
    engine: str = DEFAULT_ENGINE,
) -> WalkedVideo:
    """One camera's walk over a video file, with a progress bar in seconds of film."""
    from glassplate.capture.outbox import Outbox
    from glassplate.capture.video import VideoFile
    from glassplate.lane import Courier
    from glassplate.lane_video import VideoWalk
    from glassplate.seal import BatchSigner

    key = camera_key(folder, camera_id)
    recognizer, scenes = pinned_recognizer(engine, client, video=True)
    sealer = fetch_sealer(client, folder)
    outcome = LaneOutcome()
    source = VideoFile(video, camera_id, starts_at)
    with closing(Outbox(folder.lane(camera_id) / "outbox.db")) as outbox, progress() as bars:
        walk = VideoWalk(camera_id, recognizer, scenes, sealer, outbox)
        task = bars.add_task("watching, in seconds of film", total=None)
        walk.capture(
            source,
            outcome,
            on_frame=lambda _frame: bars.update(
                task, total=round(source.duration_seconds) or None, completed=int(source.seconds_read)
            ),
        )
        seconds = max(1, round(source.duration_seconds))
        bars.update(task, total=seconds, completed=seconds)
        Courier(BatchSigner(camera_id, key.private_key), outbox).deliver(client, outcome)
    return WalkedVideo(outcome, source.counts, walk.gate.still)


def video_document(walked: WalkedVideo) -> dict[str, object]:
    """For JSON."""
    outcome = walked.outcome
    return {
        "frames": walked.counts.decoded,
        "looked_at": outcome.frames,
        "still": walked.still,
        "damaged": walked.counts.damaged,
        "reads": plain(outcome.reads),
        "delivered": outcome.delivered,
        "already_there": outcome.duplicates,
        "refused_files": outcome.refused,
        "refused_by_vault": plain(outcome.refused_by_vault),
    }


def video_lines(walked: WalkedVideo) -> list[str]:
    """For people."""
    outcome, vehicles = walked.outcome, len(walked.outcome.reads)
    frames = f"{walked.counts.decoded:,} frames, {outcome.frames:,} looked at, {walked.still:,} still"
    stored = f"{outcome.delivered:,} sealed and stored, {outcome.duplicates:,} there already."
    return [
        f"{frames}: {vehicles:,} vehicle{'' if vehicles == 1 else 's'} read.",
        stored,
        *(f"  refused by the vault: {reason}" for _, reason in outcome.refused_by_vault),
    ]
