"""One-time sign-in links for the demo's people, made by its administrator; the vault honors them in demos only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from glassplate.cli.login import demo_passkey, demo_sign_in
from glassplate.client import VaultClient
from glassplate.demo.stage import ADMINISTRATOR, AUDITOR, OFFICER, PEOPLE

if TYPE_CHECKING:
    from glassplate.config import CityFolder, Settings


def sign_in_links(folder: CityFolder, settings: Settings) -> dict[str, str]:
    """Who (and on which face) -> link that signs in once; empty where the demo made no people."""
    if not demo_passkey(folder, ADMINISTRATOR).exists():
        return {}
    with VaultClient(folder.socket) as anybody:
        token, _session = demo_sign_in(anybody, folder, ADMINISTRATOR)
    with VaultClient(folder.socket, token) as administrator:
        return {
            f"{PEOPLE[who][0]} ({face})": f"{origin}/sign-in/link?secret={administrator.issue_link(who)}"
            for who, face, origin in (
                (OFFICER, "officer", settings.officer_origin),
                (AUDITOR, "oversight", settings.oversight_origin),
            )
        }
