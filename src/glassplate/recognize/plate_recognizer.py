"""The product's recognizer: find plates, read each, doubt, and look at the whole frame where nothing was found.

1. find plates with four corners (``PlateDetector``), 2. read each in bands (``PlateReader``), 3. drop what is no
plate: burnt-in dates, implausible texts, too little confidence, 4. beside the raw text put what its format and
its doubtful characters offer, never instead of it, 5. where nothing is left, read every line of text in the frame
(``WholeFrameRecognizer``), 6. name the region where it is sure.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from glassplate.plate_text import is_plausible
from glassplate.recognize.alternatives import alternatives
from glassplate.recognize.grammar import commonness, corrected, is_burnt_in
from glassplate.recognize.model_files import joint_digest, model
from glassplate.recognize.plate_detector import PlateDetector
from glassplate.recognize.plate_reader import PlateNetwork, PlateReader
from glassplate.recognize.recognizer import PlateCandidate
from glassplate.recognize.region import RegionReader
from glassplate.recognize.regions import REGIONS_FILE
from glassplate.recognize.whole_frame import WholeFrameRecognizer

if TYPE_CHECKING:
    from glassplate.recognize.plate_detector import FoundPlate
    from glassplate.recognize.plate_reader import PlateText
    from glassplate.recognize.recognizer import Pixels
    from glassplate.records import FrameBox

NETWORKS = ("plate-detector", "plate-reader", "PP-OCRv6_det_small", "PP-OCRv6_rec_small")
MAX_READ = 4  # plates of one frame, the surest; more are legible in none
# Detector's score × reading's confidence, chosen on photos with truth (docs/recognition.md): for a text that looks like a
# plate of some region, and for any other, which is more often a badge or a telephone number.
LEAST_SCORE, LEAST_SCORE_OF_UNKNOWN_SHAPE = 0.35, 0.5
SHORTEST_KNOWN = 5  # a text of four characters is more often a badge than a plate, whatever its shape
LEAST_COMMONNESS = 1.0  # millions of vehicles


class PlateRecognizer:
    """``Recognizer`` of the product. The networks for the whole frame are loaded at first need.

    ``whole_frame`` False: a frame without a found plate is not read whole. For video, where most frames have no plate
    and the next look comes a tenth of a second later.
    """

    def __init__(self, *, whole_frame: bool = True) -> None:
        self._reads_whole_frames = whole_frame
        network = PlateNetwork()
        self._detector = PlateDetector()
        self._reader = PlateReader(network)
        self._regions = RegionReader(network)
        self._whole_frame: WholeFrameRecognizer | None = None

    @property
    def version(self) -> str:
        """Engine, and one hash over every network and the table of regions."""
        table = hashlib.sha256(REGIONS_FILE.read_bytes()).hexdigest()
        networks = ((name, model(name).sha256) for name in NETWORKS)
        return f"glassplate/3@{joint_digest((*networks, (REGIONS_FILE.name, table)))}"

    def read(self, pixels: Pixels) -> list[PlateCandidate]:
        """Every plate, the likeliest first; see ``Recognizer``."""
        candidates = self._found(pixels) or self._anywhere(pixels)
        return [self._with_region(pixels, one) for one in candidates]

    def _found(self, pixels: Pixels) -> list[PlateCandidate]:
        ranked = []
        for plate in self._detector.find(pixels)[:MAX_READ]:
            read = self._reader.read(pixels, plate)
            if read is None or not is_plausible(read.text) or is_burnt_in(read.text):
                continue
            score = plate.score * read.confidence
            if score >= _least_score(read.text):
                ranked.append((score, _candidate(plate, read, pixels.shape[1], pixels.shape[0])))
        ranked.sort(key=lambda one: -one[0])
        return [candidate for _, candidate in ranked]

    def _anywhere(self, pixels: Pixels) -> list[PlateCandidate]:
        if not self._reads_whole_frames:
            return []
        if self._whole_frame is None:
            self._whole_frame = WholeFrameRecognizer(frugal=True)
        return [one for one in self._whole_frame.read(pixels) if not is_burnt_in(one.text)]

    def _with_region(self, pixels: Pixels, candidate: PlateCandidate) -> PlateCandidate:
        region, confidence = self._regions.predict(pixels, candidate)
        return replace(candidate, region=region, region_confidence=round(confidence, 4))


def _least_score(text: str) -> float:
    likeliest = max(commonness(text), commonness(corrected(text) or text))
    is_known = len(text) >= SHORTEST_KNOWN and likeliest >= LEAST_COMMONNESS
    return LEAST_SCORE if is_known else LEAST_SCORE_OF_UNKNOWN_SHAPE


def _candidate(plate: FoundPlate, read: PlateText, frame_width: int, frame_height: int) -> PlateCandidate:
    return PlateCandidate(
        text=read.text,
        character_confidences=tuple(round(min(1.0, one.confidence), 4) for one in read.characters),
        box=_box(plate, frame_width, frame_height),
        alternatives=alternatives(read.characters, read.others),
        corners=plate.corners,
    )


def _box(plate: FoundPlate, frame_width: int, frame_height: int) -> FrameBox:
    left, top = min(int(plate.box[0]), frame_width - 1), min(int(plate.box[1]), frame_height - 1)
    right, bottom = min(frame_width, -int(-plate.box[2] // 1)), min(frame_height, -int(-plate.box[3] // 1))
    return left, top, max(1, right - left), max(1, bottom - top)
