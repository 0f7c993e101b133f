"""What the seal's tests share: keys of one invented epoch, a read, a redacted picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ec

from glassplate.recognize.redaction import redact_to_plate
from glassplate.records import Alternative, EpochPublicKey, PlateRead, Vehicle
from glassplate.seal import CameraKey, Sealer, public_key_text

AGENCY = "example-pd"
CAMERA = "cam-07"
READ_KEY, IMAGE_KEY, OTHER_KEY = (ec.derive_private_key(number, ec.SECP256R1()) for number in (11, 12, 13))
CAMERA_KEY = CameraKey.generate()
EPOCH = EpochPublicKey(
    epoch_id="2026-11-25",
    starts_at=datetime(2026, 11, 25, tzinfo=UTC),
    ends_at=datetime(2026, 11, 26, tzinfo=UTC),
    destroy_at=datetime(2026, 12, 25, tzinfo=UTC),
    read_key=public_key_text(READ_KEY.public_key()),
    image_key=public_key_text(IMAGE_KEY.public_key()),
)
READ = PlateRead(
    read_id="0123456789abcdef0123456789abcdef",
    text="7QXO418",
    character_confidences=(0.991, 0.5, 1.0, 0.734, 0.9, 0.999, 0.0),
    camera_id=CAMERA,
    captured_at=datetime(2026, 11, 25, 6, 30, 0, 123456, tzinfo=UTC),
    recognizer="ppocr-v6+grammar.1",
    box=(40, 30, 120, 40),
    alternatives=(Alternative("7QX0418", 0.61),),
    region="us-ca",
    region_confidence=0.82,
    vehicle=Vehicle("sedan", 0.7, "gray", 0.4),
)


def picture(brightness=90):
    """A plate crop that went through the redaction."""
    return redact_to_plate(np.full((300, 400, 3), brightness, dtype=np.uint8), (40, 30, 120, 40), [], [])


def sealed(number=0, **changes):
    """A sealed read; ``number`` makes other ids."""
    read = replace(READ, **{"read_id": f"{number:032x}", **changes})
    return Sealer(AGENCY, [EPOCH]).seal(read, picture())
