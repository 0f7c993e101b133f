"""``glassplate audit``: an auditor's work: pull sealed bodies, open them with a key that never touches the server."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glassplate.cli.audit_export import check_export, export
from glassplate.cli.audit_owner import answer_owner, check_answer
from glassplate.cli.audit_review import review_exports
from glassplate.cli.audit_work import check, findings, mark, sample
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, progress, shown, table
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.errors import InputRefused, ProofFailed, UsageError

if TYPE_CHECKING:
    from glassplate.config import CityFolder

_verbs = typer.Typer(
    help="Auditors: keygen, list, pull, open, check, sample, mark, findings, review.", no_args_is_help=True
)
_verbs.command("check", epilog="Example: glassplate audit check --from pulled --key auditor-body.key")(check)
_verbs.command("sample", epilog="Example: glassplate audit sample --since 2026-03-01 --until 2026-04-01")(
    sample
)
_verbs.command(
    "mark",
    epilog="Example: glassplate audit mark 12 question --from pulled --note 'Which report is this case from?'",
)(mark)
_verbs.command("findings", epilog="Example: glassplate audit findings --from pulled --key auditor-body.key")(
    findings
)
_verbs.command(
    "export",
    epilog="Example: glassplate audit export march.csv --from pulled --key body.key --since 2026-03-01 --until 2026-04-01",
)(export)
_verbs.command(
    "check-export",
    epilog="Example: glassplate audit check-export march.csv --vkey exampleville/log+1a2b3c4d+AQ…",
)(check_export)
_verbs.command(
    "answer-owner",
    epilog="Example: glassplate audit answer-owner --plate 7KDR214 --identity-note 'license and registration seen' "
    "--from pulled --key body.key --office-key office.key --out answer.json --root clerk=SHA256:…",
)(answer_owner)
_verbs.command(
    "check-answer", epilog="Example: glassplate audit check-answer answer.json --root clerk=SHA256:…"
)(check_answer)
_verbs.command("review", epilog="Example: glassplate audit review may.csv june.csv --html review.html")(
    review_exports
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    app.add_typer(_verbs, name="audit")


@_verbs.command("keygen", epilog="Example: glassplate audit keygen --out auditor-body.key")
def keygen(
    out: Annotated[Path, typer.Option(help="Where to write the private key. Keep it off the server.")],
    json: Json = False,
) -> None:
    """Make the key that opens log bodies; the charter lists its public half."""
    del json
    from glassplate.files import LocalFiles
    from glassplate.seal.body import AuditorKey

    if out.exists():
        raise UsageError(f"{out} exists; an auditor key is never overwritten.")
    key = AuditorKey.generate()
    key.save(out, LocalFiles())
    public = f"{key.key_id}={key.public_text}"
    emit(
        {"key_id": key.key_id, "public_key": key.public_text, "file": str(out)},
        [f"Wrote {out}.", f"For the charter: --auditor-key {public}"],
    )


@_verbs.command("list", epilog="Example: glassplate audit list --first 0 --count 50")
def list_entries(
    first: Annotated[int, typer.Option(min=0, help="Number of the first entry.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """The public halves of the log's entries."""
    del json
    with vault_client(city(directory), unlock=unlock) as client:
        entries = client.entries(first, count)
    rows = [
        (
            str(e.index),
            f"{e.rounded_at:%Y-%m-%d %H}h",
            e.entry_type,
            ", ".join(f"{k} {v}" for k, v in sorted(e.public.items()))[:90],
        )
        for e in entries
    ]
    emit(
        entries,
        table("Log entries", ("Entry", "Hour (UTC)", "Type", "Public fields"), rows)
        if rows
        else "No entries there.",
    )


@_verbs.command("pull", epilog="Example: glassplate audit pull --to pulled")
def pull(
    to: Annotated[Path, typer.Option(help="Folder for sealed bodies; later pulls add to it.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Copy every sealed body that is not in the folder yet (auditors only). Exit status 5 if one is withheld."""
    del json
    from glassplate.auditing import pull_bodies

    with vault_client(city(directory), unlock=unlock) as client, progress() as bars:
        task = bars.add_task("pulling bodies", total=None)
        pulled = pull_bodies(
            client, client.status().log_size, to, lambda n, of: bars.update(task, completed=n, total=of)
        )
    found = [f"[bold red]✗ {shown(str(finding))}[/]" for finding in pulled.findings]
    emit(
        {"added": pulled.added, "folder": str(to), "findings": pulled.findings},
        [*found, f"{pulled.added} sealed bodies added to {shown(str(to))}."],
    )
    if pulled.findings:
        raise typer.Exit(ProofFailed.exit_code)


@_verbs.command("open", epilog="Example: glassplate audit open 12 --from pulled --key auditor-body.key")
def open_entry(
    index: Annotated[int, typer.Argument(min=0, help="Entry number.")],
    source: Annotated[Path, typer.Option("--from", help="Folder of pulled bodies.")],
    key: Annotated[Path, typer.Option(help="The auditor's private key.")],
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Open one body, check it against its published leaf, and show what it says. Works without the vault."""
    del json
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.bodies import open_checked

    auditor_key = AuditorKey.load(key)
    path = source / f"{index}.{auditor_key.key_id}.body"
    if not path.exists():
        raise InputRefused(f"{path} is missing. Pull it first: glassplate audit pull --to {source}")
    fields = open_checked(_published_leaf(city(directory), index), path.read_bytes(), auditor_key)
    emit(fields, [f"{shown(name)}: {shown(_short(value))}" for name, value in sorted(fields.items())])


def _published_leaf(folder: CityFolder, index: int) -> bytes:
    from glassplate.log import TileReader, VerifierKey, open_checkpoint

    log = folder.public / "log"
    key = VerifierKey.parse((log / "vkey").read_text().strip())
    checkpoint = open_checkpoint((log / "checkpoint").read_bytes(), key)
    return TileReader(log).entry(index, checkpoint.size)


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json_module.dumps(value, ensure_ascii=False)
    return text if len(text) <= 300 else text[:300] + " …"  # noqa: PLR2004 - a line a person reads
