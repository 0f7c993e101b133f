"""``glassplate doctor``: is everything as it should be, and what to do if not."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.connection import vault_answers
from glassplate.cli.console import emit, shown
from glassplate.cli.doctor_cameras import cameras_of_lanes, cameras_of_vault
from glassplate.cli.doctor_cameras import metrics as metrics_of
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, city
from glassplate.client import VaultClient
from glassplate.config import load_settings
from glassplate.errors import GlassplateError, VaultUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

LOW_DISK_BYTES = 1024**3


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor", epilog="Example: glassplate doctor --dir city")(doctor)


def doctor(
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Print the running vault's metrics for Prometheus instead.")
    ] = False,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Check this machine, its recognizer and a city's vault and cameras. Exit status 1 when something needs attention."""
    del json
    folder = city(directory)
    if metrics:
        with VaultClient(folder.socket) as client:
            text = metrics_of(client.status())
        emit({"metrics": text}, text)
        return
    checks: list[tuple[str, bool, str]] = [
        _packages(),
        *_recognition(),
        _disk(str(folder.root.parent)),
    ]
    try:
        load_settings(folder)
        checks.append(("folder", True, f"{folder.root} is a city"))
        checks += (
            _vault_checks(folder.socket)
            if vault_answers(folder)
            else [
                (
                    "vault",
                    True,
                    "not running; commands start it when they need it (glassplate serve keeps it running)",
                ),
                *cameras_of_lanes(folder),
            ]
        )
    except GlassplateError as error:
        checks.append(("folder", False, str(error)))
    emit(
        [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks],
        [_line(*check) for check in checks],
    )
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(GlassplateError.exit_code)


def _line(name: str, ok: bool, detail: str) -> str:
    said = f"{'✓ ok  ' if ok else '✗ LOOK'}  {name:<11} {shown(detail)}"
    return said if ok else f"[bold red]{said}[/]"


def _packages() -> tuple[str, bool, str]:
    missing = [
        name
        for name in ("rapidocr", "onnxruntime", "cv2", "sqlcipher3", "cedarpy")
        if find_spec(name) is None
    ]
    return (
        "packages",
        not missing,
        f"missing: {', '.join(missing)}; run make demo again" if missing else "all there",
    )


def _recognition() -> list[tuple[str, bool, str]]:
    """Each network's bytes against the list, then one plate through the whole recognizer."""
    from glassplate.recognize.engines import engine
    from glassplate.recognize.model_files import models
    from glassplate.recognize.self_test import PLATE, demand_that_it_reads

    try:
        networks = models()
    except GlassplateError as error:
        return [("network", False, str(error))]
    return [
        *(_checked("network", one.load, f"{one.name}: {one.task}") for one in networks),
        _checked("recognizer", lambda: demand_that_it_reads(engine()), f"reads {PLATE} in a test picture"),
    ]


def _checked(name: str, act: Callable[[], object], well: str) -> tuple[str, bool, str]:
    try:
        act()
    except GlassplateError as error:
        return name, False, str(error)
    except Exception as error:  # noqa: BLE001 - a recognizer that fails in any way is what is looked for here
        return name, False, f"It fails with {type(error).__name__}: {error}"
    return name, True, well


def _disk(path: str) -> tuple[str, bool, str]:
    free = shutil.disk_usage(path).free
    return "disk", free >= LOW_DISK_BYTES, f"{free / 1024**3:.1f} GiB free"


def _vault_checks(socket: object) -> list[tuple[str, bool, str]]:
    try:
        with VaultClient(socket) as client:  # type: ignore[arg-type]
            status = client.status()
    except VaultUnreachable as error:
        return [("vault", False, str(error))]
    checks = [
        (
            "vault",
            True,
            f"running; log {status.log_origin}, {status.log_size} entries, {status.published_size} published",
        )
    ]
    checks += cameras_of_vault(status)
    checks += [("problem", False, problem) for problem in dict.fromkeys(status.problems)]
    checks.append(("keyring", True, f"keys lie {status.keyring}"))
    if status.epochs_in_memory:
        checks.append(("memory", True, "reads are kept in memory only; a restart of the vault loses them"))
    if status.next_destruction_at:
        checks.append(
            (
                "keys",
                True,
                f"{status.live_epochs} alive, the next dies {status.next_destruction_at:%Y-%m-%d %H:%M} UTC",
            )
        )
    return checks
