"""Signed notes (C2SP signed-note v1.0.0): a text, an empty line, signature lines.

Rules, as a list to tick off:
 1. UTF-8 with no control character below U+0020 but newline; at most ``MAX_NOTE_BYTES``.
 2. The text ends in a newline and may hold empty lines: the note is split at its LAST empty line.
 3. Every signature line must be well-formed, also one by a key that nobody knows.
 4. Signatures by unknown (name, id) are ignored; one known key whose signature fails rejects the whole note.
 5. "Opens" is never "some known key signed": the caller names the key whose signature it demands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.errors import ProofFailed, UsageError
from glassplate.log.note_keys import (
    KEY_ID_BYTES,
    SIGNATURE_PREFIX,
    SigningKey,
    VerifierKey,
    is_key_name,
)
from glassplate.log.text_fields import from_base64

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MAX_NOTE_BYTES = 1_000_000  # as Go's note package; ours have a few kilobytes
MAX_SIGNATURES = 100  # signed-note demands at least 16; Go stops at 100 too
_SEPARATOR = b"\n\n"


@dataclass(frozen=True, slots=True)
class OpenedNote:
    """A note whose demanded signature holds. ``verified``: every known key whose signature was checked."""

    text: str
    verified: tuple[VerifierKey, ...]
    cosigned_at: tuple[tuple[VerifierKey, int], ...] = ()
    """POSIX seconds stated by each verified cosigner (types 0x04 and 0x06)."""


@dataclass(frozen=True, slots=True)
class _Signature:
    name: str
    key_id: bytes
    value: bytes


def sign_note(text: str, keys: Sequence[SigningKey]) -> bytes:
    """``text`` with one signature line for each of ``keys``.

    Raises:
        UsageError: when ``text`` cannot be a note's text, or there is no key.
    """
    if not keys or len(keys) > MAX_SIGNATURES:
        raise UsageError(f"A note needs 1 to {MAX_SIGNATURES} signing keys, got {len(keys)}.")
    if not text.endswith("\n") or _has_control_characters(text):
        raise UsageError("A note's text must end in a newline and have no other control character.")
    note = (text + "\n" + "".join(key.sign(text) for key in keys)).encode()
    if len(note) > MAX_NOTE_BYTES:
        raise UsageError(f"The note has {len(note)} bytes; at most {MAX_NOTE_BYTES} are allowed.")
    return note


def open_note(data: bytes, known: Iterable[VerifierKey] = (), *, demand: VerifierKey) -> OpenedNote:
    """Check a note; ``demand`` must be among the keys that signed it, ``known`` may be.

    Raises:
        ProofFailed: when the note is malformed, a known key's signature does not hold, or ``demand`` did not
            sign.
    """
    text, signatures = _parse_note(data)
    keys = _index_keys([demand, *known])
    verified: dict[VerifierKey, bytes] = {}
    for signature in signatures:
        key = keys.get((signature.name, signature.key_id))
        if key is not None:
            key.verify(text, signature.value)
            verified.setdefault(key, signature.value)
    if demand not in verified:
        raise ProofFailed(f"The note is not signed by {demand.name} (key id {demand.key_id.hex()}).")
    times = tuple((key, key.cosignature_time(v)) for key, v in verified.items() if key.is_cosigner)
    return OpenedNote(text, tuple(verified), times)


def _index_keys(keys: list[VerifierKey]) -> dict[tuple[str, bytes], VerifierKey]:
    index = {(key.name, key.key_id): key for key in keys}
    if len(index) != len(set(keys)):
        raise ProofFailed(
            "Two different known keys share a name and key id; remove the one that is not trusted."
        )
    return index


def _parse_note(data: bytes) -> tuple[str, list[_Signature]]:
    if len(data) > MAX_NOTE_BYTES:
        raise ProofFailed(f"The note has {len(data)} bytes; at most {MAX_NOTE_BYTES} are accepted.")
    text_bytes, separator, rest = data.rpartition(_SEPARATOR)
    if not separator or not rest.endswith(b"\n"):
        raise ProofFailed("The note is malformed: no signature lines after an empty line.")
    try:
        text, lines = text_bytes.decode() + "\n", rest.decode()[:-1].split("\n")
    except UnicodeDecodeError:
        raise ProofFailed("The note is not valid UTF-8.") from None
    if _has_control_characters(text) or _has_control_characters(rest.decode()):
        raise ProofFailed("The note has a control character other than newline.")
    if len(lines) > MAX_SIGNATURES:
        raise ProofFailed(f"The note has {len(lines)} signatures; at most {MAX_SIGNATURES} are accepted.")
    return text, [_parse_signature(line) for line in lines]


def _parse_signature(line: str) -> _Signature:
    if not line.startswith(SIGNATURE_PREFIX):
        raise ProofFailed("The note is malformed: a signature line does not begin with a dash and a space.")
    name, _, encoded = line[len(SIGNATURE_PREFIX) :].partition(" ")
    if not is_key_name(name):
        raise ProofFailed("The note is malformed: a signature line has no valid key name.")
    value = from_base64(encoded, f"signature by {name}")
    if len(value) <= KEY_ID_BYTES:
        raise ProofFailed(f"The note is malformed: the signature by {name} is too short.")
    return _Signature(name, value[:KEY_ID_BYTES], value[KEY_ID_BYTES:])


def _has_control_characters(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)
