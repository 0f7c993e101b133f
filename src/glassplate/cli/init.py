"""``glassplate init``: make a new city's folder."""

from __future__ import annotations

import json as json_module
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import typer

from glassplate.charter import OFFICES
from glassplate.cli.console import emit, say
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.cli.unlock import secret_called, unlock_path
from glassplate.config import KEYRINGS
from glassplate.errors import UsageError, error_from_kind


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.command(
        "init",
        epilog="Example: glassplate init --dir city --office clerk=SHA256:… --office chief=SHA256:… --office auditor=SHA256:…",
    )(init)


def init(
    office: Annotated[
        list[str], typer.Option(help="office=fingerprint, once for each office (glassplate charter keygen).")
    ],
    origin: Annotated[
        str | None, typer.Option(help="The log's name, a schema-less URL such as city.example/glassplate.")
    ] = None,
    administrator: Annotated[
        str, typer.Option(help="Account id of the first administrator.")
    ] = "administrator",
    keyring: Annotated[
        str, typer.Option(help="Where the keys lie: file (demo and trial charters), or pkcs11 (hardware).")
    ] = "file",
    hsm_module: Annotated[
        str, typer.Option(help="The PKCS#11 library of the hardware's maker, such as /usr/lib/….so.")
    ] = "",
    hsm_token: Annotated[str, typer.Option(help="The token's label.")] = "",
    hsm_slot: Annotated[str, typer.Option(help="The token's slot, where two tokens bear one label.")] = "",
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Make a new city: keys, an empty log, the offices' pinned fingerprints.

    A new unlock secret is written to DIR/unlock.secret (readable by you only) unless --unlock names one. With
    --keyring pkcs11 the secret is the token's PIN: the file that --unlock names, or what you type at the prompt.
    """
    del json
    folder = city(directory)
    given = dict(part.split("=", 1) for part in office if "=" in part)
    if set(given) != set(OFFICES):
        raise UsageError(f"Give --office NAME=FINGERPRINT once for each of: {', '.join(OFFICES)}.")
    if keyring not in KEYRINGS:
        raise UsageError(f"--keyring is one of: {', '.join(KEYRINGS)}.")
    hsm = {"--hsm-module": hsm_module, "--hsm-token": hsm_token, "--hsm-slot": hsm_slot}
    if keyring == "pkcs11" and not (hsm_module and hsm_token):
        raise UsageError("A keyring in hardware needs --hsm-module and --hsm-token.")
    made = make_city(
        folder.root,
        given,
        origin=origin,
        administrator=administrator,
        unlock=unlock,
        keyring=keyring,
        hsm=hsm if keyring == "pkcs11" else {},
    )
    emit(
        made,
        [
            f"Made {folder.root}.",
            f"  log key     {made['log_vkey']}",
            f"  bundle key  {made['bundle_vkey']}",
            f"  first administrator's invitation (valid for 7 days after the charter): {made['invitation']}",
            "Next: glassplate charter draft, then each office signs, then glassplate charter install.",
        ],
    )


def make_city(
    root: Path,
    fingerprints: dict[str, str],
    *,
    origin: str | None,
    administrator: str,
    unlock: Path | None,
    administrator_name: str | None = None,
    now: str | None = None,
    keyring: str = "file",
    hsm: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Run the vault's own ``init`` in its own process; returns what it said. ``hsm``: options that say where it is."""
    secret = unlock or root / "unlock.secret"
    if not secret.exists() and keyring == "file":
        root.mkdir(parents=True, exist_ok=True)
        secret.touch(mode=0o600)
        secret.write_text(secrets.token_urlsafe(32) + "\n")
        say(
            f"A new unlock secret was written to {secret}. Move it off this machine for anything but a trial."
        )
    command = [sys.executable, "-m", "glassplate.vault_process", "init", "--dir", str(root)]
    command += [part for name, value in fingerprints.items() for part in ("--office", f"{name}={value}")]
    command += ["--administrator", administrator, "--keyring", keyring]
    for option, value in (
        ("--origin", origin),
        ("--administrator-name", administrator_name),
        ("--demo-clock", now),
        *hsm.items(),
    ):
        command += [option, value] if value else []
    with unlock_path(unlock, root / "unlock.secret", secret_called(keyring)) as (path, inherited):
        done = subprocess.run(
            [*command, "--unlock", str(path)], stdout=subprocess.PIPE, check=False, pass_fds=inherited
        )
    said = json_module.loads(done.stdout or b"{}")
    if done.returncode:
        raise error_from_kind(said.get("kind", ""), said.get("detail", "The vault gave no reason."))
    return dict(said)
