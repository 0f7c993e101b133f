"""``glassplate watch`` against a real RTSP server, and ``glassplate ingest`` of a video file: through the real commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.commands import client, vault_process
from tests.support.ports import free_port
from tests.system.conftest import CAMERA, PHOTOS

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "capture"))

from rtsp_testing import demand_server, gstreamer_camera

CLIP = PHOTOS / "passage.mp4"
PLATE = "6HNV372"
RED_WITHIN_SECONDS = 10.0


def allow_loopback(person):
    settings = person.place / "city" / "settings.toml"
    settings.write_text(
        settings.read_text().replace('camera_networks = ""', 'camera_networks = "127.0.0.0/8"')
    )


def wait_until(holds, what, seconds=90.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
        time.sleep(0.1)


def clip_as_photos(folder):
    """The demo's clip as JPEG files, which the server plays over and over."""
    from PIL import Image

    from glassplate.capture.video import VideoFile

    folder.mkdir()
    for number, frame in enumerate(VideoFile(CLIP, CAMERA, datetime.now(UTC)).frames()):
        Image.fromarray(frame.pixels).save(folder / f"{number:03}.jpg", quality=92)
    return f"{folder}/%03d.jpg"


def started(person, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "glassplate", "watch", *arguments, "--dir", "city", "--json"],
        cwd=person.place,
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_watched_street_gives_a_sealed_read_and_a_dead_stream_turns_red(person, tmp_path):
    demand_server()
    allow_loopback(person)
    city, port = person.place / "city", free_port()
    (city / "lane" / CAMERA / "stream.url").write_text(f"rtsp://viewer:s3cret@127.0.0.1:{port}/street\n")
    (city / "lane" / CAMERA / "stream.url").chmod(0o600)
    server = ("viewer", "s3cret", "--frames", clip_as_photos(tmp_path / "frames"))

    def camera():
        with client(city) as anybody:
            return next(one for one in anybody.status().cameras if one.camera_id == CAMERA)

    with vault_process(city):
        watch = started(person, "--camera", CAMERA)
        try:
            with gstreamer_camera(port, *server):
                wait_until(lambda: camera().state == "seeing", "the camera is green")
                wait_until(lambda: reads_stored(city) >= 1, "a read is stored")
                assert "sees, last frame" in person.run("doctor", "--dir", "city").words
            lost_at = time.monotonic()
            wait_until(lambda: camera().is_red, "the camera is red")
            assert time.monotonic() - lost_at < RED_WITHIN_SECONDS
            doctor = person.run("doctor", "--dir", "city", "--json")
            assert doctor.code == 1
            assert any(not one["ok"] and "does not see since" in one["detail"] for one in doctor.json)
            metrics = person.must("doctor", "--metrics", "--dir", "city").out
            assert f'glassplate_camera_seeing{{camera="{CAMERA}"}} 0' in metrics
            with gstreamer_camera(port, *server):
                wait_until(lambda: camera().state == "seeing", "the camera is green again")
                watch.send_signal(signal.SIGINT)
                out, err = watch.communicate(timeout=60)
        finally:
            if watch.poll() is None:
                watch.kill()
                watch.communicate()
        assert watch.returncode == 0, err
        assert camera().state == "stopped"

    assert "Traceback" not in err
    assert "s3cret" not in out + err
    assert PLATE not in out + err
    assert '"reads": 1' in out or '"reads": 2' in out
    for path in (person.place / "city" / "vault").glob("cameras.json"):
        assert "s3cret" not in path.read_text()


def reads_stored(city):
    with client(city) as anybody:
        return anybody.report()["reads_live"]


def test_a_video_file_becomes_one_read_for_its_vehicle_and_again_none(person):
    starts = f"{datetime.now(UTC) - timedelta(minutes=5):%Y-%m-%dT%H:%M:%SZ}"
    words = ("--camera", CAMERA, "--dir", "city", "--starts-at", starts, "--json")

    once = person.must("ingest", CLIP, *words).json
    again = person.must("ingest", CLIP, *words).json

    assert [read["text"] for read in once["reads"]] == [PLATE]
    assert once["frames"] == 42
    assert (once["delivered"], once["already_there"]) == (1, 0)
    assert (again["delivered"], again["already_there"]) == (0, 1)
    assert [read["read_id"] for read in again["reads"]] == [read["read_id"] for read in once["reads"]]


def test_a_damaged_video_keeps_what_could_be_read_and_says_so(person):
    cut = person.place / "cut.avi"
    cut.write_bytes(b"RIFF" + CLIP.read_bytes()[:200_000])

    refused = person.run("ingest", "cut.avi", "--camera", CAMERA, "--dir", "city")

    assert refused.code == 1
    assert "cut.avi is not a video that can be read" in refused.words
    assert "0 vehicles read" in refused.words


REFUSED = {
    "no address and none kept": ((), "Give the camera's address, such as rtsp://10.20.0.7/street"),
    "an address with its password": (
        ("rtsp://viewer:s3cret@127.0.0.1/street",),
        "Everybody on this machine can see a command's words.",
    ),
    "another protocol": (("http://127.0.0.1/street",), "has to be rtsp://HOST"),
    "no vault": (("rtsp://127.0.0.1/street",), "A live lane needs a running vault."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_watch_is_refused_in_one_sentence(person, what):
    arguments, sentence = REFUSED[what]
    refused = person.run("watch", *arguments, "--camera", CAMERA, "--dir", "city")
    assert refused.code in (1, 2)
    assert sentence in refused.words
    assert "s3cret" not in refused.words


def test_an_address_that_others_may_read_or_that_lies_outside_is_refused(person):
    city = person.place / "city"
    kept = city / "lane" / CAMERA / "stream.url"
    kept.write_text("rtsp://viewer:s3cret@127.0.0.1/street")
    kept.chmod(0o644)
    assert f"chmod 600 {kept}" in person.run("watch", "--camera", CAMERA, "--dir", "city").words
    kept.chmod(0o600)
    with vault_process(city):
        outside = person.run("watch", "--camera", CAMERA, "--dir", "city")
    assert outside.code == 2
    assert "is at 127.0.0.1, which is in no network that settings.toml lists for cameras" in outside.words
    assert "s3cret" not in outside.words
