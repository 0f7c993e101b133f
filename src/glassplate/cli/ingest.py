"""``glassplate ingest``: run a lane over a folder of photos."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.capture.camera import FolderCamera, modified_at
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, plain, progress, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import InputRefused, UsageError
from glassplate.lane import Lane, LaneOutcome, open_bundle
from glassplate.log import VerifierKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.client import VaultClient
    from glassplate.config import CityFolder


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("ingest", epilog="Example: glassplate ingest ./photos --camera court-16th")(ingest)


def ingest(
    photos: Annotated[Path, typer.Argument(help="Folder of JPEG and PNG photos.")],
    camera: Annotated[
        str, typer.Option(help="A camera that the charter lists; its key lies in DIR/lane/CAMERA.")
    ],
    captured_at: Annotated[
        str | None,
        typer.Option(help="Capture time of all photos (ISO with zone); default: each file's own time."),
    ] = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Read photos, seal what was read to the day's public key, hand it to the vault. Photos stay where they are."""
    del json
    folder = city(directory)
    when = _fixed(captured_at) if captured_at else modified_at
    with vault_client(folder, signed_in=False, unlock=unlock) as client:
        outcome = run_lane(client, folder, camera, photos, when)
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
) -> LaneOutcome:
    """One camera's walk over a folder, with a progress bar."""
    from glassplate.capture.outbox import Outbox
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.whole_frame import WholeFrameRecognizer
    from glassplate.seal import BatchSigner, CameraKey

    lane_folder = folder.lane(camera_id)
    key_path = lane_folder / "camera.key"
    if not key_path.exists():
        raise UsageError(
            f"No key for camera {camera_id!r} ({key_path}). Make it with: glassplate charter camera-key {camera_id}"
        )
    bundle_key = VerifierKey.parse((folder.public / "bundle.vkey").read_text().strip())
    outcome = LaneOutcome()

    def refuse(refusal: InputRefused) -> None:
        outcome.frames += 1  # it was offered, though it never became a frame
        outcome.refused.append(str(refusal))

    source = FolderCamera(photos, camera_id, captured_at, on_refused=refuse)
    total = sum(1 for path in photos.iterdir() if path.is_file()) if photos.is_dir() else 0
    sealer = open_bundle(client.epoch_bundle(), bundle_key)
    with Decoder() as decoder, closing(Outbox(lane_folder / "outbox.db")) as outbox, progress() as bars:
        lane = Lane(
            source,
            decoder,
            WholeFrameRecognizer(),
            sealer,
            BatchSigner(camera_id, CameraKey.load(key_path).private_key),
            outbox,
        )
        task = bars.add_task("reading photos", total=total)
        lane.capture(outcome, on_frame=lambda _frame: bars.advance(task))
        lane.deliver(client, outcome)
    return outcome


def _fixed(text: str) -> Callable[[Path], datetime]:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time. Write 2026-11-25T08:00Z.") from None
    if time.tzinfo is None:
        raise UsageError(f"{text!r} has no zone. Write 2026-11-25T08:00Z.")
    return lambda _path: time.astimezone(UTC)


def _document(outcome: LaneOutcome) -> dict[str, object]:
    return {
        "photos": outcome.frames,
        "reads": plain(outcome.reads),
        "without_plate": outcome.without_plate,
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
    stored = f"{_many(outcome.delivered, 'read')} sealed and stored, {outcome.duplicates} there already."
    return [read, stored, *(f"  refused by the vault: {reason}" for _, reason in outcome.refused_by_vault)]


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
