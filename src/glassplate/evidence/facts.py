"""What a court should know of the machine: which networks read, how often they err, what pictures do not show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.evidence.document import RecognizerFacts, Redaction
from glassplate.recognize.model_files import models

if TYPE_CHECKING:
    from collections.abc import Sequence

    from glassplate.records import KeptRead

# As docs/recognition.md measures it; a test compares the figures.
MEASURED = {
    "glassplate": (
        "On 224 street photos whose plates are known (111 US, 52 EU, 61 Brazil), measured on 25 November 2026, the "
        "plate was read exactly, or exactly by its format, in 94.2 % (95 % interval 90 to 97 %): about 1 plate in 17 "
        "was misread or not read. On 250 close pictures of US plates of all states 81.2 % were exact (76 to 86 %). "
        "Where a state was named on those, it was right in 85 of 85."
    ),
    "whole-frame": (
        "On 224 street photos whose plates are known, measured on 25 November 2026, the plate was read exactly, or "
        "exactly by its format, in 86.2 %: about 1 plate in 7 was misread or not read."
    ),
}
NOT_MEASURED = (
    "This product has no measured error rate for this recognizer. Whoever relies on its reading needs one."
)
NO_NETWORKS = (
    "The networks of this recognizer are not part of this product; its version is what the charter pins."
)
REMOVED = (
    "Plate pictures show the plate and a narrow margin, and nothing else of the street.",
    "Vehicle pictures show the vehicle that carries the plate; everything outside of it was cut off.",
    "People, faces, windshields and windows in it were made unrecognizable before anything was stored.",
    "Plates of other vehicles in it were made unreadable.",
    "The picture as the camera took it was never stored, so nobody can bring back what was removed.",
)
REMARK = (
    "How many persons, faces or other plates were hidden in each picture is not counted; a picture in which the vehicle "
    "or its windows were not found was not kept at all, and only the plate is there."
)


def recognizer_facts(recognizer: str) -> RecognizerFacts:
    """What is known of one recognizer, named as reads name it."""
    engine = recognizer.partition("/")[0]
    if engine not in MEASURED:
        return RecognizerFacts(recognizer, [NO_NETWORKS], NOT_MEASURED)
    networks = [f"{one.name} ({one.task}): SHA-256 {one.sha256}" for one in models()]
    return RecognizerFacts(recognizer, networks, MEASURED[engine])


def redaction_facts(reads: Sequence[KeptRead]) -> Redaction:
    """What these reads' pictures do not show."""
    scenes = sum(kept.scene_jpeg is not None for kept in reads)
    return Redaction(crops=len(reads), scenes=scenes, removed=list(REMOVED), remark=REMARK)
