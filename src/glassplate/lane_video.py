"""The walk of a video, before the vault: one read for each passing vehicle.

    (1) frame      decoded in the cage; None where the view was interrupted     `capture.video`, `capture.rtsp`
    (2) gate       nothing moved: no look; every five seconds all the same      `recognize.MotionGate`
    (3) read       plates of one frame, one confidence a character              `recognize.Recognizer`
    (4) passage    which plate is which, then a vote of all looks               `recognize.PassageReader`
    (5) redact     the best frame: plate crop, scene, class and color           `recognize.Scenes`
    (6) seal       to the epoch's public key                                    `seal.Sealer`
    (7) outbox     durable, sealed; `lane.Lane` delivers                        `capture.Outbox`

A crash loses the vehicles in view, and those that wait for a key or for the disk; they wait as redacted pictures, never as
frames. A vehicle that cannot be kept is counted in ``LaneOutcome.lost``.
A file that is read again gives the same reads with the same ids.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.errors import InputRefused, KeyUnavailable, StorageFailed
from glassplate.lane import plate_read
from glassplate.recognize.motion import FrozenPicture, MotionGate
from glassplate.recognize.passage import PassageReader
from glassplate.recognize.redaction import blank_crop
from glassplate.recognize.scenes import Kept, stored_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from glassplate.capture.outbox import Outbox
    from glassplate.capture.video import VideoCamera, VideoFrame
    from glassplate.lane import LaneOutcome
    from glassplate.recognize.passage import Passage
    from glassplate.recognize.recognizer import Pixels, Recognizer
    from glassplate.recognize.redaction import RedactedImage
    from glassplate.recognize.scenes import Scenes
    from glassplate.records import FrameBox, PlateRead
    from glassplate.seal import Sealer


MAX_UNKEPT = 256  # each holds two JPEG files of some 100 KB together


@dataclass(slots=True)
class VideoWalk:
    """One camera's walk. ``sealer`` may be replaced by one with newer keys at any time.

    ``outcome.frames`` counts the frames that were looked at closely, ``gate.still`` those in which nothing moved.
    """

    camera_id: str
    recognizer: Recognizer
    scenes: Scenes
    sealer: Sealer
    outbox: Outbox
    version: str = field(init=False)
    gate: MotionGate = field(default_factory=MotionGate)
    passages: PassageReader = field(default_factory=PassageReader)
    picture: FrozenPicture = field(default_factory=FrozenPicture)
    unkept: deque[tuple[PlateRead, RedactedImage, RedactedImage | None]] = field(
        default_factory=deque, repr=False
    )
    """Vehicles that could not be sealed or kept yet, the oldest first."""
    moved_at: float = field(default_factory=time.monotonic)
    """When the walk last finished a frame, by the monotonic clock."""

    def __post_init__(self) -> None:
        """Ask once what made the reads: networks do not change under a walk."""
        self.version = stored_version(self.recognizer, self.scenes.version)

    def capture(
        self,
        camera: VideoCamera,
        outcome: LaneOutcome,
        on_frame: Callable[[VideoFrame], None] = lambda _frame: None,
    ) -> None:
        """Steps (1) to (7) for every frame the camera has; a file that ends badly is named in ``outcome.refused``."""
        try:
            for frame in camera.frames():
                self.take(frame, outcome)
                if frame is not None:
                    on_frame(frame)
        except InputRefused as refusal:
            outcome.refused.append(str(refusal))
        self.take(None, outcome)

    def take(self, frame: VideoFrame | None, outcome: LaneOutcome) -> None:
        """Steps (2) to (7) for one frame; None when the view was interrupted, or is over."""
        try:
            if frame is not None:
                self.picture.take(frame.pixels, frame.captured_at)
            self._redact(self._passages_of(frame, outcome), outcome)
            self._keep(outcome)
        finally:
            self.moved_at = time.monotonic()

    def _passages_of(self, frame: VideoFrame | None, outcome: LaneOutcome) -> list[Passage]:
        if frame is None:
            return self.passages.end()
        if not self.gate.wants(frame.pixels, frame.captured_at):
            return self.passages.hold(frame.captured_at)
        candidates = self.recognizer.read(frame.pixels)
        outcome.frames += 1
        outcome.without_plate += not candidates
        return self.passages.look(frame.pixels, frame.captured_at, frame.frame_id, candidates)

    def _redact(self, passages: list[Passage], outcome: LaneOutcome) -> None:
        """Reads and what is kept of their pictures. One that fails takes none of the others with it."""
        failures: list[Exception] = []
        for passage in passages:
            boxes = (passage.plate.box, *passage.other_plates)
            try:
                kept = kept_of(self.scenes, passage.pixels, boxes, outcome)[0]
            except Exception as error:  # noqa: BLE001 - raised below
                outcome.lost += 1
                failures.append(error)
            else:
                if kept.crop is None:
                    outcome.not_kept += 1
                else:
                    self.unkept.append((self._read(passage, kept), kept.crop, kept.scene))
        while len(self.unkept) > MAX_UNKEPT:
            self.unkept.popleft()
            outcome.lost += 1
        if failures:
            raise failures[0]

    def _keep(self, outcome: LaneOutcome) -> None:
        """Seal what waits; what cannot be sealed is tried again with the next frame, perhaps with newer keys."""
        while self.unkept:
            read, crop, scene = self.unkept[0]
            try:
                self.outbox.put([self.sealer.seal(read, crop, scene)])
            except (KeyUnavailable, StorageFailed):
                raise
            except Exception:
                self.unkept.popleft()  # it would fail for ever and hold up the others
                outcome.lost += 1
                raise
            self.unkept.popleft()
            outcome.reads.append(read)

    def _read(self, passage: Passage, kept: Kept) -> PlateRead:
        identity = f"{self.camera_id}\n{passage.frame_id}\n{passage.seen_at.isoformat()}\n{passage.number}"
        return plate_read(
            identity, self.camera_id, passage.seen_at, self.version, passage.plate, kept.vehicle
        )


def kept_of(
    scenes: Scenes, pixels: Pixels, plates: Sequence[FrameBox], outcome: LaneOutcome
) -> tuple[Kept, ...]:
    """What is kept of each plate. Where scenes fail, a blank picture: nothing that had to be hidden, and no lost read."""
    try:
        return tuple(scenes.of(pixels, plates))
    except Exception:  # noqa: BLE001 - whatever fails in a network, nothing that it should have hidden is kept
        outcome.scenes_failed += 1
        return tuple(Kept(blank_crop()) for _ in plates)
