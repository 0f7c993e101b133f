"""``glassplate audit answer-owner | check-answer``: was my plate searched?"""

from __future__ import annotations

import json as json_module
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from glassplate.cli.audit_options import Key, OfficeKey, Public, Pulled, Root, Vkey, office_key, record_of
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.cli.verify import fingerprints
from glassplate.errors import UsageError

MAX_ANSWER_BYTES = 16 * 1024 * 1024


def answer_owner(
    plate: Annotated[str, typer.Option(help="The owner's whole plate.")],
    identity_note: Annotated[
        str, typer.Option(help="How identity and ownership were checked; no numbers of papers.")
    ],
    source: Pulled,
    key: Key,
    signer: OfficeKey,
    out: Annotated[Path, typer.Option(help="Where to write the signed answer.")],
    root: Root = None,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """Answer an identified owner: a signed statement with proofs. The asking itself leaves an entry first."""
    del json
    from glassplate.auditing import demand_opened
    from glassplate.auditing.owner import answer_owner as answer
    from glassplate.auditing.owner import sentences
    from glassplate.charter.statements import statement_of
    from glassplate.files import LocalFiles
    from glassplate.seal.body import AuditorKey
    from glassplate.verify.findings import Verification

    if not root:
        raise UsageError("The charter sets the embargo: give the offices' fingerprints with --root.")
    if out.exists():
        raise UsageError(f"{out} exists; an answer that was given is not overwritten.")
    record, office = record_of(directory, public, root, None), office_key(signer)
    opened = demand_opened(record, source, AuditorKey.load(key), Verification())
    with vault_client(city(directory), unlock=unlock) as client:
        receipt = client.record_owner_request(plate, identity_note)
        now = client.status().now
    document = answer(record, opened, plate, receipt.entry_index, now.astimezone(UTC), office)
    LocalFiles().write_atomic(out, json_module.dumps(document).encode() + b"\n", mode=0o600)
    told = statement_of(document)
    emit(
        {"file": str(out), "asked_entry": receipt.entry_index, "searches": len(told["searches"])},
        [
            *map(shown, sentences(told)),
            f"Wrote {shown(str(out))}; the asking is entry {receipt.entry_index}.",
        ],
    )


def check_answer(
    answer: Annotated[Path, typer.Argument(help="The signed answer.")],
    root: Root = None,
    vkey: Vkey = None,
    auditor: Annotated[
        str | None, typer.Option(help="Fingerprint of the auditor's office, where --vkey is given.")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    json: Json = False,
) -> None:
    """Check an answer: the auditor's signature, and every search in it against the record."""
    del json
    from glassplate.auditing.owner import check_answer as check
    from glassplate.encoding import parse_json
    from glassplate.log import VerifierKey
    from glassplate.verify.folder import read_file

    if root:
        log_key, marks = (
            record_of(directory, public, root, None).log_key,
            fingerprints(root)["auditor"].split(),
        )
    elif vkey and auditor:
        log_key, marks = VerifierKey.parse(vkey), [auditor]
    else:
        raise UsageError("Give --root for each office, or --vkey with --auditor.")
    document = parse_json(read_file(answer, MAX_ANSWER_BYTES), limit=MAX_ANSWER_BYTES)
    plain, said = check(document, log_key, marks)
    plain.pop("padding", None)
    emit({"holds": True, "statement": plain}, [*map(shown, said), "The signature and every proof hold."])
