"""What the officer and the oversight face have in common: settings, a visit, a page's frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Literal

from starlette.requests import Request

from glassplate.errors import CharterRejected, GlassplateError, NotSignedIn
from glassplate.records import CameraHealth, CharterSummary, Session, VaultStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from glassplate.client import VaultClient

    ClientFactory = Callable[[str | None], VaultClient]
    """Session token (or None) -> a client to use in a ``with`` statement."""

FaceName = Literal["officer", "oversight"]


@dataclass(frozen=True, slots=True)
class Face:
    """One face's settings. ``origin`` is its public address, such as ``http://localhost:8101``."""

    name: FaceName
    title: str
    origin: str
    cookie: str
    navigation: tuple[tuple[str, str], ...]
    client_factory: ClientFactory
    zone: tzinfo = UTC


@dataclass(frozen=True, slots=True)
class Frame:
    """What every template may use around its own page."""

    face: FaceName
    title: str
    city: str
    mark: str
    person: str | None
    method: str | None
    navigation: tuple[tuple[str, str], ...]
    path: str
    now: datetime
    zone: tzinfo
    red_cameras: tuple[CameraHealth, ...] = ()
    """Cameras that do not see: whoever finds nothing has to know that nobody looked."""
    overdue: tuple[str, ...] = ()
    """Epochs whose key has outlived its date."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request's way to the vault, with the visitor's own session and nothing more."""

    face: Face
    client: VaultClient
    path: str
    status: VaultStatus
    session: Session | None

    @property
    def now(self) -> datetime:
        """The vault's trusted time, not this process's: a face never decides by its own clock."""
        return self.status.now

    @property
    def charter(self) -> CharterSummary:
        """The charter in force.

        Raises:
            CharterRejected: when there is none.
        """
        if self.status.charter is None:
            raise CharterRejected(
                "No charter is in force, so nothing can be searched. The offices have to sign one.",
                ("charter",),
            )
        return self.status.charter

    @property
    def frame(self) -> Frame:
        """The page around the page."""
        return frame_of(self.face, self.path, self.status, self.session)


def frame_of(face: Face, path: str, status: VaultStatus | None, session: Session | None) -> Frame:
    """A frame; also without a vault, for the page that says so."""
    charter = status.charter if status else None
    return Frame(
        face=face.name,
        title=face.title,
        city=charter.city if charter else "",
        mark=charter.mark if charter else "production",
        person=session.account.display_name if session else None,
        method=session.sign_in_method if session else None,
        navigation=face.navigation if session else (),
        path=path,
        now=status.now if status else datetime.now(UTC),
        zone=face.zone,
        red_cameras=tuple(camera for camera in status.cameras if camera.is_red) if status and session else (),
        overdue=status.overdue if status else (),
    )


def token_of(request: Request) -> str | None:
    """The session token from the cookie."""
    return request.cookies.get(face_of(request).cookie) or None


def face_of(request: Request) -> Face:
    """The face that answers."""
    face: Face = request.app.state.face
    return face


def visit(request: Request) -> Iterator[Visit]:
    """Dependency of every page for signed-in people.

    Raises:
        NotSignedIn: no session, or one that the vault no longer knows.
    """
    token = token_of(request)
    if token is None:
        raise NotSignedIn("Sign in first.", ("signed-in",))
    face = face_of(request)
    with face.client_factory(token) as client:
        yield Visit(face, client, request.url.path, client.status(), client.session())


def open_visit(request: Request) -> Iterator[Visit]:
    """Dependency of the pages for anybody: signing in, and saying what went wrong."""
    face = face_of(request)
    with face.client_factory(token_of(request)) as client:
        yield Visit(face, client, request.url.path, client.status(), _session_or_none(client, request))


def problem_frame(request: Request) -> Frame:
    """A frame for an error page: as much as the vault still tells."""
    face = face_of(request)
    try:
        with face.client_factory(token_of(request)) as client:
            status = client.status()
            return frame_of(face, request.url.path, status, _session_or_none(client, request))
    except GlassplateError:
        return frame_of(face, request.url.path, None, None)


def _session_or_none(client: VaultClient, request: Request) -> Session | None:
    if token_of(request) is None:
        return None
    try:
        return client.session()
    except NotSignedIn:
        return None
