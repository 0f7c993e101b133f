"""What every lane needs before its first frame: the camera's key, epoch keys, a recognizer that the charter names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.errors import Refused, UsageError
from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.recognize.engines import engine as recognizer_named

if TYPE_CHECKING:
    from glassplate.client import VaultClient
    from glassplate.config import CityFolder
    from glassplate.recognize.recognizer import Recognizer
    from glassplate.recognize.scenes import Scenes
    from glassplate.seal import CameraKey, Sealer


def camera_key(folder: CityFolder, camera_id: str) -> CameraKey:
    """The camera's signing key.

    Raises:
        UsageError: it has none here.
    """
    from glassplate.seal import CameraKey

    path = folder.lane(camera_id) / "camera.key"
    if not path.exists():
        raise UsageError(
            f"No key for camera {camera_id!r} ({path}). Make it with: glassplate charter camera-key {camera_id}"
        )
    return CameraKey.load(path)


def fetch_sealer(client: VaultClient, folder: CityFolder) -> Sealer:
    """A sealer with the epochs' public keys that the vault lists now.

    Raises:
        ProofFailed: the list is not signed by the publisher whose key this folder has.
    """
    bundle_key = VerifierKey.parse((folder.public / "bundle.vkey").read_text().strip())
    return open_bundle(client.epoch_bundle(), bundle_key)


def pinned_recognizer(engine: str, client: VaultClient, *, video: bool = False) -> tuple[Recognizer, Scenes]:
    """The recognizer, and what makes scenes, once the charter in force names them both.

    Raises:
        Refused: it does not, so that the vault would refuse read by read.
    """
    from glassplate.recognize.scenes import VehicleScenes, stored_version

    recognizer, scenes = recognizer_named(engine, video=video), VehicleScenes()
    demand_pinned(stored_version(recognizer, scenes.version), client)
    return recognizer, scenes


def demand_pinned(version: str, client: VaultClient) -> None:
    """Refuse before the first frame what the vault would refuse read by read.

    Raises:
        Refused: the charter in force does not name ``version``.
    """
    named = client.charter().recognizers
    if version not in named:
        raise Refused(
            f"The charter does not name this recognizer, so none of its reads would be accepted: {version}. "
            f"It names: {', '.join(named) or 'none'}. A new charter has to be signed.",
            ("recognizer-pinned",),
        )
