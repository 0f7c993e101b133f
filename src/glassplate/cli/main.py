"""The entry point: collects the verbs, maps errors to exit codes."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import Annotated

import typer
from typer.exceptions import TyperException

from glassplate.cli.console import fail, mode
from glassplate.errors import GlassplateError, StorageFailed, UsageError

VERBS = (
    "account",
    "alerts",
    "approvals",
    "audit",
    "backup",
    "bench",
    "charter",
    "demo",
    "doctor",
    "export",
    "hold",
    "hotlist",
    "image",
    "ingest",
    "init",
    "login",
    "mirror",
    "purge",
    "read",
    "receipt",
    "report",
    "restore",
    "search",
    "serve",
    "time",
    "verify",
    "watch",
    "witness",
)  # one module each

app = typer.Typer(
    name="glassplate",
    help="A license plate reader system that a city runs itself and can prove it uses lawfully.",
    epilog="Start here: glassplate demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)

for verb in VERBS:
    import_module(f"glassplate.cli.{verb}").register(app)


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"glassplate {version('glassplate')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options before the verb."""


def run(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    sys.exit(execute(sys.argv[1:] if arguments is None else arguments))


def execute(arguments: list[str]) -> int:
    """Run one command; returns its exit code (see ``glassplate.cli``)."""
    mode.is_json = "--json" in arguments
    try:
        ended = app(args=arguments, prog_name="glassplate", standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return GlassplateError.exit_code
    except (TyperException, typer.Abort, GlassplateError, OSError, KeyboardInterrupt) as error:
        ours = _ours(error)
        return fail(ours) if str(ours) else ours.exit_code
    finally:
        mode.is_json = False


def _ours(error: BaseException) -> GlassplateError:
    """The error as one of our own; without words where the help was shown instead."""
    if isinstance(error, GlassplateError):
        return error
    if isinstance(error, TyperException):
        sentence = _sentence(error)
        return UsageError(f"{sentence} {_hint(error)}" if sentence else "")
    if isinstance(error, OSError):
        return StorageFailed(f"{error.filename or 'The disk'}: {error.strerror}.")
    return UsageError("Stopped by you.")


def _sentence(error: TyperException) -> str:
    """What is wrong with the words; empty where no word was given, and the help was shown instead."""
    message = (error.format_message() if hasattr(error, "format_message") else str(error)).strip()
    return message if not message or message.endswith((".", "?", "!")) else f"{message}."


def _hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    words = context.command_path.split()[1:] if context is not None else []
    return f"See: {' '.join(['glassplate', *words, '--help'])}"
