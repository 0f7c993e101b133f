"""The result of a check as one HTML page for a reader who is no engineer: no script, no font, no network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from glassplate.verify.findings import Verification


def render_page(
    result: Verification,
    place: str,
    fingerprints: Mapping[str, str],
    *,
    made_at: datetime,
    as_of: datetime,
    decided_again: bool,
    compared: bool,
) -> str:
    """The page. ``place``: what was checked; ``decided_again``: with an auditor's key; ``compared``: with a kept checkpoint."""
    environment = Environment(
        loader=PackageLoader("glassplate.verify"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("verification.html").render(
        result=result,
        place=place,
        fingerprints=fingerprints,
        made_at=made_at,
        as_of=as_of,
        decided_again=decided_again,
        compared=compared,
    )
