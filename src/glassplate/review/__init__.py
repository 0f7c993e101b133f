"""Reviews the audit exports of other vendors' license plate readers: what stands out, and what cannot be judged."""

from __future__ import annotations

from glassplate.review.checks import CheckResult, Finding, Limits
from glassplate.review.page import Masking, render_page, verdict
from glassplate.review.reading import read_exports
from glassplate.review.review import Review, review
from glassplate.review.rows import Exports

__all__ = [
    "CheckResult",
    "Exports",
    "Finding",
    "Limits",
    "Masking",
    "Review",
    "read_exports",
    "render_page",
    "review",
    "verdict",
]
