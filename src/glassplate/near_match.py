"""When is a wanted plate that was *not* read worth a person's eye? Only when the read itself doubts where they differ.

On a list of a million plates every second read has a neighbor one edit away, nearly always a stranger. So a neighbor counts
only where the doubt comes from the read: its characters are unsure at every place that differs, or the recognizer itself
named the wanted plate as another reading. What the bounds let through is measured by ``tools/bench_hotlist.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from glassplate.plate_text import fold, skeleton

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.records import MatchKind, PlateRead

LOOK_ALIKE_BELOW = (
    0.9  # surer than that, it is not the character that looks like it; the recognizer's own bound
)
ONE_EDIT_BELOW = 0.5  # where they do not look alike: the recognizer must think it likelier wrong than right
LEAST_ALTERNATIVE = 0.1  # an alternative with less behind it is noise
_COUNTS = {1: "One character differs", 2: "Two characters differ", 3: "Three characters differ"}


class _Difference(NamedTuple):
    """One place where read and plate differ. ``places``: in the read; one of them must be in doubt."""

    places: tuple[int, ...]
    read: str
    wanted: str

    @property
    def looks_alike(self) -> bool:
        return bool(self.read and self.wanted) and skeleton(self.read) == skeleton(self.wanted)


class _Plates(Protocol):
    """What the registry keeps of wanted plates in memory (``registry.HotPlates``)."""

    def same(self, texts: Sequence[str]) -> set[tuple[int, str]]: ...

    def near(self, texts: Sequence[str]) -> set[tuple[int, str]]: ...


class Found(NamedTuple):
    """``reads[number]`` is, or may be, the wanted ``plate`` (folded)."""

    number: int
    plate: str
    kind: MatchKind


def wanted_plates(reads: Sequence[PlateRead], plates: _Plates, *, allow_near: bool) -> list[Found]:
    """Every wanted plate that the reads match, each pair once and by its surest kind, in the order of the reads."""
    texts = [read.text for read in reads]
    found: dict[tuple[int, str], MatchKind] = dict.fromkeys(plates.same(texts), "exact")
    if allow_near:
        others = [(number, text) for number, read in enumerate(reads) for text in readings(read)]
        for row, plate in plates.same([text for _, text in others]):
            found.setdefault((others[row][0], plate), "alternative")
        doubted = [number for number, read in enumerate(reads) if read.confidence < LOOK_ALIKE_BELOW]
        for row, plate in plates.near([texts[number] for number in doubted]):
            kind = near_kind(reads[doubted[row]], plate)
            if kind is not None:
                found.setdefault((doubted[row], plate), kind)
    return [Found(number, plate, kind) for (number, plate), kind in sorted(found.items())]


def near_kind(read: PlateRead, plate: str) -> MatchKind | None:
    """How ``plate`` is near to ``read.text``, if the read's own doubt covers every place that differs; else None."""
    found = _differences(read.text, plate)
    edits = sum(not one.looks_alike for one in found)
    if not found or edits > 1 or not all(_is_doubted(one, read.character_confidences) for one in found):
        return None
    return "one_edit" if edits else "look_alike"


def readings(read: PlateRead) -> list[str]:
    """Other readings of the plate that have enough behind them."""
    return [other.text for other in read.alternatives if other.confidence >= LEAST_ALTERNATIVE]


def match_in_words(kind: MatchKind, text: str, plate: str) -> str:
    """Why a read of ``text`` was matched with ``plate``, for the person who compares; empty for an exact match."""
    if kind == "exact" or not plate:
        return ""
    said = _differences_in_words(text, plate)
    if kind == "alternative":
        return f"The list's plate is another reading that the recognizer named. {said}"
    return said


def _differences_in_words(text: str, plate: str) -> str:
    if abs(len(text) - len(plate)) > 1:
        return f"It was read as {text}."
    found = _differences(text, plate)
    if len(text) > len(plate) and len(found) == 1:
        return f"One character more was read: {found[0].read}."
    if len(text) < len(plate) and len(found) == 1:
        return f"One character less was read: {found[0].wanted} is missing."
    pairs = ", ".join(
        f"{one.read} for {one.wanted}"
        if one.read and one.wanted
        else (f"{one.read} too much" if one.read else f"{one.wanted} missing")
        for one in found
    )
    return f"{_COUNTS.get(len(found), f'{len(found)} characters differ')}: {pairs}."


def _is_doubted(difference: _Difference, confidences: tuple[float, ...]) -> bool:
    bound = LOOK_ALIKE_BELOW if difference.looks_alike else ONE_EDIT_BELOW
    return any(confidences[place] < bound for place in difference.places)


def _differences(text: str, plate: str) -> list[_Difference]:
    """Where folded ``text`` and ``plate`` differ, at most one character of either having no partner."""
    place = _first_unlike(text, plate)
    if len(text) == len(plate) + 1:
        rest = _changed(text[:place] + text[place + 1 :], plate, skipped_in_text=place)
        return sorted([*rest, _Difference((place,), text[place], "")])
    if len(text) + 1 == len(plate):
        beside = tuple(at for at in (place - 1, place) if 0 <= at < len(text))
        rest = _changed(text, plate[:place] + plate[place + 1 :])
        return sorted([*rest, _Difference(beside, "", plate[place])])
    return _changed(text, plate)


def _changed(text: str, plate: str, skipped_in_text: int | None = None) -> list[_Difference]:
    return [
        _Difference((at + (skipped_in_text is not None and at >= skipped_in_text),), read, wanted)
        for at, (read, wanted) in enumerate(zip(text, plate, strict=False))
        if read != wanted and fold(read) != fold(wanted)
    ]


def _first_unlike(text: str, plate: str) -> int:
    """The first place whose look-alike keys differ, or the end of the shorter."""
    both = zip(skeleton(text), skeleton(plate), strict=False)
    return next((at for at, (one, other) in enumerate(both) if one != other), min(len(text), len(plate)))
