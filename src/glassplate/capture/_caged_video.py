"""The parent's end of the caged video worker: opens a file or a stream in it, and takes frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np

from glassplate.capture import _video_protocol as protocol
from glassplate.capture._video_protocol import Answer
from glassplate.recognize._caged_process import CagedProcess
from glassplate.recognize._decode_protocol import MAX_PIXELS, MAX_SIDE, is_too_large

if TYPE_CHECKING:
    from glassplate.recognize.recognizer import Pixels

SECONDS_FOR_ONE_FRAME = (
    20.0  # the worker says every second that there is nothing yet; silence means that it hangs
)
_SENTENCES = {
    protocol.NOT_A_VIDEO: "is not a video that can be read (H.264, H.265, MPEG-2, MPEG-4, Motion JPEG, VP8, VP9 or AV1 "
    "in MP4, MOV, Matroska, AVI or MPEG-TS), or is damaged or cut short. Copy it again from its source.",
    protocol.WITHOUT_PICTURES: "has no pictures, only sound or other data.",
    protocol.TOO_FAST: f"has more than {protocol.MAX_FRAMES_A_SECOND} frames a second.",
    protocol.TOO_LONG: f"is longer than {protocol.MAX_SECONDS // 3600} hours. Cut it into parts.",
    protocol.UNAUTHORIZED: "refuses the user name or password.",
    protocol.NOT_THERE: "does not know that path; see the camera's manual for its stream's address.",
    protocol.NO_ANSWER: "does not send a video stream that can be read.",
}


class CagedVideo(CagedProcess):
    """One worker with one video. Raises OSError (TimeoutError when it hangs) once it fails; then end it."""

    def __init__(self, descriptor: int, *, seconds_for_one_frame: float = SECONDS_FOR_ONE_FRAME) -> None:
        """``descriptor``: the file, open for reading, or the connection to the camera.

        Raises:
            GlassplateError: the worker does not start.
        """
        self._descriptor = descriptor
        self._seconds = seconds_for_one_frame
        super().__init__(
            "glassplate.capture._video_worker", "video decoder", protocol.READY_BYTES, [descriptor]
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def open(self, kind: int, frames_a_second: float, address: bytes = b"") -> Answer:
        """Open the video; the answer says ``OPENED``, or why not."""
        self.begin(self._seconds)
        self.send(protocol.OPEN.pack(kind, self._descriptor, frames_a_second, len(address)) + address)
        return self._answer()

    def next(self) -> tuple[Answer, Pixels | None]:
        """The next frame, upright; or an answer that says why there is none."""
        self.begin(self._seconds)
        self.send(protocol.NEXT)
        answer = self._answer()
        if answer.status != protocol.PIXELS:
            return answer, None
        width, height = answer.width, answer.height
        if width < 1 or height < 1 or is_too_large(width, height):
            raise ConnectionError("The video decoder's answer breaks its protocol.")
        data = self.receive(width * height * protocol.CHANNELS)
        pixels = np.frombuffer(data, dtype=np.uint8).reshape(height, width, protocol.CHANNELS)
        return answer, np.ascontiguousarray(np.rot90(pixels, answer.turns)) if answer.turns else pixels

    def _answer(self) -> Answer:
        return Answer.parse(self.receive(protocol.SIZE_OF_ANSWER))


def refusal(name: str, answer: Answer) -> str:
    """The sentence for an answer that is no frame."""
    if answer.status == protocol.TOO_LARGE:
        megapixels = f"{answer.width * answer.height / 1e6:.4g}"
        return (
            f"{name} has frames of {answer.width}×{answer.height} pixels = {megapixels} megapixels; at most "
            f"{MAX_PIXELS // 1_000_000} and {MAX_SIDE} pixels a side are accepted."
        )
    return f"{name} {_SENTENCES.get(answer.status, 'is damaged.')}"
