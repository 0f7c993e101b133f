"""Chapter 3: a video passage. Many looks at one vehicle, one vote, one read."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

from glassplate.cli.console import say
from glassplate.cli.ingest_video import run_video_lane
from glassplate.client import VaultClient
from glassplate.demo.chapters import demonstrate
from glassplate.demo.stage import CAMERAS

if TYPE_CHECKING:
    from glassplate.demo.stage import Stage

CLIP = "passage.mp4"
PLATE = "6HNV372"


def video_becomes_one_read(stage: Stage) -> None:
    """Chapter 3."""
    stage.open_chapter("A vehicle passes a video camera: many frames, one vote, one sealed read")
    camera_id = next(iter(CAMERAS))
    starts_at = stage.photo_day + timedelta(hours=11, minutes=50)
    with (
        VaultClient(stage.folder.socket) as client,
        as_file(files("glassplate") / "demo_photos" / CLIP) as clip,
    ):
        walked = run_video_lane(client, stage.folder, camera_id, clip, starts_at)
    outcome = walked.outcome
    demonstrate(not outcome.refused and not outcome.refused_by_vault, "the clip is accepted")
    demonstrate([read.text for read in outcome.reads] == [PLATE], "one vehicle is one read, voted right")
    demonstrate(outcome.delivered == 1, "the read is sealed and stored")
    (read,) = outcome.reads
    each = " ".join(f"{c}:{v:.2f}" for c, v in zip(read.text, read.character_confidences, strict=True))
    say(
        f"  {walked.counts.decoded} frames of a noisy camera, {outcome.frames} looked at, {walked.still} still. The vote: "
        f"[bold]{read.text}[/]"
    )
    say(f"    {CLIP:<14} {read.captured_at:%Y-%m-%d %H:%M:%S} the best frame's time   {each}")
    say("  A car that stays in view is one read an hour, not one a frame. The frames are not stored.")
