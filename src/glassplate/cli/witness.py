"""``glassplate witness``: a small witness for a council's or a newspaper's own machine."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glassplate.cli.console import emit, say
from glassplate.cli.options import Json
from glassplate.encoding import base64url, from_base64url
from glassplate.errors import InputRefused, UsageError
from glassplate.files import LocalFiles

if TYPE_CHECKING:
    from glassplate.log import CosigningKey, VerifierKey

KEY_VERSION = "witness-key/v1"
MAX_FILE_BYTES = 4096
DEFAULT_PORT = 8640
_verbs = typer.Typer(
    help="A witness outside the city: keygen, run. It notices a record that was rewritten.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="witness")


@_verbs.command("keygen", epilog="Example: glassplate witness keygen council.example.org --out witness.key")
def keygen(
    name: Annotated[
        str, typer.Argument(help="The witness's name: a host and path that is yours, no scheme.")
    ],
    out: Annotated[
        Path, typer.Option(help="Where to write the private key. It stays on the witness's machine.")
    ],
    ed25519: Annotated[
        bool,
        typer.Option(
            "--ed25519", help="An Ed25519 key instead of ML-DSA-44, for checkers that know no other."
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Make a witness's key; the charter lists its public half with the witness's address."""
    del json
    from glassplate.log.note_keys import ED25519_COSIGNATURE, MLDSA44_COSIGNATURE

    if out.exists():
        raise UsageError(f"{out} exists; a witness's key is never overwritten.")
    kind = ED25519_COSIGNATURE if ed25519 else MLDSA44_COSIGNATURE
    seed = secrets.token_bytes(32)
    text = f"{KEY_VERSION}\n{name}\n{kind}\n{base64url(seed)}\n"
    LocalFiles().write_atomic(out, text.encode(), mode=0o600)
    verifier = read_key(out).verifier
    public = out.with_suffix(".vkey")
    LocalFiles().write_atomic(public, f"{verifier}\n".encode())
    emit(
        {"name": name, "vkey": str(verifier), "file": str(out), "public": str(public)},
        [
            f"Wrote {out} (it stays here) and {public} (for the city).",
            f"For the charter: --witness https://ADDRESS={public.name}",
        ],
    )


@_verbs.command(
    "run", epilog="Example: glassplate witness run --key witness.key --folder witness --log public/log/vkey"
)
def run(
    key: Annotated[Path, typer.Option(help="The witness's private key.")],
    folder: Annotated[
        Path, typer.Option(help="Where it remembers what it cosigned. Never set it back to a copy.")
    ],
    log: Annotated[
        list[str], typer.Option(help="A log to watch: its verifier key, or a file with it. May be repeated.")
    ],
    host: Annotated[
        str, typer.Option(help="Address to listen on; put a TLS server before it.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = DEFAULT_PORT,
    json: Json = False,
) -> None:
    """Cosign checkpoints of the logs named, and only ones that grew, until stopped with Ctrl-C."""
    del json
    import uvicorn

    from glassplate.log import WatchedLog, Witness
    from glassplate.witness_server import witness_app

    watched = {one.name: one for one in (WatchedLog(_log_key(text)) for text in log)}
    witness = Witness(folder, read_key(key), watched, LocalFiles(), time.time)
    emit(
        {"vkey": str(witness.verifier), "logs": sorted(watched), "address": f"http://{host}:{port}"},
        [
            f"{witness.verifier.name} watches {', '.join(sorted(watched))} at http://{host}:{port}",
            "Stop with Ctrl-C.",
        ],
    )
    try:
        uvicorn.run(
            witness_app(witness),
            host=host,
            port=port,
            access_log=False,
            log_level="warning",
            server_header=False,
        )
    finally:
        witness.close()
        say("Stopped.")


def read_key(path: Path) -> CosigningKey:
    """The private key in a file.

    Raises:
        InputRefused: it is not one.
    """
    from glassplate.log import CosigningKey

    try:
        version, name, kind, seed = path.read_bytes()[:MAX_FILE_BYTES].decode().splitlines()
        if version != KEY_VERSION:
            raise InputRefused(
                f"{path} is not a witness's key. Make one: glassplate witness keygen NAME --out FILE"
            )
        return CosigningKey.from_seed(name, from_base64url(seed), kind=int(kind))
    except (ValueError, UsageError):
        raise InputRefused(
            f"{path} is not a witness's key. Make one: glassplate witness keygen NAME --out FILE"
        ) from None


def _log_key(text: str) -> VerifierKey:
    from glassplate.log import VerifierKey

    path = Path(text)
    if path.is_file():
        text = path.read_bytes()[:MAX_FILE_BYTES].decode(errors="replace").strip()
    key = VerifierKey.parse(text)
    if key.is_cosigner:
        raise InputRefused(f"{key.name} is a witness's key; name the log's own (public/log/vkey).")
    return key
