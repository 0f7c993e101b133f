"""One read as a row of a segment, and back. Only ever written into an encrypted file.

``id`` = microseconds since 2020 << 10 | a number within that microsecond: unique in its epoch, never changed,
and ordered by capture time, so that a time range is a range of ids and "newest first" is "largest first".

``data``, little-endian, about 95 bytes:

    flags u8 (1: irregular, 2: has a scene, 4: has a crop) · camera u16 · body, first color, second color u8 · read id 16 bytes
    · sealed_sha256 32 bytes, then

    regular:    recognizer u8 · region u16 · box 4 × u16 · per mille of body, color, second color, region 4 × u16
                · length of the text u8 · text · 1000 - per mille of each character u8 (255: u16 follows)
                · number of alternatives u8 · each: place u8, character u8, per mille u16 where it is the text
                but for one character, else 255, length u8, text, per mille u16
    irregular:  length u32 · JSON of the read: whatever does not fit above, returned as exactly

and where the file is on the disk and the read has an image, its place (``image_files``).
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from glassplate.encoding import parse_time, time_text
from glassplate.records import Alternative, PlateRead, Vehicle
from glassplate.store.store import StoredRead
from glassplate.store.words import BODY, CAMERA, COLOR, MOST, RECOGNIZER, REGION

if TYPE_CHECKING:
    from glassplate.store.words import Words

ORIGIN = datetime(2020, 1, 1, tzinfo=UTC)
SEQUENCE_BITS = 10
SAME_INSTANT = 1 << SEQUENCE_BITS
_MICROSECOND = timedelta(microseconds=1)
_LATEST = datetime(2090, 1, 1, tzinfo=UTC)  # 2^51 microseconds after the origin an id would no longer fit

IRREGULAR, HAS_SCENE, HAS_CROP = 1, 2, 4
HEAD = struct.Struct("<BHBBB16s32s")
READ_ID, DIGEST = slice(6, 22), slice(22, 54)  # where they lie in ``HEAD``
_WHOLE = struct.Struct("<BHBBB16s32sBH4H4HB")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_CHANGED = struct.Struct("<BBH")
_FRACTIONS = tuple(k / 1000 for k in range(1001))
_PER_MILLE = {fraction: k for k, fraction in enumerate(_FRACTIONS)}
_DOUBTS = tuple(_FRACTIONS[1000 - k] for k in range(255))
_SMALL_DOUBT = {fraction: k for k, fraction in enumerate(_DOUBTS)}
_ESCAPE = 255
_MOST_ALTERNATIVES = 255
_LONGEST_TEXT = 200


class _IrregularError(Exception):
    """The read has something that the compact form cannot say."""


def first_id_at(at: datetime) -> int:
    """The lowest id of a read captured then; times outside the format's years are cut to its ends."""
    return ((min(max(at, ORIGIN), _LATEST) - ORIGIN) // _MICROSECOND) << SEQUENCE_BITS


def data_of(stored: StoredRead, words: Words) -> bytes:
    """The row's ``data``; new words are added to ``words``."""
    read, vehicle = stored.read, stored.read.vehicle
    numbers = words.numbers_of(
        read.camera_id, vehicle.body, vehicle.color, vehicle.second_color, read.recognizer, read.region
    )
    flags = (HAS_SCENE if stored.scene_sealed is not None else 0) | (HAS_CROP if stored.crop_sealed else 0)
    read_id, digest = bytes.fromhex(read.read_id), bytes.fromhex(stored.sealed_sha256)
    try:
        return _regular(read, flags, numbers, read_id, digest)
    except _IrregularError:
        whole = json.dumps({**asdict(read), "captured_at": time_text(read.captured_at)}).encode()
        head = HEAD.pack(flags | IRREGULAR, *numbers[:4], read_id, digest)
        return b"".join((head, _U32.pack(len(whole)), whole))


def read_of(row_id: int, data: bytes, words: Words, epoch_id: str) -> StoredRead:
    """Inverse of ``data_of``, without images: ``crop_sealed`` is empty, ``scene_sealed`` as well or None."""
    if data[0] & IRREGULAR:
        return _irregular(data, epoch_id)
    (flags, camera, body, color, second, read_id, digest, recognizer, region, *numbers, length) = (
        _WHOLE.unpack_from(data)
    )
    x, y, width, height, body_sure, color_sure, second_sure, region_sure = numbers
    texts = words.texts
    at = _WHOLE.size
    text = data[at : at + length].decode("ascii")
    at += length
    doubts = data[at : at + length]
    if _ESCAPE in doubts:
        confidences, at = _confidences(data, at, length)
    else:
        confidences = tuple([_DOUBTS[doubt] for doubt in doubts])
        at += length
    read = PlateRead(
        read_id.hex(),
        text,
        confidences,
        texts[CAMERA][camera],
        ORIGIN + timedelta(microseconds=row_id >> SEQUENCE_BITS),
        texts[RECOGNIZER][recognizer],
        (x, y, width, height),
        _alternatives(data, at, text) if data[at] else (),
        texts[REGION][region],
        _FRACTIONS[region_sure],
        Vehicle(
            texts[BODY][body],
            _FRACTIONS[body_sure],
            texts[COLOR][color],
            _FRACTIONS[color_sure],
            texts[COLOR][second],
            _FRACTIONS[second_sure],
        ),
    )
    return StoredRead(epoch_id, read, b"", b"" if flags & HAS_SCENE else None, digest.hex())


def _regular(
    read: PlateRead, flags: int, numbers: tuple[int, int, int, int, int, int], read_id: bytes, digest: bytes
) -> bytes:
    """``numbers``: of camera, body, both colors, recognizer, region."""
    vehicle, text, confidences = read.vehicle, read.text, read.character_confidences
    camera, body, color, second, recognizer, region = numbers
    is_regular = (
        len(text) <= _LONGEST_TEXT
        and text.isascii()
        and len(confidences) == len(text)
        and len(read.alternatives) <= _MOST_ALTERNATIVES
        and ORIGIN <= read.captured_at < _LATEST
        and recognizer < MOST[RECOGNIZER]
        and region < MOST[REGION]
        and camera < MOST[CAMERA]
        and max(body, color, second) < MOST[BODY]
    )
    if not is_regular:
        raise _IrregularError
    try:
        fixed = _WHOLE.pack(
            flags,
            camera,
            body,
            color,
            second,
            read_id,
            digest,
            recognizer,
            region,
            *read.box,
            _PER_MILLE[vehicle.body_confidence],
            _PER_MILLE[vehicle.color_confidence],
            _PER_MILLE[vehicle.second_color_confidence],
            _PER_MILLE[read.region_confidence],
            len(text),
        )
        alternatives = [_alternative(other, text) for other in read.alternatives]
        try:
            sure = bytes([_SMALL_DOUBT[confidence] for confidence in confidences])
        except KeyError:
            sure = b"".join([_doubt(confidence) for confidence in confidences])
    except (KeyError, struct.error):
        raise _IrregularError from None
    return b"".join((fixed, text.encode("ascii"), sure, bytes([len(alternatives)]), *alternatives))


def _doubt(confidence: float) -> bytes:
    doubt = 1000 - _PER_MILLE[confidence]
    return bytes([doubt]) if doubt < _ESCAPE else b"\xff" + _U16.pack(doubt)


def _confidences(data: bytes, at: int, count: int) -> tuple[tuple[float, ...], int]:
    found = []
    for _ in range(count):
        doubt = data[at]
        at += 1
        if doubt == _ESCAPE:
            doubt = _U16.unpack_from(data, at)[0]
            at += 2
        found.append(_FRACTIONS[1000 - doubt])
    return tuple(found), at


def _alternative(other: Alternative, text: str) -> bytes:
    confidence = _PER_MILLE[other.confidence]
    if len(other.text) > _LONGEST_TEXT or not other.text.isascii():
        raise _IrregularError
    if len(other.text) == len(text):
        places = [i for i, (a, b) in enumerate(zip(other.text, text, strict=True)) if a != b]
        if len(places) == 1:
            return _CHANGED.pack(places[0], ord(other.text[places[0]]), confidence)
    return bytes([_ESCAPE, len(other.text)]) + other.text.encode("ascii") + _U16.pack(confidence)


def _alternatives(data: bytes, at: int, text: str) -> tuple[Alternative, ...]:
    count = data[at]
    at += 1
    found = []
    for _ in range(count):
        if data[at] == _ESCAPE:
            end = at + 2 + data[at + 1]
            other = data[at + 2 : end].decode("ascii")
            confidence = _U16.unpack_from(data, end)[0]
            at = end + 2
        else:
            place, character, confidence = _CHANGED.unpack_from(data, at)
            other = f"{text[:place]}{chr(character)}{text[place + 1 :]}"
            at += _CHANGED.size
        found.append(Alternative(other, _FRACTIONS[confidence]))
    return tuple(found)


def _irregular(data: bytes, epoch_id: str) -> StoredRead:
    flags, *_, digest = HEAD.unpack_from(data)
    start = HEAD.size + _U32.size
    fields: dict[str, Any] = json.loads(data[start : start + _U32.unpack_from(data, HEAD.size)[0]])
    read = PlateRead(
        **{
            **fields,
            "character_confidences": tuple(fields["character_confidences"]),
            "captured_at": parse_time(fields["captured_at"]),
            "box": tuple(fields["box"]),
            "alternatives": tuple(Alternative(**other) for other in fields["alternatives"]),
            "vehicle": Vehicle(**fields["vehicle"]),
        }
    )
    return StoredRead(epoch_id, read, b"", b"" if flags & HAS_SCENE else None, digest.hex())
