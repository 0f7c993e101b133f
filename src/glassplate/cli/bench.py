"""``glassplate bench recognition``: how well plates are read, on photos whose plates are known."""

from __future__ import annotations

import json as json_text
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassplate.cli.bench_report import engine_document, machine, tables
from glassplate.cli.console import emit, progress, say, shown
from glassplate.cli.options import Json
from glassplate.errors import GlassplateError, InputRefused, UsageError
from glassplate.files import LocalFiles
from glassplate.recognize.engines import DEFAULT_ENGINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.engine_process import EngineProcess, TimedReading
    from glassplate.recognize.labeled_photos import LabeledPhoto
    from glassplate.recognize.measure import PhotoScore, Truth
    from glassplate.recognize.recognizer import Pixels

STREET_GRAY = (96, 98, 101)
MARGIN_WIDTHS, MARGIN_HEIGHTS = (
    1.0,
    1.5,
)  # of street around a crop, so that a finder of plates has one to find

_verbs = typer.Typer(help="Measure on this machine.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="bench")


@_verbs.callback()
def _group() -> None:
    """Measure on this machine."""


@dataclass(slots=True)
class _Run:
    """One recognizer's walk over the data set."""

    name: str
    process: EngineProcess
    scores: list[PhotoScore] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list, repr=False)
    peak_bytes: int = 0


@_verbs.command(
    "recognition",
    epilog="Example: glassplate bench recognition ./photos --engine glassplate --engine whole-frame",
)
def recognition(
    dataset: Annotated[
        Path, typer.Argument(help="Folder with plates.csv (image, plate, …) or of pictures named TEXT.jpg.")
    ],
    engine: Annotated[
        list[str] | None,
        typer.Option(
            help="Recognizer; may be repeated, then they take turns photo by photo.",
            show_default=DEFAULT_ENGINE,
        ),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only this many photos, taken evenly.")] = None,
    crops: Annotated[
        bool, typer.Option("--crops", help="Read each plate's box (or the whole picture) on an empty street.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write one JSON line for each photo and recognizer here.")
    ] = None,
    json: Json = False,
) -> None:
    """Measure recognizers on photos with known plates. Exit status 1 when a photo failed."""
    del json
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.engine_process import EngineProcess
    from glassplate.recognize.labeled_photos import each_plate, read_dataset, spread

    if out is not None and out.exists():
        raise UsageError(f"{out} exists and is not overwritten. Give another name.")
    photos = read_dataset(dataset)
    photos = each_plate(photos) if crops else photos
    photos = spread(photos, limit or len(photos))
    with ExitStack() as stack:
        names = list(dict.fromkeys(engine or [DEFAULT_ENGINE]))
        runs = [_Run(name, stack.enter_context(EngineProcess(name))) for name in names]
        decoder = stack.enter_context(Decoder())
        bars = stack.enter_context(progress())
        task = bars.add_task("reading photos", total=len(photos) * len(runs))
        for turn, photo in enumerate(photos):
            first = turn % len(runs)  # nobody always has the caches warmed by the same other one
            _measure_photo(photo, [*runs[first:], *runs[:first]], decoder, crops=crops)
            bars.advance(task, len(runs))
    if out is not None:
        lines = [json_text.dumps(line, ensure_ascii=False) for run in runs for line in run.lines]
        LocalFiles().write_atomic(out, ("\n".join(lines) + "\n").encode(), mode=0o600)
    _tell(dataset, photos, runs, crops=crops)


def _measure_photo(photo: LabeledPhoto, runs: Sequence[_Run], decoder: Decoder, *, crops: bool) -> None:
    from glassplate.recognize.measure import failed_photo, score_photo

    shown_as = photo.truths
    refusal: GlassplateError | None = None
    pixels: Pixels | None = None
    try:
        decoded = decoder.decode(_bytes_of(photo.path), photo.path.name)
        pixels, shown_as = _on_a_street(decoded, photo.truths[0]) if crops else (decoded, photo.truths)
    except InputRefused as error:
        refusal = error
    for run in runs:
        reading: TimedReading | None = None
        reason = str(refusal or "")
        if pixels is not None:
            try:
                reading = run.process.read(pixels)
            except GlassplateError as error:
                reason = str(error)
        if reading is None:
            run.failed.append((photo.path.name, reason))
            score = failed_photo(shown_as)
        else:
            run.peak_bytes = max(run.peak_bytes, reading.peak_bytes)
            score = score_photo(shown_as, reading.candidates, reading.cpu_ms)
        run.scores.append(score)
        run.lines.append(_line(photo, run, reading, reason))


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputRefused(f"{path.name} cannot be read: {error.strerror}.") from None


def _on_a_street(pixels: Pixels, truth: Truth) -> tuple[Pixels, tuple[Truth, ...]]:
    """The plate alone in a picture of plain gray, and where it stands there.

    Raises:
        InputRefused: the plate's box does not lie in the picture.
    """
    from dataclasses import replace

    import numpy as np

    if truth.box is not None:
        x, y, width, height = truth.box
        if x + width > pixels.shape[1] or y + height > pixels.shape[0]:
            raise InputRefused(
                f"The plate's box {truth.box} does not lie in the picture. Mend it in plates.csv."
            )
        pixels = pixels[y : y + height, x : x + width]
    height, width = pixels.shape[:2]
    left, top = round(width * MARGIN_WIDTHS), round(height * MARGIN_HEIGHTS)
    street = np.full((height + 2 * top, width + 2 * left, 3), STREET_GRAY, dtype=np.uint8)
    street[top : top + height, left : left + width] = pixels
    return street, (replace(truth, box=(left, top, width, height)),)


def _line(photo: LabeledPhoto, run: _Run, reading: TimedReading | None, reason: str) -> dict[str, Any]:
    """What is written of one photo to ``--out``."""
    line: dict[str, Any] = {
        "photo": photo.path.name,
        "engine": run.name,
        "truths": [truth.text for truth in photo.truths],
        "group": photo.truths[0].group,
    }
    if reading is None:
        return {**line, "failed": reason}
    return {
        **line,
        "cpu_ms": round(reading.cpu_ms, 2),
        "junk": run.scores[-1].junk,
        "plates": [
            {"exact": plate.exact, "top_1": plate.top_1, "folded": plate.folded, "overlap": plate.overlap}
            for plate in run.scores[-1].plates
        ],
        "outputs": [
            {
                "text": one.text,
                "character_confidences": list(one.character_confidences),
                "box": list(one.box),
                "region": [one.region, one.region_confidence],
            }
            for one in reading.candidates
        ],
    }


def _tell(dataset: Path, photos: Sequence[LabeledPhoto], runs: Sequence[_Run], *, crops: bool) -> None:
    here = machine()
    documents = [
        engine_document(run.name, run.process.version, run.scores, run.failed, run.peak_bytes) for run in runs
    ]
    emit(
        {
            "dataset": dataset.resolve().name,
            "photos": len(photos),
            "crops": crops,
            "machine": here,
            "engines": documents,
        },
        tables(documents),
    )
    say(
        shown(f"Measured on {here['processor']}, {here['cores']} cores, onnxruntime {here['onnxruntime']}.")
        + " One process of one thread for each recognizer; decoding is not counted. In brackets: the 95 % interval."
    )
    failures = sum(len(run.failed) for run in runs)
    if failures:
        say(f"[bold red]glassplate:[/] {failures} readings failed; they count as not read.")
        raise typer.Exit(GlassplateError.exit_code)
