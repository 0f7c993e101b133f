"""The error tree: one type for each thing a caller does differently.

    GlassplateError            1  failed
    ├── UsageError             2  the command's words are off
    ├── InputRefused           1  bytes from outside that are not what they should be (image, file, document)
    ├── Refused                3  policy said no; carries the rules
    │   ├── NotSignedIn        3  no session, or one that has ended
    │   ├── SignatureNeeded    3  the person's own passkey must sign exactly this act, now
    │   ├── ApprovalNeeded     3  a second person must approve first; the request was recorded and waits
    │   └── CharterRejected    3  the charter is missing, expired, badly signed or older than the last seen
    ├── LogUnavailable         4  the record cannot be written, so nothing is answered
    ├── ProofFailed            5  a signature, hash or proof does not hold
    ├── KeyUnavailable         1  wrong or missing unlock secret
    │   └── KeyDestroyed       1  the key died, on purpose; nothing opens it again
    ├── ClockRefused           1  time went back, or jumped
    ├── FolderBusy             1  another vault owns the folder
    ├── StorageFailed          1  disk full, unreadable or damaged; names the file
    └── VaultUnreachable       1  no vault answers on the socket

Messages are for the person who has to act: one sentence that says what is wrong, and what to do about it.
Inside, one type travels; the command line maps it to ``exit_code`` and the socket to ``http_status``.
"""

from __future__ import annotations


class GlassplateError(Exception):
    """Root of every error this package raises on purpose."""

    exit_code = 1
    http_status = 500

    @property
    def kind(self) -> str:
        """The type's name as it travels over the socket."""
        return type(self).__name__


class UsageError(GlassplateError):
    """The caller's request is malformed."""

    exit_code = 2
    http_status = 422


class InputRefused(GlassplateError):
    """Bytes from outside that are not what they claim to be."""

    http_status = 400


class Refused(GlassplateError):
    """Policy said no. ``rules`` are the identifiers of the rules that decided, never empty."""

    exit_code = 3
    http_status = 403

    def __init__(self, message: str, rules: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.rules = rules


class NotSignedIn(Refused):
    """No session, or one that has ended."""

    http_status = 401


class ApprovalNeeded(Refused):
    """A second person must approve first. The request stands in the record and waits; the message names it."""

    http_status = 409


class SignatureNeeded(Refused):
    """A session is not enough for this act: the person's own passkey must sign exactly it, now."""


class CharterRejected(Refused):
    """The charter is missing, expired, badly signed, or older than the last one seen."""


class LogUnavailable(GlassplateError):
    """The record cannot be written; nothing may be answered."""

    exit_code = 4
    http_status = 503


class ProofFailed(GlassplateError):
    """A signature, hash or proof does not hold."""

    exit_code = 5
    http_status = 409


class KeyUnavailable(GlassplateError):
    """The unlock secret is wrong or missing."""

    http_status = 503


class KeyDestroyed(KeyUnavailable):
    """The key died on purpose; nothing opens what it sealed."""

    http_status = 410


class KeyStoreAway(KeyUnavailable):
    """The hardware module with the keys does not answer: try again once it does. Nothing was destroyed by that."""


class ClockRefused(GlassplateError):
    """Time went back, or jumped further than the machine ran."""

    http_status = 503


class PurgeLate(GlassplateError):
    """A key has outlived its date; nothing is searched until it is destroyed."""

    http_status = 503


class FolderBusy(GlassplateError):
    """Another vault owns the folder."""

    http_status = 503


class StorageFailed(GlassplateError):
    """The disk is full, unreadable or damaged."""

    http_status = 507


class VaultUnreachable(GlassplateError):
    """No vault answers on the socket."""

    http_status = 503


def error_from_kind(kind: str, message: str, rules: tuple[str, ...] = ()) -> GlassplateError:
    """Rebuild an error that crossed the socket. An unknown ``kind`` becomes ``GlassplateError``."""
    for candidate in _all_types(GlassplateError):
        if candidate.__name__ == kind:
            return candidate(message, rules) if issubclass(candidate, Refused) else candidate(message)
    return GlassplateError(message)


def _all_types(root: type[GlassplateError]) -> list[type[GlassplateError]]:
    return [root, *(found for child in root.__subclasses__() for found in _all_types(child))]
