"""The walk of a frame, before the vault. A lane holds public keys and its own signing key, nothing else.

    (1) frame      from the camera, still encoded                                `capture.Camera.frames`
    (2) decode     in the cage                                                   `recognize.Decoder`
    (3) read       plates, one confidence a character                            `recognize.Recognizer`
    (4) redact     keep the plate, and the vehicle without people                `recognize.Scenes`
    (5) seal       read, crop and scene to the epoch's public key                `seal.Sealer`
    (6) outbox     durable, sealed                                               `capture.Outbox`
    (7) deliver    signed batches; deleted only when the vault says durable      `Lane.deliver`

A crash before (6) reads the frame again: the same frame gives the same read id. A crash after (6) delivers again.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from glassplate.encoding import sha256_hex
from glassplate.errors import InputRefused, UsageError
from glassplate.log import VerifierKey, open_note
from glassplate.recognize.scenes import stored_version
from glassplate.records import PlateRead
from glassplate.seal import BatchSigner, Sealer, parse_bundle

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from glassplate.capture.camera import Camera, Frame
    from glassplate.capture.outbox import Outbox
    from glassplate.client import VaultClient
    from glassplate.recognize.decode import Decoder
    from glassplate.recognize.recognizer import PlateCandidate, Recognizer
    from glassplate.recognize.scenes import Scenes
    from glassplate.records import SealedRead, Vehicle

BATCH_READS = 50  # with 20 KB for a crop and up to 100 for a scene a batch stays near 5 MB
READ_ID_DIGITS = 32
FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1.0, 60.0


@dataclass(slots=True)
class LaneOutcome:
    """What became of the frames, in counts and (for the person at the lane) names of refused files.

    ``scenes_failed``: frames of which a blank picture is kept, because the redaction failed; ``lost``: vehicles that were
    read and not kept.
    """

    frames: int = 0
    reads: list[PlateRead] = field(default_factory=list, repr=False)
    without_plate: int = 0
    not_kept: int = 0
    """Reads dropped, because the box was no plate's or people were in it."""
    refused: list[str] = field(default_factory=list)
    delivered: int = 0
    duplicates: int = 0
    scenes_failed: int = 0
    lost: int = 0
    refused_by_vault: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Retry:
    """When to deliver again what failed: each time twice as late, up to a minute.

    Each delay is cut by chance, to half of it at most, so that the lanes of a city do not come back all at once.
    """

    chance: Callable[[], float] = random.SystemRandom().random
    """From 0 to 1."""
    _failures: int = 0
    _due_at: float = float("-inf")

    def is_due(self, now: float) -> bool:
        """Whether to try at ``now``, in seconds by the monotonic clock."""
        return now >= self._due_at

    def note_failed(self, now: float) -> None:
        """It failed at ``now``."""
        delay = min(FIRST_DELAY_SECONDS * 2**self._failures, LONGEST_DELAY_SECONDS)
        if delay < LONGEST_DELAY_SECONDS:
            self._failures += 1
        self._due_at = now + delay * (1 + self.chance()) / 2

    def reset(self) -> None:
        """It went well, or what hindered it is over."""
        self._failures, self._due_at = 0, float("-inf")


@dataclass(frozen=True, slots=True)
class Courier:
    """Carries one lane's outbox to the vault in signed batches."""

    signer: BatchSigner
    outbox: Outbox

    def deliver(self, client: VaultClient, outcome: LaneOutcome) -> None:
        """Hand over what waits; raises what the vault raised and keeps the rest."""
        while (waiting := self.outbox.waiting(BATCH_READS)).reads:
            answer = client.deliver(self._signed(waiting.first, waiting.reads))
            outcome.delivered += len(answer.accepted)
            outcome.duplicates += len(answer.duplicate)
            outcome.refused_by_vault.extend(answer.refused)
            done = [*answer.accepted, *answer.duplicate, *(read_id for read_id, _ in answer.refused)]
            self.outbox.delete(done)
            if not done:
                raise InputRefused(
                    "The vault took nothing of a batch and gave no reason; update lane and vault together."
                )

    def _signed(self, first: int, waiting: list[SealedRead]) -> bytes:
        """A batch of as many of the waiting reads as fit one."""
        while True:
            try:
                return self.signer.sign(first, waiting, outbox=self.outbox.outbox_id)
            except UsageError:
                if len(waiting) == 1:
                    raise
                waiting = waiting[: len(waiting) // 2]


@dataclass(frozen=True, slots=True)
class Lane:
    """One camera's walk."""

    camera: Camera
    decoder: Decoder
    recognizer: Recognizer
    scenes: Scenes
    sealer: Sealer
    signer: BatchSigner
    outbox: Outbox

    def capture(self, outcome: LaneOutcome, on_frame: Callable[[Frame], None] = lambda _frame: None) -> None:
        """Steps (1) to (6) for every frame the camera has."""
        version = stored_version(self.recognizer, self.scenes.version)  # once: what runs was loaded once
        for frame in self.camera.frames():
            outcome.frames += 1
            try:
                self._capture_one(frame, outcome, version)
            except InputRefused as refusal:
                outcome.refused.append(str(refusal))
            on_frame(frame)

    def deliver(self, client: VaultClient, outcome: LaneOutcome) -> None:
        """Step (7); see ``Courier.deliver``."""
        Courier(self.signer, self.outbox).deliver(client, outcome)

    def _capture_one(self, frame: Frame, outcome: LaneOutcome, version: str) -> None:
        pixels = self.decoder.decode(frame.data, frame.name)
        candidates = self.recognizer.read(pixels)
        if not candidates:
            outcome.without_plate += 1
        sealed = []
        kept = self.scenes.of(pixels, [candidate.box for candidate in candidates])
        for ordinal, (candidate, one) in enumerate(zip(candidates, kept, strict=True)):
            if one.crop is None:
                outcome.not_kept += 1
                continue
            identity = f"{frame.camera_id}\n{frame.sha256}\n{frame.captured_at.isoformat()}\n{ordinal}"
            read = plate_read(identity, frame.camera_id, frame.captured_at, version, candidate, one.vehicle)
            sealed.append(self.sealer.seal(read, one.crop, one.scene))
            outcome.reads.append(read)
        self.outbox.put(sealed)


def open_bundle(note: str, bundle_key: VerifierKey) -> Sealer:
    """A sealer for the epochs that the vault's signed bundle names.

    Raises:
        ProofFailed: when the bundle was not signed by ``bundle_key``.
    """
    bundle = parse_bundle(open_note(note.encode(), demand=bundle_key).text)
    return Sealer(bundle.agency_id, bundle.keys)


def plate_read(
    identity: str,
    camera_id: str,
    captured_at: datetime,
    recognizer: str,
    candidate: PlateCandidate,
    vehicle: Vehicle,
) -> PlateRead:
    """The read of one plate. ``identity`` says what was read where in which frame: the same one gives the same id."""
    return PlateRead(
        read_id=sha256_hex(identity.encode())[:READ_ID_DIGITS],
        text=candidate.text,
        character_confidences=candidate.character_confidences,
        camera_id=camera_id,
        captured_at=captured_at,
        recognizer=recognizer,
        box=candidate.box,
        alternatives=candidate.alternatives,
        region=candidate.region,
        region_confidence=candidate.region_confidence,
        vehicle=vehicle,
    )
