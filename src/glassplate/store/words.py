"""A segment's words as small numbers: cameras, bodies, colors, regions, recognizers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

CAMERA, BODY, COLOR, REGION, RECOGNIZER = range(5)
MOST = (65_535, 255, 255, 65_535, 255)  # the number itself stands for "another word, see the row"


class Word(NamedTuple):
    """One word as it is written into a segment."""

    kind: int
    number: int
    text: str


class Words:
    """The words of one segment; numbers are given in the order of first use and never change."""

    def __init__(self, known: Iterable[Word] = ()) -> None:
        self.texts: tuple[list[str], ...] = ([], [], [], [], [])
        self._numbers: tuple[dict[str, int], ...] = ({}, {}, {}, {}, {})
        self._new: list[Word] = []
        for kind, number, text in sorted(known):
            if number != len(self.texts[kind]):
                raise ValueError("a word is missing")
            self.texts[kind].append(text)
            self._numbers[kind][text] = number

    def number(self, kind: int, text: str) -> int:
        """The number of ``text``, a new one if need be; ``MOST`` of its kind when there are too many."""
        numbers = self._numbers[kind]
        number = numbers.get(text)
        if number is None:
            number = len(numbers)
            if number >= MOST[kind]:
                return MOST[kind]
            numbers[text] = number
            self.texts[kind].append(text)
            self._new.append(Word(kind, number, text))
        return number

    def numbers_of(
        self, camera: str, body: str, color: str, second: str, recognizer: str, region: str
    ) -> tuple[int, int, int, int, int, int]:
        """``number`` of each word of one read."""
        cameras, bodies, colors, regions, recognizers = self._numbers
        try:  # all known: nearly always
            return (
                cameras[camera],
                bodies[body],
                colors[color],
                colors[second],
                recognizers[recognizer],
                regions[region],
            )
        except KeyError:
            number = self.number
            return (
                number(CAMERA, camera),
                number(BODY, body),
                number(COLOR, color),
                number(COLOR, second),
                number(RECOGNIZER, recognizer),
                number(REGION, region),
            )

    def numbers(self, kind: int, texts: Iterable[str]) -> list[int]:
        """Numbers that reads with one of ``texts`` can have: the known ones, and "another" when that is in use."""
        known = self._numbers[kind]
        found = [known[text] for text in dict.fromkeys(texts) if text in known]
        return [*found, MOST[kind]] if len(known) >= MOST[kind] else found

    def take_new(self) -> list[Word]:
        """Words that were added since this was last asked: to be written with the rows that use them."""
        new, self._new = self._new, []
        return new

    def all(self) -> list[Word]:
        """Every word."""
        return [Word(kind, n, text) for kind, texts in enumerate(self.texts) for n, text in enumerate(texts)]
