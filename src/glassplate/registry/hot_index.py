"""Which wanted plates are like these texts? An immutable index in memory: one call for a whole batch of reads.

Two sorted arrays of 64-bit numbers, built once by numpy:

* every wanted plate, folded (``plate_text.fold``), 6 bits a character: one binary search finds what is the same;
* for every plate its look-alike key (``plate_text.skeleton``, 5 bits a character) and each text that one deleted
  character leaves of it, as 32 bits of hash beside the plate's number. Two texts that differ by one edit share one of
  these (deletion neighborhoods: Mor and Fraenkel, "A hash code method for detecting and correcting spelling errors",
  CACM 25(12), 1982). What shares one is compared character by character, so a hash that collides costs time only.

About 76 bytes a plate of seven characters. The index knows no dates: whether an entry still holds is asked of the registry.
"""

from __future__ import annotations

import secrets
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from glassplate.distinct import distinct
from glassplate.plate_text import ALPHABET, fold, skeleton

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    _Codes = NDArray[np.uint8]
    _Words = NDArray[np.uint64]

LONGEST_WANTED = 10  # characters of a wanted plate: six bits each in one word
_WIDTH = LONGEST_WANTED + 2  # a longer read is cut here: it is longer by more than an edit
_FOLDED = "".join(sorted({fold(character) for character in ALPHABET}))
_SKELETONS = "".join(sorted({skeleton(character) for character in ALPHABET}))
_FOLD_BITS, _SKELETON_BITS = 6, 5
_AT_ONCE = 1 << 16  # plates whose deletions are made at once while building


def _table(alphabet: str, size: int, code_of: dict[int, str]) -> _Codes:
    """Codes from 1, by position in ``alphabet``; 0 is no character."""
    table = np.zeros(size, np.uint8)
    for number, character in code_of.items():
        table[number] = alphabet.index(character) + 1
    return table


_FOLD_CODE = _table(_FOLDED, 256, {ord(character): fold(character) for character in ALPHABET})
_SKELETON_CODE = _table(
    _SKELETONS, len(_FOLDED) + 1, {n: skeleton(character) for n, character in enumerate(_FOLDED, start=1)}
)


class HotIndex:
    """Wanted plates, ready to be compared with. Never changes; callable from several threads at once."""

    def __init__(self, plates: Iterable[str]) -> None:
        """``plates``: in any order, repeated or not.

        Raises:
            ValueError: a plate is empty or longer than ``LONGEST_WANTED``; none is armed that way.
        """
        parts = iter(plates)
        self._take([_wanted(part) for part in iter(lambda: list(islice(parts, _AT_ONCE)), [])])

    def merged(self, other: HotIndex) -> HotIndex:
        """A new index of the plates of both."""
        both = HotIndex(())
        both._take([self._plates, other._plates])
        return both

    def _take(self, parts: list[_Words]) -> None:
        self._plates = distinct([*parts, np.empty(0, np.uint64)])
        self._multiplier = np.uint64(secrets.randbits(64) | 1)  # nobody can prepare texts that collide
        self._neighbors = self._neighborhoods()

    def __len__(self) -> int:
        return len(self._plates)

    @property
    def size_bytes(self) -> int:
        """Memory of both arrays."""
        return int(self._plates.nbytes + self._neighbors.nbytes)

    def same(self, texts: Sequence[str]) -> list[tuple[int, str]]:
        """(number of the text, plate) of those that are equal once folded."""
        codes = _codes(texts)
        if not len(codes) or not len(self._plates):
            return []
        words = _packed(codes[:, :LONGEST_WANTED], _FOLD_BITS)
        at = np.minimum(np.searchsorted(self._plates, words), len(self._plates) - 1)
        rows = np.flatnonzero((self._plates[at] == words) & (codes[:, LONGEST_WANTED] == 0))
        return list(zip(rows.tolist(), self._texts(at[rows]), strict=True))

    def near(self, texts: Sequence[str]) -> list[tuple[int, str]]:
        """(number of the text, plate) whose look-alike keys are equal or one edit apart, without those of ``same``.

        An edit is one character changed, added or left out.
        """
        codes = _codes(texts)
        if not len(codes) or not len(self._plates):
            return []
        rows, owners = self._candidates(_SKELETON_CODE[codes])
        wanted = _unpacked(self._plates[owners], _FOLD_BITS)
        read = codes[rows]
        kept = (read != wanted).any(axis=1) & _within_one_edit(_SKELETON_CODE[read], _SKELETON_CODE[wanted])
        return list(zip(rows[kept].tolist(), self._texts(owners[kept]), strict=True))

    # --- deletion neighborhoods ----------------------------------------------------------------------------------

    def _neighborhoods(self) -> _Words:
        words = np.empty(len(self._plates) + self._characters(), np.uint64)
        filled = 0
        for first in range(0, len(self._plates), _AT_ONCE):
            plates = self._plates[first : first + _AT_ONCE]
            hashes, rows = self._hashed(_SKELETON_CODE[_unpacked(plates, _FOLD_BITS)])
            words[filled : filled + len(hashes)] = hashes | (rows + first).astype(np.uint64)
            filled += len(hashes)
        words.sort()
        return words

    def _characters(self) -> int:
        """Characters of all plates together."""
        places = [
            np.uint64(((1 << _FOLD_BITS) - 1) << (_FOLD_BITS * place)) for place in range(LONGEST_WANTED)
        ]
        return sum(int(np.count_nonzero(self._plates & place)) for place in places)

    def _hashed(self, skeletons: _Codes) -> tuple[_Words, NDArray[np.int64]]:
        """(hash in the high half, row) of each text and of what is left when one of its characters is deleted."""
        words = _packed(skeletons, _SKELETON_BITS)
        lengths = (skeletons > 0).sum(axis=1)
        columns, rows = [words], [np.arange(len(words))]
        whole = np.uint64(_SKELETON_BITS * skeletons.shape[1])
        for place in range(skeletons.shape[1]):
            has = np.flatnonzero(lengths > place)
            kept = whole - np.uint64(_SKELETON_BITS * place)  # bits to the right of what stays where it is
            low = words[has] & ((np.uint64(1) << (kept - np.uint64(_SKELETON_BITS))) - np.uint64(1))
            columns.append((words[has] >> kept << kept) | (low << np.uint64(_SKELETON_BITS)))
            rows.append(has)
        mixed = np.concatenate(columns) * self._multiplier
        return mixed & np.uint64(0xFFFFFFFF_00000000), np.concatenate(rows)

    def _candidates(self, skeletons: _Codes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(row, plate) that share a hash, each pair once."""
        fitting = np.flatnonzero(skeletons[:, LONGEST_WANTED + 1] == 0)
        hashes, rows = self._hashed(skeletons[fitting])
        order = np.argsort(hashes)  # neighbors in the query are neighbors in memory
        hashes, rows = hashes[order], rows[order]
        first = np.searchsorted(self._neighbors, hashes)
        last = np.searchsorted(self._neighbors, hashes | np.uint64(0xFFFFFFFF), side="right")
        counts = last - first
        starts = np.repeat(first - np.concatenate(([0], np.cumsum(counts)[:-1])), counts)
        found = self._neighbors[starts + np.arange(counts.sum())] & np.uint64(0xFFFFFFFF)
        pairs = distinct([np.repeat(fitting[rows], counts).astype(np.uint64) << np.uint64(32) | found])
        return (pairs >> np.uint64(32)).astype(np.int64), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int64)

    def _texts(self, numbers: NDArray[np.int64]) -> list[str]:
        letters = np.frombuffer(b"\0" + _FOLDED.encode(), np.uint8)
        characters = letters[_unpacked(self._plates[numbers], _FOLD_BITS)]
        return [str(text, "ascii") for text in np.ascontiguousarray(characters).view(f"S{_WIDTH}").ravel()]


def _wanted(plates: Sequence[str]) -> _Words:
    """The plates' folded characters, a word each."""
    codes = _codes(plates)
    if not codes[:, 0].all() or codes[:, LONGEST_WANTED].any():
        raise ValueError(f"a wanted plate has 1 to {LONGEST_WANTED} characters A-Z and 0-9")
    return _packed(codes[:, :LONGEST_WANTED], _FOLD_BITS)


def _codes(texts: Sequence[str]) -> _Codes:
    """Fold codes, a row of ``_WIDTH`` for each text."""
    characters = np.array([text.encode() for text in texts], dtype=f"S{_WIDTH}")
    return _FOLD_CODE[characters.view(np.uint8).reshape(len(texts), _WIDTH)]


def _packed(codes: _Codes, bits: int) -> _Words:
    """One word a row, the first character in the highest bits."""
    words = np.zeros(len(codes), np.uint64)
    for column in codes.T:
        words = (words << np.uint64(bits)) | column
    return words


def _unpacked(words: _Words, bits: int) -> _Codes:
    """Inverse of ``_packed`` for ``LONGEST_WANTED`` characters, in rows of ``_WIDTH``."""
    codes = np.zeros((len(words), _WIDTH), np.uint8)
    for place in range(LONGEST_WANTED):
        shift = np.uint64(bits * (LONGEST_WANTED - 1 - place))
        codes[:, place] = (words >> shift) & np.uint64((1 << bits) - 1)
    return codes


def _within_one_edit(read: _Codes, wanted: _Codes) -> NDArray[np.bool_]:
    """Whether each row of ``read`` is its row of ``wanted`` but for one character changed, added or left out."""
    differs = read != wanted
    from_first = np.logical_or.accumulate(differs, axis=1)[:, :-1]  # places from the first one that differs
    longer = (from_first & (read[:, 1:] != wanted[:, :-1])).any(axis=1)  # the read has one more
    shorter = (from_first & (read[:, :-1] != wanted[:, 1:])).any(axis=1)
    within: NDArray[np.bool_] = (differs.sum(axis=1) <= 1) | ~longer | ~shorter
    return within
