"""Reading a posted form: a few short text fields, nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from starlette.requests import Request

from glassplate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_FIELDS = 300  # a city's cameras as check boxes, with room
MAX_TEXT = 2_000  # characters in one field; a note is the longest
MAX_ASSERTION = 12_000  # a passkey's answer as JSON; some credential ids have a thousand bytes, twice


@dataclass(frozen=True, slots=True)
class PostedForm:
    """Field name -> the texts it came with. A field that is missing reads as empty."""

    values: dict[str, tuple[str, ...]] = field(repr=False)

    def text(self, name: str) -> str:
        """The first value, without blanks around it."""
        texts = self.texts(name)
        return texts[0].strip() if texts else ""

    def texts(self, name: str) -> Sequence[str]:
        """All values, for check boxes."""
        return self.values.get(name, ())


async def posted_form(request: Request) -> PostedForm:
    """Dependency: the form of this request.

    Raises:
        UsageError: for a field longer than any of ours.
    """
    values: dict[str, list[str]] = {}
    async with request.form(max_files=0, max_fields=MAX_FIELDS) as form:
        for name, value in form.multi_items():
            limit = MAX_ASSERTION if name == "assertion" else MAX_TEXT
            if not isinstance(value, str) or len(value) > limit:
                raise UsageError(f"The field {name[:40]!r} is longer than {limit} characters.")
            values.setdefault(name, []).append(value)
    return PostedForm({name: tuple(texts) for name, texts in values.items()})
