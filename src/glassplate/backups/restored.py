"""``vault/restored.json``: this folder came from a backup, and has not been started since (``docs/formats/backup.md``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from glassplate.encoding import canonical_json, parse_json, parse_time, time_text
from glassplate.errors import InputRefused, ProofFailed, StorageFailed

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from glassplate.files import Files

MARK_NAME = "restored.json"
MAX_MARK_BYTES = 4096
ASSURANCES = ("witnesses", "checkpoint", "operator")


@dataclass(frozen=True, slots=True)
class RestoredMark:
    """What the first start must know, and put into the record.

    ``log_size``: entries under the backup's newest checkpoint. ``assured_by``: what says that no later checkpoint was
    published: the charter's witnesses, whom the start asks; a checkpoint that was compared; or the operator's word.
    """

    manifest_sha256: str
    made_at: datetime
    log_size: int
    from_mirror: bool
    assured_by: str

    def demand_assured(self, *, has_witnesses: bool) -> None:
        """Refuse a start that nothing assures.

        Raises:
            ProofFailed: witnesses were to say that this is the newest log, and the charter names none.
        """
        if self.assured_by == "witnesses" and not has_witnesses:
            raise ProofFailed(
                "This folder was restored, and its charter names no witness that could say whether its log is the newest "
                "one. Nothing is signed with it. Restore it again, with --newest-checkpoint."
            )

    def public(self) -> dict[str, str]:
        """The public half of the entry ``restored``."""
        return {
            "backup_sha256": self.manifest_sha256,
            "made": self.made_at.strftime("%Y-%m-%dT%H:00:00Z"),
            "log_size": str(self.log_size),
            "mirror": "yes" if self.from_mirror else "no",
            "assured_by": self.assured_by,
        }


def write_restored(vault: Path, mark: RestoredMark, files: Files) -> None:
    """Keep it durably.

    Raises:
        OSError: it was not kept.
    """
    document = {
        "v": 1,
        "manifest_sha256": mark.manifest_sha256,
        "made_at": time_text(mark.made_at),
        "log_size": mark.log_size,
        "from_mirror": mark.from_mirror,
        "assured_by": mark.assured_by,
    }
    files.write_atomic(vault / MARK_NAME, canonical_json(document), mode=0o600)


def read_restored(vault: Path) -> RestoredMark | None:
    """The mark; None where this folder is nobody's copy.

    Raises:
        StorageFailed: it is there and is not readable as one: nothing may be signed before it is known.
    """
    path = vault / MARK_NAME
    try:
        return _parsed(parse_json(path.read_bytes()[: MAX_MARK_BYTES + 1], limit=MAX_MARK_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, InputRefused, KeyError, TypeError):
        raise StorageFailed(
            f"{path} is damaged: this folder was restored, and nothing says how. Restore it again from its backup."
        ) from None


def _parsed(document: Any) -> RestoredMark:
    mark = RestoredMark(
        str(document["manifest_sha256"]),
        parse_time(document["made_at"]),
        document["log_size"],
        document["from_mirror"],
        document["assured_by"],
    )
    kinds = type(mark.log_size) is int and type(mark.from_mirror) is bool and mark.assured_by in ASSURANCES
    if document["v"] != 1 or not kinds:
        raise InputRefused("The mark is not of version 1.")
    return mark
