"""``glassplate read``: read the plates of photos and store nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.console import emit, progress, say
from glassplate.cli.options import Json
from glassplate.errors import InputRefused

if TYPE_CHECKING:
    from glassplate.recognize.reading import PhotoReading

MAX_PHOTO_BYTES = 20 * 1024 * 1024  # the decoder's own limit, so that a wrong file is not read whole


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("read", epilog="Example: glassplate read street.jpg --json")(read)


def read(
    photos: Annotated[list[Path], typer.Argument(help="JPEG or PNG files.")],
    json: Json = False,
) -> None:
    """Read the plates of any photo. Nothing is stored, nothing leaves this machine."""
    del json
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.reading import read_photo
    from glassplate.recognize.whole_frame import WholeFrameRecognizer

    readings: list[PhotoReading] = []
    refusals: list[InputRefused] = []
    with Decoder() as decoder, progress() as bars:
        recognizer = WholeFrameRecognizer()
        task = bars.add_task("reading", total=len(photos), visible=len(photos) > 1)
        for photo in photos:
            try:
                readings.append(read_photo(_bytes_of(photo), photo.name, decoder, recognizer))
            except InputRefused as error:
                refusals.append(error)
            bars.advance(task)
    emit(
        [_document(reading) for reading in readings] + [{"error": str(r)} for r in refusals], _lines(readings)
    )
    for refusal in refusals:
        say(f"[bold red]glassplate:[/] {refusal}")
    if refusals:
        raise typer.Exit(InputRefused.exit_code)


def _bytes_of(photo: Path) -> bytes:
    try:
        with photo.open("rb") as file:
            return file.read(MAX_PHOTO_BYTES + 1)
    except OSError as error:
        raise InputRefused(f"{photo} cannot be read: {error.strerror}. Check the name.") from None


def _document(reading: PhotoReading) -> dict[str, object]:
    return {
        "photo": reading.name,
        "width": reading.width,
        "height": reading.height,
        "milliseconds": round(reading.milliseconds, 1),
        "plates": [
            {
                "text": candidate.text,
                "character_confidences": [round(value, 3) for value in candidate.character_confidences],
                "box": list(candidate.box),
                "alternatives": [[a.text, round(a.confidence, 3)] for a in candidate.alternatives],
            }
            for candidate in reading.candidates
        ],
    }


def _lines(readings: list[PhotoReading]) -> list[str]:
    lines = []
    for reading in readings:
        if not reading.candidates:
            lines.append(f"{reading.name}: no plate found.")
        for candidate in reading.candidates:
            each = " ".join(
                f"{c}:{v:.2f}" for c, v in zip(candidate.text, candidate.character_confidences, strict=True)
            )
            lines.append(f"{reading.name}: [bold]{candidate.text}[/]  ({each})")
    return lines
