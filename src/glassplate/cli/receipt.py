"""``glassplate receipt disclose | check``: show chosen fields of one entry, and check what was shown. Offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.audit_options import Key, Public, Pulled, Root, Vkey, opened_bodies, record_of
from glassplate.cli.console import emit, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json
from glassplate.cli.verify import fingerprints
from glassplate.errors import InputRefused, UsageError

_verbs = typer.Typer(
    name="receipt",
    help="Show chosen fields of one entry to somebody, or check what was shown.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the verb."""
    _verbs.command(
        epilog="Example: glassplate receipt disclose 18 --from pulled --key a.key --show purpose --out r.json --root …"
    )(disclose)
    _verbs.command(epilog="Example: glassplate receipt check r.json --root clerk=SHA256:… --root …")(check)
    app.add_typer(_verbs)


def disclose(
    index: Annotated[int, typer.Argument(help="The entry's number.", min=0)],
    show: Annotated[list[str], typer.Option(help="A field to show; once for each. All others stay hidden.")],
    source: Pulled,
    key: Key,
    out: Annotated[Path, typer.Option(help="Where to write the receipt.")],
    promise: Annotated[
        Path | None, typer.Option(help="The log's promise (L1), to carry instead of the proof.")
    ] = None,
    root: Root = None,
    vkey: Vkey = None,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    json: Json = False,
) -> None:
    """Write a receipt of one entry that shows the chosen fields and no other. Needs the pulled body and an auditor's key."""
    del json
    from glassplate.auditing.receipt import build_receipt
    from glassplate.files import LocalFiles
    from glassplate.verify.findings import Verification

    if out.exists():
        raise UsageError(f"{out} exists; a receipt that was given is not overwritten.")
    record = record_of(directory, public, root, vkey)
    opened = opened_bodies(record, source, key, Verification()).get(index)
    if opened is None:
        raise UsageError(f"No body of entry {index} in {source} opens with this key. Pull first.")
    data = build_receipt(record, opened, show, promise.read_text(encoding="utf-8") if promise else None)
    LocalFiles().write_atomic(out, data)
    emit(
        {"index": index, "shown": show, "receipt": str(out)},
        f"Entry {index}: {', '.join(show)} shown, all else hidden. Written to {shown(str(out))}.",
    )


def check(
    receipt: Annotated[Path, typer.Argument(help="The receipt file.")],
    root: Root = None,
    vkey: Vkey = None,
    json: Json = False,
) -> None:
    """Check a receipt, believing only the fingerprints or the log's key, and print what it shows. Exit status 5 if it fails."""
    del json
    from glassplate.auditing.receipt import MAX_RECEIPT_BYTES, check_receipt

    try:
        with receipt.open("rb") as file:
            data = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise InputRefused(f"{receipt} cannot be read: {error.strerror}.") from None
    checked = check_receipt(data, fingerprints=fingerprints(root) if root else None, vkey=vkey)
    where = (
        f"is in the record of {checked.origin}, under its signed root of {checked.size:,} entries."
        if checked.size is not None
        else f"was promised by {checked.origin}; hold it against the published record: verify.py --receipt."
    )
    lines = [f"The receipt holds: entry {checked.index} {shown(where)}"]
    lines += [f"  {shown(name)}: {shown(str(value))}" for name, value in sorted(checked.public.items())]
    lines += [
        f"  [bold]{shown(name)}[/]: {shown(str(value))}" for name, value in sorted(checked.shown.items())
    ]
    said = {name: getattr(checked, name) for name in ("origin", "index", "size", "public", "shown")}
    said["recorded_at"] = checked.recorded_at and checked.recorded_at.isoformat()
    emit(said, [*lines, "All other fields stay hidden."])
