"""``glassplate watch``: run a live lane beside one camera."""

from __future__ import annotations

import signal
import threading
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.capture.networks import CameraNetworks, StreamAddress
from glassplate.cli.connection import vault_answers
from glassplate.cli.console import emit, say, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Engine, Json, city
from glassplate.client import VaultClient
from glassplate.config import load_settings
from glassplate.errors import UsageError, VaultUnreachable
from glassplate.recognize.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from glassplate.config import CityFolder
    from glassplate.lane_live import LiveLane
    from glassplate.seal import Heartbeat

STREAM_NAME = "stream.url"
OTHERS_MAY = 0o077


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("watch", epilog="Example: glassplate watch rtsp://10.20.0.7/street --camera court-16th")(
        watch
    )


def watch(
    camera: Annotated[
        str, typer.Option(help="A camera that the charter lists; its key lies in DIR/lane/CAMERA.")
    ],
    stream: Annotated[
        str | None,
        typer.Argument(
            help="The camera's RTSP address, without user name and password. Default: the address in "
            "DIR/lane/CAMERA/stream.url, which may hold them.",
            show_default=False,
        ),
    ] = None,
    frames_a_second: Annotated[float, typer.Option(min=1, max=30, help="Frames analyzed a second.")] = 12,
    engine: Engine = DEFAULT_ENGINE,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Watch a live camera until stopped with Ctrl-C: one sealed read for each passing vehicle, a heartbeat each 15 s."""
    del json
    folder = city(directory)
    networks = CameraNetworks.parse(load_settings(folder).camera_networks)
    address = stream_address(folder, camera, stream)
    if not vault_answers(folder):
        raise VaultUnreachable("A live lane needs a running vault. Start it with: glassplate serve")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as stack:
        client = stack.enter_context(VaultClient(folder.socket))
        lane = live_lane(stack, client, folder, camera, address, networks, engine, frames_a_second, stop)
        say(f"Watching {shown(str(address))} as {shown(camera)}. Stop with Ctrl-C.")
        lane.on_state = _tell
        lane.run()
        emit(_document(lane), _lines(lane))


def stream_address(folder: CityFolder, camera_id: str, given: str | None) -> StreamAddress:
    """The camera's address.

    Raises:
        UsageError: none is given or kept, it is none, or it would show its password to others on this machine.
    """
    if given is not None:
        address = StreamAddress.parse(given)
        if address.has_login:
            raise UsageError(
                "Everybody on this machine can see a command's words. Write the address with its password into "
                f"{folder.lane(camera_id) / STREAM_NAME} (chmod 600) and leave it out here."
            )
        return address
    path = folder.lane(camera_id) / STREAM_NAME
    try:
        mode, text = path.stat().st_mode, path.read_text()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"Give the camera's address, such as rtsp://10.20.0.7/street, or write it into {path}."
        ) from None
    if mode & OTHERS_MAY:
        raise UsageError(f"Others on this machine may read {path}. Close it: chmod 600 {path}")
    return StreamAddress.parse(text)


def live_lane(
    stack: ExitStack,
    client: VaultClient,
    folder: CityFolder,
    camera_id: str,
    address: StreamAddress,
    networks: CameraNetworks,
    engine: str,
    frames_a_second: float,
    stop: threading.Event,
) -> LiveLane:
    """Everything that a live lane holds: public keys, its camera's signing key, the outbox."""
    from glassplate.capture.outbox import Outbox
    from glassplate.capture.rtsp import RtspCamera, now_utc
    from glassplate.cli.lane_parts import camera_key, fetch_sealer, pinned_recognizer
    from glassplate.files import LocalFiles
    from glassplate.lane import Courier
    from glassplate.lane_live import STATUS_NAME, LiveLane
    from glassplate.lane_video import VideoWalk
    from glassplate.seal import BatchSigner

    key = camera_key(folder, camera_id)
    recognizer, scenes = pinned_recognizer(engine, client, video=True)
    source = RtspCamera(address, networks, camera_id, stop, frames_a_second=frames_a_second)
    source.check()
    outbox = stack.enter_context(closing(Outbox(folder.lane(camera_id) / "outbox.db")))
    return LiveLane(
        camera=source,
        walk=VideoWalk(camera_id, recognizer, scenes, fetch_sealer(client, folder), outbox),
        courier=Courier(BatchSigner(camera_id, key.private_key), outbox),
        client=client,
        private_key=key.private_key,
        fetch_sealer=lambda: fetch_sealer(client, folder),
        files=LocalFiles(),
        status_file=Path(folder.lane(camera_id) / STATUS_NAME),
        clock=now_utc,
    )


def _tell(beat: Heartbeat) -> None:
    """A change of state, for the person at the lane. Never a plate: nobody watches reads as they come."""
    sees = f"sees, with failures: {beat.warning}" if beat.warning else "sees"
    words = {"seeing": sees, "stopped": "stopped"}.get(
        beat.state, f"[bold red]does not see: {beat.problem}[/]"
    )
    say(f"  {beat.at:%Y-%m-%d %H:%M:%S} UTC  {shown(beat.camera_id)} {words}")


def _document(lane: LiveLane) -> dict[str, object]:
    counts = lane.camera.counts
    return {
        "decoded": counts.decoded,
        "looked_at": lane.outcome.frames,
        "still": lane.walk.gate.still,
        "missed": counts.dropped,
        "damaged": counts.damaged,
        "failed": lane.failed,
        "lost": lane.outcome.lost,
        "scenes_failed": lane.outcome.scenes_failed,
        "reads": lane.reads,
        "not_kept": lane.outcome.not_kept,
        "delivered": lane.outcome.delivered,
        "already_there": lane.outcome.duplicates,
        "refused_by_vault": dict(lane.refused_by_vault),
        "waiting": lane.walk.outbox.state().waiting,
    }


def _lines(lane: LiveLane) -> list[str]:
    said = _document(lane)
    frames = f"{said['decoded']} frames: {said['looked_at']} looked at, {said['still']} still"
    lines = [
        f"{said['reads']} vehicles read, {said['delivered']} reads sealed and stored, {said['waiting']} wait for the vault.",
        f"{frames}, {said['missed']} missed for lack of time, {said['damaged']} damaged.",
    ]
    if lane.outcome.not_kept:
        lines.append(
            f"{lane.outcome.not_kept} not kept: too large for a plate, of another shape, or with people in it."
        )
    if said["failed"] or said["lost"] or said["scenes_failed"]:
        lines.append(
            f"The recognizer failed on {said['failed']} frames; {said['lost']} vehicles were read and lost; "
            f"{said['scenes_failed']} reads are kept without a picture, because it could not be redacted."
        )
    if lane.vault_problem:
        lines.append(f"The vault took nothing at the end: {lane.vault_problem}")
    return [
        *lines,
        *(f"  refused by the vault: {n} × {reason}" for reason, n in lane.refused_by_vault.items()),
    ]
