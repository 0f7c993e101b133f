"""One reading from many looks at the same plate: a weighted vote for each character.

Looks whose text has the winning length vote; the weight of a look is the square of its least sure character, times its
width compared with the widest one. A character's confidence is its share of the weight of *all* looks, those of other
lengths included, so it is never higher than what any single look said and falls with every look that disagrees.
Nothing is corrected: the text of the best look and the losing readings stay beside the result.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glassplate.recognize.recognizer import PlateCandidate
from glassplate.records import UNKNOWN, Alternative

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_ALTERNATIVES = 8
SMALLEST_ALTERNATIVE = 0.02
SURE_ONCE = 0.85  # the least sure character of a plate that was seen in one look only
SURE_TOGETHER = 0.3  # and of one that was seen in several
LIKE_THE_RESULT = 1  # replaced characters, up to which a look supports the result
REGION_SHARE = 0.75  # of the looks that state a region; below it the looks contradict each other
LEAST_SHARE_OF_ALL = 0.5  # of the weight of every look, those that state no region included


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a plate. ``quality``: how good its crop is, in any unit; the best one is kept."""

    candidate: PlateCandidate
    quality: float


def vote(looks: Sequence[Look]) -> PlateCandidate | None:
    """The reading that the looks support together; None where they do not support any.

    Box and corners are those of the best look.
    """
    best = best_look(looks).candidate
    if len(looks) == 1:
        return best if best.confidence >= SURE_ONCE and best.text else None
    weights = _weights(looks)
    total = sum(weights)
    length = _winning_length(looks, weights)
    if not total or not length:
        return None
    masses = _masses(looks, weights, length)
    winners = [max(mass, key=lambda character: (mass[character], character)) for mass in masses]
    text = "".join(winners)
    confidences = tuple(min(1.0, mass[c] / total) for mass, c in zip(masses, winners, strict=True))
    if not _is_supported(text, confidences, looks):
        return None
    region, region_confidence = _region(looks, weights)
    return PlateCandidate(
        text=text,
        character_confidences=confidences,
        box=best.box,
        alternatives=_alternatives(text, best, looks, weights, masses),
        region=region,
        region_confidence=region_confidence,
        corners=best.corners,
    )


def best_look(looks: Sequence[Look]) -> Look:
    """The look with the best crop, the first of equals."""
    return max(looks, key=lambda look: look.quality)


def _weights(looks: Sequence[Look]) -> list[float]:
    widest = max(look.candidate.box[2] for look in looks) or 1
    return [look.candidate.confidence**2 * look.candidate.box[2] / widest for look in looks]


def _winning_length(looks: Sequence[Look], weights: Sequence[float]) -> int:
    by_length: dict[int, float] = defaultdict(float)
    for look, weight in zip(looks, weights, strict=True):
        by_length[len(look.candidate.text)] += weight
    return max(by_length, key=lambda length: (by_length[length], length))


def _masses(looks: Sequence[Look], weights: Sequence[float], length: int) -> list[dict[str, float]]:
    """For each place, the weight behind each character: what was read there, and what was read there second."""
    masses: list[dict[str, float]] = [defaultdict(float) for _ in range(length)]
    for look, weight in zip(looks, weights, strict=True):
        candidate = look.candidate
        if len(candidate.text) != length:
            continue
        for place, character in enumerate(candidate.text):
            confidence = candidate.character_confidences[place]
            masses[place][character] += weight * confidence
            for other, its in _second_readings(candidate, place).items():
                masses[place][other] += weight * min(its, 1 - confidence)
    return masses


def _second_readings(candidate: PlateCandidate, place: int) -> dict[str, float]:
    """What else may stand there: from alternatives that differ there and nowhere else."""
    found: dict[str, float] = {}
    for alternative in candidate.alternatives:
        differs = [
            at
            for at, (its, ours) in enumerate(zip(alternative.text, candidate.text, strict=False))
            if its != ours
        ]
        if len(alternative.text) == len(candidate.text) and differs == [place]:
            found.setdefault(alternative.text[place], alternative.confidence)
    return found


def _is_supported(text: str, confidences: tuple[float, ...], looks: Sequence[Look]) -> bool:
    supporters = [look for look in looks if _differences(look.candidate.text, text) <= LIKE_THE_RESULT]
    if len(supporters) > 1:
        return min(confidences) >= SURE_TOGETHER
    return any(
        look.candidate.text == text and look.candidate.confidence >= SURE_ONCE for look in supporters
    ) and (min(confidences) >= SURE_TOGETHER)


def _differences(one: str, other: str) -> int:
    if len(one) != len(other):
        return max(len(one), len(other))
    return sum(a != b for a, b in zip(one, other, strict=True))


def _region(looks: Sequence[Look], weights: Sequence[float]) -> tuple[str, float]:
    """The region that most looks state, as sure as the looks that state one are of it.

    A look that states none is no evidence against it, as one that reads another character is: far plates have no words.
    """
    stated: dict[str, float] = defaultdict(float)
    said: dict[str, float] = defaultdict(float)
    for look, weight in zip(looks, weights, strict=True):
        if look.candidate.region != UNKNOWN:
            stated[look.candidate.region] += weight * look.candidate.region_confidence
            said[look.candidate.region] += weight
    if not stated:
        return UNKNOWN, 0.0
    region = max(stated, key=lambda code: (stated[code], code))
    is_one_voice = stated[region] >= REGION_SHARE * sum(stated.values())
    if not is_one_voice or said[region] < LEAST_SHARE_OF_ALL * sum(weights):
        return UNKNOWN, 0.0  # they contradict each other; or one look of sixty names a state
    return region, min(1.0, stated[region] / sum(said.values()))


def _alternatives(
    text: str,
    best: PlateCandidate,
    looks: Sequence[Look],
    weights: Sequence[float],
    masses: Sequence[dict[str, float]],
) -> tuple[Alternative, ...]:
    """The best look's own text first, then the losing readings and characters, the likeliest first."""
    total = sum(weights)
    others: dict[str, float] = defaultdict(float)
    for look, weight in zip(looks, weights, strict=True):
        others[look.candidate.text] += weight * look.candidate.confidence / total
    for place, mass in enumerate(masses):
        for character, its in mass.items():
            changed = text[:place] + character + text[place + 1 :]
            others[changed] = max(others[changed], its / total)
    for known in (text, best.text, ""):
        others.pop(known, None)
    ranked = sorted(others.items(), key=lambda item: (-item[1], item[0]))
    raw = [] if best.text in (text, "") else [Alternative(best.text, best.confidence)]
    rest = [Alternative(t, min(1.0, share)) for t, share in ranked if share >= SMALLEST_ALTERNATIVE]
    return tuple([*raw, *rest][:MAX_ALTERNATIVES])
