"""Cosignatures under the newest checkpoint, counted against what the charter asks for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from glassplate.errors import GlassplateError
from glassplate.log import VerifierKey, open_note
from glassplate.verify.folder import read_file
from glassplate.verify.tree import MAX_CHECKPOINT_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from glassplate.charter import Charter
    from glassplate.verify.findings import Verification

CLOCKS_DIFFER_SECONDS = 300


def check_witnesses(
    public: Path, log_key: VerifierKey, charter: Charter, now: datetime, result: Verification
) -> None:
    """The log's own key is demanded elsewhere; here each witness counts once, by its own key."""
    if not charter.witnesses:
        result.tell("No witness outside cosigns this record: compare your checkpoint with others'.")
        return
    try:
        keys = [VerifierKey.parse(witness.vkey) for witness in charter.witnesses]
        note = open_note(read_file(public / "log" / "checkpoint", MAX_CHECKPOINT_BYTES), keys, demand=log_key)
    except GlassplateError as error:
        result.find("log/checkpoint", error)
        return
    times = {key.public_key: (key.name, time) for key, time in note.cosigned_at}
    for name, time in times.values():
        if time > now.timestamp() + CLOCKS_DIFFER_SECONDS:
            result.find("log/checkpoint", f"the witness {name} dates its cosignature into the future")
    if len(times) < charter.witness_quorum:
        result.find(
            "log/checkpoint",
            f"{len(times)} of the charter's witnesses cosigned it, and {charter.witness_quorum} must",
        )
        return
    newest = max(time for _, time in times.values())
    names = ", ".join(sorted(name for name, _ in times.values()))
    result.tell(
        f"{len(times)} witnesses cosigned it ({names}), the last on "
        f"{datetime.fromtimestamp(newest, UTC):%Y-%m-%d at %H:%M} UTC."
    )
