"""``glassplate read``: read the plates of photos and store nothing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.console import emit, plain, progress, say, shown, vehicle_words
from glassplate.cli.options import Engine, Json
from glassplate.errors import InputRefused, UsageError
from glassplate.recognize.engines import DEFAULT_ENGINE
from glassplate.recognize.engines import engine as recognizer_named
from glassplate.records import UNKNOWN

if TYPE_CHECKING:
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.reading import PhotoReading
    from glassplate.recognize.recognizer import PlateCandidate
    from glassplate.records import Vehicle

MAX_PHOTO_BYTES = 20 * 1024 * 1024  # the decoder's own limit, so that a wrong file is not read whole
_JPEG_SUFFIXES = (".jpg", ".jpeg")


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "read",
        epilog="Example: glassplate read street.jpg --json   glassplate read street.jpg --picture marked.jpg",
    )(read)


def read(
    photos: Annotated[list[Path], typer.Argument(help="JPEG or PNG files.")],
    picture: Annotated[
        Path | None,
        typer.Option(
            help="Draw what was read on the one photo and write it here. It shows the plate, and everything else.",
            show_default=False,
        ),
    ] = None,
    engine: Engine = DEFAULT_ENGINE,
    json: Json = False,
) -> None:
    """Read the plates of any photo. Nothing is stored, nothing leaves this machine."""
    del json
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.reading import read_photo
    from glassplate.recognize.scenes import VehicleScenes

    if picture is not None:
        _demand_new_picture(picture, photos)
    readings: list[PhotoReading] = []
    refusals: list[InputRefused] = []
    with Decoder() as decoder, progress() as bars:
        recognizer, scenes = recognizer_named(engine), VehicleScenes()
        task = bars.add_task("reading", total=len(photos), visible=len(photos) > 1)
        for photo in photos:
            try:
                readings.append(read_photo(_bytes_of(photo), photo.name, decoder, recognizer, scenes=scenes))
            except InputRefused as error:
                refusals.append(error)
            bars.advance(task)
        if picture is not None and readings:
            _draw(picture, photos[0], readings[0], decoder)
    emit(
        [_document(reading) for reading in readings] + [{"error": str(r)} for r in refusals], _lines(readings)
    )
    for refusal in refusals:
        say(f"[bold red]glassplate:[/] {shown(str(refusal))}")
    if refusals:
        raise typer.Exit(InputRefused.exit_code)


def _bytes_of(photo: Path) -> bytes:
    try:
        with photo.open("rb") as file:
            return file.read(MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise InputRefused(f"{photo} cannot be read: {error.strerror}. Check the name.") from None


def _demand_new_picture(picture: Path, photos: list[Path]) -> None:
    if len(photos) != 1:
        raise UsageError(f"--picture takes one photo, got {len(photos)}. Read them one by one.")
    if picture.suffix.lower() not in _JPEG_SUFFIXES:
        raise UsageError(f"--picture writes a JPEG; name it {picture.stem}.jpg.")
    if picture.exists() or picture.is_symlink():
        raise UsageError(f"{picture} exists and is not overwritten. Give another name.")


def _draw(picture: Path, photo: Path, reading: PhotoReading, decoder: Decoder) -> None:
    """Write the marked photo, readable by its owner only; a file that came in between is not touched."""
    from glassplate.recognize.marked_picture import mark

    jpeg = mark(decoder.decode(_bytes_of(photo), photo.name), reading.candidates)
    descriptor = os.open(picture, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(jpeg)
    say(
        f"Wrote {shown(str(picture))}. It shows the whole photo with its plates: delete it when it has served."
    )


def _document(reading: PhotoReading) -> dict[str, object]:
    return {
        "photo": reading.name,
        "width": reading.width,
        "height": reading.height,
        "milliseconds": round(reading.milliseconds, 1),
        "plates": [_plate_document(*one) for one in zip(reading.candidates, reading.vehicles, strict=True)],
    }


def _plate_document(candidate: PlateCandidate, vehicle: Vehicle) -> dict[str, object]:
    corners = candidate.corners
    return {
        "text": candidate.text,
        "character_confidences": [round(value, 3) for value in candidate.character_confidences],
        "box": list(candidate.box),
        "corners": None if corners is None else [[round(x, 1), round(y, 1)] for x, y in corners],
        "region": candidate.region,
        "region_confidence": round(candidate.region_confidence, 3),
        "vehicle": plain(vehicle),
        "alternatives": [[a.text, round(a.confidence, 3)] for a in candidate.alternatives],
    }


def _lines(readings: list[PhotoReading]) -> list[str]:
    lines = []
    for reading in readings:
        name = shown(reading.name)
        if not reading.candidates:
            lines.append(f"{name}: no plate found.")
        both = zip(reading.candidates, reading.vehicles, strict=True)
        lines += [f"{name}: {_line(candidate, vehicle)}" for candidate, vehicle in both]
    return lines


def _line(candidate: PlateCandidate, vehicle: Vehicle) -> str:
    each = " ".join(
        f"{c}:{v:.2f}" for c, v in zip(candidate.text, candidate.character_confidences, strict=True)
    )
    region = "region unknown"
    if candidate.region != UNKNOWN:
        region = f"{candidate.region} {candidate.region_confidence:.2f}"
    others = ", ".join(f"{other.text} {other.confidence:.2f}" for other in candidate.alternatives)
    said = f"[bold]{candidate.text}[/]  ({each})  {region}, vehicle {vehicle_words(vehicle)}"
    return said + (f"  or {others}" if others else "")
