"""Plates as 64-bit numbers: ten characters of six bits, so that numbers sort like texts and a wildcard is a mask.

A code is left-justified in 60 bits: 1–10 are the digits, 11–36 the letters, 0 is the end. (Base 37 would hold
twelve characters, but then neither a wildcard nor a dropped character is a cheap operation on whole arrays.)
A folded text that does not fit gets ``LONG`` | 62 bits of its SHA-256: exact searches work as before, and for
the others its text is kept beside the code. Both stay below 2^63, so SQLite's signed integers keep the order.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from glassplate.plate_text import SKELETON_ALPHABET, skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    Codes = NDArray[np.uint64]

SYMBOLS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # in the order of their bytes
SLOTS = 10
LONG = 1 << 62
MAX_MASKS = 32  # more ways to place the stars than this: narrow first, then compare texts
_BITS = 6
_SLOT = (1 << _BITS) - 1
_NUMBER = {symbol: number for number, symbol in enumerate(SYMBOLS, 1)}
_SHIFTS = tuple(_BITS * (SLOTS - 1 - slot) for slot in range(SLOTS))
_BLOCK = 16_384  # codes in 128 KB: three such arrays stay in a core's cache


def code_of(folded: str) -> int:
    """The code of a folded text."""
    if len(folded) <= SLOTS:
        code = 0
        try:
            for symbol, shift in zip(folded, _SHIFTS, strict=False):
                code |= _NUMBER[symbol] << shift
        except KeyError:
            pass
        else:
            return code
    digest = hashlib.sha256(folded.encode("utf-8", "surrogatepass")).digest()
    return LONG | int.from_bytes(digest[:8], "big") >> 2


def text_of(code: int) -> str:
    """The text of a code below ``LONG``."""
    numbers = (code >> shift & _SLOT for shift in _SHIFTS)
    return "".join(SYMBOLS[number - 1] for number in numbers if number)


def _pair_table() -> NDArray[np.uint64]:
    single = [_NUMBER[skeleton(symbol)] for symbol in SYMBOLS]
    one = np.array([0, *single, *range(len(SYMBOLS) + 1, _SLOT + 1)], dtype=np.uint64)
    return (one[:, None] << np.uint64(_BITS) | one[None, :]).ravel()


_PAIRS = _pair_table()


def skeletons_of(codes: Codes) -> Codes:
    """The skeleton of each code; a long text's code is its own."""
    result = np.zeros_like(codes)
    for shift in _SHIFTS[1::2]:
        pairs = (codes >> np.uint64(shift) & np.uint64(0xFFF)).astype(np.intp)
        result |= _PAIRS[pairs] << np.uint64(shift)
    is_long = codes >= np.uint64(LONG)
    if is_long.any():
        result[is_long] = codes[is_long]
    return result


def neighbors_of(text: str) -> Codes:
    """Codes of all skeletons within one edit of the skeleton of ``text``, sorted."""
    bones = skeleton(text)
    numbers = [_NUMBER[symbol] for symbol in SKELETON_ALPHABET]
    found: set[int] = set()
    if len(bones) <= SLOTS:
        code, used = code_of(bones), _SHIFTS[: len(bones)]
        found.add(code)
        found.update(code & ~(_SLOT << shift) | number << shift for shift in used for number in numbers)
        found.update(
            _high(code, shift) | code << _BITS & (_SLOT << shift | (1 << shift) - 1) for shift in used
        )
        if len(bones) < SLOTS:
            found.update(
                _high(code, shift) | (code & (1 << shift + _BITS) - 1) >> _BITS | number << shift
                for shift in _SHIFTS[: len(bones) + 1]
                for number in numbers
            )
    elif len(bones) == SLOTS + 1:
        found.update(code_of(bones[:i] + bones[i + 1 :]) for i in range(len(bones)))
    return np.array(sorted(found), dtype=np.uint64)


def _high(code: int, shift: int) -> int:
    return code >> shift + _BITS << shift + _BITS


def prefix_range(pattern: str) -> tuple[int, int]:
    """First and last *skeleton* code that a text matching ``pattern`` can have."""
    prefix = skeleton(pattern[: min((i for i, c in enumerate(pattern) if c in "?*"), default=len(pattern))])
    first = code_of(prefix[:SLOTS])
    return first, first | (1 << _BITS * (SLOTS - min(len(prefix), SLOTS))) - 1


class Mask(NamedTuple):
    """A code fits when it is ``value`` where ``mask`` is set, and something where ``last`` is, if that is anywhere."""

    mask: int
    value: int
    last: int


def matching(codes: Codes, pattern: str) -> NDArray[np.bool_]:
    """Which of ``codes`` below ``LONG`` can match ``pattern``; certain unless ``needs_texts(pattern)``."""
    masks = _masks(pattern)
    if masks is not None:
        return fitting(codes, masks)
    hits = np.zeros(len(codes), dtype=np.bool_)
    positions = np.arange(len(codes))
    for run in _runs(pattern):
        positions = positions[fitting(codes[positions], _anywhere(run))]
    hits[positions] = True
    return hits


def narrowing(pattern: str) -> list[Mask]:
    """Masks of which every match fits one; with ``needs_texts(pattern)``, others do too."""
    masks = _masks(pattern)
    return _anywhere(next(iter(_runs(pattern)), "")) if masks is None else masks


def _runs(pattern: str) -> list[str]:
    """The parts without wildcards, the longest first."""
    return sorted((run for run in re.split("[*?]", pattern) if run), key=len, reverse=True)


def _anywhere(run: str) -> list[Mask]:
    return [_mask("?" * at + run) for at in range(SLOTS - len(run) + 1)]


def needs_texts(pattern: str) -> bool:
    """Whether ``matching`` only narrows down, so that texts must be compared."""
    return _masks(pattern) is None


def fitting(codes: Codes, masks: Sequence[Mask]) -> NDArray[np.bool_]:
    """Which of ``codes`` fit any of the masks."""
    hits = np.zeros(len(codes), dtype=np.bool_)
    masked, same = np.empty(_BLOCK, dtype=np.uint64), np.empty(_BLOCK, dtype=np.bool_)
    constants = [tuple(np.uint64(number) for number in mask) for mask in masks]
    for start in range(0, len(codes), _BLOCK):
        block = codes[start : start + _BLOCK]
        some, equal, into = masked[: len(block)], same[: len(block)], hits[start : start + _BLOCK]
        for mask, value, last in constants:
            np.bitwise_and(block, mask, out=some)
            np.equal(some, value, out=equal)
            if last and equal.any():  # a question mark at the end must not match the end itself
                equal &= (block & last) != 0
            into |= equal
    return hits


def _masks(pattern: str) -> list[Mask] | None:
    """Every way to place the stars; None when there are too many."""
    parts = pattern.split("*")
    parts = [parts[0], *(part for part in parts[1:-1] if part), *parts[-1:]] if len(parts) > 1 else parts
    free = SLOTS - sum(map(len, parts))
    if free < 0:
        return []
    if len(parts) == 1:
        return [_mask(parts[0], is_whole=True)]
    is_open = not parts[-1]
    inner = len(parts) - 1 - is_open
    if _choices(free, inner) > MAX_MASKS:
        return None
    masks = []
    for gaps in _gaps(free, inner):
        text = parts[0] + "".join("?" * gap + part for gap, part in zip(gaps, parts[1:], strict=False))
        masks.append(_mask(text, is_whole=not is_open))
    return masks


def _choices(free: int, gaps: int) -> int:
    count = 1
    for i in range(1, gaps + 1):
        count = count * (free + i) // i
    return count


def _gaps(free: int, count: int) -> Iterable[tuple[int, ...]]:
    if count == 0:
        yield ()
        return
    for first in range(free + 1):
        for rest in _gaps(free - first, count - 1):
            yield (first, *rest)


def _mask(text: str, *, is_whole: bool = False) -> Mask:
    """Of a text with question marks."""
    mask = value = last = 0
    for symbol, shift in zip(text, _SHIFTS, strict=False):
        if symbol != "?":
            mask |= _SLOT << shift
            value |= _NUMBER[symbol] << shift
    if is_whole:
        mask |= (1 << _BITS * (SLOTS - len(text))) - 1
    if text.endswith("?"):
        last = _SLOT << _SHIFTS[len(text) - 1]
    return Mask(mask, value, last)
