"""``glassplate backup``: a copy of everything that a city needs after its disk is lost, and of no key in a file."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassplate.backup_manifest import MANIFEST_NAME, MAX_MANIFEST_BYTES, Manifest
from glassplate.cli.connection import vault_answers
from glassplate.cli.console import confirm, emit, say, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Yes, city
from glassplate.cli.told_work import run_told, shown
from glassplate.client import VaultClient
from glassplate.config import CityFolder, load_settings
from glassplate.errors import InputRefused, StorageFailed, UsageError, error_from_kind

if TYPE_CHECKING:
    from collections.abc import Iterator

ASK_SECONDS = 0.2
STAMP = r"-\d{8}T\d{6}Z"
Destination = Annotated[
    Path | None,
    typer.Argument(help="Where backups lie; without it, backup_folder of settings.toml.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "backup",
        epilog="Example: glassplate backup /mnt/backups --dir city --keep 14      "
        "What is there: glassplate backup /mnt/backups --dir city --list",
    )(backup)


def backup(
    destination: Destination = None,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Afterwards remove this city's oldest backups beyond so many.")
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="Only show the backups that are there.")] = False,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    yes: Yes = False,
) -> None:
    """Make a backup in a new folder below DESTINATION, while the vault runs or while none does.

    A running vault writes only below backup_folder of settings.toml. The backup holds no key of a day that lies in a
    file: such days come back with a mirror, or not at all (docs/backup.md).
    """
    del json
    folder = city(directory)
    place = _place(folder, destination)
    if list_them:
        found = _found(place)
        emit([told for _, told in found], _table(place, found))
        return
    made = _made(folder, place)
    removed = _without_the_oldest(Path(made["backup"]), keep, yes=yes) if keep else []
    lines = [
        f"Made {made['backup']}: {made['files']:,} files, {made['bytes'] / 1_000_000:,.1f} MB.",
        f"  manifest  SHA-256 {made['sha256']}",
        *(f"Removed {path}." for path in removed),
    ]
    if not made["holds_epoch_keys"] and made["live"]:
        lines.append(
            f"It holds no key of a day: the keys lie in files, and a copy would outlive its day. The {len(made['live'])} days "
            "whose keys live now will not open from this backup alone. Keep a mirror of the keys, or keys in hardware "
            "(docs/backup.md)."
        )
    emit({**made, "removed": [str(path) for path in removed]}, lines)


def _place(folder: CityFolder, destination: Path | None) -> Path:
    configured = load_settings(folder).backup_folder
    if destination is None and not configured:
        raise UsageError("Say where: glassplate backup FOLDER, or set backup_folder in settings.toml.")
    return (destination or Path(configured)).resolve()


def _made(folder: CityFolder, place: Path) -> dict[str, Any]:
    if not vault_answers(folder):
        return run_told("backup", "--dir", str(folder.root), "--destination", str(place))
    configured = load_settings(folder).backup_folder
    if not configured or Path(configured).resolve() != place:
        raise UsageError(
            f"A running vault writes backups only below backup_folder. Add this line to {folder.settings_file} (no "
            f'restart is needed): backup_folder = "{place}"'
        )
    with VaultClient(folder.socket) as client:
        client.start_backup()
        last = shown(_polled(client))
    if last["problem"]:
        raise error_from_kind(last["kind"], last["problem"])
    return dict(last["made"])


def _polled(client: VaultClient) -> Iterator[dict[str, Any]]:
    while True:
        state = client.backup_state()
        yield {
            "doing": state.doing,
            "done_bytes": state.done_bytes,
            "total_bytes": state.total_bytes,
            "made": state.made,
            "problem": state.problem,
            "kind": state.kind,
        }
        if not state.is_running:
            return
        time.sleep(ASK_SECONDS)


# --- what is there ---------------------------------------------------------------------------------------------------


def _found(place: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Backups below a folder, the oldest first; one whose list is not readable says so."""
    if not place.is_dir():
        raise UsageError(f"{place} is no folder. Attach the disk that the backups are on.")
    return [
        (path, _told(path))
        for path in sorted(place.iterdir())
        if re.search(f"{STAMP}$", path.name) and path.is_dir()
    ]


def _told(path: Path) -> dict[str, Any]:
    try:
        manifest = _manifest(path)
    except (OSError, InputRefused) as error:
        return {"backup": str(path), "problem": str(error)}
    return {
        "backup": str(path),
        "made_at": manifest.made_at.isoformat(timespec="seconds"),
        "files": len(manifest.files),
        "bytes": manifest.total_bytes,
        "log_size": manifest.log_size,
        "sha256": manifest.sha256,
    }


def _manifest(path: Path) -> Manifest:
    with (path / MANIFEST_NAME).open("rb") as file:
        return Manifest.from_bytes(file.read(MAX_MANIFEST_BYTES + 1))


def _table(place: Path, found: list[tuple[Path, dict[str, Any]]]) -> Any:
    if not found:
        return f"There is no backup in {place} yet. Make one: glassplate backup {place}"
    rows = [
        (path.name, "", "", f"not readable: {told['problem']}")
        if "problem" in told
        else (
            path.name,
            f"{told['files']:,}",
            f"{told['bytes'] / 1_000_000:,.1f}",
            f"{told['log_size']:,} entries of the record",
        )
        for path, told in found
    ]
    return table(f"Backups in {place}", ("backup", "files", "MB", "holds"), rows)


def _without_the_oldest(made: Path, keep: int, *, yes: bool) -> list[Path]:
    """Remove this city's oldest backups; never one of another city's log, nor what cannot be read."""
    ours = _manifest(made).log_vkey
    mine = []
    for path, told in _found(made.parent):
        if "problem" in told:
            say(f"{path} is not readable as a backup and stays: {told['problem']}")
        elif _manifest(path).log_vkey == ours:
            mine.append(path)
    doomed = [path for path in mine[:-keep] if path != made]
    if doomed:
        names = ", ".join(path.name for path in doomed)
        confirm(f"Remove the {len(doomed)} oldest backups ({names})?", yes=yes)
    for path in doomed:
        leaving = path.with_name(
            f"{path.name}.partial"
        )  # whoever is killed here leaves no half that is believed
        try:
            path.rename(leaving)
            shutil.rmtree(leaving)
        except OSError as error:
            raise StorageFailed(
                f"{path} could not be removed ({error.strerror}). The new backup is good."
            ) from None
    return doomed
