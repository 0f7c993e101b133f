"""``glassplate restore``: a city's folder from a backup, and from the mirror of its log and keys."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, city
from glassplate.cli.told_work import run_told
from glassplate.errors import UsageError

SENTENCE = "no newer checkpoint was published"


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "restore",
        epilog="Example: glassplate restore /mnt/backups/city-20261125T020000Z --dir city --mirror /mnt/mirror      "
        "A drill: glassplate restore /mnt/backups/city-20261125T020000Z --check",
    )(restore)


def restore(
    backup: Annotated[Path, typer.Argument(help="A backup's folder, as glassplate backup --list shows it.")],
    mirror: Annotated[
        Path | None, typer.Option(help="Folder of the mirror: its log and keys are newer than the backup's.")
    ] = None,
    newest_checkpoint: Annotated[
        Path | None,
        typer.Option(help="The newest published checkpoint that you have (public/log/checkpoint)."),
    ] = None,
    sure: Annotated[
        bool,
        typer.Option(
            "--i-know-no-newer-checkpoint-was-published",
            help="Nobody was shown a later state of the record than this backup has.",
        ),
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the backup, file by file.")] = False,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Check a backup and write the city's folder anew; DIR has to be empty or absent.

    The first start asks the charter's witnesses whether this is the newest log, before anything is signed. Where the
    charter names none, give --newest-checkpoint, or say that none was published since.
    """
    del json
    source, folder = backup.resolve(), city(directory)
    checked = run_told("check-backup", "--dir", str(folder.root), "--backup", str(source))
    if check:
        emit(checked, _whole(checked))
        return
    words = ["--dir", str(folder.root), "--backup", str(source)]
    words += ["--mirror", str(mirror.resolve())] if mirror else []
    words += ["--newest-checkpoint", str(newest_checkpoint.resolve())] if newest_checkpoint else []
    if not checked["has_witnesses"] and newest_checkpoint is None and (sure or _is_sure(checked)):
        words.append("--operator-is-sure")
    said = run_told("restore", *words)
    emit({**said, "dir": str(folder.root)}, _done(folder.root, said, checked))


def _is_sure(checked: dict[str, Any]) -> bool:
    """Ask for a whole sentence; where nobody can be asked, the vault's own words say what is missing."""
    if not sys.stdin.isatty():
        return False
    say(
        f"The charter names no witness. This backup's record has {checked['log_size']:,} published entries. If anybody was "
        "shown more, to go on would make two histories under one name; the mirror or a newer backup has them. "
        f"To go on, type: {SENTENCE}"
    )
    if sys.stdin.readline().strip().lower().rstrip(".") != SENTENCE:
        raise UsageError("Nothing was written.")
    return True


def _library(checked: dict[str, Any]) -> list[str]:
    """Settings come back from a disk that somebody may have changed, and name a library that the vault loads."""
    if not checked["hsm_module"]:
        return []
    return [f"Its settings load the library {checked['hsm_module']}. Start it only if that is your module's."]


def _whole(checked: dict[str, Any]) -> list[str]:
    lines = [
        f"The backup is whole: {checked['files']:,} files, {checked['bytes'] / 1_000_000:,.1f} MB.",
        f"It was made at {checked['made_at']}, with {checked['log_size']:,} published entries.",
    ]
    lines += _library(checked)
    if not checked["holds_epoch_keys"] and checked["live"]:
        lines.append(
            f"It holds no key of a day. Without a mirror the {len(checked['live'])} days that lived then will not open, and "
            "capture begins again with the first day whose key had not been made."
        )
    return lines


def _done(root: Path, said: dict[str, Any], checked: dict[str, Any]) -> list[str]:
    lines = [
        f"Restored {root}, with log and keys from {'the mirror' if said['mirror'] == 'yes' else 'the backup'}."
    ]
    if said["mirror"] == "no" and not checked["holds_epoch_keys"] and checked["live"]:
        lines.append(
            f"The keys of the {len(checked['live'])} days that lived then are lost: their reads are deleted and logged as dead "
            "at the first start. Had you a mirror, remove this folder and restore with --mirror."
        )
    lines += _library(checked)
    asks = "It asks the witnesses first. " if said["assured_by"] == "witnesses" else ""
    return [
        *lines,
        f"Put the unlock secret in its place, then start: glassplate serve --dir {root}. {asks}".strip(),
    ]
