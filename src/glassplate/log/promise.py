"""The log's signed promise for an entry that is durable (L1) but not yet under a signed checkpoint.

    log-promise/v1
    origin <origin>
    index <decimal>
    leaf <base64 leaf hash>
    time <YYYY-MM-DDTHH:MM:SS.ffffffZ>

The log's own key signs it, so it must never parse as a checkpoint: there the second line is a number, here it
begins with a word. Whoever holds a promise that a later checkpoint does not keep, has proof against the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, UsageError
from glassplate.log.note import open_note, sign_note
from glassplate.log.text_fields import parse_decimal, parse_hash, to_base64

if TYPE_CHECKING:
    from glassplate.log.note_keys import SigningKey, VerifierKey

PROMISE_VERSION = "log-promise/v1"
_LABELS = ("origin", "index", "leaf", "time")
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(frozen=True, slots=True)
class Promise:
    """Entry ``index`` of ``origin`` has the leaf hash ``leaf_hash`` and was durable at ``recorded_at``."""

    origin: str
    index: int
    leaf_hash: bytes
    recorded_at: datetime

    def text(self) -> str:
        """The note text: five lines.

        Raises:
            UsageError: when the time is not aware UTC.
        """
        if self.recorded_at.utcoffset() != timedelta(0):
            raise UsageError("A promise needs a timezone-aware time in UTC.")
        time = self.recorded_at.strftime(_TIME_FORMAT).rjust(len("2026-01-01T00:00:00.000000Z"), "0")
        values = (self.origin, str(self.index), to_base64(self.leaf_hash), time)
        lines = (f"{label} {value}\n" for label, value in zip(_LABELS, values, strict=True))
        return f"{PROMISE_VERSION}\n" + "".join(lines)


def sign_promise(promise: Promise, key: SigningKey) -> bytes:
    """``promise`` signed by the log's own key."""
    return sign_note(promise.text(), [key])


def open_promise(data: bytes | str, log_key: VerifierKey) -> Promise:
    """Check a promise by the log's own key.

    Raises:
        ProofFailed: when it is malformed, not signed by ``log_key``, or of another origin.
    """
    raw = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    text = open_note(raw, demand=log_key).text
    version, *lines = text.removesuffix("\n").split("\n")
    if version != PROMISE_VERSION or [line.partition(" ")[0] for line in lines] != list(_LABELS):
        raise ProofFailed(f"The note is not a promise of version {PROMISE_VERSION}.")
    origin, index, leaf, time = (line.partition(" ")[2] for line in lines)
    promise = Promise(origin, parse_decimal(index, "index"), parse_hash(leaf, "leaf hash"), _parse_time(time))
    if promise.text() != text:
        raise ProofFailed("The promise's time is not in its one form.")
    if origin != log_key.name:
        raise ProofFailed(f"The promise is of the log {origin}, expected {log_key.name}.")
    return promise


def _parse_time(text: str) -> datetime:
    try:
        return datetime.strptime(text, _TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise ProofFailed("The promise's time is malformed.") from None
