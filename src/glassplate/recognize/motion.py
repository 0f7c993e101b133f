"""Has anything moved? A cheap look at a small gray picture, so that an empty street is not read again and again.

The picture is compared with the last one that was looked at closely, not with the one before: what creeps adds up.
A still scene gets a full look every five seconds all the same, so that a stopped car is seen.

Has anything changed at all? A camera that sends one picture again and again looks alive and sees nothing. Light on a
sensor is never twice the same; an encoder may hide that between two key frames, which are seconds apart, but not over
minutes. So a picture of which not one sampled pixel has changed for five minutes is frozen, or black.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from glassplate.recognize.recognizer import Pixels

FULL_LOOK_EVERY = timedelta(seconds=5)
SMALL_WIDTH = 320
DIFFERENT_GRAY = (
    16  # levels of 255; noise of 10 levels a pixel never reaches it, more opens the gate: slow, not blind
)
MOVED_SHARE = 0.001  # of the small picture: 58 pixels of 320 × 180, a quarter of a far car

FROZEN_AFTER = timedelta(minutes=5)  # many key frames, even of encoders that stretch them at night
SAMPLED_EVERY = 4  # pixels, across and down: 57,600 of 1280 × 720; not averaged, because noise must show


@dataclass(slots=True)
class FrozenPicture:
    """How long the picture of one camera has been exactly the same, over interruptions too."""

    _sample: Pixels | None = None
    _since: datetime | None = None
    _until: datetime | None = None

    def take(self, pixels: Pixels, at: datetime) -> None:
        """The next frame, in the order of capture."""
        import numpy as np

        sample = pixels[::SAMPLED_EVERY, ::SAMPLED_EVERY]
        is_same = self._sample is not None and np.array_equal(sample, self._sample)
        if not is_same or self._since is None or at < self._since:
            self._sample, self._since = sample.copy(), at
        self._until = at

    @property
    def is_frozen(self) -> bool:
        """Whether it has been the same for too long to be a street."""
        return (
            self._since is not None and self._until is not None and self._until - self._since >= FROZEN_AFTER
        )


@dataclass(slots=True)
class MotionGate:
    """Decides which frames of one camera get a full look. ``still`` counts those that did not."""

    still: int = 0
    _reference: npt.NDArray[np.uint8] | None = None
    _looked_at: datetime | None = None

    def wants(self, pixels: Pixels, at: datetime) -> bool:
        """Whether this frame gets a full look; the camera's frames come in the order of capture."""
        small = _small_gray(pixels)
        if not self._is_due(at) and not self._has_moved(small):
            self.still += 1
            return False
        self._reference, self._looked_at = small, at
        return True

    def _is_due(self, at: datetime) -> bool:
        return self._looked_at is None or not timedelta(0) <= at - self._looked_at < FULL_LOOK_EVERY

    def _has_moved(self, small: npt.NDArray[np.uint8]) -> bool:
        import cv2
        import numpy as np

        if self._reference is None or self._reference.shape != small.shape:
            return True
        moved = int(np.count_nonzero(cv2.absdiff(small, self._reference) >= DIFFERENT_GRAY))
        return moved >= MOVED_SHARE * small.size


def _small_gray(pixels: Pixels) -> npt.NDArray[np.uint8]:
    import cv2
    import numpy as np

    height, width = pixels.shape[:2]
    size = (min(SMALL_WIDTH, width), max(1, round(height * min(SMALL_WIDTH, width) / width)))
    green = cv2.extractChannel(pixels, 1)
    return np.asarray(cv2.resize(green, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
