"""Which cameras see, as their live lanes say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from glassplate.records import CameraHealth
from glassplate.web import pages
from glassplate.web.signing_in import Visited


@dataclass(frozen=True, slots=True)
class CamerasPage:
    """Every camera of the charter in force, with the state of its lane."""

    template: ClassVar[str] = "oversight/cameras.html"
    cameras: tuple[CameraHealth, ...]
    seeing: int
    red: int


def camera_routes() -> APIRouter:
    """``/cameras``."""
    router = APIRouter()

    @router.get("/cameras")
    def cameras(request: Request, visit: Visited) -> Response:
        found = visit.status.cameras
        page = CamerasPage(
            cameras=found,
            seeing=sum(camera.state == "seeing" for camera in found),
            red=sum(camera.is_red for camera in found),
        )
        return pages.answer(request, page, visit.frame)

    return router
