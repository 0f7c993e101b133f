"""What the tests of vehicles, faces and scenes share: sessions that answer what they are told, and street pictures."""

from __future__ import annotations

import numpy as np
from invented_person import FACE, invented_person
from PIL import Image
from recognize_testing import DEMO_PHOTOS

from glassplate.recognize.found import Found

STRIDES = (8, 16, 32)
PLACES = {8: 2704, 16: 676, 32: 169}


class VehicleSession:
    """Answers as NanoDet would that saw ``objects``: (stride, place, class, score, bins of left, top, right, bottom)."""

    def __init__(self, objects=(), scores=0.0):
        self.inputs = []
        self._scores = {stride: np.full((1, PLACES[stride], 80), scores, np.float32) for stride in STRIDES}
        self._distances = {stride: np.zeros((1, PLACES[stride], 44), np.float32) for stride in STRIDES}
        for stride, place, number, score, bins in objects:
            self._scores[stride][0, place, number] = score
            for side, one in enumerate(bins):
                self._distances[stride][0, place, side * 11 + one] = 50.0  # all of the weight in one bin

    def run(self, names, inputs):
        self.inputs.append(inputs["input"])
        parts = {"scores": self._scores, "distances": self._distances}
        return [parts[name.rpartition("_")[0]][int(name.rpartition("_")[2])] for name in names]


class FaceSession:
    """Answers as CenterFace would: (row, column, heat, vertical and horizontal log size, and offset)."""

    def __init__(self, faces=()):
        self.inputs = []
        self._faces = faces

    def run(self, names, inputs):
        self.inputs.append(inputs["input"])
        rows, columns = (side // 4 for side in inputs["input"].shape[2:])
        answers = {
            "heat": np.zeros((1, 1, rows, columns), np.float32),
            "log_size": np.zeros((1, 2, rows, columns), np.float32),
            "offset": np.zeros((1, 2, rows, columns), np.float32),
        }
        for row, column, heat, log_size, offset in self._faces:
            answers["heat"][0, 0, row, column] = heat
            answers["log_size"][0, :, row, column] = log_size
            answers["offset"][0, :, row, column] = offset
        return [answers[name] for name in names]


def demo_photo(number):
    return Image.open(DEMO_PHOTOS / f"photo-{number:02}.jpg").convert("RGB")


def with_people(photo, *, people=(), heads=()):
    """The photo's pixels with drawn persons and heads pasted in at (scale, x, y)."""
    for scale, x, y in heads:
        head = invented_person(scale).crop([round(one * scale) for one in FACE])
        photo.paste(head, (x, y), head)
    for scale, x, y in people:
        person = invented_person(scale)
        photo.paste(person, (x, y), person)
    return np.asarray(photo)


def noise(height=480, width=640, seed=5):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def a(kind, box, confidence=0.9):
    return Found(kind, confidence, box)
