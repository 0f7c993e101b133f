"""``glassplate verify``: check a city from outside, or a package of evidence offline."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from glassplate.charter import OFFICES
from glassplate.cli.console import emit, progress
from glassplate.cli.options import Json
from glassplate.errors import InputRefused, ProofFailed, UsageError

if TYPE_CHECKING:
    from glassplate.verify import Verification

MAX_CHECKPOINT_BYTES = 64 * 1024  # a checkpoint with a hundred cosignatures has half of it


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "verify",
        epilog="Example: glassplate verify public --root clerk=SHA256:… --root chief=SHA256:… --root auditor=SHA256:…",
    )(verify)


def verify(
    public: Annotated[
        str,
        typer.Argument(
            metavar="URL|FOLDER",
            help="The public folder, a copy of it, or its address; or a package of evidence (.zip).",
        ),
    ],
    root: Annotated[
        list[str], typer.Option(help="office=fingerprint as printed in the ordinance; once for each office.")
    ],
    as_of: Annotated[
        str | None, typer.Option(help="Day up to which the record must not be silent (default: now).")
    ] = None,
    since: Annotated[
        Path | None,
        typer.Option(help="A checkpoint kept earlier: was anything taken back or rewritten since?"),
    ] = None,
    bodies: Annotated[Path | None, typer.Option(help="Folder of bodies that the auditor pulled.")] = None,
    auditor_key: Annotated[Path | None, typer.Option(help="The auditor's private key, to open them.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the result as a page for people, too.")] = None,
    json: Json = False,
) -> None:
    """Check charter, log, keys, purges and pages, believing only the fingerprints. Exit status 5 if anything fails."""
    del json
    from glassplate.seal.body import AuditorKey
    from glassplate.verify import verify_city
    from glassplate.verify.page import render_page

    trusted, now = fingerprints(root), moment(as_of)
    if Path(public).is_file():
        result = _package(Path(public), trusted)
    else:
        if bodies is not None:
            _demand_folder(bodies, "the folder that glassplate audit pull wrote")
        with _folder(public) as folder:
            result = verify_city(
                folder,
                trusted,
                now,
                since=_kept(since) if since else None,
                audit_folder=bodies,
                auditor_key=AuditorKey.load(auditor_key) if auditor_key else None,
            )
    if html is not None:
        page = render_page(
            result,
            public,
            trusted,
            made_at=datetime.now(UTC),
            as_of=now,
            decided_again=bool(bodies and auditor_key),
            compared=since is not None,
        )
        html.write_text(page, encoding="utf-8")
    tell(result)


def tell(result: Verification, **more: Any) -> None:
    """Print a result, with ``more`` of it in JSON; ends the command with status 5 where something does not hold."""
    found = [{"where": f.where, "what": f.what} for f in result.findings]
    emit({"holds": result.holds, **more, "findings": found, "facts": result.facts}, lines(result))
    if not result.holds:
        raise typer.Exit(ProofFailed.exit_code)


def _package(path: Path, trusted: dict[str, str]) -> Verification:
    from glassplate.evidence.archive import MAX_PACKAGE_BYTES
    from glassplate.verify import verify_package

    try:
        with path.open("rb") as file:
            return verify_package(file.read(MAX_PACKAGE_BYTES + 1), trusted)
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None


@contextmanager
def _folder(place: str) -> Iterator[Path]:
    """The folder itself, or a copy that is fetched from its address and removed afterwards."""
    if not place.startswith(("http://", "https://")):
        _demand_folder(Path(place), "the city's public folder, a copy of it, or its address")
        yield Path(place)
        return
    from glassplate.log import HttpWeb
    from glassplate.verify.download import download_city

    with tempfile.TemporaryDirectory(prefix="glassplate-verify-") as copy:
        web = HttpWeb()
        try:
            with progress() as bars:
                task = bars.add_task("fetching files", total=None)
                download_city(
                    place, Path(copy), web, lambda done, total: bars.update(task, completed=done, total=total)
                )
        finally:
            web.close()
        yield Path(copy)


def _kept(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_CHECKPOINT_BYTES)
    except OSError as error:
        raise InputRefused(f"{path} cannot be read: {error.strerror}.") from None


def lines(result: Verification) -> list[str]:
    """The result as sentences."""
    told = [f"  [green]✓[/] {escape(fact)}" for fact in result.facts]
    found = [f"  [bold red]✗ {escape(str(finding))}[/]" for finding in result.findings]
    verdict = (
        "Everything holds."
        if result.holds
        else f"{len(found)} thing{'s do' if len(found) > 1 else ' does'} not hold."
    )
    return [*told, *found, f"[bold]{verdict}[/]"]


def fingerprints(given: list[str]) -> dict[str, str]:
    """``office=fingerprint`` options as a dictionary.

    Raises:
        UsageError: for anything else.
    """
    pairs = [part.partition("=") for part in given]
    named = {office.strip(): value.strip() for office, _, value in pairs}
    if set(named) != set(OFFICES) or len(pairs) != len(OFFICES) or not all(named.values()):
        raise UsageError(
            f"Write --root OFFICE=FINGERPRINT once for each of {', '.join(OFFICES)}, as the ordinance prints them."
        )
    return named


def _demand_folder(path: Path, what: str) -> None:
    if not path.is_dir():
        raise UsageError(f"{path} is not a folder. Give {what}.")
    if (path / "settings.toml").exists():
        raise UsageError(f"{path} is the whole city. Give its public folder: {path / 'public'}")


def moment(text: str | None) -> datetime:
    """The time to judge by."""
    if text is None:
        return datetime.now(UTC)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no day. Write 2026-11-25.") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
