"""From a typed page to an answer: HTML, or its JSON twin, from the same function.

A page is a frozen dataclass whose ``template`` names the file that may use it; the template sees ``page``
(exactly that class) and ``frame``. JSON is chosen by ``Accept: application/json`` or ``?format=json``, and
holds ``page`` only.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import TypeAdapter
from starlette.responses import HTMLResponse, JSONResponse

from glassplate.site import key_groups, key_state, key_words, reads_words
from glassplate.web import words
from glassplate.web.public_fields import public_fields

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from glassplate.web.face import Frame

HERE = Path(__file__).parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"


class Page(Protocol):
    """A typed, documented context."""

    template: ClassVar[str]


def make_environment() -> Environment:
    """Autoescape always; a name that a page does not have is an error, not an empty string."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for function in (
        key_groups,
        key_state,
        key_words,
        public_fields,
        reads_words,
        words.act_words,
        words.age,
        words.camera_state,
        words.capital,
        words.characters,
        words.clock,
        words.count,
        words.counted,
        words.data_uri,
        words.date,
        words.day,
        words.label,
        words.minute,
        words.minutes_in_words,
        words.percent,
        words.seconds_in_words,
        words.spaced,
        words.text_uri,
        words.until,
        words.vehicle,
        words.zone_name,
    ):
        environment.filters[function.__name__] = function
    return environment


_ENVIRONMENT = make_environment()


def wants_json(request: Request) -> bool:
    """Does this request ask for the JSON twin?"""
    accept = request.headers.get("accept", "")
    return request.query_params.get("format") == "json" or (
        "application/json" in accept and "text/html" not in accept
    )


def answer(request: Request, page: Page, frame: Frame, status: int = 200) -> Response:
    """The page as the visitor wants it."""
    if wants_json(request):
        return JSONResponse(as_json(page), status_code=status)
    return HTMLResponse(render(page, frame), status_code=status)


def render(page: Page, frame: Frame) -> str:
    """The page's HTML."""
    return _ENVIRONMENT.get_template(page.template).render(page=page, frame=frame)


def as_json(page: Page) -> Any:
    """The page's data; bytes are base64, times ISO 8601."""
    return TypeAdapter(type(page)).dump_python(page, mode="json")
