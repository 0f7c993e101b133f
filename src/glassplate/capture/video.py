"""Video files as cameras. Bytes become pixels in a caged worker (``_video_worker``), never here.

Rules: a regular file of at most 8 GB; H.264, H.265, MPEG-2, MPEG-4, Motion JPEG, VP8, VP9 or AV1 in MP4, MOV, Matroska,
AVI or MPEG-TS, told by content; frames of at most 25 megapixels and 8192 pixels a side, at most 240 a second, for at
most 12 hours. Damaged parts are passed over and counted; what the camera saw then is unknown, and the end says so.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._caged_video import SECONDS_FOR_ONE_FRAME, CagedVideo, refusal
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

    from glassplate.capture._video_protocol import Answer
    from glassplate.recognize.recognizer import Pixels

FRAMES_A_SECOND = 12.0  # analyzed; below 10 a vehicle moves further than its own plate between two looks
MAX_VIDEO_BYTES = 8_000_000_000  # 12 hours of a street camera at 1.5 Mbit/s
SECONDS_WITHOUT_A_FRAME = 120.0  # of work on a file, in which no frame came out of it
CUT_SHORT_SECONDS = 2.0  # a file that ends this long before its announced end


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """One decoded picture of a video. ``frame_id`` names it: the same file gives the same names again."""

    camera_id: str
    captured_at: datetime
    frame_id: str
    pixels: Pixels = field(repr=False)


@dataclass(slots=True)
class VideoCounts:
    """What became of a video's frames before anybody looked at them."""

    decoded: int = 0
    dropped: int = 0
    damaged: int = 0

    def take(self, answer: Answer, before: VideoCounts) -> None:
        """Counts of one worker, on top of those before it."""
        self.decoded = before.decoded + answer.decoded
        self.dropped = before.dropped + answer.dropped
        self.damaged = before.damaged + answer.damaged


class VideoCamera(Protocol):
    """A source of moving pictures.

    Duties: frames come in the order of capture, at most as many a second as asked for; None says that the view was
    interrupted, so that whatever was in it has left it. ``counts`` are right at any time.
    """

    counts: VideoCounts

    def frames(self) -> Iterator[VideoFrame | None]:
        """Every frame until the source ends."""


class VideoFile:
    """One video file.

    ``starts_at``: when its first frame was captured; without it, the file's time of last writing less its duration.
    """

    def __init__(
        self,
        path: Path,
        camera_id: str,
        starts_at: datetime | None = None,
        *,
        frames_a_second: float = FRAMES_A_SECOND,
        seconds_for_one_frame: float = SECONDS_FOR_ONE_FRAME,
    ) -> None:
        self.counts = VideoCounts()
        self.duration_seconds = 0.0
        self.seconds_read = 0.0
        self._path = path
        self._camera_id = camera_id
        self._starts_at = starts_at
        self._frames_a_second = frames_a_second
        self._seconds_for_one_frame = seconds_for_one_frame

    def frames(self) -> Iterator[VideoFrame | None]:
        """Every analyzed frame.

        Raises:
            InputRefused: the file is no video, or (after the frames that could be read) damaged or cut short.
        """
        with _opened(self._path) as file:
            written_at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with CagedVideo(file.fileno(), seconds_for_one_frame=self._seconds_for_one_frame) as video:
                self.duration_seconds = self._open(video)
                starts_at = self._starts_at or written_at - timedelta(seconds=self.duration_seconds)
                yield from self._read(video, digest, starts_at)

    def _open(self, video: CagedVideo) -> float:
        with self._naming():
            answer = video.open(protocol.FILE, self._frames_a_second)
        if answer.status != protocol.OPENED:
            raise InputRefused(refusal(self._path.name, answer))
        return min(answer.microseconds / 1e6, protocol.MAX_SECONDS)

    def _read(self, video: CagedVideo, digest: str, starts_at: datetime) -> Iterator[VideoFrame]:
        before = VideoCounts()
        give_up_at = time.monotonic() + SECONDS_WITHOUT_A_FRAME
        number = 0
        while True:
            with self._naming():
                answer, pixels = video.next()
            self.counts.take(answer, before)
            if pixels is not None:
                self.seconds_read = answer.microseconds / 1e6
                captured_at = starts_at + timedelta(microseconds=answer.microseconds)
                identity = hashlib.sha256(f"{digest} {number}".encode()).hexdigest()
                yield VideoFrame(self._camera_id, captured_at, identity, pixels)
                number += 1
                give_up_at = time.monotonic() + SECONDS_WITHOUT_A_FRAME
            elif answer.status == protocol.ENDED:
                self._judge_end(answer.microseconds / 1e6, number)
                return
            elif answer.status != protocol.NOTHING_YET:
                raise InputRefused(refusal(self._path.name, answer))
            elif time.monotonic() > give_up_at:
                raise InputRefused(
                    f"{self._path.name} gave no frame for {SECONDS_WITHOUT_A_FRAME:.0f} seconds; the rest is not read."
                )

    def _judge_end(self, ended_at: float, frames: int) -> None:
        if not frames:
            raise InputRefused(f"{self._path.name} holds no frame that can be decoded.")
        if self.duration_seconds - ended_at > CUT_SHORT_SECONDS:
            raise InputRefused(
                f"{self._path.name} is cut short: it ends after {ended_at:.0f} of {self.duration_seconds:.0f} seconds. "
                "What was read is kept."
            )
        if self.counts.damaged:
            raise InputRefused(
                f"{self._path.name} is damaged: {self.counts.damaged} parts could not be decoded, and what passed in them "
                "is unknown. What was read is kept."
            )

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except TimeoutError:
            raise InputRefused(
                f"{self._path.name}: a frame was not decoded within {self._seconds_for_one_frame:g} seconds; the rest is "
                "not read."
            ) from None
        except OSError:
            raise InputRefused(
                f"{self._path.name} made the video decoder stop; the rest is not read."
            ) from None


@contextmanager
def _opened(path: Path) -> Iterator[BufferedReader]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None
    about = os.fstat(descriptor)
    if not stat.S_ISREG(about.st_mode):
        os.close(descriptor)
        raise InputRefused(f"{path} is not a file.")
    with os.fdopen(descriptor, "rb") as file:
        if about.st_size == 0:
            raise InputRefused(f"{path.name} is empty (0 bytes).")
        if about.st_size > MAX_VIDEO_BYTES:
            raise InputRefused(
                f"{path.name} has {about.st_size / 1e9:.1f} GB; at most {MAX_VIDEO_BYTES / 1e9:.0f} are accepted. "
                "Cut it into parts."
            )
        yield file
