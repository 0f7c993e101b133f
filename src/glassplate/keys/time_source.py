"""A second opinion on the time: the ``Date`` of a web server over HTTPS (RFC 9110 §6.6.1), to the second.

Asked only when the clock has jumped. TLS checks certificates by this machine's clock, so a clock that is wrong by years
gets no answer, and nothing is confirmed: the safe side. A witness's cosignature will be a better source.
"""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from glassplate.errors import ClockRefused

if TYPE_CHECKING:
    from datetime import datetime

TIMEOUT_SECONDS = 5.0  # the timers wait for it
MAX_DATE_CHARACTERS = 64


def https_time(url: str, transport: httpx.BaseTransport | None = None) -> datetime:
    """What the server says the time is. ``transport``: for tests.

    Raises:
        ClockRefused: no answer, or none with a date; redirects are not followed.
    """
    try:
        with httpx.Client(transport=transport, timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            said = client.head(url).headers.get("date", "")
        if not said or len(said) > MAX_DATE_CHARACTERS:
            raise ClockRefused(f"The time source {url} tells no time. Choose another one (time_source).")
        at = parsedate_to_datetime(said)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise ClockRefused(
            f"The time source {url} does not answer ({type(error).__name__}); it is asked again."
        ) from None
    except (TypeError, ValueError):
        raise ClockRefused(
            f"The time source {url} tells no time. Choose another one (time_source)."
        ) from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
