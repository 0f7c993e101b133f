"""The walk of a video, before the vault: one read for each passing vehicle.

    (1) frame      decoded in the cage; None where the view was interrupted     `capture.video`, `capture.rtsp`
    (2) gate       nothing moved: no look; every five seconds all the same      `recognize.MotionGate`
    (3) read       plates of one frame, one confidence a character              `recognize.Recognizer`
    (4) passage    which plate is which, then a vote of all looks               `recognize.PassageReader`
    (5) redact     the best frame: plate crop, scene, class and color           `recognize.Scenes`
    (6) seal       to the epoch's public key                                    `seal.Sealer`
    (7) outbox     durable, sealed; `lane.Lane` delivers                        `capture.Outbox`

A crash loses the vehicles in view. A file that is read again gives the same reads with the same ids.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import InputRefused, KeyUnavailable, StorageFailed
from glassplate.lane import READ_ID_DIGITS
from glassplate.recognize.motion import MotionGate
from glassplate.recognize.passage import PassageReader
from glassplate.recognize.scenes import stored_version
from glassplate.records import PlateRead

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.capture.outbox import Outbox
    from glassplate.capture.video import VideoCamera, VideoFrame
    from glassplate.lane import LaneOutcome
    from glassplate.recognize.passage import Passage
    from glassplate.recognize.recognizer import Recognizer
    from glassplate.recognize.scenes import Scenes
    from glassplate.records import Vehicle
    from glassplate.seal import Sealer


MAX_UNKEPT = 32  # each holds a frame of some megabytes


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
    unkept: deque[Passage] = field(default_factory=lambda: deque(maxlen=MAX_UNKEPT))
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
            self.unkept.extend(self._passages_of(frame, outcome))
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

    def _keep(self, outcome: LaneOutcome) -> None:
        while self.unkept:
            passage = self.unkept.popleft()
            try:
                self._keep_one(passage, outcome)
            except (KeyUnavailable, StorageFailed):
                self.unkept.appendleft(passage)  # the next frame tries again, perhaps with newer keys
                raise

    def _keep_one(self, passage: Passage, outcome: LaneOutcome) -> None:
        boxes = (passage.plate.box, *passage.other_plates)
        kept = self.scenes.of(passage.pixels, boxes)[0]
        if kept.crop is None:
            outcome.not_kept += 1
            return
        read = self._plate_read(passage, kept.vehicle)
        self.outbox.put([self.sealer.seal(read, kept.crop, kept.scene)])
        outcome.reads.append(read)

    def _plate_read(self, passage: Passage, vehicle: Vehicle) -> PlateRead:
        plate = passage.plate
        identity = f"{self.camera_id}\n{passage.frame_id}\n{passage.seen_at.isoformat()}\n{passage.number}"
        return PlateRead(
            read_id=sha256_hex(identity.encode())[:READ_ID_DIGITS],
            text=plate.text,
            character_confidences=plate.character_confidences,
            camera_id=self.camera_id,
            captured_at=passage.seen_at,
            recognizer=self.version,
            box=plate.box,
            alternatives=plate.alternatives,
            region=plate.region,
            region_confidence=plate.region_confidence,
            vehicle=vehicle,
        )
