"""What the tests of the faces share."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
from fake_vault import CHARTER, NOW

from glassplate.records import EpochStatus
from glassplate.site import SiteReport, chapters
from glassplate.site.report_data import AlertCounts, EvidenceCounts

if TYPE_CHECKING:
    from starlette.types import ASGIApp

ORIGIN = "https://officer.example"
GOOD_SEARCH = {
    "plate": "7kdr214",
    "purpose": "stolen_vehicle",
    "offense": "vc_10851",
    "case_number": "26-004512",
    "declared_use": "own_case",
    "on_behalf_of": "",
    "period": "7-days",
}


class Browser:
    """Sends what a browser sends from our own page, keeps cookies, follows nothing by itself."""

    def __init__(self, app: ASGIApp, *, raises: bool = True) -> None:
        self._app = app
        self._raises = raises
        self.cookies = httpx.Cookies()

    def get(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("GET", path, **arguments)

    def post(self, path: str, **arguments: Any) -> httpx.Response:
        return self.request("POST", path, **arguments)

    def request(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any
    ) -> httpx.Response:
        sent = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Accept": "text/html", **(headers or {})}
        sent = {name: value for name, value in sent.items() if value}
        return asyncio.run(self._request(method, path, headers=sent, **rest))

    async def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self._app, raise_app_exceptions=self._raises)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, cookies=self.cookies) as client:
            response = await client.request(method, path, **arguments)
            self.cookies = client.cookies
            return response


def make_report(**changes: object) -> SiteReport:
    """A report with every part filled."""
    day = timedelta(days=1)
    midnight = NOW.replace(hour=0, minute=0)
    values: dict[str, object] = {
        "city": CHARTER.city,
        "agency": CHARTER.agency,
        "generated_at": NOW,
        "next_report_at": NOW + timedelta(minutes=1),
        "mark": "demo",
        "charter": CHARTER,
        "chapters": chapters(CHARTER),
        "searches_by_purpose": (
            ("finding a stolen vehicle", 1_204),
            ("finding a missing or abducted person", 96),
        ),
        "refusals_by_rule": (("declared-use", 4), ("case-number", 17)),
        "alerts": AlertCounts(raised=41, confirmed=18, dismissed=21),
        "images_opened": 311,
        "evidence": EvidenceCounts(holds_live=3, reads_held=14, holds_ended=2, exports=5, reads_exported=21),
        "reads_live": 522_918,
        "oldest_live_read_at": NOW - timedelta(days=29, hours=4),
        "epochs": (
            EpochStatus("2026-11-26", midnight + day, midnight + 2 * day, midnight + 31 * day, "open", None),
            EpochStatus("2026-11-25", midnight, midnight + day, midnight + 30 * day, "open", 1_204),
            EpochStatus("2026-11-24", midnight - day, midnight, midnight + 29 * day, "closed", 18_770),
            EpochStatus(
                "2026-10-25", midnight - 31 * day, midnight - 30 * day, midnight - day, "destroyed", None
            ),
        ),
        "entries_by_type": (("search", 1_300), ("search-outcome", 1_300), ("epoch-destroyed", 60)),
        "log_origin": "exampleville.example/glassplate",
        "log_size": 18_442,
        "log_vkey": "exampleville.example/glassplate+1a2b3c4d+AWexamplekeyexamplekeyexamplekeyexamplekey",
        "fingerprints": CHARTER.signed_by,
    }
    return SiteReport(**{**values, **changes})  # type: ignore[arg-type]
