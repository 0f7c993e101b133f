"""Texts from a reader's steps: connectionist temporal classification (Graves et al. 2006), class 0 is the blank.

Pure functions on probabilities of T steps × 37 classes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from glassplate.plate_text import ALPHABET

Probabilities = npt.NDArray[np.float32]

_IMPOSSIBLE = -1e9
_SMALLEST = 1e-7


@dataclass(frozen=True, slots=True)
class ReadCharacter:
    """One character with its probability, and the next best one with its own."""

    character: str = field(repr=False)
    confidence: float
    second: str = field(repr=False)
    second_confidence: float


def greedy(steps: Probabilities) -> tuple[ReadCharacter, ...]:
    """The best class of every step, repeats and blanks dropped. A run of one class counts by its surest step."""
    characters = []
    best = steps.argmax(axis=1)
    start = 0
    for at in range(1, len(best) + 1):
        if at < len(best) and best[at] == best[start]:
            continue
        winner = int(best[start])
        if winner:
            surest = steps[start + int(steps[start:at, winner].argmax())]
            characters.append(_character(surest, winner))
        start = at
    return tuple(characters)


def log_likelihood(steps: Probabilities, text: str) -> float:
    """The natural logarithm of the probability that the steps say ``text``, over all alignments."""
    labels = np.zeros(2 * len(text) + 1, dtype=np.int64)
    labels[1::2] = [ALPHABET.index(one) + 1 for one in text]
    log_steps = np.log(np.maximum(steps[:, labels], _SMALLEST))
    may_skip = np.zeros(len(labels), dtype=bool)
    may_skip[3::2] = labels[3::2] != labels[1:-2:2]
    score = np.full(len(labels), _IMPOSSIBLE)
    score[:2] = log_steps[0, :2]
    for row in log_steps[1:]:
        one = np.concatenate([[_IMPOSSIBLE], score[:-1]])
        two = np.where(
            may_skip, np.concatenate([[_IMPOSSIBLE, _IMPOSSIBLE], score[:-2]])[: len(score)], _IMPOSSIBLE
        )
        score = np.logaddexp(np.logaddexp(score, one), two) + row
    return float(np.logaddexp(score[-1], score[-2])) if len(labels) > 1 else float(score[0])


def _character(step: Probabilities, winner: int) -> ReadCharacter:
    others = step.copy()
    others[[0, winner]] = -1.0
    second = int(others.argmax())
    return ReadCharacter(ALPHABET[winner - 1], float(step[winner]), ALPHABET[second - 1], float(step[second]))
