"""Other readings of a plate, beside the raw one and never in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.recognize.grammar import corrected
from glassplate.records import Alternative

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from glassplate.recognize.ctc import ReadCharacter

MAX_ALTERNATIVES = 3
DOUBTFUL_BELOW = 0.9  # a character below it gets its second choice as an alternative
LEAST_SECOND_CONFIDENCE = 0.02


def alternatives(
    characters: Sequence[ReadCharacter], others: Iterable[tuple[str, float]] = ()
) -> tuple[Alternative, ...]:
    """What else a plate of these characters may say: at most ``MAX_ALTERNATIVES``, each once.

    First the reading that its format asks for (O/0 and I/1 are one glyph on many plates, so it keeps the raw
    reading's confidence), then, the likeliest first, ``others`` (texts with their confidence) and one reading
    for each doubtful character with its second choice there.
    """
    raw = "".join(one.character for one in characters)
    doubtful = sorted([*others, *_second_choices(characters)], key=lambda one: -one[1])
    formatted = corrected(raw)
    if formatted is not None:
        doubtful.insert(0, (formatted, min((one.confidence for one in characters), default=0.0)))
    kept: dict[str, float] = {}
    for text, confidence in doubtful:
        if text != raw and text not in kept:
            kept[text] = round(min(1.0, confidence), 4)
    return tuple(Alternative(text, confidence) for text, confidence in list(kept.items())[:MAX_ALTERNATIVES])


def _second_choices(characters: Sequence[ReadCharacter]) -> list[tuple[str, float]]:
    texts = []
    for position, doubtful in enumerate(characters):
        if doubtful.confidence < DOUBTFUL_BELOW and doubtful.second_confidence >= LEAST_SECOND_CONFIDENCE:
            text = [one.character for one in characters]
            text[position] = doubtful.second
            texts.append(("".join(text), doubtful.second_confidence))
    return texts
