"""``glassplate audit review``: looks through the audit exports of a city that has another vendor today."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.console import emit, progress, results, say, table
from glassplate.cli.options import Json
from glassplate.errors import InputRefused, UsageError

if TYPE_CHECKING:
    from glassplate.review import Exports, Limits, Masking, Review

MAX_LINES = 15  # findings of one check in the terminal


def review_exports(
    files: Annotated[list[Path], typer.Argument(help="CSV exports, in order; overlapping months are fine.")],
    html: Annotated[
        Path | None, typer.Option(help="Write the page with tables and pictures.", show_default=False)
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", help="Write every finding with its file and line.", show_default=False),
    ] = None,
    show_plates: Annotated[bool, typer.Option("--show-plates", help="Name plates in full.")] = False,
    hide_people: Annotated[
        bool, typer.Option("--hide-people", help="Number the accounts instead of naming them.")
    ] = False,
    wide_networks: Annotated[
        int, typer.Option(min=1, help="Networks in one search that count as wide.")
    ] = 1_000,
    repeat_days: Annotated[
        int, typer.Option(min=2, help="Days with the same plate and no case that count.")
    ] = 4,
    json: Json = False,
) -> None:
    """Find what stands out in search audits, and say what their masks keep anybody from judging. Needs no vault."""
    del json
    from glassplate.review import Limits, Masking, render_page

    for path in files:
        if not path.is_file():
            raise InputRefused(f"{path} is not there. Name the CSV files of the export.")
    limits = Limits(repeat_days_without_case=repeat_days, wide_networks=wide_networks)
    masking = Masking(shows_plates=show_plates, shows_people=not hide_people)
    done = _reviewed(files, limits)
    for out in (html, csv_file):
        if out is not None and any(out.resolve() == path.resolve() for path in files):
            raise UsageError(f"{out} is one of the exports; choose another name for the result.")
    if html is not None:
        html.write_text(render_page(done, datetime.now(UTC), masking), encoding="utf-8")
    if csv_file is not None:
        _write_findings(csv_file, done, masking)
    emit(_as_json(done, masking), ())
    _tell(done, masking)
    for out in (html, csv_file):
        if out is not None:
            say(f"Wrote {out}.")


def _reviewed(files: list[Path], limits: Limits) -> Review:
    from glassplate.review import read_exports, review

    with progress() as bars:
        reading = bars.add_task("reading rows", total=None)
        exports: Exports = read_exports(files, lambda rows: bars.advance(reading, rows))
        count = len(exports.searches) + len(exports.events)
        bars.update(reading, total=count, completed=count)
        checking = bars.add_task("checking", total=None)
        done = review(
            exports, limits, lambda title: bars.update(checking, description=f"checking: {title}", advance=1)
        )
        bars.update(checking, description="checking", total=len(done.checks), completed=len(done.checks))
    return done


def _tell(done: Review, masking: Masking) -> None:
    from glassplate.cli.console import mode
    from glassplate.review import verdict

    if mode.is_json:
        return
    rows = [
        (
            c.title,
            verdict(c),
            f"{len(c.findings):,}",
            f"{c.flagged_rows:,}",
            f"{c.judged:,}",
            f"{c.cannot_judge:,}",
        )
        for c in done.checks
    ]
    results.print(table("Review", ("Check", "Result", "Findings", "Rows", "Judged", "Cannot judge"), rows))
    numbers = masking.numbered()
    for check in done.checks:
        if check.findings:
            shown = [
                (numbers(f.account), masking.plate(f.plate), f.sentence, str(f.places[0].line))
                for f in check.findings[:MAX_LINES]
            ]
            more = len(check.findings) - len(shown)
            title = f"{check.title}{f' (the largest {MAX_LINES}; {more:,} more in --html and --csv)' if more else ''}"
            results.print(table(title, ("Account", "Plate", "What stands out", "First line"), shown))
        for reason, count in check.reasons.items():
            say(f"{check.title}: {count:,} rows cannot be judged, because {reason}.")
    for file in done.files:
        if file.unreadable:
            say(
                f"{file.name}: {len(file.unreadable):,} lines fit no columns, the first is line {file.unreadable[0]}."
            )


def _write_findings(path: Path, done: Review, masking: Masking) -> None:
    """One line for each row of each finding. A cell that a spreadsheet would run as a formula gets an apostrophe."""
    numbers = masking.numbered()
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["kind", "account", "plate", "what stands out", "file", "line"])
        for check in done.checks:
            for finding in check.findings:
                words = (check.kind, numbers(finding.account), masking.plate(finding.plate), finding.sentence)
                for place in finding.places:
                    writer.writerow(
                        [*map(_harmless, words), _harmless(done.files[place.file].name), place.line]
                    )


def _harmless(text: str) -> str:
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text


def _as_json(done: Review, masking: Masking) -> dict[str, object]:
    from glassplate.review import verdict

    numbers = masking.numbered()
    return {
        "searches": done.searches,
        "events": done.events,
        "accounts": done.accounts,
        "first_at": done.first_at,
        "last_at": done.last_at,
        "files": done.files,
        "masked": done.masked,
        "checks": [
            {
                "kind": check.kind,
                "result": verdict(check),
                "judged": check.judged,
                "cannot_judge": check.reasons,
                "findings": [
                    {
                        "account": numbers(finding.account),
                        "plate": masking.plate(finding.plate),
                        "sentence": finding.sentence,
                        "places": [{"file": place.file + 1, "line": place.line} for place in finding.places],
                    }
                    for finding in check.findings
                ],
            }
            for check in done.checks
        ],
    }
