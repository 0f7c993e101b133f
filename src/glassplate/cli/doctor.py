"""``glassplate doctor``: is everything as it should be, and what to do if not."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import typer

from glassplate.cli.connection import vault_answers
from glassplate.cli.console import emit
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, city
from glassplate.client import VaultClient
from glassplate.config import load_settings
from glassplate.errors import GlassplateError, VaultUnreachable

LOW_DISK_BYTES = 1024**3


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command("doctor", epilog="Example: glassplate doctor --dir city")(doctor)


def doctor(directory: Dir = DEFAULT_DIR, json: Json = False) -> None:
    """Check this machine and a city's vault. Exit status 1 when something needs attention."""
    del json
    folder = city(directory)
    checks: list[tuple[str, bool, str]] = [_models(), _disk(str(folder.root.parent))]
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
                )
            ]
        )
    except GlassplateError as error:
        checks.append(("folder", False, str(error)))
    emit(
        [{"check": name, "ok": ok, "detail": detail} for name, ok, detail in checks],
        [f"{'ok  ' if ok else 'LOOK'}  {name:<10} {detail}" for name, ok, detail in checks],
    )
    if not all(ok for _, ok, _ in checks):
        raise typer.Exit(GlassplateError.exit_code)


def _models() -> tuple[str, bool, str]:
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
    checks += [("problem", False, problem) for problem in dict.fromkeys(status.problems)]
    if status.next_destruction_at:
        checks.append(
            (
                "keys",
                True,
                f"{status.live_epochs} alive, the next dies {status.next_destruction_at:%Y-%m-%d %H:%M} UTC",
            )
        )
    return checks
