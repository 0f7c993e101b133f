"""Make the demo's video passage: a vehicle with an invented plate that comes closer, seen by a noisy street camera.

    python tools/make_demo_clip.py [--seed 7]

From one of the demo photos (``make_demo_photos.py``), as a window that moves and narrows over it: motion blur and an
unfocused lens at first, camera noise all along. MPEG-4 by FFmpeg's own encoder (LGPL), which lays no condition on what it
writes; no metadata. Look at the clip before it is committed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

DEMO_PHOTOS = Path(__file__).parents[1] / "src" / "glassplate" / "demo_photos"
PHOTO, CLIP = "photo-01.jpg", "passage.mp4"
SIZE = (640, 480)
FRAMES_A_SECOND = 12
SECONDS = 3.5
BITS_A_SECOND = 1_800_000
FIRST_WINDOW = (0, 110, 740, 555)  # x, y, width, height in pixels of the photo
LAST_WINDOW = (345, 185, 420, 315)
NOISE = 6.0  # standard deviation in levels of 255
UNFOCUSED = 1.1  # standard deviation in pixels, fading out over the first half
MOTION_PIXELS = 7  # of blur across, fading out as the vehicle comes to stand


def main() -> None:
    """Write the clip beside the photos."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=7, help="of the camera's noise")
    random = np.random.default_rng(parser.parse_args().seed)
    photo = np.asarray(Image.open(DEMO_PHOTOS / PHOTO).convert("RGB"))
    count = round(SECONDS * FRAMES_A_SECOND)
    with av.open(DEMO_PHOTOS / CLIP, "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=FRAMES_A_SECOND)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = BITS_A_SECOND
        stream.codec_context.flags |= av.codec.context.Flags.bitexact
        for number in range(count):
            picture = make_frame(photo, number / (count - 1), random)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    print(CLIP, (DEMO_PHOTOS / CLIP).stat().st_size, "bytes")


def make_frame(
    photo: npt.NDArray[np.uint8], share: float, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """The picture at ``share`` of the way, 0 to 1."""
    eased = share * share * (3 - 2 * share)
    x, y, width, height = (
        first + eased * (last - first) for first, last in zip(FIRST_WINDOW, LAST_WINDOW, strict=True)
    )
    corners = np.array([[x, y], [x + width, y], [x, y + height]], dtype=np.float32)
    canvas = np.array([[0, 0], [SIZE[0], 0], [0, SIZE[1]]], dtype=np.float32)
    transform = cv2.getAffineTransform(corners, canvas)
    seen = cv2.warpAffine(photo, transform, SIZE, flags=cv2.INTER_CUBIC)
    motion = 1 + round((MOTION_PIXELS - 1) * 4 * share * (1 - share) / 2)
    seen = cv2.blur(seen, (motion, 1))
    if (unfocused := UNFOCUSED * max(0.0, 1 - 2 * share)) > 0:
        seen = cv2.GaussianBlur(seen, (0, 0), unfocused)
    noisy = seen.astype(np.float32) + random.normal(0, NOISE, seen.shape)
    return np.asarray(noisy.clip(0, 255), dtype=np.uint8)


if __name__ == "__main__":
    main()
