"""``glassplate audit export | check-export``: a redacted export in which every cell can be checked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.audit_options import Key, Public, Pulled, Root, Vkey, hour, record_of
from glassplate.cli.console import emit, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json
from glassplate.cli.verify import tell
from glassplate.errors import UsageError


def export(
    out: Annotated[
        Path, typer.Argument(help="The CSV to write; the proofs go beside it, with .proofs at the end.")
    ],
    source: Pulled,
    key: Key,
    since: Annotated[str, typer.Option(help="First day (UTC).")],
    until: Annotated[str, typer.Option(help="First day that is not exported.")],
    hide: Annotated[
        list[str] | None, typer.Option(help="A column to hide, besides Name and License Plate.")
    ] = None,
    show: Annotated[list[str] | None, typer.Option(help="A column to show after all.")] = None,
    mask_names: Annotated[
        bool, typer.Option("--mask-names", help="No pseudonyms: every hidden name is REDACTED.")
    ] = False,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    root: Root = None,
    vkey: Vkey = None,
    json: Json = False,
) -> None:
    """Write a redacted export in the columns that agencies release today, with proofs for every cell."""
    del json
    from glassplate.auditing import demand_opened
    from glassplate.auditing.check_export import PROOFS_SUFFIX
    from glassplate.auditing.columns import HIDDEN_AT_FIRST
    from glassplate.auditing.export import export_searches
    from glassplate.files import LocalFiles
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.findings import Verification

    proofs = out.with_name(out.name + PROOFS_SUFFIX)
    for path in (out, proofs):
        if path.exists():
            raise UsageError(f"{path} exists; an export is not overwritten.")
    record = record_of(directory, public, root, vkey)
    opened = demand_opened(record, source, AuditorKey.load(key), Verification())
    hidden = ({*HIDDEN_AT_FIRST} | set(hide or ())) - set(show or ())
    made = export_searches(record, opened, hour(since), hour(until), hidden, pseudonyms=not mask_names)
    LocalFiles().write_atomic(proofs, made.proofs.encode())
    LocalFiles().write_atomic(out, made.csv.encode())
    emit(
        {"rows": made.rows, "csv": str(out), "proofs": str(proofs), "hidden": sorted(hidden)},
        f"{made.rows} searches written to {shown(str(out))}; hand {shown(proofs.name)} out beside it.",
    )


def check_export(
    file: Annotated[Path, typer.Argument(help="The CSV; its proofs lie beside it.")],
    public: Public = None,
    root: Root = None,
    vkey: Vkey = None,
    directory: Dir = DEFAULT_DIR,
    json: Json = False,
) -> None:
    """Say for each cell of an export: shown and true, hidden but committed, or wrong. Exit status 5 if anything is wrong."""
    del json
    from glassplate.auditing.check_export import check_export as check
    from glassplate.log import VerifierKey
    from glassplate.verify.findings import Verification

    if not root and not vkey:
        raise UsageError("Say whose record it must be: --root for each office, or --vkey.")
    result = Verification()
    record = record_of(directory, public, root, vkey) if root or public else None
    log_key = record.log_key if record else VerifierKey.parse(vkey or "")
    rows = check(file, log_key, result, record.entries if record else None)
    counts = Counter(verdict for row in rows for verdict in row.cells)
    result.tell(
        f"{len(rows)} rows: {counts['shown']} cells shown and true, {counts['hidden']} hidden but committed, "
        f"{counts['wrong']} wrong."
    )
    tell(result, rows=rows)
