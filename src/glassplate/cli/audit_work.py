"""``glassplate audit check | sample | mark | findings``: an auditor's working days."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from glassplate.cli.audit_options import (
    Key,
    Public,
    Pulled,
    Root,
    Vkey,
    hour,
    office_key,
    opened_bodies,
    record_of,
)
from glassplate.cli.connection import vault_client
from glassplate.cli.console import emit, plain, shown
from glassplate.cli.options import DEFAULT_DIR, Dir, Json, Unlock, city
from glassplate.cli.verify import tell
from glassplate.errors import UsageError

MAX_CHECKPOINT_BYTES = 64 * 1024


def check(
    source: Pulled,
    key: Key,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    root: Root = None,
    vkey: Vkey = None,
    json: Json = False,
) -> None:
    """Open every pulled body, account for all 32 digests of its entry, check who signed. Exit status 5 if anything is wrong."""
    del json
    from glassplate.verify.findings import Verification
    from glassplate.verify.signatures import check_signatures

    result = Verification()
    record = record_of(directory, public, root, vkey)
    if not root and not vkey:
        result.tell("The log's key was taken from the folder itself; --root or --vkey says whose it must be.")
    opened = opened_bodies(record, source, key, result)
    check_signatures({index: one.fields for index, one in opened.items()}, record.entries, result)
    tell(result, opened=len(opened))


def sample(
    since: Annotated[str, typer.Option(help="First day (UTC) of the period.")],
    until: Annotated[str, typer.Option(help="First day after the period.")],
    count: Annotated[
        int | None, typer.Option(min=1, help="How many searches (default: 1 %, at least one).")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(help="A published checkpoint newer than the period (default: the newest).")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    root: Root = None,
    vkey: Vkey = None,
    json: Json = False,
) -> None:
    """Draw searches at random, by the hash of a later checkpoint: everybody who has it draws the same."""
    del json
    from glassplate.auditing import draw_sample
    from glassplate.verify.folder import read_file

    record = record_of(directory, public, root, vkey)
    note = read_file(checkpoint, MAX_CHECKPOINT_BYTES) if checkpoint else record.note
    drawn = draw_sample(record, note, hour(since), hour(until), count=count)
    emit(
        {**plain(drawn), "checkpoint": note.decode("utf-8", "replace")},
        [
            f"{len(drawn.entries)} of {drawn.population} searches, seed {drawn.seed}:",
            " ".join(map(str, drawn.entries)) or "The period has no searches.",
        ],
    )


def mark(
    index: Annotated[int, typer.Argument(min=0, help="Entry number.")],
    verdict: Annotated[str, typer.Argument(help="ok, question or violation.")],
    source: Pulled,
    note: Annotated[
        str, typer.Option(help="What it is about; the officer reads the note of a question.")
    ] = "",
    json: Json = False,
) -> None:
    """Note a judgement in the auditor's own folder; nothing leaves it until findings are sent."""
    del json
    from glassplate.auditing import VERDICTS, Mark, add_mark
    from glassplate.files import LocalFiles

    if verdict not in VERDICTS:
        raise UsageError(f"A mark is one of {', '.join(VERDICTS)}.")
    if not source.is_dir():
        raise UsageError(f"{source} is not a folder. Pull first: glassplate audit pull --to {source}")
    made = Mark(index, verdict, note, datetime.now(UTC))  # type: ignore[arg-type] # looked up above
    add_mark(source, made, LocalFiles())
    emit({"index": index, "verdict": verdict}, f"Entry {index} is marked: {verdict}.")


def findings(
    source: Pulled,
    key: Key,
    send: Annotated[
        bool, typer.Option("--send", help="Sign the marks that no finding tells yet, and record them.")
    ] = False,
    signer: Annotated[
        Path | None, typer.Option("--office-key", help="The auditor's office key, to sign with.")
    ] = None,
    directory: Dir = DEFAULT_DIR,
    public: Public = None,
    root: Root = None,
    vkey: Vkey = None,
    json: Json = False,
    unlock: Unlock = None,
) -> None:
    """What was found, what officers replied; with --send, put the marks into the record as a signed finding."""
    del json
    from glassplate.auditing import build_finding, read_marks, stories
    from glassplate.verify.findings import Verification

    if send and signer is None:
        raise UsageError("A finding is signed: give --office-key FILE.")
    record = record_of(directory, public, root, vkey)
    told = stories(opened_bodies(record, source, key, Verification()))
    said = {item for story in told for item in story.items}
    waiting = [m for m in read_marks(source).values() if (m.index, m.verdict, m.note) not in said]
    receipt = None
    if send and signer is not None:
        if not waiting:
            raise UsageError("Every mark is told already. Mark something first: glassplate audit mark")
        document = build_finding(record, waiting, office_key(signer))
        with vault_client(city(directory), unlock=unlock) as client:
            receipt = client.record_finding(document)
        waiting = []
    emit(
        {"findings": told, "waiting": waiting, "recorded": receipt},
        [
            *(line for story in told for line in _story_lines(story)),
            f"{len(waiting)} marks are not told yet."
            if receipt is None
            else f"Recorded as entry {receipt.entry_index}.",
        ],
    )


def _story_lines(story: Any) -> list[str]:
    told = [f"Finding in entry {story.index}, {story.at:%Y-%m-%d}:"]
    for index, verdict, note in story.items:
        told.append(f"  entry {index}: {verdict}{': ' + shown(note) if note else ''}")
        told += [f"    reply: {shown(text)}" for text in story.replies.get(index, ())]
    return told
