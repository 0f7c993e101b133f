"""Cameras: where frames come from. A frame is still encoded; only the caged decoder makes pixels of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from glassplate.errors import InputRefused
from glassplate.recognize.decode import MAX_IMAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png"})


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as the camera sent it. ``sha256``: hexadecimal digest of ``data``; ``name``: what messages call it."""

    camera_id: str
    captured_at: datetime
    sha256: str
    data: bytes = field(repr=False)
    name: str = "frame"


class Camera(Protocol):
    """A source of frames.

    Duties: frames come in the order of capture; the same picture gives the same frame again after a restart,
    so that it can be recognized as seen. A frame is at most ``MAX_IMAGE_BYTES`` long.
    """

    def frames(self) -> Iterator[Frame]:
        """Every frame until the source ends."""


def modified_at(path: Path) -> datetime:
    """When the file was last written: the capture time of a photo whose camera says nothing better."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def refuse(refusal: InputRefused) -> None:
    """Stop at the first file that cannot be a frame."""
    raise refusal


class FolderCamera:
    """The pictures of one folder, in the order of their names.

    Hidden files, subfolders and symbolic links are passed over: a link could lead anywhere. ``captured_at``
    says when a file was captured; ``on_refused`` hears of files that are too large, and raises unless told
    otherwise.
    """

    def __init__(
        self,
        folder: Path,
        camera_id: str,
        captured_at: Callable[[Path], datetime] = modified_at,
        on_refused: Callable[[InputRefused], None] = refuse,
    ) -> None:
        self._folder = folder
        self._camera_id = camera_id
        self._captured_at = captured_at
        self._on_refused = on_refused

    def frames(self) -> Iterator[Frame]:
        """Every picture now in the folder.

        Raises:
            InputRefused: the folder does not exist; or a file is too large and ``on_refused`` raises.
        """
        if not self._folder.is_dir():
            raise InputRefused(f"{self._folder} is not a folder; give the folder that holds the photos.")
        for path in sorted(self._folder.iterdir()):
            if not _is_picture(path):
                continue
            with path.open("rb") as file:
                data = file.read(MAX_IMAGE_BYTES + 1)
            if len(data) > MAX_IMAGE_BYTES:
                self._on_refused(
                    InputRefused(f"{path.name} has more than {MAX_IMAGE_BYTES / 1e6:.0f} MB. Scale it down.")
                )
                continue
            yield Frame(
                self._camera_id, self._captured_at(path), hashlib.sha256(data).hexdigest(), data, path.name
            )


def _is_picture(path: Path) -> bool:
    return (
        not path.name.startswith(".")
        and path.suffix.lower() in IMAGE_SUFFIXES
        and path.is_file()
        and not path.is_symlink()
    )
