"""A ``PlateRead`` as the bytes that a lane seals: canonical JSON, confidences in per mille, no floats."""

from __future__ import annotations

import re
from typing import Any

from glassplate.encoding import canonical_json, parse_json, parse_time, time_text
from glassplate.errors import InputRefused
from glassplate.records import UNKNOWN, Alternative, PlateRead, Vehicle

VERSION = 2  # version 1 had no second color; lanes may still hold reads of it
READ_STEP = 1024  # every usual read fills one step, whatever its plate's length
MAX_READ_BYTES = 16 * 1024  # 16 alternatives of the longest text fill a quarter of it
MAX_TEXT = 16  # no plate is longer; recognizers are cut there
MAX_ALTERNATIVES = 32
PER_MILLE = 1000
READ_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
CAMERA_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_TEXT = re.compile(r"[A-Z0-9]{0,16}", re.ASCII)
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:+/@-]{0,127}", re.ASCII)
_MAX_PIXEL = 1 << 16
_BOX_NUMBERS = 4
_FRACTION = {per_mille: per_mille / PER_MILLE for per_mille in range(PER_MILLE + 1)}
_WHOLE_NUMBERS = frozenset([int])


def encode_read(read: PlateRead) -> bytes:
    """The bytes to seal.

    Raises:
        InputRefused: the read is not one that ``decode_read`` accepts, so the recognizer is wrong.
    """
    vehicle = read.vehicle
    data = canonical_json(
        {
            "v": VERSION,
            "read_id": read.read_id,
            "text": read.text,
            "confidences": [_per_mille(value) for value in read.character_confidences],
            "camera_id": read.camera_id,
            "captured_at": time_text(read.captured_at),
            "recognizer": read.recognizer,
            "box": [int(value) for value in read.box],
            "alternatives": [[other.text, _per_mille(other.confidence)] for other in read.alternatives],
            "region": [read.region, _per_mille(read.region_confidence)],
            "body": [vehicle.body, _per_mille(vehicle.body_confidence)],
            "color": [vehicle.color, _per_mille(vehicle.color_confidence)],
            "second_color": [vehicle.second_color, _per_mille(vehicle.second_color_confidence)],
        }
    )
    decode_read(data)
    return data


def decode_read(data: bytes) -> PlateRead:
    """Read what ``encode_read`` wrote; every field is checked, because a camera may be stolen.

    Raises:
        InputRefused: saying which field is wrong, never its value.
    """
    document = parse_json(data, limit=MAX_READ_BYTES)
    if not isinstance(document, dict) or document.keys() != _FIELDS_BY_VERSION.get(_version(document)):
        raise InputRefused("A read has other fields than versions 1 and 2 know.")
    text = _matching(document["text"], _TEXT, "text")
    confidences = _fractions(_list(document["confidences"], "confidences"), "confidences")
    if len(confidences) != len(text):
        raise InputRefused(f"A read has {len(text)} characters but {len(confidences)} confidences.")
    region, region_confidence = _judged(document["region"], "region", _WORD)
    body, body_confidence = _judged(document["body"], "body", _WORD)
    color = _judged(document["color"], "color", _WORD)
    second = _judged(document.get("second_color", [UNKNOWN, 0]), "second_color", _WORD)
    alternatives = _list(document["alternatives"], "alternatives")
    if len(alternatives) > MAX_ALTERNATIVES:
        raise InputRefused(
            f"A read has {len(alternatives)} alternatives; at most {MAX_ALTERNATIVES} are accepted."
        )
    return PlateRead(
        read_id=_matching(document["read_id"], READ_ID, "read_id"),
        text=text,
        character_confidences=confidences,
        camera_id=_matching(document["camera_id"], CAMERA_ID, "camera_id"),
        captured_at=parse_time(document["captured_at"]),
        recognizer=_matching(document["recognizer"], _WORD, "recognizer"),
        box=_box(document["box"]),
        alternatives=tuple(Alternative(*_judged(other, "alternatives", _TEXT)) for other in alternatives),
        region=region,
        region_confidence=region_confidence,
        vehicle=Vehicle(body, body_confidence, *color, *second),
    )


_FIELDS = {
    *("v", "read_id", "text", "confidences", "camera_id", "captured_at", "recognizer", "box"),
    *("alternatives", "region", "body", "color"),
}
_FIELDS_BY_VERSION = {1: _FIELDS, VERSION: _FIELDS | {"second_color"}}


def _version(document: dict[str, Any]) -> int:
    version = document.get("v")
    return version if type(version) is int else 0


def _per_mille(confidence: float) -> int:
    return round(confidence * PER_MILLE)


def _fractions(values: list[Any], name: str) -> tuple[float, ...]:
    try:
        if _WHOLE_NUMBERS.issuperset(map(type, values)):  # true and 1.0 are found where 1 is
            return tuple([_FRACTION[value] for value in values])
    except KeyError:
        pass
    raise InputRefused(f"A read's {name} must lie between 0 and {PER_MILLE} per mille.")


def _matching(value: Any, form: re.Pattern[str], name: str) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise InputRefused(f"A read's {name} does not have its form.")
    return value


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise InputRefused(f"A read's {name} is not a list.")
    return value


def _judged(value: Any, name: str, form: re.Pattern[str]) -> tuple[str, float]:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - word and confidence
        raise InputRefused(f"A read's {name} is not a word with its confidence.")
    word, per_mille = value
    if type(word) is not str or not form.fullmatch(word):
        raise InputRefused(f"A read's {name} does not have its form.")
    if type(per_mille) is not int or per_mille not in _FRACTION:
        raise InputRefused(f"A read's {name} must lie between 0 and {PER_MILLE} per mille.")
    return word, _FRACTION[per_mille]


def _box(value: Any) -> tuple[int, int, int, int]:
    numbers = _list(value, "box")
    are_whole = len(numbers) == _BOX_NUMBERS and _WHOLE_NUMBERS.issuperset(map(type, numbers))
    if not are_whole or min(numbers) < 0 or max(numbers) >= _MAX_PIXEL:
        raise InputRefused("A read's box is not four numbers of pixels.")
    return numbers[0], numbers[1], numbers[2], numbers[3]
