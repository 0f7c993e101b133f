"""An act that waited for a second person: exactly the request that was asked for, or a new one as it was typed."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from glassplate.client import VaultClient
from glassplate.errors import UsageError

Asked = TypeVar("Asked")


def asked_for(
    client: VaultClient, approval: str | None, action: str, kind: type[Asked], typed: dict[str, Any]
) -> Asked:
    """The request to send. With an ``approval`` its own words; what else was typed must be the same.

    Raises:
        UsageError: a word is missing, the approval is of another act, or something else was typed than was asked for.
    """
    given = {name: value for name, value in typed.items() if value not in (None, "", ())}
    words = given
    if approval is not None:
        asked = client.show_approval(approval)
        if asked.action != action:
            raise UsageError(f"Request {approval} is for another act ({asked.action}), not for this one.")
        words = dict(asked.words)
    try:
        request = TypeAdapter(kind).validate_python(words)
    except ValidationError as error:
        missing = ", ".join(sorted({str(item["loc"][0]) for item in error.errors() if item["loc"]}))
        raise UsageError(
            f"These are missing or malformed: {missing.replace('_', ' ')}. See --help."
        ) from None
    if any(getattr(request, name) != value for name, value in given.items()):
        raise UsageError(
            f"Request {approval} was asked with other words. Name --approval alone, or ask anew."
        )
    return request
