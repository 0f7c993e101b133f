"""A live lane's signed heartbeat (``docs/formats/seal.md``): whether it sees, and how it fares. No plate in it.

    "GPBEAT02" ‖ canonical JSON ‖ Ed25519 signature (64)

The signature is by the camera, over ``glassplate/heartbeat/v2``, a newline, and everything before it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from glassplate.encoding import canonical_json, from_base64url, parse_json, parse_time, time_text
from glassplate.errors import InputRefused, ProofFailed
from glassplate.seal.batch import MAX_SEQUENCE
from glassplate.seal.read_format import CAMERA_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_HEARTBEAT_BYTES = 4096
MAX_COUNT = 2**53 - 1
_MAGIC = b"GPBEAT02"
_DOMAIN = b"glassplate/heartbeat/v2\n"
_VERSION = 2
_SIGNATURE_BYTES = 64
_WORD = re.compile(r"[a-z-]{0,32}", re.ASCII)

LaneState = Literal["seeing", "blind", "stopped"]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """What a lane says of itself at ``at``, by its own clock.

    ``sequence`` rises with every heartbeat. ``problem``: one word of a fixed list, empty while it sees.
    ``warning``: the same for what went wrong lately though it sees. ``since``: how long ``state`` has lasted. Counts are
    since the lane started: frames ``decoded``, passed over as ``still``, looked at closely, ``dropped`` because nobody
    took them in time, ``failed`` in the recognizer, parts ``damaged``; ``reads`` sealed; vehicles ``lost`` because they
    could not be sealed; ``scenes_failed``: reads without a picture, because it could not be redacted. ``waiting``: reads
    in the outbox.
    """

    camera_id: str
    sequence: int
    at: datetime
    state: LaneState
    problem: str
    since: datetime
    last_frame_at: datetime | None
    warning: str = ""
    decoded: int = 0
    still: int = 0
    looked: int = 0
    dropped: int = 0
    damaged: int = 0
    failed: int = 0
    reads: int = 0
    lost: int = 0
    scenes_failed: int = 0
    waiting: int = 0

    def signed(self, private_key: Ed25519PrivateKey) -> bytes:
        """The bytes to send."""
        plain = {name: _plain(value) for name, value in asdict(self).items()}
        body = _MAGIC + canonical_json({"v": _VERSION, **plain})
        return body + private_key.sign(_DOMAIN + body)


_NAMES = tuple(field.name for field in fields(Heartbeat))
_COUNTS = (
    *("decoded", "still", "looked", "dropped", "damaged", "failed"),
    *("reads", "lost", "scenes_failed", "waiting"),
)


def verify_heartbeat(data: bytes, camera_public_keys: Mapping[str, str]) -> Heartbeat:
    """A heartbeat from a camera that is listed, with a signature that holds.

    Raises:
        InputRefused: the bytes are not a heartbeat.
        ProofFailed: the camera is not listed, or did not sign this.
    """
    if len(data) > MAX_HEARTBEAT_BYTES or not data.startswith(_MAGIC):
        raise InputRefused("These bytes are not a heartbeat of version 2; update lane and vault together.")
    body, signature = data[:-_SIGNATURE_BYTES], data[-_SIGNATURE_BYTES:]
    text = body[len(_MAGIC) :]
    heartbeat = _parsed(parse_json(text, limit=MAX_HEARTBEAT_BYTES), text)
    public_key = camera_public_keys.get(heartbeat.camera_id)
    if public_key is None:
        raise ProofFailed(f"The camera {heartbeat.camera_id} is not listed in the charter.")
    try:
        Ed25519PublicKey.from_public_bytes(from_base64url(public_key)).verify(signature, _DOMAIN + body)
    except (InvalidSignature, ValueError):
        raise ProofFailed(
            f"The heartbeat is not signed by the key the charter lists for {heartbeat.camera_id}."
        ) from None
    return heartbeat


def _parsed(plain: Any, text: bytes) -> Heartbeat:
    if not isinstance(plain, dict) or set(plain) != {"v", *_NAMES} or plain["v"] != _VERSION:
        raise InputRefused("The heartbeat has other fields than version 2 knows.")
    if canonical_json(plain) != text:
        raise InputRefused("The heartbeat is not canonical JSON.")
    counts = [plain[name] for name in _COUNTS]
    if any(type(count) is not int or not 0 <= count <= MAX_COUNT for count in counts):
        raise InputRefused("A count of the heartbeat is not a whole number from 0.")
    sequence, camera_id, words = plain["sequence"], plain["camera_id"], (plain["problem"], plain["warning"])
    if type(sequence) is not int or not 0 <= sequence <= MAX_SEQUENCE:
        raise InputRefused("The heartbeat's sequence is not a whole number from 0.")
    if not isinstance(camera_id, str) or not CAMERA_ID.fullmatch(camera_id):
        raise InputRefused("The heartbeat's camera id does not have its form.")
    if plain["state"] not in get_args(LaneState):
        raise InputRefused("The heartbeat's state is none that version 2 knows.")
    if any(not isinstance(word, str) or not _WORD.fullmatch(word) for word in words):
        raise InputRefused("The heartbeat's problem or warning is not one short word.")
    last = plain["last_frame_at"]
    times = {
        "at": parse_time(plain["at"]),
        "since": parse_time(plain["since"]),
        "last_frame_at": None if last is None else parse_time(last),
    }
    return Heartbeat(**{**{name: plain[name] for name in _NAMES}, **times})


def _plain(value: Any) -> Any:
    return time_text(value) if isinstance(value, datetime) else value
