"""The lane's side: seals to an epoch's public keys and cannot open what it sealed an instant ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import KeyUnavailable
from glassplate.recognize.redaction import RedactedImage
from glassplate.records import SealedRead
from glassplate.seal.envelope import EnvelopePlace, public_key_from_text, seal_envelope
from glassplate.seal.padding import pad
from glassplate.seal.read_format import READ_STEP, encode_read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from glassplate.records import EpochPublicKey, PlateRead
    from glassplate.seal.envelope import Kind

    _Keys = tuple[EpochPublicKey, EllipticCurvePublicKey, EllipticCurvePublicKey]


class Sealer:
    """Seals reads and redacted images for the epochs it was given keys for."""

    def __init__(self, agency_id: str, keys: Sequence[EpochPublicKey]) -> None:
        """``keys``: from the vault's signed bundle, whose signature the caller has checked.

        Raises:
            InputRefused: a key is not a point of P-256.
        """
        self._agency_id = agency_id
        self._keys = [
            (key, public_key_from_text(key.read_key), public_key_from_text(key.image_key)) for key in keys
        ]

    def seal(self, read: PlateRead, crop: RedactedImage, scene: RedactedImage | None = None) -> SealedRead:
        """Seal one read with its plate crop, for the epoch it was captured in.

        Raises:
            TypeError: an image that did not come from the redaction.
            KeyUnavailable: there is no key for the capture time.
            InputRefused: the read does not have its form.
        """
        for image in (crop, scene):
            if image is not None and type(image) is not RedactedImage:
                raise TypeError(f"Only a RedactedImage may be sealed, not {type(image).__name__}.")
        if crop is None:
            raise TypeError("A read is sealed together with its plate crop.")
        key, read_key, image_key = self._key_for(read.captured_at)

        def place(kind: Kind) -> bytes:
            return EnvelopePlace(kind, self._agency_id, key.epoch_id, read.camera_id, read.read_id).info()

        return SealedRead(
            read_id=read.read_id,
            epoch_id=key.epoch_id,
            captured_at=read.captured_at,
            read=seal_envelope(pad(encode_read(read), READ_STEP), read_key, place("read")),
            crop=seal_envelope(crop.jpeg, image_key, place("crop")),
            scene=None if scene is None else seal_envelope(scene.jpeg, image_key, place("scene")),
        )

    def _key_for(self, captured_at: datetime) -> _Keys:
        fitting = [entry for entry in self._keys if entry[0].starts_at <= captured_at < entry[0].ends_at]
        if not fitting:
            raise KeyUnavailable(
                f"No epoch key covers {captured_at.isoformat()}, so nothing captured then may be kept. "
                "Fetch the vault's list of keys again, and check the camera's clock."
            )
        return max(
            fitting, key=lambda entry: entry[0].starts_at
        )  # the shorter epoch, when a new charter overlaps
