"""Video files: what is read, what is refused, and that nothing a file holds can hang or break its reader."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from video_testing import SIZE, picture, sound_only, video, written

from glassplate.capture import _video_frames, _video_protocol
from glassplate.capture import video as video_module
from glassplate.capture.video import MAX_VIDEO_BYTES, VideoFile
from glassplate.errors import GlassplateError, InputRefused

NINE = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FLIPS = int(os.environ.get("VIDEO_FLIPS", "40"))


def frames_of(data: bytes, folder: Path, name: str = "clip.mp4", **options):
    camera = VideoFile(written(data, folder / name), "elm-street", NINE, **options)
    return camera, camera.frames()


def read_all(data: bytes, folder: Path, **options):
    """(camera, frames, the refusal at the end or None)."""
    camera, frames = frames_of(data, folder, **options)
    taken = []
    try:
        taken.extend(frames)
    except InputRefused as refusal:
        return camera, taken, str(refusal)
    return camera, taken, None


KINDS = {"mp4": "mpeg4", "matroska": "libx264", "avi": "mjpeg", "mpegts": "mpeg2video", "webm": "libvpx-vp9"}


@pytest.mark.parametrize("kind", KINDS)
def test_frames_come_with_their_times_and_their_pixels(kind, tmp_path):
    camera, frames, refusal = read_all(
        video(kind, KINDS[kind], frames=20, rate=10), tmp_path, frames_a_second=10
    )

    assert refusal is None
    assert len(frames) == 20
    assert [frame.captured_at for frame in frames[:3]] == [NINE + timedelta(seconds=s) for s in (0, 0.1, 0.2)]
    assert camera.counts.decoded == 20
    for number, frame in enumerate(frames):
        assert frame.pixels.shape == (SIZE[1], SIZE[0], 3)
        off = np.abs(frame.pixels.astype(int) - picture(number))
        assert np.median(off) <= 4  # the bar is where it was painted, in red
        assert off[SIZE[1] // 3 + 8, 4 * number % SIZE[0] + 20].max() < 60


def test_not_more_frames_than_asked_for_are_handed_over(tmp_path):
    camera, frames, _ = read_all(video(frames=60, rate=30), tmp_path, frames_a_second=12)

    assert camera.counts.decoded == 60
    assert len(frames) in (24, 25)
    steps = [b.captured_at - a.captured_at for a, b in pairwise(frames)]
    assert max(steps) <= timedelta(seconds=0.1001)


def test_the_same_file_gives_the_same_frames_again(tmp_path):
    data = video()
    _, once, _ = read_all(data, tmp_path)
    _, again, _ = read_all(data, tmp_path, name="other-name.mkv")

    assert [(f.frame_id, f.captured_at) for f in once] == [(f.frame_id, f.captured_at) for f in again]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(once, again, strict=True))
    assert len({frame.frame_id for frame in once}) == len(once)
    _, changed, _ = read_all(data + b"\0", tmp_path)
    assert not {f.frame_id for f in once} & {f.frame_id for f in changed}


def test_without_a_start_the_file_s_own_time_is_its_end(tmp_path):
    path = written(video(frames=30, rate=15), tmp_path / "clip.mp4")
    os.utime(path, (NINE.timestamp(), NINE.timestamp()))

    first = next(VideoFile(path, "elm-street").frames())

    assert first.captured_at == NINE - timedelta(seconds=2)


def zero_frames_a_second() -> bytes:
    data = bytearray(video("avi", "mjpeg"))
    header = data.index(b"strh") + 8
    data[header + 20 : header + 28] = bytes(8)
    at = data.index(b"avih") + 8
    data[at : at + 4] = bytes(4)
    return bytes(data)


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
SDP = b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
REFUSED = {
    "text": (lambda: b"Dear Sir or Madam", "is not a video that can be read"),
    "nothing": (lambda: b"", r"is empty \(0 bytes\)"),
    "zeros": (lambda: bytes(50_000), "is not a video that can be read"),
    "cut in the middle, so that its index is gone": (lambda: video()[:2_500], "damaged or cut short"),
    "a playlist, which would open other files": (lambda: PLAYLIST, "is not a video that can be read"),
    "a session description, which would open ports": (lambda: SDP, "is not a video that can be read"),
    "sound only": (sound_only, "has no pictures, only sound or other data"),
    "8K frames": (
        lambda: video(size=(7680, 4320), frames=1),
        r"frames of 7680×4320 pixels = 33\.18 megapixels; at most 25 and 8192 pixels a side",
    ),
    "too many frames a second": (
        lambda: video(rate=1_000, frames=400),
        "has more than 240 frames a second",
    ),
    "longer than twelve hours": (
        lambda: video("matroska", "mjpeg", times=[0, 60, 13 * 3_600_000, 13 * 3_600_000 + 60]),
        "is longer than 12 hours",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused_in_one_sentence(what, tmp_path):
    make, sentence = REFUSED[what]
    _, frames = frames_of(make(), tmp_path)

    with pytest.raises(InputRefused, match=sentence) as refused:
        list(frames)

    assert str(refused.value).startswith("clip.mp4 ")


def test_what_is_no_file_is_refused_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(written(video(), tmp_path / "clip.mp4"))
    for name in ("pipe.mp4", "folder.mp4", "link.mp4", "absent.mp4"):
        with pytest.raises(InputRefused, match=name):
            list(VideoFile(tmp_path / name, "elm-street", NINE).frames())


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path):
    with (tmp_path / "clip.mp4").open("wb") as file:
        file.truncate(MAX_VIDEO_BYTES + 1)
    with pytest.raises(InputRefused, match=r"has 8\.0 GB; at most 8 are accepted"):
        list(VideoFile(tmp_path / "clip.mp4", "elm-street", NINE).frames())


def broken_in_the_middle() -> bytes:
    data = bytearray(video("matroska", frames=90))
    third = len(data) // 3
    data[third : third + third // 2] = bytes(third // 2)
    return bytes(data)


KEPT = {
    "a damaged middle": (broken_in_the_middle, r"is damaged: \d+ parts could not be decoded"),
    "cut short": (
        lambda: video("matroska", frames=90)[:7_000],
        "is cut short: it ends after 3 of 6 seconds",
    ),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_could_be_read_is_kept_and_the_rest_is_said(what, tmp_path):
    make, sentence = KEPT[what]
    _, frames, refusal = read_all(make(), tmp_path)

    assert len(frames) > 10
    assert refusal is not None
    assert "What was read is kept." in refusal
    with pytest.raises(InputRefused, match=sentence):
        list(frames_of(make(), tmp_path)[1])


def test_a_file_that_claims_no_frames_a_second_is_read_at_a_guess(tmp_path):
    camera, frames, _ = read_all(zero_frames_a_second(), tmp_path)

    assert camera.counts.decoded == 30
    assert frames
    times = [frame.captured_at for frame in frames]
    assert times == sorted(set(times))


def test_timestamps_that_lack_or_go_back_are_replaced_by_one_frame_more():
    stream = SimpleNamespace(average_rate=None, guessed_rate=None)
    container = SimpleNamespace(streams=SimpleNamespace(video=[stream]))
    source = _video_frames.FileSource(container, 12, _video_frames.Counts())

    times = [source._time_of(SimpleNamespace(time=time)) for time in (None, None, 7.0, 7.0, 3.0, None, 9.0)]

    assert times == sorted(times)
    assert times[:2] == [0.0, 1 / 25]
    assert times[-1] == 9.0


def test_frames_with_another_size_in_the_middle_are_frames(tmp_path):
    """Two MPEG-TS recordings one after the other: a camera whose resolution was changed."""
    data = video("mpegts", "mpeg2video", frames=20) + video(
        "mpegts", "mpeg2video", frames=20, size=(480, 272)
    )
    _, frames, _ = read_all(data, tmp_path)

    assert {frame.pixels.shape for frame in frames} == {(192, 320, 3), (272, 480, 3)}


def test_a_worker_that_hangs_is_ended_in_time(tmp_path, monkeypatch):
    _, frames = frames_of(video(frames=60), tmp_path, seconds_for_one_frame=1.0)
    workers = watched_workers(monkeypatch)
    next(frames)
    os.kill(workers[0].process_id, signal.SIGSTOP)

    with pytest.raises(InputRefused, match="a frame was not decoded within 1 seconds; the rest is not read"):
        list(frames)

    assert not Path(f"/proc/{workers[0].process_id}").exists()


def test_a_worker_that_dies_is_told_and_the_next_file_is_read(tmp_path, monkeypatch):
    _, frames = frames_of(video(frames=60), tmp_path)
    workers = watched_workers(monkeypatch)
    next(frames)
    os.kill(workers[0].process_id, signal.SIGKILL)

    with pytest.raises(InputRefused, match=r"clip\.mp4 made the video decoder stop"):
        list(frames)

    assert read_all(video(), tmp_path)[2] is None


def test_whoever_stops_reading_leaves_no_worker(tmp_path, monkeypatch):
    _, frames = frames_of(video(frames=60), tmp_path)
    workers = watched_workers(monkeypatch)
    next(frames)
    frames.close()

    assert not Path(f"/proc/{workers[0].process_id}").exists()


def test_a_worker_that_cannot_start_is_no_fault_of_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GlassplateError, match="video decoder does not start") as caught:
        next(frames_of(video(), tmp_path)[1])
    assert not isinstance(caught.value, InputRefused)


def watched_workers(monkeypatch):
    """The workers that are started from here on."""
    workers = []

    class Watched(video_module.CagedVideo):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            workers.append(self)

    monkeypatch.setattr(video_module, "CagedVideo", Watched)
    return workers


def test_the_running_worker_is_caged(tmp_path, monkeypatch):
    workers = watched_workers(monkeypatch)
    _, frames = frames_of(video(frames=60), tmp_path)
    next(frames)

    process = Path(f"/proc/{workers[0].process_id}")
    limits = (process / "limits").read_text().splitlines()
    soft_and_hard = {line[:26].strip(): line[26:].split()[:2] for line in limits[1:]}
    assert soft_and_hard["Max open files"] == ["4", "4"]
    assert soft_and_hard["Max file size"] == ["0", "0"]
    assert soft_and_hard["Max core file size"] == ["0", "0"]
    assert soft_and_hard["Max address space"] == ["2000000000", "2000000000"]
    assert "NoNewPrivs:\t1" in (process / "status").read_text()
    if os.geteuid() == 0:  # nobody else looks into a process that hides its memory
        assert (process / "environ").read_bytes() == b""
        assert sorted(entry.name for entry in (process / "fd").iterdir()) == ["0", "1", "2", "3"]
        assert (process / "fd" / "3").resolve() == tmp_path / "clip.mp4"
    frames.close()


def test_a_film_with_any_bytes_flipped_is_read_or_refused_and_nothing_else(tmp_path):
    """Flip, cut, repeat, whatever: each file ends in frames and at most one sentence, and none of them hangs."""
    seeds = [video(frames=12), video("matroska", "libx264", frames=12), video("avi", "mjpeg", frames=6)]
    refused = whole = 0
    failures = []
    for number in range(FLIPS):
        data = mutated(seeds[number % len(seeds)], random.Random(number))
        _, frames, refusal = read_all(data, tmp_path, seconds_for_one_frame=20)
        refused += refusal is not None
        whole += refusal is None
        if refusal is not None and not refusal.startswith("clip.mp4"):
            failures.append((number, refusal))
        if any(frame.pixels.shape[2] != 3 or frame.pixels.dtype != np.uint8 for frame in frames):
            failures.append((number, "a frame is no picture"))
        if refusal is not None and "stop" in refusal:
            failures.append((number, refusal))  # the decoder crashed: worth a look, and a report to FFmpeg
    assert failures == []
    assert refused > 0
    assert whole > 0


def mutated(data: bytes, randomness: random.Random) -> bytes:
    mutant = bytearray(data)
    for _ in range(randomness.randint(1, 12)):
        at = randomness.randrange(len(mutant))
        kind = randomness.randrange(4)
        if kind == 0:
            mutant[at] ^= 1 << randomness.randrange(8)
        elif kind == 1:
            mutant[at : at + 4] = randomness.randbytes(4)
        elif kind == 2:
            del mutant[at : at + randomness.randint(1, 40)]
        else:
            mutant[at:at] = mutant[: randomness.randint(1, 60)]
    return bytes(mutant)


ESCAPES = {
    "open a file": "open('/etc/passwd')",
    "make a file": "os.open('/tmp/escaped', os.O_CREAT | os.O_WRONLY)",
    "open a socket": "socket.socket()",
    "start a program": "subprocess.run(['/bin/true'])",
}


@pytest.mark.parametrize("attempt", ESCAPES.values(), ids=ESCAPES.keys())
def test_code_inside_the_cage_of_a_file_cannot(attempt, tmp_path):
    path = written(video(), tmp_path / "clip.mp4")
    program = f"""
import importlib, os, pkgutil, signal, socket, subprocess, av
from glassplate.capture import _video_worker
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for module in pkgutil.walk_packages(av.__path__, "av."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
_video_worker._open_file(os.open({str(path)!r}, os.O_RDONLY))
try:
    {attempt}
except OSError:
    os.write(1, b"refused")
else:
    os.write(1, b"escaped")
os._exit(0)
"""
    run = subprocess.run(
        [sys.executable, "-I", "-c", program], stdout=subprocess.PIPE, timeout=60, check=True
    )
    assert run.stdout == b"refused"


def test_an_answer_survives_its_bytes():
    answer = _video_protocol.Answer(_video_protocol.PIXELS, 1, 640, 480, -5, 7, 8, 9)
    assert _video_protocol.Answer.parse(answer.packed()) == answer
    assert len(answer.packed()) == _video_protocol.SIZE_OF_ANSWER
