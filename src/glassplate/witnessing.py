"""Who cosigns this city's log: the client for the witnesses that the charter names."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from glassplate.errors import CharterRejected, GlassplateError
from glassplate.log import HttpWeb, VerifierKey, WitnessClient, WitnessEndpoint

if TYPE_CHECKING:
    from glassplate.charter import Charter


def witness_client(charter: Charter) -> WitnessClient | None:
    """Asks the witnesses of ``charter``; None when it names none.

    Raises:
        CharterRejected: a witness's key is malformed, a log's key, or named twice.
    """
    if not charter.witnesses:
        return None
    try:
        endpoints = [
            WitnessEndpoint(VerifierKey.parse(one.vkey), one.url.rstrip("/")) for one in charter.witnesses
        ]
        return WitnessClient(endpoints, charter.witness_quorum, HttpWeb(), time.monotonic)
    except GlassplateError as error:
        raise CharterRejected(
            f"The charter's witnesses cannot be used: {error} Correct the draft and sign it again.",
            ("charter-witnesses",),
        ) from None
