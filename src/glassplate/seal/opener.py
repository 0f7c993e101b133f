"""The vault's side: ``ReadOpener`` (intake) and ``ImageOpener`` (gate) hold one private key of one epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from glassplate.errors import ProofFailed
from glassplate.seal.envelope import EnvelopePlace, open_envelope
from glassplate.seal.padding import unpad
from glassplate.seal.read_format import READ_STEP, decode_read

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    from glassplate.records import PlateRead, SealedRead


class ReadOpener:
    """Opens reads of one epoch; has no key for images."""

    def __init__(self, private_key: EllipticCurvePrivateKey, *, agency_id: str) -> None:
        self._private_key = private_key
        self._agency_id = agency_id

    def open(self, sealed: SealedRead, *, camera_id: str) -> PlateRead:
        """The read inside; ``camera_id`` is the camera whose signature was checked.

        The caller checks that ``captured_at`` lies in the epoch.

        Raises:
            ProofFailed: it does not open in this place, or says something else inside than outside.
            InputRefused: it opens, but does not have its form.
        """
        info = read_info(sealed, self._agency_id, camera_id)
        return read_inside(open_envelope(sealed.read, self._private_key, info), sealed, camera_id)


def read_info(sealed: SealedRead, agency_id: str, camera_id: str) -> bytes:
    """HPKE ``info`` of a read of that camera."""
    return EnvelopePlace("read", agency_id, sealed.epoch_id, camera_id, sealed.read_id).info()


def read_inside(plaintext: bytes, sealed: SealedRead, camera_id: str) -> PlateRead:
    """The read in an envelope that was opened; ``sealed``: how it came.

    Raises:
        ProofFailed: it says something else inside than outside.
        InputRefused: it does not have its form.
    """
    read = decode_read(unpad(plaintext, READ_STEP))
    outside = (sealed.read_id, camera_id, sealed.captured_at)
    if (read.read_id, read.camera_id, read.captured_at) != outside:
        raise ProofFailed(
            "A sealed read says another id, camera or time inside than outside. It was not taken."
        )
    return read


class ImageOpener:
    """Opens plate crops and scenes of one epoch; has no key for reads."""

    def __init__(self, private_key: EllipticCurvePrivateKey, *, agency_id: str) -> None:
        self._private_key = private_key
        self._agency_id = agency_id

    def open(
        self,
        sealed: bytes,
        *,
        kind: str,
        epoch_id: str,
        camera_id: str,
        read_id: str,
    ) -> bytes:
        """The JPEG inside.

        Raises:
            ProofFailed: it is not this read's image of this kind.
            InputRefused: it is no envelope.
        """
        place = EnvelopePlace(_image_kind(kind), self._agency_id, epoch_id, camera_id, read_id)
        return open_envelope(sealed, self._private_key, place.info())


def _image_kind(kind: str) -> Literal["crop", "scene"]:
    if kind not in ("crop", "scene"):
        raise ValueError(f"an image is a crop or a scene, not {kind!r}")
    return "crop" if kind == "crop" else "scene"
