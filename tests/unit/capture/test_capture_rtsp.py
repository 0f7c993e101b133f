"""A live camera: a real RTSP server that is killed and comes back, and cameras that misbehave."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from rtsp_testing import demand_server, gstreamer_camera, odd_camera, wait_until

sys.path.insert(0, str(Path(__file__).parents[3]))  # for ``tests.support``, however pytest was started

from tests.support.ports import free_port

from glassplate.capture import rtsp
from glassplate.capture.networks import CameraNetworks, StreamAddress
from glassplate.capture.rtsp import RtspCamera
from glassplate.errors import UsageError

HERE = CameraNetworks.parse("127.0.0.0/8")
OUTAGE_SECONDS = 3.0
LONGEST_GAP_SECONDS = 5.0


class Watching:
    """A camera that is watched in a thread of its own: what came, and when."""

    def __init__(self, address: str, networks: CameraNetworks = HERE, **options):
        self.stop = threading.Event()
        self.camera = RtspCamera(StreamAddress.parse(address), networks, "elm-street", self.stop, **options)
        self.frames, self.times, self.problems, self.interruptions = [], [], [], 0
        self.thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join(30)
        assert not self.thread.is_alive()

    def _watch(self):
        for frame in self.camera.frames():
            if frame is None:
                self.interruptions += 1
                self.problems.append(self.camera.state.problem)
            else:
                self.frames.append(frame)
                self.times.append(time.monotonic())


@pytest.fixture
def port():
    demand_server()
    return free_port()


def test_frames_of_a_real_server_come_with_the_lane_s_time(port):
    before = datetime.now(UTC)
    with gstreamer_camera(port), Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        wait_until(lambda: len(watching.frames) >= 20, "twenty frames")

    assert {frame.pixels.shape for frame in watching.frames} == {(240, 320, 3)}
    times = [frame.captured_at for frame in watching.frames]
    assert times == sorted(times)
    assert before - timedelta(seconds=1) < times[0] <= times[-1] <= datetime.now(UTC)
    assert watching.camera.state.connections == 1
    assert len({frame.frame_id for frame in watching.frames}) == len(watching.frames)


def test_a_server_that_is_killed_for_three_seconds_is_seen_again_within_five(port):
    with Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        with gstreamer_camera(port):
            wait_until(lambda: len(watching.frames) >= 10, "the first frames")
        seen = len(watching.frames)
        killed_at = time.monotonic()
        wait_until(lambda: watching.camera.state.problem != "", "the outage shows")
        assert time.monotonic() - killed_at < 2
        time.sleep(max(0.0, OUTAGE_SECONDS - (time.monotonic() - killed_at)))
        with gstreamer_camera(port):
            back_at = time.monotonic()
            wait_until(lambda: len(watching.frames) > seen + 3, "frames again")
            first_again = next(at for at in watching.times if at > killed_at + 1)
            assert watching.camera.state.problem == ""
            assert watching.camera.state.connections == 2

    assert first_again - back_at <= LONGEST_GAP_SECONDS
    assert watching.interruptions >= 1
    assert set(watching.problems) <= {"ended", "unreachable", "no-video"}


def test_a_stream_that_freezes_is_a_dead_stream(port):
    with gstreamer_camera(port) as server, Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        wait_until(lambda: len(watching.frames) >= 5, "the first frames")
        os.kill(server.pid, signal.SIGSTOP)
        frozen_at = time.monotonic()
        wait_until(lambda: watching.camera.state.problem != "", "the freeze shows")
        assert time.monotonic() - frozen_at < rtsp.STALL_SECONDS + 3
        os.kill(server.pid, signal.SIGCONT)


def test_a_password_is_used_and_shown_nowhere(port):
    password = "p@ss:w/rd 7"
    address = StreamAddress.parse(f"rtsp://viewer:{quote(password, safe='')}@127.0.0.1:{port}/street")
    with gstreamer_camera(port, "viewer", password), Watching(address.secret) as watching:
        wait_until(lambda: len(watching.frames) >= 3, "frames")
        everybody_sees = subprocess.run(
            ["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True
        ).stdout
        ours = [line for line in everybody_sees.splitlines() if "rtsp_server" not in line]
        shown = [*ours, repr(watching.camera.state), repr(vars(watching.camera)), *environments_of_workers()]

    assert any("_video_worker" in line for line in ours)
    for text in shown:
        assert password not in text
        assert "p%40ss" not in text


def environments_of_workers():
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"_video_worker" in (process / "cmdline").read_bytes():
                found.append((process / "environ").read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return found


def test_a_refused_password_is_named_and_not_tried_again_at_once(port, monkeypatch):
    address = f"rtsp://viewer:wrong@127.0.0.1:{port}/street"
    with gstreamer_camera(port, "viewer", "right"), Watching(address) as watching:
        wait_until(lambda: watching.camera.state.problem == "login-refused", "the refusal")
        time.sleep(2)
    assert watching.problems == ["login-refused"]  # cameras lock accounts


def test_a_path_that_the_camera_does_not_know_is_named(port):
    with gstreamer_camera(port), Watching(f"rtsp://127.0.0.1:{port}/nowhere") as watching:
        wait_until(lambda: watching.camera.state.problem == "not-there", "the refusal")


def test_the_worker_of_a_stream_holds_one_connection_and_no_file(port):
    with gstreamer_camera(port), Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        wait_until(lambda: len(watching.frames) >= 3, "frames")
        (worker,) = [
            process
            for process in Path("/proc").glob("[0-9]*")
            if b"_video_worker" in _command(process) and _parent(process) == os.getpid()
        ]
        limits = (worker / "limits").read_text().splitlines()
        soft_and_hard = {line[:26].strip(): line[26:].split()[:2] for line in limits[1:]}
        kinds = {str(entry.readlink()).split(":")[0] for entry in (worker / "fd").iterdir()}
        assert soft_and_hard["Max open files"] == ["7", "7"]
        assert soft_and_hard["Max file size"] == ["0", "0"]
        assert kinds <= {"socket", "/dev/null"}
        assert (worker / "environ").read_bytes() == b""
        assert "NoNewPrivs:\t1" in (worker / "status").read_text()


def _command(process):
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _parent(process):
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


# --- cameras that misbehave -----------------------------------------------------------------------------------------


def silence(connection):
    connection.recv(65536)
    time.sleep(20)


def garbage(connection):
    connection.recv(65536)
    connection.sendall(os.urandom(100_000))


def hang_up(connection):
    connection.recv(65536)


def endless_header(connection):
    connection.recv(65536)
    for _ in range(200):
        connection.sendall(b"X: " + b"a" * 60_000 + b"\r\n")


ODD = {"silence": silence, "garbage": garbage, "hanging up": hang_up, "an endless header": endless_header}


@pytest.mark.parametrize("what", ODD)
def test_a_camera_that_answers_with(what):
    with odd_camera(ODD[what]) as (port, met), Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        wait_until(lambda: watching.interruptions >= 1, "the problem shows")
        wait_until(lambda: len(met) >= 2, "it is asked again")
        assert watching.camera.state.problem in ("no-video", "stalled", "decoder", "ended")
    assert watching.frames == []


def test_a_camera_that_redirects_is_not_followed():
    """libav would connect to wherever the camera says: to the vault's own machine, to anybody."""
    with odd_camera(hang_up) as (elsewhere, met_elsewhere):

        def redirect(connection):
            asked = connection.recv(65536).decode(errors="replace")
            sequence = next(line for line in asked.splitlines() if line.startswith("CSeq"))
            target = f"rtsp://127.0.0.1:{elsewhere}/street"
            connection.sendall(f"RTSP/1.0 302 Found\r\n{sequence}\r\nLocation: {target}\r\n\r\n".encode())
            time.sleep(1)

        with odd_camera(redirect) as (port, met), Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
            wait_until(lambda: len(met) >= 2, "it is asked twice")
            assert watching.interruptions >= 1
        assert met_elsewhere == []


def test_nobody_there_is_asked_again_and_again_with_growing_pauses():
    with Watching(f"rtsp://127.0.0.1:{free_port()}/street") as watching:
        wait_until(lambda: watching.interruptions >= 4, "four tries")
        assert watching.camera.state.problem == "unreachable"
        since = watching.camera.state.since
        wait_until(lambda: watching.interruptions >= 5, "a fifth")
        assert watching.camera.state.since == since  # one outage, not five
    assert watching.frames == []


def test_a_camera_outside_of_the_listed_networks_is_never_asked():
    with odd_camera(hang_up) as (port, met):
        address = f"rtsp://127.0.0.1:{port}/street"
        with Watching(address, CameraNetworks.parse("10.20.0.0/24, 0.0.0.0/0")) as watching:
            with pytest.raises(UsageError, match="is in no network that settings"):
                watching.camera.check()
            wait_until(lambda: watching.camera.state.problem == "outside-networks", "the refusal")
        assert met == []


def test_stopping_is_quick_whatever_the_camera_does():
    with odd_camera(silence) as (port, _), Watching(f"rtsp://127.0.0.1:{port}/street") as watching:
        time.sleep(1)
        began = time.monotonic()
        watching.stop.set()
        watching.thread.join(15)
        assert not watching.thread.is_alive()
        assert time.monotonic() - began < 12
