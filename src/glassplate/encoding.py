"""Canonical JSON and base64: the one way bytes are made before they are hashed, signed or sealed.

Canonical JSON (``docs/formats.md`` §1): keys sorted by code point, separators ``,`` and ``:``, UTF-8 unescaped, no
NaN or infinity, no floats in anything that is signed by an office or hashed into the log.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Any

from glassplate.errors import InputRefused

MAX_JSON_DEPTH = 32  # deeper than any document of ours; stops stack attacks before the parser runs
_BRACKETS = re.compile(rb"[\[\]{}]")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)
_UTC_DIGITS = len("2026-11-25T06:30:00.000000")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def canonical_json(value: Any) -> bytes:
    """``value`` as canonical JSON bytes.

    Raises:
        ValueError: for NaN, infinity or a type JSON does not have.
    """
    return _CANONICAL.encode(value).encode()


def parse_json(data: bytes, *, limit: int) -> Any:
    """Parse JSON from a stranger: size and depth limits, no duplicate keys, no NaN.

    Raises:
        InputRefused: saying what is wrong.
    """
    return _parsed(data, limit, _STRICT)


def parse_canonical_json(data: bytes, *, limit: int) -> Any:
    """Parse canonical JSON from a stranger, and nothing but that: a key that appears twice is not canonical either.

    Raises:
        InputRefused: saying what is wrong.
    """
    value = _parsed(data, limit, _REWRITTEN)
    try:
        if canonical_json(value) == data:
            return value
    except (ValueError, RecursionError):  # a lone surrogate cannot be written
        pass
    raise InputRefused("The document is not canonical JSON.")


def sha256_hex(data: bytes) -> str:
    """SHA-256 as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def base64url(data: bytes) -> str:
    """RFC 4648 §5 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """Inverse of ``base64url``; refuses non-canonical forms.

    Raises:
        InputRefused: when ``text`` is not exactly what ``base64url`` would have written.
    """
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise InputRefused("A base64url value is malformed.") from None
    if base64url(data) != text:
        raise InputRefused("A base64url value is not in its canonical form.")
    return data


def time_text(at: datetime) -> str:
    """An aware time as canonical UTC text with microseconds: ``2026-11-25T06:30:00.000000Z``.

    Raises:
        ValueError: for a time without a zone.
    """
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be written")
    in_utc = at if at.tzinfo is UTC else at.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds")[:_UTC_DIGITS] + "Z"


def parse_time(text: Any) -> datetime:
    """Inverse of ``time_text``; refuses every other form.

    Raises:
        InputRefused: when ``text`` is not exactly what ``time_text`` would have written.
    """
    try:
        if _TIME.fullmatch(text):
            return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        pass
    raise InputRefused("A time is not in its canonical form, such as 2026-11-25T06:30:00.000000Z.")


def _parsed(data: bytes, limit: int, decoder: json.JSONDecoder) -> Any:
    if len(data) > limit:
        raise InputRefused(f"The document has {len(data)} bytes; at most {limit} are accepted.")
    _check_depth(data)
    try:
        return decoder.decode(data.decode("utf-8", errors="strict"))
    except (ValueError, RecursionError) as error:
        raise InputRefused(f"The document is not valid JSON: {error}.") from None


def _check_depth(data: bytes) -> None:
    if data.count(b"{") + data.count(b"[") <= MAX_JSON_DEPTH:
        return  # so few cannot nest deeper; most documents have no more
    left = data.translate(None, _NO_BRACKETS)
    for _ in range(MAX_JSON_DEPTH // 2):  # a round removes one level of nesting, or two
        left = left.replace(b"[]", b"").replace(b"{}", b"")
        if not left:
            return
    depth = 0
    for bracket in _BRACKETS.finditer(data):  # brackets inside strings count too: stricter, never looser
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_JSON_DEPTH:
            raise InputRefused(f"The document nests deeper than {MAX_JSON_DEPTH} levels.")


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")


_STRICT = json.JSONDecoder(object_pairs_hook=_without_duplicates, parse_constant=_refuse_constant)
_REWRITTEN = json.JSONDecoder(parse_constant=_refuse_constant)  # for what is compared with its canonical form
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
