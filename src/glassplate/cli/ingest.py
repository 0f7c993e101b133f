"""``glassplate ingest``: run a lane over a folder of photos, or over a video file."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.capture.camera import FolderCamera, modified_at
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, plain, progress, say
from glassplate.cli.ingest_video import run_video_lane, video_document, video_lines
from glassplate.cli.lane_parts import camera_key, fetch_sealer, pinned_recognizer
from glassplate.cli.options import DEFAULT_DIR, Dir, Engine, Json, Unlock, city
from glassplate.errors import InputRefused, UsageError
from glassplate.lane import Lane, LaneOutcome
from glassplate.recognize.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.client import VaultClient
    from glassplate.config import CityFolder


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "ingest",
        epilog="Example: glassplate ingest ./photos --camera court-16th   glassplate ingest clip.mp4 --camera court-16th",
    )(ingest)


def ingest(
    source: Annotated[Path, typer.Argument(help="Folder of JPEG and PNG photos, or one video file.")],
    camera: Annotated[
        str, typer.Option(help="A camera that the charter lists; its key lies in DIR/lane/CAMERA.")
    ],
    captured_at: Annotated[
        str | None,
        typer.Option(
            "--captured-at",
            "--starts-at",
            help="Capture time of all photos, or of a video's first frame (ISO with zone); default: each file's own time.",
        ),
    ] = None,
    engine: Engine = DEFAULT_ENGINE,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Read photos or a video, seal what was read to the day's public key, hand it to the vault. The files stay."""
    del json
    folder = city(directory)
    at = None if captured_at is None else _time(captured_at)
    with vault_client(folder, signed_in=False, unlock=unlock) as client:
        if source.is_file():
            walked = run_video_lane(client, folder, camera, source, at, engine)
            outcome = walked.outcome
            emit(video_document(walked), video_lines(walked))
        else:
            when = modified_at if at is None else lambda _path: at
            outcome = run_lane(client, folder, camera, source, when, engine)
            emit(_document(outcome), _lines(outcome))
    for refusal in outcome.refused:
        say(f"[bold red]glassplate:[/] {refusal}")
    if outcome.refused or outcome.refused_by_vault:
        raise typer.Exit(InputRefused.exit_code)


def run_lane(
    client: VaultClient,
    folder: CityFolder,
    camera_id: str,
    photos: Path,
    captured_at: Callable[[Path], datetime],
    engine: str = DEFAULT_ENGINE,
) -> LaneOutcome:
    """One camera's walk over a folder, with a progress bar."""
    from glassplate.capture.outbox import Outbox
    from glassplate.recognize.decode import Decoder
    from glassplate.seal import BatchSigner

    key = camera_key(folder, camera_id)
    recognizer, scenes = pinned_recognizer(engine, client)
    outcome = LaneOutcome()

    def refuse(refusal: InputRefused) -> None:
        outcome.frames += 1  # it was offered, though it never became a frame
        outcome.refused.append(str(refusal))

    source = FolderCamera(photos, camera_id, captured_at, on_refused=refuse)
    total = sum(1 for path in photos.iterdir() if path.is_file()) if photos.is_dir() else 0
    sealer = fetch_sealer(client, folder)
    with (
        Decoder() as decoder,
        closing(Outbox(folder.lane(camera_id) / "outbox.db")) as outbox,
        progress() as bars,
    ):
        lane = Lane(
            source,
            decoder,
            recognizer,
            scenes,
            sealer,
            BatchSigner(camera_id, key.private_key),
            outbox,
        )
        task = bars.add_task("reading photos", total=total)
        lane.capture(outcome, on_frame=lambda _frame: bars.advance(task))
        lane.deliver(client, outcome)
    return outcome


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time. Write 2026-11-25T08:00Z.") from None
    if time.tzinfo is None:
        raise UsageError(f"{text!r} has no zone. Write 2026-11-25T08:00Z.")
    return time.astimezone(UTC)


def _document(outcome: LaneOutcome) -> dict[str, object]:
    return {
        "photos": outcome.frames,
        "reads": plain(outcome.reads),
        "without_plate": outcome.without_plate,
        "not_kept": outcome.not_kept,
        "delivered": outcome.delivered,
        "already_there": outcome.duplicates,
        "refused_files": outcome.refused,
        "refused_by_vault": plain(outcome.refused_by_vault),
    }


def _lines(outcome: LaneOutcome) -> list[str]:
    read = (
        f"{_many(outcome.frames, 'photo')}: {_many(len(outcome.reads), 'plate')} read, "
        f"{_many(outcome.without_plate, 'photo')} without a plate, {_many(len(outcome.refused), 'file')} refused."
    )
    if outcome.not_kept:
        read += f" {_many(outcome.not_kept, 'read')} not kept: too large for a plate, of another shape, or with people in it."
    stored = f"{_many(outcome.delivered, 'read')} sealed and stored, {outcome.duplicates} there already."
    return [read, stored, *(f"  refused by the vault: {reason}" for _, reason in outcome.refused_by_vault)]


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
